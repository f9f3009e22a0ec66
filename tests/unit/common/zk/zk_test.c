/* zk_test.c: the contract of zk.h, once over the fake and once over libzookeeper_mt with Debian's ZooKeeper behind a
 * proxy that loses requests and answers. Each test compares the lines that the callbacks wrote, so order counts. */
#include "common/zk/zk.h"

#include <stdio.h>

#include "common/base/alloc.h"
#include "tests/unit/common/zk/zk_server.h"
#include "tests/unit/common/zk/zk_world.h"
#include "tests/unit/unit.h"

static bool real; /* the test case that is running */
static struct zk_world w;

static void setup(void) { zk_world_open(&w, real); }
static void teardown(void) { zk_world_close(&w); }

/* Goal: nodes are made, read, changed and removed with the statuses that zk.h promises, in the order of the calls. */
START_TEST(test_nodes) {
    struct zk_client *a = zk_world_client(&w);
    zk_world_create(a, "/x", "one", BN_ZK_PERSISTENT);
    zk_world_create(a, "/x", "two", BN_ZK_PERSISTENT);
    zk_world_create(a, "/no/where", "", BN_ZK_PERSISTENT);
    zk_world_create(a, "/x/null", NULL, BN_ZK_PERSISTENT);
    zk_world_create(a, "/x/empty", "", BN_ZK_EPHEMERAL);
    zk_world_create(a, "/x/seq_", "s", BN_ZK_PERSISTENT | BN_ZK_SEQUENTIAL);
    zk_world_create(a, "/x/empty/below", "", BN_ZK_PERSISTENT);
    zk_world_get(a, "/x", false);
    zk_world_get(a, "/x/null", false);
    zk_world_get(a, "/x/empty", false);
    zk_world_get(a, "/none", false);
    zk_world_set(a, "/x", "two", 0);
    zk_world_set(a, "/x", "three", 0);
    zk_world_set(a, "/x", NULL, -1);
    zk_world_set(a, "/none", "", -1);
    zk_world_get(a, "/x", false);
    zk_world_exists(a, "/x", false);
    zk_world_exists(a, "/none", false);
    zk_world_children(a, "/x", false);
    zk_world_children(a, "/none", false);
    zk_world_children(a, "/", false);
    zk_world_sync(a, "/");
    zk_world_remove(a, "/x", -1);
    zk_world_remove(a, "/x/null", 7);
    zk_world_remove(a, "/x/null", 0);
    zk_world_remove(a, "/x/null", 0);
    zk_world_create(a, "no-slash", "", 0);
    zk_world_get(a, "/x/../y", false);
    zk_world_settle(&w);
    zk_world_expect(&w, "a create /x -> /x\n"
                        "a create /x -> exists\n"
                        "a create /no/where -> notfound\n"
                        "a create /x/null -> /x/null\n"
                        "a create /x/empty -> /x/empty\n"
                        "a create /x/seq_ -> /x/seq_0000000002\n"
                        "a create /x/empty/below -> io\n"
                        "a get /x -> one v0\n"
                        "a get /x/null -> (null) v0\n"
                        "a get /x/empty ->  v0 ephemeral\n"
                        "a get /none -> notfound\n"
                        "a set /x -> v1 c3 n3\n"
                        "a set /x -> stale\n"
                        "a set /x -> v2 c3 n3\n"
                        "a set /none -> notfound\n"
                        "a get /x -> (null) v2\n"
                        "a exists /x -> v2 c3 n3\n"
                        "a exists /none -> notfound\n"
                        "a children /x -> 3: empty null seq_0000000002\n"
                        "a children /none -> notfound\n"
                        "a children / -> 1: x\n"
                        "a sync / -> ok\n"
                        "a remove /x -> notempty\n"
                        "a remove /x/null -> stale\n"
                        "a remove /x/null -> ok\n"
                        "a remove /x/null -> notfound\n"
                        "a create no-slash -> io\n"
                        "a get /x/../y -> io\n");
}
END_TEST

