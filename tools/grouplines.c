/* grouplines.c: the records of __consumer_offsets in words. They are read as the broker reads them (grecord).
 */
#include "tools/grouplines.h"

#include <stdio.h>

#include "broker/group/grecord.h"
#include "common/base/bytes.h"
#include "tools/jsonout.h"

/* Null stays null. */
static struct bn_slice get_text(struct bn_cursor *c) {
    int16_t len = bn_cursor_i16(c);
    return len < 0 ? BN_SLICE_NULL : bn_cursor_slice(c, (size_t)len);
}

static struct bn_slice get_bytes(struct bn_cursor *c) {
    int32_t len = bn_cursor_i32(c);
    return len < 0 ? BN_SLICE_NULL : bn_cursor_slice(c, (size_t)len);
}

static int16_t version_of(struct bn_slice s) { return s.len >= 2 ? (int16_t)bn_get_u16(s.ptr) : -1; }

/* ---- as Scala prints its classes ---- */

static void text_offset(const struct bn_grecord_key *k, struct bn_slice value, struct bn_str *out) {
    struct bn_grecord_offset o;
    bn_str_addf(out, "[%.*s,%.*s,%d]::", BN_SLICE_FMT(k->group), BN_SLICE_FMT(k->topic), k->partition);
    if (bn_slice_is_null(value)) {
        bn_str_add(out, "NULL");
        return;
    }
    if (bn_grecord_read_offset(value, &o) != 0) {
        bn_str_add(out, "unreadable");
        return;
    }
    bn_str_addf(out, "OffsetAndMetadata(offset=%" PRId64 ", leaderEpoch=", o.offset);
    bn_str_addf(out, o.leader_epoch < 0 ? "Optional.empty" : "Optional[%d]", o.leader_epoch);
    bn_str_addf(out, ", metadata=%.*s, commitTimestamp=%" PRId64 ", expireTimestamp=", BN_SLICE_FMT(o.metadata),
                o.commit_ms);
    bn_str_addf(out, o.expire_ms < 0 ? "None)" : "Some(%" PRId64 "))", o.expire_ms);
}

static void text_option(struct bn_str *out, struct bn_slice s) {
    bn_str_addf(out, s.len > 0 ? "Some(%.*s)" : "None", BN_SLICE_FMT(s));
}

static void text_group(const struct bn_grecord_key *k, struct bn_slice value, struct bn_str *out) {
    struct bn_grecord_group g;
    struct bn_grecord_member m;
    bn_str_addf(out, "%.*s::", BN_SLICE_FMT(k->group));
    if (bn_slice_is_null(value)) {
        bn_str_add(out, "NULL");
        return;
    }
    if (bn_grecord_read_group(value, &g) != 0) {
        bn_str_add(out, "unreadable");
        return;
    }
    bn_str_addf(out, "GroupMetadata(groupId=%.*s, generation=%d, protocolType=", BN_SLICE_FMT(k->group), g.generation);
    text_option(out, g.protocol_type);
    bn_str_addf(out, ", currentState=%s, members=HashMap(", g.member_count > 0 ? "Stable" : "Empty");
    for (bool more = false; bn_grecord_next_member(&g, &m); more = true) {
        bn_str_addf(out, "%s%.*s -> MemberMetadata(memberId=%.*s, groupInstanceId=", more ? ", " : "",
                    BN_SLICE_FMT(m.id), BN_SLICE_FMT(m.id));
        text_option(out, m.instance_id);
        bn_str_addf(out, ", clientId=%.*s, clientHost=%.*s, sessionTimeoutMs=%d, rebalanceTimeoutMs=%d, ",
                    BN_SLICE_FMT(m.client_id), BN_SLICE_FMT(m.client_host), m.session_ms, m.rebalance_ms);
        bn_str_addf(out, "supportedProtocols=List(%.*s))", BN_SLICE_FMT(g.protocol));
    }
    bn_str_add(out, "))");
}

/* ---- JSON ---- */

static void json_key(struct bn_jsonout *j, const struct bn_grecord_key *k) {
    bn_jsonout_object(j, "data");
    bn_jsonout_text(j, "group", k->group);
    if (k->kind == BN_GRECORD_OFFSET) {
        bn_jsonout_text(j, "topic", k->topic);
        bn_jsonout_number(j, "partition", k->partition);
    }
    bn_jsonout_end(j);
}

