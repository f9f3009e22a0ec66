/* znode_test.c: every row of znode.def, against texts that Kafka 3.9's own encoders printed (or that the facts about
 * its formats give): decode and encode them back byte by byte; read what older versions and people write; refuse what
 * is hostile. */
#include "common/zk/znode.h"

#include <stdio.h>

#include "common/base/alloc.h"
#include "tests/unit/unit.h"

#define BUDGET (4u << 20)

struct example {
    const char *row, *text;
    const char *again; /* what encode gives; NULL: text */
};

#define ID "AAAAAAAAQAGAAAAAAAAAAQ"
#define BROKER_TAIL ",\"jmx_port\":-1,\"port\":9092,\"host\":\"h1\",\"version\":5,\"timestamp\":\"1700000000000\"}"

static const struct example examples[] = {
    {"broker",
     "{\"features\":{},\"listener_security_protocol_map\":{\"PLAINTEXT\":\"PLAINTEXT\"},"
     "\"endpoints\":[\"PLAINTEXT://h1:9092\"]" BROKER_TAIL,
     NULL},
    {"broker",
     "{\"features\":{\"f\":{\"min_version\":1,\"max_version\":3}},\"listener_security_protocol_map\":{\"PLAINTEXT\":"
     "\"PLAINTEXT\",\"EXTERNAL\":\"SASL_SSL\"},\"endpoints\":[\"PLAINTEXT://h1:9092\",\"EXTERNAL://[::1]:9093\"],"
     "\"rack\":\"r\\\"1\\\\\\u0001\\t/\303\274\342\200\250\"" BROKER_TAIL,
     NULL},
    {"broker",
     "{\"features\":{},\"listener_security_protocol_map\":{\"TLS\":\"SSL\"},\"endpoints\":[\"TLS://h1:9092\"],"
     "\"jmx_port\":9999,\"port\":-1,\"host\":null,\"version\":5,\"timestamp\":\"1\"}",
     NULL},
    /* Versions 1 and 2, as Kafka 0.8 and 0.9 wrote them. */
    {"broker", "{\"jmx_port\":-1,\"timestamp\":\"1700000000000\",\"host\":\"h1\",\"version\":1,\"port\":9092}",
     "{\"features\":{},\"listener_security_protocol_map\":{\"PLAINTEXT\":\"PLAINTEXT\"},"
     "\"endpoints\":[\"PLAINTEXT://h1:9092\"]" BROKER_TAIL},
    {"broker",
     " { \"version\" : 2, \"jmx_port\": -1, \"timestamp\": 1700000000000, \"host\":\"h1\", \"port\":9092, "
     "\"endpoints\":[\"PLAINTEXT://h1:9092\"], \"later\": {} }\n",
     "{\"features\":{},\"listener_security_protocol_map\":{\"PLAINTEXT\":\"PLAINTEXT\"},"
     "\"endpoints\":[\"PLAINTEXT://h1:9092\"]" BROKER_TAIL},
    {"topic",
     "{\"partitions\":{\"0\":[1,2],\"1\":[3,1,2],\"10\":[1,2]},\"topic_id\":\"" ID "\",\"adding_replicas\":{\"1\":[3]},"
     "\"removing_replicas\":{\"1\":[2]},\"version\":3}",
     NULL},
    {"topic", "{\"partitions\":{\"0\":[1]},\"adding_replicas\":{},\"removing_replicas\":{},\"version\":3}", NULL},
    {"topic", "{\"version\":1,\"partitions\":{\"1\":[2,1],\"0\":[1,2]}}",
     "{\"partitions\":{\"0\":[1,2],\"1\":[2,1]},\"adding_replicas\":{},\"removing_replicas\":{},\"version\":3}"},
    {"topic", "{}", "{\"partitions\":{},\"adding_replicas\":{},\"removing_replicas\":{},\"version\":3}"},
    {"topic", "{\"partitions\":{\"0\":[1]},\"adding_replicas\":{\"7\":[1],\"x\":[2]}}",
     "{\"partitions\":{\"0\":[1]},\"adding_replicas\":{},\"removing_replicas\":{},\"version\":3}"},
    {"topic_partitions", "{\"version\":1,\"topic_id\":\"" ID "\"}", NULL},
    {"topic_partitions", "", "{\"version\":1}"},
    {"state", "{\"controller_epoch\":5,\"leader\":1,\"version\":1,\"leader_epoch\":3,\"isr\":[1,2]}", NULL},
    {"state",
     "{\"controller_epoch\":5,\"leader\":1,\"version\":1,\"leader_recovery_state\":1,\"leader_epoch\":3,\"isr\":[1,2]}",
     NULL},
    {"state", "{\"controller_epoch\":5,\"leader\":-1,\"version\":1,\"leader_epoch\":3,\"isr\":[],\"elr\":[2,3]}", NULL},
    {"controller",
     "{\"version\":2,\"brokerid\":1,\"timestamp\":\"1700000000000\",\"kraftControllerEpoch\":-1,\"host\":\"h1\","
     "\"port\":9095,\"life_port\":40001}",
     NULL},
    {"controller", "{\"version\":2,\"brokerid\":1,\"timestamp\":\"1700000000000\",\"kraftControllerEpoch\":-1}", NULL},
    {"controller", "{\"version\":1,\"brokerid\":1,\"timestamp\":\"1700000000000\"}",
     "{\"version\":2,\"brokerid\":1,\"timestamp\":\"1700000000000\",\"kraftControllerEpoch\":-1}"},
    {"controller_epoch", "7", NULL},
    {"controller_epoch", "0", NULL},
    {"reassign",
     "{\"version\":1,\"partitions\":[{\"topic\":\"t\",\"partition\":0,\"replicas\":[1,2,3]},"
     "{\"topic\":\"u\",\"partition\":1,\"replicas\":[1]}]}",
     NULL},
    {"elect", "{\"version\":1,\"partitions\":[{\"topic\":\"t\",\"partition\":0},{\"topic\":\"u\",\"partition\":1}]}",
     NULL},
    {"config", "{\"version\":1,\"config\":{\"cleanup.policy\":\"compact\",\"retention.ms\":\"1000\"}}", NULL},
    {"config", "{\"version\":1,\"config\":{}}", NULL},
    {"config", "{\"config\":{\"b\":7,\"a\":true},\"version\":1}",
     "{\"version\":1,\"config\":{\"a\":\"true\",\"b\":\"7\"}}"},
    {"config", "", "{\"version\":1,\"config\":{}}"},
    {"config_change", "{\"version\":2,\"entity_path\":\"users/u%20x/clients/<default>\"}", NULL},
    {"config_change", "{\"version\":1,\"entity_type\":\"topics\",\"entity_name\":\"t\"}",
     "{\"version\":2,\"entity_path\":\"topics/t\"}"},
    {"isr_change", "{\"version\":1,\"partitions\":[{\"topic\":\"t\",\"partition\":0}]}", NULL},
    {"log_dir_event", "{\"version\":1,\"broker\":1,\"event\":1}", NULL},
    {"cluster_id", "{\"version\":\"1\",\"id\":\"" ID "\"}", NULL},
    {"feature",
     "{\"features\":{\"f\":{\"max_version_level\":3},\"g\":{\"max_version_level\":1}},\"version\":2,\"status\":1}",
     NULL},
    {"feature", "{\"features\":{},\"version\":2,\"status\":1}", NULL},
    {"feature", "{\"features\":{\"f\":{\"max_version_level\":3,\"min_version_level\":3}},\"version\":1,\"status\":0}",
     "{\"features\":{\"f\":{\"max_version_level\":3}},\"version\":2,\"status\":0}"},
    {"producer_ids", "{\"version\":1,\"broker\":1,\"block_start\":\"0\",\"block_end\":\"999\"}", NULL},
    {"producer_ids", "", "{\"version\":1,\"broker\":-1,\"block_start\":\"-1\",\"block_end\":\"-1\"}"},
    {"group",
     "{\"version\":1,\"generation\":5,\"reserved\":16,\"state\":\"Stable\",\"protocol_type\":\"consumer\",\"protocol\":"
     "\"range\",\"leader\":\"c-1\",\"timestamp\":\"1700000000000\",\"members\":[{\"member_id\":\"c-1\","
     "\"group_instance_id\":null,\"client_id\":\"c\",\"client_host\":\"/127.0.0.1\",\"session_timeout_ms\":45000,"
     "\"rebalance_timeout_ms\":300000,\"subscription\":[\"t\"],\"metadata\":\"AAAAAAABAAF0AAAAAA==\","
     "\"assignment\":{\"t\":[0]},\"assignment_data\":\"AAAAAAABAAF0AAAAAQAAAAAAAAAA\"}]}",
     NULL},
    {"group",
     "{\"version\":1,\"generation\":0,\"reserved\":16,\"state\":\"Empty\",\"protocol_type\":null,\"protocol\":null,"
     "\"leader\":null,\"timestamp\":\"0\",\"members\":[]}",
     NULL},
    {"group",
     "{\"version\":1,\"generation\":9,\"reserved\":16,\"state\":\"Stable\",\"protocol_type\":\"connect\",\"protocol\":"
     "\"sessioned\",\"leader\":\"%00\",\"timestamp\":\"1\",\"members_in\":[\"members-9-0\",\"members-9-1\"]}",
     NULL},
    {"group_members",
     "{\"version\":1,\"members\":[{\"member_id\":\"m\",\"group_instance_id\":\"i\",\"client_id\":\"\",\"client_host\":"
     "\"\",\"session_timeout_ms\":1,\"rebalance_timeout_ms\":2,\"metadata\":\"\",\"assignment_data\":\"/+8=\"}]}",
     NULL},
    {"consumer_offset", "1234567890123", NULL},
    {"admitted", "7", NULL},
    {"incarnation",
     "{\"version\":1,\"boot_id\":\"" ID "\",\"host\":\"127.0.0.1\",\"port\":40002,"
     "\"machine_boot_id\":\"0b5c1a52-8a4e-4d5f-9d8e-0d1f6a1b2c3d\",\"timestamp\":\"1700000000000\"}",
     NULL},
};

