/* znode_group_test.c: clients' bytes in a group's znode: any of them come back as they were; what is of the consumer
 * protocol is shown, and nothing that is not; what a person spoiled is refused. */
#include "common/zk/znode_group.h"

#include "common/base/alloc.h"
#include "tests/unit/unit.h"

static struct bn_str out;
static void setup(void) { bn_str_init(&out); }
static void teardown(void) { bn_str_fini(&out); }

START_TEST(text_is_readable) {
    static const struct {
        struct bn_slice bytes;
        const char *text;
    } cases[] = {
        {{(const uint8_t *)"consumer-1", 10}, "consumer-1"},
        {{(const uint8_t *)"/127.0.0.1", 10}, "/127.0.0.1"},
        {{(const uint8_t *)"", 0}, ""},
        {{(const uint8_t *)"a%b", 3}, "a%25b"},
        {{(const uint8_t *)"\0\n\"\\\x7f", 5}, "%00%0A%22%5C%7F"},
        {{(const uint8_t *)"gr\xc3\xbcn", 5}, "gr\xc3\xbcn"},
        {{(const uint8_t *)"\xc3", 1}, "%C3"},
        {{(const uint8_t *)"\xc0\x80", 2}, "%C0%80"},
        {{(const uint8_t *)"\xed\xa0\x80", 3}, "%ED%A0%80"},
        {{(const uint8_t *)"\xf0\x9f\x98\x80", 4}, "\xf0\x9f\x98\x80"},
        {{(const uint8_t *)"\xc2\x80", 2}, "%C2%80"},
        {{(const uint8_t *)"\xf5\x80\x80\x80", 4}, "%F5%80%80%80"},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        bn_str_clear(&out);
        bn_znode_group_escape(&out, cases[i].bytes);
        ck_assert_str_eq(out.ptr, cases[i].text);
        struct bn_str back;
        bn_str_init(&back);
        ck_assert(bn_znode_group_unescape(&back, bn_str_slice(&out)));
        ck_assert(bn_slice_eq(bn_str_slice(&back), cases[i].bytes));
        bn_str_fini(&back);
    }
    static const char *const broken[] = {"%", "%4", "%zz", "a%0", "%%20"};
    for (size_t i = 0; i < BN_ARRAY_LEN(broken); i++)
        ck_assert(!bn_znode_group_unescape(&out, bn_slice_str(broken[i])));
}
END_TEST

START_TEST(base64_comes_back) {
    uint8_t bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 7 + 3);
    for (size_t n = 0; n < sizeof bytes; n++) {
        struct bn_str back;
        bn_str_init(&back);
        bn_str_clear(&out);
        bn_znode_group_base64(&out, bn_slice_of(bytes, n));
        ck_assert_uint_eq(out.len, (n + 2) / 3 * 4);
        ck_assert(bn_znode_group_unbase64(&back, bn_str_slice(&out)));
        ck_assert(bn_slice_eq(bn_str_slice(&back), bn_slice_of(bytes, n)));
        bn_str_fini(&back);
    }
    bn_str_clear(&out);
    bn_znode_group_base64(&out, BN_SLICE_LIT("any carnal pleas"));
    ck_assert_str_eq(out.ptr, "YW55IGNhcm5hbCBwbGVhcw==");
    static const char *const broken[] = {"A", "AAA", "A===", "=AAA", "AA=A", "AA==AAAA", "AA A", "AA\nA", "AAA-"};
    for (size_t i = 0; i < BN_ARRAY_LEN(broken); i++)
        ck_assert_msg(!bn_znode_group_unbase64(&out, bn_slice_str(broken[i])), "%s", broken[i]);
}
END_TEST

#define SUBSCRIPTION                                                                                                   \
    "\0\1"                                                                                                             \
    "\0\0\0\2"                                                                                                         \
    "\0\1t"                                                                                                            \
    "\0\2u2"                                                                                                           \
    "\xff\xff\xff\xff"                                                                                                 \
    "\0\0\0\0"
#define ASSIGNMENT                                                                                                     \
    "\0\0"                                                                                                             \
    "\0\0\0\2"                                                                                                         \
    "\0\1t"                                                                                                            \
    "\0\0\0\2"                                                                                                         \
    "\0\0\0\0"                                                                                                         \
    "\0\0\0\3"                                                                                                         \
    "\0\2u2"                                                                                                           \
    "\0\0\0\0"                                                                                                         \
    "\0\0\0\0"

START_TEST(the_consumer_protocol_is_shown) {
    ck_assert(bn_znode_group_subscription(&out, BN_SLICE_LIT(SUBSCRIPTION)));
    ck_assert_str_eq(out.ptr, "[\"t\",\"u2\"]");
    bn_str_clear(&out);
    ck_assert(bn_znode_group_assignment(&out, BN_SLICE_LIT(ASSIGNMENT)));
    ck_assert_str_eq(out.ptr, "{\"t\":[0,3],\"u2\":[]}");
    bn_str_clear(&out);
    ck_assert(bn_znode_group_assignment(&out, BN_SLICE_LIT("\0\3\0\0\0\0\0\0\0\0")));
    ck_assert_str_eq(out.ptr, "{}");
}
END_TEST

