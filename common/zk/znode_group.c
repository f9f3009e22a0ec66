/* znode_group.c: /consumers/<group>, the rebalance state of a consumer group, for programs and for people. What counts
 * is in "metadata" and "assignment_data", the clients' bytes in base64; "subscription", "assignment" and "state" repeat
 * it in plain words and are skipped when they are read. */
#include "common/zk/znode_group.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/bytes.h"
#include "common/zk/znode_json.h"
#include "common/zk/znode_path.h"

#define REQUIRED BN_ZNODE_JSON_REQUIRED
#define SHOWN_MAX (64 << 10) /* bytes of the consumer protocol; nobody reads more */
#define PROTOCOL_MAX 3       /* version of the consumer protocol */

/* ---- text ---- */

/* How many bytes of printable UTF-8 stand at the front; 0 = one byte that must be escaped. */
static size_t plain(struct bn_slice s) {
    uint8_t c = s.ptr[0];
    if (c < 0x80) return c >= 0x20 && c != 0x7f && c != '%' && c != '"' && c != '\\' ? 1 : 0;
    size_t n = c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
    if (n == 0 || n > s.len) return 0;
    uint32_t point = c & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((s.ptr[i] & 0xc0) != 0x80) return 0;
        point = point << 6 | (s.ptr[i] & 0x3fu);
    }
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    bool ok = point >= least[n] && point <= 0x10ffff && !(point >= 0xd800 && point < 0xe000) && point >= 0xa0;
    return ok ? n : 0;
}

void bn_znode_group_escape(struct bn_str *out, struct bn_slice bytes) {
    while (bytes.len) {
        size_t n = plain(bytes);
        if (n)
            bn_str_add_slice(out, bn_slice_of(bytes.ptr, n));
        else
            bn_str_addf(out, "%%%02X", bytes.ptr[0]);
        n = n ? n : 1;
        bytes = bn_slice_of(bytes.ptr + n, bytes.len - n);
    }
}

static int hex(uint8_t c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool bn_znode_group_unescape(struct bn_str *out, struct bn_slice text) {
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (c == '%') {
            if (i + 2 >= text.len || hex(text.ptr[i + 1]) < 0 || hex(text.ptr[i + 2]) < 0) return false;
            c = (uint8_t)(hex(text.ptr[i + 1]) * 16 + hex(text.ptr[i + 2]));
            i += 2;
        }
        bn_str_add_slice(out, bn_slice_of(&c, 1));
    }
    return true;
}

static const char LETTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void bn_znode_group_base64(struct bn_str *out, struct bn_slice bytes) {
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t n = bytes.len - i < 3 ? bytes.len - i : 3;
        uint32_t v = (uint32_t)bytes.ptr[i] << 16;
        if (n > 1) v |= (uint32_t)bytes.ptr[i + 1] << 8;
        if (n > 2) v |= bytes.ptr[i + 2];
        char four[4] = {LETTERS[v >> 18], LETTERS[v >> 12 & 63], n > 1 ? LETTERS[v >> 6 & 63] : '=',
                        n > 2 ? LETTERS[v & 63] : '='};
        bn_str_add_slice(out, bn_slice_of(four, 4));
    }
}

