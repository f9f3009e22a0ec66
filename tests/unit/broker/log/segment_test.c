/* segment_test.c: every offset and every position is found, with an index that is right, absent or wrong; room that was
 * reserved is given back. */
#include "broker/log/segment.h"
#include "common/base/bytes.h"
#include "tests/unit/broker/log/world.h"
#include "tests/unit/unit.h"

enum { BATCHES = 200 };

static struct bn_segment *make(struct world *w, struct bn_index_place *place, int64_t interval) {
    *place = (struct bn_index_place){.disk = w->disk, .dir = "/data"};
    struct bn_segment *s = bn_segment_new(place, 0, 0);
    struct bn_err e;
    ck_assert_int_eq(bn_segment_create(s, &e), 0);
    for (int i = 0; i < BATCHES; i++) {
        struct bn_str bytes;
        struct bn_batch b;
        bn_str_init(&bytes);
        world_batch(&(struct batch_spec){.count = 3, .value_bytes = i % 50, .timestamp = 100 + i}, &bytes);
        bn_batch_assign((uint8_t *)bytes.ptr, i * 3, 0);
        ck_assert_int_eq(bn_batch_peek(bn_str_slice(&bytes), &b), 0);
        ck_assert_int_eq(bn_segment_write(s, (uint8_t *)bytes.ptr, bytes.len, 1 << 20), 0);
        ck_assert_int_eq(bn_segment_note(s, &b, interval), 0);
        bn_str_fini(&bytes);
    }
    return s;
}

static void check_all(struct bn_segment *s) {
    int64_t position = -1;
    for (int64_t offset = 0; offset < BATCHES * 3; offset++) {
        struct bn_segment_spot spot;
        ck_assert_int_eq(bn_segment_seek(s, offset, 0, &spot), 1);
        ck_assert_int_eq(spot.batch.base_offset, offset / 3 * 3);
        if (offset % 3 == 0) ck_assert_int_gt(spot.position, position);
        position = spot.position;
        /* Any limit inside the batch is in the batch. */
        int64_t size = bn_scan_size(&spot.batch);
        for (int64_t limit = position; limit < position + size; limit += size - 1) {
            struct bn_segment_spot cut;
            ck_assert_int_eq(bn_segment_cut(s, limit, 0, &cut), 1);
            ck_assert_int_eq(cut.position, position);
        }
    }
    struct bn_segment_spot spot;
    ck_assert_int_eq(bn_segment_seek(s, BATCHES * 3, 0, &spot), 0);
}

START_TEST(test_seek) {
    static const int64_t intervals[] = {0, 300, 4096, INT64_MAX};
    for (size_t i = 0; i < BN_ARRAY_LEN(intervals); i++) {
        struct world w;
        struct bn_index_place place;
        world_init(&w);
        struct bn_segment *s = make(&w, &place, intervals[i]);
        check_all(s);
        ck_assert_int_eq(bn_segment_finish(s), 0);
        ck_assert_int_eq(bn_segment_rest(s), 0);
        ck_assert_ptr_null(s->file);
        check_all(s);
        int64_t t, o;
        ck_assert_int_eq(bn_segment_newest(s, &t, &o), 0);
        ck_assert(t == 100 + BATCHES - 1 + 2 && o == BATCHES * 3 - 1);
        ck_assert_int_eq(bn_segment_first_timestamp(s, &t), 0);
        ck_assert_int_eq(t, 102);
        bn_segment_free(s);
        world_fini(&w);
    }
}
END_TEST

/* An index that points between batches, or behind what is asked, costs time but not the answer. */
START_TEST(test_lying_index) {
    struct world w;
    struct bn_index_place place;
    world_init(&w);
    struct bn_segment *s = make(&w, &place, 300);
    ck_assert_int_eq(bn_segment_rest(s), 0);
    for (uint32_t i = 0; i < s->offsets.count; i++) {
        uint8_t e[8];
        ck_assert_int_eq(bn_index_get(&s->offsets, i, e), 0);
        uint32_t lie = i % 3 == 0 ? 7 : i % 3 == 1 ? 1 << 30 : (uint32_t)s->size - 90;
        bn_put_u32(e + 4, lie);
        struct iovec iov = {e, 8};
        ck_assert_int_eq(w.disk->pwritev(s->offsets.file, &iov, 1, i * 8, NULL), 0);
    }
    for (int64_t offset = 0; offset < BATCHES * 3; offset += 7) {
        struct bn_segment_spot spot;
        ck_assert_int_eq(bn_segment_seek(s, offset, 0, &spot), 1);
        ck_assert_int_eq(spot.batch.base_offset, offset / 3 * 3);
    }
    bn_segment_free(s);
    world_fini(&w);
}
END_TEST

