/* consume.c: records in, lines out: `barnabas consume` and kafka-console-consumer.sh (9-tools 9.3). By Kafka's name it
 * is a member of a group, of its own if none is named; partitions are read directly when one is asked for, by `barnabas
 * consume` without a group, and of brokers that coordinate no groups.
 */
#include <librdkafka/rdkafka.h>
#include <signal.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/slice.h"
#include "common/sys/clock.h"
#include "tools/admin.h"
#include "tools/client_conf.h"
#include "tools/command.h"
#include "tools/format.h"
#include "tools/member.h"
#include "tools/near.h"
#include "tools/pattern.h"

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
    {"include", BN_OPTION_VALUE, "instead of --topic: a regular expression"},
    {"whitelist", BN_OPTION_VALUE, NULL},
    {"format", BN_OPTION_VALUE, "text (default) or json: an object per record"},
    {"property", BN_OPTION_VALUE,
     "print.timestamp, print.partition, print.offset, print.headers, print.key, print.value,"},
    {"formatter-config", BN_OPTION_VALUE,
     "  key.separator, line.separator, headers.separator, null.literal: a file of them"},
    {"consumer-property", BN_OPTION_VALUE, "a consumer's property, key=value"},
    {"consumer.config", BN_OPTION_VALUE, "a file of consumer properties"},
    {"command-config", BN_OPTION_VALUE, NULL},
    {"isolation-level", BN_OPTION_VALUE, "read_uncommitted (default) or read_committed"},
    {"group", BN_OPTION_VALUE, "read as a member of this group, from where it has committed"},
    {"formatter", BN_OPTION_VALUE, "Default, Logging, NoOp, Offsets or GroupMetadataMessageFormatter, by its class"},
    {"key-deserializer", BN_OPTION_VALUE, "String, Long, Integer, ... by its Java class"},
    {"value-deserializer", BN_OPTION_VALUE, "the same of values"},
    {"skip-message-on-error", BN_OPTION_FLAG, "go on behind a record that a deserializer refuses"},
    {"enable-systest-events", BN_OPTION_FLAG, NULL},
    {"new-consumer", BN_OPTION_FLAG, NULL},
    {"help", BN_OPTION_FLAG, "this text"},
    {"version", BN_OPTION_FLAG, "the version"},
    {NULL, BN_OPTION_FLAG, NULL},
};

/* What an expression does not mean, as with Java's exclude.internal.topics. */
#define INTERNAL "^__consumer_offsets$,^__transaction_state$"

struct partition {
    rd_kafka_topic_t *topic; /* one of the consumer's */
    int32_t id;
    int64_t end; /* with --until-end: the offset to stop at */
    bool ended;
};

struct consumer {
    const char *program;
    struct bn_format format;
    struct bn_props format_config; /* what the format borrows */
    bool until_end, skip_errors;
    int64_t start, max_messages, timeout_ms, printed;
    int32_t only; /* a partition, or -1 */
    struct partition *partitions;
    int partition_count, open_count;
    rd_kafka_t *handle;
    rd_kafka_topic_t **topics;
    int topic_count;
    rd_kafka_queue_t *queue; /* of the partitions that are read directly */
    bool grouped;
    struct bn_member member; /* when grouped */
};

static volatile sig_atomic_t interrupted; /* Ctrl-C ends the reading, not the summary line */

static void interrupt(int signum) { interrupted = 1; }

/* ---- reading ---- */

static struct partition *find(struct consumer *c, const rd_kafka_topic_t *topic, int32_t id) {
    for (int i = 0; i < c->partition_count; i++) {
        if (c->partitions[i].id == id && c->partitions[i].topic == topic) return &c->partitions[i];
    }
    return NULL;
}

static void reached(struct consumer *c, const rd_kafka_message_t *m, int64_t next_offset) {
    struct partition *p = find(c, m->rkt, m->partition);
    if (!p || p->ended || !c->until_end || next_offset < p->end) return;
    p->ended = true;
    c->open_count--;
}

