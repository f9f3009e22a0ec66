/* fake_test.c: what the fake promises beyond zk.h: events run only when stepped, in an order that the caller picks per
 * client; faults do what they say on the server's side too. */
#include "common/zk/fake.h"

#include "tests/unit/unit.h"

static struct bn_fake_zk *s;
static struct bn_zk *a, *b;
static int last, calls; /* status of the last answer, and how many */

static void on_void(void *arg, int status) {
    (void)arg;
    last = status;
    calls++;
}
static void on_create(void *arg, int status, const char *path) {
    (void)path;
    on_void(arg, status);
}
static void on_stat(void *arg, int status, const struct bn_zk_stat *stat) {
    (void)stat;
    on_void(arg, status);
}

static void settle(void) {
    while (bn_fake_step(s)) {}
}

static void setup(void) {
    s = bn_fake_new(NULL, NULL);
    struct bn_zk_config config = {.connect = "h:1/root"};
    ck_assert_int_eq(bn_fake_open(s, &config, &a, NULL), BN_OK);
    ck_assert_int_eq(bn_fake_open(s, &config, &b, NULL), BN_OK);
    settle();
    calls = 0;
}

static void teardown(void) {
    a->ops->close(a, NULL, NULL);
    b->ops->close(b, NULL, NULL);
    settle();
    ck_assert_uint_eq(bn_fake_pending(s), 0);
    bn_fake_free(s);
}

START_TEST(test_steps) {
    a->ops->create(a, "/x", BN_SLICE_LIT("a"), 0, on_create, NULL);
    b->ops->create(b, "/x", BN_SLICE_LIT("b"), 0, on_create, NULL);
    ck_assert_int_eq(bn_fake_peek(s, "/root/x", NULL, NULL), BN_NOTFOUND);
    ck_assert(bn_fake_step_client(b)); /* b's request arrives first */
    struct bn_slice data;
    ck_assert_int_eq(bn_fake_peek(s, "/root/x", &data, NULL), BN_OK);
    ck_assert(bn_slice_eq_str(data, "b"));
    ck_assert_int_eq(calls, 0); /* its answer is another event */
    settle();
    ck_assert_int_eq(calls, 2);
    ck_assert(!bn_fake_step_client(a));
}
END_TEST

START_TEST(test_disconnect) {
    for (int apply = 0; apply < 2; apply++) {
        a->ops->set(a, "/", BN_SLICE_LIT("x"), -1, on_stat, NULL);
        bn_fake_disconnect(a, apply);
        settle();
        ck_assert_int_eq(last, BN_LOST);
        struct bn_zk_stat stat;
        ck_assert_int_eq(bn_fake_peek(s, "/root", NULL, &stat), BN_OK);
        ck_assert_int_eq(stat.version, apply);
        a->ops->exists(a, "/", NULL, NULL, on_stat, NULL);
        settle();
        ck_assert_int_eq(last, BN_LOST); /* no answer yet */
        bn_fake_reconnect(a);
        settle();
        ck_assert_int_eq(last, BN_OK);
    }
}
END_TEST

START_TEST(test_expire) {
    a->ops->create(a, "/e", BN_SLICE_NULL, BN_ZK_EPHEMERAL, on_create, NULL);
    settle();
    int64_t session = a->ops->session_id(a), zxid = bn_fake_zxid(s);
    bn_fake_disconnect(a, false);
    bn_fake_expire(a);
    ck_assert_int_eq(bn_fake_peek(s, "/root/e", NULL, NULL), BN_NOTFOUND); /* at once */
    ck_assert_int_gt(bn_fake_zxid(s), zxid);
    settle();
    ck_assert_int_eq(a->ops->session_id(a), session); /* it does not know */
    bn_fake_reconnect(a);
    settle();
    ck_assert_int_ne(a->ops->session_id(a), session);
    ck_assert_int_eq(a->ops->state(a), BN_ZK_CONNECTED);
}
END_TEST

START_TEST(test_lose) {
    bn_fake_lose_next_answer(a);
    a->ops->sync(a, "/", on_void, NULL); /* reads are not what is lost */
    a->ops->create(a, "/once", BN_SLICE_NULL, 0, on_create, NULL);
    settle();
    ck_assert_int_eq(last, BN_LOST);
    ck_assert_int_eq(bn_fake_peek(s, "/root/once", NULL, NULL), BN_OK);
    bn_fake_lose_next_request(a);
    a->ops->create(a, "/never", BN_SLICE_NULL, 0, on_create, NULL);
    settle();
    ck_assert_int_eq(last, BN_LOST);
    ck_assert_int_eq(bn_fake_peek(s, "/root/never", NULL, NULL), BN_NOTFOUND);
    a->ops->create(a, "/after", BN_SLICE_NULL, 0, on_create, NULL);
    settle();
    ck_assert_int_eq(last, BN_OK); /* the connection is back */
}
END_TEST

Suite *fake_suite(void);
Suite *fake_suite(void) {
    Suite *suite = suite_create("fake");
    TCase *tc = tcase_create("faults");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_steps);
    tcase_add_test(tc, test_disconnect);
    tcase_add_test(tc, test_expire);
    tcase_add_test(tc, test_lose);
    suite_add_tcase(suite, tc);
    return suite;
}
