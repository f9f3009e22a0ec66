/* scatter.h: fan one request out to the shards that own its partitions, and gather.
 *
 * A handler fills an array of parts (in the request's arena), each naming a partition; run() is called for each part
 * on the shard that owns the partition (at once, without a message, when that is the connection's own), with
 * partition NULL when no such replica lives here. A part ends, now or later, by bn_scatter_done on that shard; when
 * all have ended, gather() runs on the request's shard. */
#ifndef BN_SCATTER_H
#define BN_SCATTER_H

#include "broker/api/request.h"

struct bn_scatter;

struct bn_scatter_part { /* first member of the handler's own part struct */
    struct bn_scatter *scatter;
    struct bn_uuid topic_id;
    int32_t partition;
    int shard;
    bool skip; /* already answered by the handler (unknown topic, bad argument): not sent anywhere */
    struct bn_scatter_part *next; /* scatter's own */
};

struct bn_scatter {
    struct bn_request *request;
    void *parts;       /* array of structs that begin with struct bn_scatter_part */
    size_t part_size;
    int count;
    void (*run)(struct bn_scatter_part *part, struct bn_partition *partition);
    void (*gather)(struct bn_scatter *s);
    /* scatter's own */
    struct bn_scatter_lane *lanes;
    int outstanding;
};

/* Allocates its lanes (one message per shard) from the request's arena. False when the arena refuses: nothing was
 * started. May be run again after gather (a fetch that was parked). */
bool bn_scatter_run(struct bn_scatter *s) BN_MUST_CHECK;
void bn_scatter_done(struct bn_scatter_part *part);

#endif
