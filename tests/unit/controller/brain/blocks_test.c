/* blocks_test.c: numbers are given out once, whatever is lost. */
#include "controller/brain/blocks.h"
#include "tests/unit/controller/brain/bench.h"

static void ask(struct bench *b, uint64_t token, int32_t broker) {
    struct bn_event e = {.kind = BN_EVENT_PRODUCER_IDS, .u.producer_ids = {token, broker, bench_epoch(b, broker)}};
    bench_feed(b, &e);
}

START_TEST(somebody_else_took_the_block) {
    struct bench b;
    bench_init(&b, 1);
    ask(&b, 1, 1);
    brain_world_put(&b.zk, "/latest_producer_id_block")->data.u.producer_ids = (struct bn_fact_producer_ids){0, 7, 0,
                                                                                                             999};
    bench_drain(&b);
    ck_assert(bench_said(&b, "REPLY 1 producer-ids error 0 1000+1000"));
    bench_fini(&b);
}
END_TEST

START_TEST(requests_queue_and_blocks_do_not_overlap) {
    struct bench b;
    bench_init(&b, 2);
    ask(&b, 1, 1);
    ask(&b, 2, 2);
    ask(&b, 3, 1);
    ck_assert_int_eq(b.pending.count, 1);
    bench_drain(&b);
    ck_assert(bench_said(&b, "REPLY 1 producer-ids error 0 0+1000"));
    ck_assert(bench_said(&b, "REPLY 2 producer-ids error 0 1000+1000"));
    ck_assert(bench_said(&b, "REPLY 3 producer-ids error 0 2000+1000"));
    bench_restart(&b, 2);
    ask(&b, 4, 1);
    bench_drain(&b);
    ck_assert(bench_said(&b, "REPLY 4 producer-ids error 0 3000+1000"));
    bench_fini(&b);
}
END_TEST

START_TEST(the_numbers_end) {
    struct bench b;
    bench_init(&b, 1);
    b.model->producer_ids.last = INT64_MAX - 500;
    ask(&b, 1, 1);
    ck_assert(bench_said(&b, "producer-ids error -1"));
    struct bn_event e = {.kind = BN_EVENT_BROKER_ID, .u.broker_id = {2, INT32_MAX}};
    bench_feed(&b, &e);
    bench_drain(&b);
    ck_assert(bench_said(&b, "broker-id error -1"));
    bench_fini(&b);
}
END_TEST

Suite *blocks_suite(void);
Suite *blocks_suite(void) {
    Suite *s = suite_create("blocks");
    TCase *c = tcase_create("blocks");
    tcase_add_test(c, somebody_else_took_the_block);
    tcase_add_test(c, requests_queue_and_blocks_do_not_overlap);
    tcase_add_test(c, the_numbers_end);
    suite_add_tcase(s, c);
    return s;
}
