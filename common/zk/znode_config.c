/* znode_config.c: the overrides of an entity, and the notices that they changed. */
#include <stdlib.h>

#include "common/zk/znode.h"
#include "common/zk/znode_json.h"
#include "common/zk/znode_path.h"

static int by_key(const void *a, const void *b) {
    return strcmp(((const struct bn_znode_pair *)a)->key, ((const struct bn_znode_pair *)b)->key);
}

void bn_znode_config_encode(struct bn_str *out, const struct bn_znode_config *in) {
    bn_str_add(out, "{\"version\":1,\"config\":{");
    for (int32_t i = 0; i < in->count; i++) {
        if (i) bn_str_add(out, ",");
        bn_znode_json_add_text(out, in->entries[i].key);
        bn_str_add(out, ":");
        bn_znode_json_add_text(out, in->entries[i].value);
    }
    bn_str_add(out, "}}");
}

/* People edit these by hand, so a number or a boolean is taken as its text. */
static const char *value_text(struct bn_znode_json *j, const char *key, json_t *v) {
    char number[32];
    switch (json_typeof(v)) {
    case JSON_STRING: return bn_znode_json_copy(j, json_string_value(v));
    case JSON_TRUE: return "true";
    case JSON_FALSE: return "false";
    case JSON_INTEGER:
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
        return bn_znode_json_copy(j, number);
    default: bn_znode_json_bad(j, "config.%.80s: not a string", key); return NULL;
    }
}

int bn_znode_config_decode(struct bn_slice data, struct bn_arena *a, struct bn_znode_config *out, struct bn_err *e) {
    *out = (struct bn_znode_config){0};
    if (data.len == 0) return BN_OK;
    struct bn_znode_json j;
    const char *key;
    json_t *v;
    bn_znode_json_open(&j, "configuration", data, a, e);
    if (bn_znode_json_i32(&j, NULL, "version", 0, BN_ZNODE_JSON_REQUIRED) != 1)
        bn_znode_json_bad(&j, "version: unknown");
    json_t *config = bn_znode_json_object(&j, NULL, "config", true, &out->count);
    out->entries = bn_znode_json_make(&j, out->count, sizeof *out->entries);
    if (!out->entries) out->count = 0;
    struct bn_znode_pair *pair = out->entries;
    if (pair) json_object_foreach(config, key, v) {
            pair->key = bn_znode_json_copy(&j, key);
            pair->value = value_text(&j, key, v);
            if (j.status != BN_OK) break;
            pair++;
        }
    if (j.status == BN_OK && out->count) qsort(out->entries, (size_t)out->count, sizeof *pair, by_key);
    return bn_znode_json_close(&j);
}

void bn_znode_config_change_encode(struct bn_str *out, const struct bn_znode_config_change *in) {
    bn_str_add(out, "{\"version\":2,\"entity_path\":");
    bn_znode_json_add_text(out, in->entity_path);
    bn_str_add(out, "}");
}

static const char *path_of_v1(struct bn_znode_json *j) {
    const char *type = bn_znode_json_text(j, NULL, "entity_type", true);
    const char *name = bn_znode_json_text(j, NULL, "entity_name", true);
    if (j->status != BN_OK) return NULL;
    if (strcmp(type, "topics") != 0 && strcmp(type, "clients") != 0) {
        bn_znode_json_bad(j, "entity_type: \"%.40s\" is neither topics nor clients", type);
        return NULL;
    }
    const char *path = bn_arena_printf(j->arena, "%s/%s", type, name);
    if (!path) j->status = bn_err_set(j->e, BN_FULL, "too large for its memory budget");
    return path;
}

int bn_znode_config_change_decode(struct bn_slice data, struct bn_arena *a, struct bn_znode_config_change *out,
                                  struct bn_err *e) {
    struct bn_znode_json j;
    struct bn_znode_entity parts;
    out->entity_path = NULL;
    bn_znode_json_open(&j, "config change", data, a, e);
    int32_t version = bn_znode_json_i32(&j, NULL, "version", 0, BN_ZNODE_JSON_REQUIRED);
    if (version == 1) out->entity_path = path_of_v1(&j);
    else if (version == 2) out->entity_path = bn_znode_json_text(&j, NULL, "entity_path", true);
    else bn_znode_json_bad(&j, "version: unknown");
    if (out->entity_path && !bn_znode_path_entity(bn_slice_str(out->entity_path), &parts))
        bn_znode_json_bad(&j, "entity_path: \"%.80s\" names no entity", out->entity_path);
    return bn_znode_json_close(&j);
}
