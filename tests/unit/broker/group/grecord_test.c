/* grecord_test.c: goal: keys and values byte for byte as Kafka writes them, what is written is read, and damaged bytes
 * are told. */
#include "broker/group/grecord.h"

#include "common/base/err.h"
#include "tests/unit/unit.h"

Suite *grecord_suite(void);

static void check_bytes(const struct bn_str *s, const char *hex) {
    char got[512] = "";
    ck_assert_uint_lt(s->len * 2, sizeof got);
    for (size_t i = 0; i < s->len; i++) snprintf(got + 2 * i, 3, "%02x", (unsigned)(uint8_t)s->ptr[i]);
    ck_assert_str_eq(got, hex);
}

START_TEST(test_bytes) {
    struct bn_str s;
    bn_str_init(&s);
    bn_grecord_write_offset_key(&s, BN_SLICE_LIT("g"), BN_SLICE_LIT("top"), 7);
    check_bytes(&s, "0001"
                    "000167"
                    "0003746f70"
                    "00000007");
    bn_str_clear(&s);
    bn_grecord_write_group_key(&s, BN_SLICE_LIT("g"));
    check_bytes(&s, "0002"
                    "000167");
    bn_str_clear(&s);
    struct bn_grecord_offset o = {258, 5, BN_SLICE_LIT("m"), 3, -1};
    bn_grecord_write_offset(&s, &o);
    check_bytes(&s, "0003"
                    "0000000000000102"
                    "00000005"
                    "00016d"
                    "0000000000000003");
    bn_str_clear(&s);
    struct bn_grecord_group g = {.protocol_type = BN_SLICE_LIT("consumer"),
                                 .protocol = BN_SLICE_LIT("range"),
                                 .generation = 2,
                                 .state_since_ms = 9,
                                 .member_count = 1};
    bn_grecord_write_group(&s, &g);
    check_bytes(&s, "0003"
                    "0008636f6e73756d6572"
                    "00000002"
                    "000572616e6765"
                    "ffff"
                    "0000000000000009"
                    "00000001");
    bn_str_fini(&s);
}
END_TEST

START_TEST(test_round_trip) {
    struct bn_grecord_offset cases[] = {{0, -1, BN_SLICE_LIT(""), 0, -1},
                                        {INT64_MAX, 3, BN_SLICE_LIT("some text"), 1234567890123, -1},
                                        {5, -1, BN_SLICE_LIT("x"), 10, 20}};
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct bn_grecord_offset got;
        struct bn_str s;
        bn_str_init(&s);
        bn_grecord_write_offset(&s, &cases[i]);
        ck_assert_int_eq(bn_grecord_read_offset(bn_str_slice(&s), &got), BN_OK);
        ck_assert_int_eq(got.offset, cases[i].offset);
        ck_assert_int_eq(got.leader_epoch, cases[i].leader_epoch);
        ck_assert(bn_slice_eq(got.metadata, cases[i].metadata));
        ck_assert_int_eq(got.commit_ms, cases[i].commit_ms);
        ck_assert_int_eq(got.expire_ms, cases[i].expire_ms);
        for (size_t cut = 0; cut < s.len; cut++)
            ck_assert_int_eq(bn_grecord_read_offset(bn_slice_of(s.ptr, cut), &got), BN_BAD);
        bn_str_fini(&s);
    }
}
END_TEST

/* What is written is read, member by member; what is cut short, or of a version to come, is not. */
START_TEST(test_groups) {
    struct bn_grecord_group g = {.protocol_type = BN_SLICE_LIT("consumer"),
                                 .protocol = BN_SLICE_LIT("range"),
                                 .leader = BN_SLICE_LIT("a"),
                                 .generation = 7,
                                 .state_since_ms = 99,
                                 .member_count = 2};
    const struct bn_grecord_member a = {
        BN_SLICE_LIT("a"), BN_SLICE_LIT("rack-1"), BN_SLICE_LIT("cat"), BN_SLICE_LIT("/h"), 60000, 45000,
        BN_SLICE_LIT("s"), BN_SLICE_LIT("p")};
    const struct bn_grecord_member b = {.id = BN_SLICE_LIT("b"), .rebalance_ms = 1, .session_ms = 2};
    struct bn_grecord_group got;
    struct bn_grecord_member m;
    struct bn_str s;
    bn_str_init(&s);
    bn_grecord_write_group(&s, &g);
    bn_grecord_write_member(&s, &a);
    bn_grecord_write_member(&s, &b);
    ck_assert_int_eq(bn_grecord_read_group(bn_str_slice(&s), &got), BN_OK);
    ck_assert(bn_slice_eq_str(got.protocol_type, "consumer") && bn_slice_eq_str(got.protocol, "range"));
    ck_assert(bn_slice_eq_str(got.leader, "a"));
    ck_assert_int_eq(got.generation, 7);
    ck_assert_int_eq(got.state_since_ms, 99);
    ck_assert(bn_grecord_next_member(&got, &m));
    ck_assert(bn_slice_eq_str(m.id, "a") && bn_slice_eq_str(m.instance_id, "rack-1"));
    ck_assert(bn_slice_eq_str(m.client_id, "cat") && bn_slice_eq_str(m.client_host, "/h"));
    ck_assert(m.rebalance_ms == 60000 && m.session_ms == 45000);
    ck_assert(bn_slice_eq_str(m.subscription, "s") && bn_slice_eq_str(m.assignment, "p"));
    ck_assert(bn_grecord_next_member(&got, &m));
    ck_assert(bn_slice_eq_str(m.id, "b") && bn_slice_is_null(m.instance_id));
    ck_assert(!bn_grecord_next_member(&got, &m));
    for (size_t cut = 0; cut < s.len; cut++)
        ck_assert_int_eq(bn_grecord_read_group(bn_slice_of(s.ptr, cut), &got), BN_BAD);
    s.ptr[1] = 4;
    ck_assert_int_eq(bn_grecord_read_group(bn_str_slice(&s), &got), BN_BAD);
    bn_str_fini(&s);
}
END_TEST

