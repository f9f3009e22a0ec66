/* world.c: see world.h. The disk is common/sys/memdisk, so that power can be cut; time moves only when a test says so.
 */
#include "tests/unit/broker/log/world.h"

#include <stdio.h>

#include "broker/log/log_int.h"

static int64_t wall_ms(const struct bn_clock *c) { return BN_CONTAINER_OF(c, const struct world, clock)->now_ms; }
static uint64_t mono_ms(const struct bn_clock *c) { return (uint64_t)wall_ms(c); }
static void random_bytes(void *ptr, size_t len) { memset(ptr, 0x5a, len); }

void world_init(struct world *w) {
    *w = (struct world){.mem = bn_memdisk_new(), .now_ms = 1000000};
    w->disk = bn_memdisk_disk(w->mem);
    w->clock = (struct bn_clock){.mono_ms = mono_ms, .wall_ms = wall_ms};
    w->env = (struct bn_env){.clock = &w->clock, .disk = w->disk, .random = random_bytes};
    w->open.env = &w->env;
    w->open.dir = "/data/t-0";
    w->open.name = "t-0";
    bn_log_config_defaults(&w->open.config);
    ck_assert_int_eq(w->disk->mkdir(w->disk, "/data", NULL), 0);
    ck_assert_int_eq(w->disk->sync_dir(w->disk, "/", NULL), 0);
    bn_str_init(&w->sent);
}

void world_fini(struct world *w) {
    if (w->log) bn_log_abandon(w->log);
    bn_str_fini(&w->sent);
    bn_memdisk_free(w->mem);
}

void world_open(struct world *w, bool clean, int64_t recovery_point) {
    struct bn_err e = BN_ERR_NONE;
    w->open.clean = clean;
    w->open.recovery_point = recovery_point;
    int rc = bn_log_open(&w->open, &w->log, &e);
    ck_assert_msg(rc == 0, "open: %s", e.text);
}

void world_close(struct world *w) {
    struct bn_err e = BN_ERR_NONE;
    int rc = bn_log_close(w->log, &e);
    w->log = NULL;
    ck_assert_msg(rc == 0, "close: %s", e.text);
}

void world_abandon(struct world *w) {
    bn_log_abandon(w->log);
    w->log = NULL;
}

void world_batch(const struct batch_spec *s, struct bn_str *out) {
    struct bn_batch_builder b;
    char key[32], *value = bn_alloc((size_t)s->value_bytes + 1);
    bn_batch_builder_init(&b);
    if (s->producer_id) {
        b.producer_id = s->producer_id;
        b.producer_epoch = s->producer_epoch;
        b.base_sequence = s->sequence;
    }
    b.attributes = s->attributes;
    for (int i = 0; i < s->count; i++) {
        int n = snprintf(key, sizeof key, "key-%d", i);
        memset(value, 'a' + i % 26, (size_t)s->value_bytes);
        bn_batch_builder_add(&b, i, s->timestamp + i, i < s->no_key ? BN_SLICE_NULL : bn_slice_of(key, (size_t)n),
                             bn_slice_of(value, (size_t)s->value_bytes), 0, BN_SLICE_NULL);
    }
    ck_assert_int_eq(bn_batch_builder_finish(&b, s->codec, s->codec == BN_CODEC_ZSTD ? 3 : 1, out), 0);
    bn_batch_builder_fini(&b);
    bn_alloc_free(value);
}

struct bn_log_append world_append_bytes(struct world *w, struct bn_str *bytes, int32_t epoch, bool internal,
                                        bool legacy) {
    struct bn_log_append a = {
        .bytes = (uint8_t *)bytes->ptr,
        .len = bytes->len,
        .leader_epoch = epoch,
        .now_ms = w->now_ms,
        .internal = internal,
        .legacy = legacy,
    };
    bn_log_append(w->log, &a);
    return a;
}

struct bn_log_append world_append_epoch(struct world *w, const struct batch_spec *s, int32_t epoch) {
    struct bn_str bytes;
    bn_str_init(&bytes);
    world_batch(s, &bytes);
    struct bn_log_append a = world_append_bytes(w, &bytes, epoch, false, false);
    if (a.error == KE_NONE && !a.duplicate) bn_str_add_slice(&w->sent, bn_str_slice(&bytes));
    bn_str_fini(&bytes);
    return a;
}

struct bn_log_append world_append(struct world *w, const struct batch_spec *s) {
    return world_append_epoch(w, s, 1);
}

void world_put(struct world *w, int n) {
    struct bn_log_append a = world_append(w,
                                          &(struct batch_spec){.count = n, .value_bytes = 10, .timestamp = w->now_ms});
    ck_assert_msg(a.error == KE_NONE, "append: %d %s", a.error, a.message);
}

