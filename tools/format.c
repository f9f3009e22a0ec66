/* format.c: a record as a line: `CreateTime:… Partition:… Offset:… headers key value`, each only when asked for.
 */
#include "tools/format.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/base/bytes.h"
#include "tools/grouplines.h"
#include "tools/jsonout.h"

void bn_format_init(struct bn_format *f, const char *program) {
    *f = (struct bn_format){.program = program,
                            .value = true,
                            .key_separator = "\t",
                            .line_separator = "\n",
                            .headers_separator = ",",
                            .null_literal = "null"};
}

static const struct {
    const char *name;
    enum bn_format_type type;
} deserializers[] = {
    {"String", BN_FORMAT_STRING},     {"ByteArray", BN_FORMAT_STRING}, {"Bytes", BN_FORMAT_STRING},
    {"ByteBuffer", BN_FORMAT_STRING}, {"Void", BN_FORMAT_STRING},      {"Short", BN_FORMAT_SHORT},
    {"Integer", BN_FORMAT_INTEGER},   {"Long", BN_FORMAT_LONG},        {"Float", BN_FORMAT_FLOAT},
    {"Double", BN_FORMAT_DOUBLE},     {"UUID", BN_FORMAT_UUID},
};

bool bn_format_type(struct bn_format *f, const char *deserializer, enum bn_format_type *out) {
    const char *dot = strrchr(deserializer, '.'), *last = dot ? dot + 1 : deserializer;
    for (size_t i = 0; i < BN_ARRAY_LEN(deserializers); i++) {
        size_t len = strlen(deserializers[i].name);
        if (strncmp(last, deserializers[i].name, len) != 0 || strcmp(last + len, "Deserializer") != 0) continue;
        *out = deserializers[i].type;
        return true;
    }
    fprintf(stderr,
            "%s: deserializer %s: there are String, ByteArray, Bytes, Short, Integer, Long, Float, Double and "
            "UUIDDeserializer\n",
            f->program, deserializer);
    return false;
}

bool bn_format_class(struct bn_format *f, const char *name) {
    const char *last = name + strlen(name);
    while (last > name && last[-1] != '.' && last[-1] != '$') last--;
    bool old = strncmp(name, "kafka.", 6) == 0;
    f->groups = strcmp(last, "GroupMetadataMessageFormatter") == 0;
    f->internal = f->groups || strcmp(last, "OffsetsMessageFormatter") == 0;
    f->words = old && f->internal;
    f->nothing = strcmp(last, "NoOpMessageFormatter") == 0;
    if (old)
        fprintf(stderr,
                "WARNING: %s is deprecated and will be removed in the next major release. Please use "
                "org.apache.kafka.tools.consumer.%s instead\n",
                name, last);
    if (f->internal || f->nothing || strcmp(last, "DefaultMessageFormatter") == 0 ||
        strcmp(last, "LoggingMessageFormatter") == 0)
        return true;
    fprintf(stderr, "%s: --formatter %s: %s\n", f->program, name,
            strcmp(last, "TransactionLogMessageFormatter") == 0
                ? "this release writes no such records"
                : "there are Default, Logging, NoOp, Offsets and GroupMetadataMessageFormatter");
    return false;
}

static bool is_true(const char *text) {
    size_t skip = strspn(text, " ");
    return strncasecmp(text + skip, "true", 4) == 0 && strspn(text + skip + 4, " ") == strlen(text + skip + 4);
}

bool bn_format_set(struct bn_format *f, struct bn_slice name, const char *value) {
    const struct {
        const char *name;
        bool *flag;
        const char **text;
        enum bn_format_type *type;
    } known[] = {
        {"print.timestamp", &f->timestamp, NULL, NULL},
        {"print.partition", &f->partition, NULL, NULL},
        {"print.offset", &f->offset, NULL, NULL},
        {"print.headers", &f->headers, NULL, NULL},
        {"print.key", &f->key, NULL, NULL},
        {"print.value", &f->value, NULL, NULL},
        {"key.separator", NULL, &f->key_separator, NULL},
        {"line.separator", NULL, &f->line_separator, NULL},
        {"headers.separator", NULL, &f->headers_separator, NULL},
        {"null.literal", NULL, &f->null_literal, NULL},
        {"key.deserializer", NULL, NULL, &f->key_type},
        {"value.deserializer", NULL, NULL, &f->value_type},
        {"headers.deserializer", NULL, NULL, &f->header_type},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(known); i++) {
        if (!bn_slice_eq_str(name, known[i].name)) continue;
        if (known[i].type) return bn_format_type(f, value, known[i].type);
        if (known[i].flag)
            *known[i].flag = is_true(value);
        else
            *known[i].text = value;
    }
    return true;
}

/* ---- bytes by their type ---- */

static const size_t sizes[] = {[BN_FORMAT_SHORT] = 2,
                               [BN_FORMAT_INTEGER] = 4,
                               [BN_FORMAT_LONG] = 8,
                               [BN_FORMAT_FLOAT] = 4,
                               [BN_FORMAT_DOUBLE] = 8};

static bool fits(const struct bn_format *f, const char *what, enum bn_format_type type, const void *ptr, size_t len) {
    if (!ptr || type == BN_FORMAT_STRING || type == BN_FORMAT_UUID || len == sizes[type]) return true;
    fprintf(stderr, "%s: Size of the %s received by the deserializer is not %zu (SerializationException)\n", f->program,
            what, sizes[type]);
    return false;
}

