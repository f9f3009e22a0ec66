/* config_rules_test.c: goal: what a change makes of overrides and which outcomes are refused, in the words of
 * Kafka 3.9. */
#include "controller/config_rules.h"

#include "common/base/str.h"
#include "tests/unit/unit.h"

#define OF_TOPIC "Invalid config value for resource ConfigResource(type=TOPIC, name='t'): "
#define OF_BROKER "Invalid config value for resource ConfigResource(type=BROKER, name='t'): "

/* type and entity, what is set, the operation (= set, - delete, + append, / subtract), the outcome or the refusal */
static const struct {
    const char *type, *name, *now_key, *now_value;
    char op;
    const char *key, *value;
    int16_t error;
    const char *want;
} CASES[] = {
    {"topics", "t", NULL, NULL, '=', "retention.ms", "5", 0, "retention.ms=5 "},
    {"topics", "t", "flush.ms", "1", '=', "retention.ms", " 5 ", 0, "flush.ms=1 retention.ms= 5  "},
    {"topics", "t", "flush.ms", "1", '=', "flush.ms", "2", 0, "flush.ms=2 "},
    {"topics", "t", "flush.ms", "1", '-', "flush.ms", NULL, 0, ""},
    {"topics", "t", "flush.ms", "1", '-', "no.such", NULL, 0, "flush.ms=1 "},
    {"topics", "t", NULL, NULL, '+', "cleanup.policy", "compact", 0, "cleanup.policy=delete,compact "},
    {"topics", "t", "cleanup.policy", "compact", '+', "cleanup.policy", "compact", 0, "cleanup.policy=compact "},
    {"topics", "t", "cleanup.policy", "compact", '/', "cleanup.policy", "compact", 0, "cleanup.policy= "},
    {"topics", "t", "cleanup.policy", "", '+', "cleanup.policy", "delete", 0, "cleanup.policy=delete "},
    {"topics", "t", NULL, NULL, '+', "follower.replication.throttled.replicas", "0:1,0:2", 0,
     "follower.replication.throttled.replicas=0:1,0:2 "},
    {"topics", "t", NULL, NULL, '/', "leader.replication.throttled.replicas", "0:1", 0,
     "leader.replication.throttled.replicas= "},
    {"topics", "t", NULL, NULL, '+', "retention.ms", "1", 40,
     "Config value append is not allowed for config key: retention.ms"},
    {"topics", "t", NULL, NULL, '/', "retention.ms", "1", 40,
     "Config value subtract is not allowed for config key: retention.ms"},
    {"topics", "t", NULL, NULL, '+', "no.such", "1", -1, NULL},
    {"topics", "t", NULL, NULL, '=', "no.such", "1", 40, "Unknown topic config name: no.such"},
    {"topics", "t", NULL, NULL, '=', "retention.ms", "x", 40,
     OF_TOPIC "Invalid value x for configuration retention.ms: Not a number of type LONG"},
    {"topics", "t", NULL, NULL, '=', "remote.storage.enable", "true", 40,
     OF_TOPIC "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log "
              "storage."},
    {"topics", "t", NULL, NULL, '=', "remote.log.copy.disable", "true", 40,
     "It is invalid to set `remote.log.delete.on.disable` or `remote.log.copy.disable` under Zookeeper's mode."},
    {"topics", "t", "max.compaction.lag.ms", "5", '=', "min.compaction.lag.ms", "10", 40,
     "conflict topic config setting min.compaction.lag.ms (10) > max.compaction.lag.ms (5)"},
    {"brokers", "1", NULL, NULL, '=', "log.retention.ms", "5", 0, "log.retention.ms=5 "},
    {"brokers", "1", NULL, NULL, '=', "no.such.key", "5", 0, "no.such.key=5 "},
    {"brokers", "1", NULL, NULL, '=', "listener.name.x.ssl.keystore.location", "/x", 0,
     "listener.name.x.ssl.keystore.location=/x "},
    {"brokers", "1", NULL, NULL, '-', "broker.id", NULL, 0, ""},
    {"brokers", "<default>", NULL, NULL, '=', "follower.replication.throttled.rate", "3", 0,
     "follower.replication.throttled.rate=3 "},
    {"brokers", "1", NULL, NULL, '=', "broker.id", "3", 42, "Cannot update these configs dynamically: Set(broker.id)"},
    {"brokers", "<default>", NULL, NULL, '=', "process.roles", "x", 42,
     "Cannot update these configs dynamically: Set(process.roles)"},
    {"brokers", "<default>", NULL, NULL, '=', "principal.builder.class", "x", 42,
     "Cannot update these configs at default cluster level, broker id must be specified: Set(principal.builder.class)"},
    {"brokers", "1", NULL, NULL, '=', "ssl.keystore.location", "x", 42,
     "These security configs can be dynamically updated only per-listener using the listener prefix: "
     "HashSet(ssl.keystore.location)"},
    {"brokers", "1", NULL, NULL, '=', "listener.name.x.ssl.keystore.password", "x", 40,
     OF_BROKER "Password encoder secret not configured"},
    {"brokers", "1", NULL, NULL, '=', "log.retention.ms", "x", 42,
     "Invalid value x for configuration log.retention.ms: Not a number of type LONG"},
    {"brokers", "1", NULL, NULL, '=', "log.retention.ms", "0", 42,
     "requirement failed: log.retention.ms must be unlimited (-1) or, greater than or equal to 1"},
    {"brokers", "1", NULL, NULL, '=', "log.roll.ms", "-1", 42,
     "requirement failed: log.roll.ms must be greater than or equal to 1"},
    {"brokers", "<default>", NULL, NULL, '=', "max.connections", "0", 42,
     "requirement failed: max.connections must be greater than or equal to 1"},
    {"brokers", "1", NULL, NULL, '=', "max.connections.per.ip", "0", 42,
     "requirement failed: max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property "
     "is set."},
    {"brokers", "1", NULL, NULL, '=', "max.connections.per.ip.overrides", "127.0.0.1:x", 42, "For input string: \"x\""},
    {"brokers", "1", NULL, NULL, '=', "max.connections.per.ip.overrides", "nowhere", 42,
     "Error parsing configuration property 'max.connections.per.ip.overrides': begin 0, end -1, length 7"},
};

