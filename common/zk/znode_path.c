/* znode_path.c: text only. Invariant: a builder either gives a path that ZooKeeper takes or NULL; a name that came
 * from outside never adds a level to a path. */
#include "common/zk/znode_path.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *const bn_znode_path_top_level[] = {
    "/consumers",
    "/brokers/ids",
    "/brokers/topics",
    "/config/changes",
    "/admin/delete_topics",
    "/brokers/seqid",
    "/isr_change_notification",
    "/latest_producer_id_block",
    "/log_dir_event_notification",
    "/config/topics",
    "/config/clients",
    "/config/users",
    "/config/brokers",
    "/config/ips",
    "/barnabas/incarnation",
    NULL,
};

#define GROUP_MAX 249 /* as a topic's name; percent-encoded it is three times as long at most */
#define PART_PREFIX "members-"

static bool part_ok(struct bn_slice s) {
    if (bn_slice_is_null(s) || s.len == 0 || bn_slice_eq_str(s, ".") || bn_slice_eq_str(s, "..")) return false;
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.ptr[i], next = i + 1 < s.len ? s.ptr[i + 1] : 0;
        if (c < 0x20 || c == '/' || c == 0x7f || (c == 0xc2 && next < 0xa0)) return false; /* c2 80..9f: controls too */
    }
    return true;
}

static const char *build(struct bn_znode_path *p, const char *fmt, ...) BN_PRINTF(2, 3);
static const char *build(struct bn_znode_path *p, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(p->text, sizeof p->text, fmt, ap);
    va_end(ap);
    return n > 0 && (size_t)n < sizeof p->text ? p->text : NULL;
}

const char *bn_znode_path_broker(struct bn_znode_path *p, int32_t id) {
    return build(p, BN_ZNODE_BROKER_IDS "/%" PRId32, id);
}

const char *bn_znode_path_incarnation(struct bn_znode_path *p, int32_t id) {
    return build(p, BN_ZNODE_INCARNATIONS "/%" PRId32, id);
}

const char *bn_znode_path_topic(struct bn_znode_path *p, struct bn_slice topic) {
    return bn_znode_path_child(p, BN_ZNODE_TOPICS, topic);
}

const char *bn_znode_path_topic_partitions(struct bn_znode_path *p, struct bn_slice topic) {
    return part_ok(topic) ? build(p, BN_ZNODE_TOPICS "/%.*s/partitions", BN_SLICE_FMT(topic)) : NULL;
}

const char *bn_znode_path_partition(struct bn_znode_path *p, struct bn_slice topic, int32_t partition) {
    if (!part_ok(topic)) return NULL;
    return build(p, BN_ZNODE_TOPICS "/%.*s/partitions/%" PRId32, BN_SLICE_FMT(topic), partition);
}

const char *bn_znode_path_state(struct bn_znode_path *p, struct bn_slice topic, int32_t partition) {
    if (!part_ok(topic)) return NULL;
    return build(p, BN_ZNODE_TOPICS "/%.*s/partitions/%" PRId32 "/state", BN_SLICE_FMT(topic), partition);
}

const char *bn_znode_path_delete(struct bn_znode_path *p, struct bn_slice topic) {
    return bn_znode_path_child(p, BN_ZNODE_DELETES, topic);
}

static bool type_ok(struct bn_slice type) {
    static const char *const types[] = {"topics", "clients", "users", "brokers", "ips"};
    for (size_t i = 0; i < BN_ARRAY_LEN(types); i++)
        if (bn_slice_eq_str(type, types[i])) return true;
    return false;
}

const char *bn_znode_path_config(struct bn_znode_path *p, const char *type, struct bn_slice entity) {
    if (!type_ok(bn_slice_str(type)) || !part_ok(entity)) return NULL;
    return build(p, BN_ZNODE_CONFIG "/%s/%.*s", type, BN_SLICE_FMT(entity));
}

