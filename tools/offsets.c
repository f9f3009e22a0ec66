/* offsets.c: `barnabas offsets` and kafka-get-offsets.sh (9-tools 9.13): a partition's offset at a time, a line each.
 */
#include <stdio.h>

#include "common/base/alloc.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/kmsg.h"
#include "tools/admin.h"
#include "tools/command.h"
#include "tools/ends.h"
#include "tools/jsonout.h"
#include "tools/pattern.h"

static const struct bn_option table[] = {
    BN_ADMIN_OPTIONS,
    {"broker-list", BN_OPTION_VALUE, NULL},
    {"topic", BN_OPTION_VALUE, "a regular expression; all topics if absent"},
    {"partitions", BN_OPTION_VALUE, "only these, separated by commas"},
    {"topic-partitions", BN_OPTION_VALUE, "topic:1,topic:0-3,topic:5-,topic (upper bounds are excluded)"},
    {"time", BN_OPTION_VALUE, "milliseconds, or latest earliest max-timestamp earliest-local latest-tiered (-1 to -5)"},
    {"exclude-internal-topics", BN_OPTION_FLAG, "without internal topics"},
    {"offsets", BN_OPTION_VALUE, NULL},
    {"max-wait-ms", BN_OPTION_VALUE, NULL},
    {NULL, BN_OPTION_FLAG, NULL},
};

struct asked {
    const struct bn_options *options;
    int64_t time;
    struct bn_pattern_rule *rules;
    size_t rule_count;
    struct bn_ends_place *places;
    size_t count;
};

static bool refuse(const char *text) {
    fprintf(stderr, "Error occurred: %s\n", text);
    return false;
}

static bool read_time(struct asked *a) {
    static const char *const names[] = {"latest", "earliest", "max-timestamp", "earliest-local", "latest-tiered"};
    const char *text = bn_options_get(a->options, "time");
    a->time = -1;
    if (!text || bn_slice_to_i64(bn_slice_str(text), &a->time)) return true;
    for (size_t i = 0; i < BN_ARRAY_LEN(names); i++) {
        if (strcmp(text, names[i]) == 0) return a->time = -1 - (int64_t)i, true;
    }
    fprintf(stderr,
            "Error occurred: Malformed time argument %s. Please use -1 or latest / -2 or earliest / -3 or "
            "max-timestamp / -4 or earliest-local / -5 or latest-tiered, or a specified long format timestamp\n",
            text);
    return false;
}

static void add_rule(struct asked *a, struct bn_pattern_rule rule) {
    a->rules = bn_alloc_resize(a->rules, (a->rule_count + 1) * sizeof *a->rules);
    a->rules[a->rule_count++] = rule;
}

static bool read_partitions(struct asked *a, const char *topic, const char *list) {
    if (!list) {
        add_rule(a, (struct bn_pattern_rule){topic ? bn_alloc_strdup(topic) : NULL, 0, INT64_MAX});
        return true;
    }
    for (const char *at = list; *at;) {
        size_t len = strcspn(at, ",");
        int64_t id;
        if (len > 0 && (!bn_slice_to_i64(bn_slice_of(at, len), &id) || id < 0)) {
            fprintf(stderr,
                    "Error occurred: --partitions expects a comma separated list of numeric partition ids, but "
                    "received: %s\n",
                    list);
            return false;
        }
        if (len > 0) add_rule(a, (struct bn_pattern_rule){topic ? bn_alloc_strdup(topic) : NULL, id, id + 1});
        at += len + (at[len] == ',');
    }
    return true;
}

static bool read_rules(struct asked *a) {
    const char *pairs = bn_options_get(a->options, "topic-partitions"), *topic = bn_options_get(a->options, "topic");
    const char *partitions = bn_options_get(a->options, "partitions");
    if (pairs && (topic || partitions)) return refuse("--topic-partitions cannot be used with --topic or --partitions");
    if (!topic && a->options->rest_count > 0) topic = a->options->rest[0];
    if (!pairs) return read_partitions(a, topic, partitions);
    while (*pairs) {
        size_t len = strcspn(pairs, ",");
        struct bn_pattern_rule rule;
        if (!bn_pattern_rule_parse(bn_slice_of(pairs, len), &rule)) {
            fprintf(stderr, "Error occurred: Invalid rule specification: %.*s\n", (int)len, pairs);
            return false;
        }
        add_rule(a, rule);
        pairs += len + (pairs[len] == ',');
    }
    return true;
}

