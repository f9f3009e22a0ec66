/* zk_call.h: what the two sides of zk.h share: a call with everything it borrowed copied, its result, and the queue
 * that gives the answers back in the order of the calls. Only zk.c, zk_conn.c and fake*.c include this. */
#ifndef BN_ZK_CALL_H
#define BN_ZK_CALL_H

#include "common/sys/mailbox.h"
#include "common/zk/zk.h"

#define BN_ZK_CALL_QUEUE_MAX 16384   /* calls waiting and in flight; more are refused with BN_FULL, out of turn */
#define BN_ZK_CALL_BYTES_MAX 1000000 /* of one call; ZooKeeper's jute.maxbuffer less its headers */

enum bn_zk_call_kind {
    BN_ZK_CALL_GET,
    BN_ZK_CALL_EXISTS,
    BN_ZK_CALL_CHILDREN,
    BN_ZK_CALL_CREATE,
    BN_ZK_CALL_SET,
    BN_ZK_CALL_REMOVE,
    BN_ZK_CALL_MULTI,
    BN_ZK_CALL_SYNC,
};

struct bn_zk_call_watch; /* zk_conn.c's */

struct bn_zk_call {
    struct bn_list link; /* in bn_zk_core.calls, in the order of the calls */
    struct bn_msg msg;   /* zk_conn.c: the answer on its way to the loop */
    struct bn_list sent; /* zk_conn.c: in struct bn_zk_conn.sent while in flight */
    enum bn_zk_call_kind kind;

    /* What was asked. Paths have the chroot in front. */
    char *path;
    uint8_t *data;
    size_t data_len;
    bool data_null;
    int32_t version;
    int flags;
    struct bn_zk_op *ops; /* their path and data are owned too */
    int op_count;
    size_t bytes; /* what it costs on the wire, roughly */
    bn_zk_watch_cb watch;
    void *watch_arg;

    /* Where the answer goes. */
    union {
        bn_zk_get_cb get;
        bn_zk_stat_cb stat;
        bn_zk_children_cb children;
        bn_zk_create_cb create;
        bn_zk_multi_cb multi;
        bn_zk_void_cb done;
    } cb;
    void *arg;

    /* The answer. */
    bool done; /* status and results are final */
    int status;
    uint8_t *out;
    size_t out_len;
    bool out_null, has_stat;
    struct bn_zk_stat stat;
    char **names;
    int name_count;
    char *created; /* with the chroot */
    struct bn_zk_op_result *results;

    /* zk_conn.c and fake.c: where it is. */
    bool in_flight; /* the other side holds a pointer to it */
    bool orphan;    /* answered already (expiry); free it when the other side lets go */
    void *conn;
    struct bn_zk_call_watch *armed;
    void *multi; /* zk_conn.c's arrays that must live until completion */
};

/* The head of both clients. */
struct bn_zk_core {
    struct bn_zk zk; /* first */
    char *chroot;    /* "" or "/kafka" */
    struct bn_list calls, refused;
    size_t count;
    enum bn_zk_state state;
    int64_t session_id;
    bn_zk_state_cb state_cb;
    void *state_arg;
    bool closed;                       /* close was called: new calls are answered BN_CLOSED */
    void (*kick)(struct bn_zk_core *); /* there is something to send or to deliver; must not call back at once */
};

/* Splits config->connect into hosts (gives) and the chroot kept in core. BN_BAD names what is wrong. */
int bn_zk_call_core_init(struct bn_zk_core *core, const struct bn_zk_config *config, char **hosts, struct bn_err *e);
void bn_zk_call_core_fini(struct bn_zk_core *core); /* no calls left */

/* The operations of struct bn_zk_ops; each queues a call and kicks. state and session_id read the core. */
void bn_zk_call_get(struct bn_zk *, const char *path, bn_zk_watch_cb, void *watch_arg, bn_zk_get_cb, void *arg);
void bn_zk_call_exists(struct bn_zk *, const char *path, bn_zk_watch_cb, void *watch_arg, bn_zk_stat_cb, void *arg);
void bn_zk_call_children(struct bn_zk *, const char *path, bn_zk_watch_cb, void *watch_arg, bn_zk_children_cb,
                         void *arg);
void bn_zk_call_create(struct bn_zk *, const char *path, struct bn_slice data, int flags, bn_zk_create_cb, void *arg);
void bn_zk_call_set(struct bn_zk *, const char *path, struct bn_slice data, int32_t version, bn_zk_stat_cb, void *arg);
void bn_zk_call_remove(struct bn_zk *, const char *path, int32_t version, bn_zk_void_cb, void *arg);
void bn_zk_call_multi(struct bn_zk *, const struct bn_zk_op *ops, int count, bn_zk_multi_cb, void *arg);
void bn_zk_call_sync(struct bn_zk *, const char *path, bn_zk_void_cb, void *arg);
enum bn_zk_state bn_zk_call_state(struct bn_zk *);
int64_t bn_zk_call_session_id(struct bn_zk *);

bool bn_zk_call_is_read(const struct bn_zk_call *c); /* may be sent again */
/* Ends a call without a result of its own; a multi's results all get the status. */
void bn_zk_call_fail(struct bn_zk_call *c, int status);
/* The status of a multi from each op's own: the failing op's is the whole's, the others' become BN_IO. Not yet done. */
void bn_zk_call_settle_multi(struct bn_zk_call *c);
/* Calls back, from the head of the queue while calls are done. */
void bn_zk_call_deliver(struct bn_zk_core *core);
/* Answers every queued call that is not done with BN_CLOSED and delivers all, in order. Calls made meanwhile stay. */
void bn_zk_call_close_all(struct bn_zk_core *core);
void bn_zk_call_free(struct bn_zk_call *c);
struct bn_zk_call *bn_zk_call_new(enum bn_zk_call_kind kind, const char *chroot, const char *path);
const char *bn_zk_call_strip(const struct bn_zk_core *core, const char *path); /* without the chroot */
/* Changes the state and tells it. */
void bn_zk_call_tell(struct bn_zk_core *core, enum bn_zk_state state, int64_t session_id);

#endif
