/* produce.c: lines in, records out: `barnabas produce` and kafka-console-producer.sh (9-tools 9.2). Talks through
 * librdkafka, idempotent unless told otherwise, and ends only when every record was acknowledged or failed.
 */
#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <strings.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/slice.h"
#include "tools/admin.h"
#include "tools/client_conf.h"
#include "tools/command.h"

static const struct bn_option table[] = {
    {"topic", BN_OPTION_VALUE, "the topic to produce to (required)"},
    {"bootstrap-server", BN_OPTION_VALUE, "host:port,..."},
    {"broker-list", BN_OPTION_VALUE, "the same, by its old name"},
    {"zookeeper", BN_OPTION_VALUE, "host:port/chroot: take the brokers registered there"},
    {"property", BN_OPTION_VALUE, "parse.key, key.separator, parse.headers, headers.delimiter, headers.separator,"},
    {"reader-property", BN_OPTION_VALUE, "  headers.key.separator, null.marker, ignore.error: key=value"},
    {"producer-property", BN_OPTION_VALUE, "a producer's property, key=value"},
    {"producer.config", BN_OPTION_VALUE, "a file of producer properties"},
    {"command-config", BN_OPTION_VALUE, NULL},
    {"compression-codec", BN_OPTION_MAYBE, "none, gzip (without a value), snappy, lz4, zstd"},
    {"request-required-acks", BN_OPTION_VALUE, "0, 1, -1 or all (default)"},
    {"partition", BN_OPTION_VALUE, "always this partition"},
    {"sync", BN_OPTION_FLAG, "one record at a time"},
    {"batch-size", BN_OPTION_VALUE, "bytes of a batch (16384)"},
    {"timeout", BN_OPTION_VALUE, "milliseconds a batch may wait (1000 on a terminal's lines, else 5)"},
    {"message-send-max-retries", BN_OPTION_VALUE, "retries of a record"},
    {"retry-backoff-ms", BN_OPTION_VALUE, "pause before a retry (100)"},
    {"request-timeout-ms", BN_OPTION_VALUE, "how long a broker may take to acknowledge"},
    {"metadata-expiry-ms", BN_OPTION_VALUE, "how long metadata is believed"},
    {"max-block-ms", BN_OPTION_VALUE, NULL},
    {"max-memory-bytes", BN_OPTION_VALUE, "bytes that may wait to be sent"},
    {"max-partition-memory-bytes", BN_OPTION_VALUE, NULL},
    {"socket-buffer-size", BN_OPTION_VALUE, NULL},
    {"line-reader", BN_OPTION_VALUE, NULL},
    {"reader-config", BN_OPTION_VALUE, "a file of reader properties"},
    {"version", BN_OPTION_FLAG, "the version"},
    {"help", BN_OPTION_FLAG, "this text"},
    {NULL, BN_OPTION_FLAG, NULL},
};

struct producer {
    const char *program;
    bool parse_key, parse_headers, ignore_error;
    const char *key_separator, *headers_delimiter, *headers_separator, *header_key_separator, *null_marker;
    struct bn_props reader_config; /* what the texts above may borrow */
    bool sync;
    int32_t partition;
    int64_t failed;
    rd_kafka_t *handle;
    rd_kafka_topic_t *topic;
};

/* What the reader of lines knows; another name is ignored, as Kafka does. Borrows the value. */
static void set_property(struct producer *p, struct bn_slice name, const char *value) {
    const struct {
        const char *name;
        bool *flag;
        const char **text;
    } known[] = {
        {"parse.key", &p->parse_key, NULL},
        {"parse.headers", &p->parse_headers, NULL},
        {"ignore.error", &p->ignore_error, NULL},
        {"key.separator", NULL, &p->key_separator},
        {"headers.delimiter", NULL, &p->headers_delimiter},
        {"headers.separator", NULL, &p->headers_separator},
        {"headers.key.separator", NULL, &p->header_key_separator},
        {"null.marker", NULL, &p->null_marker},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(known); i++) {
        if (!bn_slice_eq_str(name, known[i].name)) continue;
        if (known[i].flag)
            *known[i].flag = strcasecmp(value + strspn(value, " "), "true") == 0;
        else
            *known[i].text = value;
    }
}

