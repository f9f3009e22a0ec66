/* grecord.c: keys and values of __consumer_offsets. Key and value each begin with their version; strings and bytes have
 * lengths of 16 and 32 bits. Hostile bytes can't come in by a client (it may not write there), but a damaged log may.
 */
#include "broker/group/grecord.h"

#include "common/base/bytes.h"
#include "common/base/err.h"

enum { KEY_OFFSET_OLD = 0, KEY_OFFSET = 1, KEY_GROUP = 2, OFFSET_NEWEST = 3, GROUP_VERSION = 3 };

static void put_i16(struct bn_str *s, int v) {
    uint8_t b[2];
    bn_put_u16(b, (uint16_t)v);
    bn_str_add_slice(s, bn_slice_of(b, sizeof b));
}
static void put_i32(struct bn_str *s, int32_t v) {
    uint8_t b[4];
    bn_put_u32(b, (uint32_t)v);
    bn_str_add_slice(s, bn_slice_of(b, sizeof b));
}
static void put_i64(struct bn_str *s, int64_t v) {
    uint8_t b[8];
    bn_put_u64(b, (uint64_t)v);
    bn_str_add_slice(s, bn_slice_of(b, sizeof b));
}
static void put_text(struct bn_str *s, struct bn_slice t) {
    put_i16(s, bn_slice_is_null(t) ? -1 : (int)t.len);
    bn_str_add_slice(s, t);
}
static void put_bytes(struct bn_str *s, struct bn_slice t) {
    put_i32(s, (int32_t)t.len);
    bn_str_add_slice(s, t);
}

/* Null comes out as null; a length that is not there fails the cursor. */
static struct bn_slice get_text(struct bn_cursor *c) {
    int16_t len = bn_cursor_i16(c);
    return len < 0 ? BN_SLICE_NULL : bn_cursor_slice(c, (size_t)len);
}

static struct bn_slice get_bytes(struct bn_cursor *c) {
    int32_t len = bn_cursor_i32(c);
    return len < 0 ? BN_SLICE_NULL : bn_cursor_slice(c, (size_t)len);
}

/* ---- keys ---- */

int bn_grecord_read_key(struct bn_slice in, struct bn_grecord_key *out) {
    struct bn_cursor c = bn_cursor_of(in);
    int16_t version = bn_cursor_i16(&c);
    *out = (struct bn_grecord_key){.kind = BN_GRECORD_OTHER, .partition = -1};
    if (c.bad) return BN_BAD;
    if (version > KEY_GROUP) return BN_OK;
    out->kind = version == KEY_GROUP ? BN_GRECORD_GROUP : BN_GRECORD_OFFSET;
    out->group = get_text(&c);
    if (out->kind == BN_GRECORD_OFFSET) {
        out->topic = get_text(&c);
        out->partition = bn_cursor_i32(&c);
    }
    bool missing = bn_slice_is_null(out->group) || (out->kind == BN_GRECORD_OFFSET && bn_slice_is_null(out->topic));
    return version < 0 || c.bad || missing ? BN_BAD : BN_OK;
}

void bn_grecord_write_offset_key(struct bn_str *out, struct bn_slice group, struct bn_slice topic, int32_t partition) {
    put_i16(out, KEY_OFFSET);
    put_text(out, group);
    put_text(out, topic);
    put_i32(out, partition);
}

void bn_grecord_write_group_key(struct bn_str *out, struct bn_slice group) {
    put_i16(out, KEY_GROUP);
    put_text(out, group);
}

/* ---- offsets ---- */

int bn_grecord_read_offset(struct bn_slice in, struct bn_grecord_offset *out) {
    struct bn_cursor c = bn_cursor_of(in);
    int16_t version = bn_cursor_i16(&c);
    *out = (struct bn_grecord_offset){.leader_epoch = -1, .expire_ms = -1};
    if (c.bad || version < 0 || version > OFFSET_NEWEST) return BN_BAD;
    out->offset = bn_cursor_i64(&c);
    if (version >= 3) out->leader_epoch = bn_cursor_i32(&c);
    out->metadata = get_text(&c);
    out->commit_ms = bn_cursor_i64(&c);
    if (version == 1) out->expire_ms = bn_cursor_i64(&c);
    return c.bad ? BN_BAD : BN_OK;
}

void bn_grecord_write_offset(struct bn_str *out, const struct bn_grecord_offset *o) {
    bool expires = o->expire_ms >= 0;
    put_i16(out, expires ? 1 : OFFSET_NEWEST);
    put_i64(out, o->offset);
    if (!expires) put_i32(out, o->leader_epoch);
    put_text(out, bn_slice_is_null(o->metadata) ? BN_SLICE_LIT("") : o->metadata);
    put_i64(out, o->commit_ms);
    if (expires) put_i64(out, o->expire_ms);
}

/* ---- groups ---- */

static void get_member(struct bn_cursor *c, int16_t version, struct bn_grecord_member *out) {
    *out = (struct bn_grecord_member){.id = get_text(c)};
    if (version >= 3) out->instance_id = get_text(c);
    out->client_id = get_text(c);
    out->client_host = get_text(c);
    if (version >= 1) out->rebalance_ms = bn_cursor_i32(c);
    out->session_ms = bn_cursor_i32(c);
    if (version < 1) out->rebalance_ms = out->session_ms;
    out->subscription = get_bytes(c);
    out->assignment = get_bytes(c);
}

int bn_grecord_read_group(struct bn_slice in, struct bn_grecord_group *out) {
    struct bn_cursor c = bn_cursor_of(in);
    *out = (struct bn_grecord_group){.version = bn_cursor_i16(&c), .state_since_ms = -1};
    if (c.bad || out->version < 0 || out->version > GROUP_VERSION) return BN_BAD;
    out->protocol_type = get_text(&c);
    out->generation = bn_cursor_i32(&c);
    out->protocol = get_text(&c);
    out->leader = get_text(&c);
    if (out->version >= 2) out->state_since_ms = bn_cursor_i64(&c);
    out->member_count = bn_cursor_i32(&c);
    out->members = c;
    struct bn_grecord_member m;
    for (int32_t i = 0; i < out->member_count && !c.bad; i++) {
        get_member(&c, out->version, &m);
        if (bn_slice_is_null(m.id)) return BN_BAD;
    }
    return c.bad || out->member_count < 0 ? BN_BAD : BN_OK;
}

bool bn_grecord_next_member(struct bn_grecord_group *g, struct bn_grecord_member *out) {
    if (g->member_count == 0) return false;
    g->member_count--;
    get_member(&g->members, g->version, out);
    return !g->members.bad;
}

void bn_grecord_write_group(struct bn_str *out, const struct bn_grecord_group *g) {
    put_i16(out, GROUP_VERSION);
    put_text(out, bn_slice_is_null(g->protocol_type) ? BN_SLICE_LIT("") : g->protocol_type);
    put_i32(out, g->generation);
    put_text(out, g->protocol);
    put_text(out, g->leader);
    put_i64(out, g->state_since_ms);
    put_i32(out, g->member_count);
}

void bn_grecord_write_member(struct bn_str *out, const struct bn_grecord_member *m) {
    put_text(out, m->id);
    put_text(out, m->instance_id);
    put_text(out, m->client_id);
    put_text(out, m->client_host);
    put_i32(out, m->rebalance_ms);
    put_i32(out, m->session_ms);
    put_bytes(out, m->subscription);
    put_bytes(out, m->assignment);
}
