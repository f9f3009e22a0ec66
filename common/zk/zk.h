/* zk.h: a ZooKeeper client that lives on one loop. A vtable with two sides: the real one (libzookeeper_mt, whose own
 * threads only post to a mailbox) and fake.c (in memory, for tests and the simulation); the same tests run over both.
 *
 * Every call is asynchronous; its callback runs later on the owner's loop, in the order of the calls, exactly once,
 * with
 *   0            done
 *   BN_NOTFOUND  no node        BN_EXISTS  node exists      BN_STALE  bad version or a multi's check failed
 *   BN_NOTEMPTY  has children   BN_LOST    the connection broke after sending: it may have happened
 *   BN_CLOSED    the session expired or the client is closed
 *   BN_FULL      16384 calls are waiting already (this answer alone comes out of turn)
 *   BN_IO        anything else: not a path, more than 1,000,000 bytes, a child of an ephemeral, no permission
 * Reads (get, children, exists, sync) are retried over a reconnect inside and never answer BN_LOST; writes are not.
 * Calls made while disconnected wait for the connection. Never blocks. Paths are absolute below the chroot. A watch
 * event comes after the answer that armed it and before the answer to any later call that could show the change. */
#ifndef BN_ZK_H
#define BN_ZK_H

#include "common/base/err.h"
#include "common/base/slice.h"
#include "common/sys/loop.h"
#include "common/sys/mailbox.h"

enum bn_zk_state {
    BN_ZK_CONNECTING, /* never yet connected, or reconnecting: behave as if not owner of anything */
    BN_ZK_CONNECTED,
    BN_ZK_EXPIRED, /* ephemerals and watches are gone; CONNECTED with a new session follows by itself */
};

struct bn_zk_stat {
    int64_t czxid, mzxid, ephemeral_owner; /* session id or 0 */
    int64_t ctime_ms, mtime_ms;
    int32_t version, cversion, child_count;
};

enum bn_zk_watch_kind { BN_ZK_CREATED, BN_ZK_DELETED, BN_ZK_CHANGED, BN_ZK_CHILDREN };

struct bn_zk_op { /* one operation of a multi */
    enum { BN_ZK_OP_CREATE, BN_ZK_OP_SET, BN_ZK_OP_DELETE, BN_ZK_OP_CHECK } kind;
    const char *path;     /* borrowed for the call */
    struct bn_slice data; /* CREATE, SET; null = no data */
    int32_t version;      /* SET, DELETE, CHECK; -1 = any */
    int flags;            /* CREATE: of enum below */
};
enum { BN_ZK_PERSISTENT = 0, BN_ZK_EPHEMERAL = 1, BN_ZK_SEQUENTIAL = 2 };

struct bn_zk_op_result { /* parallel to the ops */
    int status;             /* this op's own; ops that were not the failing one answer BN_IO when the multi failed */
    struct bn_zk_stat stat; /* SET: after; CREATE: not filled */
    char path[512];         /* CREATE: the real name (sequential suffix) */
};

typedef void (*bn_zk_get_cb)(void *arg, int status, struct bn_slice data, const struct bn_zk_stat *stat);
typedef void (*bn_zk_stat_cb)(void *arg, int status, const struct bn_zk_stat *stat); /* set, exists */
typedef void (*bn_zk_children_cb)(void *arg, int status, char **names, int count);
typedef void (*bn_zk_create_cb)(void *arg, int status, const char *path);
typedef void (*bn_zk_multi_cb)(void *arg, int status, const struct bn_zk_op_result *results, int count);
typedef void (*bn_zk_void_cb)(void *arg, int status);
/* One-shot; re-armed by the read that follows. Dropped silently at expiry (the state callback tells). */
typedef void (*bn_zk_watch_cb)(void *arg, enum bn_zk_watch_kind kind, const char *path);
typedef void (*bn_zk_state_cb)(void *arg, enum bn_zk_state state);

struct bn_zk {
    const struct bn_zk_ops *ops;
};

struct bn_zk_ops {
    void (*get)(struct bn_zk *, const char *path, bn_zk_watch_cb watch, void *watch_arg, bn_zk_get_cb cb, void *arg);
    void (*exists)(struct bn_zk *, const char *path, bn_zk_watch_cb watch, void *watch_arg, bn_zk_stat_cb cb,
                   void *arg);
    void (*children)(struct bn_zk *, const char *path, bn_zk_watch_cb watch, void *watch_arg, bn_zk_children_cb cb,
                     void *arg);
    void (*create)(struct bn_zk *, const char *path, struct bn_slice data, int flags, bn_zk_create_cb cb, void *arg);
    void (*set)(struct bn_zk *, const char *path, struct bn_slice data, int32_t version, bn_zk_stat_cb cb, void *arg);
    void (*remove)(struct bn_zk *, const char *path, int32_t version, bn_zk_void_cb cb, void *arg);
    void (*multi)(struct bn_zk *, const struct bn_zk_op *ops, int count, bn_zk_multi_cb cb, void *arg);
    void (*sync)(struct bn_zk *, const char *path, bn_zk_void_cb cb, void *arg);
    enum bn_zk_state (*state)(struct bn_zk *);
    int64_t (*session_id)(struct bn_zk *); /* 0 when none */
    /* Ends the session (ephemerals go at once); outstanding callbacks come with BN_CLOSED, then done. */
    void (*close)(struct bn_zk *, bn_zk_void_cb done, void *arg);
};

struct bn_zk_config {
    const char *connect; /* host:port,host:port/chroot — the chroot is made if missing */
    int session_timeout_ms;
    bn_zk_state_cb state_cb; /* on the loop; the session's first CONNECTED comes when the chroot exists */
    void *state_arg;
};

/* The real one. connect is checked at once (BN_BAD names what is wrong); connecting goes on in the background. mailbox
 * belongs to the loop that will own the client. */
int bn_zk_open(const struct bn_zk_config *config, struct bn_loop *loop, struct bn_mailbox *mailbox, struct bn_zk **out,
               struct bn_err *e) BN_MUST_CHECK;

/* zk_util.c, made of the ops: creates path and every missing parent with null data; there already = 0. */
void bn_zk_make_path(struct bn_zk *zk, const char *path, bn_zk_void_cb cb, void *arg);

#endif
