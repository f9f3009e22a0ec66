/* topic.c: create, list, alter and delete topics: `barnabas topic` and kafka-topics.sh (9-tools 9.1). Describing is in
 * topic_describe.c.
 */
#include "tools/topic.h"

#include <regex.h>

#include "common/base/alloc.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/kmsg.h"
#include "tools/command.h"

enum { API_METADATA = 3, API_CREATE_TOPICS = 19, API_DELETE_TOPICS = 20, API_CREATE_PARTITIONS = 37 };
enum { TIMEOUT_MS = 30000, ASSIGNMENTS_MAX = 100000 };

static int fail(const struct bn_topic_task *t, struct bn_slice message, int error) {
    const char *text = bn_errors_text(error);
    if (bn_slice_is_null(message) || message.len == 0) message = bn_slice_str(text);
    fprintf(stderr, "%s%.*s (%s)\n", t->error_prefix, BN_SLICE_FMT(message), bn_errors_name(error));
    return BN_COMMAND_FAILED;
}

bool bn_topic_matches(const struct bn_topic_task *t, struct bn_slice name) {
    if (!t->topic) return true;
    regex_t regex;
    char *pattern = bn_alloc_printf("^(%s)$", t->topic), *text = bn_alloc_strndup(name.ptr, name.len);
    for (char *p = pattern; *p; p++) *p = *p == ',' ? '|' : *p;
    bool matches = regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) == 0;
    if (matches) {
        matches = regexec(&regex, text, 0, NULL, 0) == 0;
        regfree(&regex);
    }
    bn_alloc_free(pattern);
    bn_alloc_free(text);
    return matches;
}

static struct kmsg_metadata_response *all_topics(struct bn_session *s) {
    struct kmsg_metadata_request q = kmsg_metadata_request_default;
    q.topics.n = -1;
    q.allow_auto_topic_creation = false;
    return bn_session_call(s, API_METADATA, &q);
}

static int by_name(const void *a, const void *b) {
    const struct kmsg_metadata_response_topic *x = a, *y = b;
    return bn_slice_cmp(x->name, y->name);
}

static int list(const struct bn_topic_task *t, struct bn_session *s) {
    struct kmsg_metadata_response *all = all_topics(s);
    if (!all) return BN_COMMAND_FAILED;
    qsort(all->topics.v, (size_t)all->topics.n, sizeof *all->topics.v, by_name);
    for (int32_t i = 0; i < all->topics.n; i++) {
        const struct kmsg_metadata_response_topic *topic = &all->topics.v[i];
        if (bn_options_has(t->options, "exclude-internal") && topic->is_internal) continue;
        if (bn_topic_matches(t, topic->name)) printf("%.*s\n", BN_SLICE_FMT(topic->name));
    }
    return BN_COMMAND_OK;
}

/* ---- create ---- */

/* "0:1,1:2": per partition its replicas, the first of them preferred. Counts, or -1 after telling. */
static int32_t read_assignment(const struct bn_topic_task *t, struct bn_arena *arena, const char *text,
                               struct kmsg_array *out, size_t item_size,
                               int32_t (*add)(void *item, int32_t index, int32_t *ids, int32_t count)) {
    int32_t partitions = 1;
    for (const char *p = text; *p; p++) partitions += *p == ',';
    if (partitions > ASSIGNMENTS_MAX) return -1;
    out->v = bn_arena_array(arena, (size_t)partitions, item_size);
    for (int32_t i = 0; out->v && i < partitions; i++) {
        size_t len = strcspn(text, ",");
        int32_t replicas = 1, n = 0;
        for (size_t k = 0; k < len; k++) replicas += text[k] == ':';
        int32_t *ids = bn_arena_array(arena, (size_t)replicas, sizeof *ids);
        for (const char *p = text, *end = text + len; ids && n < replicas; p += strcspn(p, ":,") + 1) {
            int64_t id = 0;
            size_t digits = bn_min_size(strcspn(p, ":,"), (size_t)(end - p));
            if (!bn_slice_to_i64(bn_slice_of(p, digits), &id) || id < 0 || id > INT32_MAX) {
                fprintf(stderr, "%s--replica-assignment: '%.*s' is no list of broker ids\n", t->error_prefix, (int)len,
                        text);
                return -1;
            }
            ids[n++] = (int32_t)id;
        }
        add((char *)out->v + (size_t)i * item_size, i, ids, n);
        text += len + (text[len] == ',');
    }
    out->n = partitions;
    return partitions;
}

static int32_t add_created(void *item, int32_t index, int32_t *ids, int32_t count) {
    struct kmsg_create_topics_request_assignment *a = item;
    a->partition_index = index;
    a->broker_ids.v = ids;
    a->broker_ids.n = count;
    return count;
}

