/* segment.h: one .log file with its two indexes. Private to broker/log.
 *
 * Files are opened by whoever needs them first and closed by bn_segment_rest, so that an idle partition has none open.
 */
#ifndef BN_SEGMENT_H
#define BN_SEGMENT_H

#include "broker/log/index.h"
#include "broker/log/scan.h"

enum { BN_SEGMENT_WINDOW = 8192 }; /* of header reads on the fetch path */
#define BN_SEGMENT_ALLOCATE_MIN (INT64_C(1) << 20)
#define BN_SEGMENT_ALLOCATE_MAX (INT64_C(64) << 20)
#define BN_SEGMENT_ALLOCATE_FROM                                                                                       \
    (INT64_C(64) << 10) /* bytes written since the last rest before anything is reserved                               \
                         */
#define BN_SEGMENT_UNKNOWN INT64_MIN

struct bn_segment {
    const struct bn_index_place *place;
    int64_t base_offset;
    int64_t size; /* bytes of whole batches; what lies behind in the file is garbage of a failed write */
    struct bn_file *file;
    struct bn_index offsets, times;
    int64_t max_timestamp, max_timestamp_offset; /* BN_SEGMENT_UNKNOWN until bn_segment_newest was asked */
    int64_t first_timestamp;                     /* of the first batch; BN_SEGMENT_UNKNOWN, -1 = none */
    int64_t created_ms;
    int64_t unindexed;                /* bytes since the last index entry */
    int64_t allocated, allocate_next; /* preallocated up to here; the next step */
    int64_t rested_size;              /* size at the last rest: tells whether anything was written since */
};

struct bn_segment *bn_segment_new(const struct bn_index_place *place, int64_t base_offset, int64_t now_ms);
void bn_segment_free(struct bn_segment *s); /* drops what is pending; file ranges handed out stay valid */
/* Makes an empty .log file, removing what has the same name. */
int bn_segment_create(struct bn_segment *s, struct bn_err *e) BN_MUST_CHECK;
/* The open .log file, borrowed. */
int bn_segment_file(struct bn_segment *s, struct bn_file **out) BN_MUST_CHECK;
/* Learns the size from the file. */
int bn_segment_stat(struct bn_segment *s, struct bn_err *e) BN_MUST_CHECK;

/* Takes the room of a segment of this size at once, if it has not; what is not written is given back when it is
 * finished or rests. Like all reserving it may fail silently. */
void bn_segment_preallocate(struct bn_segment *s, int64_t bytes);
/* Takes. Removes the files of a segment that could not be created whole. 0 or BN_IO. */
int bn_segment_discard(struct bn_segment *s) BN_MUST_CHECK;
/* Opens what writing and indexing need. 0, BN_NOROOM (no descriptors: nothing has happened), BN_IO. */
int bn_segment_ready(struct bn_segment *s) BN_MUST_CHECK;
/* Writes len bytes behind the end, without moving it. roll_bytes bounds preallocation. BN_NOROOM: nothing is there. */
int bn_segment_write(struct bn_segment *s, const uint8_t *ptr, size_t len, int64_t roll_bytes) BN_MUST_CHECK;
/* Takes one batch that stands at the end into account: size, timestamps, indexes. */
int bn_segment_note(struct bn_segment *s, const struct bn_batch *b, int64_t index_interval) BN_MUST_CHECK;
bool bn_segment_index_full(struct bn_segment *s, int64_t index_bytes);

/* The largest timestamp (-1: none) and the last offset of the batch that has it. */
int bn_segment_newest(struct bn_segment *s, int64_t *timestamp_ms, int64_t *offset) BN_MUST_CHECK;
/* The largest timestamp of the first batch; -1 when there is none. */
int bn_segment_first_timestamp(struct bn_segment *s, int64_t *timestamp_ms) BN_MUST_CHECK;

struct bn_segment_spot {
    int64_t position;      /* where `batch` starts */
    struct bn_batch batch; /* its header */
};
/* The first batch that ends at or above offset. from: a position known to start a batch not above offset, or 0.
 * 1 = found, 0 = the segment ends before, BN_BAD (a damaged file), BN_IO. */
int bn_segment_seek(struct bn_segment *s, int64_t offset, int64_t from, struct bn_segment_spot *out) BN_MUST_CHECK;
/* The batch that `limit` cuts: the last one that starts at or below it; from starts a batch. limit < size. 1, BN_BAD,
 * BN_IO. */
int bn_segment_cut(struct bn_segment *s, int64_t limit, int64_t from, struct bn_segment_spot *out) BN_MUST_CHECK;

/* Of ascending segments the one that holds offset, or the first. */
uint32_t bn_segment_of(struct bn_segment *const *list, uint32_t count, int64_t offset);

/* The segment gets no more data: last time index entry, indexes written, preallocated room given back. */
int bn_segment_finish(struct bn_segment *s) BN_MUST_CHECK;
/* Writes what is pending, gives back room, closes all files. */
int bn_segment_rest(struct bn_segment *s) BN_MUST_CHECK;
/* Cuts the file; the caller has seen to the indexes. Makes size the end. */
int bn_segment_truncate(struct bn_segment *s, int64_t size, struct bn_err *e) BN_MUST_CHECK;
/* Takes back, in memory only, all from position on, where the batch of that base offset starts (INT64_MAX: there is
 * none): size, indexes, timestamps. Cutting and syncing the files is the caller's. */
int bn_segment_forget(struct bn_segment *s, int64_t position, int64_t offset) BN_MUST_CHECK;
/* Empties both indexes and forgets what is known of timestamps: a walk over the batches will note them anew. */
int bn_segment_reset(struct bn_segment *s) BN_MUST_CHECK;

#endif
