/* zk_world.h: a loop, a ZooKeeper and up to four clients of it, in either of two kinds, so that one test runs over
 * both. What happens is written down as lines of text; a test compares them. */
#ifndef ZK_WORLD_H
#define ZK_WORLD_H

#include "common/base/str.h"
#include "common/zk/fake.h"
#include "common/zk/zk.h"
#include "tests/unit/common/zk/zk_proxy.h"

struct zk_client {
    struct zk_world *world;
    char name; /* 'a'.. as lines begin */
    struct bn_zk *zk;
    struct zk_proxy *proxy;
    int states[3]; /* how often each was told */
    void (*on_state)(struct zk_client *c, enum bn_zk_state state);
    void *arg;
};

struct zk_world {
    bool real;
    struct bn_loop *loop;
    struct bn_mailbox *mailbox;
    struct bn_fake_zk *fake;
    struct zk_client clients[4];
    int client_count;
    int session_ms;  /* of clients to come; 0 = 1000 */
    int outstanding; /* calls of the helpers below without an answer */
    struct bn_str lines;
};

/* Around a test case of the real kind. */
void zk_world_server_start(void);
void zk_world_server_stop(void);

void zk_world_open(struct zk_world *w, bool real);
void zk_world_close(struct zk_world *w); /* closes every client */

/* A client under a chroot that is new for each world; connects through a proxy of its own when real. */
struct zk_client *zk_world_client(struct zk_world *w);
void zk_world_client_close(struct zk_client *c);

/* Turns the loop until *value is at least least (a callback counts it up), or until no call is outstanding. Fails
 * after 20 s. */
void zk_world_wait(struct zk_world *w, const int *value, int least);
void zk_world_settle(struct zk_world *w);
/* The lines since the last look are these; each ends in '\n'. */
void zk_world_expect(struct zk_world *w, const char *lines);

/* Faults. A broken client is reconnected by heal; expire needs the cut before it and tells the client at heal. */
void zk_world_cut(struct zk_client *c);
void zk_world_heal(struct zk_client *c);
void zk_world_deafen(struct zk_client *c);             /* real: heals, but the next connection is never answered */
void zk_world_lose(struct zk_client *c, bool request); /* the next write's request, or its answer */

/* Calls whose answers become lines: "a create /x 0 -> /x". */
void zk_world_create(struct zk_client *c, const char *path, const char *data, int flags);
void zk_world_get(struct zk_client *c, const char *path, bool watch);
void zk_world_exists(struct zk_client *c, const char *path, bool watch);
void zk_world_children(struct zk_client *c, const char *path, bool watch);
void zk_world_set(struct zk_client *c, const char *path, const char *data, int32_t version);
void zk_world_remove(struct zk_client *c, const char *path, int32_t version);
void zk_world_multi(struct zk_client *c, const struct bn_zk_op *ops, int count);
void zk_world_sync(struct zk_client *c, const char *path);

#endif
