/* config_command.c: the two faces of configuration: `barnabas config describe|set|delete` and kafka-configs.sh, whose
 * rules and refusals are those of Kafka 3.9's tool, word for word. Quotas, SCRAM users and client metrics are refused:
 * no broker of this release serves them.
 */
#include <stdio.h>

#include "common/base/alloc.h"
#include "common/base/str.h"
#include "common/conf/props.h"
#include "tools/command.h"
#include "tools/config.h"

static const struct bn_option own_table[] = {
    BN_ADMIN_OPTIONS,
    {"all", BN_OPTION_FLAG, "describe: also what was not set for it"},
    {NULL, BN_OPTION_FLAG, NULL},
};

static const struct bn_option kafka_table[] = {
    BN_ADMIN_OPTIONS,
    {"describe", BN_OPTION_FLAG, "list the configs of an entity"},
    {"alter", BN_OPTION_FLAG, "change them"},
    {"all", BN_OPTION_FLAG, "describe: also what was not set for it"},
    {"add-config", BN_OPTION_VALUE, "alter: k1=v1,k2=[v1,v2]"},
    {"add-config-file", BN_OPTION_VALUE, "alter: a properties file of what to set"},
    {"delete-config", BN_OPTION_VALUE, "alter: k1,k2"},
    {"entity-type", BN_OPTION_VALUE, "topics or brokers"},
    {"entity-name", BN_OPTION_VALUE, "a topic, or a broker's id"},
    {"entity-default", BN_OPTION_FLAG, "the default of all brokers"},
    {"topic", BN_OPTION_VALUE, "a topic"},
    {"broker", BN_OPTION_VALUE, "a broker's id"},
    {"broker-defaults", BN_OPTION_FLAG, "the default of all brokers"},
    {"broker-logger", BN_OPTION_VALUE, NULL},
    {"user", BN_OPTION_VALUE, NULL},
    {"user-defaults", BN_OPTION_FLAG, NULL},
    {"client", BN_OPTION_VALUE, NULL},
    {"client-defaults", BN_OPTION_FLAG, NULL},
    {"client-metrics", BN_OPTION_VALUE, NULL},
    {"ip", BN_OPTION_VALUE, NULL},
    {"ip-defaults", BN_OPTION_FLAG, NULL},
    {"bootstrap-controller", BN_OPTION_VALUE, NULL},
    {"zk-tls-config-file", BN_OPTION_VALUE, NULL},
    {"force", BN_OPTION_FLAG, NULL},
    {NULL, BN_OPTION_FLAG, NULL},
};

/* What every flag names: its entity type, and whether it is that type's default. */
static const struct {
    const char *option, *type;
    bool is_default;
} flags[] = {
    {"topic", "topics", false},
    {"client", "clients", false},
    {"user", "users", false},
    {"broker", "brokers", false},
    {"broker-logger", "broker-loggers", false},
    {"ip", "ips", false},
    {"client-metrics", "client-metrics", false},
    {"client-defaults", "clients", true},
    {"user-defaults", "users", true},
    {"broker-defaults", "brokers", true},
    {"ip-defaults", "ips", true},
};

static const char *const types[] = {"topics", "clients", "users", "brokers", "ips", "broker-loggers", "client-metrics"};

enum { ENTITIES_MAX = 16 };

struct entities {
    const char *type[ENTITIES_MAX], *name[ENTITIES_MAX]; /* name "" = the default */
    int types, names;
    bool long_form, flag_form;
};

static void read_entities(const struct bn_options *o, struct entities *e) {
    const char *text;
    *e = (struct entities){.types = 0};
    for (int at = 0; (text = bn_options_next(o, "entity-type", &at)) != NULL && e->types < ENTITIES_MAX;)
        e->type[e->types++] = text;
    for (int at = 0; (text = bn_options_next(o, "entity-name", &at)) != NULL && e->names < ENTITIES_MAX;)
        e->name[e->names++] = text;
    if (bn_options_has(o, "entity-default") && e->names < ENTITIES_MAX) e->name[e->names++] = "";
    e->long_form = e->types > 0 || e->names > 0;
    for (size_t i = 0; i < BN_ARRAY_LEN(flags) && e->types < ENTITIES_MAX && e->names < ENTITIES_MAX; i++) {
        if (!bn_options_has(o, flags[i].option)) continue;
        e->flag_form = true;
        e->type[e->types++] = flags[i].type;
        e->name[e->names++] = flags[i].is_default ? "" : bn_options_get(o, flags[i].option);
    }
}

