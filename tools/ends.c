/* ends.c: offsets of partitions at a time, asked of their leaders.
 */
#include "tools/ends.h"

#include <stdlib.h>

#include "proto/kafka/errors.h"
#include "proto/kafka/kmsg.h"

enum { API_LIST_OFFSETS = 2 };

static int by_place(const void *x, const void *y) {
    const struct bn_ends_place *a = x, *b = y;
    return bn_slice_cmp_place(a->topic, a->partition, b->topic, b->partition);
}

const struct bn_ends_place *bn_ends_find(const struct bn_ends_place *places, size_t count, struct bn_slice topic,
                                         int32_t partition) {
    struct bn_ends_place key = {.topic = topic, .partition = partition};
    return count > 0 ? bsearch(&key, places, count, sizeof key, by_place) : NULL;
}

struct bn_ends_place bn_ends_place(const struct kmsg_metadata_response *all, struct bn_slice topic, int32_t partition) {
    struct bn_ends_place out = {topic, partition, -1, KE_UNKNOWN_TOPIC_OR_PARTITION, -1, -1};
    for (int32_t i = 0; i < all->topics.n; i++) {
        if (!bn_slice_eq(all->topics.v[i].name, topic)) continue;
        for (int32_t k = 0; k < all->topics.v[i].partitions.n; k++) {
            const struct kmsg_metadata_response_partition *p = &all->topics.v[i].partitions.v[k];
            if (p->partition_index != partition) continue;
            out.leader = p->leader_id;
            out.error = p->leader_id < 0 ? (int16_t)KE_LEADER_NOT_AVAILABLE : (int16_t)KE_NONE;
        }
    }
    return out;
}

static void take_answer(struct bn_ends_place *places, size_t count, const struct kmsg_list_offsets_response *r) {
    for (int32_t i = 0; i < r->topics.n; i++) {
        for (int32_t k = 0; k < r->topics.v[i].partitions.n; k++) {
            const struct kmsg_list_offsets_response_partition *p = &r->topics.v[i].partitions.v[k];
            struct bn_ends_place key = {.topic = r->topics.v[i].name, .partition = p->partition_index};
            struct bn_ends_place *place = bsearch(&key, places, count, sizeof key, by_place);
            if (!place) continue;
            place->error = p->error_code;
            place->offset = p->offset;
            place->timestamp = p->timestamp;
        }
    }
}

static bool ask_leader(struct bn_session *s, struct bn_ends_place *places, size_t count, int32_t leader, int64_t time) {
    struct kmsg_list_offsets_request q = kmsg_list_offsets_request_default;
    struct bn_arena *arena = bn_session_arena(s);
    q.replica_id = -1;
    q.topics.v = bn_arena_array(arena, count, sizeof *q.topics.v);
    struct kmsg_list_offsets_request_partition *rooms = bn_arena_array(arena, count, sizeof *rooms);
    if (!q.topics.v || !rooms) return false;
    for (size_t i = 0; i < count; i++) {
        if (places[i].leader != leader) continue;
        struct kmsg_list_offsets_request_topic *t = q.topics.n ? &q.topics.v[q.topics.n - 1] : NULL;
        if (!t || !bn_slice_eq(t->name, places[i].topic)) {
            t = &q.topics.v[q.topics.n++];
            t->name = places[i].topic;
            t->partitions.v = rooms;
        }
        *rooms = kmsg_list_offsets_request_partition_default;
        rooms->partition_index = places[i].partition;
        rooms->timestamp = time;
        rooms++;
        t->partitions.n++;
    }
    struct kmsg_list_offsets_response *r = bn_session_call_broker(s, leader, API_LIST_OFFSETS, &q);
    if (r) take_answer(places, count, r);
    return r != NULL;
}

size_t bn_ends_unique(struct bn_ends_place *places, size_t count) {
    size_t kept = 0;
    if (count > 1) qsort(places, count, sizeof *places, by_place);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || by_place(&places[kept - 1], &places[i]) != 0) places[kept++] = places[i];
    }
    return kept;
}

bool bn_ends_ask(struct bn_session *s, struct bn_ends_place *places, size_t count, int64_t time) {
    bool ok = true;
    if (count > 1) qsort(places, count, sizeof *places, by_place);
    for (size_t i = 0; i < count; i++) {
        bool first = places[i].leader >= 0;
        for (size_t k = 0; k < i && first; k++) first = places[k].leader != places[i].leader;
        if (first) ok = ask_leader(s, places, count, places[i].leader, time) && ok;
    }
    return ok;
}
