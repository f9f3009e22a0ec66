/* consume.c: records in, lines out: `barnabas consume` and kafka-console-consumer.sh (9-tools 9.3), reading partitions
 * directly, without a consumer group.
 */
#include <librdkafka/rdkafka.h>
#include <signal.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/slice.h"
#include "tools/client_conf.h"
#include "tools/command.h"

static const struct bn_option table[] = {
    {"topic", BN_OPTION_VALUE, "the topic to read (required)"},
    {"bootstrap-server", BN_OPTION_VALUE, "host:port,..."},
    {"broker-list", BN_OPTION_VALUE, "the same, by its old name"},
    {"zookeeper", BN_OPTION_VALUE, "host:port/chroot: take the brokers registered there"},
    {"from-beginning", BN_OPTION_FLAG, "start at the earliest record instead of the end"},
    {"partition", BN_OPTION_VALUE, "only this partition"},
    {"offset", BN_OPTION_VALUE, "with --partition: a number, earliest or latest"},
    {"max-messages", BN_OPTION_VALUE, "stop after so many records"},
    {"timeout-ms", BN_OPTION_VALUE, "stop when nothing came for so long"},
    {"until-end", BN_OPTION_FLAG, "stop at the ends that the partitions had at the start"},
    {"property", BN_OPTION_VALUE,
     "print.timestamp, print.partition, print.offset, print.headers, print.key, print.value,"},
    {"formatter-config", BN_OPTION_VALUE,
     "  key.separator, line.separator, headers.separator, null.literal: key=value"},
    {"consumer-property", BN_OPTION_VALUE, "a consumer's property, key=value"},
    {"consumer.config", BN_OPTION_VALUE, "a file of consumer properties"},
    {"command-config", BN_OPTION_VALUE, NULL},
    {"isolation-level", BN_OPTION_VALUE, "read_uncommitted (default) or read_committed"},
    {"group", BN_OPTION_VALUE, NULL},
    {"formatter", BN_OPTION_VALUE, NULL},
    {"key-deserializer", BN_OPTION_VALUE, NULL},
    {"value-deserializer", BN_OPTION_VALUE, NULL},
    {"skip-message-on-error", BN_OPTION_FLAG, NULL},
    {"enable-systest-events", BN_OPTION_FLAG, NULL},
    {"new-consumer", BN_OPTION_FLAG, NULL},
    {"help", BN_OPTION_FLAG, "this text"},
    {NULL, BN_OPTION_FLAG, NULL},
};

struct partition {
    int32_t id;
    int64_t end; /* with --until-end: the offset to stop at */
    bool ended;
};

struct consumer {
    const char *program, *key_separator, *line_separator, *headers_separator, *null_literal;
    bool print_timestamp, print_partition, print_offset, print_headers, print_key, print_value;
    bool until_end;
    int64_t start, max_messages, timeout_ms, printed;
    int32_t only; /* a partition, or -1 */
    struct partition *partitions;
    int partition_count, open_count;
    rd_kafka_t *handle;
    rd_kafka_topic_t *topic;
    rd_kafka_queue_t *queue;
};

static volatile sig_atomic_t interrupted; /* Ctrl-C ends the reading, not the summary line */

static void interrupt(int signum) { interrupted = 1; }

static bool set_property(struct consumer *c, const char *pair) {
    struct {
        const char *name;
        bool *flag;
        const char **text;
    } known[] = {
        {"print.timestamp", &c->print_timestamp, NULL},
        {"print.partition", &c->print_partition, NULL},
        {"print.offset", &c->print_offset, NULL},
        {"print.headers", &c->print_headers, NULL},
        {"print.key", &c->print_key, NULL},
        {"print.value", &c->print_value, NULL},
        {"key.separator", NULL, &c->key_separator},
        {"line.separator", NULL, &c->line_separator},
        {"headers.separator", NULL, &c->headers_separator},
        {"null.literal", NULL, &c->null_literal},
    };
    const char *equals = strchr(pair, '=');
    if (!equals) {
        fprintf(stderr, "%s: '%s' is no property: write name=value\n", c->program, pair);
        return false;
    }
    struct bn_slice name = bn_slice_of(pair, (size_t)(equals - pair));
    for (size_t i = 0; i < BN_ARRAY_LEN(known); i++) {
        if (!bn_slice_eq_str(name, known[i].name)) continue;
        if (known[i].flag)
            *known[i].flag = strcmp(equals + 1, "true") == 0;
        else
            *known[i].text = equals + 1;
        return true;
    }
    fprintf(stderr, "%s: property %.*s has no effect here\n", c->program, (int)name.len, (const char *)name.ptr);
    return true;
}

