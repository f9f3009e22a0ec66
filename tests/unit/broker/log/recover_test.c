/* recover_test.c: after any crash a log is a prefix of what was acknowledged, with all that was synced; the other files
 * of the directory are never believed against the batches. */
#include <stdio.h>

#include "broker/log/recover.h"
#include "common/base/bytes.h"
#include "proto/kafka/legacy.h"
#include "tests/unit/broker/log/world.h"
#include "tests/unit/unit.h"

static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* How many records the whole batches in the first `len` bytes of sent hold. */
static int64_t records_in(const struct world *w, size_t len) {
    struct bn_slice left = bn_slice_of(w->sent.ptr, bn_min_size(len, w->sent.len));
    struct bn_batch b;
    int64_t next = 0;
    while (left.len && bn_batch_peek(left, &b) == 0) {
        next = bn_batch_next_offset(&b);
        left = bn_slice_of(left.ptr + b.bytes.len, left.len - b.bytes.len);
    }
    return next;
}

/* What the log gives is a prefix of what was sent. */
static void check_prefix(struct world *w) {
    struct bn_str out;
    bn_str_init(&out);
    ck_assert_int_eq(world_read(w, 0, INT64_MAX, SIZE_MAX, true, &out), 0);
    ck_assert_uint_le(out.len, w->sent.len);
    ck_assert(memcmp(out.ptr, w->sent.ptr, out.len) == 0);
    ck_assert_int_eq(records_in(w, out.len), bn_log_end_offset(w->log));
    bn_str_fini(&out);
}

START_TEST(test_names) {
    static const struct {
        const char *name;
        bool ok;
        int64_t base;
    } cases[] = {
        {"00000000000000000000.log", true, 0},  {"00000000000000000123.log", true, 123},
        {"0000000000000000012.log", false, 0},  {"00000000000000000123.log.deleted", false, 0},
        {"0000000000000000012x.log", false, 0}, {"99999999999999999999.log", false, 0},
        {"09223372036854775807.log", false, 0}, {"", false, 0},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        int64_t base = 0;
        ck_assert_int_eq(bn_recover_parse_name(cases[i].name, ".log", &base), cases[i].ok);
        if (cases[i].ok) ck_assert_int_eq(base, cases[i].base);
    }
}
END_TEST

/* Goal: a tail torn at any byte costs exactly the batches that are not whole, and appending goes on behind. */
START_TEST(test_torn_at_every_byte) {
    struct world w;
    world_init(&w);
    world_open(&w, false, 0);
    for (int i = 1; i <= 4; i++) world_put(&w, i);
    world_abandon(&w);
    size_t len;
    char *bytes = world_read_file(&w, "/data/t-0/00000000000000000000.log", &len);
    ck_assert_uint_eq(len, w.sent.len);
    for (size_t cut = 0; cut <= len; cut++) {
        struct world c;
        world_init(&c);
        bn_str_add_slice(&c.sent, bn_slice_of(bytes, len));
        c.disk->mkdir(c.disk, "/data/t-0", NULL);
        world_write_file(&c, "/data/t-0/00000000000000000000.log", bytes, cut);
        world_open(&c, false, 0);
        ck_assert_int_eq(bn_log_end_offset(c.log), records_in(&c, cut));
        check_prefix(&c);
        size_t left;
        char *now = world_read_file(&c, "/data/t-0/00000000000000000000.log", &left);
        ck_assert_int_eq((int64_t)left, bn_log_size_bytes(c.log));
        bn_alloc_free(now);
        bn_str_clear(&c.sent);
        world_put(&c, 2);
        world_fini(&c);
    }
    bn_alloc_free(bytes);
    world_fini(&w);
}
END_TEST

