/* znode_json.c: jansson behind guards. Data is bounded and its nesting counted before jansson, which recurses, sees
 * it; keys that stand twice are refused, since readers would differ on which counts; numbers are checked against their
 * range before they are narrowed. What leaves here is in the caller's arena; the jansson tree dies with close. */
#include "common/zk/znode_json.h"

#include <stdarg.h>
#include <stdio.h>

#define DEPTH_MAX 8
#define IDS_MAX 512 /* of one list; far more replicas than a partition can use, and a bound for the check for doubles */

void bn_znode_json_bad(struct bn_znode_json *j, const char *fmt, ...) {
    if (j->status != BN_OK) return;
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    j->status = bn_err_set(j->e, BN_BAD, "%s", text);
}

static void full(struct bn_znode_json *j) {
    if (j->status == BN_OK) j->status = bn_err_set(j->e, BN_FULL, "too large for its memory budget");
}

static bool too_deep(struct bn_slice data) {
    int depth = 0;
    bool in_text = false;
    for (size_t i = 0; i < data.len; i++) {
        uint8_t c = data.ptr[i];
        if (in_text) {
            if (c == '\\') i++;
            else if (c == '"') in_text = false;
        } else if (c == '"') {
            in_text = true;
        } else if (c == '{' || c == '[') {
            if (++depth > DEPTH_MAX) return true;
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return false;
}

void bn_znode_json_open(struct bn_znode_json *j, const char *what, struct bn_slice data, struct bn_arena *a,
                        struct bn_err *e) {
    *j = (struct bn_znode_json){.arena = a, .e = e};
    if (bn_slice_is_null(data)) {
        bn_znode_json_bad(j, "%s: no data", what);
        return;
    }
    if (data.len > BN_ZNODE_DATA_MAX) {
        bn_znode_json_bad(j, "%s: %zu bytes are too many", what, data.len);
        return;
    }
    if (too_deep(data)) {
        bn_znode_json_bad(j, "%s: nested too deeply", what);
        return;
    }
    json_error_t error;
    j->root = json_loadb((const char *)data.ptr, data.len, JSON_REJECT_DUPLICATES, &error);
    if (!j->root) bn_znode_json_bad(j, "%s: %s at byte %d", what, error.text, error.position);
    else if (!json_is_object(j->root)) bn_znode_json_bad(j, "%s: not an object", what);
}

int bn_znode_json_close(struct bn_znode_json *j) {
    json_decref(j->root);
    j->root = NULL;
    return j->status;
}

/* The field, or NULL when it is absent, null, or nothing can be read any more. */
static json_t *field(struct bn_znode_json *j, json_t *obj, const char *key, bool required) {
    if (j->status != BN_OK) return NULL;
    json_t *v = json_object_get(obj ? obj : j->root, key);
    if (json_is_null(v)) v = NULL;
    if (!v && required) bn_znode_json_bad(j, "%s: missing", key);
    return v;
}

static int64_t in_range(struct bn_znode_json *j, const char *key, int64_t value, int64_t min, int64_t max) {
    if (value >= min && value <= max) return value;
    bn_znode_json_bad(j, "%s: %" PRId64 " is out of range", key, value);
    return 0;
}

int64_t bn_znode_json_int(struct bn_znode_json *j, json_t *obj, const char *key, int64_t min, int64_t max,
                          int64_t otherwise) {
    bool required = otherwise == BN_ZNODE_JSON_REQUIRED;
    json_t *v = field(j, obj, key, required);
    if (!v) return required ? 0 : otherwise;
    if (json_is_integer(v)) return in_range(j, key, json_integer_value(v), min, max);
    bn_znode_json_bad(j, "%s: not a whole number", key);
    return 0;
}

int32_t bn_znode_json_i32(struct bn_znode_json *j, json_t *obj, const char *key, int32_t min, int64_t otherwise) {
    return (int32_t)bn_znode_json_int(j, obj, key, min, INT32_MAX, otherwise);
}

int64_t bn_znode_json_digits(struct bn_znode_json *j, json_t *obj, const char *key, int64_t min, int64_t otherwise) {
    bool required = otherwise == BN_ZNODE_JSON_REQUIRED;
    json_t *v = field(j, obj, key, required);
    if (!v) return required ? 0 : otherwise;
    int64_t value = 0;
    if (json_is_integer(v)) value = json_integer_value(v);
    else if (!json_is_string(v) ||
             !bn_slice_to_i64(bn_slice_of(json_string_value(v), json_string_length(v)), &value))
        bn_znode_json_bad(j, "%s: not a number as text", key);
    return j->status == BN_OK ? in_range(j, key, value, min, INT64_MAX) : 0;
}

const char *bn_znode_json_copy(struct bn_znode_json *j, const char *text) {
    if (j->status != BN_OK) return NULL;
    const char *copy = bn_arena_copy(j->arena, bn_slice_str(text));
    if (!copy) full(j);
    return copy;
}

const char *bn_znode_json_text(struct bn_znode_json *j, json_t *obj, const char *key, bool required) {
    json_t *v = field(j, obj, key, required);
    if (!v) return NULL;
    if (json_is_string(v)) return bn_znode_json_copy(j, json_string_value(v));
    bn_znode_json_bad(j, "%s: not a string", key);
    return NULL;
}

bool bn_znode_json_uuid(struct bn_znode_json *j, json_t *obj, const char *key, struct bn_uuid *out) {
    *out = BN_UUID_ZERO;
    json_t *v = field(j, obj, key, false);
    if (!v) return false;
    bool ok = json_is_string(v) && bn_uuid_parse(bn_slice_of(json_string_value(v), json_string_length(v)), out);
    if (!ok) bn_znode_json_bad(j, "%s: not an id", key);
    return ok;
}

static json_t *container(struct bn_znode_json *j, json_t *obj, const char *key, bool required, int32_t *count,
                         bool array) {
    *count = 0;
    json_t *v = field(j, obj, key, required);
    if (!v) return NULL;
    if (array ? !json_is_array(v) : !json_is_object(v)) {
        bn_znode_json_bad(j, "%s: not %s", key, array ? "a list" : "an object");
        return NULL;
    }
    *count = (int32_t)(array ? json_array_size(v) : json_object_size(v)); /* less than the bytes of the data */
    return *count ? v : NULL;
}

json_t *bn_znode_json_array(struct bn_znode_json *j, json_t *obj, const char *key, bool required, int32_t *count) {
    return container(j, obj, key, required, count, true);
}

json_t *bn_znode_json_object(struct bn_znode_json *j, json_t *obj, const char *key, bool required, int32_t *count) {
    return container(j, obj, key, required, count, false);
}

void *bn_znode_json_make(struct bn_znode_json *j, int32_t count, size_t size) {
    if (j->status != BN_OK || count <= 0) return NULL;
    void *p = bn_arena_array(j->arena, (size_t)count, size);
    if (!p) full(j);
    return p;
}

static bool has(const struct bn_znode_ids *ids, int32_t count, int32_t id) {
    for (int32_t i = 0; i < count; i++)
        if (ids->ids[i] == id) return true;
    return false;
}

struct bn_znode_ids bn_znode_json_ids(struct bn_znode_json *j, json_t *obj, const char *key, bool required) {
    struct bn_znode_ids ids = {NULL, 0};
    int32_t count;
    json_t *list = bn_znode_json_array(j, obj, key, required, &count);
    if (count > IDS_MAX) bn_znode_json_bad(j, "%s: %d ids are too many", key, (int)count);
    if (!list || (ids.ids = bn_znode_json_make(j, count, sizeof *ids.ids)) == NULL) return ids;
    for (int32_t i = 0; i < count; i++) {
        json_t *v = json_array_get(list, (size_t)i);
        json_int_t id = json_is_integer(v) ? json_integer_value(v) : -1;
        if (id < 0 || id > INT32_MAX) bn_znode_json_bad(j, "%s[%d]: not a broker id", key, (int)i);
        else if (has(&ids, i, (int32_t)id)) bn_znode_json_bad(j, "%s[%d]: %d stands there twice", key, (int)i, (int)id);
        else ids.ids[i] = (int32_t)id;
    }
    ids.count = count;
    return ids;
}

void bn_znode_json_add_text(struct bn_str *out, const char *text) {
    if (!text) {
        bn_str_add(out, "null");
        return;
    }
    bn_str_add(out, "\"");
    for (const char *p = text; *p; p++) {
        static const char plain[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";
        const char *at = strchr(plain, *p);
        if (at) bn_str_addf(out, "\\%c", letter[at - plain]);
        else if ((unsigned char)*p < 0x20) bn_str_addf(out, "\\u%04X", (unsigned)*p);
        else bn_str_add_slice(out, bn_slice_of(p, 1));
    }
    bn_str_add(out, "\"");
}

void bn_znode_json_add_ids(struct bn_str *out, const struct bn_znode_ids *ids) {
    bn_str_add(out, "[");
    for (int32_t i = 0; i < ids->count; i++) bn_str_addf(out, i ? ",%d" : "%d", (int)ids->ids[i]);
    bn_str_add(out, "]");
}
