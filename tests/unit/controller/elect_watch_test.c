/* elect_watch_test.c: goal: every /admin/preferred_replica_election that appears is acted upon and deleted: one after
 * the other, an empty one, and one of nonsense. */
#include "tests/unit/controller/world_topic.h"

#define NODE "/admin/preferred_replica_election"

static struct world w;
static void setup(void) { world_with_broker(&w); }
static void teardown(void) { world_close(&w); }

static const char *const contents[] = {
    "{\"version\":1,\"partitions\":[{\"topic\":\"t\",\"partition\":0},{\"topic\":\"no\",\"partition\":7}]}",
    "{\"version\":1,\"partitions\":[]}",
    "nonsense",
};

START_TEST(each_is_acted_upon) {
    ck_assert_int_eq(world_make_topic(&w, 0, "t", 1), 0);
    for (size_t i = 0; i < BN_ARRAY_LEN(contents); i++) {
        ck_assert_int_eq(world_put(&w, NODE, contents[i], 0), 0);
        WORLD_UNTIL(&w, bn_fake_peek(w.server, NODE, NULL, NULL) == BN_NOTFOUND);
    }
    ck_assert_int_eq(world_topic(&w, 0, "t")->partitions[0].leader, 1);
}
END_TEST

Suite *elect_watch_suite(void);
Suite *elect_watch_suite(void) {
    Suite *s = suite_create("elect_watch");
    TCase *t = tcase_create("elect_watch");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, each_is_acted_upon);
    suite_add_tcase(s, t);
    return s;
}