static bool is(const char *a, const char *b) { return strcmp(a, b) == 0; }

static bool refuse(const char *text) {
    fprintf(stderr, "%s\n", text);
    return false;
}

static bool check_types(const struct entities *e) {
    for (int i = 0; i < e->types; i++) {
        for (int k = 0; k < i; k++) {
            if (!is(e->type[i], e->type[k])) continue;
            fprintf(stderr, "Duplicate entity type(s) specified: %s\n", e->type[i]);
            return false;
        }
    }
    for (int i = 0; i < e->types; i++) {
        bool known = false;
        for (size_t k = 0; k < BN_ARRAY_LEN(types) && !known; k++) known = is(types[k], e->type[i]);
        if (known) continue;
        fprintf(stderr, "Invalid entity type %s, the entity type must be one of ", e->type[i]);
        for (size_t k = 0; k < BN_ARRAY_LEN(types); k++) fprintf(stderr, "%s%s", k ? ", " : "", types[k]);
        fputs(" with a --bootstrap-server or --bootstrap-controller argument\n", stderr);
        return false;
    }
    if (e->types == 0) return refuse("At least one entity type must be specified");
    if (e->types == 1) return true;
    bool users = false, clients = false;
    for (int i = 0; i < e->types; i++) users |= is(e->type[i], "users"), clients |= is(e->type[i], "clients");
    return (e->types == 2 && users && clients) ||
           refuse("Only 'users' and 'clients' entity types may be specified together");
}

static bool check_changes(const struct bn_options *o, const struct entities *e) {
    bool named = false, is_default = false;
    for (int i = 0; i < e->names; i++) *e->name[i] ? (named = true) : (is_default = true);
    if (!is(e->type[0], "topics") && !is(e->type[0], "broker-loggers") && !is(e->type[0], "client-metrics")) {
        if (!named && !is_default)
            return refuse(
                "an entity-name or default entity must be specified with --alter of users, clients, brokers or ips");
    } else if (!named) {
        fprintf(stderr, "an entity name must be specified with --alter of %s\n", e->type[0]);
        return false;
    }
    bool add = bn_options_has(o, "add-config"), file = bn_options_has(o, "add-config-file");
    if (add && file) return refuse("Only one of --add-config or --add-config-file must be specified");
    return add || file || bn_options_has(o, "delete-config") ||
           refuse("At least one of --add-config, --add-config-file, or --delete-config must be specified with --alter");
}

static bool check(const struct bn_options *o, const struct entities *e) {
    static const char *const change_only[] = {"alter", "add-config", "delete-config"};
    bool alter = bn_options_has(o, "alter"), describe = bn_options_has(o, "describe");
    if (alter == describe) return refuse("Command must include exactly one action: --describe, --alter");
    for (size_t i = 0; describe && i < BN_ARRAY_LEN(change_only); i++) {
        if (!bn_options_has(o, change_only[i])) continue;
        fprintf(stderr, "Option \"[describe]\" can't be used with option \"[%s]\"\n", change_only[i]);
        return false;
    }
    if (!check_types(e)) return false;
    if (e->long_form && e->flag_form)
        return refuse("--entity-{type,name,default} should not be used in conjunction with specific entity flags");
    if (!bn_options_has(o, "bootstrap-server") && !bn_options_has(o, "zookeeper"))
        return refuse("One of the required --bootstrap-server, --boostrap-controller, or --zookeeper arguments must be "
                      "specified");
    bool broker = is(e->type[0], "brokers") || is(e->type[0], "broker-loggers");
    for (int i = 0; broker && i < e->names; i++) {
        int64_t id;
        if (!*e->name[i] || bn_slice_to_i64(bn_slice_str(e->name[i]), &id)) continue;
        fprintf(stderr, "The entity name for %s must be a valid integer broker id, but it is: %s\n", e->type[0],
                e->name[i]);
        return false;
    }
    if (describe && is(e->type[0], "broker-loggers") && e->names == 0)
        return refuse("an entity name must be specified with --describe of broker-loggers");
    return !alter || check_changes(o, e);
}

