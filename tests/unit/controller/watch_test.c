/* watch_test.c: what strangers write into ZooKeeper works: topics, partitions, delete markers; nonsense is left alone
 * and stops nothing; and what stood before an election is found by it. */
#include "tests/unit/controller/world_topic.h"

static struct world w;
static void setup(void) { world_with_broker(&w); }
static void teardown(void) { world_close(&w); }

START_TEST(a_topic_of_an_old_tool) {
    ck_assert_int_eq(world_put(&w, "/brokers/topics/old", "{\"version\":1,\"partitions\":{\"0\":[1],\"1\":[1]}}", 0),
                     0);
    WORLD_UNTIL(&w, world_topic(&w, 0, "old") && world_topic(&w, 0, "old")->partition_count == 2);
    ck_assert_int_eq(world_topic(&w, 0, "old")->partitions[1].leader, 1);
    struct bn_slice data;
    ck_assert_int_eq(bn_fake_peek(w.server, "/brokers/topics/old", &data, NULL), 0);
    ck_assert_ptr_nonnull(memmem(data.ptr, data.len, "topic_id", 8)); /* minted, since no state existed */
    char more[512];
    snprintf(more, sizeof more, "%.*s", BN_SLICE_FMT(data));
    char *at = strstr(more, "\"1\":[1]");
    ck_assert_ptr_nonnull(at);
    char grown[600];
    snprintf(grown, sizeof grown, "%.*s\"1\":[1],\"2\":[1]%s", (int)(at - more), more, at + strlen("\"1\":[1]"));
    ck_assert_int_eq(world_set(&w, "/brokers/topics/old", grown), 0);
    WORLD_UNTIL(&w, world_topic(&w, 0, "old")->partition_count == 3);
}
END_TEST

START_TEST(a_delete_marker_of_an_old_tool) {
    ck_assert_int_eq(world_make_topic(&w, 0, "t", 3), 0);
    ck_assert_int_eq(world_put(&w, "/admin/delete_topics/t", NULL, 0), 0);
    ck_assert_int_eq(world_put(&w, "/admin/delete_topics/nobody", NULL, 0), 0);
    WORLD_UNTIL(&w, bn_fake_peek(w.server, "/brokers/topics/t", NULL, NULL) == BN_NOTFOUND);
    WORLD_UNTIL(&w, bn_fake_peek(w.server, "/admin/delete_topics/t", NULL, NULL) == BN_NOTFOUND);
    WORLD_UNTIL(&w, bn_fake_peek(w.server, "/admin/delete_topics/nobody", NULL, NULL) == BN_NOTFOUND);
    ck_assert_ptr_null(world_topic(&w, 0, "t"));
}
END_TEST

START_TEST(nonsense_is_left_alone) {
    ck_assert_int_eq(world_put(&w, "/brokers/topics/bad", "nonsense", 0), 0);
    ck_assert_int_eq(world_put(&w, "/brokers/topics/b*d", "{\"version\":1,\"partitions\":{\"0\":[1]}}", 0), 0);
    ck_assert_int_eq(world_put(&w, "/brokers/ids/x", "nonsense", 0), 0);
    ck_assert_int_eq(world_put(&w, "/brokers/ids/77", "nonsense", 0), 0);
    ck_assert_int_eq(world_make_topic(&w, 0, "good", 1), 0);
    ck_assert_ptr_null(world_topic(&w, 0, "bad"));
    ck_assert(bn_controller_is_active(w.controllers[0].controller));
    /* Nor does it keep a controller from beginning its reign. */
    bn_fake_expire(w.controllers[0].zk);
    WORLD_UNTIL(&w, world_is_serving(&w, 0) && w.brokers[0].image->controller_epoch == 2);
    ck_assert_ptr_nonnull(world_topic(&w, 0, "good"));
    ck_assert_int_eq(bn_fake_peek(w.server, "/brokers/topics/bad", NULL, NULL), 0);
}
END_TEST

START_TEST(a_new_reign_knows_everything) {
    for (int i = 0; i < 10; i++) {
        char name[16];
        snprintf(name, sizeof name, "t%d", i);
        ck_assert_int_eq(world_make_topic(&w, 0, name, 5), 0);
    }
    WORLD_UNTIL(&w, world_topic(&w, 0, "t9"));
    struct bn_uuid id = world_topic(&w, 0, "t9")->id;
    bn_fake_expire(w.controllers[0].zk);
    /* While nobody reigns, a tool makes one more. */
    ck_assert_int_eq(world_put(&w, "/brokers/topics/meanwhile", "{\"version\":1,\"partitions\":{\"0\":[1]}}", 0), 0);
    WORLD_UNTIL(&w, world_is_serving(&w, 0) && w.brokers[0].image->controller_epoch == 2 &&
                        world_topic(&w, 0, "meanwhile"));
    ck_assert_uint_eq(w.brokers[0].image->by_name.count, 11);
    ck_assert(bn_uuid_eq(&world_topic(&w, 0, "t9")->id, &id));
    ck_assert_int_eq(world_topic(&w, 0, "t9")->partition_count, 5);
    ck_assert_int_eq(world_topic(&w, 0, "t9")->partitions[4].leader, 1);
}
END_TEST

Suite *watch_suite(void);
Suite *watch_suite(void) {
    Suite *s = suite_create("watch");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_topic_of_an_old_tool);
    tcase_add_test(t, a_delete_marker_of_an_old_tool);
    tcase_add_test(t, nonsense_is_left_alone);
    tcase_add_test(t, a_new_reign_knows_everything);
    suite_add_tcase(s, t);
    return s;
}
