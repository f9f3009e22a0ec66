/* log_dirs.c: `barnabas log-dirs` and kafka-log-dirs.sh (9-tools 9.13): how large partitions are, per broker and
 * directory, as one line of JSON.
 */
#include <stdio.h>
#include <string.h>

#include "common/base/alloc.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/kmsg.h"
#include "tools/admin.h"
#include "tools/command.h"
#include "tools/jsonout.h"

enum { API_DESCRIBE_LOG_DIRS = 35 };

static const struct bn_option table[] = {
    BN_ADMIN_OPTIONS,
    {"describe", BN_OPTION_FLAG, "describe log directories"},
    {"broker-list", BN_OPTION_VALUE, "ids of brokers, separated by commas (all)"},
    {"topic-list", BN_OPTION_VALUE, "topics, separated by commas (all)"},
    {NULL, BN_OPTION_FLAG, NULL},
};

enum { BROKERS_MAX = 10000 };

struct brokers {
    int32_t *ids;
    int32_t count;
};

static bool has(const struct brokers *b, int32_t id) {
    for (int32_t i = 0; i < b->count; i++) {
        if (b->ids[i] == id) return true;
    }
    return false;
}

static void print_ids(FILE *to, const struct brokers *b) {
    for (int32_t i = 0; i < b->count; i++) fprintf(to, "%s%d", i ? "," : "", b->ids[i]);
}

