/* uuid_test.c: the texts that Kafka's Uuid gives for the same bytes, both ways. */
#include "common/base/uuid.h"

#include "tests/unit/unit.h"

static const struct {
    uint8_t bytes[16];
    const char *text;
} cases[] = {
    {{0}, "AAAAAAAAAAAAAAAAAAAAAA"},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, "AAAAAAAAAAAAAAAAAAAAAQ"},
    {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
     "_____________________w"},
    {{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10},
     "ASNFZ4mrze_-3LqYdlQyEA"},
};

START_TEST(test_texts) {
    struct bn_uuid u, back;
    char text[BN_UUID_TEXT_LEN + 1];
    memcpy(u.bytes, cases[_i].bytes, 16);
    bn_uuid_format(&u, text);
    ck_assert_str_eq(text, cases[_i].text);
    ck_assert(bn_uuid_parse(bn_slice_str(text), &back));
    ck_assert(bn_uuid_eq(&u, &back));
    ck_assert_int_eq(bn_uuid_is_zero(&u), _i == 0);
}
END_TEST

START_TEST(test_random_ones) {
    uint32_t seed = 1;
    int refused = 0;
    for (int i = 0; i < 5000; i++) {
        uint8_t random[16];
        struct bn_uuid u, back;
        char text[BN_UUID_TEXT_LEN + 1];
        for (int j = 0; j < 16; j++) random[j] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
        bool good = bn_uuid_from_random(random, &u);
        refused += !good;
        bn_uuid_format(&u, text);
        ck_assert_int_eq(good, text[0] != '-');
        ck_assert_int_eq(u.bytes[6] >> 4, 4);
        ck_assert_int_eq(u.bytes[8] >> 6, 2);
        ck_assert(bn_uuid_parse(bn_slice_str(text), &back));
        ck_assert(bn_uuid_eq(&u, &back));
    }
    ck_assert_int_gt(refused, 30); /* one in 64 */
}
END_TEST

START_TEST(test_bad_texts) {
    static const char *const bad[] = {
        "", "AAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAA==", "AAAAAAAAAA+AAAAAAAAAAA",
        "AAAAAAAAAA AAAAAAAAAAA", "\xff""AAAAAAAAAAAAAAAAAAAAA",
    };
    struct bn_uuid u;
    for (size_t i = 0; i < BN_ARRAY_LEN(bad); i++) ck_assert(!bn_uuid_parse(bn_slice_str(bad[i]), &u));
    ck_assert(!bn_uuid_parse(BN_SLICE_NULL, &u));
}
END_TEST

Suite *uuid_suite(void);
Suite *uuid_suite(void) {
    Suite *s = suite_create("uuid");
    TCase *t = tcase_create("uuid");
    tcase_add_loop_test(t, test_texts, 0, BN_ARRAY_LEN(cases));
    tcase_add_test(t, test_random_ones);
    tcase_add_test(t, test_bad_texts);
    suite_add_tcase(s, t);
    return s;
}