/* ---- printing ---- */

static void print_bytes(const struct consumer *c, const void *ptr, size_t len) {
    if (ptr)
        fwrite(ptr, 1, len, stdout);
    else
        fputs(c->null_literal, stdout);
}

static void print_headers(const struct consumer *c, const rd_kafka_message_t *m) {
    rd_kafka_headers_t *headers = NULL;
    if (rd_kafka_message_headers(m, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR || rd_kafka_header_cnt(headers) == 0) {
        fputs("NO_HEADERS", stdout);
        return;
    }
    const char *name;
    const void *value;
    size_t len;
    for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &len) == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
        printf("%s%s:", i ? c->headers_separator : "", name);
        print_bytes(c, value, len);
    }
}

static void print_timestamp(const rd_kafka_message_t *m) {
    rd_kafka_timestamp_type_t type;
    int64_t ms = rd_kafka_message_timestamp(m, &type);
    if (type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE)
        fputs("NO_TIMESTAMP", stdout);
    else
        printf("%s:%" PRId64, type == RD_KAFKA_TIMESTAMP_CREATE_TIME ? "CreateTime" : "LogAppendTime", ms);
}

/* The fields in Kafka's fixed order, separated by key.separator. */
static void print_message(struct consumer *c, const rd_kafka_message_t *m) {
    bool more = false;
#define BEFORE_FIELD() (more ? (void)fputs(c->key_separator, stdout) : (void)(more = true))
    if (c->print_timestamp) BEFORE_FIELD(), print_timestamp(m);
    if (c->print_partition) BEFORE_FIELD(), printf("Partition:%d", m->partition);
    if (c->print_offset) BEFORE_FIELD(), printf("Offset:%" PRId64, m->offset);
    if (c->print_headers) BEFORE_FIELD(), print_headers(c, m);
    if (c->print_key) BEFORE_FIELD(), print_bytes(c, m->key, m->key_len);
    if (c->print_value) BEFORE_FIELD(), print_bytes(c, m->payload, m->len);
#undef BEFORE_FIELD
    fputs(c->line_separator, stdout);
    c->printed++;
}

/* ---- reading ---- */

static struct partition *find(struct consumer *c, int32_t id) {
    for (int i = 0; i < c->partition_count; i++) {
        if (c->partitions[i].id == id) return &c->partitions[i];
    }
    return NULL;
}

static void reached(struct consumer *c, int32_t id, int64_t next_offset) {
    struct partition *p = find(c, id);
    if (!p || p->ended || !c->until_end || next_offset < p->end) return;
    p->ended = true;
    c->open_count--;
}

/* One message or event; false when reading must end with an error. */
static bool take(struct consumer *c, const rd_kafka_message_t *m) {
    if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        reached(c, m->partition, m->offset);
        return true;
    }
    if (m->err) {
        fprintf(stderr, "%s: %s\n", c->program, rd_kafka_message_errstr(m));
        return m->err == RD_KAFKA_RESP_ERR__TRANSPORT || m->err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
    }
    struct partition *p = find(c, m->partition);
    if (!c->until_end || !p || m->offset < p->end) print_message(c, m);
    reached(c, m->partition, m->offset + 1);
    return true;
}