/* Goal: a flipped bit costs at most the batch it is in and what follows; also where it makes the format 0 or 1. */
START_TEST(test_rot_at_every_byte) {
    static const char masks[] = {0x40, 0x02, 0x03};
    char mask = masks[_i];
    struct world w;
    world_init(&w);
    world_open(&w, false, 0);
    for (int i = 1; i <= 3; i++) world_put(&w, i);
    world_abandon(&w);
    size_t len;
    char *bytes = world_read_file(&w, "/data/t-0/00000000000000000000.log", &len);
    for (size_t at = 0; at < len; at++) {
        struct world c;
        world_init(&c);
        c.disk->mkdir(c.disk, "/data/t-0", NULL);
        bytes[at] = (char)(bytes[at] ^ mask);
        world_write_file(&c, "/data/t-0/00000000000000000000.log", bytes, len);
        bytes[at] = (char)(bytes[at] ^ mask);
        world_open(&c, false, 0);
        /* Offset and epoch stand outside the checksum. */
        ck_assert_int_ge(bn_log_end_offset(c.log), records_in(&w, at));
        struct bn_str out;
        bn_str_init(&out);
        ck_assert_int_eq(world_read(&c, 0, INT64_MAX, SIZE_MAX, true, &out), 0);
        bn_str_fini(&out);
        world_fini(&c);
    }
    bn_alloc_free(bytes);
    world_fini(&w);
}
END_TEST

static struct bn_log_append append_random(struct world *w, uint64_t *seed, int32_t *sequence, int32_t epoch) {
    struct batch_spec s = {
        .count = 1 + (int)(next_random(seed) % 5),
        .value_bytes = (int)(next_random(seed) % 300),
        .timestamp = w->now_ms + (int64_t)(next_random(seed) % 100),
    };
    bool idempotent = next_random(seed) % 2;
    if (idempotent) {
        s.producer_id = 7;
        s.sequence = *sequence;
    }
    struct bn_log_append a = world_append_epoch(w, &s, epoch);
    if (a.error == KE_NONE && idempotent) *sequence += s.count;
    return a;
}

/* The next sequence of producer 7 in the batches that are left. */
static int32_t sequence_in(struct world *w, int64_t end) {
    struct bn_slice left = bn_str_slice(&w->sent);
    struct bn_batch b;
    int32_t next = 0;
    while (left.len && bn_batch_peek(left, &b) == 0 && bn_batch_next_offset(&b) <= end) {
        if (b.producer_id == 7) next = bn_batch_last_sequence(&b) + 1;
        left = bn_slice_of(left.ptr + b.bytes.len, left.len - b.bytes.len);
    }
    return next;
}

static void forget_after(struct world *w, int64_t end) {
    size_t len = 0;
    struct bn_batch b;
    while (len < w->sent.len && bn_batch_peek(bn_slice_of(w->sent.ptr + len, w->sent.len - len), &b) == 0 &&
           bn_batch_next_offset(&b) <= end)
        len += b.bytes.len;
    w->sent.len = len;
}

/* Goal: random appends, flushes, clean stops and power cuts. Method: after each restart the log is a prefix of what was
 * sent, reaches at least the recovery point, its producer goes on where the batches say, and so do its epochs. */
START_TEST(test_random_life) {
    struct world w;
    uint64_t seed = 0x9e3779b97f4a7c15u + (uint64_t)_i * 7919;
    int32_t sequence = 0, epoch = 0;
    world_init(&w);
    w.open.config.segment_bytes = 3000;
    w.open.config.index_interval_bytes = 300;
    world_open(&w, false, 0);
    for (int life = 0; life < 12; life++) {
        epoch++;
        int steps = (int)(next_random(&seed) % 40);
        for (int i = 0; i < steps; i++) {
            struct bn_log_append a = append_random(&w, &seed, &sequence, epoch);
            ck_assert_msg(a.error == KE_NONE, "append: %d %s", a.error, a.message);
            if (next_random(&seed) % 10 == 0) bn_log_flush(w.log, NULL, NULL, NULL, NULL);
        }
        int64_t point = bn_log_recovery_point(w.log), end = bn_log_end_offset(w.log);
        bool clean = next_random(&seed) % 3 == 0;
        if (clean) {
            world_close(&w);
            bn_memdisk_crash(w.mem, 0);
        } else {
            world_abandon(&w);
            bn_memdisk_crash(w.mem, next_random(&seed) % 4 ? next_random(&seed) | 1 : 0);
        }
        world_open(&w, clean, point);
        if (clean) ck_assert_int_eq(bn_log_end_offset(w.log), end);
        ck_assert_int_ge(bn_log_end_offset(w.log), point);
        check_prefix(&w);
        forget_after(&w, bn_log_end_offset(w.log));
        sequence = sequence_in(&w, bn_log_end_offset(w.log));
        struct bn_batch b;
        size_t at = 0;
        while (at < w.sent.len && bn_batch_peek(bn_slice_of(w.sent.ptr + at, w.sent.len - at), &b) == 0) {
            ck_assert_int_eq(bn_log_epoch_of(w.log, b.base_offset), b.leader_epoch);
            at += b.bytes.len;
        }
    }
    world_fini(&w);
}
END_TEST

