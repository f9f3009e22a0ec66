/* config_rules.c: what a change makes of an entity's overrides, and whether the outcome is valid. Pure; owns nothing.
 * Values are stored as they were given, blanks and all, as Kafka stores them.
 *
 * Brokers may be given keys that nobody knows (Kafka allows them for plugins), but none that only a restart takes up,
 * none that must be set broker by broker for all of them at once, and no passwords, which nobody here would encrypt. */
#include "controller/config_rules.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/check.h"
#include "common/base/map.h"
#include "common/base/trace.h"
#include "common/conf/conf.h"
#include "common/conf/topic_conf.h"
#include "proto/kafka/codec.h"
#include "proto/kafka/errors.h"

/* ZooKeeper's jute.maxbuffer, less what surrounds the values; more keys than all that Kafka knows, several times. */
enum { STORED_BYTES_MAX = 900 * 1000, STORED_KEYS_MAX = 1000 };

struct work {
    const struct bn_event_alter_config *change;
    struct bn_arena *arena;
    struct bn_fact_pair *pairs;
    struct bn_map places; /* of the names in pairs */
    int32_t count;
    bool topic;
    const char **message;
};

static int16_t BN_PRINTF(3, 4) refuse(struct work *w, int16_t error, const char *fmt, ...) {
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    *w->message = bn_arena_copy(w->arena, bn_slice_str(text));
    return error;
}

/* ---- the change ---- */

/* A client may name as many keys as fit into a request, so they are found by a map: key -> its place, plus 1. */
static struct bn_fact_pair *find(struct work *w, const char *name) {
    uintptr_t at = (uintptr_t)bn_map_get(&w->places, bn_slice_str(name));
    return at ? &w->pairs[at - 1] : NULL;
}

static void set(struct work *w, const char *name, const char *value) {
    struct bn_fact_pair *p = find(w, name);
    if (!p) {
        p = &w->pairs[w->count++];
        bn_map_put(&w->places, bn_slice_str(name), (void *)(uintptr_t)w->count);
    }
    *p = (struct bn_fact_pair){name, value};
}

static void unset(struct work *w, const char *name) {
    struct bn_fact_pair *p = find(w, name);
    if (!p) return;
    const struct bn_fact_pair *last = &w->pairs[w->count - 1];
    bn_map_remove(&w->places, bn_slice_str(name));
    if (p != last) bn_map_put(&w->places, bn_slice_str(last->name), (void *)(uintptr_t)(p - w->pairs + 1));
    *p = *last;
    w->count--;
}

/* false: nobody knows the key */
static bool list_default(const struct work *w, const char *name, enum bn_conf_type *type, const char **text) {
    int key = w->topic ? bn_topic_conf_find(bn_slice_str(name)) : bn_conf_find(bn_slice_str(name));
    if (key < 0) return false;
    *type = w->topic ? bn_topic_conf_row((enum bn_topic_conf_key)key)->type : bn_conf_row((enum bn_conf_key)key)->type;
    *text = w->topic ? bn_topic_conf_row((enum bn_topic_conf_key)key)->default_text
                     : bn_conf_row((enum bn_conf_key)key)->default_text;
    return true;
}

/* The next item of a list as Kafka splits it: at commas, blanks kept. */
static bool next_item(const char **rest, struct bn_slice *item) {
    if (!*rest) return false;
    size_t len = strcspn(*rest, ",");
    *item = bn_slice_of((const uint8_t *)*rest, len);
    *rest = (*rest)[len] ? *rest + len + 1 : NULL;
    return true;
}

/* Adds each of the list's items that is not yet in seen. out NULL: only to seen. */
static void add_items(struct bn_map *seen, const char *list, struct bn_str *out) {
    struct bn_slice item;
    while (next_item(&list, &item)) {
        if (item.len == 0 || bn_map_put(seen, item, seen) || !out) continue;
        if (out->len) bn_str_add(out, ",");
        bn_str_add_slice(out, item);
    }
}

/* old with the items of more behind it, each once; or without them. */
static const char *merge(struct work *w, const char *old, const char *more, bool append) {
    struct bn_str out;
    struct bn_map seen;
    bn_str_init(&out);
    bn_map_init(&seen);
    if (!append) add_items(&seen, more, NULL);
    add_items(&seen, old, &out);
    if (append) add_items(&seen, more, &out);
    const char *text = bn_arena_copy(w->arena, bn_str_slice(&out));
    bn_map_fini(&seen);
    bn_str_fini(&out);
    return text;
}

static int16_t apply_op(struct work *w, const struct bn_event_config_op *op) {
    if (op->kind == BN_EVENT_CONFIG_SET) set(w, op->name, op->value);
    if (op->kind == BN_EVENT_CONFIG_DELETE) unset(w, op->name);
    if (op->kind != BN_EVENT_CONFIG_APPEND && op->kind != BN_EVENT_CONFIG_SUBTRACT) return 0;
    bool append = op->kind == BN_EVENT_CONFIG_APPEND;
    enum bn_conf_type type;
    const char *text;
    if (!list_default(w, op->name, &type, &text)) return KE_UNKNOWN_SERVER_ERROR; /* as Kafka, without a word */
    if (type != BN_CONF_LIST) {
        return refuse(w, KE_INVALID_CONFIG, "Config value %s is not allowed for config key: %s",
                      append ? "append" : "subtract", op->name);
    }
    const struct bn_fact_pair *old = find(w, op->name);
    text = merge(w, old ? old->value : text ? text : "", op->value, append);
    set(w, op->name, text);
    return 0;
}

