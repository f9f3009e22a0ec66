/* checkpoint_test.c: a checkpoint file is believed whole or not at all. */
#include "broker/log/checkpoint.h"
#include "tests/unit/broker/log/world.h"
#include "tests/unit/unit.h"

static int collect(void *arg, struct bn_slice *words, int count) {
    int *lines = arg;
    if (count != 3 || words[0].len == 0) return BN_BAD;
    (*lines)++;
    return 0;
}

START_TEST(test_parse) {
    static const struct {
        const char *text;
        int rc, lines;
    } cases[] = {
        {"", 0, 0},
        {"0\n2\na 0 1\nb 1 2\n", 0, 2},
        {"0\n2\na 0 1\nb 1 2", 0, 2},
        {"0\r\n1\r\na 0 1\r\n", 0, 1},
        {"0\n1\na 0 1\nb 1 2\n", BN_BAD, 2},
        {"0\n-1\n", BN_BAD, 0},
        {"0\n1\na  0 1\n", BN_BAD, 0},
        {"0\n1\na 0 1 2 3 4 5\n", BN_BAD, 0},
        {"0\n1\n\n", BN_BAD, 0},
        {"\n\n", BN_BAD, 0},
        {"00", BN_BAD, 0},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        int lines = 0;
        struct bn_err e = BN_ERR_NONE;
        int rc = bn_checkpoint_parse(bn_slice_str(cases[i].text), collect, &lines, &e);
        ck_assert_msg(rc == cases[i].rc, "case %zu: %d", i, rc);
        if (rc == 0)
            ck_assert_int_eq(lines, cases[i].lines);
        else
            ck_assert_int_eq(e.code, BN_BAD);
    }
}
END_TEST

START_TEST(test_read) {
    struct world w;
    int lines = 0;
    struct bn_err e;
    world_init(&w);
    ck_assert_int_eq(bn_checkpoint_read(w.disk, "/data/none", collect, &lines, &e), 0);
    world_write_file(&w, "/data/c", "0\n1\nt 0 9\n", 10);
    ck_assert_int_eq(bn_checkpoint_read(w.disk, "/data/c", collect, &lines, &e), 0);
    ck_assert_int_eq(lines, 1);
    world_write_file(&w, "/data/c", "0\n7\nt 0 9\n", 10);
    ck_assert_int_eq(bn_checkpoint_read(w.disk, "/data/c", collect, &lines, &e), BN_BAD);
    ck_assert_ptr_nonnull(strstr(e.text, "/data/c"));
    world_fini(&w);
}
END_TEST

Suite *checkpoint_suite(void);
Suite *checkpoint_suite(void) {
    Suite *s = suite_create("checkpoint");
    TCase *t = tcase_create("checkpoint");
    tcase_add_test(t, test_parse);
    tcase_add_test(t, test_read);
    suite_add_tcase(s, t);
    return s;
}
