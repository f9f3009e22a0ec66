/* logdirs_test.c: whose the directories are, what is found in them, and that a failed one stays out. */
#include "tests/unit/broker/log/dirs.h"
#include "tests/unit/unit.h"

START_TEST(test_identity) {
    struct world w;
    struct bn_err e;
    world_init(&w);
    struct bn_logdirs *d = dirs_open(&w);
    ck_assert_int_eq(bn_logdirs_broker_id(d), -1);
    ck_assert_ptr_null(bn_logdirs_cluster_id(d));
    ck_assert_int_eq(bn_logdirs_claim(d, 4, "cluster-1", &e), 0);
    bn_logdirs_close(d, true, 1);
    d = dirs_open(&w);
    ck_assert_int_eq(bn_logdirs_broker_id(d), 4);
    ck_assert_str_eq(bn_logdirs_cluster_id(d), "cluster-1");
    ck_assert_int_eq(bn_logdirs_claim(d, 4, "cluster-1", &e), 0);
    ck_assert_int_eq(bn_logdirs_claim(d, 5, "cluster-1", &e), BN_BAD);
    ck_assert_ptr_nonnull(strstr(e.text, "meta.properties"));
    ck_assert_int_eq(bn_logdirs_claim(d, 4, "cluster-2", &e), BN_BAD);
    bn_logdirs_close(d, false, 0);
    world_write_file(&w, "/data/b/meta.properties", "version=0\nbroker.id=9\ncluster.id=cluster-1\n", 42);
    ck_assert_int_eq(bn_logdirs_open(&w.env, dirs_paths, 2, &d, &e), BN_BAD);
    ck_assert_ptr_nonnull(strstr(e.text, "/data/b"));
    world_fini(&w);
}
END_TEST

START_TEST(test_offline) {
    struct world w;
    struct bn_err e;
    struct bn_log_open o;
    world_init(&w);
    struct bn_logdirs *d = dirs_open(&w);
    ck_assert_int_eq(bn_log_close(dirs_log(d, "t", 0, &o), &e), 0); /* a */
    bn_memdisk_fail(w.mem, BN_MEMDISK_DATASYNC, 1, 1);
    struct bn_logdir_point point = {"t", 0, o.tenure, 10, 0, 10, false, 0, 0};
    ck_assert_int_ne(bn_logdirs_checkpoint(d, &point, 1, &e), 0);
    ck_assert(!bn_logdirs_online(d, 0) && bn_logdirs_online(d, 1));
    ck_assert_int_eq(bn_logdirs_place(d, "t", 0, false, &o, &e), BN_IO);
    ck_assert_int_eq(bn_logdirs_place(d, "t", 1, true, &o, &e), 0);
    ck_assert_int_eq(bn_logdirs_index_of(d, "t", 1), 1);
    bn_logdirs_fail(d, 1, "a test");
    ck_assert_int_eq(bn_logdirs_place(d, "t", 2, true, &o, &e), BN_IO);
    bn_logdirs_close(d, true, 0);
    ck_assert(!world_exists(&w, "/data/a/.kafka_cleanshutdown"));
    world_fini(&w);
}
END_TEST

START_TEST(test_names_that_are_none) {
    static const char *const dirs[] = {
        "x", "-1", "t-", "t-01", "t--1", "t-99999999999", "t-2147483648", "a b-0", "t-0.abc-future"};
    struct world w;
    struct bn_err e;
    world_init(&w);
    for (size_t i = 0; i < BN_ARRAY_LEN(dirs); i++) {
        char path[100];
        snprintf(path, sizeof path, "/data/a/%s", dirs[i]);
        ck_assert_int_eq(w.disk->mkdir(w.disk, path, NULL), 0);
    }
    const struct bn_logdir_found *found;
    struct bn_logdirs *d = dirs_open(&w);
    int n = bn_logdirs_found(d, &found);
    ck_assert_int_eq(n, 1); /* "t--1" is partition 1 of a topic "t-" */
    ck_assert_str_eq(found[0].topic, "t-");
    bn_logdirs_close(d, false, 0);
    /* The same partition in two places. */
    ck_assert_int_eq(w.disk->mkdir(w.disk, "/data/b/t--1", NULL), 0);
    ck_assert_int_eq(bn_logdirs_open(&w.env, dirs_paths, 2, &d, &e), BN_BAD);
    world_fini(&w);
}
END_TEST

/* Two processes: the real disk's lock. */
START_TEST(test_lock) {
    char *tmp = unit_tmp_dir();
    const char *path[] = {tmp};
    struct bn_logdirs *d, *second;
    struct bn_err e;
    ck_assert_int_eq(bn_logdirs_open(bn_env_real(), path, 1, &d, &e), 0);
    ck_assert_int_eq(bn_logdirs_open(bn_env_real(), path, 1, &second, &e), BN_EXISTS);
    ck_assert_ptr_nonnull(strstr(e.text, ".lock"));
    bn_logdirs_close(d, true, 0);
    ck_assert_int_eq(bn_logdirs_open(bn_env_real(), path, 1, &d, &e), 0);
    bn_logdirs_close(d, true, 0);
    unit_tmp_remove(tmp);
}
END_TEST

Suite *logdirs_suite(void);
Suite *logdirs_suite(void) {
    Suite *s = suite_create("logdirs");
    TCase *t = tcase_create("logdirs");
    tcase_add_test(t, test_identity);
    tcase_add_test(t, test_offline);
    tcase_add_test(t, test_names_that_are_none);
    tcase_add_test(t, test_lock);
    suite_add_tcase(s, t);
    return s;
}