static int kind_of(char op) {
    switch (op) {
    case '=':
        return BN_EVENT_CONFIG_SET;
    case '-':
        return BN_EVENT_CONFIG_DELETE;
    case '+':
        return BN_EVENT_CONFIG_APPEND;
    default:
        return BN_EVENT_CONFIG_SUBTRACT;
    }
}

START_TEST(judged) {
    struct bn_arena arena;
    bn_arena_init(&arena, SIZE_MAX / 2);
    struct bn_fact_pair set = {CASES[_i].now_key, CASES[_i].now_value};
    struct bn_fact_config now = {CASES[_i].type, CASES[_i].name, &set, set.name ? 1 : 0}, out = {0};
    struct bn_event_config_op op = {CASES[_i].key, (__typeof__(op.kind))kind_of(CASES[_i].op), CASES[_i].value};
    struct bn_event_alter_config change = {
        .type = CASES[_i].type, .name = CASES[_i].name, .told_name = "t", .ops = &op, .op_count = 1};
    const char *message = NULL;
    int16_t error = bn_config_rules_change(&change, &now, &arena, &out, &message);
    ck_assert_msg(error == CASES[_i].error, "%d %s", error, message ? message : "");
    if (error) {
        if (CASES[_i].want)
            ck_assert_str_eq(message, CASES[_i].want);
        else
            ck_assert_ptr_null(message);
    } else {
        struct bn_str said;
        bn_str_init(&said);
        for (int32_t i = 0; i < out.entry_count; i++)
            bn_str_addf(&said, "%s=%s ", out.entries[i].name, out.entries[i].value);
        ck_assert_str_eq(said.ptr ? said.ptr : "", CASES[_i].want);
        bn_str_fini(&said);
    }
    bn_arena_fini(&arena);
}
END_TEST

