/* znode_topic.c: the znodes of topics and partitions, and those that name lists of partitions. */
#include <stdlib.h>

#include "common/zk/znode.h"
#include "common/zk/znode_json.h"
#include "common/zk/znode_path.h"

#define REQUIRED BN_ZNODE_JSON_REQUIRED

/* ---- /brokers/topics/<topic> ---- */

static void add_map(struct bn_str *out, const struct bn_znode_topic *t, size_t member, bool all) {
    bool first = true;
    bn_str_add(out, "{");
    for (int32_t i = 0; i < t->partition_count; i++) {
        const struct bn_znode_partition *p = &t->partitions[i];
        const struct bn_znode_ids *ids = (const void *)((const char *)p + member);
        if (!all && ids->count == 0) continue;
        bn_str_addf(out, first ? "\"%d\":" : ",\"%d\":", (int)p->id);
        bn_znode_json_add_ids(out, ids);
        first = false;
    }
    bn_str_add(out, "}");
}

static void add_topic_id(struct bn_str *out, const struct bn_uuid *id) {
    char text[BN_UUID_TEXT_LEN + 1];
    bn_uuid_format(id, text);
    bn_str_addf(out, ",\"topic_id\":\"%s\"", text);
}

void bn_znode_topic_encode(struct bn_str *out, const struct bn_znode_topic *in) {
    bn_str_add(out, "{\"partitions\":");
    add_map(out, in, offsetof(struct bn_znode_partition, replicas), true);
    if (in->has_id) add_topic_id(out, &in->id);
    bn_str_add(out, ",\"adding_replicas\":");
    add_map(out, in, offsetof(struct bn_znode_partition, adding), false);
    bn_str_add(out, ",\"removing_replicas\":");
    add_map(out, in, offsetof(struct bn_znode_partition, removing), false);
    bn_str_add(out, ",\"version\":3}");
}

static int by_id(const void *a, const void *b) {
    int32_t x = ((const struct bn_znode_partition *)a)->id, y = ((const struct bn_znode_partition *)b)->id;
    return (x > y) - (x < y);
}

const struct bn_znode_partition *bn_znode_topic_find(const struct bn_znode_topic *t, int32_t partition) {
    struct bn_znode_partition key = {.id = partition};
    return t->partition_count ? bsearch(&key, t->partitions, (size_t)t->partition_count, sizeof key, by_id) : NULL;
}

static void read_partitions(struct bn_znode_json *j, struct bn_znode_topic *out) {
    const char *key;
    json_t *v, *map = bn_znode_json_object(j, NULL, "partitions", false, &out->partition_count);
    out->partitions = bn_znode_json_make(j, out->partition_count, sizeof *out->partitions);
    if (!out->partitions) {
        out->partition_count = 0;
        return;
    }
    struct bn_znode_partition *p = out->partitions;
    json_object_foreach(map, key, v) {
        p->id = bn_znode_path_number(bn_slice_str(key));
        if (p->id < 0) bn_znode_json_bad(j, "partitions: \"%.40s\" is not a partition", key);
        p->replicas = bn_znode_json_ids(j, map, key, true);
        if (p->replicas.count == 0) bn_znode_json_bad(j, "partitions.%.40s: no replicas", key);
        if (j->status != BN_OK) return;
        p++;
    }
    qsort(out->partitions, (size_t)out->partition_count, sizeof *p, by_id);
}

static void read_moves(struct bn_znode_json *j, struct bn_znode_topic *out, const char *name, size_t member) {
    const char *key;
    json_t *v;
    int32_t count;
    json_t *map = bn_znode_json_object(j, NULL, name, false, &count);
    if (!map) return;
    json_object_foreach(map, key, v) {
        /* What is said of a partition that is not there means nothing. */
        const struct bn_znode_partition *found = bn_znode_topic_find(out, bn_znode_path_number(bn_slice_str(key)));
        if (!found) continue;
        struct bn_znode_partition *p = &out->partitions[found - out->partitions];
        *(struct bn_znode_ids *)(void *)((char *)p + member) = bn_znode_json_ids(j, map, key, true);
        if (j->status != BN_OK) return;
    }
}

int bn_znode_topic_decode(struct bn_slice data, struct bn_arena *a, struct bn_znode_topic *out, struct bn_err *e) {
    struct bn_znode_json j;
    *out = (struct bn_znode_topic){0};
    bn_znode_json_open(&j, "topic", data, a, e);
    read_partitions(&j, out);
    read_moves(&j, out, "adding_replicas", offsetof(struct bn_znode_partition, adding));
    read_moves(&j, out, "removing_replicas", offsetof(struct bn_znode_partition, removing));
    out->has_id = bn_znode_json_uuid(&j, NULL, "topic_id", &out->id);
    return bn_znode_json_close(&j);
}

/* ---- /brokers/topics/<topic>/partitions ---- */

void bn_znode_topic_partitions_encode(struct bn_str *out, const struct bn_znode_topic_partitions *in) {
    bn_str_add(out, "{\"version\":1");
    if (in->has_id) add_topic_id(out, &in->id);
    bn_str_add(out, "}");
}

int bn_znode_topic_partitions_decode(struct bn_slice data, struct bn_arena *a, struct bn_znode_topic_partitions *out,
                                     struct bn_err *e) {
    *out = (struct bn_znode_topic_partitions){0};
    if (data.len == 0) return BN_OK; /* as Kafka makes it */
    struct bn_znode_json j;
    bn_znode_json_open(&j, "topic partitions", data, a, e);
    out->has_id = bn_znode_json_uuid(&j, NULL, "topic_id", &out->id);
    return bn_znode_json_close(&j);
}

