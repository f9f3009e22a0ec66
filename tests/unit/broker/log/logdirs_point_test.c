/* logdirs_point_test.c: what checkpoint files keep, and of whom. */
#include "tests/unit/broker/log/dirs.h"
#include "tests/unit/unit.h"

START_TEST(test_placing_and_checkpoints) {
    struct world w;
    struct bn_err e;
    struct bn_log_open o;
    world_init(&w);
    struct bn_logdirs *d = dirs_open(&w);
    int in_dir[2] = {0, 0};
    for (int p = 0; p < 6; p++) {
        ck_assert_int_eq(bn_log_close(dirs_log(d, "top-ic", p, &o), &e), 0);
        in_dir[bn_logdirs_index_of(d, "top-ic", p)]++;
    }
    ck_assert(in_dir[0] == 3 && in_dir[1] == 3);
    ck_assert_int_eq(bn_logdirs_place(d, "none", 0, false, &o, &e), BN_NOTFOUND);
    struct bn_logdir_point points[] = {
        {"top-ic", 0, 0, 10, 5, 9, true, 0},
        {"top-ic", 1, 1, 20, 0, 19, false, 0},
        {"gone", 7, 0, 1, 1, 1, true, 0},
    };
    ck_assert_int_eq(bn_logdirs_checkpoint(d, points, 3, &e), 0);
    /* One that is not named keeps what stood in the file. */
    ck_assert_int_eq(bn_logdirs_checkpoint(d, points + 1, 1, &e), 0);
    bn_logdirs_close(d, true, 55);
    size_t len;
    char *text = world_read_file(&w, "/data/a/.kafka_cleanshutdown", &len);
    ck_assert_str_eq(text, "{\"version\":0,\"brokerEpoch\":55}");
    bn_alloc_free(text);
    text = world_read_file(&w, "/data/a/log-start-offset-checkpoint", &len);
    ck_assert_str_eq(text, "0\n1\ntop-ic 0 5\n");
    bn_alloc_free(text);

    d = dirs_open(&w);
    ck_assert(!world_exists(&w, "/data/a/.kafka_cleanshutdown"));
    const struct bn_logdir_found *found;
    ck_assert_int_eq(bn_logdirs_found(d, &found), 6);
    ck_assert_str_eq(found[0].topic, "top-ic");
    ck_assert_int_eq(bn_logdirs_place(d, "top-ic", 0, false, &o, &e), 0);
    ck_assert(o.clean && o.recovery_point == 10 && o.log_start_offset == 5);
    ck_assert_int_eq(bn_logdirs_high_watermark(d, "top-ic", 0), 9);
    ck_assert_int_eq(bn_logdirs_high_watermark(d, "top-ic", 1), 19);
    /* The marker speaks once. */
    ck_assert_int_eq(bn_logdirs_place(d, "top-ic", 0, false, &o, &e), 0);
    ck_assert(!o.clean);
    ck_assert_int_eq(bn_logdirs_lower(d, "top-ic", 0, 3, &e), 0);
    bn_logdirs_close(d, false, 0);
    d = dirs_open(&w);
    ck_assert_int_eq(bn_logdirs_place(d, "top-ic", 0, false, &o, &e), 0);
    ck_assert(!o.clean && o.recovery_point == 3);
    bn_logdirs_close(d, false, 0);
    /* A file that is not whole is not used. */
    world_write_file(&w, "/data/a/recovery-point-offset-checkpoint", "0\n2\ntop-ic 0 10\n", 16);
    d = dirs_open(&w);
    ck_assert_int_eq(bn_logdirs_place(d, "top-ic", 0, false, &o, &e), 0);
    ck_assert_int_eq(o.recovery_point, 0);
    bn_logdirs_close(d, false, 0);
    world_fini(&w);
}
END_TEST

/* A topic goes and another comes under its name; the broker dies before the next checkpoint. Nothing that was written
 * of the former one is taken for the new one's. */
START_TEST(test_a_name_again) {
    struct world w;
    struct bn_err e;
    struct bn_log_open o;
    world_init(&w);
    struct bn_logdirs *d = dirs_open(&w);
    ck_assert_int_eq(bn_log_close(dirs_log(d, "again", 0, &o), &e), 0);
    int dir = bn_logdirs_index_of(d, "again", 0);
    struct bn_logdir_point point = {"again", 0, dir, 14, 3, 12, true, 0};
    ck_assert_int_eq(bn_logdirs_checkpoint(d, &point, 1, &e), 0);
    ck_assert_int_eq(bn_logdirs_remove(d, "again", 0, false, 60000, NULL, &e), 0);
    ck_assert_int_eq(bn_log_close(dirs_log(d, "again", 0, &o), &e), 0);
    bn_logdirs_close(d, false, 0);
    d = dirs_open(&w);
    ck_assert_int_eq(bn_logdirs_place(d, "again", 0, false, &o, &e), 0);
    ck_assert_int_eq(o.recovery_point, 0);
    ck_assert_int_eq(o.log_start_offset, 0);
    ck_assert_int_eq(bn_logdirs_high_watermark(d, "again", 0), 0);
    bn_logdirs_close(d, false, 0);
    world_fini(&w);
}
END_TEST

Suite *logdirs_point_suite(void);
Suite *logdirs_point_suite(void) {
    Suite *s = suite_create("logdirs_point");
    TCase *t = tcase_create("logdirs_point");
    tcase_add_test(t, test_placing_and_checkpoints);
    tcase_add_test(t, test_a_name_again);
    suite_add_tcase(s, t);
    return s;
}
