/* reread_test.c: what the brain asks for is read after a sync, in the order of the items, found or not. */
#include "controller/effect_int.h"
#include "tests/unit/controller/zk_bench.h"

static struct zk_bench b;
static struct bn_controller c;
static struct bn_reread *got;
static void setup(void) {
    zk_bench_open(&b);
    memset(&c, 0, sizeof c);
    c.zk = b.zk;
    got = NULL;
    zk_bench_put(&b, "/brokers/topics/t", "{\"partitions\":{\"0\":[1]},\"version\":3}");
    zk_bench_put(&b, "/brokers/topics/t/partitions/0/state",
                 "{\"controller_epoch\":4,\"leader\":1,\"version\":1,\"leader_epoch\":3,\"isr\":[1,2]}");
    zk_bench_put(&b, "/latest_producer_id_block",
                 "{\"version\":1,\"broker\":1,\"block_start\":\"0\",\"block_end\":\"999\"}");
}
static void teardown(void) { zk_bench_close(&b); }
static void done(void *arg, struct bn_reread *r) { got = r; }

static const struct bn_output_read_item items[] = {
    {.kind = BN_OUTPUT_READ_TOPIC, .topic = "t", .partition = 0},
    {.kind = BN_OUTPUT_READ_STATE, .topic = "t", .partition = 0},
    {.kind = BN_OUTPUT_READ_STATE, .topic = "t", .partition = 1},
    {.kind = BN_OUTPUT_READ_PRODUCER_IDS, .topic = NULL, .partition = 0},
    {.kind = BN_OUTPUT_READ_TOPIC, .topic = "nobody", .partition = 0},
};
static const struct bn_output_read all = {77, items, (int32_t)BN_ARRAY_LEN(items)};

START_TEST(reads_in_order) {
    struct bn_event e;
    bn_reread_start(&c, &all, done, NULL);
    ck_assert_ptr_null(got);
    ZK_BENCH_UNTIL(&b, got);
    bn_reread_event(got, &e);
    ck_assert_int_eq(e.kind, BN_EVENT_READ_DONE);
    const struct bn_event_read_done *d = &e.u.read_done;
    ck_assert_uint_eq(d->read, 77);
    ck_assert_int_eq(d->status, 0);
    ck_assert_int_eq(d->result_count, 5);
    ck_assert(d->results[0].found && d->results[0].topic.partition_count == 1);
    ck_assert(d->results[0].topic.partitions[0].has_state);
    ck_assert(d->results[1].found && d->results[1].state.leader_epoch == 3 && d->results[1].state.isr.count == 2);
    ck_assert(!d->results[2].found);
    ck_assert(d->results[3].found && d->results[3].producer_ids.last == 999);
    ck_assert(!d->results[4].found);
    bn_reread_free(got);
}
END_TEST

START_TEST(dropped_at_any_time) {
    struct bn_reread *r = bn_reread_start(&c, &all, done, NULL);
    for (int i = 0; i < _i && !got; i++) bn_fake_step(b.server);
    bn_reread_free(r);
    bool was = got != NULL;
    for (int i = 0; i < 20; i++) zk_bench_turn(&b);
    ck_assert_int_eq(got != NULL, was);
}
END_TEST

START_TEST(a_broken_node_fails_it) {
    zk_bench_put(&b, "/brokers/topics/bad", "nonsense");
    static const struct bn_output_read_item one[] = {{.kind = BN_OUTPUT_READ_TOPIC, .topic = "bad", .partition = 0}};
    static const struct bn_output_read bad = {1, one, 1};
    struct bn_event e;
    bn_reread_start(&c, &bad, done, NULL);
    ZK_BENCH_UNTIL(&b, got);
    bn_reread_event(got, &e);
    ck_assert_int_ne(e.u.read_done.status, 0);
    ck_assert_int_eq(e.u.read_done.result_count, 0);
    bn_reread_free(got);
}
END_TEST

Suite *reread_suite(void);
Suite *reread_suite(void) {
    Suite *s = suite_create("reread");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, reads_in_order);
    tcase_add_loop_test(t, dropped_at_any_time, 0, 20);
    tcase_add_test(t, a_broken_node_fails_it);
    suite_add_tcase(s, t);
    return s;
}
