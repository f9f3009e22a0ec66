/* jsonout.c: writes JSON into one string. Nesting beyond 64 is our bug.
 */
#include "tools/jsonout.h"

#include <stdio.h>

#include "common/base/check.h"

enum { DEPTH_MAX = 64 };

static uint64_t bit(const struct bn_jsonout *j) { return (uint64_t)1 << (j->depth - 1); }

static void add_text(struct bn_str *out, struct bn_slice s);

static void before(struct bn_jsonout *j, const char *key) {
    if (j->depth == 0) return;
    bn_str_add(&j->text, j->begun & bit(j) ? "," : "");
    j->begun |= bit(j);
    if (!key) return;
    add_text(&j->text, bn_slice_str(key));
    bn_str_add(&j->text, ":");
}

static void open(struct bn_jsonout *j, const char *key, bool array) {
    BN_ASSERT(j->depth < DEPTH_MAX);
    before(j, key);
    bn_str_add(&j->text, array ? "[" : "{");
    j->depth++;
    j->begun &= ~bit(j);
    if (array)
        j->arrays |= bit(j);
    else
        j->arrays &= ~bit(j);
}

void bn_jsonout_init(struct bn_jsonout *j) {
    *j = (struct bn_jsonout){.depth = 0};
    bn_str_init(&j->text);
    open(j, NULL, false);
}

void bn_jsonout_object(struct bn_jsonout *j, const char *key) { open(j, key, false); }

void bn_jsonout_array(struct bn_jsonout *j, const char *key) { open(j, key, true); }

void bn_jsonout_end(struct bn_jsonout *j) {
    bn_str_add(&j->text, j->arrays & bit(j) ? "]" : "}");
    j->depth--;
}

/* The length of the UTF-8 sequence at p, of at most `left` bytes; 0 when there is none. */
static size_t sequence(const uint8_t *p, size_t left) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = p[0] < 0x80 ? 1 : (p[0] >> 5) == 6 ? 2 : (p[0] >> 4) == 14 ? 3 : (p[0] >> 3) == 30 ? 4 : 0;
    if (len == 0 || len > left) return 0;
    uint32_t code = len == 1 ? p[0] : p[0] & (0x7FU >> len);
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xC0) != 0x80) return 0;
        code = code << 6 | (p[i] & 0x3F);
    }
    return code < least[len] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000) ? 0 : len;
}

static void add_text(struct bn_str *out, struct bn_slice s) {
    if (bn_slice_is_null(s)) {
        bn_str_add(out, "null");
        return;
    }
    bn_str_add(out, "\"");
    for (size_t i = 0; i < s.len;) {
        uint8_t c = s.ptr[i];
        size_t len = sequence(s.ptr + i, s.len - i);
        if (len == 0)
            bn_str_add(out, "\\ufffd");
        else if (c == '"' || c == '\\')
            bn_str_addf(out, "\\%c", c);
        else if (c == '\n' || c == '\t' || c == '\r')
            bn_str_addf(out, "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
        else if (c < 0x20 || c == 0x7F)
            bn_str_addf(out, "\\u%04x", c);
        else
            bn_str_add_slice(out, bn_slice_of(s.ptr + i, len));
        i += bn_max_size(len, 1);
    }
    bn_str_add(out, "\"");
}

void bn_jsonout_text(struct bn_jsonout *j, const char *key, struct bn_slice value) {
    before(j, key);
    add_text(&j->text, value);
}

void bn_jsonout_number(struct bn_jsonout *j, const char *key, int64_t value) {
    before(j, key);
    bn_str_addf(&j->text, "%" PRId64, value);
}

void bn_jsonout_real(struct bn_jsonout *j, const char *key, double value) {
    before(j, key);
    bn_str_addf(&j->text, "%.4f", value);
}

void bn_jsonout_bool(struct bn_jsonout *j, const char *key, bool value) {
    before(j, key);
    bn_str_add(&j->text, value ? "true" : "false");
}

void bn_jsonout_ids(struct bn_jsonout *j, const char *key, const int32_t *ids, int32_t count) {
    bn_jsonout_array(j, key);
    for (int32_t i = 0; i < count; i++) bn_jsonout_number(j, NULL, ids[i]);
    bn_jsonout_end(j);
}

void bn_jsonout_take(struct bn_jsonout *j, struct bn_str *out) {
    while (j->depth > 0) bn_jsonout_end(j);
    bn_str_add_slice(out, bn_str_slice(&j->text));
    bn_str_fini(&j->text);
}

void bn_jsonout_print(struct bn_jsonout *j) {
    while (j->depth > 0) bn_jsonout_end(j);
    fwrite(j->text.ptr, 1, j->text.len, stdout);
    fputc('\n', stdout);
    bn_str_fini(&j->text);
}
