/* dirmeta_test.c: meta.properties as Kafka writes it, and what must not be taken for it. */
#include "broker/log/dirmeta.h"
#include "tests/unit/broker/log/world.h"
#include "tests/unit/unit.h"

START_TEST(test_parse) {
    static const struct {
        const char *text;
        int rc, broker_id;
        const char *cluster_id;
    } cases[] = {
        {"#\n#Sat Nov 21 06:04:28 UTC 2026\ncluster.id=sG30huR5RzOhvX7-H_I9cA\nversion=0\nbroker.id=1\n", 0, 1,
         "sG30huR5RzOhvX7-H_I9cA"},
        {"version = 0\r\n! x\r\n\r\n broker.id = 12 \r\nnew.key=5", 0, 12, ""},
        {"version=1\nnode.id=1\n", BN_BAD, -1, ""},
        {"broker.id=1\n", BN_BAD, -1, ""},
        {"version=0\nbroker.id=x\n", BN_BAD, -1, ""},
        {"version=0\nbroker.id=-3\n", BN_BAD, -1, ""},
        {"version=0\nbroker.id\n", BN_BAD, -1, ""},
        {"", BN_BAD, -1, ""},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct bn_dirmeta m;
        struct bn_err e;
        ck_assert_int_eq(bn_dirmeta_parse(bn_slice_str(cases[i].text), &m, &e), cases[i].rc);
        if (cases[i].rc) continue;
        ck_assert_int_eq(m.broker_id, cases[i].broker_id);
        ck_assert_str_eq(m.cluster_id, cases[i].cluster_id);
    }
}
END_TEST

START_TEST(test_round_trip) {
    struct world w;
    struct bn_dirmeta m = {.cluster_id = "abc", .broker_id = 3}, back;
    bool there;
    struct bn_err e;
    world_init(&w);
    ck_assert_int_eq(bn_dirmeta_read(w.disk, "/data", &back, &there, &e), 0);
    ck_assert(!there && back.broker_id == -1);
    ck_assert_int_eq(bn_dirmeta_write(w.disk, "/data", &m, &e), 0);
    ck_assert_int_eq(bn_dirmeta_read(w.disk, "/data", &back, &there, &e), 0);
    ck_assert(there && back.broker_id == 3);
    ck_assert_str_eq(back.cluster_id, "abc");
    world_fini(&w);
}
END_TEST

Suite *dirmeta_suite(void);
Suite *dirmeta_suite(void) {
    Suite *s = suite_create("dirmeta");
    TCase *t = tcase_create("dirmeta");
    tcase_add_test(t, test_parse);
    tcase_add_test(t, test_round_trip);
    suite_add_tcase(s, t);
    return s;
}
