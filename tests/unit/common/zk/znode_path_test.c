/* znode_path_test.c: paths as Kafka has them, names from outside that never add a level, and Kafka's sanitising of
 * users. */
#include "common/zk/znode_path.h"

#include "tests/unit/unit.h"

static struct bn_znode_path p;

#define S(text) bn_slice_str(text)

/* Goal: a group's name comes back from its znode's, and strangers' children are not taken for groups. */
START_TEST(test_groups) {
    static const char *const names[] = {"a", ".", "..", "my group", "a/b", "100%", "gr\xc3\xbcn", "\xff\xfe", "*"};
    struct bn_str out;
    bn_str_init(&out);
    for (size_t i = 0; i < BN_ARRAY_LEN(names); i++) {
        ck_assert(bn_znode_path_group_ok(bn_slice_str(names[i])));
        const char *path = bn_znode_path_group(&p, bn_slice_str(names[i]));
        ck_assert_ptr_nonnull(path);
        bn_str_clear(&out);
        ck_assert(bn_znode_path_group_name(&out, bn_slice_str(path + strlen("/consumers/"))));
        ck_assert_str_eq(out.ptr, names[i]);
    }
    static const char *const strangers[] = {"a b", "%2f", "%00", "%zz", "a+b", "gr\xc3\xbcn", "."};
    for (size_t i = 0; i < BN_ARRAY_LEN(strangers); i++)
        ck_assert_msg(!bn_znode_path_group_name(&out, bn_slice_str(strangers[i])), "%s", strangers[i]);
    char long_name[251];
    memset(long_name, 0xff, 250);
    ck_assert(!bn_znode_path_group_ok(bn_slice_of(long_name, 250)) && !bn_znode_path_group_ok(BN_SLICE_LIT("")));
    ck_assert(bn_znode_path_group_ok(bn_slice_of(long_name, 249)) && !bn_znode_path_group_ok(BN_SLICE_LIT("a\0b")));
    ck_assert_ptr_nonnull(bn_znode_path_group_part(&p, bn_slice_of(long_name, 249), INT32_MAX, INT32_MAX));
    ck_assert_str_eq(bn_znode_path_group_part(&p, BN_SLICE_LIT("a/b"), 5, 0), "/consumers/a%2Fb/members-5-0");
    int32_t generation, number;
    ck_assert(bn_znode_path_part(BN_SLICE_LIT("members-5-12"), &generation, &number) && generation == 5 &&
              number == 12);
    static const char *const others[] = {"members-",     "members-5",    "members-5-",
                                         "members--1-0", "members-05-0", "offsets"};
    for (size_t i = 0; i < BN_ARRAY_LEN(others); i++)
        ck_assert(!bn_znode_path_part(bn_slice_str(others[i]), &generation, &number));
    bn_str_fini(&out);
}
END_TEST

START_TEST(test_paths) {
    ck_assert_str_eq(bn_znode_path_broker(&p, 7), "/brokers/ids/7");
    ck_assert_str_eq(bn_znode_path_incarnation(&p, 0), "/barnabas/incarnation/0");
    ck_assert_str_eq(bn_znode_path_topic(&p, S("t")), "/brokers/topics/t");
    ck_assert_str_eq(bn_znode_path_topic_partitions(&p, S("t")), "/brokers/topics/t/partitions");
    ck_assert_str_eq(bn_znode_path_partition(&p, S("t"), 12), "/brokers/topics/t/partitions/12");
    ck_assert_str_eq(bn_znode_path_state(&p, S("t"), 0), "/brokers/topics/t/partitions/0/state");
    ck_assert_str_eq(bn_znode_path_delete(&p, S("t")), "/admin/delete_topics/t");
    ck_assert_str_eq(bn_znode_path_config(&p, "brokers", S(BN_ZNODE_DEFAULT)), "/config/brokers/<default>");
    ck_assert_str_eq(bn_znode_path_config_user_client(&p, S("u"), S("c")), "/config/users/u/clients/c");
    ck_assert_str_eq(bn_znode_path_config_entity(&p, S("users/u/clients/c")), "/config/users/u/clients/c");
    ck_assert_str_eq(bn_znode_path_sequential(&p, BN_ZNODE_CONFIG_CHANGES, BN_ZNODE_CONFIG_CHANGE_PREFIX),
                     "/config/changes/config_change_");
    ck_assert_str_eq(bn_znode_path_child(&p, BN_ZNODE_CONFIG_CHANGES, S("config_change_0000000003")),
                     "/config/changes/config_change_0000000003");
    ck_assert_str_eq(bn_znode_path_group(&p, S("a/b c")), "/consumers/a%2Fb%20c");
    ck_assert_str_eq(bn_znode_path_group(&p, S("..")), "/consumers/%2E%2E");
    ck_assert_str_eq(bn_znode_path_consumer_offset(&p, S("."), S("t"), 3), "/consumers/%2E/offsets/t/3");
    for (const char *const *path = bn_znode_path_top_level; *path; path++) ck_assert_int_eq(**path, '/');
}
END_TEST