START_TEST(test_reserving) {
    struct world w;
    struct bn_index_place place = {.disk = NULL, .dir = "/data"};
    uint8_t *block = bn_alloc_zero(1, 64 << 10);
    world_init(&w);
    place.disk = w.disk;
    struct bn_segment *s = bn_segment_new(&place, 0, 0);
    ck_assert_int_eq(bn_segment_create(s, NULL), 0);
    ck_assert_int_eq(bn_segment_write(s, block, 100, 1 << 30), 0);
    ck_assert_int_eq(bn_memdisk_calls(w.mem, BN_MEMDISK_ALLOCATE), 0); /* not for a few bytes */
    for (int i = 0; i < 256; i++) {                                    /* 16 MiB */
        ck_assert_int_eq(bn_segment_write(s, block, 64 << 10, 1 << 30), 0);
        s->size += 64 << 10;
    }
    /* 1 + 2 + 4 + 8 MiB and a last one. */
    ck_assert_int_eq(bn_memdisk_calls(w.mem, BN_MEMDISK_ALLOCATE), 5);
    int truncates = bn_memdisk_calls(w.mem, BN_MEMDISK_TRUNCATE);
    ck_assert_int_eq(bn_segment_rest(s), 0);
    ck_assert_int_eq(bn_memdisk_calls(w.mem, BN_MEMDISK_TRUNCATE), truncates + 1);
    /* A disk that cannot reserve is asked once. */
    bn_memdisk_fail(w.mem, BN_MEMDISK_ALLOCATE, 1, 1000);
    for (int i = 0; i < 8; i++) {
        ck_assert_int_eq(bn_segment_write(s, block, 64 << 10, 1 << 30), 0);
        s->size += 64 << 10;
    }
    ck_assert_int_eq(bn_memdisk_calls(w.mem, BN_MEMDISK_ALLOCATE), 6);
    bn_alloc_free(block);
    bn_segment_free(s);
    world_fini(&w);
}
END_TEST

/* The whole room at once, and once; what was not written is given back. */
START_TEST(test_preallocating) {
    struct world w;
    struct bn_index_place place = {.disk = NULL, .dir = "/data"};
    uint8_t block[100] = {0};
    world_init(&w);
    place.disk = w.disk;
    struct bn_segment *s = bn_segment_new(&place, 0, 0);
    ck_assert_int_eq(bn_segment_create(s, NULL), 0);
    for (int i = 0; i < 3; i++) {
        bn_segment_preallocate(s, 1 << 20);
        ck_assert_int_eq(bn_segment_write(s, block, sizeof block, 1 << 20), 0);
        s->size += (int64_t)sizeof block;
    }
    ck_assert_int_eq(bn_memdisk_calls(w.mem, BN_MEMDISK_ALLOCATE), 1);
    ck_assert_int_eq(s->allocated, 1 << 20);
    int truncates = bn_memdisk_calls(w.mem, BN_MEMDISK_TRUNCATE);
    ck_assert_int_eq(bn_segment_rest(s), 0);
    ck_assert_int_eq(bn_memdisk_calls(w.mem, BN_MEMDISK_TRUNCATE), truncates + 1);
    bn_memdisk_fail(w.mem, BN_MEMDISK_ALLOCATE, 1, 1000); /* a disk that cannot is asked once */
    for (int i = 0; i < 3; i++) bn_segment_preallocate(s, 1 << 20);
    ck_assert_int_eq(bn_memdisk_calls(w.mem, BN_MEMDISK_ALLOCATE), 2);
    bn_segment_free(s);
    world_fini(&w);
}
END_TEST

Suite *segment_suite(void);
Suite *segment_suite(void) {
    Suite *s = suite_create("segment");
    TCase *t = tcase_create("segment");
    tcase_add_test(t, test_seek);
    tcase_add_test(t, test_lying_index);
    tcase_add_test(t, test_reserving);
    tcase_add_test(t, test_preallocating);
    suite_add_tcase(s, t);
    return s;
}
