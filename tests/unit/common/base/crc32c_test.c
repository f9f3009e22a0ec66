/* crc32c_test.c: against the published vectors and against a bit-by-bit reckoning, whole and in pieces, at every
 * alignment. */
#include "common/base/crc32c.h"

#include <string.h>

#include "tests/unit/unit.h"

static uint32_t slow(uint32_t crc, const uint8_t *p, size_t len) {
    crc = ~crc;
    for (size_t i = 0; i < len; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    return ~crc;
}

START_TEST(test_vectors) {
    uint8_t b[32];
    ck_assert_uint_eq(bn_crc32c(0, "123456789", 9), 0xe3069283);
    ck_assert_uint_eq(bn_crc32c(0, "", 0), 0);
    memset(b, 0, 32); /* RFC 3720, B.4 */
    ck_assert_uint_eq(bn_crc32c(0, b, 32), 0x8a9136aa);
    memset(b, 0xff, 32);
    ck_assert_uint_eq(bn_crc32c(0, b, 32), 0x62a8ab43);
    for (int i = 0; i < 32; i++) b[i] = (uint8_t)i;
    ck_assert_uint_eq(bn_crc32c(0, b, 32), 0x46dd794e);
}
END_TEST

START_TEST(test_against_the_slow_way) {
    static uint8_t b[5000];
    uint32_t seed = 3;
    for (size_t i = 0; i < sizeof b; i++) b[i] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
    for (int i = 0; i < 500; i++) {
        seed = seed * 1664525 + 1013904223;
        size_t from = (seed >> 8) % 64, len = (seed >> 16) % (sizeof b - 64), cut = len ? (seed >> 4) % len : 0;
        uint32_t want = slow(0, b + from, len);
        ck_assert_uint_eq(bn_crc32c(0, b + from, len), want);
        ck_assert_uint_eq(bn_crc32c(bn_crc32c(0, b + from, cut), b + from + cut, len - cut), want);
    }
}
END_TEST

Suite *crc32c_suite(void);
Suite *crc32c_suite(void) {
    Suite *s = suite_create("crc32c");
    TCase *t = tcase_create("crc32c");
    tcase_add_test(t, test_vectors);
    tcase_add_test(t, test_against_the_slow_way);
    suite_add_tcase(s, t);
    return s;
}
