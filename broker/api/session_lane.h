/* session_lane.h: those partitions of one fetch session that live on one shard: what the client asked of each, what it
 * was told, and which have something new (KIP-227). Everything here runs on the lane's shard, but bn_session_lane_new.
 */
#ifndef BN_SESSION_LANE_H
#define BN_SESSION_LANE_H

#include "broker/api/request.h"

struct bn_session_cache;
struct bn_session_lane;

struct bn_session_lane_key {
    struct bn_uuid topic_id;
    int32_t partition;
};

/* What a request says of one partition. Lives as long as the request. */
struct bn_session_lane_change {
    struct bn_session_lane_change *next;
    struct bn_session_lane_key key;
    bool forget;
    int32_t max_bytes, current_leader_epoch, last_fetched_epoch;
    int64_t offset, log_start_offset;
};

/* One partition's share of an answer. */
struct bn_session_lane_result {
    struct bn_session_lane_key key;
    struct bn_slice name;          /* of the topic, for versions without ids; the visitor's to fill */
    struct bn_partition_read read; /* its chain is the holder's to fini */
    bool news;                     /* to be answered even without records */
};
struct bn_session_lane_results {
    struct bn_session_lane_results *next; /* the holder's */
    int count, capacity;
    struct bn_session_lane_result items[];
};

/* One look at a lane, for one request. */
struct bn_session_lane_visit {
    const struct bn_session_lane_change *changes; /* a list; applied first */
    bool confirmed; /* what the visit before gave was answered; else it will be given again */
    bool progress;  /* the first look of a request: counts as a follower's fetch */
    bool read_committed, by_id, any_replica;
    struct bn_slice rack; /* borrowed, as is listener */
    const char *listener;
    int32_t replica_id;
    int64_t replica_epoch;
    int64_t heard_ms; /* as of bn_session_lane_heard; counts for what is there after the changes */
    int64_t max_bytes;
    /* out */
    struct bn_session_lane_results *results; /* given; NULL = none */
    int64_t bytes;
    int64_t slot_count; /* partitions of the lane */
    bool urgent;        /* an error, a divergence, or a better replica: not to be waited with */
    bool dirty;         /* there will be something to look at the next time */
};

struct bn_session_lane_config {
    const struct bn_api_deps *deps;
    struct bn_shard *shard, *home;
    struct bn_list *lanes;          /* of the shard; the lane enters it with its first visit */
    struct bn_session_cache *cache; /* the home's */
    int32_t session_id;
    bool follower, any_replica; /* as in struct bn_partition_interest */
    /* On the home shard, some time later and by value: the session may be gone by then. */
    void (*news)(struct bn_session_cache *cache, int32_t session_id, int lane, bool wake);
};

/* Any shard; then it is its own shard's, which is told by messages in order: visits, and once bn_session_lane_free. */
struct bn_session_lane *bn_session_lane_new(const struct bn_session_lane_config *config);
void bn_session_lane_free(struct bn_session_lane *lane);
void bn_session_lane_visit(struct bn_session_lane *lane, struct bn_session_lane_visit *v);
/* The follower still asked then for every partition of the lane; INT64_MIN: not known. Instead of a visit, when there
 * is nothing to look at. The home's shard. */
void bn_session_lane_heard(struct bn_session_lane *lane, int64_t heard_ms);
/* Frees a list of results. Any shard. */
void bn_session_lane_drop(struct bn_session_lane_results *results);
/* Frees all lanes of a list, when the threads have stopped. */
void bn_session_lane_free_all(struct bn_list *lanes);
/* What one idle partition of a session takes, without its share of the table. */
size_t bn_session_lane_slot_bytes(void);

#endif
