/* load_test.c: znodes become facts: whole topics, brokers with their incarnation, configs; what is broken is told or
 * left out; a load can be dropped at any time. */
#include "controller/load.h"

#include "tests/unit/controller/zk_bench.h"

static struct bn_load *got;
static void done(void *arg, struct bn_load *l) {
    ck_assert_ptr_null(got);
    got = l;
}

static struct zk_bench b;
static void setup(void) {
    zk_bench_open(&b);
    got = NULL;
}
static void teardown(void) {
    bn_load_free(got);
    zk_bench_close(&b);
}

static void wait_load(void) { ZK_BENCH_UNTIL(&b, got); }

static void put_topic(void) {
    zk_bench_put(
        &b, "/brokers/topics/t",
        "{\"partitions\":{\"1\":[2,1],\"0\":[1,2]},\"topic_id\":\"AAAAAAAAAAAAAAAAAAAABw\",\"adding_replicas\":{},"
        "\"removing_replicas\":{},\"version\":3}");
}

START_TEST(a_topic) {
    put_topic();
    zk_bench_put(&b, "/brokers/topics/t/partitions/0/state",
                 "{\"controller_epoch\":4,\"leader\":1,\"version\":1,\"leader_epoch\":3,\"isr\":[1,2]}");
    bn_load_topic(b.zk, "t", NULL, NULL, done, NULL);
    ck_assert_ptr_null(got);
    wait_load();
    ck_assert_int_eq(got->status, 0);
    const struct bn_fact_topic *t = &got->topic;
    ck_assert_str_eq(t->name, "t");
    ck_assert_int_eq(t->partition_count, 2);
    ck_assert(t->has_id && t->id.bytes[15] == 7);
    ck_assert(t->has_partitions_node && !t->has_second_id);
    ck_assert_int_eq(t->partitions[0].index, 0);
    ck_assert(t->partitions[0].has_state && !t->partitions[1].has_state);
    ck_assert_int_eq(t->partitions[0].state.leader_epoch, 3);
    ck_assert_int_eq(t->partitions[0].state.controller_epoch, 4);
    ck_assert_int_eq(t->partitions[0].state.isr.count, 2);
    ck_assert_int_eq(t->partitions[1].replicas.ids[0], 2);
}
END_TEST

static const struct {
    const char *topic, *state;
    int expected;
} broken[] = {
    {NULL, NULL, BN_NOTFOUND},
    {"nonsense", NULL, BN_BAD},
    {"{\"partitions\":{\"0\":[-1]},\"version\":3}", NULL, BN_BAD},
    {"{\"partitions\":{\"0\":[1]},\"version\":3}", "nonsense", BN_BAD},
    {"{\"partitions\":{\"0\":[1]},\"version\":3}", "{\"leader\":1}", BN_BAD},
};

START_TEST(a_broken_topic) {
    if (broken[_i].topic) zk_bench_put(&b, "/brokers/topics/t", broken[_i].topic);
    if (broken[_i].state) zk_bench_put(&b, "/brokers/topics/t/partitions/0/state", broken[_i].state);
    bn_load_topic(b.zk, "t", NULL, NULL, done, NULL);
    wait_load();
    ck_assert_int_eq(got->status, broken[_i].expected);
    if (got->status == BN_BAD) ck_assert(got->error.text[0]);
}
END_TEST

START_TEST(dropped_at_any_time) {
    put_topic();
    struct bn_load *l = bn_load_topic(b.zk, "t", NULL, NULL, done, NULL);
    for (int i = 0; i < _i && !got; i++) bn_fake_step(b.server);
    if (got) return;
    bn_load_free(l);
    for (int i = 0; i < 20; i++) zk_bench_turn(&b);
    ck_assert_ptr_null(got);
}
END_TEST

static const char broker_json[] =
    "{\"listener_security_protocol_map\":{\"PLAINTEXT\":\"PLAINTEXT\"},\"endpoints\":[\"PLAINTEXT://"
    "h1:9092\"],\"rack\":\"r\","
    "\"jmx_port\":-1,\"port\":9092,\"host\":\"h1\",\"version\":5,\"timestamp\":\"1\",\"features\":{}}";
static const char incarnation_json[] = "{\"version\":1,\"boot_id\":\"AAAAAAAAAAAAAAAAAAAABw\",\"host\":\"10.0.0.1\","
                                       "\"port\":77,\"machine_boot_id\":\"m\",\"timestamp\":\"1\"}";

