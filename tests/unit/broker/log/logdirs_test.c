/* logdirs_test.c: whose directories they are, where partitions go, what checkpoints keep, and that nothing vanishes. */
#include "broker/log/logdir.h"
#include "tests/unit/broker/log/world.h"
#include "tests/unit/unit.h"

static const char *const paths[] = {"/data/a", "/data/b"};

static struct bn_logdirs *open_dirs(struct world *w) {
    struct bn_logdirs *d = NULL;
    struct bn_err e = BN_ERR_NONE;
    int rc = bn_logdirs_open(&w->env, paths, 2, &d, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    return d;
}

START_TEST(test_identity) {
    struct world w;
    struct bn_err e;
    world_init(&w);
    struct bn_logdirs *d = open_dirs(&w);
    ck_assert_int_eq(bn_logdirs_broker_id(d), -1);
    ck_assert_ptr_null(bn_logdirs_cluster_id(d));
    ck_assert_int_eq(bn_logdirs_claim(d, 4, "cluster-1", &e), 0);
    bn_logdirs_close(d, true, 1);
    d = open_dirs(&w);
    ck_assert_int_eq(bn_logdirs_broker_id(d), 4);
    ck_assert_str_eq(bn_logdirs_cluster_id(d), "cluster-1");
    ck_assert_int_eq(bn_logdirs_claim(d, 4, "cluster-1", &e), 0);
    ck_assert_int_eq(bn_logdirs_claim(d, 5, "cluster-1", &e), BN_BAD);
    ck_assert_ptr_nonnull(strstr(e.text, "meta.properties"));
    ck_assert_int_eq(bn_logdirs_claim(d, 4, "cluster-2", &e), BN_BAD);
    bn_logdirs_close(d, false, 0);
    world_write_file(&w, "/data/b/meta.properties", "version=0\nbroker.id=9\ncluster.id=cluster-1\n", 42);
    ck_assert_int_eq(bn_logdirs_open(&w.env, paths, 2, &d, &e), BN_BAD);
    ck_assert_ptr_nonnull(strstr(e.text, "/data/b"));
    world_fini(&w);
}
END_TEST

static struct bn_log *open_log(struct bn_logdirs *d, const char *topic, int32_t partition, struct bn_log_open *o) {
    struct bn_log *l;
    struct bn_err e;
    *o = (struct bn_log_open){0};
    bn_log_config_defaults(&o->config);
    ck_assert_int_eq(bn_logdirs_place(d, topic, partition, true, o, &e), 0);
    ck_assert_int_eq(bn_log_open(o, &l, &e), 0);
    return l;
}

START_TEST(test_placing_and_checkpoints) {
    struct world w;
    struct bn_err e;
    struct bn_log_open o;
    world_init(&w);
    struct bn_logdirs *d = open_dirs(&w);
    int in_dir[2] = {0, 0};
    for (int p = 0; p < 6; p++) {
        ck_assert_int_eq(bn_log_close(open_log(d, "top-ic", p, &o), &e), 0);
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

    d = open_dirs(&w);
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
    d = open_dirs(&w);
    ck_assert_int_eq(bn_logdirs_place(d, "top-ic", 0, false, &o, &e), 0);
    ck_assert(!o.clean && o.recovery_point == 3);
    bn_logdirs_close(d, false, 0);
    /* A file that is not whole is not used. */
    world_write_file(&w, "/data/a/recovery-point-offset-checkpoint", "0\n2\ntop-ic 0 10\n", 16);
    d = open_dirs(&w);
    ck_assert_int_eq(bn_logdirs_place(d, "top-ic", 0, false, &o, &e), 0);
    ck_assert_int_eq(o.recovery_point, 0);
    bn_logdirs_close(d, false, 0);
    world_fini(&w);
}
END_TEST

static size_t count_names(struct world *w, const char *dir, const char *part) {
    struct bn_disk_entry *list;
    size_t n, hits = 0;
    ck_assert_int_eq(w->disk->list(w->disk, dir, &list, &n, NULL), 0);
    for (size_t i = 0; i < n; i++) hits += strstr(list[i].name, part) != NULL;
    bn_alloc_free(list);
    return hits;
}

/* A topic goes and another comes under its name; the broker dies before the next checkpoint. Nothing that was written
 * of the former one is taken for the new one's. */
START_TEST(test_a_name_again) {
    struct world w;
    struct bn_err e;
    struct bn_log_open o;
    world_init(&w);
    struct bn_logdirs *d = open_dirs(&w);
    ck_assert_int_eq(bn_log_close(open_log(d, "again", 0, &o), &e), 0);
    int dir = bn_logdirs_index_of(d, "again", 0);
    struct bn_logdir_point point = {"again", 0, dir, 14, 3, 12, true, 0};
    ck_assert_int_eq(bn_logdirs_checkpoint(d, &point, 1, &e), 0);
    ck_assert_int_eq(bn_logdirs_remove(d, "again", 0, false, 60000, NULL, &e), 0);
    ck_assert_int_eq(bn_log_close(open_log(d, "again", 0, &o), &e), 0);
    bn_logdirs_close(d, false, 0);
    d = open_dirs(&w);
    ck_assert_int_eq(bn_logdirs_place(d, "again", 0, false, &o, &e), 0);
    ck_assert_int_eq(o.recovery_point, 0);
    ck_assert_int_eq(o.log_start_offset, 0);
    ck_assert_int_eq(bn_logdirs_high_watermark(d, "again", 0), 0);
    bn_logdirs_close(d, false, 0);
    world_fini(&w);
}
END_TEST

START_TEST(test_removing) {
    struct world w;
    struct bn_err e;
    struct bn_log_open o;
    char topic[250];
    world_init(&w);
    memset(topic, 'x', 249);
    topic[249] = '\0';
    struct bn_logdirs *d = open_dirs(&w);
    ck_assert_int_eq(bn_log_close(open_log(d, "old", 0, &o), &e), 0);  /* a */
    ck_assert_int_eq(bn_log_close(open_log(d, topic, 11, &o), &e), 0); /* b */
    struct bn_logdir_point point = {"old", 0, 0, 10, 0, 10, false, 0};
    ck_assert_int_eq(bn_logdirs_checkpoint(d, &point, 1, &e), 0);
    ck_assert_int_eq(bn_logdirs_remove(d, "old", 0, false, 1000, NULL, &e), 0);
    ck_assert_int_eq(bn_logdirs_remove(d, "old", 0, false, 1000, NULL, &e), BN_NOTFOUND);
    ck_assert_int_eq(bn_logdirs_remove(d, topic, 11, true, 0, NULL, &e), 0);
    ck_assert_uint_eq(count_names(&w, "/data/a", "-delete"), 1);
    ck_assert_uint_eq(count_names(&w, "/data/b", "-stray"), 1);
    ck_assert_int_eq(bn_logdirs_index_of(d, "old", 0), -1);
    /* A new topic of that name starts with nothing of the old one. */
    ck_assert_int_eq(bn_log_close(open_log(d, "old", 0, &o), &e), 0);
    ck_assert_int_eq(o.recovery_point, 0);
    ck_assert_int_eq(bn_logdirs_high_watermark(d, "old", 0), 0);
    ck_assert_int_eq(bn_logdirs_checkpoint(d, NULL, 0, &e), 0);
    ck_assert_uint_eq(count_names(&w, "/data/a", "-delete"), 1);
    w.now_ms += 1000;
    ck_assert_int_eq(bn_logdirs_checkpoint(d, NULL, 0, &e), 0);
    ck_assert_uint_eq(count_names(&w, "/data/a", "-delete"), 0);
    ck_assert_int_eq(bn_logdirs_remove(d, "old", 0, false, 1000, NULL, &e), 0);
    bn_logdirs_close(d, true, 0);
    /* The next start finishes deletions, and leaves strays alone. */
    d = open_dirs(&w);
    const struct bn_logdir_found *found;
    ck_assert_int_eq(bn_logdirs_found(d, &found), 0);
    ck_assert_int_eq(bn_logdirs_checkpoint(d, NULL, 0, &e), 0);
    ck_assert_uint_eq(count_names(&w, "/data/a", "-delete"), 0);
    ck_assert_uint_eq(count_names(&w, "/data/b", "-stray"), 1);
    bn_logdirs_close(d, true, 0);
    world_fini(&w);
}
END_TEST

/* A directory is one user's at a time: a topic of the same name waits until the one before has left. */
START_TEST(test_one_user_at_a_time) {
    struct world w;
    struct bn_err e;
    struct bn_log_open o, other = {0};
    world_init(&w);
    struct bn_logdirs *d = open_dirs(&w);
    struct bn_log *l = open_log(d, "t", 0, &o);
    ck_assert_int_eq(bn_logdirs_place(d, "t", 0, true, &other, &e), BN_AGAIN);
    ck_assert(!bn_logdirs_hold(d, "t", 0));
    ck_assert_int_eq(bn_log_close(l, &e), 0);
    ck_assert_int_eq(bn_logdirs_remove(d, "t", 0, true, 0, NULL, &e), 0);
    ck_assert_int_eq(bn_log_close(open_log(d, "t", 0, &o), &e), 0);
    bn_logdirs_close(d, true, 0);
    /* What was found at start has no user before somebody takes it to remove it. */
    d = open_dirs(&w);
    ck_assert(bn_logdirs_hold(d, "t", 0));
    ck_assert_int_eq(bn_logdirs_place(d, "t", 0, true, &other, &e), BN_AGAIN);
    ck_assert_int_eq(bn_logdirs_remove(d, "t", 0, false, 1000, NULL, &e), 0);
    ck_assert_int_eq(bn_logdirs_place(d, "t", 0, true, &other, &e), 0);
    bn_logdirs_close(d, false, 0);
    world_fini(&w);
}
END_TEST

START_TEST(test_offline) {
    struct world w;
    struct bn_err e;
    struct bn_log_open o;
    world_init(&w);
    struct bn_logdirs *d = open_dirs(&w);
    ck_assert_int_eq(bn_log_close(open_log(d, "t", 0, &o), &e), 0); /* a */
    bn_memdisk_fail(w.mem, BN_MEMDISK_DATASYNC, 1, 1);
    struct bn_logdir_point point = {"t", 0, 0, 10, 0, 10, false, 0};
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
    struct bn_logdirs *d = open_dirs(&w);
    int n = bn_logdirs_found(d, &found);
    ck_assert_int_eq(n, 1); /* "t--1" is partition 1 of a topic "t-" */
    ck_assert_str_eq(found[0].topic, "t-");
    bn_logdirs_close(d, false, 0);
    /* The same partition in two places. */
    ck_assert_int_eq(w.disk->mkdir(w.disk, "/data/b/t--1", NULL), 0);
    ck_assert_int_eq(bn_logdirs_open(&w.env, paths, 2, &d, &e), BN_BAD);
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
    tcase_add_test(t, test_placing_and_checkpoints);
    tcase_add_test(t, test_a_name_again);
    tcase_add_test(t, test_removing);
    tcase_add_test(t, test_one_user_at_a_time);
    tcase_add_test(t, test_offline);
    tcase_add_test(t, test_names_that_are_none);
    tcase_add_test(t, test_lock);
    suite_add_tcase(s, t);
    return s;
}