static int read_all(struct consumer *c) {
    int64_t idle_ms = 0;
    int rc = BN_COMMAND_OK;
    while (!interrupted && !ferror(stdout) && (c->max_messages < 0 || c->printed < c->max_messages) &&
           (!c->until_end || c->open_count > 0)) {
        rd_kafka_message_t *m = rd_kafka_consume_queue(c->queue, 100);
        if (m) {
            bool go_on = take(c, m);
            rd_kafka_message_destroy(m);
            idle_ms = 0;
            if (go_on) continue;
            rc = BN_COMMAND_FAILED;
            break;
        }
        fflush(stdout);
        idle_ms += 100;
        if (c->timeout_ms >= 0 && idle_ms >= c->timeout_ms) {
            fprintf(stderr, "%s: no record came for %" PRId64 " ms (org.apache.kafka.common.errors.TimeoutException)\n",
                    c->program, c->timeout_ms);
            break;
        }
    }
    fflush(stdout);
    fprintf(stderr, "Processed a total of %" PRId64 " messages\n", c->printed);
    return rc;
}

/* Where a partition ends now. A topic's creation is answered before every leader has heard of it, and unlike fetching
 * this call of librdkafka does not ask again by itself. */
static rd_kafka_resp_err_t find_end(struct consumer *c, const char *topic, int32_t partition, int64_t *low,
                                    int64_t *end) {
    enum { TRIES = 100, PAUSE_MS = 100 };
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int i = 0; i < TRIES && !interrupted; i++) {
        err = rd_kafka_query_watermark_offsets(c->handle, topic, partition, low, end, 15000);
        if (err != RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION && err != RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE) break;
        rd_kafka_poll(c->handle, PAUSE_MS);
    }
    return err;
}

/* Finds the partitions (and their ends); false after telling stderr. */
static bool find_partitions(struct consumer *c, const char *topic) {
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t err = rd_kafka_metadata(c->handle, 0, c->topic, &metadata, 15000);
    const struct rd_kafka_metadata_topic *t = err || metadata->topic_cnt != 1 ? NULL : &metadata->topics[0];
    if (!err && t) err = t->err;
    if (err || !t) {
        fprintf(stderr, "%s: topic \"%s\": %s\n", c->program, topic, rd_kafka_err2str(err));
        if (metadata) rd_kafka_metadata_destroy(metadata);
        return false;
    }
    c->partitions = bn_alloc_zero((size_t)t->partition_cnt, sizeof *c->partitions);
    for (int i = 0; i < t->partition_cnt; i++) {
        if (c->only >= 0 && t->partitions[i].id != c->only) continue;
        struct partition *p = &c->partitions[c->partition_count++];
        int64_t low = 0;
        p->id = t->partitions[i].id;
        if (c->until_end) err = find_end(c, topic, p->id, &low, &p->end);
        if (err) break;
        p->ended = c->until_end && low >= p->end;
        c->open_count += !p->ended;
    }
    rd_kafka_metadata_destroy(metadata);
    if (err)
        fprintf(stderr, "%s: the ends of \"%s\": %s\n", c->program, topic, rd_kafka_err2str(err));
    else if (c->partition_count == 0)
        fprintf(stderr, "%s: topic \"%s\" has no partition %d\n", c->program, topic, c->only);
    return !err && c->partition_count > 0;
}

static int run(struct consumer *c, const char *topic, rd_kafka_conf_t *conf) {
    char why[512];
    c->handle = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    if (!c->handle) {
        fprintf(stderr, "%s: %s\n", c->program, why);
        rd_kafka_conf_destroy(conf);
        return BN_COMMAND_FAILED;
    }
    int rc = BN_COMMAND_FAILED;
    c->topic = rd_kafka_topic_new(c->handle, topic, NULL);
    c->queue = rd_kafka_queue_new(c->handle);
    if (c->topic && find_partitions(c, topic)) {
        bool ok = true;
        for (int i = 0; i < c->partition_count && ok; i++) {
            ok = rd_kafka_consume_start_queue(c->topic, c->partitions[i].id, c->start, c->queue) == 0;
            if (!ok) fprintf(stderr, "%s: %s\n", c->program, rd_kafka_err2str(rd_kafka_last_error()));
        }
        if (ok) rc = read_all(c);
        for (int i = 0; i < c->partition_count; i++) rd_kafka_consume_stop(c->topic, c->partitions[i].id);
    }
    rd_kafka_queue_destroy(c->queue);
    if (c->topic) rd_kafka_topic_destroy(c->topic);
    rd_kafka_destroy(c->handle);
    bn_alloc_free(c->partitions);
    return rc;
}

