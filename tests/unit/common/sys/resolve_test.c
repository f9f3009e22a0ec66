/* resolve_test.c: addresses are told from names, and a name gives addresses. */
#include "common/sys/resolve.h"

#include "tests/unit/unit.h"

Suite *resolve_suite(void);

START_TEST(test_numbers) {
    static const struct {
        const char *host;
        bool number;
    } cases[] = {{"127.0.0.1", true},  {"::1", true},    {"2001:db8::5", true},
                 {"localhost", false}, {"1.2.3", false}, {"db1.example", false},
                 {"1.2.3.4.5", false}, {"", false},      {"[::1]", false}};
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++)
        ck_assert_msg(bn_resolve_is_number(cases[i].host) == cases[i].number, "%s", cases[i].host);
}
END_TEST

START_TEST(test_hosts) {
    struct bn_resolved r;
    struct bn_err e = BN_ERR_NONE;
    ck_assert_int_eq(bn_resolve_host("127.0.0.1", &r, &e), 0);
    ck_assert_int_eq(r.count, 1);
    ck_assert_str_eq(r.address[0], "127.0.0.1");
    ck_assert_msg(bn_resolve_host("localhost", &r, &e) == 0, "%s", e.text);
    for (int i = 0; i < r.count; i++) ck_assert(bn_resolve_is_number(r.address[i]));
    ck_assert_int_eq(bn_resolve_host("no such host", &r, &e), BN_IO);
    ck_assert_ptr_nonnull(strstr(e.text, "no such host"));
    ck_assert_int_eq(r.count, 0);
}
END_TEST

Suite *resolve_suite(void) {
    Suite *s = suite_create("resolve");
    TCase *t = tcase_create("resolve");
    tcase_add_test(t, test_numbers);
    tcase_add_test(t, test_hosts);
    suite_add_tcase(s, t);
    return s;
}
