/* groups_command.c: the two faces of groups: `barnabas group VERB [GROUP...]` and kafka-consumer-groups.sh.
 */
#include <stdio.h>

#include "common/base/alloc.h"
#include "tools/admin.h"
#include "tools/command.h"
#include "tools/groups.h"

enum { TIMEOUT_MS = 5000 };

/* clang-format off */
#define COMMON_OPTIONS                                                                                                 \
    {"group", BN_OPTION_VALUE, "a consumer group; any number"},                                                        \
        {"all-groups", BN_OPTION_FLAG, "all of them"},                                                                 \
        {"topic", BN_OPTION_VALUE, "reset, delete-offsets: a topic, or topic:0,1; any number"},                        \
        {"all-topics", BN_OPTION_FLAG, "reset: whatever the group has committed"},                                     \
        {"state", BN_OPTION_MAYBE, "list: states too, or only groups in these; describe: a line per group"},           \
        {"type", BN_OPTION_MAYBE, "list: types too, or only groups of these"},                                         \
        {"to-offset", BN_OPTION_VALUE, "reset: to this offset"},                                                       \
        {"to-earliest", BN_OPTION_FLAG, "reset: to the beginning"},                                                    \
        {"to-latest", BN_OPTION_FLAG, "reset: to the end"},                                                            \
        {"to-current", BN_OPTION_FLAG, "reset: to where the group is; the end where it has committed nothing"},        \
        {"to-datetime", BN_OPTION_VALUE, "reset: to a time, YYYY-MM-DDTHH:mm:SS.sss; UTC unless it names a zone"},     \
        {"by-duration", BN_OPTION_VALUE, "reset: to so long ago, PnDTnHnMnS"},                                         \
        {"shift-by", BN_OPTION_VALUE, "reset: so far on, or back"},                                                    \
        {"from-file", BN_OPTION_VALUE, "reset: to what a file says, [group,]topic,partition,offset a line"},           \
        {"dry-run", BN_OPTION_FLAG, "reset: only say what would be done (as without --execute)"},                      \
        {"execute", BN_OPTION_FLAG, "reset: do it"},                                                                   \
        {"export", BN_OPTION_FLAG, "reset: print what is done for --from-file"},                                       \
        {"timeout", BN_OPTION_VALUE, "how many milliseconds to look for a coordinator (5000)"}

static const struct bn_option kafka_table[] = {
    {"list", BN_OPTION_FLAG, "list groups"},
    {"describe", BN_OPTION_FLAG, "describe groups: by --offsets (default), --members [--verbose] or --state"},
    {"reset-offsets", BN_OPTION_FLAG, "change what a group without members has committed"},
    {"delete", BN_OPTION_FLAG, "delete groups without members"},
    {"delete-offsets", BN_OPTION_FLAG, "forget what a group has committed of topics"},
    {"offsets", BN_OPTION_FLAG, "describe: partitions, offsets and lag"},
    {"members", BN_OPTION_FLAG, "describe: members"},
    {"verbose", BN_OPTION_FLAG, "describe --members: with what is assigned to them"},
    COMMON_OPTIONS,
    BN_ADMIN_OPTIONS,
    {NULL, BN_OPTION_FLAG, NULL},
};

static const struct bn_option own_table[] = {COMMON_OPTIONS, BN_ADMIN_OPTIONS, {NULL, BN_OPTION_FLAG, NULL}};
/* clang-format on */

static bool (*const actions[])(struct bn_groups *g) = {
    [BN_GROUPS_LIST] = bn_groups_list,
    [BN_GROUPS_DESCRIBE] = bn_groups_describe,
    [BN_GROUPS_RESET] = bn_groups_reset,
    [BN_GROUPS_DELETE] = bn_groups_delete,
    [BN_GROUPS_DELETE_OFFSETS] = bn_groups_delete_offsets,
};

/* Runs what the command line asks for; its names are the caller's. */
static int run(struct bn_groups *g, const struct bn_options *o) {
    int misuse = g->kafka ? BN_COMMAND_FAILED : BN_COMMAND_USAGE;
    bool bad = false;
    int64_t timeout_ms = bn_options_number(o, "timeout", TIMEOUT_MS, &bad);
    if (bad || !bn_admin_json(o, &g->json) || !bn_groups_rules(g)) return misuse;
    struct bn_session *s = bn_admin_open(o);
    if (!s) return BN_COMMAND_FAILED;
    g->ask = bn_groupask_of(s, o->program, timeout_ms > 0 ? (uint64_t)timeout_ms : 0);
    bool ok = actions[g->action](g);
    bn_session_close(s);
    if (!ok) return misuse;
    return g->failed && !g->kafka ? BN_COMMAND_FAILED : BN_COMMAND_OK;
}

