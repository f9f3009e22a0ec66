/* session_lane.c: the partitions of one session on one shard, and which of them have something new.
 *
 * A slot holds what the client asked of its partition and what it was told last. It is either clean, or in the list of
 * dirty ones in the order in which they will be looked at. A visit looks at the dirty ones only, so that an answer
 * costs what has changed, however many partitions the session has.
 *
 * Invariants
 *  1. A clean slot has a wish registered with its partition (broker/replica/partition.h), and the client knows all
 *     there is: the wish's moved() makes it dirty.
 *  2. A dirty slot becomes clean only when a look finds nothing to tell: no error (those are looked at every time), no
 *     records below the readable end, nothing given that the client may not have got (given, owed).
 *  3. The home shard is told once when a lane that was clean at the last visit becomes dirty, and once when there is
 *     something to wake a parked fetch for. It is told by value, with the session's id: nothing of home's is touched
 *     here, and whatever arrives late finds no session.
 *  4. Slots that gave records go to the end of the order once the client has been answered. */
#include "broker/api/session_lane.h"

#include "broker/api/fetch_answer.h"
#include "common/base/alloc.h"
#include "common/base/map.h"

enum told { TOLD_NOTHING, TOLD_DIRTY, TOLD_WAKE };

enum { RESULTS_FIRST = 8 };

struct slot {
    struct bn_session_lane_key key; /* the map's key */
    int32_t max_bytes;
    struct bn_partition_interest interest;
    struct bn_list dirty; /* in lane->dirty, or alone */
    struct bn_session_lane *lane;
    int64_t offset, log_start_offset;
    int64_t told_high_watermark, told_log_start; /* -1: nothing, or an error */
    int32_t current_leader_epoch, last_fetched_epoch;
    bool given;     /* in the results of the last visit */
    bool gave_data; /* with records */
    bool owed;      /* those results were not answered: give them again */
};

struct bn_session_lane {
    struct bn_session_lane_config config;
    struct bn_list link;
    struct bn_map slots;
    struct bn_list dirty;
    _Atomic int64_t heard_ms; /* what the slots' wishes vouch with; home may write it between visits */
    enum told told;
    bool visiting; /* home hears of it by the visit's own result */
};

struct news {
    struct bn_msg msg;
    struct bn_session_lane_config lane; /* by value: the lane may be gone when this arrives */
    bool wake;
};

struct bn_session_lane *bn_session_lane_new(const struct bn_session_lane_config *config) {
    struct bn_session_lane *lane = bn_alloc_zero(1, sizeof *lane);
    lane->config = *config;
    atomic_init(&lane->heard_ms, INT64_MIN);
    bn_list_init(&lane->link);
    bn_list_init(&lane->dirty);
    bn_map_init(&lane->slots);
    return lane;
}

static struct bn_slice key_of(const struct bn_session_lane_key *k) { return bn_slice_of(k, sizeof *k); }

static void free_slot(struct slot *s) {
    bn_partition_interest_drop(&s->interest);
    bn_list_remove(&s->dirty);
    bn_alloc_free(s);
}

static void free_lane(struct bn_session_lane *lane) {
    size_t at = 0;
    for (struct bn_map_entry *e; (e = bn_map_next(&lane->slots, &at)) != NULL;) free_slot(e->value);
    bn_map_fini(&lane->slots);
    bn_list_remove(&lane->link);
    bn_alloc_free(lane);
}

void bn_session_lane_free(struct bn_session_lane *lane) {
    BN_ON_SHARD(lane->config.shard);
    free_lane(lane);
}

void bn_session_lane_free_all(struct bn_list *lanes) {
    while (!bn_list_empty(lanes)) free_lane(BN_CONTAINER_OF(lanes->next, struct bn_session_lane, link));
}

size_t bn_session_lane_slot_bytes(void) { return sizeof(struct slot); }

/* ---- what partitions tell ---- */

static void run_news(struct bn_msg *m) {
    struct news *n = BN_CONTAINER_OF(m, struct news, msg);
    n->lane.news(n->lane.cache, n->lane.session_id, n->lane.shard->index, n->wake);
    bn_alloc_free(n);
}

static void set_dirty(struct slot *s) {
    if (bn_list_empty(&s->dirty)) bn_list_push_back(&s->lane->dirty, &s->dirty);
}

