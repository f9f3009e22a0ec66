/* elect.c: `barnabas elect` and kafka-leader-election.sh (9-tools 9.9): elects leaders, the preferred ones (KIP-183)
 * or, giving up on what only others had, unclean ones (KIP-460).
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/base/alloc.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/kmsg.h"
#include "tools/admin.h"
#include "tools/command.h"
#include "tools/jsonout.h"
#include "tools/places.h"

enum { API_ELECT_LEADERS = 43, TIMEOUT_MS = 60000, PREFERRED = 0, UNCLEAN = 1 };

static const struct bn_option table[] = {
    BN_ADMIN_OPTIONS,
    {"election-type", BN_OPTION_VALUE, "preferred or unclean (required)"},
    {"topic", BN_OPTION_VALUE, "of one partition"},
    {"partition", BN_OPTION_VALUE, "with --topic"},
    {"all-topic-partitions", BN_OPTION_FLAG, "of all partitions that need it"},
    {"path-to-json-file", BN_OPTION_VALUE, "{\"partitions\":[{\"topic\":\"t\",\"partition\":0}]}"},
    {"admin.config", BN_OPTION_VALUE, NULL},
    {NULL, BN_OPTION_FLAG, NULL},
};

struct election {
    const struct bn_options *options;
    int8_t type;
    bool all, json;
    struct bn_places places;
};

static const char *type_name(const struct election *e) { return e->type == PREFERRED ? "PREFERRED" : "UNCLEAN"; }

static bool refuse(const char *text) {
    fprintf(stderr, "%s\n", text);
    return false;
}

static bool read_options(struct election *e) {
    const struct bn_options *o = e->options;
    const char *type = bn_options_get(o, "election-type"), *topic = bn_options_get(o, "topic");
    const char *path = bn_options_get(o, "path-to-json-file"), *partition = bn_options_get(o, "partition");
    int64_t id = 0;
    e->all = bn_options_has(o, "all-topic-partitions");
    if (type && strcasecmp(type, "preferred") != 0 && strcasecmp(type, "unclean") != 0) {
        fprintf(stderr, "Cannot parse argument '%s' of option election-type\n", type);
        return false;
    }
    if (partition && (!bn_slice_to_i64(bn_slice_str(partition), &id) || id < 0 || id > INT32_MAX)) {
        fprintf(stderr, "Cannot parse argument '%s' of option partition\n", partition);
        return false;
    }
    bool servers = bn_options_has(o, "bootstrap-server") || bn_options_has(o, "zookeeper");
    if (!type || !servers) {
        fprintf(stderr, "Missing required option(s): %s%s%s\n", servers ? "" : "bootstrap-server",
                !type && !servers ? ", " : "", type ? "" : "election-type");
        return false;
    }
    if ((topic != NULL) + e->all + (path != NULL) != 1)
        return refuse("One and only one of the following options is required: topic, all-topic-partitions, "
                      "path-to-json-file");
    if (topic && !partition) return refuse("Missing required option(s): partition");
    if (!topic && partition) return refuse("Option partition is only allowed if topic is used");
    e->type = strcasecmp(type, "unclean") == 0 ? UNCLEAN : PREFERRED;
    if (topic) bn_places_add(&e->places, topic, (int32_t)id, 0);
    return !path ||
           bn_places_read(&e->places, o->program, path, false, "Replica election data is missing \"partitions\" field");
}

static bool fill(const struct election *e, struct bn_arena *arena, struct kmsg_elect_leaders_request *q) {
    *q = kmsg_elect_leaders_request_default;
    q->election_type = e->type;
    q->timeout_ms = TIMEOUT_MS;
    q->topic_partitions.n = -1;
    if (e->all) return true;
    q->topic_partitions.v = bn_arena_array(arena, e->places.count, sizeof *q->topic_partitions.v);
    int32_t *ids = bn_arena_array(arena, e->places.count, sizeof *ids);
    if (!q->topic_partitions.v || !ids) return false;
    q->topic_partitions.n = 0;
    for (size_t i = 0; i < e->places.count; i++) { /* a topic once, with all of its partitions */
        struct bn_slice topic = bn_slice_str(e->places.list[i].topic);
        bool seen = false;
        for (size_t k = 0; k < i && !seen; k++) seen = strcmp(e->places.list[k].topic, e->places.list[i].topic) == 0;
        if (seen) continue;
        struct kmsg_elect_leaders_request_topic_partition *t = &q->topic_partitions.v[q->topic_partitions.n++];
        t->topic = topic;
        t->partitions.v = ids;
        for (size_t k = i; k < e->places.count; k++) {
            if (strcmp(e->places.list[k].topic, e->places.list[i].topic) != 0) continue;
            *ids++ = e->places.list[k].partition;
            t->partitions.n++;
        }
    }
    return true;
}