static int16_t apply(struct work *w, const struct bn_fact_config *now) {
    size_t room = (size_t)now->entry_count + (size_t)w->change->op_count;
    w->pairs = bn_arena_array(w->arena, room + 1, sizeof *w->pairs);
    BN_ASSERT(w->pairs); /* a step's arena has no bound */
    for (int32_t i = 0; i < now->entry_count && !w->change->replace; i++)
        set(w, now->entries[i].name, now->entries[i].value);
    for (int32_t i = 0; i < w->change->op_count; i++) {
        int16_t error = apply_op(w, &w->change->ops[i]);
        if (error) return error;
    }
    return 0;
}

/* ---- the outcome ---- */

static int16_t refuse_value(struct work *w, const char *why) {
    return refuse(w, KE_INVALID_CONFIG, "Invalid config value for resource ConfigResource(type=%s, name='%.249s'): %s",
                  w->topic ? "TOPIC" : "BROKER", w->change->told_name, why);
}

static int16_t judge_topic(struct work *w) {
    struct bn_topic_conf_pair *pairs = bn_arena_array(w->arena, (size_t)w->count + 1, sizeof *pairs);
    struct bn_err e = BN_ERR_NONE;
    BN_ASSERT(pairs);
    for (int32_t i = 0; i < w->count; i++)
        pairs[i] = (struct bn_topic_conf_pair){bn_slice_str(w->pairs[i].name), bn_slice_str(w->pairs[i].value)};
    if (bn_topic_conf_validate(pairs, (size_t)w->count, &e) == BN_OK) return 0;
    /* Kafka tells the resource where a value is to blame, and only the text where names or their relations are. */
    bool of_value = strncmp(e.text, "Invalid value", 13) == 0 || strncmp(e.text, "Tiered Storage", 14) == 0;
    return of_value ? refuse_value(w, e.text) : refuse(w, KE_INVALID_CONFIG, "%s", e.text);
}

static bool ends_with(const char *text, const char *end) {
    size_t a = strlen(text), b = strlen(end);
    return a >= b && strcmp(text + a - b, end) == 0;
}

static bool is_secret(const char *name) {
    return ends_with(name, ".password") || ends_with(name, "sasl.jaas.config") || ends_with(name, "ssl.keystore.key") ||
           ends_with(name, "ssl.keystore.certificate.chain") || ends_with(name, "ssl.truststore.certificates");
}

/* Kafka takes them only with a listener's name before them. */
static bool needs_listener(const char *name) {
    return strncmp(name, "ssl.keystore.", 13) == 0 || strncmp(name, "ssl.truststore.", 15) == 0 ||
           strcmp(name, "ssl.key.password") == 0;
}

/* Only a restart takes it up: a row that says so, or a key of a family that has nothing to do with listeners. */
static bool is_static(const char *name) {
    int key = bn_conf_find(bn_slice_str(name));
    if (key >= 0) return bn_conf_row((enum bn_conf_key)key)->mode == BN_CONF_STATIC;
    bool of_security = strncmp(name, "ssl.", 4) == 0 || strncmp(name, "sasl.", 5) == 0;
    return !of_security && bn_conf_other_effect(name) != NULL;
}

static bool is_of_one_broker(const char *name) {
    int key = bn_conf_find(bn_slice_str(name));
    if (key >= 0) return bn_conf_row((enum bn_conf_key)key)->mode == BN_CONF_BROKER;
    return strncmp(name, "listener.name.", 14) == 0 || needs_listener(name);
}

/* "Set(a, b)" of the keys for which is() holds; NULL = none. */
static const char *names_of(struct work *w, bool (*is)(const char *name)) {
    struct bn_str out;
    bn_str_init(&out);
    for (int32_t i = 0; i < w->count; i++) {
        if (!is(w->pairs[i].name)) continue;
        bn_str_add(&out, out.len ? ", " : "Set(");
        bn_str_add(&out, w->pairs[i].name);
    }
    const char *text = NULL;
    if (out.len) {
        bn_str_add(&out, ")");
        text = bn_arena_copy(w->arena, bn_str_slice(&out));
    }
    bn_str_fini(&out);
    return text;
}

