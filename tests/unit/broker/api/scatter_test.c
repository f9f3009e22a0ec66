/* scatter_test.c: parts run once each, on the shard that owns them, and the gathering comes once, after the last.
 */
#include "broker/api/scatter.h"

#include <semaphore.h>

#include "tests/unit/unit.h"

Suite *scatter_suite(void);

enum { SHARDS = 3, PARTS = 40 };

struct part {
    struct bn_scatter_part part; /* first */
    int runs, shard_seen;
};

struct work {
    struct bn_msg msg;
    struct bn_scatter scatter;
    struct bn_request request;
    struct bn_api_deps deps;
    struct bn_shard *shards[SHARDS];
    struct bn_roster *rosters[SHARDS];
    struct part parts[PARTS];
    int gathers, gather_shard;
    sem_t done;
};

static void run(struct bn_scatter_part *p, struct bn_partition *partition) {
    struct part *it = BN_CONTAINER_OF(p, struct part, part);
    it->runs++;
    it->shard_seen = bn_shard_current()->index;
    bn_scatter_done(p);
}

static void gather(struct bn_scatter *s) {
    struct work *w = BN_CONTAINER_OF(s, struct work, scatter);
    w->gathers++;
    w->gather_shard = bn_shard_current()->index;
    sem_post(&w->done);
}

static void start(struct bn_msg *m) {
    struct work *w = BN_CONTAINER_OF(m, struct work, msg);
    ck_assert(bn_scatter_run(&w->scatter));
}

/* Twice with the same scatter: a parked fetch reads anew. */
START_TEST(test_every_part_once_then_gather) {
    static struct work w;
    for (int i = 0; i < SHARDS; i++) {
        w.shards[i] = bn_shard_new(i);
        bn_shard_start(w.shards[i]);
    }
    sem_init(&w.done, 0, 0);
    w.deps = (struct bn_api_deps){.shards = w.shards, .rosters = w.rosters, .shard_count = SHARDS};
    w.request.deps = &w.deps;
    w.request.shard = w.shards[1];
    bn_arena_init(&w.request.arena, 1 << 20);
    w.scatter = (struct bn_scatter){.request = &w.request,
                                    .parts = w.parts,
                                    .part_size = sizeof(struct part),
                                    .count = PARTS,
                                    .run = run,
                                    .gather = gather};
    for (int i = 0; i < PARTS; i++) {
        w.parts[i].part.topic_id.bytes[0] = 7;
        w.parts[i].part.partition = i;
        w.parts[i].part.skip = i % 10 == 9;
    }
    for (int round = 1; round <= 2; round++) {
        w.msg.run = start;
        bn_shard_post(w.shards[1], &w.msg);
        while (sem_wait(&w.done) != 0) continue;
        ck_assert_int_eq(w.gathers, round);
        ck_assert_int_eq(w.gather_shard, 1);
        for (int i = 0; i < PARTS; i++) {
            ck_assert_int_eq(w.parts[i].runs, i % 10 == 9 ? 0 : round);
            if (i % 10 != 9)
                ck_assert_int_eq(w.parts[i].shard_seen, bn_roster_shard_of(&w.parts[i].part.topic_id, i, SHARDS));
        }
    }
    for (int i = 0; i < SHARDS; i++) {
        bn_shard_stop(w.shards[i]);
        bn_shard_free(w.shards[i]);
    }
    bn_arena_fini(&w.request.arena);
}
END_TEST

Suite *scatter_suite(void) {
    Suite *s = suite_create("scatter");
    TCase *t = tcase_create("scatter");
    tcase_add_test(t, test_every_part_once_then_gather);
    suite_add_tcase(s, t);
    return s;
}