bool bn_znode_group_unbase64(struct bn_str *out, struct bn_slice text) {
    if (text.len % 4 != 0) return false;
    for (size_t i = 0; i < text.len; i += 4) {
        bool last = i + 4 == text.len;
        int pad = last && text.ptr[i + 3] == '=' ? 1 + (text.ptr[i + 2] == '=') : 0;
        uint32_t v = 0;
        for (int n = 0; n < 4; n++) {
            const char *at = n < 4 - pad && text.ptr[i + (size_t)n] ? strchr(LETTERS, text.ptr[i + (size_t)n]) : NULL;
            if (n < 4 - pad && !at) return false;
            v = v << 6 | (at ? (uint32_t)(at - LETTERS) : 0);
        }
        uint8_t three[3] = {(uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
        bn_str_add_slice(out, bn_slice_of(three, (size_t)(3 - pad)));
    }
    return true;
}

/* ---- the consumer protocol ---- */

struct reader {
    struct bn_slice left;
    bool bad;
};

static uint32_t take(struct reader *r, size_t n) { /* a big-endian number */
    if (r->bad || r->left.len < n) {
        r->bad = true;
        return 0;
    }
    uint32_t v = n == 2 ? bn_get_u16(r->left.ptr) : bn_get_u32(r->left.ptr);
    r->left = bn_slice_of(r->left.ptr + n, r->left.len - n);
    return v;
}

static struct bn_slice take_topic(struct reader *r) {
    size_t n = take(r, 2);
    if (r->bad || r->left.len < n || !bn_znode_path_topic_ok(bn_slice_of(r->left.ptr, n))) {
        r->bad = true;
        return BN_SLICE_NULL;
    }
    struct bn_slice topic = bn_slice_of(r->left.ptr, n);
    r->left = bn_slice_of(r->left.ptr + n, r->left.len - n);
    return topic;
}

/* The head of both: version, and how many topics follow (no more than there are bytes for). */
static uint32_t open_protocol(struct reader *r, struct bn_slice bytes, size_t least) {
    *r = (struct reader){.left = bytes, .bad = bytes.len > SHOWN_MAX};
    if (take(r, 2) > PROTOCOL_MAX) r->bad = true;
    uint32_t count = take(r, 4);
    if (count > r->left.len / least) r->bad = true;
    return r->bad ? 0 : count;
}

bool bn_znode_group_subscription(struct bn_str *out, struct bn_slice bytes) {
    struct reader r;
    struct bn_str text;
    uint32_t count = open_protocol(&r, bytes, 3);
    bn_str_init(&text);
    bn_str_add(&text, "[");
    for (uint32_t i = 0; i < count && !r.bad; i++) {
        struct bn_slice topic = take_topic(&r);
        if (!r.bad) bn_str_addf(&text, "%s\"%.*s\"", i ? "," : "", BN_SLICE_FMT(topic));
    }
    bn_str_add(&text, "]");
    take(&r, 4); /* length of the user data; what follows is of later versions */
    if (!r.bad) bn_str_add_slice(out, bn_str_slice(&text));
    bn_str_fini(&text);
    return !r.bad;
}

static int by_bytes(const void *a, const void *b) {
    return bn_slice_cmp(*(const struct bn_slice *)a, *(const struct bn_slice *)b);
}

/* A topic that stands there twice would be a key that stands there twice. Sorts. */
static bool all_differ(struct bn_slice *topics, uint32_t count) {
    if (count) qsort(topics, count, sizeof *topics, by_bytes);
    for (uint32_t i = 1; i < count; i++)
        if (bn_slice_eq(topics[i - 1], topics[i])) return false;
    return true;
}

static void show_partitions(struct reader *r, struct bn_str *text) {
    uint32_t count = take(r, 4);
    if (count > r->left.len / 4) r->bad = true;
    for (uint32_t i = 0; i < count && !r->bad; i++) {
        uint32_t partition = take(r, 4);
        if (partition > INT32_MAX) r->bad = true;
        bn_str_addf(text, "%s%u", i ? "," : "", (unsigned)partition);
    }
}

bool bn_znode_group_assignment(struct bn_str *out, struct bn_slice bytes) {
    struct reader r;
    struct bn_str text;
    uint32_t count = open_protocol(&r, bytes, 7);
    struct bn_slice *topics = bn_alloc_zero((size_t)count + 1, sizeof *topics);
    bn_str_init(&text);
    bn_str_add(&text, "{");
    for (uint32_t i = 0; i < count && !r.bad; i++) {
        topics[i] = take_topic(&r);
        if (r.bad) break;
        bn_str_addf(&text, "%s\"%.*s\":[", i ? "," : "", BN_SLICE_FMT(topics[i]));
        show_partitions(&r, &text);
        bn_str_add(&text, "]");
    }
    bn_str_add(&text, "}");
    take(&r, 4);
    bool ok = !r.bad && all_differ(topics, count);
    if (ok) bn_str_add_slice(out, bn_str_slice(&text));
    bn_str_fini(&text);
    bn_alloc_free(topics);
    return ok;
}

/* ---- encode ---- */

static void add_text(struct bn_str *out, const char *key, struct bn_slice bytes) {
    bn_str_addf(out, ",\"%s\":\"", key);
    bn_znode_group_escape(out, bytes);
    bn_str_add(out, "\"");
}

static void add_text_or_null(struct bn_str *out, const char *key, struct bn_slice bytes) {
    if (bn_slice_is_null(bytes))
        bn_str_addf(out, ",\"%s\":null", key);
    else
        add_text(out, key, bytes);
}

static void add_bytes(struct bn_str *out, const char *key, struct bn_slice bytes) {
    bn_str_addf(out, ",\"%s\":\"", key);
    bn_znode_group_base64(out, bytes);
    bn_str_add(out, "\"");
}

static void add_shown(struct bn_str *out, const char *key, bool (*show)(struct bn_str *, struct bn_slice),
                      struct bn_slice bytes) {
    struct bn_str text;
    bn_str_init(&text);
    if (show(&text, bytes)) bn_str_addf(out, ",\"%s\":%s", key, text.ptr);
    bn_str_fini(&text);
}

static void add_member(struct bn_str *out, const struct bn_znode_group_member *m, bool consumer) {
    bn_str_add(out, "{\"member_id\":\"");
    bn_znode_group_escape(out, m->member_id);
    bn_str_add(out, "\"");
    add_text_or_null(out, "group_instance_id", m->instance_id);
    add_text(out, "client_id", m->client_id);
    add_text(out, "client_host", m->client_host);
    bn_str_addf(out, ",\"session_timeout_ms\":%" PRId32 ",\"rebalance_timeout_ms\":%" PRId32, m->session_timeout_ms,
                m->rebalance_timeout_ms);
    if (consumer) add_shown(out, "subscription", bn_znode_group_subscription, m->metadata);
    add_bytes(out, "metadata", m->metadata);
    if (consumer) add_shown(out, "assignment", bn_znode_group_assignment, m->assignment);
    add_bytes(out, "assignment_data", m->assignment);
    bn_str_add(out, "}");
}

static void add_members(struct bn_str *out, const struct bn_znode_group_member *members, int32_t count, bool consumer) {
    bn_str_add(out, ",\"members\":[");
    for (int32_t i = 0; i < count; i++) {
        if (i) bn_str_add(out, ",");
        add_member(out, &members[i], consumer);
    }
    bn_str_add(out, "]");
}

static struct bn_slice or_null(struct bn_slice s) { return s.len ? s : BN_SLICE_NULL; }

void bn_znode_group_encode(struct bn_str *out, const struct bn_znode_group *in) {
    bool stable = in->member_count > 0 || in->part_count > 0;
    bn_str_addf(out, "{\"version\":1,\"generation\":%" PRId32 ",\"reserved\":%" PRId32 ",\"state\":\"%s\"",
                in->generation, in->reserved, stable ? "Stable" : "Empty");
    add_text_or_null(out, "protocol_type", or_null(in->protocol_type));
    add_text_or_null(out, "protocol", or_null(in->protocol));
    add_text_or_null(out, "leader", or_null(in->leader));
    bn_str_addf(out, ",\"timestamp\":\"%" PRId64 "\"", in->timestamp_ms);
    if (in->part_count) {
        bn_str_add(out, ",\"members_in\":[");
        for (int32_t i = 0; i < in->part_count; i++)
            bn_str_addf(out, "%s\"members-%" PRId32 "-%" PRId32 "\"", i ? "," : "", in->parts[i].generation,
                        in->parts[i].number);
        bn_str_add(out, "]");
    } else {
        add_members(out, in->members, in->member_count, bn_slice_eq_str(in->protocol_type, "consumer"));
    }
    bn_str_add(out, "}");
}

void bn_znode_group_members_encode(struct bn_str *out, const struct bn_znode_group_members *in) {
    bn_str_add(out, "{\"version\":1");
    add_members(out, in->members, in->member_count, in->consumer);
    bn_str_add(out, "}");
}

/* ---- decode ---- */

static struct bn_slice read_with(struct bn_znode_json *j, json_t *obj, const char *key,
                                 bool (*read)(struct bn_str *, struct bn_slice)) {
    const char *text = bn_znode_json_text(j, obj, key, false);
    if (!text || j->status != BN_OK) return BN_SLICE_NULL;
    struct bn_str bytes;
    bn_str_init(&bytes);
    struct bn_slice out = BN_SLICE_NULL;
    if (!read(&bytes, bn_slice_str(text))) {
        bn_znode_json_bad(j, "%s: badly encoded", key);
    } else {
        uint8_t *copy = bn_znode_json_make(j, (int32_t)bytes.len + 1, 1);
        if (copy && bytes.len) memcpy(copy, bytes.ptr, bytes.len);
        if (copy) out = bn_slice_of(copy, bytes.len);
    }
    bn_str_fini(&bytes);
    return out;
}

static struct bn_slice read_text(struct bn_znode_json *j, json_t *obj, const char *key) {
    return read_with(j, obj, key, bn_znode_group_unescape);
}

static void read_member(struct bn_znode_json *j, json_t *obj, int32_t at, struct bn_znode_group_member *out) {
    if (!json_is_object(obj)) {
        bn_znode_json_bad(j, "members[%d]: not an object", (int)at);
        return;
    }
    out->member_id = read_text(j, obj, "member_id");
    if (out->member_id.len == 0) bn_znode_json_bad(j, "members[%d].member_id: missing", (int)at);
    out->instance_id = read_text(j, obj, "group_instance_id");
    out->client_id = read_text(j, obj, "client_id");
    out->client_host = read_text(j, obj, "client_host");
    out->session_timeout_ms = bn_znode_json_i32(j, obj, "session_timeout_ms", 0, REQUIRED);
    out->rebalance_timeout_ms = bn_znode_json_i32(j, obj, "rebalance_timeout_ms", 0, REQUIRED);
    out->metadata = read_with(j, obj, "metadata", bn_znode_group_unbase64);
    out->assignment = read_with(j, obj, "assignment_data", bn_znode_group_unbase64);
}

static struct bn_znode_group_member *read_members(struct bn_znode_json *j, int32_t *count) {
    json_t *list = bn_znode_json_array(j, NULL, "members", false, count);
    struct bn_znode_group_member *members = list ? bn_znode_json_make(j, *count, sizeof *members) : NULL;
    if (!members) *count = 0;
    for (int32_t i = 0; i < *count && j->status == BN_OK; i++)
        read_member(j, json_array_get(list, (size_t)i), i, &members[i]);
    return members;
}

static void read_parts(struct bn_znode_json *j, struct bn_znode_group *out) {
    json_t *list = bn_znode_json_array(j, NULL, "members_in", false, &out->part_count);
    if (out->part_count > BN_ZNODE_GROUP_PARTS_MAX) bn_znode_json_bad(j, "members_in: too many");
    out->parts = list ? bn_znode_json_make(j, out->part_count, sizeof *out->parts) : NULL;
    if (!out->parts) out->part_count = 0;
    for (int32_t i = 0; i < out->part_count && j->status == BN_OK; i++) {
        const char *name = json_string_value(json_array_get(list, (size_t)i));
        struct bn_znode_group_part *p = &out->parts[i];
        if (!name || !bn_znode_path_part(bn_slice_str(name), &p->generation, &p->number))
            bn_znode_json_bad(j, "members_in[%d]: not a znode of members", (int)i);
    }
}

static void open_group(struct bn_znode_json *j, const char *what, struct bn_slice data, struct bn_arena *a,
                       struct bn_err *e) {
    bn_znode_json_open(j, what, data, a, e);
    if (bn_znode_json_i32(j, NULL, "version", 1, REQUIRED) > 1) bn_znode_json_bad(j, "version: unknown");
}

int bn_znode_group_decode(struct bn_slice data, struct bn_arena *a, struct bn_znode_group *out, struct bn_err *e) {
    struct bn_znode_json j;
    *out = (struct bn_znode_group){0};
    open_group(&j, "group", data, a, e);
    out->generation = bn_znode_json_i32(&j, NULL, "generation", 0, REQUIRED);
    out->reserved = bn_znode_json_i32(&j, NULL, "reserved", 0, REQUIRED);
    if (j.status == BN_OK && out->reserved < out->generation) bn_znode_json_bad(&j, "reserved: below generation");
    out->protocol_type = read_text(&j, NULL, "protocol_type");
    out->protocol = read_text(&j, NULL, "protocol");
    out->leader = read_text(&j, NULL, "leader");
    out->timestamp_ms = bn_znode_json_digits(&j, NULL, "timestamp", 0, 0);
    read_parts(&j, out);
    out->members = read_members(&j, &out->member_count);
    if (out->part_count && out->member_count) bn_znode_json_bad(&j, "members: elsewhere, too");
    return bn_znode_json_close(&j);
}

int bn_znode_group_members_decode(struct bn_slice data, struct bn_arena *a, struct bn_znode_group_members *out,
                                  struct bn_err *e) {
    struct bn_znode_json j;
    *out = (struct bn_znode_group_members){0};
    open_group(&j, "members", data, a, e);
    out->members = read_members(&j, &out->member_count);
    return bn_znode_json_close(&j);
}
