/* topic_conf.c: resolves topic configurations. A value's text is found (topic, broker's synonym, default), then
 * parsed once into the struct that the data path reads. Times for which the broker has several keys are
 * reckoned by conf.c. */
#include "common/conf/topic_conf.h"

#include <stdio.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/check.h"

enum kind { KIND_I64, KIND_BOOL, KIND_F64, KIND_CHOICE, KIND_FLAGS, KIND_TEXT };

static const struct bn_topic_conf_row rows[] = {
#define X(key, field, name, type, kind, text, valid, synonym, effect, doc)                                             \
    {name, BN_CONF_##type, text, valid, synonym, effect, doc},
#include "common/conf/topic_conf.def"
#undef X
};

static const struct {
    enum kind kind;
    size_t offset;
} fields[] = {
#define X(key, field, name, type, kind, text, valid, synonym, effect, doc)                                             \
    {KIND_##kind, offsetof(struct bn_topic_conf, field)},
#include "common/conf/topic_conf.def"
#undef X
};

const struct bn_topic_conf_row *bn_topic_conf_row(enum bn_topic_conf_key key) {
    BN_ASSERT(key >= 0 && key < BN_TOPIC_CONF_COUNT);
    return &rows[key];
}

int bn_topic_conf_find(struct bn_slice name) {
    for (int i = 0; i < BN_TOPIC_CONF_COUNT; i++) {
        if (bn_slice_eq_str(name, rows[i].name)) return i;
    }
    return -1;
}

static int parse(int key, struct bn_slice *text, struct bn_conf_value *out, struct bn_err *e) {
    return bn_conf_value_parse(rows[key].name, rows[key].type, rows[key].valid, text, out, e);
}

int bn_topic_conf_validate(const struct bn_topic_conf_pair *pairs, size_t count, struct bn_err *e) {
    int64_t min_lag = 0, max_lag = INT64_MAX;
    for (size_t i = 0; i < count; i++) {
        int key = bn_topic_conf_find(pairs[i].name);
        if (key < 0) {
            return bn_err_set(e, BN_BAD, "Unknown topic config name: %.*s", BN_SLICE_FMT(pairs[i].name));
        }
        struct bn_slice text = pairs[i].value;
        struct bn_conf_value v;
        if (!text.ptr) return bn_err_set(e, BN_BAD, "Null value not supported for topic configs: %s", rows[key].name);
        int rc = parse(key, &text, &v, e);
        if (rc) return rc;
        if (key == BN_TOPIC_CONF_REMOTE_STORAGE_ENABLE && v.number) {
            return bn_err_set(e, BN_BAD,
                              "Tiered Storage functionality is disabled in the broker. Topic cannot be "
                              "configured with remote log storage.");
        }
        if ((key == BN_TOPIC_CONF_REMOTE_LOG_COPY_DISABLE || key == BN_TOPIC_CONF_REMOTE_LOG_DELETE_ON_DISABLE) &&
            v.number) {
            return bn_err_set(e, BN_BAD,
                              "It is invalid to set `remote.log.delete.on.disable` or "
                              "`remote.log.copy.disable` under Zookeeper's mode.");
        }
        if (key == BN_TOPIC_CONF_MIN_COMPACTION_LAG_MS) min_lag = v.number;
        if (key == BN_TOPIC_CONF_MAX_COMPACTION_LAG_MS) max_lag = v.number;
    }
    if (min_lag <= max_lag) return 0;
    return bn_err_set(e, BN_BAD,
                      "conflict topic config setting min.compaction.lag.ms (%" PRId64
                      ") > max.compaction.lag.ms (%" PRId64 ")",
                      min_lag, max_lag);
}

/* What the broker's keys make of a topic's, where that is more than one key's text. */
static bool reckon(const struct bn_conf *broker, int key, int64_t *out) {
    switch (key) {
    case BN_TOPIC_CONF_RETENTION_MS:
        *out = bn_conf_retention_ms(broker);
        return true;
    case BN_TOPIC_CONF_SEGMENT_MS:
        *out = bn_conf_roll_ms(broker);
        return true;
    case BN_TOPIC_CONF_SEGMENT_JITTER_MS:
        *out = bn_conf_roll_jitter_ms(broker);
        return true;
    case BN_TOPIC_CONF_FLUSH_MS:
        *out = bn_conf_flush_ms(broker);
        return true;
    default:
        return false;
    }
}

/* The text in force where no number has to be reckoned; NULL = null. */
static const char *text_of(const struct bn_topic_conf *t, const struct bn_conf *broker, int key) {
    if (t->overrides[key]) return t->overrides[key];
    int synonym = rows[key].synonym;
    const char *text = broker && synonym >= 0 ? bn_conf_str(broker, (enum bn_conf_key)synonym) : NULL;
    return text ? text : rows[key].default_text;
}

static void store(struct bn_topic_conf *t, int key, const char *text, const struct bn_conf_value *v) {
    void *at = (char *)t + fields[key].offset;
    switch (fields[key].kind) {
    case KIND_I64:
        *(int64_t *)at = v->number;
        return;
    case KIND_BOOL:
        *(bool *)at = v->number != 0;
        return;
    case KIND_F64:
        *(double *)at = v->real;
        return;
    case KIND_CHOICE:
        *(int *)at = (int)v->number;
        return;
    case KIND_FLAGS:
        *(unsigned *)at = (unsigned)v->number;
        return;
    case KIND_TEXT:
        *(char **)at = bn_alloc_strdup(text);
        return;
    }
}

/* The deprecated difference.max counts where its two successors were left alone. */
static void apply_difference(struct bn_topic_conf *t) {
    int64_t difference = t->message_timestamp_difference_max_ms;
    if (t->message_timestamp_before_max_ms == INT64_MAX) t->message_timestamp_before_max_ms = difference;
    if (t->message_timestamp_after_max_ms == INT64_MAX) t->message_timestamp_after_max_ms = difference;
}

int bn_topic_conf_resolve(struct bn_topic_conf *out, const struct bn_conf *broker,
                          const struct bn_topic_conf_pair *pairs, size_t count) {
    int left_out = 0;
    struct bn_conf_value v;
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < count; i++) {
        int key = bn_topic_conf_find(pairs[i].name);
        struct bn_slice text = pairs[i].value;
        if (key < 0 || !text.ptr || parse(key, &text, &v, NULL)) {
            left_out++;
            continue;
        }
        bn_alloc_free(out->overrides[key]);
        out->overrides[key] = bn_alloc_strndup(text.ptr, text.len);
    }
    for (int key = 0; key < BN_TOPIC_CONF_COUNT; key++) {
        const char *text = text_of(out, broker, key);
        struct bn_slice s = bn_slice_str(text);
        if (out->overrides[key] || !broker || !reckon(broker, key, &v.number)) {
            int rc = parse(key, &s, &v, NULL);
            BN_ASSERT(rc == 0);
        }
        store(out, key, text ? text : "", &v);
    }
    apply_difference(out);
    return left_out;
}

void bn_topic_conf_fini(struct bn_topic_conf *t) {
    for (int key = 0; key < BN_TOPIC_CONF_COUNT; key++) {
        bn_alloc_free(t->overrides[key]);
        if (fields[key].kind == KIND_TEXT) bn_alloc_free(*(char **)(void *)((char *)t + fields[key].offset));
    }
    memset(t, 0, sizeof *t);
}

static void add_broker_synonyms(const struct bn_conf *broker, int key, struct bn_conf_described *out) {
    int synonym = rows[key].synonym;
    if (!broker || synonym < 0) return;
    /* Of the broker's key itself and of those that it stands for in other units. */
    struct bn_conf_described d;
    bn_conf_describe(broker, (enum bn_conf_key)synonym, &d);
    for (int i = 0; i < d.synonym_count && out->synonym_count < (int)BN_ARRAY_LEN(out->synonyms); i++) {
        out->synonyms[out->synonym_count++] = d.synonyms[i];
    }
}

void bn_topic_conf_describe(const struct bn_topic_conf *t, const struct bn_conf *broker, enum bn_topic_conf_key key,
                            struct bn_conf_described *out) {
    const struct bn_topic_conf_row *row = bn_topic_conf_row(key);
    int64_t number;
    *out = (struct bn_conf_described){.name = row->name, .doc = row->doc, .type = row->type};
    out->value = text_of(t, broker, key);
    if (t->overrides[key]) {
        out->synonyms[out->synonym_count++] = (struct bn_conf_synonym){row->name, t->overrides[key],
                                                                       BN_CONF_FROM_TOPIC};
    } else if (broker && reckon(broker, key, &number)) {
        snprintf(out->number, sizeof out->number, "%" PRId64, number);
        out->value = out->number;
    }
    add_broker_synonyms(broker, key, out);
    out->source = out->synonym_count ? out->synonyms[0].source : BN_CONF_FROM_DEFAULT;
}
