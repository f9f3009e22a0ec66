/* topic.c: create, list, alter and delete topics: `barnabas topic` and kafka-topics.sh (9-tools 9.1). Describing is in
 * topic_describe.c.
 */
#include "tools/topic.h"

#include <ctype.h>

#include "common/base/alloc.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/kmsg.h"
#include "tools/admin.h"
#include "tools/command.h"
#include "tools/jsonout.h"
#include "tools/pattern.h"

enum { API_CREATE_TOPICS = 19, API_DELETE_TOPICS = 20, API_CREATE_PARTITIONS = 37 };
enum { TIMEOUT_MS = 30000, ASSIGNMENTS_MAX = 100000 };

static int fail(const struct bn_topic_task *t, struct bn_slice message, int error) {
    const char *text = bn_errors_text(error);
    if (bn_slice_is_null(message) || message.len == 0) message = bn_slice_str(text);
    fprintf(stderr, "%s%.*s", t->error_prefix, BN_SLICE_FMT(message));
    if (!t->kafka) fprintf(stderr, " (%s)", bn_errors_name(error));
    fputc('\n', stderr);
    return BN_COMMAND_FAILED;
}

static int by_name(const void *a, const void *b) {
    const struct kmsg_metadata_response_topic *x = a, *y = b;
    return bn_slice_cmp(x->name, y->name);
}

static int list(const struct bn_topic_task *t, struct bn_session *s) {
    struct kmsg_metadata_response *all = bn_session_metadata(s);
    if (!all) return BN_COMMAND_FAILED;
    if (all->topics.n > 0) qsort(all->topics.v, (size_t)all->topics.n, sizeof *all->topics.v, by_name);
    int found = 0;
    bool json = false;
    if (!bn_admin_json(t->options, &json)) return BN_COMMAND_FAILED;
    struct bn_jsonout j;
    bn_jsonout_init(&j);
    bn_jsonout_array(&j, "topics");
    for (int32_t i = 0; i < all->topics.n; i++) {
        const struct kmsg_metadata_response_topic *topic = &all->topics.v[i];
        if (bn_options_has(t->options, "exclude-internal") && topic->is_internal) continue;
        if (!bn_pattern_matches(t->topic, topic->name)) continue;
        found++;
        if (json)
            bn_jsonout_text(&j, NULL, topic->name);
        else
            printf("%.*s\n", BN_SLICE_FMT(topic->name));
    }
    if (json)
        bn_jsonout_print(&j);
    else
        bn_str_fini(&j.text);
    if (found == 0 && t->kafka && !json) putchar('\n'); /* as Kafka's tool, which ends the line of no names */
    return BN_COMMAND_OK;
}

/* ---- create ---- */

static bool refuse_ids(const struct bn_topic_task *t, int32_t partition, const int32_t *ids, int32_t count) {
    fprintf(stderr, "%sPartition %d has different replication factor: [", t->error_prefix, partition);
    for (int32_t i = 0; i < count; i++) fprintf(stderr, "%s%d", i ? ", " : "", ids[i]);
    fputs("]\n", stderr);
    return false;
}

/* Reads "0:1", the replicas of one partition; count is how many there are room for and are. False after telling. */
static bool read_ids(const struct bn_topic_task *t, struct bn_slice text, int32_t *ids, int32_t count) {
    for (int32_t n = 0; n < count; n++) {
        size_t len = 0;
        while (len < text.len && ((const char *)text.ptr)[len] != ':') len++;
        int64_t id = 0;
        struct bn_slice word = bn_slice_of(text.ptr, len);
        if (!bn_slice_to_i64(word, &id) || id < INT32_MIN || id > INT32_MAX) {
            fprintf(stderr, "%sFor input string: \"%.*s\"\n", t->error_prefix, BN_SLICE_FMT(word));
            return false;
        }
        for (int32_t i = 0; i < n; i++) {
            if (ids[i] != id) continue;
            fprintf(stderr, "%sPartition replica lists may not contain duplicate entries: %d\n", t->error_prefix,
                    ids[i]);
            return false;
        }
        ids[n] = (int32_t)id;
        size_t taken = bn_min_size(len + 1, text.len);
        text = bn_slice_of((const char *)text.ptr + taken, text.len - taken);
    }
    return true;
}

/* "0:1,1:2": per partition its replicas, the first of them preferred. False after telling. */
static bool read_assignment(const struct bn_topic_task *t, struct bn_arena *arena, const char *text,
                            struct kmsg_array *out, size_t item_size,
                            void (*add)(void *item, int32_t index, int32_t *ids, int32_t count)) {
    int32_t partitions = *text ? 1 : 0, width = 0;
    for (const char *p = text; *p; p++) partitions += *p == ',' && p[1];
    if (partitions > ASSIGNMENTS_MAX) return false;
    out->v = bn_arena_array(arena, (size_t)partitions, item_size);
    for (int32_t i = 0; out->v && i < partitions; i++) {
        size_t len = strcspn(text, ",");
        int32_t replicas = 1;
        for (size_t k = 0; k < len; k++) replicas += text[k] == ':';
        int32_t *ids = bn_arena_array(arena, (size_t)replicas, sizeof *ids);
        if (!ids || !read_ids(t, bn_slice_of(text, len), ids, replicas)) return false;
        if (i == 0) width = replicas;
        if (replicas != width) return refuse_ids(t, i, ids, replicas);
        add((char *)out->v + (size_t)i * item_size, i, ids, replicas);
        text += len + (text[len] == ',');
    }
    out->n = out->v ? partitions : 0;
    return out->v != NULL;
}