#define OP(k, p, d, v, f)                                                                                              \
    {                                                                                                                  \
        .kind = BN_ZK_OP_##k, .path = p, .data = {(const uint8_t *)(d), (d) ? sizeof(d) - 1 : 0}, .version = v,        \
        .flags = f                                                                                                     \
    }

/* Goal: a multi happens whole or not at all, and tells which op failed. */
START_TEST(test_multi) {
    struct zk_client *a = zk_world_client(&w);
    struct bn_zk_op make[] = {OP(CREATE, "/m", "0", 0, 0), OP(CREATE, "/m/e", "", 0, BN_ZK_EPHEMERAL),
                              OP(SET, "/m/e", "data", 0, 0), OP(CREATE, "/m/s_", "", 0, BN_ZK_SEQUENTIAL),
                              OP(CHECK, "/m", "", 0, 0)};
    struct bn_zk_op stale[] = {OP(SET, "/m", "1", 0, 0), OP(CREATE, "/m/new", "", 0, 0), OP(DELETE, "/m/e", "", -1, 0),
                               OP(CHECK, "/m/s_0000000001", "", 9, 0), OP(DELETE, "/m", "", -1, 0)};
    struct bn_zk_op exists[] = {OP(CHECK, "/m", "", 0, 0), OP(CREATE, "/m/e", "", 0, 0)};
    struct bn_zk_op notfound[] = {OP(CHECK, "/none", "", 0, 0), OP(SET, "/m", "", 0, 0)};
    struct bn_zk_op replace[] = {OP(SET, "/m", "1", 0, 0), OP(DELETE, "/m/e", "", -1, 0),
                                 OP(CREATE, "/m/e", "again", 0, BN_ZK_EPHEMERAL), OP(SET, "/m", "2", 1, 0)};
    zk_world_multi(a, make, 5);
    zk_world_multi(a, stale, 5);
    zk_world_get(a, "/m", false);
    zk_world_children(a, "/m", false);
    zk_world_multi(a, exists, 2);
    zk_world_multi(a, notfound, 2);
    zk_world_multi(a, replace, 4);
    zk_world_get(a, "/m", false);
    zk_world_get(a, "/m/e", false);
    zk_world_create(a, "/m/s_", "", BN_ZK_SEQUENTIAL);
    zk_world_settle(&w);
    zk_world_expect(&w, "a multi  -> ok: ok(/m) ok(/m/e) ok(v1) ok(/m/s_0000000001) ok\n"
                        "a multi  -> stale: io io io stale io\n"
                        "a get /m -> 0 v0\n"
                        "a children /m -> 2: e s_0000000001\n"
                        "a multi  -> exists: io exists\n"
                        "a multi  -> notfound: notfound io\n"
                        "a multi  -> ok: ok(v1) ok ok(/m/e) ok(v2)\n"
                        "a get /m -> 2 v2\n"
                        "a get /m/e -> again v0 ephemeral\n"
                        "a create /m/s_ -> /m/s_0000000003\n");
}
END_TEST