/* No prefix, and no byte changed, is read beyond the end, or gives text that is not JSON of its own. */
START_TEST(what_is_not_of_it_is_not_shown) {
    static const struct bn_slice hostile[] = {
        {NULL, 0},
        {(const uint8_t *)"\0\4\0\0\0\0\0\0\0\0", 10},                              /* version */
        {(const uint8_t *)"\0\0\x7f\xff\xff\xff\0\1t\0\0\0\0", 13},                 /* count */
        {(const uint8_t *)"\0\0\xff\xff\xff\xff\0\0\0\0", 10},                      /* null list */
        {(const uint8_t *)"\0\0\0\0\0\1\0\1\"\0\0\0\0\0\0\0\0", 17},                /* a name that is none */
        {(const uint8_t *)"\0\0\0\0\0\2\0\1t\0\0\0\0\0\1t\0\0\0\0\0\0\0\0", 24},    /* twice */
        {(const uint8_t *)"\0\0\0\0\0\1\0\1t\0\0\0\1\xff\xff\xff\xff\0\0\0\0", 21}, /* partition -1 */
        {(const uint8_t *)"\0\0\0\0\0\1\0\1t\0\xff\xff\xff\0\0\0\0", 17},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(hostile); i++) {
        ck_assert_msg(!bn_znode_group_assignment(&out, hostile[i]), "%zu", i);
        ck_assert_uint_eq(out.len, 0);
    }
    ck_assert(!bn_znode_group_subscription(&out, hostile[1]) && !bn_znode_group_subscription(&out, hostile[2]));
    uint8_t bytes[] = ASSIGNMENT;
    for (size_t i = 0; i < sizeof bytes - 1; i++) {
        uint8_t *exact = bn_alloc(i + 1);
        memcpy(exact, bytes, i);
        ck_assert(!bn_znode_group_assignment(&out, bn_slice_of(exact, i)));
        bn_znode_group_subscription(&out, bn_slice_of(exact, i));
        bn_alloc_free(exact);
    }
}
END_TEST

/* A whole group with hostile bytes in every field. */
START_TEST(a_group_comes_back) {
    struct bn_slice evil = bn_slice_of("\0\xff%\"\\{\n\xc3", 8);
    struct bn_znode_group_member members[2] = {{evil, evil, evil, evil, 1, 2, evil, evil},
                                               {BN_SLICE_LIT("m"), BN_SLICE_NULL, BN_SLICE_LIT(""), BN_SLICE_LIT(""), 3,
                                                4, BN_SLICE_LIT(SUBSCRIPTION), BN_SLICE_LIT(ASSIGNMENT)}};
    struct bn_znode_group in = {.generation = 7,
                                .reserved = 16,
                                .protocol_type = BN_SLICE_LIT("consumer"),
                                .protocol = evil,
                                .leader = evil,
                                .timestamp_ms = 5,
                                .members = members,
                                .member_count = 2},
                          back;
    struct bn_arena a;
    bn_arena_init(&a, 1 << 20);
    bn_znode_group_encode(&out, &in);
    ck_assert_int_eq(bn_znode_group_decode(bn_str_slice(&out), &a, &back, NULL), BN_OK);
    ck_assert_int_eq(back.member_count, 2);
    ck_assert(bn_slice_eq(back.protocol, evil) && bn_slice_eq(back.leader, evil));
    ck_assert(bn_slice_eq(back.members[0].member_id, evil) && bn_slice_eq(back.members[0].instance_id, evil));
    ck_assert(bn_slice_eq(back.members[0].metadata, evil) && bn_slice_eq(back.members[0].client_host, evil));
    ck_assert(bn_slice_is_null(back.members[1].instance_id));
    ck_assert(bn_slice_eq(back.members[1].assignment, BN_SLICE_LIT(ASSIGNMENT)));
    ck_assert_ptr_nonnull(strstr(out.ptr, "\"subscription\":[\"t\",\"u2\"]"));
    ck_assert_ptr_nonnull(strstr(out.ptr, "\"assignment\":{\"t\":[0,3],\"u2\":[]}"));
    in.protocol_type = BN_SLICE_LIT("connect"); /* another protocol's bytes are not ours to show */
    bn_str_clear(&out);
    bn_znode_group_encode(&out, &in);
    ck_assert_ptr_null(strstr(out.ptr, "subscription"));
    bn_arena_fini(&a);
}
END_TEST

Suite *znode_group_suite(void);
Suite *znode_group_suite(void) {
    Suite *s = suite_create("znode_group");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, text_is_readable);
    tcase_add_test(t, base64_comes_back);
    tcase_add_test(t, the_consumer_protocol_is_shown);
    tcase_add_test(t, what_is_not_of_it_is_not_shown);
    tcase_add_test(t, a_group_comes_back);
    suite_add_tcase(s, t);
    return s;
}
