/* scan_test.c: headers are walked with any window; checksums are tested piecewise; cut and odd bytes are refused. */
#include "broker/log/scan.h"
#include "common/base/bytes.h"
#include "proto/kafka/legacy.h"
#include "tests/unit/broker/log/world.h"
#include "tests/unit/unit.h"

static struct bn_file *file_of(struct world *w, const void *ptr, size_t len) {
    struct bn_file *f;
    world_write_file(w, "/data/x", ptr, len);
    ck_assert_int_eq(w->disk->open(w->disk, "/data/x", BN_DISK_READ, &f, NULL), 0);
    return f;
}

static void make(struct bn_str *s) {
    bn_str_init(s);
    for (int i = 0; i < 6; i++) world_batch(&(struct batch_spec){.count = 1 + i, .value_bytes = i * 40}, s);
}

START_TEST(test_windows) {
    static const size_t windows[] = {61, 62, 100, 500, 8192};
    struct world w;
    struct bn_str s;
    world_init(&w);
    make(&s);
    struct bn_file *f = file_of(&w, s.ptr, s.len);
    for (size_t i = 0; i < BN_ARRAY_LEN(windows); i++) {
        uint8_t *window = bn_alloc(windows[i]);
        struct bn_scan scan;
        struct bn_batch b;
        int n = 0;
        bn_scan_init(&scan, f, 0, (int64_t)s.len, bn_slice_of(window, windows[i]));
        while (bn_scan_next(&scan, &b) == 1) {
            ck_assert_int_eq(b.record_count, ++n);
            ck_assert_int_eq(bn_scan_check(&scan, &b), 0);
        }
        ck_assert_int_eq(n, 6);
        ck_assert_int_eq(scan.position, (int64_t)s.len);
        bn_alloc_free(window);
    }
    bn_file_unref(f);
    bn_str_fini(&s);
    world_fini(&w);
}
END_TEST

/* Every byte after the partition leader epoch is noticed when it changes: by the header's rules or by the checksum. */
START_TEST(test_rot) {
    struct world w;
    struct bn_str s;
    world_init(&w);
    bn_str_init(&s);
    world_batch(&(struct batch_spec){.count = 3, .value_bytes = 20}, &s);
    for (size_t at = 0; at < s.len; at++) {
        uint8_t window[100];
        struct bn_scan scan;
        struct bn_batch b;
        s.ptr[at] ^= 0x20;
        struct bn_file *f = file_of(&w, s.ptr, s.len);
        bn_scan_init(&scan, f, 0, (int64_t)s.len, bn_slice_of(window, sizeof window));
        int rc = bn_scan_next(&scan, &b);
        if (rc == 1) rc = bn_scan_check(&scan, &b);
        bool outside = at < 8 || (at >= 12 && at < 16);
        if (!outside) ck_assert_int_eq(rc, BN_BAD);
        bn_file_unref(f);
        s.ptr[at] ^= 0x20;
    }
    bn_str_fini(&s);
    world_fini(&w);
}
END_TEST

START_TEST(test_cut_and_load) {
    struct world w;
    struct bn_str s;
    uint8_t window[100], *bytes;
    struct bn_scan scan;
    struct bn_batch b, whole;
    world_init(&w);
    make(&s);
    struct bn_file *f = file_of(&w, s.ptr, s.len);
    bn_scan_init(&scan, f, 0, (int64_t)s.len - 1, bn_slice_of(window, sizeof window));
    int rc, n = 0;
    while ((rc = bn_scan_next(&scan, &b)) == 1) n++;
    ck_assert_int_eq(rc, BN_BAD);
    ck_assert_int_eq(n, 5);
    bn_scan_init(&scan, f, 0, (int64_t)s.len, bn_slice_of(window, sizeof window));
    ck_assert_int_eq(bn_scan_next(&scan, &b), 1);
    ck_assert_int_eq(bn_scan_load(f, 0, &b, &bytes, &whole), 0);
    ck_assert(memcmp(bytes, s.ptr, whole.bytes.len) == 0);
    bn_alloc_free(bytes);
    ck_assert_int_eq(bn_scan_load(f, 1, &b, &bytes, &whole), BN_BAD);
    bn_memdisk_fail(w.mem, BN_MEMDISK_PREAD, 1, 1);
    ck_assert_int_eq(bn_scan_load(f, 0, &b, &bytes, &whole), BN_IO);
    bn_memdisk_fail(w.mem, BN_MEMDISK_PREAD, 1, 1);
    bn_scan_init(&scan, f, 0, (int64_t)s.len, bn_slice_of(window, sizeof window));
    ck_assert_int_eq(bn_scan_next(&scan, &b), BN_IO);
    bn_file_unref(f);
    bn_str_fini(&s);
    world_fini(&w);
}
END_TEST

/* Goal: a message of an old format is known by its own CRC-32, with any window, and by nothing less. */
START_TEST(test_old_format) {
    enum { SIZE = 300, AT = 7 };
    struct world w;
    uint8_t file[AT + SIZE] = {0}, window[100], *m = file + AT;
    struct bn_scan scan;
    world_init(&w);
    for (int i = 0; i < SIZE; i++) m[i] = (uint8_t)(i * 7);
    bn_put_u32(m + 8, SIZE - 12);
    for (int magic = 0; magic < 2; magic++) {
        m[16] = (uint8_t)magic;
        bn_put_u32(m + 12, bn_legacy_crc32(0, m + 16, SIZE - 16));
        struct bn_file *f = file_of(&w, file, sizeof file);
        bn_scan_init(&scan, f, 0, sizeof file, bn_slice_of(window, sizeof window));
        ck_assert_int_eq(bn_scan_is_old(&scan, AT), 1);
        for (int64_t at = 0; at < (int64_t)sizeof file; at++) ck_assert_int_eq(bn_scan_is_old(&scan, at), at == AT);
        for (int64_t end = 0; end < (int64_t)sizeof file; end++) { /* cut off: by the scan's end, and by the file's */
            bn_scan_init(&scan, f, 0, end, bn_slice_of(window, sizeof window));
            ck_assert_int_eq(bn_scan_is_old(&scan, AT), 0);
        }
        bn_scan_init(&scan, f, 0, sizeof file, bn_slice_of(window, sizeof window));
        for (int nth = 1; nth <= 3; nth++) {
            bn_memdisk_fail(w.mem, BN_MEMDISK_PREAD, nth, 1);
            ck_assert_int_eq(bn_scan_is_old(&scan, AT), BN_IO);
        }
        bn_file_unref(f);
        f = file_of(&w, file, sizeof file - 1);
        bn_scan_init(&scan, f, 0, sizeof file, bn_slice_of(window, sizeof window));
        ck_assert_int_eq(bn_scan_is_old(&scan, AT), 0);
        bn_file_unref(f);
        for (size_t at = 8; at < SIZE; at++) {
            m[at] ^= 0x02;
            f = file_of(&w, file, sizeof file);
            bn_scan_init(&scan, f, 0, sizeof file, bn_slice_of(window, sizeof window));
            ck_assert_int_eq(bn_scan_is_old(&scan, AT), 0);
            bn_file_unref(f);
            m[at] ^= 0x02;
        }
    }
    world_fini(&w);
}
END_TEST

Suite *scan_suite(void);
Suite *scan_suite(void) {
    Suite *s = suite_create("scan");
    TCase *t = tcase_create("scan");
    tcase_add_test(t, test_windows);
    tcase_add_test(t, test_rot);
    tcase_add_test(t, test_cut_and_load);
    tcase_add_test(t, test_old_format);
    suite_add_tcase(s, t);
    return s;
}
