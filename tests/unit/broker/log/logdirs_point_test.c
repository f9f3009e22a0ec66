/* logdirs_point_test.c: what checkpoint files keep, and of whom. */
#include <limits.h>

#include "tests/unit/broker/log/dirs.h"
#include "tests/unit/unit.h"

START_TEST(test_placing_and_checkpoints) {
    struct world w;
    struct bn_err e;
    struct bn_log_open o;
    world_init(&w);
    struct bn_logdirs *d = dirs_open(&w);
    int in_dir[2] = {0, 0};
    uint64_t tenure[6];
    for (int p = 0; p < 6; p++) {
        ck_assert_int_eq(bn_log_close(dirs_log(d, "top-ic", p, &o), &e), 0);
        in_dir[bn_logdirs_index_of(d, "top-ic", p)]++;
        tenure[p] = o.tenure;
    }
    ck_assert(in_dir[0] == 3 && in_dir[1] == 3);
    ck_assert_int_eq(bn_logdirs_place(d, "none", 0, false, &o, &e), BN_NOTFOUND);
    struct bn_logdir_point points[] = {
        {"top-ic", 0, tenure[0], 10, 5, 9, true, 0, 0},
        {"top-ic", 1, tenure[1], 20, 0, 19, false, 0, 0},
        {"gone", 7, 0, 1, 1, 1, true, 0, 0},
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
    struct bn_logdir_point low = {"top-ic", 0, o.tenure, 3, INT64_MAX, 0, false, 0, 0};
    ck_assert_int_eq(bn_logdirs_cut(d, &low, &e), 0);
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

/* Goal: what was cleaned was synced, whatever the recovery point says (Kafka writes that once a minute); and a cut
 * leaves no line that says more than it. */
START_TEST(test_cleaned_is_synced) {
    static const struct {
        int64_t recovered, cleaned, place, cut, then;
    } cases[] = {{4, 9, 9, 6, 6}, {9, 4, 9, 6, 6}, {9, 4, 9, 2, 2}, {0, 9, 9, 9, 9}, {4, 0, 4, 6, 4}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world w;
        struct bn_err e;
        struct bn_log_open o;
        world_init(&w);
        struct bn_logdirs *d = dirs_open(&w);
        ck_assert_int_eq(bn_log_close(dirs_log(d, "t", 0, &o), &e), 0);
        struct bn_logdir_point p = {"t", 0, o.tenure, cases[i].recovered, 0, 0, false, cases[i].cleaned, 0};
        ck_assert_int_eq(bn_logdirs_checkpoint(d, &p, 1, &e), 0);
        bn_logdirs_close(d, false, 0);
        d = dirs_open(&w);
        ck_assert_int_eq(bn_logdirs_place(d, "t", 0, false, &o, &e), 0);
        ck_assert_int_eq(o.recovery_point, cases[i].place);
        ck_assert_int_eq(o.cleaned_to, cases[i].cleaned);
        struct bn_logdir_point low = {"t", 0, o.tenure, cases[i].cut, INT64_MAX, 0, false, 0, 0};
        ck_assert_int_eq(bn_logdirs_cut(d, &low, &e), 0);
        bn_logdirs_close(d, false, 0);
        d = dirs_open(&w);
        ck_assert_int_eq(bn_logdirs_place(d, "t", 0, false, &o, &e), 0);
        ck_assert_int_eq(o.recovery_point, cases[i].then);
        bn_logdirs_close(d, false, 0);
        world_fini(&w);
    }
}
END_TEST

/* Goal: a directory whose checkpoints could not be written is offline, but its logs go on, and are truncated: what a
 * truncation lowers is on disk all the same, or the truncation is told that it is not. */
START_TEST(test_cut_of_an_offline_directory) {
    for (int still_full = 0; still_full < 2; still_full++) {
        struct world w;
        struct bn_err e;
        struct bn_log_open o;
        world_init(&w);
        struct bn_logdirs *d = dirs_open(&w);
        ck_assert_int_eq(bn_log_close(dirs_log(d, "t", 0, &o), &e), 0);
        struct bn_logdir_point point = {"t", 0, o.tenure, 100, 0, 90, false, 0, 0};
        ck_assert_int_eq(bn_logdirs_checkpoint(d, &point, 1, &e), 0);
        bn_memdisk_fail(w.mem, BN_MEMDISK_PWRITEV, 1, INT_MAX);
        point.high_watermark = 95;
        ck_assert_int_ne(bn_logdirs_checkpoint(d, &point, 1, &e), 0);
        ck_assert(!bn_logdirs_online(d, bn_logdirs_index_of(d, "t", 0)));
        if (!still_full) bn_memdisk_fail(w.mem, BN_MEMDISK_PWRITEV, 1, 0);
        struct bn_logdir_point low = {"t", 0, o.tenure, 40, INT64_MAX, 0, false, 0, 1};
        ck_assert_int_eq(bn_logdirs_cut(d, &low, &e) != 0, still_full);
        bn_memdisk_fail(w.mem, BN_MEMDISK_PWRITEV, 1, 0);
        bn_logdirs_close(d, false, 0);
        d = dirs_open(&w);
        ck_assert_int_eq(bn_logdirs_place(d, "t", 0, false, &o, &e), 0);
        ck_assert_int_eq(o.recovery_point, still_full ? 100 : 40);
        bn_logdirs_close(d, false, 0);
        world_fini(&w);
    }
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
    struct bn_logdir_point point = {"again", 0, o.tenure, 14, 3, 12, true, 0, 0};
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

/* Offsets are read on the shards and written on the pool. Whatever happens to the topic in between, what was read of
 * the former one is not written of the one that has its name now: neither when the new directory is there already, nor
 * while no one is, nor by a truncation's word. */
START_TEST(test_a_late_line) {
    enum { BEFORE, GONE, AGAIN, TWICE, MOMENTS };
    for (int moment = BEFORE; moment < MOMENTS; moment++) {
        struct world w;
        struct bn_err e;
        struct bn_log_open o;
        world_init(&w);
        struct bn_logdirs *d = dirs_open(&w);
        ck_assert_int_eq(bn_log_close(dirs_log(d, "late", 0, &o), &e), 0);
        struct bn_logdir_point late = {"late", 0, o.tenure, 14, 3, 12, true, 0, 7};
        if (moment == BEFORE) ck_assert_int_eq(bn_logdirs_checkpoint(d, &late, 1, &e), 0);
        ck_assert_int_eq(bn_logdirs_remove(d, "late", 0, false, 60000, NULL, &e), 0);
        if (moment == GONE) ck_assert_int_eq(bn_logdirs_checkpoint(d, &late, 1, &e), 0);
        ck_assert_int_eq(bn_log_close(dirs_log(d, "late", 0, &o), &e), 0);
        ck_assert_uint_ne(o.tenure, late.tenure);
        struct bn_logdir_point own = {"late", 0, o.tenure, 2, 1, 2, true, 0, 0};
        if (moment == TWICE) ck_assert_int_eq(bn_logdirs_checkpoint(d, &own, 1, &e), 0);
        if (moment >= AGAIN) {
            ck_assert_int_eq(bn_logdirs_checkpoint(d, &late, 1, &e), 0);
            ck_assert_int_eq(bn_logdirs_cut(d, &late, &e), BN_NOTFOUND);
        }
        bool told = moment == TWICE;
        ck_assert_int_eq(bn_logdirs_high_watermark(d, "late", 0), told ? 2 : 0);
        bn_logdirs_close(d, false, 0);
        d = dirs_open(&w);
        ck_assert_int_eq(bn_logdirs_place(d, "late", 0, false, &o, &e), 0);
        ck_assert_int_eq(o.recovery_point, told ? 2 : 0);
        ck_assert_int_eq(o.log_start_offset, told ? 1 : 0);
        ck_assert_int_eq(bn_logdirs_high_watermark(d, "late", 0), told ? 2 : 0);
        bn_logdirs_close(d, false, 0);
        world_fini(&w);
    }
}
END_TEST

/* A checkpoint that has nothing new to say writes nothing; one that failed is written again; and a file that this
 * process has not written yet is, whatever stands in it. */
START_TEST(test_nothing_new) {
    static const char *const names[] = {"recovery-point-offset-checkpoint", "replication-offset-checkpoint",
                                        "log-start-offset-checkpoint"};
    struct world w;
    struct bn_err e;
    struct bn_log_open o;
    world_init(&w);
    struct bn_logdirs *d = dirs_open(&w);
    ck_assert_int_eq(bn_log_close(dirs_log(d, "t", 0, &o), &e), 0); /* a */
    struct bn_logdir_point point = {"t", 0, o.tenure, 14, 3, 12, true, 0, 0};
    ck_assert_int_eq(bn_logdirs_checkpoint(d, &point, 1, &e), 0);
    for (int round = 0; round < 2; round++) {
        size_t len;
        for (size_t i = 0; i < BN_ARRAY_LEN(names); i++) {
            char path[100];
            snprintf(path, sizeof path, "/data/a/%s", names[i]);
            world_write_file(&w, path, "0\n0\n", 4);
        }
        ck_assert_int_eq(bn_logdirs_checkpoint(d, round ? NULL : &point, round ? 0 : 1, &e), 0);
        for (size_t i = 0; i < BN_ARRAY_LEN(names); i++) {
            char path[100];
            snprintf(path, sizeof path, "/data/a/%s", names[i]);
            char *text = world_read_file(&w, path, &len);
            ck_assert_str_eq(text, "0\n0\n");
            bn_alloc_free(text);
        }
    }
    point.high_watermark = 13;
    ck_assert_int_eq(bn_logdirs_checkpoint(d, &point, 1, &e), 0);
    for (size_t i = 0; i < BN_ARRAY_LEN(names); i++) {
        char path[100];
        size_t len;
        snprintf(path, sizeof path, "/data/a/%s", names[i]);
        char *text = world_read_file(&w, path, &len);
        ck_assert_str_eq(text, i == 1 ? "0\n1\nt 0 13\n" : "0\n0\n"); /* only the one that says it */
        bn_alloc_free(text);
    }
    bn_logdirs_close(d, false, 0);
    /* The next process believes no file until it has written it: this topic is gone from the disk. */
    world_write_file(&w, "/data/a/replication-offset-checkpoint", "0\n1\nother 0 5\n", 14);
    d = dirs_open(&w);
    ck_assert_int_eq(bn_logdirs_checkpoint(d, NULL, 0, &e), 0);
    size_t len;
    char *text = world_read_file(&w, "/data/a/replication-offset-checkpoint", &len);
    ck_assert_str_eq(text, "0\n0\n");
    bn_alloc_free(text);
    bn_logdirs_close(d, false, 0);
    world_fini(&w);
}
END_TEST

Suite *logdirs_point_suite(void);
Suite *logdirs_point_suite(void) {
    Suite *s = suite_create("logdirs_point");
    TCase *t = tcase_create("logdirs_point");
    tcase_add_test(t, test_placing_and_checkpoints);
    tcase_add_test(t, test_cleaned_is_synced);
    tcase_add_test(t, test_cut_of_an_offline_directory);
    tcase_add_test(t, test_a_name_again);
    tcase_add_test(t, test_a_late_line);
    tcase_add_test(t, test_nothing_new);
    suite_add_tcase(s, t);
    return s;
}