static bool is_asked(const struct asked *a, struct bn_slice topic, int32_t partition) {
    for (size_t i = 0; i < a->rule_count; i++) {
        if (bn_pattern_rule_matches(&a->rules[i], topic, partition)) return true;
    }
    return false;
}

static bool find_places(struct asked *a, struct bn_session *s) {
    struct kmsg_metadata_response *all = bn_session_metadata(s);
    if (!all) return false;
    for (int32_t i = 0; i < all->topics.n; i++) {
        const struct kmsg_metadata_response_topic *t = &all->topics.v[i];
        if (t->is_internal && bn_options_has(a->options, "exclude-internal-topics")) continue;
        for (int32_t k = 0; k < t->partitions.n; k++) {
            const struct kmsg_metadata_response_partition *p = &t->partitions.v[k];
            if (!is_asked(a, t->name, p->partition_index)) continue;
            a->places = bn_alloc_resize(a->places, (a->count + 1) * sizeof *a->places);
            a->places[a->count++] = (struct bn_ends_place){
                t->name,      p->partition_index,
                p->leader_id, p->leader_id < 0 ? (int16_t)KE_LEADER_NOT_AVAILABLE : (int16_t)KE_NONE,
                -1,           -1};
        }
    }
    if (a->count > 0) return true;
    (void)refuse("Could not match any topic-partitions with the specified filters");
    const char *topic = bn_options_get(a->options, "topic");
    if (topic) bn_admin_suggest_topic(s, bn_slice_str(topic));
    return false;
}

static void tell_skipped(const struct bn_ends_place *p) {
    char exception[BN_ADMIN_EXCEPTION_MAX];
    fflush(stdout);
    fprintf(stderr, "Skip getting offsets for topic-partition %.*s-%d due to error: %s: %s\n", BN_SLICE_FMT(p->topic),
            p->partition, bn_admin_exception(p->error, exception), bn_errors_text(p->error));
}

static void print_all(const struct asked *a, bool json) {
    struct bn_jsonout j;
    bn_jsonout_init(&j);
    bn_jsonout_array(&j, "offsets");
    for (size_t i = 0; i < a->count; i++) {
        const struct bn_ends_place *p = &a->places[i];
        if (p->error != KE_NONE) {
            tell_skipped(p);
        } else if (json) {
            bn_jsonout_object(&j, NULL);
            bn_jsonout_text(&j, "topic", p->topic);
            bn_jsonout_number(&j, "partition", p->partition);
            bn_jsonout_number(&j, "offset", p->offset);
            bn_jsonout_number(&j, "timestamp", p->timestamp);
            bn_jsonout_end(&j);
        } else if (p->offset >= 0) {
            printf("%.*s:%d:%" PRId64 "\n", BN_SLICE_FMT(p->topic), p->partition, p->offset);
        }
    }
    if (json)
        bn_jsonout_print(&j);
    else
        bn_str_fini(&j.text);
}

static int run(struct asked *a, bool kafka) {
    bool json = false;
    if (!bn_admin_json(a->options, &json) || !read_time(a) || !read_rules(a))
        return kafka ? BN_COMMAND_FAILED : BN_COMMAND_USAGE;
    struct bn_session *s = bn_admin_open(a->options);
    if (!s) return BN_COMMAND_FAILED;
    bool ok = find_places(a, s) && bn_ends_ask(s, a->places, a->count, a->time);
    if (ok) print_all(a, json);
    for (size_t i = 0; ok && !kafka && i < a->count; i++) ok = a->places[i].error == KE_NONE;
    bn_session_close(s);
    return ok ? BN_COMMAND_OK : BN_COMMAND_FAILED;
}

int bn_offsets_command(int argc, char **argv) {
    struct bn_options o;
    bool kafka = strcmp(argv[0], "offsets") != 0;
    int misuse = kafka ? BN_COMMAND_FAILED : BN_COMMAND_USAGE;
    if (bn_options_parse(&o, kafka ? "kafka-get-offsets" : "barnabas offsets", table, argc, argv) < 0) return misuse;
    int rc = bn_admin_help(&o, argc, "barnabas offsets [TOPIC] --bootstrap-server host:port [options]", misuse);
    if (rc < 0) {
        struct asked a = {.options = &o};
        rc = run(&a, kafka);
        for (size_t i = 0; i < a.rule_count; i++) bn_pattern_rule_fini(&a.rules[i]);
        bn_alloc_free(a.rules);
        bn_alloc_free(a.places);
    }
    bn_options_fini(&o);
    return rc;
}