/* Types and ranges, then what keys must be to one another, in a configuration that has nothing else. */
static int16_t judge_values(struct work *w, bool one_broker) {
    struct bn_conf *c = bn_conf_new();
    struct bn_err e = BN_ERR_NONE;
    enum bn_conf_source source = one_broker ? BN_CONF_FROM_BROKER : BN_CONF_FROM_CLUSTER;
    int rc = BN_OK;
    for (int32_t i = 0; i < w->count && rc == BN_OK; i++) {
        int key = bn_conf_find(bn_slice_str(w->pairs[i].name));
        if (key >= 0) rc = bn_conf_set(c, source, (enum bn_conf_key)key, w->pairs[i].value, &e);
    }
    if (rc == BN_OK) rc = bn_conf_check_dynamic(c, &e);
    bn_conf_free(c);
    return rc == BN_OK ? 0 : refuse(w, KE_INVALID_REQUEST, "%s", e.text);
}

static int16_t judge_broker(struct work *w) {
    bool one_broker = strcmp(w->change->name, "<default>") != 0;
    const char *names = names_of(w, is_static);
    if (names) return refuse(w, KE_INVALID_REQUEST, "Cannot update these configs dynamically: %.800s", names);
    names = names_of(w, needs_listener);
    if (names) {
        return refuse(w, KE_INVALID_REQUEST,
                      "These security configs can be dynamically updated only per-listener using the listener prefix: "
                      "Hash%.800s",
                      names);
    }
    for (int32_t i = 0; i < w->count; i++)
        if (is_secret(w->pairs[i].name)) return refuse_value(w, "Password encoder secret not configured");
    names = one_broker ? NULL : names_of(w, is_of_one_broker);
    if (names) {
        return refuse(w, KE_INVALID_REQUEST,
                      "Cannot update these configs at default cluster level, broker id must be specified: %.800s",
                      names);
    }
    return judge_values(w, one_broker);
}

static int16_t judge_size(struct work *w) {
    size_t bytes = 0;
    for (int32_t i = 0; i < w->count; i++) {
        size_t len = strlen(w->pairs[i].value);
        if (len > BN_CODEC_STRING_MAX) /* by what was appended to it: no answer could tell it any more */
            return refuse_value(w, bn_arena_printf(w->arena, "%.200s would be longer than %d bytes", w->pairs[i].name,
                                                   BN_CODEC_STRING_MAX));
        bytes += strlen(w->pairs[i].name) + len + 8;
    }
    if (w->count > STORED_KEYS_MAX) return refuse_value(w, "its configuration has more than 1000 keys");
    if (bytes <= STORED_BYTES_MAX) return 0;
    return refuse_value(w, "its configuration does not fit into one znode");
}

/* In the order in which they are read back, so that the notice of the change is seen to be no news. */
static int by_name(const void *a, const void *b) {
    return strcmp(((const struct bn_fact_pair *)a)->name, ((const struct bn_fact_pair *)b)->name);
}

int16_t bn_config_rules_change(const struct bn_event_alter_config *change, const struct bn_fact_config *now,
                               struct bn_arena *arena, struct bn_fact_config *out, const char **message) {
    struct work w = {.change = change, .arena = arena, .message = message};
    w.topic = strcmp(change->type, "topics") == 0;
    bn_map_init(&w.places);
    int16_t error = apply(&w, now);
    bn_map_fini(&w.places);
    if (!error) error = judge_size(&w);
    if (!error) error = w.topic ? judge_topic(&w) : judge_broker(&w);
    if (w.count) qsort(w.pairs, (size_t)w.count, sizeof *w.pairs, by_name);
    out->entries = w.pairs;
    out->entry_count = w.count;
    return error;
}

/* ---- what others have written ---- */

static bool is_valid(const struct bn_fact_config *c, const struct bn_fact_pair *p, struct bn_err *e) {
    struct bn_slice text = bn_slice_str(p->value);
    struct bn_conf_value ignored;
    if (strcmp(c->type, "topics") == 0) {
        int key = bn_topic_conf_find(bn_slice_str(p->name));
        if (key < 0) return bn_err_set(e, BN_BAD, "Unknown topic config name: %.100s", p->name) == BN_OK;
        const struct bn_topic_conf_row *row = bn_topic_conf_row((enum bn_topic_conf_key)key);
        return bn_conf_value_parse(row->name, row->type, row->valid, &text, &ignored, e) == BN_OK;
    }
    int key = bn_conf_find(bn_slice_str(p->name));
    if (key < 0) return true;
    const struct bn_conf_row *row = bn_conf_row((enum bn_conf_key)key);
    if (row->mode == BN_CONF_STATIC) return bn_err_set(e, BN_BAD, "%s needs a restart", row->name) == BN_OK;
    return bn_conf_value_parse(row->name, row->type, row->valid, &text, &ignored, e) == BN_OK;
}

void bn_config_rules_warn(const struct bn_fact_config *c) {
    struct bn_err first = BN_ERR_NONE;
    int bad = 0;
    if (strcmp(c->type, "topics") != 0 && strcmp(c->type, "brokers") != 0) return;
    for (int32_t i = 0; i < c->entry_count; i++) {
        struct bn_err e = BN_ERR_NONE;
        if (is_valid(c, &c->entries[i], &e)) continue;
        if (bad++ == 0) first = e;
    }
    if (bad == 0) return;
    BN_WARN("controller", "/config/%s/%s: %d of its overrides count for nothing, first: %s", c->type, c->name, bad,
            first.text);
}