/* Goal: watches fire once, with the right kind, and only where they were set. */
START_TEST(test_watches) {
    struct zk_client *a = zk_world_client(&w), *b = zk_world_client(&w);
    zk_world_create(a, "/d", "0", 0);
    zk_world_settle(&w);
    zk_world_exists(b, "/later", true);
    zk_world_get(b, "/d", true);
    zk_world_children(b, "/d", true);
    zk_world_get(b, "/none", true);
    zk_world_settle(&w);
    zk_world_expect(&w, "a create /d -> /d\nb exists /later -> notfound\nb get /d -> 0 v0\nb children /d -> 0:\n"
                        "b get /none -> notfound\n");
    zk_world_create(a, "/none", "", 0); /* a get that failed watches nothing */
    zk_world_create(a, "/later", "", 0);
    zk_world_set(a, "/d", "1", -1);
    zk_world_set(a, "/d", "2", -1);
    zk_world_create(a, "/d/kid", "", 0);
    zk_world_create(a, "/d/kid2", "", 0);
    zk_world_settle(&w);
    bn_str_clear(&w.lines);
    zk_world_sync(b, "/");
    zk_world_settle(&w);
    bn_str_clear(&w.lines); /* b's events came before its sync's answer */
    zk_world_get(b, "/d", true);
    zk_world_children(b, "/d", true);
    zk_world_exists(b, "/d/kid", true);
    zk_world_exists(b, "/later", true);
    zk_world_settle(&w);
    zk_world_expect(&w, "b get /d -> 2 v2\nb children /d -> 2: kid kid2\nb exists /d/kid -> v0 c0 n0\n"
                        "b exists /later -> v0 c0 n0\n");
    struct bn_zk_op ops[] = {OP(DELETE, "/d/kid", "", -1, 0), OP(SET, "/later", "", -1, 0)};
    a->zk->ops->multi(a->zk, ops, 2, NULL, NULL);
    zk_world_sync(a, "/");
    zk_world_settle(&w);
    bn_str_clear(&w.lines);
    zk_world_sync(b, "/");
    zk_world_settle(&w);
    bn_str_clear(&w.lines);
    a->zk->ops->set(a->zk, "/d", BN_SLICE_NULL, -1, NULL, NULL);
    zk_world_sync(a, "/");
    zk_world_settle(&w); /* two sessions are not ordered among themselves */
    zk_world_sync(b, "/");
    zk_world_settle(&w);
    ck_assert_ptr_nonnull(strstr(w.lines.ptr, "b changed /d\n"));
    ck_assert_ptr_null(strstr(w.lines.ptr, "b children /d")); /* fired above, and was not set again */
}
END_TEST

/* Goal: every kind of event is told, watch by watch. */
START_TEST(test_watch_kinds) {
    struct zk_client *a = zk_world_client(&w);
    zk_world_exists(a, "/n", true);
    zk_world_create(a, "/n", "", 0);
    zk_world_get(a, "/n", true);
    zk_world_set(a, "/n", "", -1);
    zk_world_children(a, "/n", true);
    zk_world_create(a, "/n/kid", "", 0);
    zk_world_remove(a, "/n/kid", -1);
    zk_world_children(a, "/n", true);
    zk_world_exists(a, "/n", true);
    zk_world_remove(a, "/n", -1);
    zk_world_exists(a, "/n", false);
    zk_world_settle(&w);
    zk_world_expect(&w, "a exists /n -> notfound\na created /n\na create /n -> /n\n"
                        "a get /n ->  v0\na changed /n\na set /n -> v1 c0 n0\n"
                        "a children /n -> 0:\na children /n\na create /n/kid -> /n/kid\na remove /n/kid -> ok\n"
                        "a children /n -> 0:\na exists /n -> v1 c2 n0\na deleted /n\na deleted /n\na remove /n -> ok\n"
                        "a exists /n -> notfound\n");
}
END_TEST

/* Goal: calls made while the connection is away wait for it, in order, and the session survives. */
START_TEST(test_reconnect) {
    struct zk_client *a = zk_world_client(&w);
    zk_world_create(a, "/e", "mine", BN_ZK_EPHEMERAL);
    zk_world_get(a, "/e", true);
    zk_world_settle(&w);
    int64_t session = a->zk->ops->session_id(a->zk);
    zk_world_cut(a);
    zk_world_set(a, "/e", "still", 0);
    zk_world_get(a, "/e", false);
    ck_assert_int_eq(w.outstanding, 2);
    zk_world_heal(a);
    zk_world_settle(&w);
    ck_assert_int_eq(a->zk->ops->session_id(a->zk), session);
    ck_assert_int_eq(a->states[BN_ZK_EXPIRED], 0);
    zk_world_expect(&w, "a create /e -> /e\na get /e -> mine v0 ephemeral\na changed /e\na set /e -> v1 c0 n0\n"
                        "a get /e -> still v1 ephemeral\n");
}
END_TEST

