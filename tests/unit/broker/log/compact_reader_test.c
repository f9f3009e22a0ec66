/* compact_reader_test.c: goal: whole batches come whatever the buffer's size; a file that is cut off, damaged or
 * shorter than it was is told, and no header makes the reader take more memory than the file has bytes. */
#include "broker/log/compact_reader.h"

#include "tests/unit/broker/log/world.h"
#include "tests/unit/unit.h"

static int count_batches(struct world *w, int64_t size, size_t buffer, int *end) {
    struct bn_index_place place = {.disk = w->disk, .dir = "/data"};
    struct bn_compact_reader r;
    struct bn_batch b;
    int n = 0;
    ck_assert_int_eq(bn_compact_reader_open(&r, &place, 0, size, buffer, NULL), 0);
    while ((*end = bn_compact_reader_next(&r, &b)) == 1) n++;
    ck_assert_uint_le(r.capacity, bn_max_size((size_t)size, bn_max_size(buffer, BN_BATCH_HEADER)));
    bn_compact_reader_close(&r);
    return n;
}

START_TEST(test_sizes) {
    struct world w;
    struct bn_str bytes;
    const char *path = "/data/00000000000000000000.log";
    int end;
    world_init(&w);
    bn_str_init(&bytes);
    for (int i = 0; i < 40; i++) world_batch(&(struct batch_spec){.count = 1 + i, .value_bytes = i * 7}, &bytes);
    world_write_file(&w, path, bytes.ptr, bytes.len);
    int64_t size = (int64_t)bytes.len;
    for (size_t buffer = 1; buffer < 20000; buffer = buffer * 3 + 1) {
        ck_assert_int_eq(count_batches(&w, size, buffer, &end), 40);
        ck_assert_int_eq(end, 0);
    }
    for (int64_t cut = 1; cut < 80; cut++) {
        ck_assert_int_eq(count_batches(&w, size - cut, 1000, &end), 39);
        ck_assert_int_eq(end, BN_BAD);
    }
    ck_assert_int_eq(count_batches(&w, size + 1, 1 << 20, &end),
                     0); /* shorter than it was: nothing of it is believed */
    ck_assert_int_eq(end, BN_BAD);
    bytes.ptr[8] = 0x7f; /* a length of 2 GiB */
    world_write_file(&w, path, bytes.ptr, bytes.len);
    ck_assert_int_eq(count_batches(&w, size, 100, &end), 0);
    ck_assert_int_eq(end, BN_BAD);
    bytes.ptr[8] = 0;
    bytes.ptr[bytes.len - 1] ^= 1;
    world_write_file(&w, path, bytes.ptr, bytes.len);
    ck_assert_int_eq(count_batches(&w, size, 100, &end), 39);
    ck_assert_int_eq(end, BN_BAD);
    bn_memdisk_fail(w.mem, BN_MEMDISK_PREAD, 2, 1);
    count_batches(&w, size, 100, &end);
    ck_assert_int_eq(end, BN_IO);
    bn_str_fini(&bytes);
    world_fini(&w);
}
END_TEST

START_TEST(test_absent) {
    struct world w;
    world_init(&w);
    struct bn_index_place place = {.disk = w.disk, .dir = "/data"};
    struct bn_compact_reader r;
    ck_assert_int_eq(bn_compact_reader_open(&r, &place, 7, 100, 100, NULL), BN_NOTFOUND);
    bn_compact_reader_close(&r);
    world_fini(&w);
}
END_TEST

Suite *compact_reader_suite(void);
Suite *compact_reader_suite(void) {
    Suite *s = suite_create("compact_reader");
    TCase *t = tcase_create("all");
    tcase_add_test(t, test_sizes);
    tcase_add_test(t, test_absent);
    suite_add_tcase(s, t);
    return s;
}