/* Goal: any single failing call is an error or harmless, and never costs what was synced. */
START_TEST(test_every_call_fails_once) {
    enum bn_memdisk_call call = (enum bn_memdisk_call)_i;
    for (int nth = 1; nth < 60; nth++) {
        struct world w;
        uint64_t seed = 77;
        int32_t sequence = 0;
        int64_t point = 0;
        world_init(&w);
        w.open.config.segment_bytes = 2500;
        w.open.config.index_interval_bytes = 200;
        world_open(&w, false, 0);
        for (int i = 0; i < 5; i++) append_random(&w, &seed, &sequence, 1);
        bn_memdisk_fail(w.mem, call, nth, 1);
        for (int i = 0; i < 25; i++) {
            struct bn_log_append a = append_random(&w, &seed, &sequence, 2);
            ck_assert(a.error == KE_NONE || a.error == KE_KAFKA_STORAGE_ERROR);
            ck_assert(a.error == KE_NONE || bn_log_failed(w.log));
            if (i % 6 == 0) bn_log_flush(w.log, NULL, NULL, NULL, NULL);
            if (i % 9 == 0) (void)bn_log_retain(w.log, 0, w.now_ms, NULL);
            point = bn_log_recovery_point(w.log);
        }
        if (bn_log_failed(w.log)) {
            world_abandon(&w);
        } else {
            int64_t end = bn_log_end_offset(w.log);
            if (bn_log_close(w.log, NULL) == 0) point = end;
            w.log = NULL;
        }
        bn_memdisk_fail(w.mem, call, 1, 0);
        bn_memdisk_crash(w.mem, 0);
        /* The failure comes while recovering, too. */
        bn_memdisk_fail(w.mem, call, nth, 1);
        w.open.clean = false;
        w.open.recovery_point = point;
        struct bn_err e;
        if (bn_log_open(&w.open, &w.log, &e) == 0) world_abandon(&w);
        w.log = NULL;
        bn_memdisk_fail(w.mem, call, 1, 0);
        world_open(&w, false, point);
        ck_assert_int_ge(bn_log_end_offset(w.log), point);
        check_prefix(&w);
        world_fini(&w);
    }
}
END_TEST

/* Goal: indexes, snapshots and the epoch file full of garbage change nothing after an unclean stop. */
START_TEST(test_hostile_neighbours) {
    struct world w;
    world_init(&w);
    w.open.config.segment_bytes = 2500;
    w.open.config.index_interval_bytes = 200;
    world_open(&w, false, 0);
    uint64_t seed = 5;
    int32_t sequence = 0;
    for (int i = 0; i < 30; i++) append_random(&w, &seed, &sequence, 3);
    world_close(&w);
    struct bn_disk_entry *list;
    size_t n;
    ck_assert_int_eq(w.disk->list(w.disk, "/data/t-0", &list, &n, NULL), 0);
    for (size_t i = 0; i < n; i++) {
        char path[400], garbage[333];
        if (strstr(list[i].name, ".log") || strcmp(list[i].name, "partition.metadata") == 0) continue;
        snprintf(path, sizeof path, "/data/t-0/%s", list[i].name);
        for (size_t k = 0; k < sizeof garbage; k++) garbage[k] = (char)next_random(&seed);
        world_write_file(&w, path, garbage, sizeof garbage);
    }
    bn_alloc_free(list);
    world_open(&w, false, 0);
    check_prefix(&w);
    struct bn_log_append a = append_random(&w, &seed, &sequence, 3);
    ck_assert_int_eq(a.error, KE_NONE);
    ck_assert_int_eq(bn_log_latest_epoch(w.log), 3);
    world_close(&w);
    world_open(&w, true, 0);
    check_prefix(&w);
    world_fini(&w);
}
END_TEST

/* Goal: where a segment has lost its tail, the log ends, of a compacted topic too; unless it was synced further than
 * that: then it is a gap that compaction has made. */
