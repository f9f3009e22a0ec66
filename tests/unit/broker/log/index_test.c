/* index_test.c: entries come back from file and buffer alike, searches agree with a linear one, torn and zero tails
 * vanish. */
#include "broker/log/index.h"
#include "common/base/bytes.h"
#include "tests/unit/broker/log/world.h"
#include "tests/unit/unit.h"

static void add(struct bn_index *x, int64_t offset, int64_t position) {
    uint8_t e[8];
    bn_index_put_position(e, x->base_offset, offset, position);
    ck_assert_int_eq(bn_index_add(x, e), 0);
}

START_TEST(test_floor_against_linear) {
    struct world w;
    world_init(&w);
    struct bn_index_place place = {.disk = w.disk, .dir = "/data"};
    struct bn_index x;
    uint8_t e[BN_INDEX_ENTRY_MAX];
    int64_t i;
    bn_index_init(&x, &place, 1000, BN_INDEX_OFFSET);
    ck_assert_int_eq(bn_index_floor(&x, BN_INDEX_BY_OFFSET, 5, &i, e), 0);
    ck_assert_int_eq(i, -1);
    /* More than are searched at once, some of them still pending. */
    for (int n = 1; n <= 700; n++) add(&x, 1000 + n * 10, n * 100);
    ck_assert_uint_gt(x.written, 0);
    ck_assert_uint_gt(x.count, x.written);
    for (int round = 0; round < 2; round++) {
        for (int64_t target = 0; target < 7020; target += 3) {
            ck_assert_int_eq(bn_index_floor(&x, BN_INDEX_BY_OFFSET, target, &i, e), 0);
            ck_assert_int_eq(i, bn_min_i64(target / 10, 700) - 1);
            if (i >= 0) ck_assert_int_eq(bn_index_position(e), (i + 1) * 100);
            ck_assert_int_eq(bn_index_floor(&x, BN_INDEX_BY_POSITION, target * 10, &i, e), 0);
            ck_assert_int_eq(i, bn_min_i64(target / 10, 700) - 1);
        }
        /* Again from the file alone. */
        ck_assert_int_eq(bn_index_rest(&x), 0);
        bn_index_fini(&x);
        bn_index_init(&x, &place, 1000, BN_INDEX_OFFSET);
    }
    ck_assert_int_eq(bn_index_load(&x), 0);
    ck_assert_uint_eq(x.count, 700);
    ck_assert_int_eq(bn_index_cut(&x, 3), 0);
    bn_index_fini(&x);
    size_t len;
    bn_alloc_free(world_read_file(&w, "/data/00000000000000001000.index", &len));
    ck_assert_uint_eq(len, 24);
    world_fini(&w);
}
END_TEST

START_TEST(test_zero_and_torn_tails) {
    struct world w;
    uint8_t file[8 * 100 + 5];
    world_init(&w);
    struct bn_index_place place = {.disk = w.disk, .dir = "/data"};
    for (uint32_t real = 0; real <= 100; real += 5) {
        memset(file, 0, sizeof file);
        for (uint32_t i = 0; i < real; i++) bn_put_u32(file + i * 8, i + 1);
        world_write_file(&w, "/data/00000000000000000000.index", file, sizeof file);
        struct bn_index x;
        bn_index_init(&x, &place, 0, BN_INDEX_OFFSET);
        ck_assert_int_eq(bn_index_load(&x), 0);
        ck_assert_uint_eq(x.count, real);
        ck_assert_int_eq(bn_index_write(&x), 0);
        bn_index_fini(&x);
        size_t len;
        bn_alloc_free(world_read_file(&w, "/data/00000000000000000000.index", &len));
        ck_assert_uint_eq(len, real * 8);
    }
    world_fini(&w);
}
END_TEST

Suite *index_suite(void);
Suite *index_suite(void) {
    Suite *s = suite_create("index");
    TCase *t = tcase_create("index");
    tcase_add_test(t, test_floor_against_linear);
    tcase_add_test(t, test_zero_and_torn_tails);
    suite_add_tcase(s, t);
    return s;
}
