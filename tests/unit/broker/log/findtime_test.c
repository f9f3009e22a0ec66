/* findtime_test.c: the first record at or after a time, the newest record, over segments, codecs and damage. */
#include "broker/log/findtime.h"
#include "tests/unit/broker/log/world.h"
#include "tests/unit/unit.h"

static void fill(struct world *w, int codec) {
    w->open.config.segment_bytes = 2000;
    w->open.config.index_interval_bytes = 200;
    world_open(w, false, 0);
    for (int i = 0; i < 40; i++)
        world_append(w,
                     &(struct batch_spec){.count = 3, .value_bytes = 30, .timestamp = 1000 + i * 10, .codec = codec});
}

START_TEST(test_first) {
    for (int clean = 0; clean < 2; clean++) {
        struct world w;
        struct bn_log_found f;
        world_init(&w);
        fill(&w, _i);
        if (clean) {
            world_close(&w);
            world_open(&w, true, 0);
        }
        for (int64_t t = 990; t < 1410; t++) {
            /* Batch i has records at 1000 + 10i, +1, +2. */
            int64_t i = t <= 1000 ? 0 : (t - 1000) / 10, in = t <= 1000 ? 0 : (t - 1000) % 10;
            if (in > 2) i++, in = 0;
            ck_assert_int_eq(bn_log_find_time(w.log, t, INT64_MAX, &f), 0);
            if (i >= 40) {
                ck_assert_int_eq(f.offset, -1);
                continue;
            }
            ck_assert_int_eq(f.offset, i * 3 + in);
            ck_assert_int_eq(f.timestamp, 1000 + i * 10 + in);
            ck_assert_int_eq(f.leader_epoch, 1);
            ck_assert_int_eq(bn_log_find_time(w.log, t, i * 3 + in, &f), 0);
            ck_assert_int_eq(f.offset, -1);
        }
        ck_assert_int_eq(bn_log_find_max_time(w.log, &f), 0);
        ck_assert(f.offset == 119 && f.timestamp == 1392);
        world_fini(&w);
    }
}
END_TEST

START_TEST(test_out_of_order_times) {
    static const int64_t times[] = {500, 900, 100, 900, 700};
    struct world w;
    struct bn_log_found f;
    world_init(&w);
    world_open(&w, false, 0);
    ck_assert_int_eq(bn_log_find_max_time(w.log, &f), 0);
    ck_assert_int_eq(f.offset, -1);
    for (size_t i = 0; i < BN_ARRAY_LEN(times); i++)
        world_append(&w, &(struct batch_spec){.count = 1, .timestamp = times[i]});
    ck_assert_int_eq(bn_log_find_max_time(w.log, &f), 0);
    ck_assert(f.offset == 1 && f.timestamp == 900);
    ck_assert_int_eq(bn_log_find_time(w.log, 50, INT64_MAX, &f), 0);
    ck_assert_int_eq(f.offset, 0);
    ck_assert_int_eq(bn_log_find_time(w.log, 600, INT64_MAX, &f), 0);
    ck_assert_int_eq(f.offset, 1);
    ck_assert_int_eq(bn_log_set_start_offset(w.log, 2), 0);
    ck_assert_int_eq(bn_log_find_time(w.log, 600, INT64_MAX, &f), 0);
    ck_assert_int_eq(f.offset, 3);
    world_fini(&w);
}
END_TEST

Suite *findtime_suite(void);
Suite *findtime_suite(void) {
    Suite *s = suite_create("findtime");
    TCase *t = tcase_create("findtime");
    tcase_add_loop_test(t, test_first, BN_CODEC_NONE, BN_CODEC_ZSTD + 1);
    tcase_add_test(t, test_out_of_order_times);
    suite_add_tcase(s, t);
    return s;
}
