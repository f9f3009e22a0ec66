/* produce.c: lines in, records out: `barnabas produce` and kafka-console-producer.sh (9-tools 9.2). Talks through
 * librdkafka, idempotent unless told otherwise, and ends only when every record was acknowledged or failed.
 */
#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/slice.h"
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
    {"help", BN_OPTION_FLAG, "this text"},
    {NULL, BN_OPTION_FLAG, NULL},
};

struct producer {
    const char *program;
    bool parse_key, parse_headers, ignore_error;
    const char *key_separator, *headers_delimiter, *headers_separator, *header_key_separator, *null_marker;
    bool sync;
    int32_t partition;
    int64_t failed;
    rd_kafka_t *handle;
    rd_kafka_topic_t *topic;
};

static bool set_property(struct producer *p, const char *pair) {
    static const char yes[] = "true";
    const char *value = strchr(pair, '=');
    size_t len = value ? (size_t)(value - pair) : 0;
    if (!value) {
        fprintf(stderr, "%s: '%s' is no property: write name=value\n", p->program, pair);
        return false;
    }
    value++;
    struct bn_slice name = bn_slice_of(pair, len);
    if (bn_slice_eq_str(name, "parse.key"))
        p->parse_key = strcmp(value, yes) == 0;
    else if (bn_slice_eq_str(name, "parse.headers"))
        p->parse_headers = strcmp(value, yes) == 0;
    else if (bn_slice_eq_str(name, "ignore.error"))
        p->ignore_error = strcmp(value, yes) == 0;
    else if (bn_slice_eq_str(name, "key.separator"))
        p->key_separator = value;
    else if (bn_slice_eq_str(name, "headers.delimiter"))
        p->headers_delimiter = value;
    else if (bn_slice_eq_str(name, "headers.separator"))
        p->headers_separator = value;
    else if (bn_slice_eq_str(name, "headers.key.separator"))
        p->header_key_separator = value;
    else if (bn_slice_eq_str(name, "null.marker"))
        p->null_marker = value;
    else
        fprintf(stderr, "%s: property %.*s has no effect here\n", p->program, (int)len, pair);
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

static bool read_headers(const struct producer *p, struct bn_slice text, rd_kafka_headers_t *out) {
    struct bn_slice one, name;
    while (text.len > 0) {
        if (!cut(&text, p->headers_separator, &one)) one = text, text.len = 0;
        if (!cut(&one, p->header_key_separator, &name)) return false;
        struct bn_slice value = unmark(p, one);
        rd_kafka_header_add(out, (const char *)name.ptr, (ssize_t)name.len, value.ptr,
                            value.ptr ? (ssize_t)value.len : -1);
    }
    return true;
}

/* Sends one line; false when it can't be taken apart (and that is not to be ignored). */
static bool send_line(struct producer *p, struct bn_slice line, int64_t number) {
    struct bn_slice key = BN_SLICE_NULL, head;
    rd_kafka_headers_t *headers = NULL;
    bool ok = true;
    if (p->parse_headers) {
        headers = rd_kafka_headers_new(4);
        ok = cut(&line, p->headers_delimiter, &head) && (unmark(p, head).ptr == NULL || read_headers(p, head, headers));
        if (!ok) fprintf(stderr, "%s: no headers found on line number %" PRId64 "\n", p->program, number);
    }
    if (ok && p->parse_key) {
        if (cut(&line, p->key_separator, &head))
            key = unmark(p, head);
        else
            ok = false, fprintf(stderr, "%s: No key separator found on line number %" PRId64 "\n", p->program, number);
    }
    if (!ok && !p->ignore_error) {
        if (headers) rd_kafka_headers_destroy(headers);
        return false;
    }
    struct bn_slice value = unmark(p, line);
    rd_kafka_resp_err_t err;
    do {
        err = rd_kafka_producev(p->handle, RD_KAFKA_V_RKT(p->topic), RD_KAFKA_V_PARTITION(p->partition),
                                RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key.ptr, key.len),
                                RD_KAFKA_V_VALUE((void *)(uintptr_t)value.ptr, value.len), RD_KAFKA_V_HEADERS(headers),
                                RD_KAFKA_V_END);
        rd_kafka_poll(p->handle, err == RD_KAFKA_RESP_ERR__QUEUE_FULL ? 100 : 0);
    } while (err == RD_KAFKA_RESP_ERR__QUEUE_FULL);
    if (err) {
        if (headers) rd_kafka_headers_destroy(headers);
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
              bn_client_conf_set(conf, me, "linger.ms", "5");
    const char *acks = bn_options_get(o, "request-required-acks");
    if (!acks || strcmp(acks, "all") == 0 || strcmp(acks, "-1") == 0)
        ok = ok && bn_client_conf_set(conf, me, "enable.idempotence", "true");
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
        ok = ok && bn_client_conf_set_pair(conf, me, value);
    return ok;
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

int bn_produce_command(int argc, char **argv) {
    struct bn_options o;
    struct producer p = {.program = argv[0],
                         .key_separator = "\t",
                         .headers_delimiter = "\t",
                         .headers_separator = ",",
                         .header_key_separator = ":",
                         .partition = RD_KAFKA_PARTITION_UA};
    if (bn_options_parse(&o, argv[0], table, argc, argv) < 0) return BN_COMMAND_FAILED;
    const char *topic = bn_options_get(&o, "topic"), *pair;
    if (!topic && o.rest_count == 1) topic = o.rest[0];
    int rc = BN_COMMAND_FAILED;
    bool bad = false;
    if (bn_options_has(&o, "help") || argc == 1 || !topic) {
        bn_options_help(table, "kafka-console-producer --bootstrap-server host:port --topic <topic> [options]");
        rc = bn_options_has(&o, "help") ? BN_COMMAND_OK : BN_COMMAND_FAILED;
        bn_options_fini(&o);
        return rc;
    }
    int at = 0;
    while ((pair = bn_options_next(&o, "property", &at)) != NULL) bad = !set_property(&p, pair) || bad;
    at = 0;
    while ((pair = bn_options_next(&o, "reader-property", &at)) != NULL) bad = !set_property(&p, pair) || bad;
    p.sync = bn_options_has(&o, "sync");
    p.partition = (int32_t)bn_options_number(&o, "partition", RD_KAFKA_PARTITION_UA, &bad);
    char *bootstrap = bad ? NULL : bn_resolve_bootstrap(&o);
    if (bootstrap) {
        rd_kafka_conf_t *conf = rd_kafka_conf_new();
        if (configure(&o, bootstrap, conf))
            rc = run(&p, topic, conf);
        else
            rd_kafka_conf_destroy(conf);
    }
    bn_alloc_free(bootstrap);
    bn_options_fini(&o);
    return rc;
}
