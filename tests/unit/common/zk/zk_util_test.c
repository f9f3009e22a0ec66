/* zk_util_test.c: a path is made with its parents, also when a request or an answer on the way is lost; a refusal is
 * told. */
#include "common/zk/fake.h"
#include "tests/unit/unit.h"

static void done(void *arg, int status) { *(int *)arg = status; }

START_TEST(test_make_path) {
    struct bn_fake_zk *s = bn_fake_new(NULL, NULL);
    struct bn_zk_config config = {.connect = "h:1"};
    struct bn_zk *zk;
    ck_assert_int_eq(bn_fake_open(s, &config, &zk, NULL), BN_OK);
    for (int lose = 0; lose < 3; lose++) {
        for (int at = 0; at < 6; at++) { /* the moment of the loss */
            static const char *const paths[] = {"/a", "/a/b/c", "/a/b/c", "/x/y", "/x/y/z", "/x"};
            int status = 1;
            bn_zk_make_path(zk, paths[at], done, &status);
            for (int i = 0; i < at; i++) bn_fake_step(s);
            if (lose == 1) bn_fake_lose_next_answer(zk);
            if (lose == 2) bn_fake_lose_next_request(zk);
            while (bn_fake_step(s)) {}
            ck_assert_int_eq(status, BN_OK);
            ck_assert_int_eq(bn_fake_peek(s, paths[at], NULL, NULL), BN_OK);
        }
    }
    zk->ops->create(zk, "/flush", BN_SLICE_NULL, 0, NULL, NULL); /* whatever is still to be lost */
    while (bn_fake_step(s)) {}
    int status = 1;
    zk->ops->create(zk, "/e", BN_SLICE_NULL, BN_ZK_EPHEMERAL, NULL, NULL);
    bn_zk_make_path(zk, "/e/below", done, &status);
    while (bn_fake_step(s)) {}
    ck_assert_int_eq(status, BN_IO);
    zk->ops->close(zk, NULL, NULL);
    while (bn_fake_step(s)) {}
    bn_fake_free(s);
}
END_TEST

Suite *zk_util_suite(void);
Suite *zk_util_suite(void) {
    Suite *s = suite_create("zk_util");
    TCase *tc = tcase_create("recipes");
    tcase_add_test(tc, test_make_path);
    suite_add_tcase(s, tc);
    return s;
}