static void put_bytes(const struct bn_format *f, enum bn_format_type type, const void *ptr, size_t len) {
    const uint8_t *p = ptr;
    uint32_t low;
    uint64_t wide;
    float single;
    double real;
    if (!p) {
        fputs(f->null_literal, stdout);
        return;
    }
    switch (type) {
    case BN_FORMAT_SHORT:
        printf("%d", (int16_t)bn_get_u16(p));
        break;
    case BN_FORMAT_INTEGER:
        printf("%d", (int32_t)bn_get_u32(p));
        break;
    case BN_FORMAT_LONG:
        printf("%" PRId64, (int64_t)bn_get_u64(p));
        break;
    case BN_FORMAT_FLOAT:
        low = bn_get_u32(p);
        memcpy(&single, &low, sizeof single);
        printf("%.9g", (double)single);
        break;
    case BN_FORMAT_DOUBLE:
        wide = bn_get_u64(p);
        memcpy(&real, &wide, sizeof real);
        printf("%.17g", real);
        break;
    case BN_FORMAT_STRING:
    case BN_FORMAT_UUID: /* Kafka's serializer writes its text */
        fwrite(p, 1, len, stdout);
    }
}

static void put_headers(const struct bn_format *f, const rd_kafka_message_t *m) {
    rd_kafka_headers_t *headers = NULL;
    if (rd_kafka_message_headers(m, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR || rd_kafka_header_cnt(headers) == 0) {
        fputs("NO_HEADERS", stdout);
        return;
    }
    const char *name;
    const void *value;
    size_t len;
    for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &len) == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
        printf("%s%s:", i ? f->headers_separator : "", name);
        bool plain = f->header_type != BN_FORMAT_UUID && f->header_type != BN_FORMAT_STRING;
        put_bytes(f, plain && len != sizes[f->header_type] ? BN_FORMAT_STRING : f->header_type, value, len);
    }
}

static void put_timestamp(const rd_kafka_message_t *m) {
    rd_kafka_timestamp_type_t type;
    int64_t ms = rd_kafka_message_timestamp(m, &type);
    if (type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE)
        fputs("NO_TIMESTAMP", stdout);
    else
        printf("%s:%" PRId64, type == RD_KAFKA_TIMESTAMP_CREATE_TIME ? "CreateTime" : "LogAppendTime", ms);
}

static void put_json(const rd_kafka_message_t *m) {
    struct bn_jsonout j;
    rd_kafka_timestamp_type_t type;
    rd_kafka_headers_t *headers = NULL;
    const char *name;
    const void *value;
    size_t len;
    bn_jsonout_init(&j);
    bn_jsonout_text(&j, "topic", bn_slice_str(rd_kafka_topic_name(m->rkt)));
    bn_jsonout_number(&j, "partition", m->partition);
    bn_jsonout_number(&j, "offset", m->offset);
    bn_jsonout_number(&j, "timestamp", rd_kafka_message_timestamp(m, &type));
    bn_jsonout_array(&j, "headers");
    bool any = rd_kafka_message_headers(m, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR;
    for (size_t i = 0; any && rd_kafka_header_get_all(headers, i, &name, &value, &len) == RD_KAFKA_RESP_ERR_NO_ERROR;
         i++) {
        bn_jsonout_object(&j, NULL);
        bn_jsonout_text(&j, "key", bn_slice_str(name));
        bn_jsonout_text(&j, "value", bn_slice_of(value, len));
        bn_jsonout_end(&j);
    }
    bn_jsonout_end(&j);
    bn_jsonout_text(&j, "key", bn_slice_of(m->key, m->key_len));
    bn_jsonout_text(&j, "value", bn_slice_of(m->payload, m->len));
    bn_jsonout_print(&j);
}

static void put_internal(const struct bn_format *f, const rd_kafka_message_t *m) {
    struct bn_str line;
    bn_str_init(&line);
    if (bn_grouplines_format(f->words ? BN_GROUPLINES_TEXT : BN_GROUPLINES_JSON, f->groups,
                             bn_slice_of(m->key, m->key_len), bn_slice_of(m->payload, m->len), &line))
        printf("%s\n", line.ptr);
    bn_str_fini(&line);
}

bool bn_format_print(const struct bn_format *f, const rd_kafka_message_t *m) {
    if (f->nothing) return true;
    if (f->internal) return put_internal(f, m), true;
    if (f->json) return put_json(m), true;
    if ((f->key && !fits(f, "data", f->key_type, m->key, m->key_len)) ||
        (f->value && !fits(f, "data", f->value_type, m->payload, m->len)))
        return false;
    bool more = false;
#define BEFORE_FIELD() (more ? (void)fputs(f->key_separator, stdout) : (void)(more = true))
    if (f->timestamp) BEFORE_FIELD(), put_timestamp(m);
    if (f->partition) BEFORE_FIELD(), printf("Partition:%d", m->partition);
    if (f->offset) BEFORE_FIELD(), printf("Offset:%" PRId64, m->offset);
    if (f->headers) BEFORE_FIELD(), put_headers(f, m);
    if (f->key) BEFORE_FIELD(), put_bytes(f, f->key_type, m->key, m->key_len);
    if (f->value) BEFORE_FIELD(), put_bytes(f, f->value_type, m->payload, m->len);
#undef BEFORE_FIELD
    fputs(f->line_separator, stdout);
    return true;
}
