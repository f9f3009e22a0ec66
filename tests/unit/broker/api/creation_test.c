/* creation_test.c: goal: the offsets topic is asked for once, as long as the answer is out. */
#include "broker/api/creation.h"

#include "common/conf/conf.h"
#include "proto/kafka/kapi.h"
#include "tests/unit/broker/api/fake_coordinator.h"
#include "tests/unit/unit.h"

Suite *creation_suite(void);

START_TEST(test_once) {
    struct fake_groups g;
    fake_groups_init(&g);
    bn_map_remove(&g.world.fake.image.by_name, BN_SLICE_LIT("__consumer_offsets"));
    struct bn_conf *conf = bn_conf_new();
    g.world.fake.deps.conf = conf;
    struct kmsg_find_coordinator_request q = kmsg_find_coordinator_request_default;
    struct kmsg_find_coordinator_response r;
    q.key = BN_SLICE_LIT("g");
    for (int i = 0; i < 3; i++) {
        fake_groups_ask(&g, KAPI_FIND_COORDINATOR, 2, &q, &r);
        ck_assert_int_eq(r.error_code, KE_COORDINATOR_NOT_AVAILABLE);
        ck_assert_int_eq(g.world.fake.forward_count, 1);
    }
    ck_assert_int_eq(g.world.fake.forwards[0].api_key, KAPI_CREATE_TOPICS);
    fake_answer(&g.world.fake, 0, KE_NONE, BN_SLICE_NULL);
    fake_groups_ask(&g, KAPI_FIND_COORDINATOR, 2, &q, &r);
    ck_assert_int_eq(g.world.fake.forward_count, 2);
    fake_answer(&g.world.fake, 1, KE_NONE, BN_SLICE_NULL);
    bn_conf_free(conf);
    fake_groups_fini(&g);
}
END_TEST

Suite *creation_suite(void) {
    Suite *s = suite_create("creation");
    TCase *t = tcase_create("creation");
    tcase_add_test(t, test_once);
    suite_add_tcase(s, t);
    return s;
}