/* Separators that could not be told apart are refused, in Kafka's words. */
static bool check_properties(const struct producer *p) {
    const struct {
        const char *a, *b, *text;
    } pairs[] = {
        {p->headers_delimiter, p->headers_separator, "headers.delimiter and headers.separator"},
        {p->headers_delimiter, p->header_key_separator, "headers.delimiter and headers.key.separator"},
        {p->headers_separator, p->header_key_separator, "headers.separator and headers.key.separator"},
        {p->null_marker, p->key_separator, "null.marker and key.separator"},
        {p->null_marker, p->headers_separator, "null.marker and headers.separator"},
        {p->null_marker, p->headers_delimiter, "null.marker and headers.delimiter"},
        {p->null_marker, p->header_key_separator, "null.marker and headers.key.separator"},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(pairs); i++) {
        if (!pairs[i].a || strcmp(pairs[i].a, pairs[i].b) != 0) continue;
        fprintf(stderr, "%s may not be equal\n", pairs[i].text);
        return false;
    }
    return true;
}

static void delivered(rd_kafka_t *handle, const rd_kafka_message_t *m, void *opaque) {
    struct producer *p = opaque;
    if (!m->err) return;
    p->failed++;
    fprintf(stderr, "%s: a record for topic %s was not written: %s\n", p->program, rd_kafka_topic_name(p->topic),
            rd_kafka_err2str(m->err));
}

/* ---- lines ---- */

/* Cuts `line` at the first separator: *head gets what is before, line what is after. False when there is none. */
static bool cut(struct bn_slice *line, const char *separator, struct bn_slice *head) {
    size_t len = strlen(separator);
    const uint8_t *at = len ? memmem(line->ptr, line->len, separator, len) : NULL;
    if (!at) return false;
    *head = bn_slice_of(line->ptr, (size_t)(at - line->ptr));
    *line = bn_slice_of(at + len, line->len - head->len - len);
    return true;
}

static struct bn_slice unmark(const struct producer *p, struct bn_slice s) {
    return p->null_marker && bn_slice_eq_str(s, p->null_marker) ? BN_SLICE_NULL : s;
}

static bool read_headers(const struct producer *p, struct bn_slice text, int64_t number, rd_kafka_headers_t *out) {
    struct bn_slice one, name;
    while (text.len > 0) {
        if (!cut(&text, p->headers_separator, &one)) one = text, text.len = 0;
        struct bn_slice pair = one;
        if (!cut(&one, p->header_key_separator, &name)) {
            fprintf(stderr, "No header key separator found in pair '%.*s' on line number %" PRId64 "\n",
                    BN_SLICE_FMT(pair), number);
            return false;
        }
        if (!unmark(p, name).ptr) {
            fprintf(stderr, "Header keys should not be equal to the null marker '%s' as they can't be null\n",
                    p->null_marker);
            return false;
        }
        struct bn_slice value = unmark(p, one);
        rd_kafka_header_add(out, (const char *)name.ptr, (ssize_t)name.len, value.ptr,
                            value.ptr ? (ssize_t)value.len : -1);
    }
    return true;
}

struct line {
    struct bn_slice key, value;
    rd_kafka_headers_t *headers; /* freed by the reader unless sent */
};

static bool tell_missing(const struct producer *p, const char *what, struct bn_slice line, int64_t number) {
    if (!p->ignore_error)
        fprintf(stderr, "No %s found on line number %" PRId64 ": '%.*s'\n", what, number, BN_SLICE_FMT(line));
    return p->ignore_error;
}

