/* perf_consume.c: kafka-consumer-perf-test.sh (9-tools 9.7), over librdkafka, with Kafka's printed lines: as a member
 * of a group where there are groups. `barnabas bench-consume` without --group reads partitions directly: what Kafka
 * calls the time of rebalancing is the time until they were known.
 */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <time.h>

#include "common/base/alloc.h"
#include "common/sys/clock.h"
#include "tools/admin.h"
#include "tools/client_conf.h"
#include "tools/command.h"
#include "tools/jsonout.h"
#include "tools/member.h"

static const struct bn_option table[] = {
    {"bootstrap-server", BN_OPTION_VALUE, "host:port,..."},
    {"broker-list", BN_OPTION_VALUE, NULL},
    {"zookeeper", BN_OPTION_VALUE, NULL},
    {"topic", BN_OPTION_VALUE, "the topic to read (required)"},
    {"messages", BN_OPTION_VALUE, "how many (required)"},
    {"fetch-size", BN_OPTION_VALUE, "bytes a fetch may bring of a partition (1048576)"},
    {"from-latest", BN_OPTION_FLAG, "start at the end instead of the beginning"},
    {"socket-buffer-size", BN_OPTION_VALUE, "bytes of the receive buffer (2097152)"},
    {"timeout", BN_OPTION_VALUE, "milliseconds without a record that end it (10000)"},
    {"reporting-interval", BN_OPTION_VALUE, "milliseconds between detailed lines (5000)"},
    {"show-detailed-stats", BN_OPTION_FLAG, "a line per interval"},
    {"hide-header", BN_OPTION_FLAG, "only the numbers"},
    {"date-format", BN_OPTION_VALUE, "of times, as in Java (yyyy-MM-dd HH:mm:ss:SSS)"},
    {"consumer.config", BN_OPTION_VALUE, "a file of consumer properties"},
    {"group", BN_OPTION_VALUE, "the group to be a member of (perf-consumer-<number>)"},
    {"threads", BN_OPTION_VALUE, NULL},
    {"num-fetch-threads", BN_OPTION_VALUE, NULL},
    {"print-metrics", BN_OPTION_FLAG, NULL},
    {"format", BN_OPTION_VALUE, "text (default) or json"},
    {"help", BN_OPTION_FLAG, "this text"},
    {"version", BN_OPTION_FLAG, "the version"},
    {NULL, BN_OPTION_FLAG, NULL},
};

enum { BATCH = 1000, POLL_MS = 100 };

struct perf {
    const struct bn_options *options;
    const char *topic, *date_format;
    int64_t messages, timeout_ms, interval_ms, start_offset;
    bool detailed, header, json, grouped;
    struct bn_member member; /* when grouped */
    int64_t count, bytes;
    uint64_t began_ms, joined_ms, ended_ms; /* of the wall clock */
};

static uint64_t now_ms(void) { return (uint64_t)bn_clock_wall_ms(bn_clock_real()); }

/* A time in SimpleDateFormat's letters: the common ones. out is cut when it is full. */
static void format_time(const char *format, uint64_t ms, char *out, size_t size) {
    static const struct {
        char letter;
        const char *strf;
    } letters[] = {{'y', "%Y"}, {'M', "%m"}, {'d', "%d"}, {'H', "%H"}, {'m', "%M"}, {'s', "%S"}};
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    size_t used = 0;
    localtime_r(&seconds, &tm);
    out[0] = '\0';
    while (*format && used + 1 < size) {
        size_t run = 1;
        char word[16] = {*format, '\0'};
        while (format[run] == *format) run++;
        if (*format == 'S') (void)snprintf(word, sizeof word, "%0*d", (int)bn_min_size(run, 9), (int)(ms % 1000));
        for (size_t i = 0; i < BN_ARRAY_LEN(letters); i++) {
            if (letters[i].letter == *format) (void)strftime(word, sizeof word, letters[i].strf, &tm);
        }
        bool literal = word[0] == *format && word[1] == '\0';
        used += (size_t)snprintf(out + used, size - used, "%s", word);
        format += literal ? 1 : run;
    }
}

