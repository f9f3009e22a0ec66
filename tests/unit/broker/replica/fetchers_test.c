/* fetchers_test.c: a partition is fetched from the broker that it follows, from no other, and from none when it leads
 * or nobody does.
 */
#include "tests/unit/broker/replica/follow.h"

#include "tests/unit/unit.h"

Suite *fetchers_suite(void);

static void look(struct world *w, void *arg) {
    const struct bn_fetchset *s = follow_partition(w, 0)->fetch.set;
    *(int32_t *)arg = s ? s->leader : -1;
    if (s) ck_assert_uint_eq(s->count, 1);
}

START_TEST(test_place) {
    static const int32_t leaders[] = {FOLLOW_LEADER, 3, WORLD_BROKER, 3, -1, FOLLOW_LEADER, FOLLOW_LEADER};
    struct world w;
    world_start(&w);
    for (int i = 0; i < (int)BN_ARRAY_LEN(leaders); i++) {
        int32_t fetched_from = 0;
        follow_decide(&w, (struct follow_state){.leader = leaders[i], .leader_epoch = i});
        world_on_shard(&w, look, &fetched_from);
        ck_assert_int_eq(fetched_from, leaders[i] == WORLD_BROKER ? -1 : leaders[i]);
    }
    world_remove(&w, true, false);
    world_await_entry(&w, "t-0.", "-delete");
    world_stop(&w);
}
END_TEST

Suite *fetchers_suite(void) {
    Suite *s = suite_create("fetchers");
    TCase *t = tcase_create("fetchers");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_place);
    suite_add_tcase(s, t);
    return s;
}