/* ---- configuration ---- */

static bool configure(const struct bn_options *o, const char *bootstrap, rd_kafka_conf_t *conf) {
    const char *me = o->program, *value;
    bool ok = bn_client_conf_set(conf, me, "bootstrap.servers", bootstrap) &&
              bn_client_conf_set(conf, me, "client.id", "console-consumer") &&
              bn_client_conf_set(conf, me, "enable.partition.eof", "true") &&
              bn_client_conf_set(conf, me, "allow.auto.create.topics", "false");
    if ((value = bn_options_get(o, "isolation-level")) != NULL)
        ok = ok && bn_client_conf_set(conf, me, "isolation.level", value);
    if ((value = bn_options_get(o, "consumer.config")) != NULL) ok = ok && bn_client_conf_load(conf, me, value);
    int at = 0;
    while ((value = bn_options_next(o, "consumer-property", &at)) != NULL)
        ok = ok && bn_client_conf_set_pair(conf, me, value);
    return ok;
}

static bool read_start(struct consumer *c, const struct bn_options *o) {
    bool bad = false;
    const char *offset = bn_options_get(o, "offset");
    c->only = (int32_t)bn_options_number(o, "partition", -1, &bad);
    c->max_messages = bn_options_number(o, "max-messages", -1, &bad);
    c->timeout_ms = bn_options_number(o, "timeout-ms", -1, &bad);
    c->until_end = bn_options_has(o, "until-end");
    c->start = bn_options_has(o, "from-beginning") ? RD_KAFKA_OFFSET_BEGINNING : RD_KAFKA_OFFSET_END;
    if (offset && c->only < 0) {
        fprintf(stderr, "%s: The partition is required when offset is specified.\n", o->program);
        return false;
    }
    if (bn_options_has(o, "group")) {
        fprintf(stderr,
                "%s: --group: this release has no consumer groups; leave it out to read the partitions directly\n",
                o->program);
        return false;
    }
    if (offset && strcmp(offset, "earliest") == 0)
        c->start = RD_KAFKA_OFFSET_BEGINNING;
    else if (offset && strcmp(offset, "latest") != 0)
        c->start = bn_options_number(o, "offset", 0, &bad);
    return !bad;
}

int bn_consume_command(int argc, char **argv) {
    struct bn_options o;
    struct consumer c = {.program = argv[0],
                         .key_separator = "\t",
                         .line_separator = "\n",
                         .headers_separator = ",",
                         .null_literal = "null",
                         .print_value = true};
    if (bn_options_parse(&o, argv[0], table, argc, argv) < 0) return BN_COMMAND_FAILED;
    const char *topic = bn_options_get(&o, "topic"), *pair;
    if (!topic && o.rest_count == 1) topic = o.rest[0];
    int rc = BN_COMMAND_FAILED;
    if (bn_options_has(&o, "help") || argc == 1 || !topic) {
        bn_options_help(table, "kafka-console-consumer --bootstrap-server host:port --topic <topic> [options]");
        rc = bn_options_has(&o, "help") ? BN_COMMAND_OK : BN_COMMAND_FAILED;
        bn_options_fini(&o);
        return rc;
    }
    bool ok = read_start(&c, &o);
    int at = 0;
    while ((pair = bn_options_next(&o, "property", &at)) != NULL) ok = set_property(&c, pair) && ok;
    at = 0;
    while ((pair = bn_options_next(&o, "formatter-config", &at)) != NULL) ok = set_property(&c, pair) && ok;
    char *bootstrap = ok ? bn_resolve_bootstrap(&o) : NULL;
    if (bootstrap) {
        signal(SIGINT, interrupt);
        signal(SIGTERM, interrupt);
        rd_kafka_conf_t *conf = rd_kafka_conf_new();
        if (configure(&o, bootstrap, conf))
            rc = run(&c, topic, conf);
        else
            rd_kafka_conf_destroy(conf);
    }
    bn_alloc_free(bootstrap);
    bn_options_fini(&o);
    return rc;
}