const char *bn_znode_path_config_user_client(struct bn_znode_path *p, struct bn_slice user, struct bn_slice client) {
    if (!part_ok(user) || !part_ok(client)) return NULL;
    return build(p, BN_ZNODE_CONFIG "/users/%.*s/clients/%.*s", BN_SLICE_FMT(user), BN_SLICE_FMT(client));
}

const char *bn_znode_path_config_entity(struct bn_znode_path *p, struct bn_slice entity_path) {
    struct bn_znode_entity parts;
    if (!bn_znode_path_entity(entity_path, &parts)) return NULL;
    return build(p, BN_ZNODE_CONFIG "/%.*s", BN_SLICE_FMT(entity_path));
}

const char *bn_znode_path_sequential(struct bn_znode_path *p, const char *parent, const char *prefix) {
    return build(p, "%s/%s", parent, prefix);
}

const char *bn_znode_path_child(struct bn_znode_path *p, const char *parent, struct bn_slice child) {
    return part_ok(child) ? build(p, "%s/%.*s", parent, BN_SLICE_FMT(child)) : NULL;
}

/* A group may be called "." or "..", which sanitising leaves alone and ZooKeeper refuses. */
static void add_group(struct bn_str *out, struct bn_slice group) {
    if (bn_slice_eq_str(group, ".")) bn_str_add(out, "%2E");
    else if (bn_slice_eq_str(group, "..")) bn_str_add(out, "%2E%2E");
    else bn_znode_path_sanitize(out, group);
}

const char *bn_znode_path_group(struct bn_znode_path *p, struct bn_slice group) {
    struct bn_str name;
    bn_str_init(&name);
    add_group(&name, group);
    const char *path = bn_znode_path_child(p, BN_ZNODE_CONSUMERS, bn_str_slice(&name));
    bn_str_fini(&name);
    return path;
}

bool bn_znode_path_group_ok(struct bn_slice group) {
    return group.len >= 1 && group.len <= GROUP_MAX && !memchr(group.ptr, 0, group.len);
}

bool bn_znode_path_group_name(struct bn_str *out, struct bn_slice child) {
    struct bn_str name, again;
    bn_str_init(&name);
    bn_str_init(&again);
    bool ok = bn_znode_path_desanitize(&name, child) && bn_znode_path_group_ok(bn_str_slice(&name));
    if (ok) add_group(&again, bn_str_slice(&name));
    ok = ok && bn_slice_eq(bn_str_slice(&again), child);
    if (ok) bn_str_add_slice(out, bn_str_slice(&name));
    bn_str_fini(&name);
    bn_str_fini(&again);
    return ok;
}

const char *bn_znode_path_group_part(struct bn_znode_path *p, struct bn_slice group, int32_t generation,
                                     int32_t number) {
    struct bn_znode_path parent;
    if (!bn_znode_path_group(&parent, group)) return NULL;
    return build(p, "%s/" PART_PREFIX "%" PRId32 "-%" PRId32, parent.text, generation, number);
}

bool bn_znode_path_part(struct bn_slice child, int32_t *generation, int32_t *number) {
    size_t prefix = sizeof PART_PREFIX - 1;
    if (child.len <= prefix || memcmp(child.ptr, PART_PREFIX, prefix) != 0) return false;
    const uint8_t *dash = memchr(child.ptr + prefix, '-', child.len - prefix);
    if (!dash) return false;
    const uint8_t *end = child.ptr + child.len;
    *generation = bn_znode_path_number(bn_slice_of(child.ptr + prefix, (size_t)(dash - child.ptr) - prefix));
    *number = bn_znode_path_number(bn_slice_of(dash + 1, (size_t)(end - dash) - 1));
    return *generation >= 0 && *number >= 0;
}