static double mb(int64_t bytes) { return (double)bytes / (1024 * 1024); }

static double per_second(double what, uint64_t ms) { return ms ? what * 1000.0 / (double)ms : 0; }

static void print_header(const struct perf *p) {
    if (!p->header) return;
    printf("%s, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, rebalance.time.ms, fetch.time.ms, "
           "fetch.MB.sec, fetch.nMsg.sec\n",
           p->detailed ? "time, threadId" : "start.time, end.time");
    fflush(stdout);
}

struct interval {
    int64_t count, bytes; /* at its beginning */
    uint64_t began_ms, joined_ms;
};

static void print_interval(const struct perf *p, const struct interval *i, uint64_t at_ms) {
    char text[96];
    format_time(p->date_format, at_ms, text, sizeof text);
    uint64_t ms = at_ms - i->began_ms, fetch_ms = ms > i->joined_ms ? ms - i->joined_ms : 0;
    double mbs = mb(p->bytes - i->bytes), count = (double)(p->count - i->count);
    printf("%s, 0, %.4f, %.4f, %" PRId64 ", %.4f, %" PRIu64 ", %" PRIu64 ", %.4f, %.4f\n", text, mb(p->bytes),
           per_second(mbs, ms), p->count, per_second(count, ms), i->joined_ms, fetch_ms, per_second(mbs, fetch_ms),
           per_second(count, fetch_ms));
    fflush(stdout);
}

static void print_total(const struct perf *p) {
    char from[96], to[96];
    uint64_t ms = p->ended_ms - p->began_ms, fetch_ms = ms > p->joined_ms ? ms - p->joined_ms : 0;
    double count = (double)p->count;
    if (p->json) {
        struct bn_jsonout j;
        bn_jsonout_init(&j);
        bn_jsonout_number(&j, "startMs", (int64_t)p->began_ms);
        bn_jsonout_number(&j, "endMs", (int64_t)p->ended_ms);
        bn_jsonout_number(&j, "records", p->count);
        bn_jsonout_real(&j, "megabytes", mb(p->bytes));
        bn_jsonout_real(&j, "recordsPerSecond", per_second(count, ms));
        bn_jsonout_real(&j, "megabytesPerSecond", per_second(mb(p->bytes), ms));
        bn_jsonout_print(&j);
        return;
    }
    format_time(p->date_format, p->began_ms, from, sizeof from);
    format_time(p->date_format, p->ended_ms, to, sizeof to);
    printf("%s, %s, %.4f, %.4f, %" PRId64 ", %.4f, %" PRIu64 ", %" PRIu64 ", %.4f, %.4f\n", from, to, mb(p->bytes),
           per_second(mb(p->bytes), ms), p->count, per_second(count, ms), p->joined_ms, fetch_ms,
           per_second(mb(p->bytes), fetch_ms), per_second(count, fetch_ms));
}

static void count_in(struct perf *p, rd_kafka_message_t **batch, ssize_t got) {
    for (ssize_t i = 0; i < got; i++) {
        if (!batch[i]->err) {
            p->count++;
            p->bytes += (int64_t)(batch[i]->len + batch[i]->key_len);
        }
        rd_kafka_message_destroy(batch[i]);
    }
}

