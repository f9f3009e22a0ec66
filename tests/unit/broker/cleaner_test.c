/* cleaner_test.c: goal: a running broker of three shards finds what is dirty on each of them, cleans it and tells how
 * far in the cleaner's checkpoint; with the cleaner switched off nothing happens. */
#include <poll.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "tests/unit/broker/whole.h"
#include "tests/unit/unit.h"

enum { PARTITIONS = 3, VALUES = 60 };

static const char *const small = "barnabas.shards=3\nreplica.high.watermark.checkpoint.interval.ms=100\n"
                                 "log.cleanup.policy=compact\nlog.segment.bytes=1000\nlog.cleaner.backoff.ms=20\n"
                                 "log.cleaner.min.cleanable.ratio=0.01\nlog.cleaner.threads=2\n";

static bool is_clean(const struct whole *w) {
    char *text = whole_read(w, "cleaner-offset-checkpoint");
    bool all = text != NULL;
    for (int i = 0; i < PARTITIONS && all; i++) {
        char *line = bn_alloc_printf("\norders %d ", i);
        all = strstr(text, line) != NULL;
        bn_alloc_free(line);
    }
    bn_alloc_free(text);
    return all;
}

static void produce(struct whole *w, int fd) {
    (void)whole_make_topic(w, fd, "orders", PARTITIONS);
    for (int i = 0; i < VALUES * PARTITIONS; i++) (void)whole_produce(w, fd, "orders", i % PARTITIONS, "value");
}

static void wait_for_cleaning(struct whole *w) {
    int fd = whole_dial(w);
    produce(w, fd);
    bool clean = false;
    for (int tries = 0; tries < 2000 && !(clean = is_clean(w)); tries++) (void)poll(NULL, 0, 10);
    ck_assert(clean);
    for (int32_t i = 0; i < PARTITIONS; i++) ck_assert_uint_gt(whole_fetch(w, fd, "orders", i), 0);
    close(fd);
}

START_TEST(test_cleans) {
    struct whole w;
    whole_init(&w);
    whole_run(&w, small, wait_for_cleaning);
    ck_assert_int_eq(w.exit_code, 0);
    whole_fini(&w);
}
END_TEST

static void only_produce(struct whole *w) {
    int fd = whole_dial(w);
    produce(w, fd);
    close(fd);
}

START_TEST(test_switched_off) {
    struct whole w;
    whole_init(&w);
    char *conf = bn_alloc_printf("%slog.cleaner.enable=false\n", small);
    whole_run(&w, conf, only_produce);
    ck_assert_int_eq(w.exit_code, 0);
    ck_assert(!is_clean(&w));
    bn_alloc_free(conf);
    whole_fini(&w);
}
END_TEST

Suite *cleaner_suite(void);
Suite *cleaner_suite(void) {
    Suite *s = suite_create("cleaner");
    TCase *t = tcase_create("cleaner");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_cleans);
    tcase_add_test(t, test_switched_off);
    suite_add_tcase(s, t);
    return s;
}