const char *bn_znode_path_consumer_offset(struct bn_znode_path *p, struct bn_slice group, struct bn_slice topic,
                                          int32_t partition) {
    if (!part_ok(topic) || group.len == 0) return NULL;
    struct bn_str name;
    bn_str_init(&name);
    add_group(&name, group);
    const char *path =
        build(p, BN_ZNODE_CONSUMERS "/%s/offsets/%.*s/%" PRId32, name.ptr, BN_SLICE_FMT(topic), partition);
    bn_str_fini(&name);
    return path;
}

static int64_t digits(struct bn_slice s, int64_t max) {
    int64_t value = 0;
    if (s.len == 0 || s.len > 18) return -1;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9') return -1;
        value = value * 10 + (s.ptr[i] - '0');
    }
    return value <= max ? value : -1;
}

int64_t bn_znode_path_seq(struct bn_slice child, const char *prefix) {
    size_t n = strlen(prefix);
    if (child.len < n + 10 || memcmp(child.ptr, prefix, n) != 0) return -1;
    return digits(bn_slice_of(child.ptr + n, child.len - n), INT64_MAX);
}

int32_t bn_znode_path_number(struct bn_slice child) {
    if (child.len > 1 && child.ptr[0] == '0') return -1; /* "007" is not how anybody writes 7 */
    return (int32_t)digits(child, INT32_MAX);
}

bool bn_znode_path_topic_ok(struct bn_slice topic) {
    if (!part_ok(topic) || topic.len > 249) return false;
    for (size_t i = 0; i < topic.len; i++) {
        uint8_t c = topic.ptr[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
                  c == '-';
        if (!ok) return false;
    }
    return true;
}

/* Cuts the part before the next '/', or all. */
static struct bn_slice cut(struct bn_slice *rest) {
    const uint8_t *slash = rest->len ? memchr(rest->ptr, '/', rest->len) : NULL;
    struct bn_slice part = bn_slice_of(rest->ptr, slash ? (size_t)(slash - rest->ptr) : rest->len);
    *rest = slash ? bn_slice_of(slash + 1, rest->len - part.len - 1) : BN_SLICE_NULL;
    return part;
}

bool bn_znode_path_entity(struct bn_slice entity_path, struct bn_znode_entity *out) {
    struct bn_slice rest = entity_path;
    *out = (struct bn_znode_entity){.sub_type = BN_SLICE_NULL, .sub_name = BN_SLICE_NULL};
    out->type = cut(&rest);
    out->name = cut(&rest);
    if (!type_ok(out->type) || !part_ok(out->name)) return false;
    if (bn_slice_is_null(rest)) return true;
    out->sub_type = cut(&rest);
    out->sub_name = cut(&rest);
    return bn_slice_is_null(rest) && bn_slice_eq_str(out->type, "users") && bn_slice_eq_str(out->sub_type, "clients") &&
           part_ok(out->sub_name);
}

void bn_znode_path_sanitize(struct bn_str *out, struct bn_slice name) {
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     (c && strchr("._-", c));
        if (plain) bn_str_add_slice(out, bn_slice_of(&name.ptr[i], 1));
        else bn_str_addf(out, "%%%02X", c);
    }
}

static int hex(uint8_t c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool bn_znode_path_desanitize(struct bn_str *out, struct bn_slice text) {
    struct bn_str name;
    bn_str_init(&name);
    bool ok = true;
    for (size_t i = 0; i < text.len && ok; i++) {
        uint8_t c = text.ptr[i];
        if (c == '%') {
            int high = i + 2 < text.len ? hex(text.ptr[i + 1]) : -1;
            int low = i + 2 < text.len ? hex(text.ptr[i + 2]) : -1;
            ok = high >= 0 && low >= 0 && (high || low);
            c = (uint8_t)(high * 16 + low);
            i += 2;
        } else if (c == '+') {
            c = ' '; /* as Java's URLDecoder has it */
        }
        if (ok) bn_str_add_slice(&name, bn_slice_of(&c, 1));
    }
    if (ok) bn_str_add_slice(out, bn_str_slice(&name));
    bn_str_fini(&name);
    return ok;
}