static void json_offset(struct bn_jsonout *j, struct bn_slice value) {
    struct bn_grecord_offset o;
    int version = version_of(value);
    if (bn_grecord_read_offset(value, &o) != 0) {
        bn_jsonout_text(j, "data", BN_SLICE_LIT("unknown"));
        return;
    }
    bn_jsonout_object(j, "data");
    bn_jsonout_number(j, "offset", o.offset);
    if (version >= 3) bn_jsonout_number(j, "leaderEpoch", o.leader_epoch);
    bn_jsonout_text(j, "metadata", o.metadata);
    bn_jsonout_number(j, "commitTimestamp", o.commit_ms);
    if (version == 1) bn_jsonout_number(j, "expireTimestamp", o.expire_ms);
    bn_jsonout_end(j);
}

static void json_base64(struct bn_jsonout *j, const char *key, struct bn_slice bytes) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct bn_str text;
    bn_str_init(&text);
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bn_min_size(3, bytes.len - i);
        uint32_t three = (uint32_t)bytes.ptr[i] << 16 | (left > 1 ? (uint32_t)bytes.ptr[i + 1] << 8 : 0) |
                         (left > 2 ? bytes.ptr[i + 2] : 0);
        for (size_t k = 0; k < 4; k++) bn_str_addf(&text, "%c", k <= left ? letters[three >> (18 - 6 * k) & 63] : '=');
    }
    bn_jsonout_text(j, key, bn_slice_is_null(bytes) ? BN_SLICE_NULL : bn_str_slice(&text));
    bn_str_fini(&text);
}

/* Topics with their partitions. What is cut short ends the list. */
static void json_partitions(struct bn_jsonout *j, const char *key, struct bn_cursor *c) {
    bn_jsonout_array(j, key);
    int32_t topics = bn_cursor_i32(c);
    for (int32_t i = 0; i < topics && !c->bad; i++) {
        struct bn_slice topic = get_text(c);
        int32_t partitions = bn_cursor_i32(c);
        bn_jsonout_object(j, NULL);
        bn_jsonout_text(j, "topic", topic);
        bn_jsonout_array(j, "partitions");
        for (int32_t k = 0; k < partitions && !c->bad; k++) {
            int32_t partition = bn_cursor_i32(c);
            if (!c->bad) bn_jsonout_number(j, NULL, partition);
        }
        bn_jsonout_end(j);
        bn_jsonout_end(j);
    }
    bn_jsonout_end(j);
}

static void json_subscription(struct bn_jsonout *j, struct bn_slice bytes) {
    struct bn_cursor c = bn_cursor_of(bytes);
    int16_t version = bn_cursor_i16(&c);
    bn_jsonout_object(j, "subscription");
    bn_jsonout_array(j, "topics");
    int32_t topics = bn_cursor_i32(&c);
    for (int32_t i = 0; i < topics && !c.bad; i++) {
        struct bn_slice topic = get_text(&c);
        if (!c.bad) bn_jsonout_text(j, NULL, topic);
    }
    bn_jsonout_end(j);
    json_base64(j, "userData", get_bytes(&c));
    if (version >= 1) json_partitions(j, "ownedPartitions", &c);
    if (version >= 2) bn_jsonout_number(j, "generationId", bn_cursor_i32(&c));
    if (version >= 3) bn_jsonout_text(j, "rackId", get_text(&c));
    bn_jsonout_end(j);
}

static void json_assignment(struct bn_jsonout *j, struct bn_slice bytes) {
    struct bn_cursor c = bn_cursor_of(bytes);
    (void)bn_cursor_i16(&c);
    bn_jsonout_object(j, "assignment");
    json_partitions(j, "assignedPartitions", &c);
    json_base64(j, "userData", get_bytes(&c));
    bn_jsonout_end(j);
}

static void json_member(struct bn_jsonout *j, const struct bn_grecord_group *g, const struct bn_grecord_member *m,
                        bool apart) {
    bn_jsonout_object(j, NULL);
    bn_jsonout_text(j, "memberId", m->id);
    if (g->version >= 3) bn_jsonout_text(j, "groupInstanceId", m->instance_id);
    bn_jsonout_text(j, "clientId", m->client_id);
    bn_jsonout_text(j, "clientHost", m->client_host);
    if (g->version >= 1) bn_jsonout_number(j, "rebalanceTimeout", m->rebalance_ms);
    bn_jsonout_number(j, "sessionTimeout", m->session_ms);
    if (apart && m->subscription.len > 0)
        json_subscription(j, m->subscription);
    else
        json_base64(j, "subscription", m->subscription);
    if (apart && m->assignment.len > 0)
        json_assignment(j, m->assignment);
    else
        json_base64(j, "assignment", m->assignment);
    bn_jsonout_end(j);
}

