/* session_cache.c: the fetch sessions of one home shard, and the lanes on this shard of everybody's sessions.
 *
 * An id tells its home: id modulo the number of shards. Ids are random, so that nobody goes on with another's session
 * by accident.
 *
 * Lifetimes. A session is its home's: it is found by id, and freed when it is closed, evicted or the broker ends. A
 * lane is its own shard's. Home only sends to it, in order: visits, and one last message that frees it. What a lane
 * tells is addressed to (home, id), so that nobody waits for anybody when a session ends. A request under way keeps
 * what the lanes gave it, in memory of its own, and is told when its session ends (closed); its visits under way come
 * to the lanes before the last message.
 *
 * Bounds: as many sessions as max.incremental.fetch.session.cache.slots, and as many partitions in all of them as the
 * composer says; both are shared out to the shards. */
#include "broker/api/session_cache.h"

#include "broker/api/fetch_session.h"
#include "common/base/alloc.h"
#include "common/base/map.h"

/* Kafka's MIN_INCREMENTAL_FETCH_SESSION_EVICTION_MS: a session is safe for so long, and stale when idle for longer. */
enum { EVICTION_MS = 120000 };

struct bn_session_cache {
    const struct bn_api_deps *deps;
    struct bn_shard *shard;
    int slots;
    int64_t partitions_max, partitions;
    struct bn_map by_id;
    struct bn_list by_use; /* struct bn_session_cache_entry, the one used last at the end */
    struct bn_list lanes;  /* on this shard, of any home's sessions */
};

static struct bn_slice key_of(const int32_t *id) { return bn_slice_of(id, sizeof *id); }

struct bn_session_cache *bn_session_cache_new(const struct bn_api_deps *deps, struct bn_shard *shard, int slots,
                                              int64_t partitions) {
    struct bn_session_cache *c = bn_alloc_zero(1, sizeof *c);
    c->deps = deps;
    c->shard = shard;
    c->slots = slots;
    c->partitions_max = partitions;
    bn_map_init(&c->by_id);
    bn_list_init(&c->by_use);
    bn_list_init(&c->lanes);
    return c;
}

static void free_entry(struct bn_session_cache_entry *s) {
    size_t at = 0;
    for (struct bn_map_entry *e; (e = bn_map_next(&s->topics, &at)) != NULL;) bn_alloc_free(e->value);
    bn_map_fini(&s->topics);
    bn_alloc_free(s);
}

void bn_session_cache_free(struct bn_session_cache *c) {
    if (!c) return;
    for (struct bn_list *it; (it = bn_list_pop_front(&c->by_use)) != NULL;)
        free_entry(BN_CONTAINER_OF(it, struct bn_session_cache_entry, link));
    bn_session_lane_free_all(&c->lanes);
    bn_map_fini(&c->by_id);
    bn_alloc_free(c);
}

int bn_session_cache_share(int slots, int shard, int shard_count) {
    return slots / shard_count + (shard < slots % shard_count);
}

int bn_session_cache_home(int32_t id, int shard_count) { return (int)((uint32_t)id % (uint32_t)shard_count); }
struct bn_list *bn_session_cache_lanes(struct bn_session_cache *c) {
    return &c->lanes;
}
int bn_session_cache_count(const struct bn_session_cache *c) { return (int)c->by_id.count; }
int64_t bn_session_cache_partitions(const struct bn_session_cache *c) { return c->partitions; }

struct bn_session_cache_entry *bn_session_cache_find(struct bn_session_cache *c, int32_t id) {
    BN_ON_SHARD(c->shard);
    return bn_map_get(&c->by_id, key_of(&id));
}

/* ---- ending ---- */

struct farewell {
    struct bn_msg msg;
    struct bn_session_lane *lane;
};

static void run_farewell(struct bn_msg *m) {
    struct farewell *f = BN_CONTAINER_OF(m, struct farewell, msg);
    bn_session_lane_free(f->lane);
    bn_alloc_free(f);
}

static void send_off(const struct bn_session_cache *c, int shard, struct bn_session_lane *lane) {
    if (c->deps->shards[shard] == c->shard) {
        bn_session_lane_free(lane);
        return;
    }
    struct farewell *f = bn_alloc(sizeof *f);
    *f = (struct farewell){.msg.run = run_farewell, .lane = lane};
    bn_shard_post(c->deps->shards[shard], &f->msg);
}

void bn_session_cache_close(struct bn_session_cache_entry *s) {
    struct bn_session_cache *c = s->cache;
    BN_ON_SHARD(c->shard);
    bn_map_remove(&c->by_id, key_of(&s->id));
    bn_list_remove(&s->link);
    c->partitions -= s->size;
    for (int i = 0; i < c->deps->shard_count; i++) {
        if (s->lanes[i].lane) send_off(c, i, s->lanes[i].lane);
    }
    void *fetch = s->fetch;
    void (*closed)(void *) = s->closed;
    free_entry(s);
    if (fetch) closed(fetch);
}

/* ---- room ---- */

/* Kafka's order of worth: followers over consumers, then the larger over the smaller. */
static bool worth_less(bool follower, int64_t size, const struct bn_session_cache_entry *than) {
    if (follower != than->follower) return than->follower;
    return size < than->size;
}