static void warn_of_format(const struct bn_config_pair *p) {
    if (!bn_slice_eq_str(p->key, "message.format.version")) return;
    printf("WARNING: The configuration message.format.version=%.*s is specified. This configuration will be ignored if "
           "the version is newer than the inter.broker.protocol.version specified in the broker or if the "
           "inter.broker.protocol.version is 3.0 or newer. This configuration is deprecated and it will be removed in "
           "Apache Kafka 4.0.\n",
           BN_SLICE_FMT(p->value));
    fflush(stdout);
}

/* What to set and what to delete. False after telling; *text is what the pairs borrow. */
static bool read_changes(struct bn_config_task *t, struct bn_props *props) {
    const char *add = bn_options_get(t->options, "add-config"), *file = bn_options_get(t->options, "add-config-file");
    const char *drop = bn_options_get(t->options, "delete-config");
    if (add && !bn_config_parse_pairs(t, add))
        return refuse(
            "requirement failed: Invalid entity config: all configs to be added must be in the format \"key=val\".");
    char *text = file ? bn_admin_read_file(t->options->program, file) : NULL;
    if (file && !text) return false;
    if (text) {
        struct bn_err e = BN_ERR_NONE;
        int rc = bn_props_parse(bn_slice_str(text), props, &e);
        bn_alloc_free(text);
        if (rc != BN_OK) return fprintf(stderr, "%s: %s: %s\n", t->options->program, file, e.text), false;
    }
    for (size_t i = 0; i < props->count; i++) {
        t->set = bn_alloc_resize(t->set, (t->set_count + 1) * sizeof *t->set);
        t->set[t->set_count++] = (struct bn_config_pair){bn_slice_str(props->list[i].key),
                                                         bn_slice_str(props->list[i].value)};
    }
    for (size_t i = 0; i < t->set_count; i++) warn_of_format(&t->set[i]);
    while (drop && *drop) {
        size_t len = strcspn(drop, ","), skip = strspn(drop, " ");
        t->drop = bn_alloc_resize(t->drop, (t->drop_count + 1) * sizeof *t->drop);
        t->drop[t->drop_count++] = bn_slice_of(drop + bn_min_size(skip, len), len - bn_min_size(skip, len));
        drop += len + (drop[len] == ',');
    }
    return true;
}

static int carry_out(const struct bn_config_task *t, bool alter) {
    struct bn_session *s = bn_admin_open(t->options);
    if (!s) return BN_COMMAND_FAILED;
    int rc = alter ? bn_config_alter(t, s) : bn_config_describe(t, s);
    bn_session_close(s);
    return rc;
}

static int run_kafka(const struct bn_options *o, const char *failed) {
    struct bn_config_task t = {.options = o,
                               .kafka = true,
                               .failed = failed,
                               .zookeeper = bn_options_has(o, "zookeeper"),
                               .all = bn_options_has(o, "all")};
    struct bn_props props = {NULL, 0};
    struct entities e;
    read_entities(o, &e);
    if (!check(o, &e) || !bn_admin_json(o, &t.json)) return BN_COMMAND_FAILED;
    t.name = e.names ? e.name[0] : NULL;
    t.kind = is(e.type[0], "topics") ? BN_CONFIG_TOPIC : is(e.type[0], "brokers") ? BN_CONFIG_BROKER : BN_CONFIG_LOGGER;
    if (t.kind == BN_CONFIG_LOGGER && !is(e.type[0], "broker-loggers")) {
        fprintf(stderr, "%s: configs of %s: this release has neither quotas nor SCRAM users\n", o->program, e.type[0]);
        return BN_COMMAND_FAILED;
    }
    bool alter = bn_options_has(o, "alter");
    int rc = !alter || read_changes(&t, &props) ? carry_out(&t, alter) : BN_COMMAND_FAILED;
    bn_props_fini(&props);
    bn_config_fini(&t);
    return rc;
}