START_TEST(test_tail_of_a_compacted_segment) {
    static const char first[] = "/data/t-0/00000000000000000000.log";
    struct world w;
    uint64_t seed = 11;
    int32_t sequence = 0;
    world_init(&w);
    w.open.config.segment_bytes = 600;
    world_open(&w, false, 0);
    while (bn_log_end_offset(w.log) < 40) append_random(&w, &seed, &sequence, 3);
    int64_t end = bn_log_end_offset(w.log);
    ck_assert_uint_gt(w.log->segment_count, 2);
    int64_t next = w.log->segments[1]->base_offset;
    world_close(&w);
    size_t len, last = 0;
    char *bytes = world_read_file(&w, first, &len);
    struct bn_batch b;
    for (size_t at = 0; at < len; at += b.bytes.len) {
        ck_assert_int_eq(bn_batch_peek(bn_slice_of(bytes + at, len - at), &b), BN_OK);
        last = at;
    }
    w.open.config.compact = true;
    world_write_file(&w, first, bytes, last);
    world_open(&w, false, _i ? next : 0);
    if (_i)
        ck_assert_int_eq(bn_log_end_offset(w.log), end);
    else
        ck_assert_int_lt(bn_log_end_offset(w.log), next);
    bn_alloc_free(bytes);
    world_close(&w);
    world_fini(&w);
}
END_TEST

/* Goal: a marker of a clean stop that lies: where the batches at the end are of a later epoch than the epoch file
 * knows, they are believed (safety §3). */
START_TEST(test_clean_with_old_epochs) {
    struct world w;
    uint64_t seed = 7;
    int32_t sequence = 0;
    world_init(&w);
    world_open(&w, false, 0);
    append_random(&w, &seed, &sequence, 3);
    append_random(&w, &seed, &sequence, 4);
    world_close(&w);
    world_write_file(&w, "/data/t-0/leader-epoch-checkpoint", "0\n1\n3 0\n", 8);
    world_open(&w, true, 0);
    check_prefix(&w);
    ck_assert_int_eq(bn_log_latest_epoch(w.log), 4);
    world_fini(&w);
}
END_TEST

/* Goal: a log of messages of format 0 or 1 is refused and stays as it is, after a clean stop too; bytes that only look
 * like one are cut as any other tail. */
START_TEST(test_old_format_is_refused) {
    static const char path[] = "/data/t-0/00000000000000000000.log";
    for (int magic = 0; magic < 2; magic++)
        for (int clean = 0; clean < 2; clean++)
            for (int right = 0; right < 2; right++) {
                struct world w;
                world_init(&w);
                w.open.clean = clean;
                w.disk->mkdir(w.disk, "/data/t-0", NULL);
                uint8_t message[34] = {[11] = 22, [16] = (uint8_t)magic};
                bn_put_u32(message + 12, bn_legacy_crc32(0, message + 16, sizeof message - 16) + !right);
                world_write_file(&w, path, message, sizeof message);
                struct bn_err e;
                int rc = bn_log_open(&w.open, &w.log, &e);
                size_t len;
                bn_alloc_free(world_read_file(&w, path, &len));
                ck_assert_uint_eq(len, right ? sizeof message : 0);
                if (right) {
                    ck_assert_int_eq(rc, BN_EXISTS);
                    ck_assert_ptr_nonnull(strstr(e.text, "format"));
                    w.log = NULL;
                } else {
                    ck_assert_int_eq(rc, 0);
                    world_put(&w, 2);
                    world_check_all(&w);
                }
                world_fini(&w);
            }
}
END_TEST

/* Goal: whatever part of an un-synced batch a power cut leaves as zeros (its format among it), the log opens again,
 * with all that was synced and nothing else. */