int world_read(struct world *w, int64_t offset, int64_t upper, size_t max_bytes, bool whole_first, struct bn_str *out) {
    struct bn_chain c;
    size_t bytes;
    int64_t first;
    bn_chain_init(&c);
    int rc = bn_log_read(w->log, offset, upper, max_bytes, whole_first, &c, &bytes, &first);
    ck_assert_uint_eq(bytes, c.size_bytes);
    for (uint32_t i = c.first; i < c.first + c.count; i++) {
        const struct bn_part *p = &c.parts[i];
        struct bn_fd *fd = BN_CONTAINER_OF(p->holder, struct bn_fd, shared);
        struct bn_file *f = BN_CONTAINER_OF(fd, struct bn_file, base);
        char *room = bn_alloc(p->len);
        ck_assert_int_eq(f->disk->pread(f, room, p->len, p->offset, NULL), (ssize_t)p->len);
        bn_str_add_slice(out, bn_slice_of(room, p->len));
        bn_alloc_free(room);
    }
    if (bytes) {
        struct bn_batch b;
        ck_assert_int_eq(bn_batch_peek(bn_str_slice(out), &b), 0);
        /* In a gap the reader may have gone by a known place instead of the batch's header. */
        ck_assert(b.base_offset == first || (first >= offset && first < b.base_offset));
    }
    bn_chain_fini(&c);
    return rc;
}

void world_check_all(struct world *w) {
    struct bn_str out;
    bn_str_init(&out);
    ck_assert_int_eq(world_read(w, bn_log_start_offset(w->log), INT64_MAX, SIZE_MAX, true, &out), 0);
    ck_assert_uint_le(out.len, w->sent.len);
    ck_assert(memcmp(out.ptr, w->sent.ptr + w->sent.len - out.len, out.len) == 0);
    bn_str_fini(&out);
}

static void check_producer(const struct bn_producer *a, const struct bn_producer *b) {
    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_nonnull(b);
    ck_assert(a->epoch == b->epoch && a->coordinator_epoch == b->coordinator_epoch);
    ck_assert(a->txn_first_offset == b->txn_first_offset && a->last_timestamp == b->last_timestamp);
    ck_assert_int_eq(a->count > 0, b->count > 0);
    if (a->count)
        ck_assert_int_eq(memcmp(&a->batches[a->count - 1], &b->batches[b->count - 1], sizeof a->batches[0]), 0);
}

void world_check_fold(struct world *w) {
    struct bn_str all;
    struct bn_batch b;
    struct bn_epochs epochs;
    struct bn_producer_table producers;
    int64_t next = 0;
    bn_str_init(&all);
    bn_epochs_init(&epochs);
    bn_producer_init(&producers);
    ck_assert_int_eq(world_read(w, bn_log_start_offset(w->log), INT64_MAX, SIZE_MAX, true, &all), 0);
    for (struct bn_slice left = bn_str_slice(&all); left.len > 0;) {
        ck_assert_int_eq(bn_batch_peek(left, &b), 0);
        ck_assert(bn_batch_crc_ok(&b));
        ck_assert_int_ge(b.base_offset, next);
        next = bn_batch_next_offset(&b);
        if (b.leader_epoch > bn_epochs_latest(&epochs))
            bn_epochs_assign(&epochs, b.leader_epoch, bn_max_i64(b.base_offset, w->log->start_offset));
        bn_producer_fold(&producers, &b);
        left = bn_slice_of(left.ptr + b.bytes.len, left.len - b.bytes.len);
    }
    if (all.len) ck_assert_int_eq(next, bn_log_end_offset(w->log));
    const struct bn_epochs *have = &w->log->epochs;
    ck_assert_uint_ge(have->count, epochs.count);
    for (uint32_t i = 0; i < have->count; i++) {
        if (i >= epochs.count) {
            ck_assert_int_ge(have->entries[i].start_offset, next);
        } else {
            ck_assert_int_eq(have->entries[i].epoch, epochs.entries[i].epoch);
            ck_assert_int_eq(have->entries[i].start_offset, epochs.entries[i].start_offset);
        }
    }
    ck_assert_uint_eq(producers.map.count, w->log->producers.map.count);
    size_t at = 0;
    for (struct bn_map_entry *e; (e = bn_map_next(&producers.map, &at));) {
        const struct bn_producer *p = e->value;
        check_producer(p, bn_producer_get(&w->log->producers, (int64_t)p->id));
    }
    bn_producer_fini(&producers);
    bn_epochs_fini(&epochs);
    bn_str_fini(&all);
}

void world_write_file(struct world *w, const char *path, const void *ptr, size_t len) {
    struct bn_file *f;
    ck_assert_int_eq(w->disk->open(w->disk, path, BN_DISK_WRITE | BN_DISK_CREATE | BN_DISK_TRUNCATE, &f, NULL), 0);
    struct iovec iov = {(void *)(uintptr_t)ptr, len};
    if (len) ck_assert_int_eq(w->disk->pwritev(f, &iov, 1, 0, NULL), 0);
    bn_file_unref(f);
}

char *world_read_file(struct world *w, const char *path, size_t *len) {
    uint8_t *bytes = NULL;
    int rc = bn_disk_read_all(w->disk, path, 1 << 30, &bytes, len, NULL);
    return rc ? NULL : (char *)bytes;
}

bool world_exists(struct world *w, const char *path) { return bn_disk_exists(w->disk, path); }
