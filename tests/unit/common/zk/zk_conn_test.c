/* zk_conn_test.c: a handle without a server: nothing can be sent, and it ends when asked to, also while it is trying
 * to connect. What it does with a server is zk_test.c's. */
#include "common/zk/zk_conn.h"

#include "common/base/trace.h"
#include "tests/unit/unit.h"

static void on_state(void *arg, struct bn_zk_conn *conn, enum bn_zk_conn_state state, int64_t session_id) {
    (void)arg, (void)conn, (void)session_id;
    ck_assert_int_ne(state, BN_ZK_CONN_UP);
}
static void on_reply(void *arg, struct bn_zk_conn *conn, struct bn_zk_call *c) {
    (void)arg, (void)conn, (void)c;
    ck_abort_msg("nothing was sent");
}
static void on_watch(void *arg, struct bn_zk_conn *conn, bn_zk_watch_cb cb, void *cb_arg, enum bn_zk_watch_kind kind,
                     const char *path) {
    (void)arg, (void)conn, (void)cb, (void)cb_arg, (void)kind, (void)path;
}
static void on_ended(void *arg, struct bn_zk_conn *conn) {
    (void)conn;
    ++*(int *)arg;
}

START_TEST(test_end) {
    static const struct bn_zk_conn_events events = {on_state, on_reply, on_watch, on_ended};
    bn_trace_set_level(BN_TRACE_FATAL);
    struct bn_loop *loop = bn_loop_new();
    struct bn_mailbox *mailbox = bn_mailbox_new(loop);
    for (int turns = 0; turns < 3; turns++) {
        int ended = 0;
        struct bn_zk_conn *conn = bn_zk_conn_new("127.0.0.1:1", 1000, mailbox, &events, &ended);
        struct bn_zk_call *c = bn_zk_call_new(BN_ZK_CALL_SYNC, "", "/");
        ck_assert_int_eq(bn_zk_conn_send(conn, c), BN_AGAIN);
        bn_zk_call_free(c);
        for (int i = 0; i < turns; i++) bn_loop_turn(loop, 10);
        bn_zk_conn_close(conn);
        for (int i = 0; i < 1000 && !ended; i++) bn_loop_turn(loop, 20);
        ck_assert_int_eq(ended, 1);
    }
    bn_mailbox_free(mailbox);
    bn_loop_free(loop);
}
END_TEST

Suite *zk_conn_suite(void);
Suite *zk_conn_suite(void) {
    Suite *s = suite_create("zk_conn");
    TCase *tc = tcase_create("handle");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_end);
    suite_add_tcase(s, tc);
    return s;
}