static int by_id(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* The brokers that are there, and those of the list, each once. False after telling. */
static bool read_brokers(const char *list, const struct kmsg_metadata_response *all, struct brokers *there,
                         struct brokers *asked) {
    for (int32_t i = 0; i < all->brokers.n && i < BROKERS_MAX; i++)
        there->ids[there->count++] = all->brokers.v[i].node_id;
    qsort(there->ids, (size_t)there->count, sizeof *there->ids, by_id);
    struct brokers missing = {bn_alloc_zero(BROKERS_MAX, sizeof *missing.ids), 0};
    bool ok = true;
    for (const char *at = list ? list : ""; *at && ok;) {
        size_t len = strcspn(at, ",");
        int64_t id = -1;
        ok = len == 0 || (bn_slice_to_i64(bn_slice_of(at, len), &id) && id >= 0 && id <= INT32_MAX);
        if (!ok) fprintf(stderr, "For input string: \"%.*s\"\n", (int)len, at);
        struct brokers *to = has(there, (int32_t)id) ? asked : &missing;
        if (ok && len > 0 && !has(to, (int32_t)id) && to->count < BROKERS_MAX) to->ids[to->count++] = (int32_t)id;
        at += len + (at[len] == ',');
    }
    if (ok && missing.count > 0) {
        fputs("ERROR: The given brokers do not exist from --broker-list: ", stderr);
        print_ids(stderr, &missing);
        fputs(". Current existent brokers: ", stderr);
        print_ids(stderr, there);
        fputc('\n', stderr);
        ok = false;
    }
    bn_alloc_free(missing.ids);
    if (ok && asked->count == 0)
        memcpy(asked->ids, there->ids, (size_t)(asked->count = there->count) * sizeof *asked->ids);
    return ok;
}

static int by_topic(const void *a, const void *b) {
    const struct kmsg_describe_log_dirs_response_topic *x = a, *y = b;
    return bn_slice_cmp(x->name, y->name);
}

static int by_partition(const void *a, const void *b) {
    const struct kmsg_describe_log_dirs_response_partition *x = a, *y = b;
    return (x->partition_index > y->partition_index) - (x->partition_index < y->partition_index);
}

static bool is_asked(const char *topics, struct bn_slice name) {
    if (!topics || strspn(topics, ",") == strlen(topics)) return true;
    for (const char *at = topics; *at;) {
        size_t len = strcspn(at, ",");
        if (bn_slice_eq(name, bn_slice_of(at, len))) return true;
        at += len + (at[len] == ',');
    }
    return false;
}

static void add_dir(struct bn_jsonout *j, struct kmsg_describe_log_dirs_response_result *dir, const char *topics) {
    char exception[BN_ADMIN_EXCEPTION_MAX];
    bn_jsonout_object(j, NULL);
    bn_jsonout_array(j, "partitions");
    if (dir->topics.n > 0) qsort(dir->topics.v, (size_t)dir->topics.n, sizeof *dir->topics.v, by_topic);
    for (int32_t i = 0; i < dir->topics.n; i++) {
        const struct kmsg_describe_log_dirs_response_topic *t = &dir->topics.v[i];
        if (!is_asked(topics, t->name)) continue;
        if (t->partitions.n > 0) qsort(t->partitions.v, (size_t)t->partitions.n, sizeof *t->partitions.v, by_partition);
        for (int32_t k = 0; k < t->partitions.n; k++) {
            const struct kmsg_describe_log_dirs_response_partition *p = &t->partitions.v[k];
            char *name = bn_alloc_printf("%.*s-%d", BN_SLICE_FMT(t->name), p->partition_index);
            bn_jsonout_object(j, NULL);
            bn_jsonout_text(j, "partition", bn_slice_str(name));
            bn_jsonout_number(j, "size", p->partition_size);
            bn_jsonout_number(j, "offsetLag", p->offset_lag);
            bn_jsonout_bool(j, "isFuture", p->is_future_key);
            bn_jsonout_end(j);
            bn_alloc_free(name);
        }
    }
    bn_jsonout_end(j);
    bool failed = dir->error_code != KE_NONE;
    bn_jsonout_text(j, "error", failed ? bn_slice_str(bn_admin_exception(dir->error_code, exception)) : BN_SLICE_NULL);
    bn_jsonout_text(j, "logDir", dir->log_dir);
    bn_jsonout_end(j);
}

/* False after telling. */
static bool add_broker(struct bn_jsonout *j, struct bn_session *s, int32_t broker, const char *topics) {
    struct kmsg_describe_log_dirs_request q = kmsg_describe_log_dirs_request_default;
    q.topics.n = -1; /* everything: a list would need each topic's partitions */
    struct kmsg_describe_log_dirs_response *r = bn_session_call_broker(s, broker, API_DESCRIBE_LOG_DIRS, &q);
    if (!r) return false;
    if (r->error_code != KE_NONE) {
        fprintf(stderr, "broker %d: %s (%s)\n", broker, bn_errors_text(r->error_code), bn_errors_name(r->error_code));
        return false;
    }
    bn_jsonout_object(j, NULL);
    bn_jsonout_number(j, "broker", broker);
    bn_jsonout_array(j, "logDirs");
    for (int32_t i = 0; i < r->results.n; i++) add_dir(j, &r->results.v[i], topics);
    bn_jsonout_end(j);
    bn_jsonout_end(j);
    return true;
}

static int describe(const struct bn_options *o, struct bn_session *s, bool json) {
    struct kmsg_metadata_response *all = bn_session_metadata(s);
    if (!all) return BN_COMMAND_FAILED;
    struct brokers there = {bn_alloc_zero(BROKERS_MAX, sizeof *there.ids), 0};
    struct brokers asked = {bn_alloc_zero(BROKERS_MAX, sizeof *asked.ids), 0};
    struct bn_jsonout j;
    bn_jsonout_init(&j);
    bn_jsonout_array(&j, "brokers");
    bool ok = read_brokers(bn_options_get(o, "broker-list"), all, &there, &asked);
    if (ok && !json) puts("Querying brokers for log directories information"), fflush(stdout);
    for (int32_t i = 0; ok && i < asked.count; i++)
        ok = add_broker(&j, s, asked.ids[i], bn_options_get(o, "topic-list"));
    if (ok && !json) {
        fputs("Received log directory information from brokers ", stdout);
        print_ids(stdout, &asked);
        putchar('\n');
    }
    bn_jsonout_end(&j);
    bn_jsonout_number(&j, "version", 1);
    if (ok)
        bn_jsonout_print(&j);
    else
        bn_str_fini(&j.text);
    bn_alloc_free(there.ids);
    bn_alloc_free(asked.ids);
    return ok ? BN_COMMAND_OK : BN_COMMAND_FAILED;
}

int bn_log_dirs_command(int argc, char **argv) {
    struct bn_options o;
    bool kafka = strncmp(argv[0], "kafka-", 6) == 0, json = false;
    int misuse = kafka ? BN_COMMAND_FAILED : BN_COMMAND_USAGE;
    if (bn_options_parse(&o, kafka ? argv[0] : "barnabas log-dirs", table, argc, argv) < 0) return misuse;
    int rc = bn_admin_help(&o, argc, "barnabas log-dirs --bootstrap-server host:port [options]", misuse);
    if (rc < 0 && kafka && !bn_options_has(&o, "describe")) {
        fprintf(stderr, "Missing required argument \"[describe]\"\n");
        rc = misuse;
    }
    if (rc < 0 && !bn_admin_json(&o, &json)) rc = misuse;
    if (rc < 0) {
        struct bn_session *s = bn_admin_open(&o);
        rc = s ? describe(&o, s, json) : BN_COMMAND_FAILED;
        if (s) bn_session_close(s);
    }
    bn_options_fini(&o);
    return rc;
}