static void registered(void *arg, int status, const struct bn_zk_op_result *r, int count) { zk_bench_end(arg, status); }

static void put_broker(const char *id_path, const char *incarnation_path, const char *data) {
    struct bn_zk_op ops[2] = {
        {.kind = BN_ZK_OP_CREATE, .path = incarnation_path, .data = bn_slice_str(incarnation_json)},
        {.kind = BN_ZK_OP_CREATE, .path = id_path, .data = bn_slice_str(data)}};
    b.done = false;
    b.zk->ops->multi(b.zk, ops, 2, registered, &b);
    ZK_BENCH_UNTIL(&b, b.done);
    ck_assert_int_eq(b.status, 0);
}

static void set_done(void *arg, int status, const struct bn_zk_stat *stat) { zk_bench_end(arg, status); }

START_TEST(brokers) {
    zk_bench_put(&b, "/brokers/ids", NULL);
    zk_bench_put(&b, "/barnabas/incarnation", NULL);
    put_broker("/brokers/ids/1", "/barnabas/incarnation/1", broker_json);
    put_broker("/brokers/ids/2", "/barnabas/incarnation/2", "nonsense"); /* left out */
    put_broker("/brokers/ids/3", "/barnabas/incarnation/3", broker_json);
    zk_bench_put(&b, "/brokers/ids/4", broker_json); /* a stranger's, without an incarnation */
    zk_bench_put(&b, "/brokers/ids/x", broker_json); /* no broker */
    b.done = false;                                  /* 3 has registered anew, and what is read here is of before */
    b.zk->ops->set(b.zk, "/barnabas/incarnation/3", bn_slice_str(incarnation_json), -1, set_done, &b);
    ZK_BENCH_UNTIL(&b, b.done);
    bn_load_brokers(b.zk, NULL, NULL, done, NULL);
    wait_load();
    ck_assert_int_eq(got->status, 0);
    ck_assert_int_eq(got->count, 2);
    int one = got->brokers[0].id == 1 ? 0 : 1;
    ck_assert_int_eq(got->brokers[one].id, 1);
    ck_assert_str_eq(got->brokers[one].rack, "r");
    ck_assert_str_eq(got->brokers[one].endpoints[0].host, "h1");
    ck_assert_int_eq(got->brokers[!one].id, 4);
    ck_assert_int_eq(got->brokers[!one].incarnation, 0);
    ck_assert_ptr_null(got->lives[!one].host);
    ck_assert_int_eq(got->lives[one].port, 77);
    ck_assert_int_eq(got->lives[one].boot_id.bytes[15], 7);
}
END_TEST

START_TEST(configs_and_admitted) {
    zk_bench_put(&b, "/config/topics/a", "{\"version\":1,\"config\":{\"retention.ms\":\"1\"}}");
    zk_bench_put(&b, "/config/topics/b", NULL);
    zk_bench_put(&b, "/config/topics/c", "nonsense"); /* taken as none */
    bn_load_configs(b.zk, "topics", done, NULL);
    wait_load();
    ck_assert_int_eq(got->status, 0);
    ck_assert_int_eq(got->count, 3);
    for (int i = 0; i < 3; i++) {
        ck_assert_str_eq(got->configs[i].type, "topics");
        ck_assert_int_eq(got->configs[i].entry_count, got->configs[i].name[0] == 'a');
    }
    bn_load_free(got);
    got = NULL;
    bn_load_config(b.zk, "topics", "nobody", done, NULL);
    wait_load();
    ck_assert_int_eq(got->status, 0);
    ck_assert_int_eq(got->configs[0].entry_count, 0);
    bn_load_free(got);
    got = NULL;
    zk_bench_put(&b, "/barnabas/admitted/7", "42");
    zk_bench_put(&b, "/barnabas/admitted/8", "x");
    bn_load_admitted(b.zk, done, NULL);
    wait_load();
    ck_assert_int_eq(got->count, 1);
    ck_assert_int_eq(got->numbers[0].id, 7);
    ck_assert_int_eq(got->numbers[0].value, 42);
}
END_TEST

Suite *load_suite(void);
Suite *load_suite(void) {
    Suite *s = suite_create("load");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_topic);
    tcase_add_loop_test(t, a_broken_topic, 0, (int)BN_ARRAY_LEN(broken));
    tcase_add_loop_test(t, dropped_at_any_time, 0, 12);
    tcase_add_test(t, brokers);
    tcase_add_test(t, configs_and_admitted);
    suite_add_tcase(s, t);
    return s;
}
