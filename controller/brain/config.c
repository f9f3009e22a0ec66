/* config.c: the overrides that brokers are told and elections ask. Owns them. Whether a value is valid was checked
 * before it was written; one that a person wrote by hand and cannot be read counts as absent. */
#include "controller/brain/config.h"

#include <strings.h>

#include "common/base/alloc.h"

struct bn_model_config *bn_config_new(const struct bn_fact_config *fact) {
    struct bn_model_config *c = bn_alloc_zero(1, sizeof *c);
    c->key = bn_alloc_printf("%s/%s", fact->type, fact->name);
    c->type = bn_alloc_strdup(fact->type);
    c->name = bn_alloc_strdup(fact->name);
    c->entries = bn_alloc_zero((size_t)fact->entry_count + 1, sizeof *c->entries);
    for (int32_t i = 0; i < fact->entry_count; i++) {
        if (!fact->entries[i].value) continue;
        c->entries[c->entry_count++] = (struct bn_fact_pair){bn_alloc_strdup(fact->entries[i].name),
                                                             bn_alloc_strdup(fact->entries[i].value)};
    }
    return c;
}

void bn_config_free(struct bn_model_config *c) {
    for (int32_t i = 0; i < c->entry_count; i++) {
        bn_alloc_free((void *)(uintptr_t)c->entries[i].name);
        bn_alloc_free((void *)(uintptr_t)c->entries[i].value);
    }
    bn_alloc_free(c->entries);
    bn_alloc_free(c->key);
    bn_alloc_free(c->type);
    bn_alloc_free(c->name);
    bn_alloc_free(c);
}

struct bn_model_config *bn_config_find(const struct bn_model *m, const char *type, const char *name) {
    char *key = bn_alloc_printf("%s/%s", type, name);
    struct bn_model_config *c = bn_map_get(&m->configs, bn_slice_str(key));
    bn_alloc_free(key);
    return c;
}

void bn_config_sweep(struct bn_model *m) {
    if (m->configs_empty == 0) return;
    struct bn_model_config **empty = bn_alloc((m->configs.count + 1) * sizeof *empty);
    size_t at = 0, count = 0;
    m->configs_empty = 0;
    for (struct bn_map_entry *e; (e = bn_map_next(&m->configs, &at));) {
        struct bn_model_config *c = e->value;
        if (c->entry_count) continue;
        if (c->changed)
            m->configs_empty++; /* still to be told */
        else
            empty[count++] = c;
    }
    for (size_t i = 0; i < count; i++) {
        bn_map_remove(&m->configs, bn_slice_str(empty[i]->key));
        bn_config_free(empty[i]);
    }
    bn_alloc_free(empty);
}

void bn_config_put(struct bn_model *m, struct bn_model_config *c) {
    c->changed = m->configs_changed = true;
    m->configs_empty += c->entry_count == 0;
    struct bn_model_config *old = bn_map_put(&m->configs, bn_slice_str(c->key), c);
    if (old) bn_config_free(old);
}

void bn_config_remove(struct bn_model *m, const char *type, const char *name) {
    struct bn_model_config *c = bn_config_find(m, type, name);
    if (!c) return;
    struct bn_fact_config none = {.type = type, .name = name};
    bn_config_put(m, bn_config_new(&none));
}

struct bn_fact_config bn_config_fact(const struct bn_model_config *c) {
    return (struct bn_fact_config){c->type, c->name, c->entries, c->entry_count};
}

static bool entity_bool(const struct bn_model *m, const char *type, const char *name, const char *key, bool otherwise) {
    const struct bn_model_config *c = bn_config_find(m, type, name);
    for (int32_t i = 0; c && i < c->entry_count; i++) {
        if (strcmp(c->entries[i].name, key) != 0) continue;
        if (strcasecmp(c->entries[i].value, "true") == 0) return true;
        if (strcasecmp(c->entries[i].value, "false") == 0) return false;
    }
    return otherwise;
}

bool bn_config_bool(const struct bn_model *m, const char *topic, const char *key, bool otherwise) {
    char id[16];
    snprintf(id, sizeof id, "%" PRId32, m->controller_id);
    otherwise = entity_bool(m, "brokers", "<default>", key, otherwise);
    otherwise = entity_bool(m, "brokers", id, key, otherwise);
    return entity_bool(m, "topics", topic, key, otherwise);
}

static bool same(const struct bn_model_config *c, const struct bn_fact_config *fact) {
    if (!c || c->entry_count != fact->entry_count) return false;
    for (int32_t i = 0; i < c->entry_count; i++) {
        const struct bn_fact_pair *a = &c->entries[i], *b = &fact->entries[i];
        if (!b->value || strcmp(a->name, b->name) != 0 || strcmp(a->value, b->value) != 0) return false;
    }
    return true;
}

/* Unclean elections may be allowed now. */
static void look_at_leaderless(struct bn_model *m, const struct bn_model_topic *t) {
    for (int32_t i = 0; i < t->partition_count; i++)
        if (!t->partitions[i]->has_state || t->partitions[i]->state.leader < 0)
            bn_model_partition_dirty(m, t->partitions[i]);
}

void bn_config_event(struct bn_model *m, const struct bn_fact_config *fact) {
    bool topic = strcmp(fact->type, "topics") == 0;
    if (!topic && strcmp(fact->type, "brokers") != 0) return;
    if (same(bn_config_find(m, fact->type, fact->name), fact)) return; /* the notice of our own change */
    bn_config_put(m, bn_config_new(fact));
    struct bn_model_topic *t = topic ? bn_model_topic(m, fact->name) : NULL;
    if (t) look_at_leaderless(m, t);
    size_t at = 0;
    for (struct bn_map_entry *e; !topic && (e = bn_map_next(&m->topics, &at));) look_at_leaderless(m, e->value);
}

void bn_config_drop_all(struct bn_model *m) {
    size_t at = 0;
    for (struct bn_map_entry *e; (e = bn_map_next(&m->configs, &at));) bn_config_free(e->value);
}