/* Goal: a write whose answer or request is lost says so; reads around it are answered all the same, in order. */
START_TEST(test_lost) {
    struct zk_client *a = zk_world_client(&w);
    zk_world_create(a, "/l", "0", 0);
    zk_world_settle(&w);
    static const struct {
        bool request;
        const char *lines;
    } cases[] = {
        {false, "a set /l -> lost\na get /l -> 1 v1\na exists /l -> v1 c0 n0\n"},
        {true, "a set /l -> lost\na get /l -> 1 v1\na exists /l -> v1 c0 n0\n"},
    };
    bn_str_clear(&w.lines);
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        zk_world_lose(a, cases[i].request);
        zk_world_set(a, "/l", i == 0 ? "1" : "never", (int32_t)i);
        zk_world_settle(&w); /* alone on the wire, so that it is the one that is lost */
        zk_world_get(a, "/l", false);
        zk_world_exists(a, "/l", false);
        zk_world_settle(&w);
        zk_world_expect(&w, cases[i].lines);
    }
    zk_world_lose(a, true);
    struct bn_zk_op ops[] = {OP(SET, "/l", "2", 1, 0), OP(CREATE, "/l/kid", "", 0, 0)};
    zk_world_multi(a, ops, 2);
    zk_world_settle(&w);
    zk_world_expect(&w, "a multi  -> lost: lost lost\n");
}
END_TEST

static void on_expired(struct zk_client *c, enum bn_zk_state state) {
    if (state == BN_ZK_EXPIRED) zk_world_create(c, "/again", "", BN_ZK_EPHEMERAL); /* made by the next session */
}

/* Goal: at expiry ephemerals go, others are told, every call is answered BN_CLOSED, and a new session begins by
 * itself. */
START_TEST(test_expiry) {
    struct zk_client *a = zk_world_client(&w), *b = zk_world_client(&w);
    zk_world_create(a, "/e", "", BN_ZK_EPHEMERAL);
    zk_world_create(a, "/p", "", BN_ZK_PERSISTENT);
    zk_world_get(a, "/p", true);
    zk_world_settle(&w);
    zk_world_exists(b, "/e", true);
    zk_world_settle(&w);
    int64_t session = a->zk->ops->session_id(a->zk);
    bn_str_clear(&w.lines);
    zk_world_cut(a);
    zk_world_get(a, "/p", false);
    zk_world_create(a, "/q", "", 0);
    if (!real) bn_fake_expire(a->zk);
    for (int i = 0; i < 1000 && w.lines.len == 0; i++) bn_loop_turn(w.loop, 20);
    zk_world_expect(&w, "b deleted /e\n");
    a->on_state = on_expired;
    zk_world_heal(a);
    zk_world_settle(&w);
    ck_assert_int_eq(a->states[BN_ZK_EXPIRED], 1);
    ck_assert_int_ne(a->zk->ops->session_id(a->zk), session);
    zk_world_set(b, "/p", "unwatched", -1);
    zk_world_exists(b, "/q", false);
    zk_world_settle(&w);
    zk_world_sync(a, "/");
    zk_world_settle(&w);
    zk_world_expect(&w, "a get /p -> closed\na create /q -> closed\na expired\na create /again -> /again\n"
                        "b set /p -> v1 c0 n0\nb exists /q -> notfound\na sync / -> ok\n");
}
END_TEST

static void call_again(void *arg, int status, const struct bn_zk_stat *stat) {
    struct zk_client *c = arg;
    (void)stat;
    ck_assert_int_eq(status, BN_CLOSED);
    zk_world_exists(c, "/after", false); /* even this is answered */
    c->world->outstanding--;
}

/* Goal: closing answers what is outstanding with BN_CLOSED, in order, also what is asked meanwhile, and then is done.
 * */
