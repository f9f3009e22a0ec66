/* leftover_test.c: wherever a compaction or a deletion stopped, the directory is whole afterwards. */
#include "broker/log/leftover.h"

#include <limits.h>

#include "tests/unit/broker/log/world.h"
#include "tests/unit/unit.h"

static void segment(struct world *w, const char *path, int64_t base, int records) {
    struct bn_str s;
    bn_str_init(&s);
    world_batch(&(struct batch_spec){.count = records}, &s);
    bn_batch_assign((uint8_t *)s.ptr, base, 0);
    world_write_file(w, path, s.ptr, s.len);
    bn_str_fini(&s);
}

static void check_names(struct world *w, const char *const *want, size_t count) {
    struct bn_disk_entry *list;
    size_t n;
    ck_assert_int_eq(w->disk->list(w->disk, "/data", &list, &n, NULL), 0);
    ck_assert_uint_eq(n, count);
    for (size_t i = 0; i < n; i++) ck_assert_str_eq(list[i].name, want[i]);
    bn_alloc_free(list);
}

#define S "/data/000000000000000000"
START_TEST(test_whole_swap_replaces) {
    struct world w;
    struct bn_err e;
    world_init(&w);
    struct bn_index_place place = {.disk = w.disk, .dir = "/data"};
    segment(&w, S "00.log", 0, 10);
    segment(&w, S "10.log", 10, 10);
    segment(&w, S "20.log", 20, 10);
    segment(&w, S "00.log.swap", 0, 20);
    world_write_file(&w, S "00.index.swap", "", 0);
    world_write_file(&w, S "10.index", "", 0);
    world_write_file(&w, S "10.log.deleted", "x", 1);
    world_write_file(&w, "/data/leader-epoch-checkpoint", "x", 1);
    ck_assert_int_eq(bn_leftover_clean(&place, &e), 0);
    static const char *const want[] = {"00000000000000000000.index", "00000000000000000000.log",
                                       "00000000000000000020.log", "leader-epoch-checkpoint"};
    check_names(&w, want, BN_ARRAY_LEN(want));
    size_t len, swap_len;
    segment(&w, "/data/compare", 0, 20);
    bn_alloc_free(world_read_file(&w, S "00.log", &len));
    bn_alloc_free(world_read_file(&w, "/data/compare", &swap_len));
    ck_assert_uint_eq(len, swap_len);
    world_fini(&w);
}
END_TEST

/* A .cleaned file says that the swap files from its offset on are not all there yet. */
START_TEST(test_unfinished_is_undone) {
    struct world w;
    struct bn_err e;
    world_init(&w);
    struct bn_index_place place = {.disk = w.disk, .dir = "/data"};
    segment(&w, S "00.log", 0, 10);
    segment(&w, S "10.log", 10, 10);
    segment(&w, S "00.log.cleaned", 0, 5);
    segment(&w, S "00.log.swap", 0, 20);
    ck_assert_int_eq(bn_leftover_clean(&place, &e), 0);
    static const char *const want[] = {"00000000000000000000.log", "00000000000000000010.log"};
    check_names(&w, want, BN_ARRAY_LEN(want));
    world_fini(&w);
}
END_TEST

/* Goal: who is killed while he undoes leaves nothing that looks whole: not a time index for another segment. */
START_TEST(test_undoing_is_killed) {
    for (int nth = 1; nth < 6; nth++) {
        struct world w;
        struct bn_err e;
        size_t len;
        world_init(&w);
        struct bn_index_place place = {.disk = w.disk, .dir = "/data"};
        segment(&w, S "00.log", 0, 10);
        world_write_file(&w, S "00.timeindex", "old", 3);
        segment(&w, S "00.log.cleaned", 0, 5);
        world_write_file(&w, S "00.index.cleaned", "", 0);
        world_write_file(&w, S "00.timeindex.swap", "new", 3);
        bn_memdisk_fail(w.mem, BN_MEMDISK_UNLINK, nth, INT_MAX);
        int rc = bn_leftover_clean(&place, &e);
        ck_assert(rc == (nth < 4 ? BN_IO : 0));
        bn_memdisk_fail(w.mem, BN_MEMDISK_UNLINK, 1, 0);
        ck_assert_int_eq(bn_leftover_clean(&place, &e), 0);
        static const char *const want[] = {"00000000000000000000.log", "00000000000000000000.timeindex"};
        check_names(&w, want, BN_ARRAY_LEN(want));
        char *text = world_read_file(&w, S "00.timeindex", &len);
        ck_assert_mem_eq(text, "old", 3);
        bn_alloc_free(text);
        world_fini(&w);
    }
}
END_TEST

Suite *leftover_suite(void);
Suite *leftover_suite(void) {
    Suite *s = suite_create("leftover");
    TCase *t = tcase_create("leftover");
    tcase_add_test(t, test_whole_swap_replaces);
    tcase_add_test(t, test_unfinished_is_undone);
    tcase_add_test(t, test_undoing_is_killed);
    suite_add_tcase(s, t);
    return s;
}