START_TEST(test_bad_names) {
    static const char *const bad[] = {"", ".", "..", "a/b", "/", "a\nb", "a\x7f", "a\xc2\x85"};
    for (size_t i = 0; i < BN_ARRAY_LEN(bad); i++) {
        ck_assert_ptr_null(bn_znode_path_topic(&p, S(bad[i])));
        ck_assert_ptr_null(bn_znode_path_state(&p, S(bad[i]), 0));
        ck_assert_ptr_null(bn_znode_path_config(&p, "topics", S(bad[i])));
        ck_assert_ptr_null(bn_znode_path_config_user_client(&p, S("u"), S(bad[i])));
        ck_assert(!bn_znode_path_topic_ok(S(bad[i])));
    }
    ck_assert_ptr_null(bn_znode_path_topic(&p, BN_SLICE_NULL));
    ck_assert_ptr_null(bn_znode_path_group(&p, BN_SLICE_NULL));
    ck_assert_ptr_null(bn_znode_path_config(&p, "others", S("x")));
    char name[1100];
    memset(name, 'x', sizeof name);
    ck_assert_ptr_null(bn_znode_path_topic(&p, bn_slice_of(name, sizeof name)));
    ck_assert(bn_znode_path_topic_ok(bn_slice_of(name, 249)));
    ck_assert(!bn_znode_path_topic_ok(bn_slice_of(name, 250)));
    ck_assert(bn_znode_path_topic_ok(S("A.b_c-9")));
    ck_assert(!bn_znode_path_topic_ok(S("a b")));
    ck_assert(!bn_znode_path_topic_ok(S("\303\274")));
}
END_TEST

START_TEST(test_numbers) {
    static const struct {
        const char *text;
        int64_t number, seq;
    } cases[] = {
        {"0", 0, -1},
        {"7", 7, -1},
        {"2147483647", INT32_MAX, -1},
        {"2147483648", -1, -1},
        {"-1", -1, -1},
        {"", -1, -1},
        {"01", -1, -1},
        {"1x", -1, -1},
        {" 1", -1, -1},
        {"s_0000000012", -1, 12},
        {"s_12", -1, -1},
        {"s_000000000x", -1, -1},
        {"s_2147483648", -1, 2147483648},
        {"s_99999999999999999999", -1, -1},
        {"s_-000000001", -1, -1},
        {"t_0000000012", -1, -1},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        ck_assert_int_eq(bn_znode_path_number(S(cases[i].text)), cases[i].number);
        ck_assert_int_eq(bn_znode_path_seq(S(cases[i].text), "s_"), cases[i].seq);
    }
}
END_TEST

START_TEST(test_entities) {
    struct bn_znode_entity e;
    ck_assert(bn_znode_path_entity(S("topics/t"), &e));
    ck_assert(bn_slice_eq_str(e.type, "topics") && bn_slice_eq_str(e.name, "t") && bn_slice_is_null(e.sub_type));
    ck_assert(bn_znode_path_entity(S("users/u/clients/<default>"), &e));
    ck_assert(bn_slice_eq_str(e.sub_type, "clients") && bn_slice_eq_str(e.sub_name, "<default>"));
    static const char *const bad[] = {
        "",
        "topics",
        "topics/",
        "/t",
        "topics/t/",
        "topics/t/clients/c",
        "things/t",
        "users/u/clients",
        "users/u/clients/",
        "users/u/clients/c/d",
        "users/../clients/c",
        "users/u/topics/t",
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(bad); i++) ck_assert_msg(!bn_znode_path_entity(S(bad[i]), &e), "%s", bad[i]);
    ck_assert(!bn_znode_path_entity(BN_SLICE_NULL, &e));
}
END_TEST

/* The left column went through Kafka 3.9's Sanitizer. */
START_TEST(test_sanitize) {
    static const char *const cases[][2] = {
        {"u*+ ~/\303\274.-_", "u%2A%2B%20%7E%2F%C3%BC.-_"},
        {"<default>", "%3Cdefault%3E"},
        {"a b%", "a%20b%25"},
        {"", ""},
    };
    struct bn_str s, back;
    bn_str_init(&s);
    bn_str_init(&back);
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        bn_str_clear(&s);
        bn_str_clear(&back);
        bn_znode_path_sanitize(&s, S(cases[i][0]));
        ck_assert_str_eq(s.ptr, cases[i][1]);
        ck_assert(bn_znode_path_desanitize(&back, bn_str_slice(&s)));
        ck_assert_str_eq(back.ptr, cases[i][0]);
    }
    bn_str_clear(&back);
    static const char *const broken[] = {"%", "%4", "%4g", "a%zz", "%00"};
    for (size_t i = 0; i < BN_ARRAY_LEN(broken); i++) ck_assert(!bn_znode_path_desanitize(&back, S(broken[i])));
    ck_assert_str_eq(back.ptr, "");
    bn_str_fini(&s);
    bn_str_fini(&back);
}
END_TEST

Suite *znode_path_suite(void);
Suite *znode_path_suite(void) {
    Suite *s = suite_create("znode_path");
    TCase *tc = tcase_create("paths");
    tcase_add_test(tc, test_groups);
    tcase_add_test(tc, test_paths);
    tcase_add_test(tc, test_bad_names);
    tcase_add_test(tc, test_numbers);
    tcase_add_test(tc, test_entities);
    tcase_add_test(tc, test_sanitize);
    suite_add_tcase(s, tc);
    return s;
}
