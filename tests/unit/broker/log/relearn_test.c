/* relearn_test.c: whatever has become of the epoch file, an opened log knows the epochs of its batches. */
#include "broker/log/relearn.h"
#include "tests/unit/broker/log/world.h"
#include "tests/unit/unit.h"

static const char *const path = "/data/t-0/leader-epoch-checkpoint";

/* Batches of some epochs over several segments, the last of which may be empty; closed cleanly. */
static void live(struct world *w, uint32_t seed, bool roll_last) {
    world_init(w);
    w->open.config.segment_bytes = 500;
    world_open(w, false, 0);
    int32_t epoch = 2;
    for (int i = 0; i < 40; i++) {
        seed = seed * 1103515245 + 12345;
        if (seed >> 16 & 3) { /* else the epoch goes on; now and then one passes without a batch */
            epoch += (int32_t)(seed >> 20 & 1) * (1 + (int32_t)(seed >> 22 & 1));
            bn_log_assign_epoch(w->log, epoch, bn_log_end_offset(w->log));
        }
        struct batch_spec s = {.count = 1 + (int)(seed >> 24 & 3), .value_bytes = 20, .timestamp = w->now_ms};
        ck_assert_int_eq(world_append_epoch(w, &s, epoch).error, KE_NONE);
    }
    if (roll_last) ck_assert_int_eq(bn_log_roll(w->log, w->now_ms), 0);
    ck_assert_uint_gt(w->log->segment_count, 4);
    world_close(w);
}

enum damage { INTACT, ABSENT, EMPTY, GARBAGE, TORN, OLDER, HEADLESS, DAMAGES };

/* Keeps lines [from, to) of the table. */
static void keep_lines(struct world *w, const char *text, uint32_t from, uint32_t to) {
    struct bn_epochs t;
    struct bn_str out;
    bn_epochs_init(&t);
    bn_str_init(&out);
    ck_assert_int_eq(bn_epochs_parse(&t, bn_slice_str(text), NULL), 0);
    ck_assert_uint_ge(t.count, to);
    ck_assert_uint_le(from, to);
    t.count = to - from;
    memmove(t.entries, t.entries + from, t.count * sizeof *t.entries);
    bn_epochs_format(&t, &out);
    world_write_file(w, path, out.ptr, out.len);
    bn_str_fini(&out);
    bn_epochs_fini(&t);
}

static void hurt(struct world *w, enum damage d, uint32_t seed) {
    size_t len;
    char *text = world_read_file(w, path, &len);
    uint32_t count = (uint32_t)strtoul(text + 2, NULL, 10);
    ck_assert_uint_gt(count, 3);
    if (d == ABSENT) ck_assert_int_eq(w->disk->unlink(w->disk, path, NULL), 0);
    if (d == EMPTY) world_write_file(w, path, "", 0);
    if (d == GARBAGE) world_write_file(w, path, "0\n1\nx y\n", 8);
    if (d == TORN) world_write_file(w, path, text, len / 2);
    if (d == OLDER) keep_lines(w, text, 0, seed % count);
    if (d == HEADLESS) keep_lines(w, text, 1 + seed % (count - 1), count);
    bn_alloc_free(text);
}

/* Goal: any damage, after a clean stop and after a crash, with the newest segment empty or not, with the log's start
 * inside a batch: the table is what the batches say, and is on disk at the next close. */
START_TEST(test_any_damage) {
    for (uint32_t seed = 0; seed < 30; seed++) {
        for (int way = 0; way < 8; way++) {
            struct world w;
            bool clean = way & 1;
            live(&w, seed * 7 + (uint32_t)way, way & 2);
            hurt(&w, (enum damage)_i, seed);
            if (way & 4) w.open.log_start_offset = 11;
            world_open(&w, clean, 1000);
            world_check_fold(&w);
            struct batch_spec s = {.count = 1, .value_bytes = 20, .timestamp = w.now_ms};
            ck_assert_int_eq(world_append_epoch(&w, &s, 100).error, KE_NONE);
            world_close(&w);
            world_open(&w, true, 1000);
            world_check_fold(&w);
            world_fini(&w);
        }
    }
}
END_TEST

/* Goal: a log that knows its epochs pays one look at one batch, and its file is left alone. */
START_TEST(test_known_is_left_alone) {
    struct world w;
    live(&w, 3, true);
    int before = bn_memdisk_calls(w.mem, BN_MEMDISK_PREAD);
    world_open(&w, true, 0);
    ck_assert_int_lt(bn_memdisk_calls(w.mem, BN_MEMDISK_PREAD) - before, (int)w.log->segment_count);
    ck_assert(!w.log->epochs_dirty);
    world_check_fold(&w);
    world_fini(&w);
}
END_TEST

/* Goal: a segment that holds one epoch only is not walked. Method: damage inside the segments of one epoch goes unseen,
 * and that which hides a change costs only that segment's knowledge. */
START_TEST(test_damaged_segment) {
    struct world w;
    world_init(&w);
    w.open.config.segment_bytes = 200;
    world_open(&w, false, 0);
    struct batch_spec s = {.count = 1, .value_bytes = 20, .timestamp = w.now_ms};
    for (int i = 0; i < 24; i++) ck_assert_int_eq(world_append_epoch(&w, &s, 1 + i / 8).error, KE_NONE);
    ck_assert_uint_ge(w.log->segment_count, 9);
    int64_t changes = w.log->segments[bn_log_segment_of(w.log, 8)]->base_offset;
    world_close(&w);
    ck_assert_int_eq(w.disk->unlink(w.disk, path, NULL), 0);
    char name[100];
    snprintf(name, sizeof name, "/data/t-0/%020" PRId64 ".log", changes);
    size_t len;
    char *bytes = world_read_file(&w, name, &len);
    bytes[16] = 9; /* the first header */
    world_write_file(&w, name, bytes, len);
    bn_alloc_free(bytes);
    world_open(&w, true, 0);
    ck_assert_int_eq(bn_log_epoch_of(w.log, 0), 1);
    ck_assert_int_eq(bn_log_epoch_of(w.log, 14), 2);
    ck_assert_int_eq(bn_log_epoch_of(w.log, 23), 3);
    world_fini(&w);
}
END_TEST

/* Goal: what can't be read opens no log, rather than one that knows half. */
START_TEST(test_failing_reads) {
    for (int nth = 1;; nth++) {
        struct world w;
        struct bn_err e;
        live(&w, 5, true);
        hurt(&w, ABSENT, 0);
        int before = bn_memdisk_calls(w.mem, BN_MEMDISK_PREAD);
        bn_memdisk_fail(w.mem, BN_MEMDISK_PREAD, nth, 1);
        w.open.clean = true;
        int rc = bn_log_open(&w.open, &w.log, &e);
        bool all = nth > bn_memdisk_calls(w.mem, BN_MEMDISK_PREAD) - before;
        bn_memdisk_fail(w.mem, BN_MEMDISK_PREAD, 1, 0);
        if (rc != 0) w.log = NULL;
        if (rc == 0) world_check_fold(&w);
        world_fini(&w);
        if (all) {
            ck_assert_int_eq(rc, 0);
            ck_assert_int_gt(nth, 5);
            break;
        }
    }
}
END_TEST

Suite *relearn_suite(void);
Suite *relearn_suite(void) {
    Suite *s = suite_create("relearn");
    TCase *t = tcase_create("relearn");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, test_any_damage, INTACT, DAMAGES);
    tcase_add_test(t, test_known_is_left_alone);
    tcase_add_test(t, test_damaged_segment);
    tcase_add_test(t, test_failing_reads);
    suite_add_tcase(s, t);
    return s;
}