static void add_created(void *item, int32_t index, int32_t *ids, int32_t count) {
    struct kmsg_create_topics_request_assignment *a = item;
    a->partition_index = index;
    a->broker_ids.v = ids;
    a->broker_ids.n = count;
}

static struct bn_slice trimmed(const char *text, size_t len) {
    while (len > 0 && isspace((unsigned char)*text)) text++, len--;
    while (len > 0 && isspace((unsigned char)text[len - 1])) len--;
    return bn_slice_of(text, len);
}

static bool read_configs(const struct bn_topic_task *t, struct bn_arena *arena,
                         struct kmsg_create_topics_request_topic *topic) {
    const char *pair;
    int at = 0, count = 0;
    while (bn_options_next(t->options, "config", &at)) count++;
    topic->configs.v = bn_arena_array(arena, (size_t)count, sizeof *topic->configs.v);
    for (at = 0; (pair = bn_options_next(t->options, "config", &at)) != NULL;) {
        const char *equals = strchr(pair, '=');
        if (!equals || !equals[1] || strchr(equals + 1, '=')) {
            fprintf(stderr,
                    "%srequirement failed: Invalid topic config: all configs to be added must be in the format "
                    "\"key=val\".\n",
                    t->error_prefix);
            return false;
        }
        struct kmsg_create_topics_request_config *c = &topic->configs.v[topic->configs.n++];
        c->name = trimmed(pair, (size_t)(equals - pair));
        c->value = trimmed(equals + 1, strlen(equals + 1));
    }
    return true;
}

static int created(const struct bn_topic_task *t, const struct kmsg_create_topics_response_topic *r) {
    if (r->error_code == KE_TOPIC_ALREADY_EXISTS && bn_options_has(t->options, "if-not-exists")) return BN_COMMAND_OK;
    if (r->error_code != KE_NONE) return fail(t, r->error_message, r->error_code);
    printf("Created topic %.*s.\n", BN_SLICE_FMT(r->name));
    return BN_COMMAND_OK;
}

static int create(const struct bn_topic_task *t, struct bn_session *s) {
    int64_t partitions = -1, replicas = -1;
    struct bn_arena *arena = bn_session_arena(s);
    struct kmsg_create_topics_request_topic topic = kmsg_create_topics_request_topic_default;
    struct kmsg_create_topics_request q = kmsg_create_topics_request_default;
    if (strpbrk(t->topic, "._")) {
        puts("WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could "
             "collide. To avoid "
             "issues it is best to use either, but not both.");
        fflush(stdout); /* before what may follow on stderr */
    }
    topic.name = bn_slice_str(t->topic);
    if (!*t->topic) {
        fprintf(stderr, "%sThe given topic name '' cannot be represented in a request.\n", t->error_prefix);
        return BN_COMMAND_FAILED;
    }
    if (!bn_topic_rules_number(t, "replication-factor", INT16_MAX,
                               "The replication factor must be between 1 and 32767 inclusive", &replicas) ||
        !bn_topic_rules_number(t, "partitions", INT32_MAX, "The partitions must be greater than 0", &partitions))
        return BN_COMMAND_FAILED;
    topic.num_partitions = (int32_t)partitions;
    topic.replication_factor = (int16_t)replicas;
    const char *assignment = bn_options_get(t->options, "replica-assignment");
    if (assignment) {
        struct kmsg_array items = {NULL, 0};
        if (!read_assignment(t, arena, assignment, &items, sizeof *topic.assignments.v, add_created))
            return BN_COMMAND_FAILED;
        topic.assignments.v = items.v;
        topic.assignments.n = items.n;
    }
    if (!read_configs(t, arena, &topic)) return BN_COMMAND_FAILED;
    q.topics.v = &topic;
    q.topics.n = 1;
    q.timeout_ms = TIMEOUT_MS;
    struct kmsg_create_topics_response *r = bn_session_call(s, API_CREATE_TOPICS, &q);
    return r && r->topics.n == 1 ? created(t, &r->topics.v[0]) : BN_COMMAND_FAILED;
}

/* ---- alter, delete: of every topic that matches ---- */

static void add_expanded(void *item, int32_t index, int32_t *ids, int32_t count) {
    struct kmsg_create_partitions_request_assignment *a = item;
    a->broker_ids.v = ids;
    a->broker_ids.n = count;
}

