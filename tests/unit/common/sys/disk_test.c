/* disk_test.c: the vtable's promises, held by the real disk: statuses, sorted listings, atomic writes. */
#include "common/sys/disk.h"

#include <string.h>

#include "common/base/alloc.h"
#include "tests/unit/unit.h"

static char *dir;
static const struct bn_disk *disk;

static void setup(void) {
    dir = unit_tmp_dir();
    disk = bn_disk_real();
}
static void teardown(void) { unit_tmp_remove(dir); }

static char *at(const char *name) { return bn_alloc_printf("%s/%s", dir, name); }

START_TEST(test_read_and_write) {
    char *path = at("f");
    struct bn_file *f;
    struct bn_err e = BN_ERR_NONE;
    ck_assert_int_eq(disk->open(disk, path, BN_DISK_READ, &f, &e), BN_NOTFOUND);
    ck_assert_ptr_nonnull(strstr(e.text, path));
    ck_assert_int_eq(disk->open(disk, path, BN_DISK_WRITE | BN_DISK_CREATE | BN_DISK_EXCLUSIVE, &f, &e), 0);
    struct iovec iov[40];
    for (int i = 0; i < 40; i++) iov[i] = (struct iovec){(void *)(uintptr_t) "abcdefgh", (size_t)i % 9};
    ck_assert_int_eq(disk->pwritev(f, iov, 40, 3, &e), 0);
    int64_t size;
    ck_assert_int_eq(disk->size(f, &size, &e), 0);
    ck_assert_int_eq(size, 3 + 4 * 36 + 6); /* 4 rounds of 0..8, then 0..3 */
    char got[200];
    ck_assert_int_eq(disk->pread(f, got, sizeof got, 0, &e), size);
    ck_assert_mem_eq(got, "\0\0\0aababc", 9);
    ck_assert_int_eq(disk->allocate(f, 0, 1 << 20, &e), 0);
    ck_assert_int_eq(disk->truncate(f, 5, &e), 0);
    ck_assert_int_eq(disk->datasync(f, &e), 0);
    ck_assert_int_eq(disk->pread(f, got, sizeof got, 4, &e), 1);
    ck_assert_int_eq(disk->pread(f, got, sizeof got, 50, &e), 0);
    bn_file_unref(f);
    ck_assert_int_eq(disk->open(disk, path, BN_DISK_WRITE | BN_DISK_CREATE | BN_DISK_EXCLUSIVE, &f, &e), BN_EXISTS);
    ck_assert_int_eq(disk->open(disk, path, BN_DISK_READ, &f, &e), 0);
    iov[1].iov_len = 1;
    ck_assert_int_eq(disk->pwritev(f, iov + 1, 1, 0, &e), BN_IO); /* not open for writing */
    bn_file_unref(f);
    bn_alloc_free(path);
}
END_TEST

/* Goal: a full disk is told from a broken one. */
START_TEST(test_full) {
    struct bn_err e = BN_ERR_NONE;
    struct bn_file *f;
    struct iovec iov = {"x", 1};
    ck_assert_int_eq(disk->open(disk, "/dev/full", BN_DISK_WRITE, &f, &e), 0);
    ck_assert_int_eq(disk->pwritev(f, &iov, 1, 0, &e), BN_NOROOM);
    ck_assert_ptr_nonnull(strstr(e.text, "No space left"));
    bn_file_unref(f);
}
END_TEST

START_TEST(test_directories) {
    struct bn_err e = BN_ERR_NONE;
    char *deep = at("a/b/c"), *a = at("a"), *b = at("a/b"), *x = at("a/x"), *none = at("none");
    ck_assert_int_eq(disk->mkdir(disk, deep, &e), 0);
    ck_assert_int_eq(disk->mkdir(disk, deep, &e), 0);
    ck_assert_int_eq(bn_disk_write_atomic(disk, x, "hello", 5, &e), 0);
    ck_assert_int_eq(disk->mkdir(disk, x, &e), BN_IO); /* a file is in the way */
    struct bn_disk_entry *list;
    size_t count;
    ck_assert_int_eq(disk->list(disk, a, &list, &count, &e), 0);
    ck_assert_uint_eq(count, 2); /* and no .tmp */
    ck_assert_str_eq(list[0].name, "b");
    ck_assert(list[0].is_dir);
    ck_assert_str_eq(list[1].name, "x");
    ck_assert(!list[1].is_dir);
    bn_alloc_free(list);
    ck_assert_int_eq(disk->rmdir(disk, b, &e), BN_NOTEMPTY);
    ck_assert_int_eq(disk->sync_dir(disk, a, &e), 0);
    ck_assert_int_eq(disk->sync_dir(disk, none, &e), BN_NOTFOUND);
    ck_assert_int_eq(disk->unlink(disk, none, &e), BN_NOTFOUND);
    ck_assert_int_eq(disk->rename(disk, none, x, &e), BN_NOTFOUND);
    ck_assert_int_eq(disk->list(disk, none, &list, &count, &e), BN_NOTFOUND);
    int64_t mtime;
    ck_assert_int_eq(disk->mtime_ms(disk, none, &mtime, &e), BN_NOTFOUND);
    ck_assert_int_eq(disk->mtime_ms(disk, x, &mtime, &e), 0);
    int64_t total = 0, usable = 0;
    ck_assert_int_eq(disk->space(disk, none, &total, &usable, &e), BN_NOTFOUND);
    ck_assert_int_eq(disk->space(disk, x, &total, &usable, &e), 0);
    ck_assert(total > 0 && usable > 0 && usable <= total);
    ck_assert_int_gt(mtime, 1600000000000);
    ck_assert(bn_disk_exists(disk, a));
    ck_assert_int_eq(bn_disk_remove_tree(disk, a, &e), 0);
    ck_assert(!bn_disk_exists(disk, a));
    ck_assert_int_eq(bn_disk_remove_tree(disk, a, &e), 0);
    bn_alloc_free(deep), bn_alloc_free(a), bn_alloc_free(b), bn_alloc_free(x), bn_alloc_free(none);
}
END_TEST

START_TEST(test_small_files) {
    struct bn_err e = BN_ERR_NONE;
    char *path = at("small");
    uint8_t *bytes;
    size_t len;
    ck_assert_int_eq(bn_disk_read_all(disk, path, 10, &bytes, &len, &e), BN_NOTFOUND);
    ck_assert_int_eq(bn_disk_write_atomic(disk, path, "first", 5, &e), 0);
    ck_assert_int_eq(bn_disk_write_atomic(disk, path, "second", 6, &e), 0);
    ck_assert_int_eq(bn_disk_read_all(disk, path, 5, &bytes, &len, &e), BN_FULL);
    ck_assert_int_eq(bn_disk_read_all(disk, path, 6, &bytes, &len, &e), 0);
    ck_assert_uint_eq(len, 6);
    ck_assert_str_eq((char *)bytes, "second");
    bn_alloc_free(bytes);
    bn_alloc_free(path);
}
END_TEST

Suite *disk_suite(void);
Suite *disk_suite(void) {
    Suite *s = suite_create("disk");
    TCase *t = tcase_create("disk");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_read_and_write);
    tcase_add_test(t, test_full);
    tcase_add_test(t, test_directories);
    tcase_add_test(t, test_small_files);
    suite_add_tcase(s, t);
    return s;
}
