/* session_cache.h: the fetch sessions whose home is one shard (KIP-227), found by id, bounded, and evicted as Kafka
 * does. Everything on the shard, but bn_session_cache_home. */
#ifndef BN_SESSION_CACHE_H
#define BN_SESSION_CACHE_H

#include "broker/api/session_lane.h"

struct bn_session_cache;

/* The home's side of a lane. */
struct bn_session_cache_lane {
    struct bn_session_lane *lane; /* NULL until a partition of this session lives there; the lane's shard's */
    int64_t slot_count;           /* as of the last visit */
    bool dirty, woken;            /* there is something to look at; something a parked fetch waits for */
    bool answered;                /* what the last visit gave has gone to the client */
};

struct bn_session_cache_entry {
    int32_t id, epoch; /* of the next request */
    bool follower, by_id;
    uint64_t created_ms, used_ms;
    int64_t answered_ms;  /* the request before was; INT64_MIN */
    int64_t size;         /* partitions, as of the last request; before the first, at most so many */
    struct bn_map topics; /* ids of the topics of a session by names; see bn_session_cache_names_hold */
    int32_t image_epoch;  /* the image they were held against last */
    int64_t image_sequence;
    uint32_t lot; /* which lane goes first is drawn from it */
    struct bn_session_cache *cache;
    struct bn_list link;                  /* in the order of use */
    void *fetch;                          /* the request under way, or NULL */
    void (*closed)(void *fetch);          /* told when the session ends under it */
    struct bn_session_cache_lane lanes[]; /* by shard */
};

/* slots and partitions: the bounds of this shard's share. deps is borrowed for life. */
struct bn_session_cache *bn_session_cache_new(const struct bn_api_deps *deps, struct bn_shard *shard, int slots,
                                              int64_t partitions);
/* When the shards' threads have stopped. */
void bn_session_cache_free(struct bn_session_cache *c);
/* This shard's share of what the broker may keep; -1 slots and the like are the caller's fault. */
int bn_session_cache_share(int slots, int shard, int shard_count);

/* Which shard is home to a session's id. Any shard. */
int bn_session_cache_home(int32_t id, int shard_count);
struct bn_session_cache_entry *bn_session_cache_find(struct bn_session_cache *c, int32_t id); /* NULL */
/* A new session of at most `size` partitions, epoch 1. NULL when there is no room and nothing worth less to evict. */
struct bn_session_cache_entry *bn_session_cache_open(struct bn_session_cache *c, bool follower, bool by_id,
                                                     int64_t size);
/* Ends it: a request under way is told, the lanes are sent for. */
void bn_session_cache_close(struct bn_session_cache_entry *s);
/* It is being used, and may get so many partitions more; false when there is no room for them. */
bool bn_session_cache_touch(struct bn_session_cache_entry *s, int64_t more);
void bn_session_cache_resize(struct bn_session_cache_entry *s, int64_t size);
/* The lane of a shard, made when it is needed. */
struct bn_session_cache_lane *bn_session_cache_lane(struct bn_session_cache_entry *s, int shard);
/* Tells a session by names of a topic it has. */
void bn_session_cache_name(struct bn_session_cache_entry *s, const struct bn_uuid *topic_id);
/* False when a topic of a session by names is gone (a new one of its name is another topic): it has to end. */
bool bn_session_cache_names_hold(struct bn_session_cache_entry *s);
/* What lanes of this shard's partitions are kept in; broker/api's own. */
struct bn_list *bn_session_cache_lanes(struct bn_session_cache *c);
int bn_session_cache_count(const struct bn_session_cache *c);
int64_t bn_session_cache_partitions(const struct bn_session_cache *c);

#endif