/* What Kafka before 2.3 wrote; and counts that are not there. */
START_TEST(test_older_groups) {
    static const char old[] = "\0\0"
                              "\0\1c"
                              "\0\0\0\2"
                              "\0\1r"
                              "\0\1m"
                              "\0\0\0\1"
                              "\0\1m"
                              "\0\1i"
                              "\0\1h"
                              "\0\0\0\6"
                              "\0\0\0\1s"
                              "\0\0\0\1a";
    static const char many[] = "\0\0"
                               "\0\1c"
                               "\0\0\0\2"
                               "\0\1r"
                               "\0\1m"
                               "\x7f\xff\xff\xff";
    static const char below[] = "\0\0"
                                "\0\1c"
                                "\0\0\0\2"
                                "\0\1r"
                                "\0\1m"
                                "\xff\xff\xff\xff";
    static const char nobody[] = "\0\0"
                                 "\0\1c"
                                 "\0\0\0\2"
                                 "\0\1r"
                                 "\0\1m"
                                 "\0\0\0\1"
                                 "\xff\xff"
                                 "\0\1i"
                                 "\0\1h"
                                 "\0\0\0\6"
                                 "\0\0\0\1s"
                                 "\0\0\0\1a";
    struct bn_grecord_group got;
    struct bn_grecord_member m;
    ck_assert_int_eq(bn_grecord_read_group(bn_slice_of(old, sizeof old - 1), &got), BN_OK);
    ck_assert_int_eq(got.state_since_ms, -1);
    ck_assert(bn_grecord_next_member(&got, &m));
    ck_assert(m.rebalance_ms == 6 && m.session_ms == 6 && bn_slice_eq_str(m.assignment, "a"));
    ck_assert_int_eq(bn_grecord_read_group(bn_slice_of(many, sizeof many - 1), &got), BN_BAD);
    ck_assert_int_eq(bn_grecord_read_group(bn_slice_of(below, sizeof below - 1), &got), BN_BAD);
    ck_assert_int_eq(bn_grecord_read_group(bn_slice_of(nobody, sizeof nobody - 1), &got), BN_BAD);
}
END_TEST

START_TEST(test_keys) {
    static const struct {
        const char *bytes;
        size_t len;
        int rc, kind;
    } cases[] = {
        {"\0\0\0\1g\0\1t\0\0\0\3", 12, BN_OK, BN_GRECORD_OFFSET},
        {"\0\1\0\1g\0\1t\0\0\0\3", 12, BN_OK, BN_GRECORD_OFFSET},
        {"\0\2\0\1g", 5, BN_OK, BN_GRECORD_GROUP},
        {"\0\5\0\1g\0\1m", 8, BN_OK, BN_GRECORD_OTHER},
        {"\0\1\0\1g\0\1t\0\0\0", 11, BN_BAD, 0},
        {"\0\1\0\5g", 5, BN_BAD, 0},
        {"\0\1\377\377\0\1t\0\0\0\3", 11, BN_BAD, 0},
        {"\377\377\0\1g", 5, BN_BAD, 0},
        {"\0", 1, BN_BAD, 0},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct bn_grecord_key key;
        ck_assert_int_eq(bn_grecord_read_key(bn_slice_of(cases[i].bytes, cases[i].len), &key), cases[i].rc);
        if (cases[i].rc == BN_OK) ck_assert_int_eq((int)key.kind, cases[i].kind);
    }
}
END_TEST

Suite *grecord_suite(void) {
    Suite *s = suite_create("grecord");
    TCase *t = tcase_create("grecord");
    tcase_add_test(t, test_bytes);
    tcase_add_test(t, test_round_trip);
    tcase_add_test(t, test_groups);
    tcase_add_test(t, test_older_groups);
    tcase_add_test(t, test_keys);
    suite_add_tcase(s, t);
    return s;
}