static const struct example hostile[] = {
    {"broker", "{\"version\":0,\"jmx_port\":-1,\"endpoints\":[]}", "version: 0 is out of range"},
    {"broker", "{\"version\":5,\"endpoints\":[\"PLAINTEXT://h:1\"]}", "jmx_port: missing"},
    {"broker", "{\"version\":5,\"jmx_port\":-1,\"endpoints\":[\"h:1\"]}", "is not LISTENER://host:port"},
    {"broker", "{\"version\":5,\"jmx_port\":-1,\"endpoints\":[\"A://h:70000\"]}", "is not LISTENER://host:port"},
    {"broker", "{\"version\":5,\"jmx_port\":-1,\"endpoints\":[\"A://h/x:7\"]}", "is not LISTENER://host:port"},
    {"broker", "{\"version\":5,\"jmx_port\":-1,\"endpoints\":[7]}", "endpoints[0]: not a string"},
    {"broker", "{\"version\":5,\"jmx_port\":-1,\"endpoints\":{}}", "endpoints: not a list"},
    {"broker", "{\"version\":5,\"jmx_port\":-1,\"endpoints\":[\"A://h:1\",\"A://h:2\"]}",
     "listener A stands there twice"},
    {"broker", "{\"version\":1,\"jmx_port\":-1,\"host\":\"a/b\",\"port\":1}", "not an address"},
    {"broker", "{\"version\":5,\"jmx_port\":-1,\"endpoints\":[],\"rack\":1}", "rack: not a string"},
    {"broker", "{\"version\":5,\"jmx_port\":-1,\"endpoints\":[],\"features\":{\"f\":1}}", "features.f: not an object"},
    {"broker", "{\"version\":5,\"jmx_port\":-1,\"endpoints\":[],\"timestamp\":\"x\"}", "timestamp: not a number"},
    {"topic", "{\"partitions\":{\"-1\":[1]}}", "\"-1\" is not a partition"},
    {"topic", "{\"partitions\":{\"00\":[1]}}", "\"00\" is not a partition"},
    {"topic", "{\"partitions\":{\"0\":[]}}", "partitions.0: no replicas"},
    {"topic", "{\"partitions\":{\"0\":[1,1]}}", "0[1]: 1 stands there twice"},
    {"topic", "{\"partitions\":{\"0\":[-1]}}", "0[0]: not a broker id"},
    {"topic", "{\"partitions\":{\"0\":[1.5]}}", "0[0]: not a broker id"},
    {"topic", "{\"partitions\":{\"0\":[4294967297]}}", "0[0]: not a broker id"},
    {"topic", "{\"partitions\":{\"0\":7}}", "0: not a list"},
    {"topic", "{\"partitions\":[[1]]}", "partitions: not an object"},
    {"topic", "{\"partitions\":{},\"topic_id\":\"short\"}", "topic_id: not an id"},
    {"topic", "{\"partitions\":{\"0\":[1],\"0\":[2]}}", "duplicate"},
    {"state", "{\"controller_epoch\":5,\"leader\":-2,\"leader_epoch\":3,\"isr\":[]}", "leader: -2 is out of range"},
    {"state", "{\"controller_epoch\":5,\"leader\":1,\"leader_epoch\":2147483648,\"isr\":[]}",
     "leader_epoch: 2147483648"},
    {"state", "{\"controller_epoch\":5,\"leader\":1,\"leader_epoch\":0}", "isr: missing"},
    {"state", "{\"controller_epoch\":\"5\",\"leader\":1,\"leader_epoch\":0,\"isr\":[]}",
     "controller_epoch: not a whole"},
    {"controller", "{\"version\":1}", "brokerid: missing"},
    {"controller", "{\"brokerid\":1,\"port\":65536}", "port: 65536 is out of range"},
    {"controller", "[1]", "controller: not an object"},
    {"controller", "", "controller: "},
    {"controller", "{\"brokerid\":1,\"host\":\"a\\u0000b\"}", "controller: "},
    {"controller", "{\"brokerid\":1,\"host\":\"\377\"}", "controller: "},
    {"controller", "{\"a\":[[[[[[[[]]]]]]]]}", "nested too deeply"},
    {"controller_epoch", "-1", "controller_epoch: \"-1\""},
    {"controller_epoch", "1x", "controller_epoch: \"1x\""},
    {"controller_epoch", "", "controller_epoch: \"\""},
    {"controller_epoch", "2147483648", "is not a number in range"},
    {"reassign", "{\"version\":1,\"partitions\":[{\"topic\":\"t\",\"partition\":0}]}", "replicas: missing"},
    {"reassign", "{\"version\":1}", "partitions: missing"},
    {"elect", "{\"version\":1,\"partitions\":[1]}", "partitions[0]: not an object"},
    {"elect", "{\"version\":1,\"partitions\":[{\"partition\":0}]}", "topic: missing"},
    {"config", "{\"version\":2,\"config\":{}}", "version: unknown"},
    {"config", "{\"version\":1,\"config\":{\"a\":[]}}", "config.a: not a string"},
    {"config_change", "{\"version\":3,\"entity_path\":\"topics/t\"}", "version: unknown"},
    {"config_change", "{\"version\":2,\"entity_path\":\"topics/..\"}", "names no entity"},
    {"config_change", "{\"version\":2,\"entity_path\":\"topics/a/b/c\"}", "names no entity"},
    {"config_change", "{\"version\":1,\"entity_type\":\"brokers\",\"entity_name\":\"1\"}",
     "neither topics nor clients"},
    {"config_change", "{\"version\":1,\"entity_type\":\"topics\",\"entity_name\":\"a/../b\"}", "names no entity"},
    {"log_dir_event", "{\"version\":1}", "broker: missing"},
    {"cluster_id", "{\"version\":\"1\",\"id\":\"\"}", "id: not a cluster id"},
    {"feature", "{\"version\":2,\"status\":2,\"features\":{}}", "status: 2 is out of range"},
    {"producer_ids", "{\"broker\":1,\"block_start\":\"1000\",\"block_end\":\"999\"}", "block_end: before"},
    {"producer_ids", "{\"broker\":1,\"block_start\":\"0x\",\"block_end\":\"999\"}", "block_start: not a number"},
    {"group", "{\"generation\":0,\"reserved\":0}", "version: missing"},
    {"group", "{\"version\":2,\"generation\":0,\"reserved\":0}", "version: unknown"},
    {"group", "{\"version\":1,\"generation\":5,\"reserved\":4}", "reserved: below generation"},
    {"group", "{\"version\":1,\"generation\":-1,\"reserved\":4}", "generation: -1 is out of range"},
    {"group", "{\"version\":1,\"generation\":1}", "reserved: missing"},
    {"group", "{\"version\":1,\"generation\":1,\"reserved\":1,\"leader\":\"%\"}", "leader: badly encoded"},
    {"group", "{\"version\":1,\"generation\":1,\"reserved\":1,\"members\":[7]}", "members[0]: not an object"},
    {"group", "{\"version\":1,\"generation\":1,\"reserved\":1,\"members\":[{}]}", "members[0].member_id: missing"},
    {"group", "{\"version\":1,\"generation\":1,\"reserved\":1,\"members_in\":[\"members-1\"]}",
     "members_in[0]: not a znode"},
    {"group", "{\"version\":1,\"generation\":1,\"reserved\":1,\"members_in\":[\"offsets\"]}",
     "members_in[0]: not a znode"},
    {"group_members",
     "{\"version\":1,\"members\":[{\"member_id\":\"m\",\"session_timeout_ms\":1,\"rebalance_timeout_ms\":2,"
     "\"metadata\":\"A\"}]}",
     "metadata: badly encoded"},
    {"consumer_offset", "9223372036854775808", "is not a number in range"},
    {"admitted", "-1", "is not a number in range"},
    {"incarnation", "{\"host\":\"h\",\"port\":1,\"machine_boot_id\":\"\"}", "boot_id: missing"},
    {"incarnation", "{\"boot_id\":\"" ID "\",\"host\":\"h\",\"port\":0,\"machine_boot_id\":\"\"}", "port: 0"},
};

