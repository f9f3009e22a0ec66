/* broker_test.c: goal: a whole broker lives: it registers, takes topics and records, stops in order, and has them
 * when it comes back. */
#include "broker/broker.h"

#include <unistd.h>

#include "common/base/alloc.h"
#include "tests/unit/broker/whole.h"
#include "tests/unit/unit.h"

static void first_life(struct whole *w) {
    int fd = whole_dial(w);
    (void)whole_make_topic(w, fd, "orders", 5);
    for (int32_t i = 0; i < 5; i++) {
        ck_assert_int_eq(whole_produce(w, fd, "orders", i, "one"), 0);
        ck_assert_int_eq(whole_produce(w, fd, "orders", i, "two"), 1);
        ck_assert_uint_gt(whole_fetch(w, fd, "orders", i), 100);
    }
    close(fd);
}

/* A connection to each shard in turn: each reaches partitions of all shards. */
START_TEST(test_shards) {
    static const char *const shards[] = {"barnabas.shards=1\n", "barnabas.shards=3\n"};
    struct whole w;
    whole_init(&w);
    whole_run(&w, shards[_i], first_life);
    ck_assert_int_eq(w.exit_code, 0);
    char *marker = whole_read(&w, ".kafka_cleanshutdown");
    ck_assert_ptr_nonnull(marker);
    bn_alloc_free(marker);
    char *meta = whole_read(&w, "meta.properties");
    ck_assert_ptr_nonnull(strstr(meta, "broker.id=1\n"));
    bn_alloc_free(meta);
    whole_fini(&w);
}
END_TEST

START_TEST(test_wrong_id) {
    struct whole w;
    whole_init(&w);
    whole_run(&w, "", NULL);
    struct bn_conf_report report;
    struct bn_err e = BN_ERR_NONE;
    struct bn_settings settings;
    struct bn_broker *b = NULL;
    bn_conf_report_init(&report);
    char *text = bn_alloc_printf(
        "broker.id=2\nzookeeper.connect=fake:1\nlisteners=PLAINTEXT://127.0.0.1:0\nlog.dirs=%s/data\n", w.dir);
    struct bn_conf *conf = bn_conf_new();
    bn_conf_read(conf, "test", bn_slice_str(text), &report);
    ck_assert_int_eq(bn_settings_init(&settings, conf, 2, &e), 0);
    struct bn_broker_config config = {.env = bn_env_real(), .settings = &settings};
    ck_assert_int_eq(bn_broker_new(&config, &b, &e), BN_BAD);
    ck_assert_msg(strstr(e.text, "broker.id=2") && strstr(e.text, "broker.id=1"), "%s", e.text);
    ck_assert_ptr_null(b);
    bn_settings_fini(&settings);
    bn_conf_free(conf);
    bn_conf_report_fini(&report);
    bn_alloc_free(text);
    whole_fini(&w);
}
END_TEST

Suite *broker_suite(void);
Suite *broker_suite(void) {
    Suite *s = suite_create("broker");
    TCase *t = tcase_create("broker");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, test_shards, 0, 2);
    tcase_add_test(t, test_wrong_id);
    suite_add_tcase(s, t);
    return s;
}
