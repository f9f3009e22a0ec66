/* elect_test.c: goal: what was asked for is tried again when its write was refused, answered at its deadline, and given
 * up with its topic; the znode goes when everything it named is decided. The codes are in
 * tests/script/controller_elect.txt. */
#include "controller/brain/elect.h"
#include "tests/unit/controller/brain/bench.h"

static void ask(struct bench *b, enum bn_event_kind kind, int32_t partition, int32_t timeout_ms) {
    struct bn_event_elect wish = {"t", partition};
    struct bn_event e = {
        .kind = kind,
        .u.elect_leaders = {.token = 5, .timeout_ms = timeout_ms, .partitions = &wish, .partition_count = 1}};
    bench_feed(b, &e);
}

/* t-0 prefers 1 and is led by 2, with both in sync. */
static void misplace(struct bench *b) {
    bench_init(b, 2);
    bench_create(b, "t", "0:1,2");
    bench_partition(b, "t", 0)->state.leader = 2;
    bench_hush(b);
}

START_TEST(tried_again_after_a_refusal) {
    struct bench b;
    misplace(&b);
    ask(&b, BN_EVENT_ELECT_LEADERS, 0, 30000);
    bench_end(&b, false, true); /* not written, and the answer lost */
    bench_drain(&b);
    ck_assert(bench_said(&b, "REPLY 5 elect-leaders error 0"));
    ck_assert(bench_said(&b, "t-0 error 0"));
    ck_assert_int_eq(bench_partition(&b, "t", 0)->state.leader, 1);
    ck_assert(!bench_partition(&b, "t", 0)->want_preferred);
    bench_fini(&b);
}
END_TEST

START_TEST(a_deadline_passes) {
    struct bench b;
    misplace(&b);
    ask(&b, BN_EVENT_ELECT_LEADERS, 0, 10);
    b.now_ms += 10;
    struct bn_event e = {.kind = BN_EVENT_TICK};
    bench_feed(&b, &e);
    ck_assert(bench_said(&b, "t-0 error 7"));
    bench_drain(&b);
    ck_assert_int_eq(bench_partition(&b, "t", 0)->state.leader, 1); /* it goes on */
    bench_fini(&b);
}
END_TEST

START_TEST(the_znode_goes_at_the_end) {
    struct bench b;
    misplace(&b);
    ask(&b, BN_EVENT_ELECT_NODE, 0, 0);
    ck_assert_ptr_null(strstr(b.said.ptr, "delete-elect"));
    bench_end(&b, true, false);
    ck_assert(bench_said(&b, "delete-elect"));
    bench_hush(&b);
    bench_end(&b, true, true);
    ck_assert(bench_said(&b, "delete-elect")); /* its answer was lost: once more */
    bench_drain(&b);
    bench_fini(&b);
}
END_TEST

Suite *elect_suite(void);
Suite *elect_suite(void) {
    Suite *s = suite_create("elect");
    TCase *c = tcase_create("elect");
    tcase_add_test(c, tried_again_after_a_refusal);
    tcase_add_test(c, a_deadline_passes);
    tcase_add_test(c, the_znode_goes_at_the_end);
    suite_add_tcase(s, c);
    return s;
}