static const struct bn_znode_row *row_of(const char *name) {
    for (const struct bn_znode_row *r = bn_znode_rows; r->name; r++)
        if (strcmp(r->name, name) == 0) return r;
    ck_abort_msg("no row %s", name);
}

/* Data in a block of its exact size, so that a sanitizer sees every byte read beyond it. */
static int decode(const struct bn_znode_row *row, struct bn_slice text, struct bn_arena *a, void *out,
                  struct bn_err *e) {
    uint8_t *exact = bn_alloc(text.len + (text.len == 0));
    if (text.len) memcpy(exact, text.ptr, text.len);
    int r = row->decode(bn_slice_of(exact, text.len), a, out, e);
    bn_alloc_free(exact);
    return r;
}

/* Goal: what is read is written again, byte by byte as Kafka has it. */
START_TEST(test_round_trip) {
    const struct example *ex = &examples[_i];
    const struct bn_znode_row *row = row_of(ex->row);
    struct bn_arena a;
    struct bn_str out;
    struct bn_err e = BN_ERR_NONE;
    bn_arena_init(&a, BUDGET);
    bn_str_init(&out);
    void *value = bn_alloc_zero(1, row->size);
    int r = decode(row, bn_slice_str(ex->text), &a, value, &e);
    ck_assert_msg(r == BN_OK, "%s: %s", ex->text, e.text);
    row->encode(&out, value);
    ck_assert_str_eq(out.ptr, ex->again ? ex->again : ex->text);
    bn_alloc_free(value);
    bn_str_fini(&out);
    bn_arena_fini(&a);
}
END_TEST

