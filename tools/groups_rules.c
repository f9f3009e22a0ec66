/* groups_rules.c: which options of groups go together: Kafka's rules in Kafka's words, in Kafka's order. Its lists in
 * brackets are as its tool happens to print them.
 */
#include <stdio.h>

#include "tools/groups.h"

static const char *const ways[] = {"to-offset", "to-datetime", "by-duration", "to-earliest",
                                   "to-latest", "to-current",  "shift-by",    "from-file"};

static bool refuse(const char *text) {
    fprintf(stderr, "%s\n", text);
    return false;
}

static bool has(const struct bn_groups *g, const char *name) { return bn_options_has(g->options, name); }

static bool exclude(const struct bn_groups *g, const char *a, const char *b) {
    if (!has(g, a) || !has(g, b)) return true;
    fprintf(stderr, "Option \"[%s]\" can't be used with option \"[%s]\"\n", a, b);
    return false;
}

static bool check_describe(const struct bn_groups *g) {
    if (g->name_count == 0 && !g->all)
        return refuse("Option [describe] takes one of these options: [reset-offsets], [describe], [delete], [list]");
    if (has(g, "members") + has(g, "offsets") + has(g, "state") > 1)
        return refuse("Option [describe] takes at most one of these options: [members], [offsets], [state]");
    return !bn_options_get(g->options, "state") || refuse("Option [describe] does not take a value for [state]");
}

static bool check_delete(const struct bn_groups *g) {
    if (g->name_count == 0 && !g->all)
        return refuse("Option [delete] takes one of these options: [all-groups], [group]");
    return !has(g, "topic") ||
           refuse("The consumer does not support topic-specific offset deletion from a consumer group.");
}

static bool check_reset(const struct bn_groups *g) {
    if (has(g, "dry-run") && has(g, "execute"))
        return refuse("Option [reset-offsets] only accepts one of [execute] and [dry-run]");
    if (!has(g, "dry-run") && !has(g, "execute"))
        fputs("WARN: No action will be performed as the --execute option is missing.In a future major release, the "
              "default behavior of this command will be to prompt the user before executing the reset rather than "
              "doing a dry run. You should add the --dry-run option explicitly if you are scripting this command and "
              "want to keep the current default behavior without prompting.\n",
              stderr);
    if (g->name_count == 0 && !g->all)
        return refuse("Option [reset-offsets] takes one of these options: [all-groups], [group]");
    int given = 0;
    for (size_t i = 0; i < BN_ARRAY_LEN(ways); i++) {
        given += has(g, ways[i]);
        for (size_t k = i + 1; k < BN_ARRAY_LEN(ways); k++) {
            if (!exclude(g, ways[i], ways[k])) return false;
        }
    }
    if (!has(g, "from-file") && !has(g, "topic") && !has(g, "all-topics"))
        return refuse("One of the reset scopes should be defined: --all-topics, --topic.");
    return given == 1 ||
           refuse("Option '[reset-offsets]' requires one of the following scenarios: [[to-offset], [to-current], "
                  "[to-datetime], [from-file], [by-duration], [to-earliest], [to-latest], [shift-by]]");
}

static bool check_kafka(const struct bn_groups *g) {
    static const char *const describing[] = {"members", "verbose", "offsets"};
    for (size_t i = 0; i < BN_ARRAY_LEN(describing); i++) {
        if (has(g, "describe") || !has(g, describing[i])) continue;
        fprintf(stderr, "Option(s) [%s] are unavailable given other options on the command line\n", describing[i]);
        return false;
    }
    return has(g, "bootstrap-server") || has(g, "zookeeper") ||
           refuse("Missing required argument \"[bootstrap-server]\"");
}

static bool check_action(const struct bn_groups *g) {
    switch (g->action) {
    case BN_GROUPS_DESCRIBE:
        return check_describe(g);
    case BN_GROUPS_DELETE:
        return check_delete(g);
    case BN_GROUPS_RESET:
        return check_reset(g);
    case BN_GROUPS_DELETE_OFFSETS:
        return (g->name_count > 0 && has(g, "topic")) ||
               refuse("Option [delete-offsets] takes the following options: [all-groups], [group]");
    case BN_GROUPS_LIST:
        break;
    }
    return true;
}

bool bn_groups_rules(struct bn_groups *g) {
    static const char *const actions[] = {"list", "describe", "delete", "reset-offsets", "delete-offsets"};
    bool lists = g->action == BN_GROUPS_LIST;
    /* `barnabas group` means all groups where Kafka wants one named: looking does no harm. */
    bool looks = lists || g->action == BN_GROUPS_DESCRIBE;
    if (!g->kafka && looks && g->name_count == 0) g->all = true;
    if (g->kafka && !check_kafka(g)) return false;
    if (!check_action(g) || !exclude(g, "group", "all-groups")) return false;
    if (!g->kafka) return !lists || g->name_count == 0 || refuse("barnabas group: list takes no groups");
    if (!exclude(g, "group", "list") || !exclude(g, "topic", "list") || !exclude(g, "topic", "describe")) return false;
    int count = 0;
    for (size_t i = 0; i < BN_ARRAY_LEN(actions); i++) count += has(g, actions[i]);
    return count == 1 || refuse("Command must include exactly one action: --list, --describe, --delete, "
                                "--reset-offsets, --delete-offsets");
}