/* Takes a line apart; false, after telling, when it can't be (and that is not to be ignored). */
static bool read_line(const struct producer *p, struct bn_slice text, int64_t number, struct line *out) {
    struct bn_slice head;
    *out = (struct line){.key = BN_SLICE_NULL};
    if (p->parse_headers) {
        if (!cut(&text, p->headers_delimiter, &head)) {
            if (!tell_missing(p, "headers delimiter", text, number)) return false;
            head = BN_SLICE_NULL;
        }
        out->headers = rd_kafka_headers_new(4);
        if (unmark(p, head).ptr && !read_headers(p, head, number, out->headers) && !p->ignore_error) return false;
    }
    if (p->parse_key) {
        if (cut(&text, p->key_separator, &head))
            out->key = unmark(p, head);
        else if (!tell_missing(p, "key separator", text, number))
            return false;
    }
    out->value = unmark(p, text);
    return true;
}

/* Sends one line; false when it can't be taken apart or sent. */
static bool send_line(struct producer *p, struct bn_slice text, int64_t number) {
    struct line l;
    if (!read_line(p, text, number, &l)) {
        if (l.headers) rd_kafka_headers_destroy(l.headers);
        return false;
    }
    rd_kafka_resp_err_t err;
    do {
        err = rd_kafka_producev(p->handle, RD_KAFKA_V_RKT(p->topic), RD_KAFKA_V_PARTITION(p->partition),
                                RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(l.key.ptr, l.key.len),
                                RD_KAFKA_V_VALUE((void *)(uintptr_t)l.value.ptr, l.value.len),
                                RD_KAFKA_V_HEADERS(l.headers), RD_KAFKA_V_END);
        rd_kafka_poll(p->handle, err == RD_KAFKA_RESP_ERR__QUEUE_FULL ? 100 : 0);
    } while (err == RD_KAFKA_RESP_ERR__QUEUE_FULL);
    if (err) {
        if (l.headers) rd_kafka_headers_destroy(l.headers);
        fprintf(stderr, "%s: line %" PRId64 ": %s\n", p->program, number, rd_kafka_err2str(err));
        return false;
    }
    if (p->sync) rd_kafka_flush(p->handle, -1);
    return true;
}

static bool send_all(struct producer *p) {
    bool prompt = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    char *line = NULL;
    size_t capacity = 0;
    int64_t number = 0;
    bool ok = true;
    for (;;) {
        if (prompt) printf(">"), fflush(stdout);
        ssize_t len = getline(&line, &capacity, stdin);
        if (len < 0) break;
        if (len > 0 && line[len - 1] == '\n') len--;
        if (len > 0 && line[len - 1] == '\r') len--;
        if (!send_line(p, bn_slice_of(line, (size_t)len), ++number)) {
            ok = false;
            break;
        }
    }
    bn_alloc_free(line);
    return ok;
}

/* ---- configuration ---- */

static bool configure(const struct bn_options *o, const char *bootstrap, rd_kafka_conf_t *conf) {
    static const struct {
        const char *option, *property;
    } plain[] = {
        {"request-required-acks", "acks"},
        {"batch-size", "batch.size"},
        {"timeout", "linger.ms"},
        {"message-send-max-retries", "retries"},
        {"retry-backoff-ms", "retry.backoff.ms"},
        {"request-timeout-ms", "request.timeout.ms"},
        {"metadata-expiry-ms", "metadata.max.age.ms"},
        {"max-memory-bytes", "buffer.memory"},
    };
    const char *me = o->program, *value;
    bool ok = bn_client_conf_set(conf, me, "bootstrap.servers", bootstrap) &&
              bn_client_conf_set(conf, me, "client.id", "console-producer") &&
              bn_client_conf_set(conf, me, "log_level", "3") && bn_client_conf_set(conf, me, "linger.ms", "5");
    for (size_t i = 0; i < BN_ARRAY_LEN(plain); i++) {
        if ((value = bn_options_get(o, plain[i].option)) != NULL)
            ok = ok && bn_client_conf_set(conf, me, plain[i].property, value);
    }
    if (bn_options_has(o, "compression-codec")) {
        value = bn_options_get(o, "compression-codec");
        ok = ok && bn_client_conf_set(conf, me, "compression.codec", value ? value : "gzip");
    }
    if ((value = bn_options_get(o, "producer.config")) != NULL) ok = ok && bn_client_conf_load(conf, me, value);
    int at = 0;
    while ((value = bn_options_next(o, "producer-property", &at)) != NULL)
        ok = ok && (!strchr(value, '=') || bn_client_conf_set_pair(conf, me, value));
    return ok && bn_client_conf_idempotent(conf, o, "producer-property", "producer.config");
}