static void read_all(struct perf *p, rd_kafka_queue_t *queue) {
    rd_kafka_message_t *batch[BATCH];
    uint64_t last_ms = now_ms(), at_ms = last_ms;
    struct interval i = {.began_ms = p->began_ms, .joined_ms = p->joined_ms};
    while (p->count < p->messages && at_ms - last_ms <= (uint64_t)p->timeout_ms) {
        int64_t before = p->count;
        ssize_t got = rd_kafka_consume_batch_queue(queue, POLL_MS, batch,
                                                   (size_t)bn_min_i64(BATCH, p->messages - p->count));
        at_ms = now_ms();
        count_in(p, batch, got);
        if (p->count > before) last_ms = at_ms;
        if (p->count == before || at_ms - i.began_ms < (uint64_t)p->interval_ms) continue;
        if (p->detailed && !p->json) print_interval(p, &i, at_ms);
        i = (struct interval){p->count, p->bytes, at_ms, 0};
    }
    p->ended_ms = now_ms();
    if (p->count < p->messages) {
        printf("WARNING: Exiting before consuming the expected number of messages: timeout (%" PRId64
               " ms) exceeded. You can use the --timeout option to increase the timeout.\n",
               p->timeout_ms);
    }
}

/* Reads every partition directly. */
static bool run_directly(struct perf *p, rd_kafka_t *handle) {
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(handle, p->topic, NULL);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(handle);
    rd_kafka_resp_err_t err = rd_kafka_metadata(handle, 0, topic, &metadata, 15000);
    if (!err && metadata->topic_cnt == 1) err = metadata->topics[0].err;
    int partitions = err || metadata->topic_cnt != 1 ? 0 : metadata->topics[0].partition_cnt;
    for (int i = 0; i < partitions; i++)
        (void)rd_kafka_consume_start_queue(topic, metadata->topics[0].partitions[i].id, p->start_offset, queue);
    p->joined_ms = now_ms() - p->began_ms;
    if (partitions > 0)
        read_all(p, queue);
    else
        fprintf(stderr, "%s: topic \"%s\": %s\n", p->options->program, p->topic, rd_kafka_err2str(err));
    for (int i = 0; i < partitions; i++) rd_kafka_consume_stop(topic, metadata->topics[0].partitions[i].id);
    if (metadata) rd_kafka_metadata_destroy(metadata);
    rd_kafka_queue_destroy(queue);
    rd_kafka_topic_destroy(topic);
    return partitions > 0;
}

static bool run_in_group(struct perf *p, rd_kafka_t *handle) {
    if (!bn_member_join(&p->member, handle, p->topic, NULL)) return false;
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(handle);
    read_all(p, queue);
    rd_kafka_queue_destroy(queue);
    bn_member_leave(&p->member, handle);
    return true;
}

static int run(struct perf *p, rd_kafka_conf_t *conf) {
    char why[512];
    rd_kafka_t *handle = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    if (!handle) {
        fprintf(stderr, "%s: %s\n", p->options->program, why);
        rd_kafka_conf_destroy(conf);
        return BN_COMMAND_FAILED;
    }
    print_header(p);
    p->began_ms = now_ms();
    bool ok = p->grouped ? run_in_group(p, handle) : run_directly(p, handle);
    if (ok && (!p->detailed || p->json)) print_total(p);
    rd_kafka_destroy(handle);
    return ok ? BN_COMMAND_OK : BN_COMMAND_FAILED;
}

static void take_assigned(void *arg, const rd_kafka_topic_partition_list_t *partitions) {
    struct perf *p = arg;
    if (p->joined_ms == 0 && partitions->cnt > 0) p->joined_ms = now_ms() - p->began_ms;
}

/* Is it to be a member of a group? False after telling. */
static bool read_group(struct perf *p, bool kafka, const char *bootstrap, rd_kafka_conf_t *conf) {
    const struct bn_options *o = p->options;
    char *group = NULL;
    bool ok = bn_member_named(o, "consumer-property", "consumer.config", &group);
    p->grouped = ok && (kafka || group) && bn_member_offered(o, bootstrap);
    if (ok && p->grouped) {
        p->member = (struct bn_member){.program = o->program, .on_assigned = take_assigned, .arg = p};
        ok = bn_member_configure(&p->member, conf, group, "perf-consumer-", true) &&
             bn_client_conf_set(conf, o->program, "enable.auto.offset.store", "true") &&
             bn_client_conf_set(conf, o->program, "auto.offset.reset",
                                bn_options_has(o, "from-latest") ? "latest" : "earliest");
    }
    bn_alloc_free(group);
    return ok;
}

