/* bytes_test.c: numbers keep their value through their encoding, sizes are told right, and no input makes the
 * cursor read past its end or take an encoding that does not fit. */
#include "common/base/bytes.h"

#include <stdlib.h>

#include "tests/unit/unit.h"

static uint64_t rng(uint64_t *s) {
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

START_TEST(test_round_trips) {
    uint64_t seed = 99;
    for (int i = 0; i < 5000; i++) {
        uint64_t r = rng(&seed) >> (rng(&seed) % 64);
        if (i < 4) r = (uint64_t[]){0, UINT64_MAX, INT64_MAX, (uint64_t)INT64_MIN}[i];
        uint8_t b[10];
        struct bn_cursor c;
        size_t n = bn_put_uvarint(b, (uint32_t)r);
        ck_assert_uint_eq(n, bn_uvarint_size((uint32_t)r));
        c = bn_cursor_of(bn_slice_of(b, n));
        ck_assert_uint_eq(bn_cursor_uvarint(&c), (uint32_t)r);
        ck_assert(!c.bad && bn_cursor_left(&c) == 0);
        n = bn_put_varint(b, (int32_t)r);
        ck_assert_uint_eq(n, bn_varint_size((int32_t)r));
        c = bn_cursor_of(bn_slice_of(b, n));
        ck_assert_int_eq(bn_cursor_varint(&c), (int32_t)r);
        n = bn_put_varlong(b, (int64_t)r);
        ck_assert_uint_eq(n, bn_varlong_size((int64_t)r));
        c = bn_cursor_of(bn_slice_of(b, n));
        ck_assert_int_eq(bn_cursor_varlong(&c), (int64_t)r);
        ck_assert(!c.bad);
        c = bn_cursor_of(bn_slice_of(b, n - 1)); /* one byte short */
        ck_assert_int_eq(bn_cursor_varlong(&c), 0);
        ck_assert(c.bad);
    }
}
END_TEST

START_TEST(test_known_encodings) {
    static const struct {
        const char *bytes;
        size_t len;
        int64_t unsigned_value, zigzag_value; /* -99 = refused */
    } cases[] = {
        {"\x00", 1, 0, 0},
        {"\x7f", 1, 127, -64},
        {"\x80\x01", 2, 128, 64},
        {"\xff\xff\xff\xff\x0f", 5, 4294967295, INT32_MIN},
        {"\xff\xff\xff\xff\x1f", 5, -99, -99},
        {"\x80\x80\x80\x80\x80\x00", 6, -99, -99},
        {"\x80", 1, -99, -99},
        {"", 0, -99, -99},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct bn_cursor c = bn_cursor_of(bn_slice_of(cases[i].bytes, cases[i].len));
        uint32_t u = bn_cursor_uvarint(&c);
        ck_assert_int_eq(c.bad, cases[i].unsigned_value == -99);
        if (!c.bad) ck_assert_int_eq(u, cases[i].unsigned_value);
        c = bn_cursor_of(bn_slice_of(cases[i].bytes, cases[i].len));
        int32_t z = bn_cursor_varint(&c);
        if (!c.bad) ck_assert_int_eq(z, cases[i].zigzag_value);
    }
    struct bn_cursor c = bn_cursor_of(bn_slice_of("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10));
    ck_assert_int_eq(bn_cursor_varlong(&c), INT64_MIN);
    c = bn_cursor_of(bn_slice_of("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10));
    ck_assert_int_eq(bn_cursor_varlong(&c), 0);
    ck_assert(c.bad);
}
END_TEST

START_TEST(test_fixed_numbers) {
    uint8_t b[15] = {0};
    bn_put_u16(b, 0xfffe);
    bn_put_u32(b + 2, 0x80000001);
    bn_put_u64(b + 6, 0x8000000000000003);
    b[14] = 0xff;
    struct bn_cursor c = bn_cursor_of(bn_slice_of(b, sizeof b));
    ck_assert_int_eq(bn_cursor_i16(&c), -2);
    ck_assert_int_eq(bn_cursor_i32(&c), INT32_MIN + 1);
    ck_assert_int_eq(bn_cursor_i64(&c), INT64_MIN + 3);
    ck_assert_int_eq(bn_cursor_i8(&c), -1);
    ck_assert(!c.bad);
    ck_assert_int_eq(b[0], 0xff); /* big end first */
}
END_TEST

START_TEST(test_an_error_sticks) {
    uint8_t b[4] = {1, 2, 3, 4};
    struct bn_cursor c = bn_cursor_of(bn_slice_of(b, 4));
    ck_assert(bn_slice_is_null(bn_cursor_slice(&c, SIZE_MAX)));
    ck_assert(c.bad);
    ck_assert_int_eq(bn_cursor_i8(&c), 0);
    ck_assert_ptr_eq(c.next, b); /* nothing moved */
    c = bn_cursor_of(BN_SLICE_NULL);
    ck_assert_int_eq(bn_cursor_i8(&c), 0);
    ck_assert(c.bad);
    c = bn_cursor_of(bn_slice_of(b, 4));
    ck_assert_uint_eq(bn_cursor_slice(&c, 4).len, 4);
    ck_assert_uint_eq(bn_cursor_slice(&c, 0).len, 0);
    ck_assert(!c.bad);
}
END_TEST

/* Random reads of random bytes in a block of exactly their size: the sanitizer watches the edges. */
START_TEST(test_hostile) {
    uint64_t seed = 7 + (uint64_t)_i;
    for (int round = 0; round < 4000; round++) {
        size_t len = rng(&seed) % 24;
        uint8_t *b = malloc(len ? len : 1);
        for (size_t i = 0; i < len; i++) b[i] = (uint8_t)(rng(&seed) | (rng(&seed) % 2 ? 0x80 : 0));
        struct bn_cursor c = bn_cursor_of(bn_slice_of(b, len));
        while (!c.bad) {
            const uint8_t *before = c.next;
            switch (rng(&seed) % 6) {
            case 0:
                bn_cursor_uvarint(&c);
                break;
            case 1:
                bn_cursor_varint(&c);
                break;
            case 2:
                bn_cursor_varlong(&c);
                break;
            case 3:
                bn_cursor_i64(&c);
                break;
            case 4:
                bn_cursor_slice(&c, bn_cursor_uvarint(&c));
                break;
            default:
                bn_cursor_i16(&c);
            }
            ck_assert(c.next >= before && c.next <= c.end);
        }
        free(b);
    }
}
END_TEST

Suite *bytes_suite(void);
Suite *bytes_suite(void) {
    Suite *s = suite_create("bytes");
    TCase *t = tcase_create("bytes");
    tcase_add_test(t, test_round_trips);
    tcase_add_test(t, test_known_encodings);
    tcase_add_test(t, test_fixed_numbers);
    tcase_add_test(t, test_an_error_sticks);
    tcase_add_loop_test(t, test_hostile, 0, 4);
    suite_add_tcase(s, t);
    return s;
}
