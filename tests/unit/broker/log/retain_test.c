/* retain_test.c: what goes by start offset, size and age, and what must not. */
#include "broker/log/retain.h"
#include "tests/unit/broker/log/world.h"
#include "tests/unit/unit.h"

/* Ten segments of one batch of ten records each, a second apart from t = 1000 s on. */
static void fill(struct world *w) {
    w->open.config.segment_bytes = 400;
    world_open(w, false, 0);
    for (int i = 0; i < 10; i++) {
        w->now_ms += 1000;
        world_append(w, &(struct batch_spec){.count = 10, .value_bytes = 15, .timestamp = w->now_ms});
    }
}

START_TEST(test_rules) {
    static const struct {
        const char *what;
        int64_t retention_ms, retention_bytes, start, high_watermark, later_ms;
        bool compact, delete;
        int gone;
        int64_t start_after;
    } cases[] = {
        {"nothing is old", 100000, -1, 0, 100, 0, false, true, 0, 0},
        {"by age", 4500, -1, 0, 100, 0, false, true, 5, 50},
        {"by age, but not above the watermark", 4500, -1, 0, 35, 0, false, true, 3, 30},
        {"by age, all: an empty segment is left", 4500, -1, 0, 100, 60000, false, true, 10, 100},
        {"unlimited", -1, -1, 0, 100, 1 << 30, false, true, 0, 0},
        {"by size", -1, 1000, 0, 100, 0, false, true, 6, 60},
        {"by size, never below the limit", -1, 3200, 0, 100, 0, false, true, 0, 0},
        {"by start offset", -1, -1, 35, 100, 0, false, true, 3, 35},
        {"by start offset, compacted too", 1, 1, 35, 100, 0, true, false, 3, 35},
        {"compacted: not by age or size", 1, 1, 0, 100, 1 << 30, true, false, 0, 0},
        {"compact,delete", 4500, -1, 0, 100, 0, true, true, 5, 50},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct world w;
        world_init(&w);
        w.open.config.retention_ms = cases[i].retention_ms;
        w.open.config.retention_bytes = cases[i].retention_bytes;
        w.open.config.compact = cases[i].compact;
        w.open.config.delete = cases[i].delete;
        w.open.config.segment_ms = INT64_MAX;
        fill(&w);
        ck_assert_int_eq(bn_log_set_start_offset(w.log, cases[i].start), 0);
        int gone = bn_log_retain(w.log, cases[i].high_watermark, w.now_ms + cases[i].later_ms, NULL);
        ck_assert_msg(gone == cases[i].gone, "%s: %d gone", cases[i].what, gone);
        ck_assert_int_eq(bn_log_start_offset(w.log), cases[i].start_after);
        ck_assert_int_eq(bn_log_end_offset(w.log), 100);
        world_check_all(&w);
        world_put(&w, 1);
        world_fini(&w);
    }
}
END_TEST

START_TEST(test_files_go_later) {
    struct world w;
    world_init(&w);
    w.open.config.retention_ms = 4500;
    fill(&w);
    ck_assert_int_eq(bn_log_retain(w.log, 100, w.now_ms, NULL), 5);
    ck_assert(!world_exists(&w, "/data/t-0/00000000000000000000.log"));
    ck_assert(world_exists(&w, "/data/t-0/00000000000000000000.log.deleted"));
    ck_assert(world_exists(&w, "/data/t-0/00000000000000000010.snapshot.deleted"));
    bn_log_retain(w.log, 0, w.now_ms + 59999, NULL);
    ck_assert(world_exists(&w, "/data/t-0/00000000000000000000.log.deleted"));
    bn_log_retain(w.log, 0, w.now_ms + 60000, NULL);
    ck_assert(!world_exists(&w, "/data/t-0/00000000000000000000.log.deleted"));
    ck_assert_int_eq(bn_log_epoch_of(w.log, 49), -1);
    ck_assert_int_eq(bn_log_epoch_of(w.log, 50), 1);
    /* What a stop leaves renamed is removed at the next start. */
    ck_assert_int_gt(bn_log_retain(w.log, 100, w.now_ms + 3000, NULL), 0);
    world_close(&w);
    world_open(&w, true, 0);
    ck_assert(!world_exists(&w, "/data/t-0/00000000000000000050.log.deleted"));
    world_check_all(&w);
    world_fini(&w);
}
END_TEST

/* A range handed out before the segment went stays readable. */
START_TEST(test_reading_what_went) {
    struct world w;
    struct bn_chain c;
    world_init(&w);
    w.open.config.retention_ms = 1;
    fill(&w);
    struct bn_log_range r = {0, INT64_MAX, 300, true, 0, -1};
    bn_chain_init(&c);
    ck_assert_int_eq(bn_log_read_range(w.log, &r, &c), 0);
    ck_assert_int_eq(bn_log_retain(w.log, 100, w.now_ms + 100, NULL), 10);
    bn_log_retain(w.log, 100, w.now_ms + 100000, NULL);
    const struct bn_part *p = &c.parts[c.first];
    struct bn_fd *fd = BN_CONTAINER_OF(p->holder, struct bn_fd, shared);
    struct bn_file *f = BN_CONTAINER_OF(fd, struct bn_file, base);
    char *bytes = bn_alloc(p->len);
    ck_assert_int_eq(f->disk->pread(f, bytes, p->len, p->offset, NULL), (ssize_t)p->len);
    ck_assert(memcmp(bytes, w.sent.ptr, p->len) == 0);
    bn_alloc_free(bytes);
    bn_chain_fini(&c);
    world_fini(&w);
}
END_TEST

Suite *retain_suite(void);
Suite *retain_suite(void) {
    Suite *s = suite_create("retain");
    TCase *t = tcase_create("retain");
    tcase_add_test(t, test_rules);
    tcase_add_test(t, test_files_go_later);
    tcase_add_test(t, test_reading_what_went);
    suite_add_tcase(s, t);
    return s;
}
