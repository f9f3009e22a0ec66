/* group_read_test.c: groups in the order of their names, whole, absent ones left out; a missing part is looked for
 * again; dropped at any time. */
#include "controller/group_read.h"

#include "tests/unit/controller/zk_bench.h"

#define HEAD "{\"version\":1,\"generation\":3,\"reserved\":16"
#define MEMBER(id) "{\"member_id\":\"" id "\",\"session_timeout_ms\":1,\"rebalance_timeout_ms\":2}"

static struct zk_bench b;
static struct bn_group_read_line line;
static struct bn_group_read *got;
static const char *const names[] = {"absent", "dir", "plain", "split", "torn", "wrong"};
static void setup(void) {
    zk_bench_open(&b);
    bn_group_read_line_init(&line);
    got = NULL;
    zk_bench_put(&b, "/consumers/dir/offsets", NULL);
    zk_bench_put(&b, "/consumers/plain", HEAD ",\"members\":[" MEMBER("a") "]}");
    zk_bench_put(&b, "/consumers/split", HEAD ",\"members_in\":[\"members-3-1\",\"members-3-0\"]}");
    zk_bench_put(&b, "/consumers/split/members-3-0", "{\"version\":1,\"members\":[" MEMBER("c") "]}");
    zk_bench_put(&b, "/consumers/split/members-3-1", "{\"version\":1,\"members\":[" MEMBER("a") "," MEMBER("b") "]}");
    zk_bench_put(&b, "/consumers/split/members-2-0", "{\"version\":1,\"members\":[" MEMBER("z") "]}");
    zk_bench_put(&b, "/consumers/torn", HEAD ",\"members_in\":[\"members-3-0\"]}");
    zk_bench_put(&b, "/consumers/wrong", "no JSON");
}
static void teardown(void) { zk_bench_close(&b); }
static void done(void *arg, struct bn_group_read *r) {
    (void)arg;
    got = r;
}

START_TEST(reads_whole_groups) {
    bn_group_read_start(&line, b.zk, names, (int32_t)BN_ARRAY_LEN(names), done, NULL);
    ck_assert_ptr_null(got);
    ZK_BENCH_UNTIL(&b, got);
    ck_assert_int_eq(got->status, 0);
    ck_assert(!got->more);
    ck_assert_int_eq(got->count, 4);
    ck_assert_str_eq(got->groups[0].name, "plain");
    ck_assert_int_eq(got->groups[0].member_count, 1);
    const struct bn_fact_group *split = &got->groups[1];
    ck_assert_int_eq(split->member_count, 3);
    for (int i = 0; i < 3; i++) ck_assert_int_eq(split->members[i].member_id.ptr[0], "abc"[i]);
    for (int i = 2; i < 4; i++) ck_assert(got->groups[i].generation > 1000000 && got->groups[i].member_count == 0);
    bn_group_read_free(got);
}
END_TEST

START_TEST(no_names) {
    bn_group_read_start(&line, b.zk, NULL, 0, done, NULL);
    ZK_BENCH_UNTIL(&b, got);
    ck_assert(got->count == 0 && got->status == 0 && !got->more);
    bn_group_read_free(got);
}
END_TEST

/* The group is switched to other parts between the reading of its own znode and of its parts. */
START_TEST(a_switch_meanwhile) {
    static const char *const one[] = {"torn"};
    bn_group_read_start(&line, b.zk, one, 1, done, NULL);
    for (int i = 0; i < _i && !got; i++) bn_fake_step(b.server);
    zk_bench_put(&b, "/consumers/torn/members-3-0", "{\"version\":1,\"members\":[" MEMBER("c") "]}");
    ZK_BENCH_UNTIL(&b, got);
    ck_assert_int_eq(got->count, 1);
    if (_i < 4) ck_assert_int_eq(got->groups[0].member_count, 1);
    bn_group_read_free(got);
}
END_TEST

START_TEST(dropped_at_any_time) {
    struct bn_group_read *r = bn_group_read_start(&line, b.zk, names, (int32_t)BN_ARRAY_LEN(names), done, NULL);
    for (int i = 0; i < _i && !got; i++) bn_fake_step(b.server);
    bool was = got != NULL;
    bn_group_read_free(r);
    for (int i = 0; i < 30; i++) zk_bench_turn(&b);
    ck_assert_int_eq(got != NULL, was);
}
END_TEST

START_TEST(the_session_ends) {
    bn_group_read_start(&line, b.zk, names, (int32_t)BN_ARRAY_LEN(names), done, NULL);
    for (int i = 0; i < _i && !got; i++) bn_fake_step(b.server);
    bn_fake_expire(b.zk);
    ZK_BENCH_UNTIL(&b, got);
    bn_group_read_free(got);
}
END_TEST

/* Of many pages a few are read at a time, in the order of their coming; whichever is dropped, the others come. */
enum { PAGES = 3 * BN_GROUP_READ_PAGES_MAX };

static int order[PAGES], came;
static void page_done(void *arg, struct bn_group_read *r) {
    ck_assert_int_eq(r->count, 4);
    order[came++] = *(int *)arg;
}

START_TEST(a_few_pages_at_a_time) {
    static int numbers[PAGES];
    struct bn_group_read *pages[PAGES];
    bool dropped[PAGES] = {false};
    int count = (int)BN_ARRAY_LEN(names), kept = 0;
    came = 0;
    for (int i = 0; i < PAGES; i++) {
        numbers[i] = i;
        pages[i] = bn_group_read_start(&line, b.zk, names, count, page_done, &numbers[i]);
        ck_assert_int_le(line.running, BN_GROUP_READ_PAGES_MAX);
    }
    for (int i = 0; i < PAGES; i++) {
        dropped[i] = _i && i % _i == 0;
        if (dropped[i]) bn_group_read_free(pages[i]);
        kept += !dropped[i];
    }
    ck_assert_int_eq(line.running, kept < BN_GROUP_READ_PAGES_MAX ? kept : BN_GROUP_READ_PAGES_MAX);
    ZK_BENCH_UNTIL(&b, came == kept);
    ck_assert(line.running == 0 && bn_list_empty(&line.waiting));
    for (int i = 0, at = 0; i < PAGES; i++) {
        if (dropped[i]) continue;
        ck_assert_int_eq(order[at++], i);
        bn_group_read_free(pages[i]);
    }
}
END_TEST

Suite *group_read_suite(void);
Suite *group_read_suite(void) {
    Suite *s = suite_create("group_read");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, reads_whole_groups);
    tcase_add_test(t, no_names);
    tcase_add_loop_test(t, a_switch_meanwhile, 0, 8);
    tcase_add_loop_test(t, dropped_at_any_time, 0, 30);
    tcase_add_loop_test(t, the_session_ends, 0, 20);
    tcase_add_loop_test(t, a_few_pages_at_a_time, 0, 4);
    suite_add_tcase(s, t);
    return s;
}