static int run(struct producer *p, const char *topic, rd_kafka_conf_t *conf) {
    char why[512];
    rd_kafka_conf_set_opaque(conf, p);
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    p->handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    if (!p->handle) {
        fprintf(stderr, "%s: %s\n", p->program, why);
        rd_kafka_conf_destroy(conf);
        return BN_COMMAND_FAILED;
    }
    p->topic = rd_kafka_topic_new(p->handle, topic, NULL);
    bool ok = p->topic && send_all(p);
    rd_kafka_flush(p->handle, -1); /* message.timeout.ms bounds it */
    if (p->topic) rd_kafka_topic_destroy(p->topic);
    rd_kafka_destroy(p->handle);
    return ok && p->failed == 0 ? BN_COMMAND_OK : BN_COMMAND_FAILED;
}

static bool read_properties(struct producer *p, const struct bn_options *o) {
    static const char *const names[] = {"property", "reader-property"};
    const char *text = bn_options_get(o, "reader-config"), *equals;
    if (text && !bn_client_conf_read(&p->reader_config, o->program, text)) return false;
    for (size_t i = 0; i < p->reader_config.count; i++)
        set_property(p, bn_slice_str(p->reader_config.list[i].key), p->reader_config.list[i].value);
    for (size_t i = 0; i < BN_ARRAY_LEN(names); i++) {
        for (int at = 0; (text = bn_options_next(o, names[i], &at)) != NULL;) {
            equals = strchr(text, '=');
            if (equals) set_property(p, bn_slice_of(text, (size_t)(equals - text)), equals + 1);
        }
    }
    const char *reader = bn_options_get(o, "line-reader");
    const char *last = reader ? strstr(reader, "LineMessageReader") : "";
    if (!last) fprintf(stderr, "%s: --line-reader %s: there is LineMessageReader\n", o->program, reader);
    return last && check_properties(p);
}

static int produce(struct producer *p, const struct bn_options *o) {
    const char *topic = bn_options_get(o, "topic");
    bool bad = false;
    if (!topic && o->rest_count == 1) topic = o->rest[0];
    if (!topic) {
        fprintf(stderr, "Missing required argument \"[topic]\"\n");
        return BN_COMMAND_FAILED;
    }
    p->sync = bn_options_has(o, "sync");
    p->partition = (int32_t)bn_options_number(o, "partition", RD_KAFKA_PARTITION_UA, &bad);
    char *bootstrap = bad || !read_properties(p, o) ? NULL : bn_resolve_bootstrap(o);
    if (!bootstrap) return BN_COMMAND_FAILED;
    int rc = BN_COMMAND_FAILED;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (configure(o, bootstrap, conf))
        rc = run(p, topic, conf);
    else
        rd_kafka_conf_destroy(conf);
    bn_alloc_free(bootstrap);
    return rc;
}

int bn_produce_command(int argc, char **argv) {
    struct bn_options o;
    bool kafka = strcmp(argv[0], "produce") != 0;
    int misuse = kafka ? BN_COMMAND_FAILED : BN_COMMAND_USAGE;
    if (bn_options_parse(&o, kafka ? argv[0] : "barnabas produce", table, argc, argv) < 0) return misuse;
    int rc = bn_admin_help(&o, argc, "kafka-console-producer --bootstrap-server host:port --topic <topic> [options]",
                           misuse);
    if (rc < 0) {
        struct producer p = {.program = o.program,
                             .key_separator = "\t",
                             .headers_delimiter = "\t",
                             .headers_separator = ",",
                             .header_key_separator = ":"};
        rc = produce(&p, &o);
        bn_props_fini(&p.reader_config);
    }
    bn_options_fini(&o);
    return rc;
}