START_TEST(test_close) {
    struct zk_client *a = zk_world_client(&w);
    zk_world_create(a, "/e", "", BN_ZK_EPHEMERAL);
    zk_world_settle(&w);
    zk_world_cut(a); /* so that nothing of this can be answered before the close */
    bn_str_clear(&w.lines);
    zk_world_get(a, "/e", true);
    w.outstanding++;
    a->zk->ops->exists(a->zk, "/e", NULL, NULL, call_again, a);
    zk_world_set(a, "/e", "", -1);
    zk_world_client_close(a);
    zk_world_expect(&w, "a get /e -> closed\na set /e -> closed\na exists /after -> closed\n");
}
END_TEST

/* Goal: a close comes to its end whatever the library is doing: it loses a completion now and then that is queued
 * while its threads end. */
START_TEST(test_close_in_flight) {
    for (int round = 0; round < 100; round++) {
        struct zk_client *a = zk_world_client(&w);
        zk_world_get(a, "/none", true);
        if (round % 4 == 0) zk_world_settle(&w); /* connected */
        for (int i = 0; i < round % 5; i++) zk_world_get(a, "/none", false);
        for (int i = 0; i < round % 3; i++) bn_loop_turn(w.loop, 0);
        zk_world_client_close(a);
        teardown();
        setup();
    }
}
END_TEST

/* Goal: with the connection up, close ends the session at once rather than by its timeout. */
START_TEST(test_close_connected) {
    struct zk_client *a = zk_world_client(&w), *b = zk_world_client(&w);
    zk_world_create(a, "/e", "", BN_ZK_EPHEMERAL);
    zk_world_settle(&w);
    zk_world_client_close(a);
    zk_world_sync(b, "/");
    zk_world_exists(b, "/e", false);
    zk_world_settle(&w);
    zk_world_expect(&w, "a create /e -> /e\nb sync / -> ok\nb exists /e -> notfound\n");
}
END_TEST

static void count_make_path(void *arg, int status) {
    ck_assert_int_eq(status, BN_OK);
    --*(int *)arg;
}

/* Goal: a path is made with its parents, again without harm, also when an answer is lost. */
START_TEST(test_make_path) {
    struct zk_client *a = zk_world_client(&w);
    for (int i = 0; i < 3; i++) {
        zk_world_sync(a, "/");
        zk_world_settle(&w);
        if (i == 1) zk_world_lose(a, false);
        w.outstanding++;
        bn_zk_make_path(a->zk, i == 1 ? "/one/two/other" : "/one/two/three", count_make_path, &w.outstanding);
        zk_world_settle(&w);
    }
    bn_str_clear(&w.lines);
    zk_world_children(a, "/one/two", false);
    zk_world_settle(&w);
    zk_world_expect(&w, "a children /one/two -> 2: other three\n");
}
END_TEST

/* Goal: thousands of calls at once keep their order; more than the bound, and one that is too large, are refused. */
START_TEST(test_many) {
    struct zk_client *a = zk_world_client(&w);
    zk_world_create(a, "/n", "", 0);
    for (int i = 0; i < 2000; i++) zk_world_set(a, "/n", "x", i);
    zk_world_settle(&w);
    ck_assert_ptr_null(strstr(w.lines.ptr, "stale"));
    bn_str_clear(&w.lines);
    char *big = bn_alloc_zero(1, 1100000);
    memset(big, 'x', 1099999);
    zk_world_set(a, "/n", big, -1);
    zk_world_get(a, "/n", false);
    zk_world_settle(&w);
    zk_world_expect(&w, "a set /n -> io\na get /n -> x v2000\n");
    bn_alloc_free(big);
    zk_world_cut(a);
    for (int i = 0; i < 16384 + 2; i++) a->zk->ops->sync(a->zk, "/", NULL, NULL);
    zk_world_exists(a, "/n", false);
    zk_world_settle(&w); /* refused without a connection */
    zk_world_expect(&w, "a exists /n -> full\n");
}
END_TEST

/* Goal: a server that takes a connection and never answers does not hold a client up, whether it begins a session or
 * resumes one with its watches. The library by itself would wait for longer than this test does. */