static int expand(const struct bn_topic_task *t, struct bn_session *s, const struct kmsg_metadata_response_topic *m) {
    int64_t count = 0;
    struct kmsg_create_partitions_request_topic topic = kmsg_create_partitions_request_topic_default;
    struct kmsg_create_partitions_request q = kmsg_create_partitions_request_default;
    topic.name = m->name;
    if (!bn_topic_rules_number(t, "partitions", INT32_MAX, NULL, &count)) return BN_COMMAND_FAILED;
    topic.count = (int32_t)count;
    topic.assignments.n = -1;
    const char *assignment = bn_options_get(t->options, "replica-assignment");
    if (assignment) { /* of all partitions, as Kafka's tool takes it: the new ones are sent */
        struct kmsg_array items = {NULL, 0};
        if (!read_assignment(t, bn_session_arena(s), assignment, &items, sizeof *topic.assignments.v, add_expanded))
            return BN_COMMAND_FAILED;
        int32_t old = m->partitions.n < items.n ? m->partitions.n : items.n;
        topic.assignments.v = (struct kmsg_create_partitions_request_assignment *)items.v + old;
        topic.assignments.n = items.n - old;
    }
    q.topics.v = &topic;
    q.topics.n = 1;
    q.timeout_ms = TIMEOUT_MS;
    struct kmsg_create_partitions_response *r = bn_session_call(s, API_CREATE_PARTITIONS, &q);
    if (!r || r->results.n != 1) return BN_COMMAND_FAILED;
    if (r->results.v[0].error_code != KE_NONE)
        return fail(t, r->results.v[0].error_message, r->results.v[0].error_code);
    if (t->zookeeper) {
        puts("WARNING: If partitions are increased for a topic that has a key, the partition logic or ordering of the "
             "messages will be "
             "affected\nAdding partitions succeeded!");
    }
    return BN_COMMAND_OK;
}

static int delete (const struct bn_topic_task *t, struct bn_session *s, const struct kmsg_metadata_response_topic *m) {
    struct bn_slice names[1] = {m->name};
    struct kmsg_delete_topics_request_topic topic = kmsg_delete_topics_request_topic_default;
    struct kmsg_delete_topics_request q = kmsg_delete_topics_request_default;
    topic.name = m->name;
    bool as_structs = bn_session_version(s, API_DELETE_TOPICS) >= 6;
    q.topics.v = &topic;
    q.topics.n = as_structs ? 1 : 0;
    q.topic_names.v = names;
    q.topic_names.n = as_structs ? 0 : 1;
    q.timeout_ms = TIMEOUT_MS;
    struct kmsg_delete_topics_response *r = bn_session_call(s, API_DELETE_TOPICS, &q);
    if (!r || r->responses.n != 1) return BN_COMMAND_FAILED;
    if (r->responses.v[0].error_code != KE_NONE)
        return fail(t, r->responses.v[0].error_message, r->responses.v[0].error_code);
    if (t->zookeeper) {
        printf("Topic %.*s is marked for deletion.\nNote: This will have no impact if delete.topic.enable is not set "
               "to true.\n",
               BN_SLICE_FMT(m->name));
    }
    return BN_COMMAND_OK;
}

static int for_each(const struct bn_topic_task *t, struct bn_session *s) {
    struct kmsg_metadata_response *all = bn_session_metadata(s);
    if (!all) return BN_COMMAND_FAILED;
    int rc = BN_COMMAND_OK, found = 0;
    for (int32_t i = 0; i < all->topics.n && rc == BN_COMMAND_OK; i++) {
        if (!bn_pattern_matches(t->topic, all->topics.v[i].name)) continue;
        found++;
        rc = t->action == BN_TOPIC_ALTER ? expand(t, s, &all->topics.v[i]) : delete (t, s, &all->topics.v[i]);
    }
    if (found > 0 || bn_options_has(t->options, "if-exists")) return rc;
    fprintf(stderr, "%sTopic '%s' does not exist as expected\n", t->error_prefix, t->topic);
    if (!t->kafka) bn_admin_suggest_topic(s, bn_slice_str(t->topic));
    return BN_COMMAND_FAILED;
}

int bn_topic_run(const struct bn_topic_task *t) {
    char *bootstrap = bn_resolve_bootstrap(t->options);
    if (!bootstrap) return BN_COMMAND_FAILED;
    struct bn_session *s = bn_session_open(t->program, bootstrap);
    bn_alloc_free(bootstrap);
    if (!s) return BN_COMMAND_FAILED;
    int rc = BN_COMMAND_FAILED;
    switch (t->action) {
    case BN_TOPIC_CREATE:
        rc = create(t, s);
        break;
    case BN_TOPIC_LIST:
        rc = list(t, s);
        break;
    case BN_TOPIC_DESCRIBE:
        rc = bn_topic_describe_run(t, s);
        break;
    case BN_TOPIC_ALTER:
    case BN_TOPIC_DELETE:
        rc = for_each(t, s);
        break;
    }
    bn_session_close(s);
    return rc;
}
