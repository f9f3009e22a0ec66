/* world.h: a log in a memory disk with a clock that stands still, and batches to put into it. */
#ifndef UNIT_LOG_WORLD_H
#define UNIT_LOG_WORLD_H

#include <check.h>

#include "broker/log/log.h"
#include "common/base/alloc.h"
#include "common/base/str.h"
#include "common/sys/memdisk.h"
#include "proto/kafka/batch.h"
#include "proto/kafka/errors.h"

struct world {
    struct bn_memdisk *mem;
    const struct bn_disk *disk;
    struct bn_clock clock;
    struct bn_env env;
    int64_t now_ms;
    struct bn_log_open open; /* what world_open passes */
    struct bn_log *log;
    struct bn_str sent; /* every byte acknowledged, with the offsets it got */
};

void world_init(struct world *w);
void world_fini(struct world *w);
/* Opens open.dir, expecting success. */
void world_open(struct world *w, bool clean, int64_t recovery_point);
void world_close(struct world *w); /* cleanly */
void world_abandon(struct world *w);

struct batch_spec {
    int count, value_bytes; /* of records; of each value */
    int64_t timestamp;      /* of the first; each record is 1 ms later */
    int64_t producer_id;    /* 0 = none */
    int16_t producer_epoch;
    int32_t sequence;
    int codec;
    int16_t attributes;
    int no_key; /* that many of the first have none */
};
/* Appends the batch to out (initialised). */
void world_batch(const struct batch_spec *s, struct bn_str *out);
/* Appends it to the log under leader epoch 1 (or `epoch`); on success also to w->sent. */
struct bn_log_append world_append(struct world *w, const struct batch_spec *s);
struct bn_log_append world_append_epoch(struct world *w, const struct batch_spec *s, int32_t epoch);
struct bn_log_append world_append_bytes(struct world *w, struct bn_str *bytes, int32_t epoch, bool internal,
                                        bool legacy);
/* n records of a few bytes, one batch; expects success. */
void world_put(struct world *w, int n);
/* Bytes of [offset, upper) through bn_log_read into out. Returns its status. */
int world_read(struct world *w, int64_t offset, int64_t upper, size_t max_bytes, bool whole_first, struct bn_str *out);
/* What the log gives from its start is the same as the end of w->sent. */
void world_check_all(struct world *w);

/* Of every batch from the log's start: the checksum holds, and the log's epochs and producers are what these batches
 * make of them (an epoch without a batch at the end apart). For a log that was never cut at the front but by its start
 * offset. */
void world_check_fold(struct world *w);

void world_write_file(struct world *w, const char *path, const void *ptr, size_t len);
/* NUL-terminated; free with bn_alloc_free. NULL when absent. */
char *world_read_file(struct world *w, const char *path, size_t *len);
bool world_exists(struct world *w, const char *path);

#endif