/* Goal: every row with data has an example, and null data is refused or means what the header says. */
START_TEST(test_every_row) {
    for (const struct bn_znode_row *row = bn_znode_rows; row->name; row++) {
        ck_assert_int_eq(row->path[0], '/');
        ck_assert_int_eq(row->text[strlen(row->text) - 1], '.');
        if (!row->decode) continue;
        int found = 0;
        for (size_t i = 0; i < BN_ARRAY_LEN(examples); i++) found += strcmp(examples[i].row, row->name) == 0;
        ck_assert_msg(found > 0, "no example of %s", row->name);
        struct bn_arena a;
        bn_arena_init(&a, BUDGET);
        void *value = bn_alloc_zero(1, row->size);
        bool fine = strcmp(row->name, "config") == 0 || strcmp(row->name, "producer_ids") == 0 ||
                    strcmp(row->name, "topic_partitions") == 0;
        ck_assert_int_eq(row->decode(BN_SLICE_NULL, &a, value, NULL), fine ? BN_OK : BN_BAD);
        bn_alloc_free(value);
        bn_arena_fini(&a);
    }
}
END_TEST

/* Goal: what is wrong is refused with the place and the reason. */
START_TEST(test_hostile) {
    const struct example *ex = &hostile[_i];
    const struct bn_znode_row *row = row_of(ex->row);
    struct bn_arena a;
    struct bn_err e = BN_ERR_NONE;
    bn_arena_init(&a, BUDGET);
    void *value = bn_alloc_zero(1, row->size);
    ck_assert_msg(decode(row, bn_slice_str(ex->text), &a, value, &e) == BN_BAD, "accepted: %s", ex->text);
    ck_assert_int_eq(e.code, BN_BAD);
    ck_assert_msg(strstr(e.text, ex->again) != NULL, "%s: %s", ex->text, e.text);
    bn_alloc_free(value);
    bn_arena_fini(&a);
}
END_TEST

