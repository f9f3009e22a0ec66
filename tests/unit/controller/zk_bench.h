/* zk_bench.h: one client of a ZooKeeper in memory on a loop, and its calls made one at a time. */
#ifndef ZK_BENCH_H
#define ZK_BENCH_H

#include "common/zk/fake.h"
#include "tests/unit/unit.h"

struct zk_bench {
    struct bn_loop *loop;
    struct bn_fake_zk *server;
    struct bn_zk *zk;
    bool done;
    int status;
};

static inline void zk_bench_turn(struct zk_bench *b) { bn_loop_turn(b->loop, 0); }
#define ZK_BENCH_UNTIL(b, condition)                                                                                   \
    for (int left_ = 10000; !(condition); zk_bench_turn(b)) ck_assert_msg(left_-- > 0, "never: %s", #condition)

static inline void zk_bench_state(void *arg, enum bn_zk_state state) { (void)arg, (void)state; }

static inline void zk_bench_open(struct zk_bench *b) {
    struct bn_zk_config z = {"fake:1", 1000, zk_bench_state, b};
    *b = (struct zk_bench){.loop = bn_loop_new()};
    b->server = bn_fake_new(b->loop, NULL);
    ck_assert_int_eq(bn_fake_open(b->server, &z, &b->zk, NULL), 0);
    ZK_BENCH_UNTIL(b, b->zk->ops->state(b->zk) == BN_ZK_CONNECTED);
}

static inline void zk_bench_end(void *arg, int status) {
    struct zk_bench *b = arg;
    b->done = true;
    b->status = status;
}

static inline void zk_bench_close(struct zk_bench *b) {
    b->done = false;
    b->zk->ops->close(b->zk, zk_bench_end, b);
    ZK_BENCH_UNTIL(b, b->done);
    bn_fake_free(b->server);
    bn_loop_free(b->loop);
}

static inline void zk_bench_made(void *arg, int status, const char *path) {
    (void)path;
    zk_bench_end(arg, status);
}

/* Makes path with data (NULL: null data); parents too. */
static inline void zk_bench_put(struct zk_bench *b, const char *path, const char *data) {
    char parent[512];
    snprintf(parent, sizeof parent, "%s", path);
    *strrchr(parent, '/') = '\0';
    if (parent[0]) {
        b->done = false;
        bn_zk_make_path(b->zk, parent, zk_bench_end, b);
        ZK_BENCH_UNTIL(b, b->done);
        ck_assert_int_eq(b->status, 0);
    }
    b->done = false;
    b->zk->ops->create(b->zk, path, bn_slice_str(data), BN_ZK_PERSISTENT, zk_bench_made, b);
    ZK_BENCH_UNTIL(b, b->done);
    ck_assert_int_eq(b->status, 0);
}

static inline bool zk_bench_has(struct zk_bench *b, const char *path) {
    return bn_fake_peek(b->server, path, NULL, NULL) == 0;
}

#endif