static bool read_configs(const struct bn_topic_task *t, struct bn_arena *arena,
                         struct kmsg_create_topics_request_topic *topic) {
    const char *pair;
    int at = 0, count = 0;
    while (bn_options_next(t->options, "config", &at)) count++;
    topic->configs.v = bn_arena_array(arena, (size_t)count, sizeof *topic->configs.v);
    for (at = 0; (pair = bn_options_next(t->options, "config", &at)) != NULL;) {
        const char *equals = strchr(pair, '=');
        if (!equals) {
            fprintf(stderr,
                    "%sInvalid topic config: all configs to be added must be in the format \"key=val\", not '%s'\n",
                    t->error_prefix, pair);
            return false;
        }
        struct kmsg_create_topics_request_config *c = &topic->configs.v[topic->configs.n++];
        c->name = bn_slice_of(pair, (size_t)(equals - pair));
        c->value = bn_slice_str(equals + 1);
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
    bool bad = false;
    struct bn_arena *arena = bn_session_arena(s);
    struct kmsg_create_topics_request_topic topic = kmsg_create_topics_request_topic_default;
    struct kmsg_create_topics_request q = kmsg_create_topics_request_default;
    if (strpbrk(t->topic, "._")) {
        puts("WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could "
             "collide. To avoid "
             "issues it is best to use either, but not both.");
    }
    topic.name = bn_slice_str(t->topic);
    topic.num_partitions = (int32_t)bn_options_number(t->options, "partitions", -1, &bad);
    topic.replication_factor = (int16_t)bn_options_number(t->options, "replication-factor", -1, &bad);
    const char *assignment = bn_options_get(t->options, "replica-assignment");
    if (assignment) {
        struct kmsg_array items = {NULL, 0};
        bad = bad || read_assignment(t, arena, assignment, &items, sizeof *topic.assignments.v, add_created) < 0;
        topic.assignments.v = items.v;
        topic.assignments.n = items.n;
    }
    if (bad || !read_configs(t, arena, &topic)) return BN_COMMAND_FAILED;
    q.topics.v = &topic;
    q.topics.n = 1;
    q.timeout_ms = TIMEOUT_MS;
    struct kmsg_create_topics_response *r = bn_session_call(s, API_CREATE_TOPICS, &q);
    return r && r->topics.n == 1 ? created(t, &r->topics.v[0]) : BN_COMMAND_FAILED;
}

/* ---- alter, delete: of every topic that matches ---- */

static int32_t add_expanded(void *item, int32_t index, int32_t *ids, int32_t count) {
    struct kmsg_create_partitions_request_assignment *a = item;
    a->broker_ids.v = ids;
    a->broker_ids.n = count;
    return count;
}

static int expand(const struct bn_topic_task *t, struct bn_session *s, const struct kmsg_metadata_response_topic *m) {
    bool bad = false;
    struct kmsg_create_partitions_request_topic topic = kmsg_create_partitions_request_topic_default;
    struct kmsg_create_partitions_request q = kmsg_create_partitions_request_default;
    topic.name = m->name;
    topic.count = (int32_t)bn_options_number(t->options, "partitions", 0, &bad);
    topic.assignments.n = -1;
    const char *assignment = bn_options_get(t->options, "replica-assignment");
    if (assignment && !bad) { /* of all partitions, as Kafka's tool takes it: the new ones are sent */
        struct kmsg_array items = {NULL, 0};
        bad = read_assignment(t, bn_session_arena(s), assignment, &items, sizeof *topic.assignments.v, add_expanded) <
              0;
        int32_t old = m->partitions.n < items.n ? m->partitions.n : items.n;
        topic.assignments.v = bad ? NULL : (struct kmsg_create_partitions_request_assignment *)items.v + old;
        topic.assignments.n = items.n - old;
    }
    if (bad) return BN_COMMAND_FAILED;
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
    struct kmsg_metadata_response *all = all_topics(s);
    if (!all) return BN_COMMAND_FAILED;
    int rc = BN_COMMAND_OK, found = 0;
    for (int32_t i = 0; i < all->topics.n && rc == BN_COMMAND_OK; i++) {
        if (!bn_topic_matches(t, all->topics.v[i].name)) continue;
        found++;
        rc = t->action == BN_TOPIC_ALTER ? expand(t, s, &all->topics.v[i]) : delete (t, s, &all->topics.v[i]);
    }
    if (found > 0 || bn_options_has(t->options, "if-exists")) return rc;
    fprintf(stderr, "%sTopic '%s' does not exist as expected\n", t->error_prefix, t->topic);
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
