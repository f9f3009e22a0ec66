/* logdirs_place_test.c: where partitions go, one user at a time, and that nothing vanishes. */
#include "tests/unit/broker/log/dirs.h"
#include "tests/unit/unit.h"

static size_t count_names(struct world *w, const char *dir, const char *part) {
    struct bn_disk_entry *list;
    size_t n, hits = 0;
    ck_assert_int_eq(w->disk->list(w->disk, dir, &list, &n, NULL), 0);
    for (size_t i = 0; i < n; i++) hits += strstr(list[i].name, part) != NULL;
    bn_alloc_free(list);
    return hits;
}

START_TEST(test_removing) {
    struct world w;
    struct bn_err e;
    struct bn_log_open o;
    char topic[250];
    world_init(&w);
    memset(topic, 'x', 249);
    topic[249] = '\0';
    struct bn_logdirs *d = dirs_open(&w);
    ck_assert_int_eq(bn_log_close(dirs_log(d, "old", 0, &o), &e), 0); /* a */
    uint64_t tenure = o.tenure;
    ck_assert_int_eq(bn_log_close(dirs_log(d, topic, 11, &o), &e), 0); /* b */
    struct bn_logdir_point point = {"old", 0, tenure, 10, 0, 10, false, 0, 0};
    ck_assert_int_eq(bn_logdirs_checkpoint(d, &point, 1, &e), 0);
    ck_assert_int_eq(bn_logdirs_remove(d, "old", 0, false, 1000, NULL, &e), 0);
    ck_assert_int_eq(bn_logdirs_remove(d, "old", 0, false, 1000, NULL, &e), BN_NOTFOUND);
    ck_assert_int_eq(bn_logdirs_remove(d, topic, 11, true, 0, NULL, &e), 0);
    ck_assert_uint_eq(count_names(&w, "/data/a", "-delete"), 1);
    ck_assert_uint_eq(count_names(&w, "/data/b", "-stray"), 1);
    ck_assert_int_eq(bn_logdirs_index_of(d, "old", 0), -1);
    /* A new topic of that name starts with nothing of the old one. */
    ck_assert_int_eq(bn_log_close(dirs_log(d, "old", 0, &o), &e), 0);
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
    d = dirs_open(&w);
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
    struct bn_logdirs *d = dirs_open(&w);
    struct bn_log *l = dirs_log(d, "t", 0, &o);
    ck_assert_int_eq(bn_logdirs_place(d, "t", 0, true, &other, &e), BN_AGAIN);
    ck_assert(!bn_logdirs_hold(d, "t", 0));
    ck_assert_int_eq(bn_log_close(l, &e), 0);
    ck_assert_int_eq(bn_logdirs_remove(d, "t", 0, true, 0, NULL, &e), 0);
    ck_assert_int_eq(bn_log_close(dirs_log(d, "t", 0, &o), &e), 0);
    bn_logdirs_close(d, true, 0);
    /* What was found at start has no user before somebody takes it to remove it. */
    d = dirs_open(&w);
    ck_assert(bn_logdirs_hold(d, "t", 0));
    ck_assert_int_eq(bn_logdirs_place(d, "t", 0, true, &other, &e), BN_AGAIN);
    ck_assert_int_eq(bn_logdirs_remove(d, "t", 0, false, 1000, NULL, &e), 0);
    ck_assert_int_eq(bn_logdirs_place(d, "t", 0, true, &other, &e), 0);
    bn_logdirs_close(d, false, 0);
    world_fini(&w);
}
END_TEST

/* While a directory is being renamed, a topic of the same name comes: on another thread of the pool. */
static struct {
    struct bn_logdirs *dirs;
    int (*rename)(const struct bn_disk *d, const char *from, const char *to, struct bn_err *e);
    int rc, asked;
} rival;

static int rename_slowly(const struct bn_disk *d, const char *from, const char *to, struct bn_err *e) {
    struct bn_log_open o = {0};
    struct bn_err own;
    rival.rc = bn_logdirs_place(rival.dirs, "t", 0, true, &o, &own);
    rival.asked++;
    return rival.rename(d, from, to, e);
}

/* Else its new directory would be renamed, and deleted, in place of the old one. */
START_TEST(test_nobody_comes_before_the_name_is_free) {
    for (int stray = 0; stray < 2; stray++) {
        struct world w;
        struct bn_err e;
        struct bn_log_open o;
        world_init(&w);
        struct bn_logdirs *d = dirs_open(&w);
        ck_assert_int_eq(bn_log_close(dirs_log(d, "t", 0, &o), &e), 0);
        struct bn_logdir_point late = {"t", 0, o.tenure, 14, 3, 12, true, 0, 0};
        struct bn_disk *disk = (struct bn_disk *)(uintptr_t)w.disk;
        rival.dirs = d;
        rival.rename = disk->rename;
        rival.asked = 0;
        disk->rename = rename_slowly;
        ck_assert_int_eq(bn_logdirs_remove(d, "t", 0, stray, 60000, NULL, &e), 0);
        disk->rename = rival.rename;
        ck_assert_int_eq(rival.asked, 1);
        ck_assert_int_eq(rival.rc, BN_AGAIN);
        ck_assert_int_eq(bn_logdirs_checkpoint(d, &late, 1, &e), 0);
        ck_assert_int_eq(bn_log_close(dirs_log(d, "t", 0, &o), &e), 0);
        ck_assert_int_eq(o.recovery_point, 0);
        bn_logdirs_close(d, false, 0);
        world_fini(&w);
    }
}
END_TEST

Suite *logdirs_place_suite(void);
Suite *logdirs_place_suite(void) {
    Suite *s = suite_create("logdirs_place");
    TCase *t = tcase_create("logdirs_place");
    tcase_add_test(t, test_removing);
    tcase_add_test(t, test_one_user_at_a_time);
    tcase_add_test(t, test_nobody_comes_before_the_name_is_free);
    suite_add_tcase(s, t);
    return s;
}
