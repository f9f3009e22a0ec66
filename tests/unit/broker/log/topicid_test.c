/* topicid_test.c: a directory of another topic of the same name is found out. */
#include "broker/log/topicid.h"
#include "tests/unit/broker/log/world.h"
#include "tests/unit/unit.h"

START_TEST(test_settle) {
    struct world w;
    struct bn_uuid a = {{1, 2, 3}}, b = {{4}}, there;
    struct bn_err e;
    world_init(&w);
    struct bn_index_place place = {.disk = w.disk, .dir = "/data"};
    ck_assert_int_eq(bn_topicid_read(&place, &there, &e), BN_NOTFOUND);
    ck_assert_int_eq(bn_topicid_settle(&place, &BN_UUID_ZERO, &e), 0);
    ck_assert(!world_exists(&w, "/data/partition.metadata"));
    ck_assert_int_eq(bn_topicid_settle(&place, &a, &e), 0);
    size_t len;
    char *text = world_read_file(&w, "/data/partition.metadata", &len);
    ck_assert_str_eq(text, "version: 0\ntopic_id: AQIDAAAAAAAAAAAAAAAAAA");
    bn_alloc_free(text);
    ck_assert_int_eq(bn_topicid_settle(&place, &a, &e), 0);
    ck_assert_int_eq(bn_topicid_settle(&place, &b, &e), BN_STALE);
    ck_assert_ptr_nonnull(strstr(e.text, "AQIDAAAAAAAAAAAAAAAAAA"));
    ck_assert_int_eq(bn_topicid_settle(&place, &BN_UUID_ZERO, &e), 0);
    world_write_file(&w, "/data/partition.metadata", "topic_id: short", 15);
    ck_assert_int_eq(bn_topicid_settle(&place, &a, &e), BN_BAD);
    world_fini(&w);
}
END_TEST

Suite *topicid_suite(void);
Suite *topicid_suite(void) {
    Suite *s = suite_create("topicid");
    TCase *t = tcase_create("topicid");
    tcase_add_test(t, test_settle);
    suite_add_tcase(s, t);
    return s;
}
