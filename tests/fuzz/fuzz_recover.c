/* fuzz_recover.c: a hostile partition directory through bn_log_open. An input is a list of files: a byte that picks the
 * name (and, in its top bit, whether the stop was clean), a big-endian 16-bit length, that many bytes. Segments may
 * have their checksums repaired (names of the second half), so that what lies behind them is reached.
 *
 * The oracle: opening reads nothing outside its memory, and answers with an error or with a log whose start, end and
 * batches agree: every read gives whole batches in order up to the end, an append goes on there, and the log opens
 * again with the same end. */
#include "broker/log/log.h"
#include "common/base/alloc.h"
#include "common/base/bytes.h"
#include "common/base/check.h"
#include "common/base/crc32c.h"
#include "common/base/str.h"
#include "common/sys/memdisk.h"
#include "proto/kafka/batch.h"
#include "tests/fuzz/replay.h"

extern uint64_t fuzz_recover_opened; /* for the replay: that the target is reached at all */
uint64_t fuzz_recover_opened;

static const char *const names[] = {
    "00000000000000000000.log",
    "00000000000000000000.index",
    "00000000000000000000.timeindex",
    "00000000000000000000.snapshot",
    "00000000000000000003.log",
    "00000000000000000003.index",
    "00000000000000000003.timeindex",
    "00000000000000000003.snapshot",
    "00000000000000000002.snapshot",
    "leader-epoch-checkpoint",
    "partition.metadata",
    "00000000000000000003.log.swap",
    "00000000000000000000.log.deleted",
    "00000000000000000009.log.cleaned",
    "00000000000000000003.index.swap",
    "09223372036854775807.log",
};
enum { REPAIRED = 0x40, CLEAN = 0x80, NAME_MASK = 0x0f, WINDOW = 1 << 16 };

static int64_t wall_ms(const struct bn_clock *c) { return 1000; }
static uint64_t mono_ms(const struct bn_clock *c) { return 1000; }
static void no_random(void *ptr, size_t len) { memset(ptr, 7, len); }

static void write_file(const struct bn_disk *d, const char *name, const uint8_t *bytes, size_t len) {
    char path[100];
    struct bn_file *f;
    snprintf(path, sizeof path, "/d/t-0/%s", name);
    BN_ASSERT(d->open(d, path, BN_DISK_WRITE | BN_DISK_CREATE | BN_DISK_TRUNCATE, &f, NULL) == 0);
    struct iovec iov = {(void *)(uintptr_t)bytes, len};
    if (len) BN_ASSERT(d->pwritev(f, &iov, 1, 0, NULL) == 0);
    bn_file_unref(f);
}

/* Gives every batch that has its length the right checksum. */
static void repair(uint8_t *bytes, size_t len) {
    struct bn_batch b;
    for (size_t at = 0; at < len;) {
        int rc = bn_batch_peek(bn_slice_of(bytes + at, len - at), &b);
        if (rc != 0) return;
        bn_put_u32(bytes + at + 17, bn_crc32c(0, bytes + at + BN_BATCH_CRC_FROM, b.bytes.len - BN_BATCH_CRC_FROM));
        at += b.bytes.len;
    }
}

/* Takes the files off the input; returns whether the stop was clean. */
static bool unpack(const struct bn_disk *d, const uint8_t *data, size_t size) {
    struct bn_cursor c = bn_cursor_of(bn_slice_of(data, size));
    bool clean = false;
    while (bn_cursor_left(&c) >= 3) {
        uint8_t pick = (uint8_t)bn_cursor_i8(&c);
        size_t len = (uint16_t)bn_cursor_i16(&c);
        struct bn_slice bytes = bn_cursor_slice(&c, bn_min_size(len, bn_cursor_left(&c)));
        uint8_t *copy = bn_alloc(bytes.len + 1);
        if (bytes.len) memcpy(copy, bytes.ptr, bytes.len);
        if (pick & REPAIRED) repair(copy, bytes.len);
        write_file(d, names[pick & NAME_MASK], copy, bytes.len);
        bn_alloc_free(copy);
        clean |= (pick & CLEAN) != 0;
    }
    return clean;
}

static void check_reads(struct bn_log *l) {
    int64_t at = bn_log_start_offset(l), end = bn_log_end_offset(l);
    BN_ASSERT(at <= end);
    while (at < end) {
        struct bn_chain c;
        struct bn_log_range r = {at, INT64_MAX, 100, true, 0, -1};
        bn_chain_init(&c);
        int rc = bn_log_read_range(l, &r, &c);
        /* Below the recovery point, or after a clean stop, damage is met only when it is read. */
        if (rc == 0 && r.bytes) BN_ASSERT(r.first_offset >= 0 && c.size_bytes == r.bytes);
        bn_chain_fini(&c);
        at += rc == 0 && r.bytes && r.first_offset >= at ? r.first_offset - at + 1 : bn_max_i64((end - at) / 4, 1);
    }
    struct bn_log_found found;
    if (bn_log_find_time(l, 0, INT64_MAX, &found) != 0) found.offset = -1;
    if (bn_log_find_max_time(l, &found) != 0) found.offset = -1;
}

static void append_one(struct bn_log *l) {
    struct bn_batch_builder b;
    struct bn_str bytes;
    bn_batch_builder_init(&b);
    bn_str_init(&bytes);
    bn_batch_builder_add(&b, 0, 5, BN_SLICE_LIT("key"), BN_SLICE_LIT("value"), 0, BN_SLICE_NULL);
    BN_ASSERT(bn_batch_builder_finish(&b, BN_CODEC_NONE, 0, &bytes) == 0);
    struct bn_log_append a = {.bytes = (uint8_t *)bytes.ptr, .len = bytes.len, .leader_epoch = 9, .now_ms = 1000};
    int64_t end = bn_log_end_offset(l);
    bn_log_append(l, &a);
    BN_ASSERT(a.error == 0 && a.base_offset == end && bn_log_end_offset(l) == end + 1);
    bn_batch_builder_fini(&b);
    bn_str_fini(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bn_memdisk *m = bn_memdisk_new();
    const struct bn_disk *d = bn_memdisk_disk(m);
    struct bn_clock clock = {.mono_ms = mono_ms, .wall_ms = wall_ms};
    struct bn_env env = {.clock = &clock, .disk = d, .random = no_random};
    struct bn_log_open o = {.env = &env, .dir = "/d/t-0", .name = "t-0"};
    struct bn_log *l = NULL;
    struct bn_err e;
    bn_log_config_defaults(&o.config);
    o.config.index_interval_bytes = 64;
    BN_ASSERT(d->mkdir(d, "/d/t-0", NULL) == 0);
    o.clean = unpack(d, data, size);
    o.recovery_point = size ? data[size - 1] % 4 : 0;
    if (bn_log_open(&o, &l, &e) == 0) {
        fuzz_recover_opened++;
        check_reads(l);
        append_one(l);
        int64_t end = bn_log_end_offset(l);
        BN_ASSERT(bn_log_close(l, &e) == 0);
        o.clean = true;
        BN_ASSERT(bn_log_open(&o, &l, &e) == 0 && bn_log_end_offset(l) == end);
        bn_log_abandon(l);
    } else {
        BN_ASSERT(e.text[0] != '\0');
    }
    bn_memdisk_free(m);
    return 0;
}