/* The names that the command line gives in either way. */
static void take_names(struct bn_groups *g, const struct bn_options *o, int from) {
    const char *name;
    g->names = bn_alloc_zero((size_t)(o->given_count + o->rest_count) + 1, sizeof *g->names);
    for (int at = 0; (name = bn_options_next(o, "group", &at)) != NULL;) g->names[g->name_count++] = name;
    for (int i = from; i < o->rest_count; i++) g->names[g->name_count++] = o->rest[i];
    g->all = bn_options_has(o, "all-groups");
}

/* ---- barnabas group ---- */

static const struct {
    const char *verb;
    enum bn_groups_action action;
    enum bn_groups_view view;
} verbs[] = {
    {"list", BN_GROUPS_LIST, BN_GROUPS_OFFSETS},
    {"describe", BN_GROUPS_DESCRIBE, BN_GROUPS_OFFSETS},
    {"members", BN_GROUPS_DESCRIBE, BN_GROUPS_MEMBERS},
    {"lag", BN_GROUPS_DESCRIBE, BN_GROUPS_LAG},
    {"reset", BN_GROUPS_RESET, BN_GROUPS_OFFSETS},
    {"delete", BN_GROUPS_DELETE, BN_GROUPS_OFFSETS},
    {"delete-offsets", BN_GROUPS_DELETE_OFFSETS, BN_GROUPS_OFFSETS},
};

int bn_groups_command(int argc, char **argv) {
    struct bn_options o;
    if (bn_options_parse(&o, "barnabas group", own_table, argc, argv) < 0) return BN_COMMAND_USAGE;
    struct bn_groups g = {.options = &o, .verbose = true};
    int rc = BN_COMMAND_USAGE;
    bool found = false;
    for (size_t i = 0; i < BN_ARRAY_LEN(verbs) && o.rest_count > 0; i++) {
        if (strcmp(o.rest[0], verbs[i].verb) != 0) continue;
        found = true;
        g.action = verbs[i].action;
        g.view = verbs[i].view;
    }
    if (g.action == BN_GROUPS_DESCRIBE && bn_options_has(&o, "state")) g.view = BN_GROUPS_STATE;
    bool asked = bn_options_has(&o, "help") || bn_options_has(&o, "version");
    if (asked || !found) {
        int help = bn_admin_help(&o, 0,
                                 "barnabas group list|describe|members|lag|reset|delete|delete-offsets [GROUP...] "
                                 "--bootstrap-server host:port [options]",
                                 rc);
        if (asked) rc = help;
    } else {
        take_names(&g, &o, 1);
        rc = run(&g, &o);
    }
    bn_alloc_free(g.names);
    bn_options_fini(&o);
    return rc;
}

/* ---- kafka-consumer-groups.sh ---- */

int bn_groups_command_kafka(int argc, char **argv) {
    static const struct {
        const char *option;
        enum bn_groups_action action;
    } flags[] = {{"list", BN_GROUPS_LIST},
                 {"describe", BN_GROUPS_DESCRIBE},
                 {"delete", BN_GROUPS_DELETE},
                 {"reset-offsets", BN_GROUPS_RESET},
                 {"delete-offsets", BN_GROUPS_DELETE_OFFSETS}};
    struct bn_options o;
    if (bn_options_parse(&o, "kafka-consumer-groups", kafka_table, argc, argv) < 0) return BN_COMMAND_FAILED;
    struct bn_groups g = {.options = &o, .kafka = true, .verbose = bn_options_has(&o, "verbose")};
    int rc = bn_admin_help(&o, argc,
                           "kafka-consumer-groups --bootstrap-server host:port "
                           "--list|--describe|--reset-offsets|--delete|--delete-offsets [options]",
                           BN_COMMAND_FAILED);
    if (rc < 0) {
        for (size_t i = 0; i < BN_ARRAY_LEN(flags); i++) {
            if (bn_options_has(&o, flags[i].option)) g.action = flags[i].action;
        }
        if (bn_options_has(&o, "state")) g.view = BN_GROUPS_STATE;
        if (bn_options_has(&o, "members")) g.view = BN_GROUPS_MEMBERS;
        if (bn_options_has(&o, "offsets")) g.view = BN_GROUPS_OFFSETS;
        take_names(&g, &o, o.rest_count);
        rc = run(&g, &o);
        bn_alloc_free(g.names);
    }
    bn_options_fini(&o);
    return rc;
}