START_TEST(test_zeros_in_the_tail) {
    static const char path[] = "/data/t-0/00000000000000000000.log";
    enum { RUN = 16 };
    struct world w;
    world_init(&w);
    world_open(&w, false, 0);
    world_put(&w, 3);
    size_t synced = w.sent.len, len;
    world_put(&w, 2);
    world_abandon(&w);
    char *bytes = world_read_file(&w, path, &len);
    for (size_t at = synced; at + 1 < len; at++)
        for (size_t run = 1; run <= RUN; run++) {
            char torn[1000];
            ck_assert_uint_le(len, sizeof torn);
            memcpy(torn, bytes, len);
            memset(torn + at, 0, bn_min_size(run, len - at));
            bool same = memcmp(torn, bytes, len) == 0;
            bool summed = at >= synced + 16 || at + run > synced + 16; /* offset and epoch are not */
            struct world c;
            world_init(&c);
            c.disk->mkdir(c.disk, "/data/t-0", NULL);
            world_write_file(&c, path, torn, len);
            world_open(&c, false, 3);
            ck_assert_int_ge(bn_log_end_offset(c.log), 3);
            if (!same && summed) ck_assert_int_eq(bn_log_end_offset(c.log), 3);
            world_fini(&c);
        }
    bn_alloc_free(bytes);
    world_fini(&w);
}
END_TEST

/* A checkpointed start above the end: the log starts empty there. */
START_TEST(test_end_below_start) {
    struct world w;
    world_init(&w);
    world_open(&w, false, 0);
    world_put(&w, 10);
    world_close(&w);
    w.open.log_start_offset = 50;
    world_open(&w, false, 0);
    ck_assert_int_eq(bn_log_start_offset(w.log), 50);
    ck_assert_int_eq(bn_log_end_offset(w.log), 50);
    bn_str_clear(&w.sent);
    world_put(&w, 3);
    world_check_all(&w);
    world_fini(&w);
}
END_TEST

START_TEST(test_damage_deletes_later_segments) {
    struct world w;
    world_init(&w);
    w.open.config.segment_bytes = 600;
    world_open(&w, false, 0);
    for (int i = 0; i < 30; i++) world_put(&w, 3);
    world_close(&w);
    ck_assert(bn_memdisk_rot(w.mem, "/data/t-0/00000000000000000000.log", 100, 1));
    world_open(&w, false, 0);
    ck_assert_int_lt(bn_log_end_offset(w.log), 10);
    check_prefix(&w);
    forget_after(&w, bn_log_end_offset(w.log));
    bn_memdisk_crash(w.mem, 0); /* what was cut does not come back */
    world_abandon(&w);
    world_open(&w, false, 0);
    check_prefix(&w);
    world_fini(&w);
}
END_TEST

/* Goal: what a killed process had written outlives a power cut once its successor has flushed, or closed, the log:
 * names of files that the dead one made, too. */
START_TEST(test_names_of_a_killed_process) {
    for (int close = 0; close < 2; close++) {
        struct world w;
        world_init(&w);
        w.open.config.segment_bytes = 300;
        world_open(&w, false, 0);
        for (int i = 0; i < 20; i++) world_put(&w, 3);
        world_abandon(&w);
        world_open(&w, false, 0);
        int64_t end = bn_log_end_offset(w.log);
        ck_assert_int_eq(end, 60);
        if (close) {
            world_close(&w);
        } else {
            bn_log_flush(w.log, NULL, NULL, NULL, NULL);
            ck_assert_int_eq(bn_log_recovery_point(w.log), end);
            world_abandon(&w);
        }
        bn_memdisk_crash(w.mem, 0);
        world_open(&w, false, end);
        ck_assert_int_eq(bn_log_end_offset(w.log), end);
        world_check_all(&w);
        world_fini(&w);
    }
}
END_TEST

Suite *recover_suite(void);
Suite *recover_suite(void) {
    Suite *s = suite_create("recover");
    TCase *t = tcase_create("recover");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_names);
    tcase_add_test(t, test_torn_at_every_byte);
    tcase_add_loop_test(t, test_rot_at_every_byte, 0, 3);
    tcase_add_loop_test(t, test_random_life, 0, 40);
    tcase_add_loop_test(t, test_every_call_fails_once, 0, BN_MEMDISK_CALLS);
    tcase_add_test(t, test_hostile_neighbours);
    tcase_add_loop_test(t, test_tail_of_a_compacted_segment, 0, 2);
    tcase_add_test(t, test_clean_with_old_epochs);
    tcase_add_test(t, test_old_format_is_refused);
    tcase_add_test(t, test_zeros_in_the_tail);
    tcase_add_test(t, test_end_below_start);
    tcase_add_test(t, test_damage_deletes_later_segments);
    tcase_add_test(t, test_names_of_a_killed_process);
    suite_add_tcase(s, t);
    return s;
}