static void moved(struct bn_partition_interest *i, bool wake) {
    struct slot *s = BN_CONTAINER_OF(i, struct slot, interest);
    struct bn_session_lane *lane = s->lane;
    set_dirty(s);
    enum told telling = wake ? TOLD_WAKE : TOLD_DIRTY;
    if (lane->visiting || lane->told >= telling) return;
    lane->told = telling;
    struct news *n = bn_alloc(sizeof *n);
    *n = (struct news){.msg.run = run_news, .lane = lane->config, .wake = wake};
    bn_shard_post(lane->config.home, &n->msg);
}

/* ---- what requests change ---- */

static struct slot *add_slot(struct bn_session_lane *lane, const struct bn_session_lane_key *key) {
    struct slot *s = bn_alloc_zero(1, sizeof *s);
    s->key = *key;
    s->lane = lane;
    s->told_high_watermark = s->told_log_start = -1;
    s->interest.follower = lane->config.follower;
    s->interest.any_replica = lane->config.any_replica;
    s->interest.moved = moved;
    if (lane->config.follower) s->interest.heard_ms = &lane->heard_ms;
    bn_list_init(&s->interest.link);
    bn_list_init(&s->dirty);
    bn_map_put(&lane->slots, key_of(&s->key), s);
    return s;
}

static void change(struct bn_session_lane *lane, const struct bn_session_lane_change *c) {
    struct slot *s = bn_map_get(&lane->slots, key_of(&c->key));
    if (c->forget) {
        if (!s) return;
        bn_map_remove(&lane->slots, key_of(&c->key));
        free_slot(s);
        return;
    }
    if (!s) s = add_slot(lane, &c->key);
    s->max_bytes = c->max_bytes;
    s->interest.leader_epoch = s->current_leader_epoch = c->current_leader_epoch;
    s->last_fetched_epoch = c->last_fetched_epoch;
    s->offset = c->offset;
    s->log_start_offset = c->log_start_offset;
    set_dirty(s);
}

/* What the last visit gave is known to the client now, or has to be given again. */
static void settle(struct bn_session_lane *lane, bool confirmed) {
    struct bn_list served;
    bn_list_init(&served);
    BN_LIST_FOR (it, &lane->dirty) {
        struct slot *s = BN_CONTAINER_OF(it, struct slot, dirty);
        if (!s->given) continue;
        s->given = false;
        s->owed = !confirmed;
        if (!confirmed || !s->gave_data) continue;
        bn_list_remove(it);
        bn_list_push_back(&served, it);
    }
    for (struct bn_list *it; (it = bn_list_pop_front(&served)) != NULL;) bn_list_push_back(&lane->dirty, it);
}

/* ---- looking ---- */

/* No such replica here. Which error says so depends on what this shard's image knows. */
static int16_t missing(const struct bn_session_lane *lane, const struct slot *s, bool by_id) {
    const struct bn_api_deps *deps = lane->config.deps;
    struct bn_image *image = deps->image(deps->arg, lane->config.shard);
    const struct bn_image_topic *topic = bn_image_topic_by_id(image, &s->key.topic_id);
    if (!topic) return by_id ? KE_UNKNOWN_TOPIC_ID : KE_UNKNOWN_TOPIC_OR_PARTITION;
    if (!bn_image_partition(topic, s->key.partition)) return KE_UNKNOWN_TOPIC_OR_PARTITION;
    return KE_NOT_LEADER_OR_FOLLOWER;
}

static void prepare_read(const struct slot *s, const struct bn_session_lane_visit *v, struct bn_partition_read *r) {
    *r = (struct bn_partition_read){
        .offset = s->offset,
        .max_bytes = (size_t)bn_max_i64(0, bn_min_i64(s->max_bytes, v->max_bytes - v->bytes)),
        .current_leader_epoch = s->current_leader_epoch,
        .replica_id = v->replica_id,
        .replica_epoch = v->replica_epoch,
        .replica_log_start = s->log_start_offset,
        .last_fetched_epoch = s->last_fetched_epoch,
        .progress = v->progress,
        .whole_first = v->bytes == 0,
        .read_committed = v->read_committed,
        .any_replica = v->any_replica,
        .rack = v->rack,
        .listener = v->listener,
        .preferred = -1,
        .high_watermark = -1,
        .last_stable_offset = -1,
        .log_start_offset = -1,
        .readable_end = -1,
        .leader_id = -1,
        .leader_epoch = -1,
        .diverging_epoch = -1,
        .diverging_end = -1,
    };
    bn_chain_init(&r->records);
}

