/* memdisk_test.c: the disk that other rooms' tests trust: exactly what was synced survives a power cut, and
 * injected failures hit the call they were meant for. */
#include "common/sys/memdisk.h"

#include <limits.h>
#include <string.h>

#include "common/base/alloc.h"
#include "tests/unit/unit.h"

static struct bn_memdisk *m;
static const struct bn_disk *d;
static struct bn_err e;

static void setup(void) {
    m = bn_memdisk_new();
    d = bn_memdisk_disk(m);
    ck_assert_int_eq(d->mkdir(d, "/logs/a", &e), 0);
}
static void teardown(void) { bn_memdisk_free(m); }

static int append(struct bn_file *f, const char *text) {
    int64_t size;
    ck_assert_int_eq(d->size(f, &size, &e), 0);
    struct iovec iov = {(void *)(uintptr_t)text, strlen(text)};
    return d->pwritev(f, &iov, 1, size, &e);
}

static struct bn_file *create(const char *path) {
    struct bn_file *f;
    ck_assert_int_eq(d->open(d, path, BN_DISK_WRITE | BN_DISK_CREATE, &f, &e), 0);
    return f;
}

static void expect(const char *path, const char *text) {
    uint8_t *bytes;
    size_t len;
    int rc = bn_disk_read_all(d, path, 1000, &bytes, &len, &e);
    if (!text) {
        ck_assert_int_eq(rc, BN_NOTFOUND);
        return;
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_str_eq((char *)bytes, text);
    bn_alloc_free(bytes);
}

static void sync_tree(void) {
    ck_assert_int_eq(d->sync_dir(d, "/", &e), 0);
    ck_assert_int_eq(d->sync_dir(d, "/logs", &e), 0);
    ck_assert_int_eq(d->sync_dir(d, "/logs/a", &e), 0);
}

START_TEST(test_crash_keeps_what_was_synced) {
    struct bn_file *f = create("/logs/a/0"), *g = create("/logs/a/1");
    append(f, "one");
    ck_assert_int_eq(d->datasync(f, &e), 0);
    sync_tree();
    append(f, "two");
    append(g, "lost");
    struct bn_file *h = create("/logs/a/2");
    append(h, "synced but nameless");
    ck_assert_int_eq(d->datasync(h, &e), 0);
    expect("/logs/a/0", "onetwo");
    bn_memdisk_crash(m, 0);
    expect("/logs/a/0", "one");
    expect("/logs/a/1", "");
    expect("/logs/a/2", NULL);
    append(f, "three");
    expect("/logs/a/0", "onethree");
    bn_file_unref(f), bn_file_unref(g), bn_file_unref(h);
}
END_TEST

START_TEST(test_crash_and_names) {
    ck_assert_int_eq(bn_disk_write_atomic(d, "/logs/a/ckpt", "1", 1, &e), 0);
    sync_tree();
    ck_assert_int_eq(bn_disk_write_atomic(d, "/logs/a/ckpt", "2", 1, &e), 0);
    bn_memdisk_crash(m, 0);
    expect("/logs/a/ckpt", "2");
    /* Rename without syncing the directory: undone. */
    bn_memdisk_fail(m, BN_MEMDISK_SYNC_DIR, 1, 1);
    ck_assert_int_eq(bn_disk_write_atomic(d, "/logs/a/ckpt", "3", 1, &e), BN_IO);
    expect("/logs/a/ckpt", "3");
    bn_memdisk_crash(m, 0);
    expect("/logs/a/ckpt", "2");
    /* So is a deletion, and the renaming of a directory, which takes its files along. */
    ck_assert_int_eq(d->unlink(d, "/logs/a/ckpt", &e), 0);
    expect("/logs/a/ckpt", NULL);
    bn_memdisk_crash(m, 0);
    expect("/logs/a/ckpt", "2");
    ck_assert_int_eq(d->rename(d, "/logs/a", "/logs/b", &e), 0);
    expect("/logs/b/ckpt", "2");
    bn_memdisk_crash(m, 0);
    expect("/logs/b/ckpt", NULL);
    expect("/logs/a/ckpt", "2");
    ck_assert_int_eq(bn_disk_remove_tree(d, "/logs", &e), 0);
    ck_assert(!bn_disk_exists(d, "/logs"));
}
END_TEST

START_TEST(test_torn_tail) {
    struct bn_file *f = create("/logs/a/0");
    append(f, "0123");
    ck_assert_int_eq(d->datasync(f, &e), 0);
    sync_tree();
    bool seen[11] = {0};
    for (uint64_t seed = 1; seed < 200; seed++) {
        append(f, "456789");
        bn_memdisk_crash(m, seed);
        int64_t size;
        ck_assert_int_eq(d->size(f, &size, &e), 0);
        ck_assert(size >= 4 && size <= 10);
        seen[size] = true;
        ck_assert_int_eq(d->truncate(f, 4, &e), 0);
        ck_assert_int_eq(d->datasync(f, &e), 0);
    }
    for (int i = 4; i <= 10; i++) ck_assert(seen[i]);
    bn_file_unref(f);
}
END_TEST

/* Goal: of a longer tail, now and then, something in its midst is zeros or something else, and never of what was
 * synced. */
START_TEST(test_torn_midst) {
    static const char tail[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";
    struct bn_file *f = create("/logs/a/0");
    append(f, "0123");
    ck_assert_int_eq(d->datasync(f, &e), 0);
    sync_tree();
    int zeros = 0, others = 0, whole = 0;
    for (uint64_t seed = 1; seed < 200; seed++) {
        uint8_t got[100];
        append(f, tail);
        bn_memdisk_crash(m, seed);
        ssize_t n = d->pread(f, got, sizeof got, 0, &e);
        ck_assert_int_ge(n, 4);
        ck_assert_mem_eq(got, "0123", 4);
        if (memchr(got, 0, (size_t)n))
            zeros++;
        else if (memcmp(got + 4, tail, (size_t)n - 4) != 0)
            others++;
        else
            whole++;
        ck_assert_int_eq(d->truncate(f, 4, &e), 0);
        ck_assert_int_eq(d->datasync(f, &e), 0);
    }
    ck_assert(zeros > 5 && others > 5 && whole > 50);
    bn_file_unref(f);
}
END_TEST

START_TEST(test_injected_failures) {
    struct bn_file *f = create("/f");
    bn_memdisk_fail(m, BN_MEMDISK_PWRITEV, 2, 1);
    ck_assert_int_eq(append(f, "aa"), 0);
    ck_assert_int_eq(append(f, "bbbb"), BN_IO);
    expect("/f", "aabb"); /* torn */
    ck_assert_int_eq(append(f, "c"), 0);
    bn_memdisk_fail(m, BN_MEMDISK_DATASYNC, 1, INT_MAX);
    for (int i = 0; i < 5; i++) ck_assert_int_eq(d->datasync(f, &e), BN_IO);
    bn_memdisk_fail(m, BN_MEMDISK_DATASYNC, 1, 0);
    ck_assert_int_eq(d->datasync(f, &e), 0);
    ck_assert_int_eq(bn_memdisk_calls(m, BN_MEMDISK_DATASYNC), 6);
    bn_memdisk_set_room(m, 3);
    ck_assert_int_eq(append(f, "dd"), 0);
    ck_assert_int_eq(append(f, "ee"), BN_NOROOM);
    ck_assert_ptr_nonnull(strstr(e.text, "No space left"));
    expect("/f", "aabbcdde");
    ck_assert(bn_memdisk_rot(m, "/f", 0, 0x03));
    expect("/f", "babbcdde");
    ck_assert(!bn_memdisk_rot(m, "/f", 8, 1));
    bn_file_unref(f);
}
END_TEST

Suite *memdisk_suite(void);
Suite *memdisk_suite(void) {
    Suite *s = suite_create("memdisk");
    TCase *t = tcase_create("memdisk");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_crash_keeps_what_was_synced);
    tcase_add_test(t, test_crash_and_names);
    tcase_add_test(t, test_torn_tail);
    tcase_add_test(t, test_torn_midst);
    tcase_add_test(t, test_injected_failures);
    suite_add_tcase(s, t);
    return s;
}
