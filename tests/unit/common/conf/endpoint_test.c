/* endpoint_test.c: listener lists that Kafka takes and refuses. */
#include "common/conf/endpoint.h"

#include <string.h>

#include "tests/unit/unit.h"

static const char map[] = "PLAINTEXT:PLAINTEXT,SSL:SSL,CLIENT:SASL_SSL,IN:plaintext,ODD:WHAT";

static const struct {
    const char *list;
    bool advertised;
    int count; /* < 0 = refused */
} cases[] = {
    {"PLAINTEXT://:9092", false, 1},
    {"PLAINTEXT://h:9092, client://h2:9093", false, 2},
    {"PLAINTEXT://[::1]:9092,IN://127.0.0.1:9092", false, 2},
    {"PLAINTEXT://:0,IN://:0", false, 2},
    {"PLAINTEXT://:1,IN://:1", false, -1},
    {"PLAINTEXT://:1,IN://:1", true, 2},
    {"PLAINTEXT://a:1,plaintext://b:2", false, -1},
    {"PLAINTEXT://0.0.0.0:1", true, -1},
    {"PLAINTEXT://[::]:1", true, -1},
    {"", false, 0},
    {"PLAINTEXT://", false, -1},
    {"PLAINTEXT://host", false, -1},
    {"PLAINTEXT://::1:9092", false, -1},
    {"PLAINTEXT://h:", false, -1},
    {"PLAINTEXT://h:65536", false, -1},
    {"PLAINTEXT://h:-1", false, -1},
    {"://h:1", false, -1},
    {"PLAINTEXT:/h:1", false, -1},
    {"NOBODY://h:1", false, -1},
    {"ODD://h:1", false, -1},
    {",", false, -1},
};

START_TEST(test_lists) {
    struct bn_endpoint out[BN_ENDPOINT_MAX];
    struct bn_err e = BN_ERR_NONE;
    int got = bn_endpoint_parse(cases[_i].list, map, cases[_i].advertised, out, &e);
    if (cases[_i].count >= 0) ck_assert_msg(got == cases[_i].count, "%s: %d %s", cases[_i].list, got, e.text);
    else ck_assert_int_eq(got, BN_BAD);
}
END_TEST

START_TEST(test_parts) {
    struct bn_endpoint out[BN_ENDPOINT_MAX];
    ck_assert_int_eq(bn_endpoint_parse("Client://[fe80::1]:9093,IN://:7", map, false, out, NULL), 2);
    ck_assert_str_eq(out[0].name, "CLIENT");
    ck_assert_str_eq(out[0].host, "fe80::1");
    ck_assert_int_eq(out[0].port, 9093);
    ck_assert_int_eq(out[0].protocol, BN_ENDPOINT_SASL_SSL);
    ck_assert_str_eq(out[1].host, "");
    ck_assert_int_eq(out[1].protocol, BN_ENDPOINT_PLAINTEXT);
    ck_assert_ptr_eq(bn_endpoint_find(out, 2, "in"), &out[1]);
    ck_assert_ptr_null(bn_endpoint_find(out, 2, "OUT"));
    ck_assert_str_eq(bn_endpoint_protocol_name(BN_ENDPOINT_SASL_PLAINTEXT), "SASL_PLAINTEXT");
    char many[1024] = "";
    for (int i = 0; i < 20; i++) strncat(many, "PLAINTEXT://h:1,", sizeof many - strlen(many) - 1);
    ck_assert_int_eq(bn_endpoint_parse(many, map, true, out, NULL), BN_BAD);
}
END_TEST

Suite *endpoint_suite(void);
Suite *endpoint_suite(void) {
    Suite *s = suite_create("endpoint");
    TCase *t = tcase_create("endpoint");
    tcase_add_loop_test(t, test_lists, 0, BN_ARRAY_LEN(cases));
    tcase_add_test(t, test_parts);
    suite_add_tcase(s, t);
    return s;
}