/* One message or event; false when reading must end with an error. */
static bool take(struct consumer *c, const rd_kafka_message_t *m) {
    if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        bn_member_store(&c->member, c->handle, m, m->offset);
        reached(c, m, m->offset);
        return true;
    }
    if (c->grouped && bn_member_passes(m->err)) return true;
    if (m->err) {
        fprintf(stderr, "%s: %s\n", c->program, rd_kafka_message_errstr(m));
        return m->err == RD_KAFKA_RESP_ERR__TRANSPORT || m->err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
    }
    struct partition *p = find(c, m->rkt, m->partition);
    bool ok = true;
    if (!c->until_end || !p || m->offset < p->end) {
        c->printed++;
        ok = bn_format_print(&c->format, m) || c->skip_errors;
        bn_member_store(&c->member, c->handle, m, m->offset + 1);
    }
    reached(c, m, m->offset + 1);
    return ok;
}

static uint64_t now_ms(void) { return bn_clock_mono_ms(bn_clock_real()); }

static rd_kafka_message_t *next(struct consumer *c, int64_t wait_ms) {
    int ms = (int)bn_max_i64(0, bn_min_i64(100, wait_ms));
    return c->grouped ? rd_kafka_consumer_poll(c->handle, ms) : rd_kafka_consume_queue(c->queue, ms);
}

/* --until-end is about what this member reads. */
static void take_assigned(void *arg, const rd_kafka_topic_partition_list_t *list) {
    struct consumer *c = arg;
    for (int i = 0; c->until_end && i < c->partition_count; i++) {
        struct partition *p = &c->partitions[i];
        bool ours = false;
        for (int k = 0; k < list->cnt && !ours; k++)
            ours = list->elems[k].partition == p->id &&
                   strcmp(list->elems[k].topic, rd_kafka_topic_name(p->topic)) == 0;
        if (ours || p->ended) continue;
        p->ended = true;
        c->open_count--;
    }
}