static void list_partitions(const struct kmsg_elect_leaders_response *r, int error, const char *head) {
    int found = 0;
    for (int32_t i = 0; i < r->replica_election_results.n; i++) {
        const struct kmsg_elect_leaders_response_replica_election_result *t = &r->replica_election_results.v[i];
        for (int32_t k = 0; k < t->partition_result.n; k++) {
            if (t->partition_result.v[k].error_code != error) continue;
            printf("%s%.*s-%d", found++ ? ", " : head, BN_SLICE_FMT(t->topic), t->partition_result.v[k].partition_id);
        }
    }
    if (found) putchar('\n');
}

static int print_failures(const struct election *e, const struct kmsg_elect_leaders_response *r) {
    char exception[BN_ADMIN_EXCEPTION_MAX];
    int failed = 0;
    fflush(stdout);
    for (int32_t i = 0; i < r->replica_election_results.n; i++) {
        const struct kmsg_elect_leaders_response_replica_election_result *t = &r->replica_election_results.v[i];
        for (int32_t k = 0; k < t->partition_result.n; k++) {
            const struct kmsg_elect_leaders_response_partition_result *p = &t->partition_result.v[k];
            if (p->error_code == KE_NONE || p->error_code == KE_ELECTION_NOT_NEEDED) continue;
            struct bn_slice why = bn_admin_message(p->error_message, p->error_code);
            fprintf(stderr, "Error completing leader election (%s) for partition: %.*s-%d: %s: %.*s\n", type_name(e),
                    BN_SLICE_FMT(t->topic), p->partition_id, bn_admin_exception(p->error_code, exception),
                    BN_SLICE_FMT(why));
            failed++;
        }
    }
    if (failed) fprintf(stderr, "%d replica(s) could not be elected\n", failed);
    return failed;
}

static void print_json(const struct kmsg_elect_leaders_response *r) {
    struct bn_jsonout j;
    bn_jsonout_init(&j);
    bn_jsonout_array(&j, "partitions");
    for (int32_t i = 0; i < r->replica_election_results.n; i++) {
        const struct kmsg_elect_leaders_response_replica_election_result *t = &r->replica_election_results.v[i];
        for (int32_t k = 0; k < t->partition_result.n; k++) {
            bn_jsonout_object(&j, NULL);
            bn_jsonout_text(&j, "topic", t->topic);
            bn_jsonout_number(&j, "partition", t->partition_result.v[k].partition_id);
            bn_jsonout_text(&j, "result", bn_slice_str(bn_errors_name(t->partition_result.v[k].error_code)));
            bn_jsonout_end(&j);
        }
    }
    bn_jsonout_print(&j);
}

static int elect(const struct election *e, struct bn_session *s) {
    char head[80], exception[BN_ADMIN_EXCEPTION_MAX];
    struct kmsg_elect_leaders_request q;
    struct kmsg_metadata_response *all = bn_session_metadata(s);
    if (!all || !fill(e, bn_session_arena(s), &q)) return BN_COMMAND_FAILED;
    /* Apache Kafka's brokers answer this only where the controller is. */
    int32_t controller = all->controller_id >= 0 ? all->controller_id : BN_SESSION_ANY;
    struct kmsg_elect_leaders_response *r = bn_session_call_broker(s, controller, API_ELECT_LEADERS, &q);
    if (!r) return BN_COMMAND_FAILED;
    if (r->error_code != KE_NONE) {
        fprintf(stderr, "Error while making request\n%s: %s\n", bn_admin_exception(r->error_code, exception),
                bn_errors_text(r->error_code));
        return BN_COMMAND_FAILED;
    }
    if (e->json) {
        print_json(r);
        return print_failures(e, r) ? BN_COMMAND_FAILED : BN_COMMAND_OK;
    }
    (void)snprintf(head, sizeof head, "Successfully completed leader election (%s) for partitions ", type_name(e));
    list_partitions(r, KE_NONE, head);
    list_partitions(r, KE_ELECTION_NOT_NEEDED, "Valid replica already elected for partitions ");
    return print_failures(e, r) ? BN_COMMAND_FAILED : BN_COMMAND_OK;
}

int bn_elect_command(int argc, char **argv) {
    struct bn_options o;
    bool kafka = strncmp(argv[0], "kafka-", 6) == 0;
    int misuse = kafka ? BN_COMMAND_FAILED : BN_COMMAND_USAGE;
    if (bn_options_parse(&o, kafka ? argv[0] : "barnabas elect", table, argc, argv) < 0) return misuse;
    int rc = bn_admin_help(&o, argc,
                           "barnabas elect --election-type preferred|unclean --all-topic-partitions | --topic T "
                           "--partition P | --path-to-json-file FILE --bootstrap-server host:port",
                           misuse);
    struct election e = {.options = &o};
    if (rc < 0 && (!bn_admin_json(&o, &e.json) || !read_options(&e))) rc = misuse;
    if (rc < 0) {
        struct bn_session *s = bn_admin_open(&o);
        rc = s ? elect(&e, s) : BN_COMMAND_FAILED;
        if (s) bn_session_close(s);
    }
    bn_places_fini(&e.places);
    bn_options_fini(&o);
    return rc;
}
