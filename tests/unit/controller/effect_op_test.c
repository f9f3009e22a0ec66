/* effect_op_test.c: each operation of the brain as ZooKeeper gets it: kind, path, version, data. */
#include "common/base/arena.h"
#include "controller/effect_int.h"
#include "tests/unit/unit.h"

static const int32_t ids[] = {1, 2};
static const struct bn_fact_partition partitions[] = {{.index = 0, .replicas = {ids, 2}}};
static const struct bn_fact_pair pairs[] = {{"retention.ms", "1"}};

#define CONFIG .u.config = {"topics", "t", pairs, 1}
#define ASSIGNMENT .u.assignment = {{{[15] = 7}}, partitions, 1}
#define STATE .u.state = {.version = 9, .leader = 1, .leader_epoch = 2, .controller_epoch = 3, .isr = {ids, 2}}

static const struct {
    struct bn_output_op in;
    int kind;
    const char *path;
    int32_t version;
    const char *data; /* NULL = null */
} rows[] = {
    {{.kind = BN_OUTPUT_OP_CREATE_CONFIG, .topic = "t", CONFIG},
     BN_ZK_OP_CREATE,
     "/config/topics/t",
     0,
     "{\"version\":1,\"config\":{\"retention.ms\":\"1\"}}"},
    {{.kind = BN_OUTPUT_OP_SET_CONFIG, .topic = "t", .version = 4, CONFIG},
     BN_ZK_OP_SET,
     "/config/topics/t",
     4,
     "{\"version\":1,\"config\":{\"retention.ms\":\"1\"}}"},
    {{.kind = BN_OUTPUT_OP_DELETE_CONFIG, .topic = "t", .version = -1}, BN_ZK_OP_DELETE, "/config/topics/t", -1, NULL},
    {{.kind = BN_OUTPUT_OP_CREATE_TOPIC, .topic = "t", ASSIGNMENT}, BN_ZK_OP_CREATE, "/brokers/topics/t", 0, "*"},
    {{.kind = BN_OUTPUT_OP_SET_TOPIC, .topic = "t", .version = 2, ASSIGNMENT},
     BN_ZK_OP_SET,
     "/brokers/topics/t",
     2,
     "*"},
    {{.kind = BN_OUTPUT_OP_DELETE_TOPIC, .topic = "t", .version = 2}, BN_ZK_OP_DELETE, "/brokers/topics/t", 2, NULL},
    {{.kind = BN_OUTPUT_OP_CREATE_PARTITIONS, .topic = "t", ASSIGNMENT},
     BN_ZK_OP_CREATE,
     "/brokers/topics/t/partitions",
     0,
     "*"},
    {{.kind = BN_OUTPUT_OP_SET_PARTITIONS, .topic = "t", .version = 1, ASSIGNMENT},
     BN_ZK_OP_SET,
     "/brokers/topics/t/partitions",
     1,
     "*"},
    {{.kind = BN_OUTPUT_OP_DELETE_PARTITIONS, .topic = "t", .version = -1},
     BN_ZK_OP_DELETE,
     "/brokers/topics/t/partitions",
     -1,
     NULL},
    {{.kind = BN_OUTPUT_OP_CREATE_PARTITION, .topic = "t", .partition = 5},
     BN_ZK_OP_CREATE,
     "/brokers/topics/t/partitions/5",
     0,
     NULL},
    {{.kind = BN_OUTPUT_OP_DELETE_PARTITION, .topic = "t", .partition = 5},
     BN_ZK_OP_DELETE,
     "/brokers/topics/t/partitions/5",
     0,
     NULL},
    {{.kind = BN_OUTPUT_OP_CREATE_STATE, .topic = "t", .partition = 5, STATE},
     BN_ZK_OP_CREATE,
     "/brokers/topics/t/partitions/5/state",
     0,
     "{\"controller_epoch\":3,\"leader\":1,\"version\":1,\"leader_epoch\":2,\"isr\":[1,2]}"},
    {{.kind = BN_OUTPUT_OP_SET_STATE, .topic = "t", .partition = 5, .version = 8, STATE},
     BN_ZK_OP_SET,
     "/brokers/topics/t/partitions/5/state",
     8,
     "{\"controller_epoch\":3,\"leader\":1,\"version\":1,\"leader_epoch\":2,\"isr\":[1,2]}"},
    {{.kind = BN_OUTPUT_OP_DELETE_STATE, .topic = "t", .partition = 5, .version = 3},
     BN_ZK_OP_DELETE,
     "/brokers/topics/t/partitions/5/state",
     3,
     NULL},
    {{.kind = BN_OUTPUT_OP_CREATE_MARKER, .topic = "t"}, BN_ZK_OP_CREATE, "/admin/delete_topics/t", 0, NULL},
    {{.kind = BN_OUTPUT_OP_DELETE_MARKER, .topic = "t", .version = -1},
     BN_ZK_OP_DELETE,
     "/admin/delete_topics/t",
     -1,
     NULL},
    {{.kind = BN_OUTPUT_OP_SET_PRODUCER_IDS, .version = 6, .u.producer_ids = {7, 1, 1000, 1999}},
     BN_ZK_OP_SET,
     "/latest_producer_id_block",
     6,
     "{\"version\":1,\"broker\":1,\"block_start\":\"1000\",\"block_end\":\"1999\"}"},
    {{.kind = BN_OUTPUT_OP_SET_SEQID, .version = 6}, BN_ZK_OP_SET, "/brokers/seqid", -1, ""},
    {{.kind = BN_OUTPUT_OP_CREATE_ADMITTED, .broker = 3, .u.incarnation = 12},
     BN_ZK_OP_CREATE,
     "/barnabas/admitted/3",
     0,
     "12"},
    {{.kind = BN_OUTPUT_OP_SET_ADMITTED, .broker = 3, .version = -1, .u.incarnation = 13},
     BN_ZK_OP_SET,
     "/barnabas/admitted/3",
     -1,
     "13"},
    {{.kind = BN_OUTPUT_OP_CHECK_INCARNATION, .broker = 3, .version = 99, .u.incarnation = 13},
     BN_ZK_OP_CHECK,
     "/barnabas/incarnation/3",
     13,
     NULL},
    {{.kind = BN_OUTPUT_OP_DELETE_BROKER, .broker = 3, .version = 99}, BN_ZK_OP_DELETE, "/brokers/ids/3", -1, NULL},
};

START_TEST(each) {
    struct bn_arena a;
    struct bn_zk_op out;
    bn_arena_init(&a, 1 << 20);
    bn_effect_op(&rows[_i].in, &a, &out);
    ck_assert_int_eq((int)out.kind, rows[_i].kind);
    ck_assert_str_eq(out.path, rows[_i].path);
    if (out.kind != BN_ZK_OP_CREATE) ck_assert_int_eq(out.version, rows[_i].version);
    ck_assert_int_eq(out.flags, 0);
    ck_assert_int_eq(bn_slice_is_null(out.data), rows[_i].data == NULL);
    if (rows[_i].data && strcmp(rows[_i].data, "*") == 0)
        ck_assert_uint_gt(out.data.len, 20);
    else if (rows[_i].data)
        ck_assert_msg(bn_slice_eq_str(out.data, rows[_i].data), "%.*s", BN_SLICE_FMT(out.data));
    bn_arena_fini(&a);
}
END_TEST

Suite *effect_op_suite(void);
Suite *effect_op_suite(void) {
    Suite *s = suite_create("effect_op");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, each, 0, (int)BN_ARRAY_LEN(rows));
    suite_add_tcase(s, t);
    return s;
}