START_TEST(replaced) {
    struct bn_arena arena;
    bn_arena_init(&arena, SIZE_MAX / 2);
    struct bn_fact_pair set[] = {{"flush.ms", "1"}, {"retention.ms", "broken"}};
    struct bn_fact_config now = {"topics", "t", set, 2}, out = {0};
    struct bn_event_alter_config change = {.type = "topics", .name = "t", .told_name = "t", .replace = true};
    const char *message = NULL;
    bn_config_rules_warn(&now); /* one line, and no harm */
    ck_assert_int_eq(bn_config_rules_change(&change, &now, &arena, &out, &message), 0);
    ck_assert_int_eq(out.entry_count, 0);
    /* What a person broke stays refused until it is mended. */
    change.replace = false;
    ck_assert_int_eq(bn_config_rules_change(&change, &now, &arena, &out, &message), 40);
    bn_arena_fini(&arena);
}
END_TEST

/* As many keys and as many items as a request may hold take no square of their number. */
START_TEST(many) {
    enum { N = 100000 };
    struct bn_arena arena;
    struct bn_str list;
    bn_arena_init(&arena, SIZE_MAX / 2);
    bn_str_init(&list);
    struct bn_event_config_op *ops = bn_arena_array(&arena, N, sizeof *ops);
    for (int i = 0; i < N; i++) {
        ops[i] = (struct bn_event_config_op){bn_arena_printf(&arena, "k%d", i), BN_EVENT_CONFIG_SET, "1"};
        if (i % 2) ops[i].kind = BN_EVENT_CONFIG_DELETE;
        bn_str_addf(&list, "%d:1,", i);
    }
    struct bn_fact_config now = {"brokers", "1", NULL, 0}, out = {0};
    struct bn_event_alter_config change = {.type = "brokers", .name = "1", .told_name = "1", .ops = ops, .op_count = N};
    const char *message = NULL;
    ck_assert_int_eq(bn_config_rules_change(&change, &now, &arena, &out, &message), 40);
    ck_assert_ptr_nonnull(strstr(message, "more than 1000 keys"));
    ck_assert_int_eq(out.entry_count, N / 2);
    struct bn_event_config_op append = {"follower.replication.throttled.replicas", BN_EVENT_CONFIG_APPEND, list.ptr};
    now.type = "topics";
    change = (struct bn_event_alter_config){
        .type = "topics", .name = "t", .told_name = "t", .ops = &append, .op_count = 1};
    ck_assert_int_eq(bn_config_rules_change(&change, &now, &arena, &out, &message), 40); /* no answer could tell it */
    ck_assert_ptr_nonnull(strstr(message, "would be longer than 32767 bytes"));
    ck_assert_uint_eq(strlen(out.entries[0].value), list.len - 1); /* no comma at the end */
    bn_str_fini(&list);
    bn_arena_fini(&arena);
}
END_TEST

START_TEST(bounded) { /* what does not fit into a znode is refused before ZooKeeper sees it */
    struct bn_arena arena;
    bn_arena_init(&arena, SIZE_MAX / 2);
    char *large = bn_arena_alloc(&arena, 1000001);
    memset(large, '1', 1000000);
    struct bn_event_config_op op = {"no.such.key", BN_EVENT_CONFIG_SET, large};
    struct bn_fact_config now = {"brokers", "1", NULL, 0}, out = {0};
    struct bn_event_alter_config change = {.type = "brokers", .name = "1", .told_name = "1", .ops = &op, .op_count = 1};
    const char *message = NULL;
    ck_assert_int_eq(bn_config_rules_change(&change, &now, &arena, &out, &message), 40);
    bn_arena_fini(&arena);
}
END_TEST

Suite *config_rules_suite(void);
Suite *config_rules_suite(void) {
    Suite *s = suite_create("config_rules");
    TCase *c = tcase_create("config_rules");
    tcase_add_loop_test(c, judged, 0, (int)BN_ARRAY_LEN(CASES));
    tcase_add_test(c, replaced);
    tcase_add_test(c, many);
    tcase_add_test(c, bounded);
    suite_add_tcase(s, c);
    return s;
}