static bool configure(const struct bn_options *o, const char *bootstrap, rd_kafka_conf_t *conf) {
    static const struct {
        const char *option, *property;
    } plain[] = {{"fetch-size", "max.partition.fetch.bytes"}, {"socket-buffer-size", "receive.buffer.bytes"}};
    const char *me = o->program, *value = bn_options_get(o, "consumer.config");
    bool ok = bn_client_conf_set(conf, me, "client.id", "perf-consumer-client") &&
              bn_client_conf_set(conf, me, "log_level", "3") &&
              bn_client_conf_set(conf, me, "allow.auto.create.topics", "false");
    if (value) ok = ok && bn_client_conf_load(conf, me, value);
    ok = ok && bn_client_conf_set(conf, me, "bootstrap.servers", bootstrap);
    for (size_t i = 0; i < BN_ARRAY_LEN(plain); i++) {
        if ((value = bn_options_get(o, plain[i].option)) != NULL)
            ok = ok && bn_client_conf_set(conf, me, plain[i].property, value);
    }
    return ok;
}

static bool read_options(struct perf *p) {
    static const char *const required[] = {"messages", "topic"};
    const struct bn_options *o = p->options;
    bool bad = false;
    if (bn_options_has(o, "threads") || bn_options_has(o, "num-fetch-threads")) {
        puts("WARNING: option [threads] and [num-fetch-threads] have been deprecated and will be ignored by the test");
        fflush(stdout);
    }
    for (size_t i = 0; i < BN_ARRAY_LEN(required); i++) {
        if (bn_options_has(o, required[i])) continue;
        fprintf(stderr, "Missing required argument \"[%s]\"\n", required[i]);
        return false;
    }
    p->topic = bn_options_get(o, "topic");
    p->messages = bn_options_number(o, "messages", 0, &bad);
    p->timeout_ms = bn_options_number(o, "timeout", 10000, &bad);
    p->interval_ms = bn_options_number(o, "reporting-interval", 5000, &bad);
    p->start_offset = bn_options_has(o, "from-latest") ? RD_KAFKA_OFFSET_END : RD_KAFKA_OFFSET_BEGINNING;
    p->detailed = bn_options_has(o, "show-detailed-stats");
    p->date_format = bn_options_get(o, "date-format");
    if (!p->date_format) p->date_format = "yyyy-MM-dd HH:mm:ss:SSS";
    if (!bad && p->interval_ms <= 0) fprintf(stderr, "Reporting interval must be greater than 0.\n");
    if (!bn_admin_json(o, &p->json)) return false;
    p->header = !bn_options_has(o, "hide-header") && !p->json;
    return !bad && p->interval_ms > 0;
}

int bn_perf_consume_command(int argc, char **argv) {
    struct bn_options o;
    bool kafka = strncmp(argv[0], "kafka-", 6) == 0;
    if (bn_options_parse(&o, "kafka-consumer-perf-test", table, argc, argv) < 0) return BN_COMMAND_FAILED;
    int rc = bn_admin_help(
        &o, argc, "kafka-consumer-perf-test --bootstrap-server host:port --topic <topic> --messages N [options]",
        BN_COMMAND_FAILED);
    if (rc < 0) {
        struct perf p = {.options = &o};
        rc = BN_COMMAND_FAILED;
        char *bootstrap = read_options(&p) ? bn_resolve_bootstrap(&o) : NULL;
        rd_kafka_conf_t *conf = rd_kafka_conf_new();
        if (bootstrap && configure(&o, bootstrap, conf) && read_group(&p, kafka, bootstrap, conf))
            rc = run(&p, conf);
        else
            rd_kafka_conf_destroy(conf);
        bn_alloc_free(bootstrap);
    }
    bn_options_fini(&o);
    return rc;
}
