/* zk_words.c: znodes in words. What a znode is comes from common/zk/znode.def; what its data says from its decoder.
 */
#include <string.h>

#include "common/base/arena.h"
#include "common/zk/znode.h"
#include "tools/zk_audit.h"

enum { WORDS_BUDGET = 8 << 20 };

/* Does a path fit "/brokers/ids/<id>"? */
static bool fits(const char *pattern, const char *path) {
    while (*pattern && *path) {
        if (*pattern == '<') {
            pattern = strchr(pattern, '>') + 1;
            if (*path == '/') return false;
            path += strcspn(path, "/");
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    return *pattern == *path;
}

static void add_ids(struct bn_str *out, const char *head, const struct bn_znode_ids *ids) {
    bn_str_add(out, head);
    for (int32_t i = 0; i < ids->count; i++) bn_str_addf(out, "%s%d", i ? "," : " ", ids->ids[i]);
    if (ids->count == 0) bn_str_add(out, " none");
}

static bool say_broker(struct bn_slice data, struct bn_arena *a, struct bn_str *out) {
    struct bn_znode_broker b;
    if (bn_znode_broker_decode(data, a, &b, NULL) != BN_OK) return false;
    bn_str_add(out, "listens on");
    for (int32_t i = 0; i < b.endpoint_count; i++)
        bn_str_addf(out, "%s %s://%s:%d", i ? "," : "", b.endpoints[i].listener, b.endpoints[i].host,
                    b.endpoints[i].port);
    if (b.rack) bn_str_addf(out, ", in rack %s", b.rack);
    return true;
}

static bool say_topic(struct bn_slice data, struct bn_arena *a, struct bn_str *out) {
    struct bn_znode_topic t;
    char id[BN_UUID_TEXT_LEN + 1] = "";
    if (bn_znode_topic_decode(data, a, &t, NULL) != BN_OK) return false;
    if (t.has_id) bn_uuid_format(&t.id, id);
    bn_str_addf(out, "%d partition%s, id %s", t.partition_count, t.partition_count == 1 ? "" : "s",
                t.has_id ? id : "none");
    for (int32_t i = 0; i < t.partition_count; i++) {
        bn_str_addf(out, "; %d on", t.partitions[i].id);
        add_ids(out, "", &t.partitions[i].replicas);
        if (t.partitions[i].adding.count) add_ids(out, " adding", &t.partitions[i].adding);
        if (t.partitions[i].removing.count) add_ids(out, " removing", &t.partitions[i].removing);
    }
    return true;
}

static bool say_state(struct bn_slice data, struct bn_arena *a, struct bn_str *out) {
    struct bn_znode_state s;
    if (bn_znode_state_decode(data, a, &s, NULL) != BN_OK) return false;
    if (s.leader == BN_ZNODE_NO_LEADER)
        bn_str_add(out, "no leader");
    else
        bn_str_addf(out, "broker %d leads", s.leader);
    bn_str_addf(out, " in epoch %d, ", s.leader_epoch);
    add_ids(out, "in sync:", &s.isr);
    bn_str_addf(out, ", written by the controller of epoch %d", s.controller_epoch);
    return true;
}

static bool say_controller(struct bn_slice data, struct bn_arena *a, struct bn_str *out) {
    struct bn_znode_controller c;
    if (bn_znode_controller_decode(data, a, &c, NULL) != BN_OK) return false;
    bn_str_addf(out, "controller %d is active", c.brokerid);
    if (c.host) bn_str_addf(out, ", at %s:%d", c.host, c.port);
    return true;
}

static bool say_config(struct bn_slice data, struct bn_arena *a, struct bn_str *out) {
    struct bn_znode_config c;
    if (bn_znode_config_decode(data, a, &c, NULL) != BN_OK) return false;
    if (c.count == 0) bn_str_add(out, "nothing is set");
    for (int32_t i = 0; i < c.count; i++)
        bn_str_addf(out, "%s%s=%s", i ? ", " : "", c.entries[i].key, c.entries[i].value);
    return true;
}

static bool say_incarnation(struct bn_slice data, struct bn_arena *a, struct bn_str *out) {
    struct bn_znode_incarnation i;
    if (bn_znode_incarnation_decode(data, a, &i, NULL) != BN_OK) return false;
    bn_str_addf(out, "its life port is %s:%d", i.host, i.port);
    return true;
}

static const struct {
    const char *path;
    bool (*say)(struct bn_slice data, struct bn_arena *a, struct bn_str *out);
} sayings[] = {
    {"/brokers/ids/<id>", say_broker},
    {"/brokers/topics/<topic>", say_topic},
    {"/brokers/topics/<topic>/partitions/<partition>/state", say_state},
    {"/controller", say_controller},
    {"/config/<type>/<entity>", say_config},
    {"/barnabas/incarnation/<id>", say_incarnation},
};

void bn_zk_words(const char *path, struct bn_slice data, const struct bn_zk_stat *stat, struct bn_str *out) {
    const char *text = NULL;
    struct bn_arena arena;
    bool said = false;
    for (const struct bn_znode_row *row = bn_znode_rows; row->name; row++) {
        if (fits(row->path, path)) text = row->text;
    }
    bn_arena_init(&arena, WORDS_BUDGET);
    for (size_t i = 0; i < BN_ARRAY_LEN(sayings) && !said; i++)
        said = fits(sayings[i].path, path) && sayings[i].say(data, &arena, out);
    bn_arena_fini(&arena);
    if (!said && data.len > 0) bn_str_add_slice(out, data);
    if (said || data.len > 0) bn_str_add(out, " ");
    bn_str_addf(out, "(version %d%s%s%s)", stat->version, stat->ephemeral_owner ? ", ephemeral" : "", text ? ": " : "",
                text ? text : "");
}