/* Goal: every prefix of an example, and every example with one byte changed, is decoded or refused, never more; a
 * budget too small is BN_FULL. */
START_TEST(test_mutilated) {
    const struct example *ex = &examples[_i];
    const struct bn_znode_row *row = row_of(ex->row);
    size_t len = strlen(ex->text);
    char *text = bn_alloc_strdup(ex->text);
    void *value = bn_alloc_zero(1, row->size);
    struct bn_arena a;
    bn_arena_init(&a, BUDGET);
    for (size_t i = 0; i < len; i++) {
        ck_assert_int_le(decode(row, bn_slice_of(text, i), &a, value, NULL), 0);
        for (size_t c = 0; c < 8; c++) {
            text[i] = "\0\"[{9\377-,"[c];
            ck_assert_int_le(decode(row, bn_slice_of(text, len), &a, value, NULL), 0);
        }
        text[i] = ex->text[i];
        bn_arena_reset(&a);
    }
    bn_arena_fini(&a);
    bn_arena_init(&a, 15);
    int r = decode(row, bn_slice_str(ex->text), &a, value, NULL);
    ck_assert(r == BN_FULL || r == BN_OK);
    bn_arena_fini(&a);
    bn_alloc_free(value);
    bn_alloc_free(text);
}
END_TEST

Suite *znode_suite(void);
Suite *znode_suite(void) {
    Suite *s = suite_create("znode");
    TCase *tc = tcase_create("rows");
    tcase_add_loop_test(tc, test_round_trip, 0, (int)BN_ARRAY_LEN(examples));
    tcase_add_loop_test(tc, test_hostile, 0, (int)BN_ARRAY_LEN(hostile));
    tcase_add_loop_test(tc, test_mutilated, 0, (int)BN_ARRAY_LEN(examples));
    tcase_add_test(tc, test_every_row);
    suite_add_tcase(s, tc);
    return s;
}
