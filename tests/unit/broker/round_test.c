/* round_test.c: goal: every shard is asked once, on its own thread, and the end comes on the main shard when all have
 * answered. */
#include "broker/broker_int.h"
#include "common/base/alloc.h"
#include "tests/unit/unit.h"

enum { SHARDS = 3 };

struct late { /* a lane that ends in another turn */
    struct bn_msg msg;
    struct bn_round_lane *lane;
};

static _Atomic int asked;

static void end_late(struct bn_msg *m) {
    struct late *l = BN_CONTAINER_OF(m, struct late, msg);
    bn_round_end(l->lane);
    bn_alloc_free(l);
}

static void ask(struct bn_round_lane *lane) {
    ck_assert_ptr_eq(bn_shard_current(), lane->place->shard);
    ck_assert_ptr_null(lane->user);
    lane->user = lane->place;
    asked++;
    if (lane->place->shard->index == 1) {
        bn_round_end(lane);
        return;
    }
    struct late *l = bn_alloc(sizeof *l);
    *l = (struct late){.msg.run = end_late, .lane = lane};
    bn_shard_post(lane->place->shard, &l->msg);
}

static void all(struct bn_round *r) {
    struct bn_broker *b = r->broker;
    ck_assert_ptr_eq(bn_shard_current(), b->shards[0]);
    ck_assert_int_eq(asked, SHARDS);
    for (int i = 0; i < SHARDS; i++) ck_assert_ptr_eq(r->lanes[i].user, &b->places[i]);
    ck_assert_str_eq(r->arg, "word");
    bn_loop_stop(b->shards[0]->loop);
}

START_TEST(test_round) {
    struct bn_broker_place places[SHARDS];
    struct bn_shard *shards[SHARDS];
    struct bn_broker b = {.places = places, .shards = shards, .shard_count = SHARDS};
    static char word[] = "word";
    asked = 0;
    for (int i = 0; i < SHARDS; i++) {
        shards[i] = bn_shard_new(i);
        places[i] = (struct bn_broker_place){.broker = &b, .shard = shards[i]};
    }
    for (int i = 1; i < SHARDS; i++) bn_shard_start(shards[i]);
    bn_round_start(&b, ask, all, word);
    bn_shard_run_here(shards[0]);
    for (int i = SHARDS - 1; i >= 0; i--) bn_shard_stop(shards[i]);
    for (int i = 0; i < SHARDS; i++) bn_shard_free(shards[i]);
}
END_TEST

Suite *round_suite(void);
Suite *round_suite(void) {
    Suite *s = suite_create("round");
    TCase *t = tcase_create("round");
    tcase_add_test(t, test_round);
    suite_add_tcase(s, t);
    return s;
}
