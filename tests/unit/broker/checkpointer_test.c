/* checkpointer_test.c: goal: high watermarks of all shards reach the disk while the broker runs, and again at its
 * end. */
#include <poll.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "tests/unit/broker/whole.h"
#include "tests/unit/unit.h"

static bool has_lines(const struct whole *w, const char *file, int32_t partitions, int offset) {
    char *text = whole_read(w, file);
    bool has = text != NULL;
    for (int32_t i = 0; i < partitions && has; i++) {
        char *line = bn_alloc_printf("orders %d %d\n", i, offset);
        has = strstr(text, line) != NULL;
        bn_alloc_free(line);
    }
    bn_alloc_free(text);
    return has;
}

static void wait_for_checkpoint(struct whole *w) {
    int fd = whole_dial(w);
    (void)whole_make_topic(w, fd, "orders", 4);
    for (int32_t i = 0; i < 4; i++) (void)whole_produce(w, fd, "orders", i, "one");
    bool there = false;
    for (int tries = 0; tries < 1000 && !there; tries++) {
        there = has_lines(w, "replication-offset-checkpoint", 4, 1);
        (void)poll(NULL, 0, 10);
    }
    ck_assert(there);
    for (int32_t i = 0; i < 4; i++) (void)whole_produce(w, fd, "orders", i, "two");
    close(fd);
}

START_TEST(test_running_and_last) {
    struct whole w;
    whole_init(&w);
    whole_run(&w, "barnabas.shards=3\nreplica.high.watermark.checkpoint.interval.ms=100\n", wait_for_checkpoint);
    ck_assert_int_eq(w.exit_code, 0);
    ck_assert(has_lines(&w, "replication-offset-checkpoint", 4, 2));
    whole_fini(&w);
}
END_TEST

Suite *checkpointer_suite(void);
Suite *checkpointer_suite(void) {
    Suite *s = suite_create("checkpointer");
    TCase *t = tcase_create("checkpointer");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_running_and_last);
    suite_add_tcase(s, t);
    return s;
}