static struct bn_session_lane_result *next_result(struct bn_session_lane_visit *v) {
    struct bn_session_lane_results *all = v->results;
    if (!all || all->count == all->capacity) {
        int capacity = all ? all->capacity * 2 : RESULTS_FIRST, count = all ? all->count : 0;
        all = bn_alloc_resize(all, sizeof *all + (size_t)capacity * sizeof all->items[0]);
        *all = (struct bn_session_lane_results){.count = count, .capacity = capacity};
        v->results = all;
    }
    return &all->items[all->count];
}

static void look(struct bn_session_lane *lane, struct slot *s, struct bn_session_lane_visit *v) {
    struct bn_roster *roster = lane->config.deps->rosters[lane->config.shard->index]; /* NULL: the broker stops */
    struct bn_partition *p = roster ? bn_roster_find(roster, &s->key.topic_id, s->key.partition) : NULL;
    struct bn_session_lane_result *out = next_result(v);
    struct bn_partition_read *r = &out->read;
    prepare_read(s, v, r);
    if (p)
        bn_partition_read(p, r);
    else
        r->error = missing(lane, s, v->by_id);
    s->interest.replica_id = v->replica_id;
    if (p && bn_list_empty(&s->interest.link)) {
        s->interest.seen = r->readable_end;
        bn_partition_interest_add(p, &s->interest);
    }
    bool failed = bn_fetch_answer_urgent(r);
    /* An error takes back what was told of the offsets: they are told again when it has gone. */
    int64_t high_watermark = r->error ? -1 : r->high_watermark, log_start = r->error ? -1 : r->log_start_offset;
    bool news = failed || s->owed || high_watermark != s->told_high_watermark || log_start != s->told_log_start;
    if (!news && r->bytes == 0) {
        bn_chain_fini(&r->records);
        if (s->offset >= r->readable_end) bn_list_remove(&s->dirty);
        return;
    }
    s->told_high_watermark = high_watermark;
    s->told_log_start = log_start;
    s->given = true;
    s->gave_data = r->bytes > 0;
    out->key = s->key;
    out->name = BN_SLICE_NULL;
    out->news = news;
    v->results->count++;
    v->bytes += (int64_t)r->bytes;
    v->urgent = v->urgent || failed;
}

void bn_session_lane_heard(struct bn_session_lane *lane, int64_t heard_ms) {
    atomic_store_explicit(&lane->heard_ms, heard_ms, memory_order_relaxed);
}

void bn_session_lane_visit(struct bn_session_lane *lane, struct bn_session_lane_visit *v) {
    BN_ON_SHARD(lane->config.shard);
    if (bn_list_empty(&lane->link)) bn_list_push_back(lane->config.lanes, &lane->link);
    lane->visiting = true;
    settle(lane, v->confirmed);
    for (const struct bn_session_lane_change *c = v->changes; c; c = c->next) change(lane, c);
    bn_session_lane_heard(lane, v->heard_ms);
    struct bn_list ahead; /* a look may make other slots dirty: those come after */
    bn_list_init(&ahead);
    for (struct bn_list *it; (it = bn_list_pop_front(&lane->dirty)) != NULL;) bn_list_push_back(&ahead, it);
    while (!bn_list_empty(&ahead)) {
        struct bn_list *it = bn_list_pop_front(&ahead);
        bn_list_push_back(&lane->dirty, it);
        look(lane, BN_CONTAINER_OF(it, struct slot, dirty), v);
    }
    lane->visiting = false;
    v->slot_count = (int64_t)lane->slots.count;
    v->dirty = !bn_list_empty(&lane->dirty);
    lane->told = v->dirty ? TOLD_DIRTY : TOLD_NOTHING;
}

void bn_session_lane_drop(struct bn_session_lane_results *results) {
    while (results) {
        struct bn_session_lane_results *next = results->next;
        for (int i = 0; i < results->count; i++) bn_chain_fini(&results->items[i].read.records);
        bn_alloc_free(results);
        results = next;
    }
}