/* Whom a new session may push out (Kafka's FetchSessionCache.tryEvict): one that was idle too long; else, of those that
 * are older than that, and for a follower also of the consumers' of any age, the one worth least, unless the new one is
 * worth less still. */
static bool evict(struct bn_session_cache *c, bool follower, int64_t size) {
    if (bn_list_empty(&c->by_use)) return false;
    uint64_t now_ms = bn_loop_now_ms(c->shard->loop);
    struct bn_session_cache_entry *stalest = BN_CONTAINER_OF(c->by_use.next, struct bn_session_cache_entry, link);
    if (now_ms - stalest->used_ms > EVICTION_MS) {
        bn_session_cache_close(stalest);
        return true;
    }
    struct bn_session_cache_entry *least = NULL;
    BN_LIST_FOR (it, &c->by_use) {
        struct bn_session_cache_entry *s = BN_CONTAINER_OF(it, struct bn_session_cache_entry, link);
        bool old = now_ms - s->created_ms > EVICTION_MS;
        if (!old && !(follower && !s->follower)) continue;
        if (!least || worth_less(s->follower, s->size, least)) least = s;
    }
    if (!least || worth_less(follower, size, least)) return false;
    bn_session_cache_close(least);
    return true;
}

static int32_t draw_id(struct bn_session_cache *c) {
    int32_t shards = c->deps->shard_count;
    for (;;) {
        uint32_t random = 0;
        c->deps->env->random(&random, sizeof random);
        int32_t id = (int32_t)(random & INT32_MAX);
        id -= id % shards;
        if (id > INT32_MAX - shards) continue;
        id += c->shard->index;
        if (id > 0 && !bn_map_get(&c->by_id, key_of(&id))) return id;
    }
}

struct bn_session_cache_entry *bn_session_cache_open(struct bn_session_cache *c, bool follower, bool by_id,
                                                     int64_t size) {
    BN_ON_SHARD(c->shard);
    if (c->slots == 0 || size > c->partitions_max) return NULL;
    while (bn_session_cache_count(c) >= c->slots || c->partitions + size > c->partitions_max) {
        if (!evict(c, follower, size)) return NULL;
    }
    size_t shards = (size_t)c->deps->shard_count;
    struct bn_session_cache_entry *s = bn_alloc_zero(1, sizeof *s + shards * sizeof *s->lanes);
    s->id = draw_id(c);
    s->epoch = 1;
    s->follower = follower;
    s->by_id = by_id;
    s->created_ms = s->used_ms = bn_loop_now_ms(c->shard->loop);
    s->answered_ms = INT64_MIN;
    s->size = size;
    s->lot = (uint32_t)s->id | 1;
    s->cache = c;
    bn_map_init(&s->topics);
    s->image_epoch = -1;
    c->partitions += size;
    bn_map_put(&c->by_id, key_of(&s->id), s);
    bn_list_push_back(&c->by_use, &s->link);
    return s;
}

bool bn_session_cache_touch(struct bn_session_cache_entry *s, int64_t more) {
    struct bn_session_cache *c = s->cache;
    s->used_ms = bn_loop_now_ms(c->shard->loop);
    bn_list_remove(&s->link);
    bn_list_push_back(&c->by_use, &s->link);
    if (c->partitions + more > c->partitions_max) return false;
    bn_session_cache_resize(s, s->size + more);
    return true;
}

void bn_session_cache_resize(struct bn_session_cache_entry *s, int64_t size) {
    s->cache->partitions += size - s->size;
    s->size = size;
}

struct bn_session_cache_lane *bn_session_cache_lane(struct bn_session_cache_entry *s, int shard) {
    struct bn_session_cache_lane *lane = &s->lanes[shard];
    if (lane->lane) return lane;
    const struct bn_api_deps *deps = s->cache->deps;
    struct bn_session_lane_config config = {
        .deps = deps,
        .shard = deps->shards[shard],
        .home = s->cache->shard,
        .lanes = &deps->sessions[shard]->lanes,
        .cache = s->cache,
        .session_id = s->id,
        .follower = s->follower,
        .any_replica = !s->follower, /* a session's consumer that is older gets an error, and asks anew after it */
        .news = bn_fetch_session_news,
    };
    lane->lane = bn_session_lane_new(&config);
    return lane;
}

/* ---- sessions by names (before Fetch 13) ---- */

void bn_session_cache_name(struct bn_session_cache_entry *s, const struct bn_uuid *topic_id) {
    if (bn_map_get(&s->topics, bn_slice_of(topic_id->bytes, 16))) return;
    struct bn_uuid *copy = bn_alloc(sizeof *copy);
    *copy = *topic_id;
    bn_map_put(&s->topics, bn_slice_of(copy->bytes, 16), copy);
}

/* A topic's name never changes, so it is enough that the topic is there. Looked at once an image. */
bool bn_session_cache_names_hold(struct bn_session_cache_entry *s) {
    const struct bn_api_deps *deps = s->cache->deps;
    const struct bn_image *image = deps->image(deps->arg, s->cache->shard);
    if (image->controller_epoch == s->image_epoch && image->sequence == s->image_sequence) return true;
    size_t at = 0;
    for (struct bn_map_entry *e; (e = bn_map_next(&s->topics, &at)) != NULL;) {
        if (!bn_image_topic_by_id(image, e->value)) return false;
    }
    s->image_epoch = image->controller_epoch;
    s->image_sequence = image->sequence;
    return true;
}
