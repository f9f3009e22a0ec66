/* leaving_test.c: goal: the answer to a controlled shutdown waits for everything of the broker that is under way, also
 * when answers of ZooKeeper are lost, and is given when the broker goes away before. Which leaders move where is in
 * tests/script/controller_shutdown.txt. */
#include "controller/brain/leaving.h"
#include "tests/unit/controller/brain/bench.h"

static void ask(struct bench *b, uint64_t token, int32_t broker) {
    struct bn_event e = {.kind = BN_EVENT_CONTROLLED_SHUTDOWN,
                         .u.controlled_shutdown = {token, broker, bench_epoch(b, broker)}};
    bench_feed(b, &e);
}

START_TEST(waits_for_what_flies) {
    struct bench b;
    bench_init(&b, 2);
    bench_create(&b, "t", "0:1,2 1:2,1 2:1,2");
    ask(&b, 1, 1);
    ask(&b, 2, 1);
    ck_assert_ptr_null(strstr(b.said.ptr, "REPLY 1"));
    bench_end(&b, true, true); /* written, but the answer is lost: it is read */
    ck_assert_ptr_null(strstr(b.said.ptr, "REPLY 1"));
    bench_drain(&b);
    ck_assert(bench_said(&b, "REPLY 1 controlled-shutdown error 0"));
    ck_assert(bench_said(&b, "REPLY 2 controlled-shutdown error 0"));
    ck_assert_ptr_null(strstr(b.said.ptr, "still leads"));
    bench_fini(&b);
}
END_TEST

START_TEST(the_broker_goes_first) {
    struct bench b;
    bench_init(&b, 2);
    bench_create(&b, "t", "0:1,2 1:2,1 2:1,2");
    ask(&b, 1, 1);
    brain_world_unregister(&b.zk, 1);
    bench_brokers(&b);
    ck_assert(bench_said(&b, "REPLY 1 controlled-shutdown error 77"));
    ask(&b, 2, 7);
    ck_assert(bench_said(&b, "REPLY 2 controlled-shutdown error 77"));
    bench_drain(&b);
    bench_fini(&b);
}
END_TEST

Suite *leaving_suite(void);
Suite *leaving_suite(void) {
    Suite *s = suite_create("leaving");
    TCase *c = tcase_create("leaving");
    tcase_add_test(c, waits_for_what_flies);
    tcase_add_test(c, the_broker_goes_first);
    suite_add_tcase(s, c);
    return s;
}