int bn_config_command_kafka(int argc, char **argv) {
    struct bn_options o;
    if (bn_options_parse(&o, "kafka-configs", kafka_table, argc, argv) < 0) return BN_COMMAND_FAILED;
    int rc = bn_admin_help(&o, argc, "kafka-configs --bootstrap-server host:port --describe|--alter [options]",
                           BN_COMMAND_FAILED);
    if (rc < 0) {
        struct bn_str failed;
        bn_str_init(&failed);
        bn_str_add(&failed, "Error while executing config command with args '");
        for (int i = 1; i < argc; i++) bn_str_addf(&failed, "%s%s", i > 1 ? " " : "", argv[i]);
        bn_str_add(&failed, "'");
        rc = run_kafka(&o, failed.ptr);
        bn_str_fini(&failed);
    }
    bn_options_fini(&o);
    return rc;
}

/* ---- barnabas config VERB KIND [NAME] [WORD...] ---- */

static bool read_words(struct bn_config_task *t, const char *verb, const char **words, int count) {
    for (int i = 0; i < count; i++) {
        if (is(verb, "set")) {
            if (bn_config_parse_pairs(t, words[i])) continue;
            fprintf(stderr, "barnabas config: '%s': write key=value\n", words[i]);
            return false;
        }
        t->drop = bn_alloc_resize(t->drop, (t->drop_count + 1) * sizeof *t->drop);
        t->drop[t->drop_count++] = bn_slice_str(words[i]);
    }
    return true;
}

/* Reads what follows the verb. The number of words taken; -1 when it is no entity. */
static int read_entity(struct bn_config_task *t, const char **words, int count) {
    int64_t id;
    if (count > 0 && is(words[0], "brokers")) return t->kind = BN_CONFIG_BROKER, t->name = "", 1;
    if (count > 0 && is(words[0], "topics")) return t->kind = BN_CONFIG_TOPIC, t->name = NULL, 1;
    if (count < 2) return -1;
    t->name = words[1];
    if (is(words[0], "topic")) return t->kind = BN_CONFIG_TOPIC, 2;
    if (is(words[0], "broker") && bn_slice_to_i64(bn_slice_str(words[1]), &id)) return t->kind = BN_CONFIG_BROKER, 2;
    return -1;
}

static int run_own(struct bn_config_task *t) {
    const struct bn_options *o = t->options;
    const char *verb = o->rest_count > 0 ? o->rest[0] : "";
    bool describe = is(verb, "describe");
    int taken = read_entity(t, o->rest + 1, o->rest_count - 1);
    int left = o->rest_count - 1 - taken;
    bool known = describe || is(verb, "set") || is(verb, "delete");
    if (!known || taken < 0 || (describe ? left > 0 : left < 1 || !t->name)) {
        fprintf(stderr, "usage: barnabas config describe|set|delete topic NAME | broker ID | brokers [KEY=VALUE... | "
                        "KEY...] --bootstrap-server host:port\n");
        return BN_COMMAND_USAGE;
    }
    if (!bn_admin_json(o, &t->json) || !read_words(t, verb, o->rest + 1 + taken, left)) return BN_COMMAND_USAGE;
    return carry_out(t, !describe);
}

int bn_config_command(int argc, char **argv) {
    struct bn_options o;
    if (bn_options_parse(&o, "barnabas config", own_table, argc, argv) < 0) return BN_COMMAND_USAGE;
    int rc = bn_admin_help(&o, argc,
                           "barnabas config describe|set|delete topic NAME | broker ID | brokers [KEY=VALUE...] "
                           "--bootstrap-server host:port",
                           BN_COMMAND_USAGE);
    if (rc < 0) {
        struct bn_config_task t = {.options = &o, .all = bn_options_has(&o, "all")};
        rc = run_own(&t);
        bn_config_fini(&t);
    }
    bn_options_fini(&o);
    return rc;
}
