/* replay.h: producer state from a directory: the newest snapshot and the batches behind it. Private to broker/log. */
#ifndef BN_REPLAY_H
#define BN_REPLAY_H

#include "broker/log/producer.h"
#include "broker/log/segment.h"

struct bn_replay {
    /* in */
    const struct bn_index_place *place;
    const char *name;                 /* of the log, for messages */
    const struct bn_disk_entry *list; /* of the directory, sorted */
    size_t list_count;
    struct bn_segment *const *segments; /* ascending, at least one; their files are opened and stay so */
    uint32_t segment_count;
    int64_t end_offset;
    struct bn_slice window; /* memory to read through */
    /* out */
    struct bn_producer_table *producers; /* initialised */
    int64_t snapshot_offset;             /* of the snapshot that was used, or -1 */
};
/* Makes the table that of end_offset. Removes snapshots that can't be believed, that lie above the end (that is synced:
 * one of them must not come back once the log has grown beyond it with other batches), or that are neither the newest
 * nor a segment's. BN_IO. */
int bn_replay_run(struct bn_replay *r, struct bn_err *e) BN_MUST_CHECK;

#endif