static int read_all(struct consumer *c) {
    enum { JOIN_MS = 30000 }; /* the time until the first assignment is not idle, but not endless */
    uint64_t begin_ms = now_ms(), last_ms = begin_ms;
    int rc = BN_COMMAND_OK;
    while (!interrupted && !ferror(stdout) && (c->max_messages < 0 || c->printed < c->max_messages) &&
           (!c->until_end || c->open_count > 0)) {
        int64_t left_ms = c->timeout_ms < 0 ? 100 : c->timeout_ms - (int64_t)(now_ms() - last_ms);
        rd_kafka_message_t *m = next(c, left_ms);
        if (c->grouped && !c->member.assigned && now_ms() - begin_ms < JOIN_MS) last_ms = now_ms();
        if (m) {
            bool go_on = take(c, m);
            if (m->err != RD_KAFKA_RESP_ERR__PARTITION_EOF) last_ms = now_ms();
            rd_kafka_message_destroy(m);
            if (go_on) continue;
            rc = BN_COMMAND_FAILED;
            break;
        }
        fflush(stdout);
        if (c->timeout_ms < 0 || (int64_t)(now_ms() - last_ms) < c->timeout_ms) continue;
        fprintf(stderr, "%s: no record came for %" PRId64 " ms (org.apache.kafka.common.errors.TimeoutException)\n",
                c->program, c->timeout_ms);
        break;
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

/* Takes a topic's partitions into the list (and finds their ends); false after telling stderr. */
static bool add_topic(struct consumer *c, const struct rd_kafka_metadata_topic *t) {
    rd_kafka_topic_t *topic = rd_kafka_topic_new(c->handle, t->topic, NULL);
    c->topics = bn_alloc_resize(c->topics, (size_t)(c->topic_count + 1) * sizeof *c->topics);
    c->topics[c->topic_count++] = topic;
    c->partitions = bn_alloc_resize(c->partitions,
                                    (size_t)(c->partition_count + t->partition_cnt + 1) * sizeof *c->partitions);
    for (int i = 0; i < t->partition_cnt; i++) {
        if (c->only >= 0 && t->partitions[i].id != c->only) continue;
        struct partition *p = &c->partitions[c->partition_count++];
        int64_t low = 0;
        *p = (struct partition){.topic = topic, .id = t->partitions[i].id};
        rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_NO_ERROR;
        if (c->until_end) err = find_end(c, t->topic, p->id, &low, &p->end);
        if (err) {
            fprintf(stderr, "%s: the ends of \"%s\": %s\n", c->program, t->topic, rd_kafka_err2str(err));
            return false;
        }
        p->ended = c->until_end && low >= p->end;
        c->open_count += !p->ended;
    }
    return true;
}

static bool tell_unknown(struct consumer *c, const char *topic, const struct rd_kafka_metadata *all) {
    struct bn_near near;
    bn_near_init(&near, bn_slice_str(topic));
    for (int i = 0; i < all->topic_cnt; i++) bn_near_try(&near, bn_slice_str(all->topics[i].topic));
    fprintf(stderr, "%s: topic \"%s\" does not exist", c->program, topic);
    if (near.best.ptr) fprintf(stderr, " (did you mean \"%.*s\"?)", BN_SLICE_FMT(near.best));
    fputc('\n', stderr);
    return false;
}

/* Finds what is to be read: a topic by name, or (by include) all that match. False after telling stderr. */
static bool find_partitions(struct consumer *c, const char *topic, const char *include) {
    const struct rd_kafka_metadata *all = NULL;
    rd_kafka_resp_err_t err = rd_kafka_metadata(c->handle, 1, NULL, &all, 15000);
    if (err) {
        fprintf(stderr, "%s: topics: %s\n", c->program, rd_kafka_err2str(err));
        return false;
    }
    bool ok = true;
    for (int i = 0; i < all->topic_cnt && ok; i++) {
        const struct rd_kafka_metadata_topic *t = &all->topics[i];
        bool internal = strcmp(t->topic, "__consumer_offsets") == 0 || strcmp(t->topic, "__transaction_state") == 0;
        if (topic ? strcmp(topic, t->topic) != 0 : internal || !bn_pattern_matches(include, bn_slice_str(t->topic)))
            continue;
        ok = add_topic(c, t);
    }
    if (ok && c->topic_count == 0) ok = tell_unknown(c, topic ? topic : include, all);
    rd_kafka_metadata_destroy(all);
    if (!ok || c->partition_count > 0) return ok;
    fprintf(stderr, "%s: topic \"%s\" has no partition %d\n", c->program, topic ? topic : include, c->only);
    return false;
}

/* Starts to read all that was found; false after telling stderr. */
static bool start(struct consumer *c, const char *topic, const char *include) {
    if (c->grouped) return bn_member_join(&c->member, c->handle, topic, include);
    for (int i = 0; i < c->partition_count; i++) {
        if (rd_kafka_consume_start_queue(c->partitions[i].topic, c->partitions[i].id, c->start, c->queue) == 0)
            continue;
        fprintf(stderr, "%s: %s\n", c->program, rd_kafka_err2str(rd_kafka_last_error()));
        return false;
    }
    return true;
}

static int run(struct consumer *c, const char *topic, const char *include, rd_kafka_conf_t *conf) {
    char why[512];
    c->handle = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    if (!c->handle) {
        fprintf(stderr, "%s: %s\n", c->program, why);
        rd_kafka_conf_destroy(conf);
        return BN_COMMAND_FAILED;
    }
    int rc = BN_COMMAND_FAILED;
    c->queue = rd_kafka_queue_new(c->handle);
    if (find_partitions(c, topic, include)) {
        if (start(c, topic, include)) rc = read_all(c);
        if (c->grouped) bn_member_leave(&c->member, c->handle);
        for (int i = 0; i < c->partition_count && !c->grouped; i++)
            rd_kafka_consume_stop(c->partitions[i].topic, c->partitions[i].id);
    }
    rd_kafka_queue_destroy(c->queue);
    for (int i = 0; i < c->topic_count; i++) rd_kafka_topic_destroy(c->topics[i]);
    rd_kafka_destroy(c->handle);
    bn_alloc_free(c->topics);
    bn_alloc_free(c->partitions);
    return rc;
}

/* ---- configuration ---- */

static bool refuse(const char *text) {
    fprintf(stderr, "%s\n", text);
    return false;
}

/* Where to begin when nothing was said: what auto.offset.reset says, else the end. */
static bool read_reset(struct consumer *c, const struct bn_options *o, const rd_kafka_conf_t *conf) {
    char value[32] = "";
    size_t len = sizeof value;
    bool given = bn_client_conf_given("auto.offset.reset", o, "consumer-property", "consumer.config");
    (void)rd_kafka_conf_get(conf, "auto.offset.reset", value, &len);
    bool earliest = given && (strcmp(value, "earliest") == 0 || strcmp(value, "smallest") == 0);
    if (given && !earliest && bn_options_has(o, "from-beginning")) {
        fprintf(stderr,
                "Can't simultaneously specify --from-beginning and 'auto.offset.reset=latest', please remove one "
                "option\n");
        return false;
    }
    if (earliest && !bn_options_has(o, "offset")) c->start = RD_KAFKA_OFFSET_BEGINNING;
    return true;
}

/* Is it to be a member of a group, and of which? False after telling. */
static bool read_group(struct consumer *c, const struct bn_options *o, const char *bootstrap, bool kafka,
                       rd_kafka_conf_t *conf) {
    char *group = NULL;
    bool ok = bn_member_named(o, "consumer-property", "consumer.config", &group);
    c->grouped = ok && c->only < 0 && (kafka || group) && bn_member_offered(o, bootstrap);
    if (ok && !c->grouped && bn_options_has(o, "group")) {
        fprintf(stderr, "%s: --group: the brokers coordinate no groups; leave it out to read the partitions directly\n",
                o->program);
        ok = false;
    }
    if (ok && c->grouped) {
        bool earliest = c->start == RD_KAFKA_OFFSET_BEGINNING;
        bool given = bn_client_conf_given("enable.auto.commit", o, "consumer-property", "consumer.config");
        c->member = (struct bn_member){.program = o->program, .on_assigned = take_assigned, .arg = c};
        ok = bn_member_configure(&c->member, conf, group, "console-consumer-", given) &&
             (bn_client_conf_given("auto.offset.reset", o, "consumer-property", "consumer.config") ||
              bn_client_conf_set(conf, o->program, "auto.offset.reset", earliest ? "earliest" : "latest"));
        if (!bn_options_has(o, "topic") && o->rest_count == 0)
            ok = ok && bn_client_conf_set(conf, o->program, "topic.blacklist", INTERNAL);
    }
    bn_alloc_free(group);
    return ok;
}

static bool configure(struct consumer *c, const struct bn_options *o, const char *bootstrap, rd_kafka_conf_t *conf) {
    const char *me = o->program, *value;
    bool ok = bn_client_conf_set(conf, me, "bootstrap.servers", bootstrap) &&
              bn_client_conf_set(conf, me, "client.id", "console-consumer") &&
              bn_client_conf_set(conf, me, "log_level", "3") &&
              bn_client_conf_set(conf, me, "enable.partition.eof", "true") &&
              bn_client_conf_set(conf, me, "allow.auto.create.topics", "false");
    if ((value = bn_options_get(o, "isolation-level")) != NULL)
        ok = ok && bn_client_conf_set(conf, me, "isolation.level", value);
    if ((value = bn_options_get(o, "consumer.config")) != NULL) ok = ok && bn_client_conf_load(conf, me, value);
    for (int at = 0; (value = bn_options_next(o, "consumer-property", &at)) != NULL;)
        ok = ok && (!strchr(value, '=') || bn_client_conf_set_pair(conf, me, value));
    return ok && read_reset(c, o, conf);
}

static bool read_start(struct consumer *c, const struct bn_options *o) {
    bool bad = false;
    const char *offset = bn_options_get(o, "offset");
    c->only = (int32_t)bn_options_number(o, "partition", -1, &bad);
    c->max_messages = bn_options_number(o, "max-messages", -1, &bad);
    c->timeout_ms = bn_options_number(o, "timeout-ms", -1, &bad);
    c->until_end = bn_options_has(o, "until-end");
    c->skip_errors = bn_options_has(o, "skip-message-on-error");
    c->start = bn_options_has(o, "from-beginning") ? RD_KAFKA_OFFSET_BEGINNING : RD_KAFKA_OFFSET_END;
    if (offset && bn_options_has(o, "from-beginning"))
        return refuse("Options from-beginning and offset cannot be specified together.");
    if (offset && c->only < 0) return refuse("The partition is required when offset is specified.");
    if (bn_options_has(o, "group") && c->only >= 0)
        return refuse("Options group and partition cannot be specified together.");
    if (offset && strcmp(offset, "earliest") == 0)
        c->start = RD_KAFKA_OFFSET_BEGINNING;
    else if (offset && strcmp(offset, "latest") != 0 &&
             (!bn_slice_to_i64(bn_slice_str(offset), &c->start) || c->start < 0)) {
        fprintf(stderr,
                "The provided offset value '%s' is incorrect. Valid values are 'earliest', 'latest', or a non-negative "
                "long.\n",
                offset);
        return false;
    }
    return !bad;
}

static bool read_format(struct consumer *c, const struct bn_options *o) {
    const char *text = bn_options_get(o, "formatter-config"), *equals;
    bool ok = bn_admin_json(o, &c->format.json);
    if (text) ok = ok && bn_client_conf_read(&c->format_config, o->program, text);
    for (size_t i = 0; ok && i < c->format_config.count; i++)
        ok = bn_format_set(&c->format, bn_slice_str(c->format_config.list[i].key), c->format_config.list[i].value);
    for (int at = 0; (text = bn_options_next(o, "property", &at)) != NULL;) {
        if (ok && (equals = strchr(text, '=')) != NULL)
            ok = bn_format_set(&c->format, bn_slice_of(text, (size_t)(equals - text)), equals + 1);
    }
    if ((text = bn_options_get(o, "formatter")) != NULL) ok = ok && bn_format_class(&c->format, text);
    if ((text = bn_options_get(o, "key-deserializer")) != NULL)
        ok = ok && bn_format_type(&c->format, text, &c->format.key_type);
    if ((text = bn_options_get(o, "value-deserializer")) != NULL)
        ok = ok && bn_format_type(&c->format, text, &c->format.value_type);
    return ok;
}

static int consume(struct consumer *c, const struct bn_options *o, bool kafka) {
    const char *topic = bn_options_get(o, "topic"), *include = bn_options_get(o, "include");
    if (!topic && o->rest_count == 1) topic = o->rest[0];
    if (!include) include = bn_options_get(o, "whitelist");
    if (!topic == !include) {
        fprintf(stderr, "Exactly one of --include/--topic is required. \n");
        return BN_COMMAND_FAILED;
    }
    char *bootstrap = read_start(c, o) && read_format(c, o) ? bn_resolve_bootstrap(o) : NULL;
    if (!bootstrap) return BN_COMMAND_FAILED;
    signal(SIGINT, interrupt);
    signal(SIGTERM, interrupt);
    int rc = BN_COMMAND_FAILED;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (configure(c, o, bootstrap, conf) && read_group(c, o, bootstrap, kafka, conf))
        rc = run(c, topic, include, conf);
    else
        rd_kafka_conf_destroy(conf);
    bn_alloc_free(bootstrap);
    return rc;
}

int bn_consume_command(int argc, char **argv) {
    struct bn_options o;
    bool kafka = strcmp(argv[0], "consume") != 0;
    int misuse = kafka ? BN_COMMAND_FAILED : BN_COMMAND_USAGE;
    if (bn_options_parse(&o, kafka ? argv[0] : "barnabas consume", table, argc, argv) < 0) return misuse;
    int rc = bn_admin_help(&o, argc, "kafka-console-consumer --bootstrap-server host:port --topic <topic> [options]",
                           misuse);
    if (rc < 0) {
        struct consumer c = {.program = o.program};
        bn_format_init(&c.format, o.program);
        rc = consume(&c, &o, kafka);
        bn_props_fini(&c.format_config);
    }
    bn_options_fini(&o);
    return rc;
}