static void json_group(struct bn_jsonout *j, struct bn_slice value, bool apart) {
    struct bn_grecord_group g;
    struct bn_grecord_member m;
    if (bn_grecord_read_group(value, &g) != 0) {
        bn_jsonout_text(j, "data", BN_SLICE_LIT("unknown"));
        return;
    }
    bn_jsonout_object(j, "data");
    bn_jsonout_text(j, "protocolType", g.protocol_type);
    bn_jsonout_number(j, "generation", g.generation);
    bn_jsonout_text(j, "protocol", g.protocol);
    bn_jsonout_text(j, "leader", g.leader);
    if (g.version >= 2) bn_jsonout_number(j, "currentStateTimestamp", g.state_since_ms);
    bn_jsonout_array(j, "members");
    while (bn_grecord_next_member(&g, &m))
        json_member(j, &g, &m, apart && bn_slice_eq_str(g.protocol_type, "consumer"));
    bn_jsonout_end(j);
    bn_jsonout_end(j);
}

static void json_value(struct bn_jsonout *j, const struct bn_grecord_key *k, struct bn_slice value, bool apart) {
    if (k->kind == BN_GRECORD_OFFSET)
        json_offset(j, value);
    else
        json_group(j, value, apart);
}

static void json_line(const struct bn_grecord_key *k, int version, struct bn_slice value, struct bn_str *out) {
    struct bn_jsonout j;
    bn_jsonout_init(&j);
    bn_jsonout_object(&j, "key");
    bn_jsonout_number(&j, "version", version);
    json_key(&j, k);
    bn_jsonout_end(&j);
    if (bn_slice_is_null(value)) {
        bn_jsonout_text(&j, "value", BN_SLICE_NULL);
    } else {
        bn_jsonout_object(&j, "value");
        bn_jsonout_number(&j, "version", version_of(value));
        json_value(&j, k, value, false);
        bn_jsonout_end(&j);
    }
    bn_jsonout_take(&j, out);
}

bool bn_grouplines_format(enum bn_grouplines_style style, bool groups, struct bn_slice key, struct bn_slice value,
                          struct bn_str *out) {
    struct bn_grecord_key k;
    if (bn_grecord_read_key(key, &k) != 0) return false;
    if (k.kind != (groups ? BN_GRECORD_GROUP : BN_GRECORD_OFFSET)) return false;
    if (style == BN_GROUPLINES_JSON)
        json_line(&k, version_of(key), value, out);
    else if (groups)
        text_group(&k, value, out);
    else
        text_offset(&k, value, out);
    return true;
}

/* ---- --offsets-decoder ---- */

static bool read_key(struct bn_slice key, struct bn_grecord_key *out) {
    return bn_grecord_read_key(key, out) == 0 && out->kind != BN_GRECORD_OTHER;
}

static void put_version(struct bn_jsonout *j, const char *name, struct bn_slice s) {
    char text[16];
    (void)snprintf(text, sizeof text, "%d", version_of(s));
    bn_jsonout_text(j, name, bn_slice_str(text));
}

void bn_grouplines_dump_key(struct bn_slice key, struct bn_str *out) {
    struct bn_grecord_key k;
    struct bn_jsonout j;
    bn_jsonout_init(&j);
    put_version(&j, "type", key);
    if (read_key(key, &k))
        json_key(&j, &k);
    else
        bn_jsonout_text(&j, "data", BN_SLICE_LIT("unknown"));
    bn_jsonout_take(&j, out);
}

void bn_grouplines_dump_value(struct bn_slice key, struct bn_slice value, struct bn_str *out) {
    struct bn_grecord_key k;
    struct bn_jsonout j;
    if (bn_slice_is_null(value)) {
        bn_str_add(out, "<DELETE>");
        return;
    }
    bn_jsonout_init(&j);
    put_version(&j, "version", value);
    if (read_key(key, &k))
        json_value(&j, &k, value, true);
    else
        bn_jsonout_text(&j, "data", BN_SLICE_LIT("unknown"));
    bn_jsonout_take(&j, out);
}
