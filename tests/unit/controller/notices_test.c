/* notices_test.c: a notice of either version has its entity's config read; old notices go, young ones stay; nonsense
 * among them stops nothing. */
#include "common/zk/znode.h"
#include "controller/controller_int.h"
#include "tests/unit/controller/world_topic.h"

static struct world w;
static void setup(void) { world_with_broker(&w); }
static void teardown(void) { world_close(&w); }

static const char *const notices[] = {
    "{\"version\":2,\"entity_path\":\"topics/t\"}",
    "{\"version\":1,\"entity_type\":\"topics\",\"entity_name\":\"t\"}",
};

START_TEST(a_changed_config) {
    ck_assert_int_eq(world_make_topic(&w, 0, "t", 1), 0);
    const char *config = "{\"version\":1,\"config\":{\"retention.ms\":\"77\"}}";
    if (world_put(&w, "/config/topics/t", config, 0) != 0)
        ck_assert_int_eq(world_set(&w, "/config/topics/t", config), 0);
    /* Nonsense before it does not keep it from being heard. */
    ck_assert_int_eq(world_put(&w, "/config/changes/config_change_", "nonsense", BN_ZK_SEQUENTIAL), 0);
    ck_assert_int_eq(
        world_put(&w, "/config/changes/config_change_", "{\"version\":2,\"entity_path\":\"../x\"}", BN_ZK_SEQUENTIAL),
        0);
    ck_assert_int_eq(world_put(&w, "/config/changes/config_change_", notices[_i], BN_ZK_SEQUENTIAL), 0);
    const struct bn_image_config *c = NULL;
    WORLD_UNTIL(&w, (c = bn_image_config(w.brokers[0].image, "topics", BN_SLICE_LIT("t"))) &&
                        strcmp(c->values[0], "77") == 0);
}
END_TEST

static int64_t in_16_minutes(const struct bn_clock *c) {
    (void)c;
    return bn_clock_wall_ms(bn_clock_real()) + 16 * 60 * 1000;
}

static bool stands(const char *name) {
    char path[128];
    snprintf(path, sizeof path, "/config/changes/%s", name);
    return bn_fake_peek(w.server, path, NULL, NULL) == BN_OK;
}

/* Goal: notices go when they are 15 minutes old, whoever wrote them and whatever they say; what is no notice stays. */
START_TEST(old_notices_go) {
    static struct bn_clock clock;
    static struct bn_env env;
    ck_assert_int_eq(world_put(&w, "/config/changes/config_change_", notices[0], BN_ZK_SEQUENTIAL), 0);
    ck_assert_int_eq(world_put(&w, "/config/changes/config_change_", "nonsense", BN_ZK_SEQUENTIAL), 0);
    ck_assert_int_eq(world_put(&w, "/config/changes/other", "", 0), 0);
    for (int reign = 2; reign <= 3; reign++) {
        if (reign == 3) {
            clock = *bn_clock_real();
            clock.wall_ms = in_16_minutes;
            env = *bn_env_real();
            env.clock = &clock;
            w.controllers[0].controller->config.env = &env;
        }
        bn_fake_expire(w.controllers[0].zk);
        WORLD_UNTIL(&w, world_is_serving(&w, 0) && w.brokers[0].image->controller_epoch == reign);
        if (reign == 2) world_pass(&w, 1500);
        WORLD_UNTIL(&w, stands("config_change_0000000000") == (reign == 2));
        WORLD_UNTIL(&w, stands("config_change_0000000001") == (reign == 2));
        ck_assert(stands("other"));
    }
}
END_TEST

Suite *notices_suite(void);
Suite *notices_suite(void) {
    Suite *s = suite_create("notices");
    TCase *t = tcase_create("notices");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, a_changed_config, 0, 2);
    tcase_add_test(t, old_notices_go);
    suite_add_tcase(s, t);
    return s;
}