START_TEST(test_deaf) {
    w.session_ms = 60000;
    struct zk_client *a = zk_world_client(&w);
    zk_world_deafen(a);
    zk_world_wait(&w, &a->states[BN_ZK_CONNECTED], 1);
    zk_world_create(a, "/d", "0", BN_ZK_EPHEMERAL);
    zk_world_get(a, "/d", true);
    zk_world_settle(&w);
    int64_t session = a->zk->ops->session_id(a->zk);
    zk_world_cut(a);
    zk_world_set(a, "/d", "1", 0);
    zk_world_deafen(a);
    zk_world_wait(&w, &a->states[BN_ZK_CONNECTED], 2);
    zk_world_settle(&w);
    ck_assert_int_eq(a->zk->ops->session_id(a->zk), session);
    zk_world_expect(&w, "a create /d -> /d\na get /d -> 0 v0 ephemeral\na changed /d\na set /d -> v1 c0 n0\n");
}
END_TEST

/* Goal: what is wrong with zookeeper.connect is named at once. */
START_TEST(test_connect_strings) {
    static const struct {
        const char *connect, *says;
    } cases[] = {
        {"", "no host:port"},
        {"/kafka", "no host:port"},
        {"h", "is not host:port"},
        {"h:0", "is not host:port"},
        {"h:1,", "is not host:port"},
        {"h:99999", "is not host:port"},
        {"h:1//x", "cannot be a chroot"},
        {"h:1/a/../b", "cannot be a chroot"},
        {"h :1", "a space"},
    };
    struct bn_zk *zk;
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct bn_err e = BN_ERR_NONE;
        struct bn_zk_config config = {.connect = cases[i].connect, .session_timeout_ms = 1000};
        ck_assert_int_eq(bn_zk_open(&config, w.loop, w.mailbox, &zk, &e), BN_BAD);
        ck_assert_msg(strstr(e.text, cases[i].says) != NULL, "%s: %s", cases[i].connect, e.text);
    }
    /* Names that do not resolve are tried again in the background; closing does not wait for them. */
    struct bn_zk_config config = {.connect = "no-such-host.invalid:2181", .session_timeout_ms = 1000};
    ck_assert_int_eq(bn_zk_open(&config, w.loop, w.mailbox, &zk, NULL), BN_OK);
    int done = 1;
    zk->ops->close(zk, count_make_path, &done);
    for (int i = 0; i < 1000 && done; i++) bn_loop_turn(w.loop, 20);
    ck_assert_int_eq(done, 0);
}
END_TEST

static void set_fake(void) { real = false; }
static void set_real(void) { real = true; }

static TCase *contract(const char *name) {
    TCase *tc = tcase_create(name);
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_nodes);
    tcase_add_test(tc, test_multi);
    tcase_add_test(tc, test_watches);
    tcase_add_test(tc, test_watch_kinds);
    tcase_add_test(tc, test_reconnect);
    tcase_add_test(tc, test_lost);
    tcase_add_test(tc, test_expiry);
    tcase_add_test(tc, test_close);
    tcase_add_test(tc, test_close_connected);
    tcase_add_test(tc, test_close_in_flight);
    tcase_add_test(tc, test_make_path);
    tcase_add_test(tc, test_many);
    return tc;
}

Suite *zk_suite(void);
Suite *zk_suite(void) {
    Suite *s = suite_create("zk");
    TCase *fake = contract("fake");
    tcase_add_unchecked_fixture(fake, set_fake, NULL);
    tcase_add_test(fake, test_connect_strings);
    suite_add_tcase(s, fake);
    if (!zk_server_available()) return s;
    TCase *live = contract("real");
    tcase_add_unchecked_fixture(live, set_real, NULL);
    tcase_add_test(live, test_deaf);
    tcase_add_unchecked_fixture(live, zk_world_server_start, zk_world_server_stop);
    suite_add_tcase(s, live);
    return s;
}