/* ---- .../state ---- */

void bn_znode_state_encode(struct bn_str *out, const struct bn_znode_state *in) {
    bn_str_addf(out, "{\"controller_epoch\":%d,\"leader\":%d,\"version\":1", (int)in->controller_epoch,
                (int)in->leader);
    if (in->recovery_state) bn_str_addf(out, ",\"leader_recovery_state\":%d", in->recovery_state);
    bn_str_addf(out, ",\"leader_epoch\":%d,\"isr\":", (int)in->leader_epoch);
    bn_znode_json_add_ids(out, &in->isr);
    if (in->elr.count) {
        bn_str_add(out, ",\"elr\":");
        bn_znode_json_add_ids(out, &in->elr);
    }
    bn_str_add(out, "}");
}

int bn_znode_state_decode(struct bn_slice data, struct bn_arena *a, struct bn_znode_state *out, struct bn_err *e) {
    struct bn_znode_json j;
    bn_znode_json_open(&j, "partition state", data, a, e);
    out->controller_epoch = bn_znode_json_i32(&j, NULL, "controller_epoch", 0, REQUIRED);
    out->leader = bn_znode_json_i32(&j, NULL, "leader", BN_ZNODE_NO_LEADER, REQUIRED);
    out->leader_epoch = bn_znode_json_i32(&j, NULL, "leader_epoch", 0, REQUIRED);
    out->isr = bn_znode_json_ids(&j, NULL, "isr", true);
    out->recovery_state = (int8_t)bn_znode_json_int(&j, NULL, "leader_recovery_state", 0, 1, 0);
    out->elr = bn_znode_json_ids(&j, NULL, "elr", false);
    return bn_znode_json_close(&j);
}

/* ---- Lists of partitions ---- */

static void add_list(struct bn_str *out, const struct bn_znode_tp *list, int32_t count, bool replicas) {
    bn_str_add(out, "{\"version\":1,\"partitions\":[");
    for (int32_t i = 0; i < count; i++) {
        bn_str_add(out, i ? ",{\"topic\":" : "{\"topic\":");
        bn_znode_json_add_text(out, list[i].topic);
        bn_str_addf(out, ",\"partition\":%d", (int)list[i].partition);
        if (replicas) {
            bn_str_add(out, ",\"replicas\":");
            bn_znode_json_add_ids(out, &list[i].replicas);
        }
        bn_str_add(out, "}");
    }
    bn_str_add(out, "]}");
}

static int read_list(const char *what, struct bn_slice data, struct bn_arena *a, struct bn_znode_tp **out,
                     int32_t *count_out, struct bn_err *e) {
    struct bn_znode_json j;
    int32_t count;
    bn_znode_json_open(&j, what, data, a, e);
    json_t *list = bn_znode_json_array(&j, NULL, "partitions", true, &count);
    *out = bn_znode_json_make(&j, count, sizeof **out);
    *count_out = *out ? count : 0;
    bool replicas = strcmp(what, "reassignment") == 0;
    for (int32_t i = 0; i < *count_out && j.status == BN_OK; i++) {
        json_t *v = json_array_get(list, (size_t)i);
        if (!json_is_object(v)) {
            bn_znode_json_bad(&j, "partitions[%d]: not an object", (int)i);
            break;
        }
        (*out)[i].topic = bn_znode_json_text(&j, v, "topic", true);
        (*out)[i].partition = bn_znode_json_i32(&j, v, "partition", 0, REQUIRED);
        if (replicas) (*out)[i].replicas = bn_znode_json_ids(&j, v, "replicas", true);
    }
    return bn_znode_json_close(&j);
}

void bn_znode_reassign_encode(struct bn_str *out, const struct bn_znode_reassign *in) {
    add_list(out, in->partitions, in->count, true);
}

int bn_znode_reassign_decode(struct bn_slice data, struct bn_arena *a, struct bn_znode_reassign *out,
                             struct bn_err *e) {
    return read_list("reassignment", data, a, &out->partitions, &out->count, e);
}

void bn_znode_elect_encode(struct bn_str *out, const struct bn_znode_elect *in) {
    add_list(out, in->partitions, in->count, false);
}

int bn_znode_elect_decode(struct bn_slice data, struct bn_arena *a, struct bn_znode_elect *out, struct bn_err *e) {
    return read_list("preferred election", data, a, &out->partitions, &out->count, e);
}

void bn_znode_isr_change_encode(struct bn_str *out, const struct bn_znode_isr_change *in) {
    add_list(out, in->partitions, in->count, false);
}

int bn_znode_isr_change_decode(struct bn_slice data, struct bn_arena *a, struct bn_znode_isr_change *out,
                               struct bn_err *e) {
    return read_list("ISR change", data, a, &out->partitions, &out->count, e);
}

void bn_znode_log_dir_event_encode(struct bn_str *out, const struct bn_znode_log_dir_event *in) {
    bn_str_addf(out, "{\"version\":1,\"broker\":%d,\"event\":%d}", (int)in->broker, (int)in->event);
}

int bn_znode_log_dir_event_decode(struct bn_slice data, struct bn_arena *a, struct bn_znode_log_dir_event *out,
                                  struct bn_err *e) {
    struct bn_znode_json j;
    bn_znode_json_open(&j, "log directory event", data, a, e);
    out->broker = bn_znode_json_i32(&j, NULL, "broker", 0, REQUIRED);
    out->event = bn_znode_json_i32(&j, NULL, "event", 0, 1); /* 1 = failure, the only one there is */
    return bn_znode_json_close(&j);
}
