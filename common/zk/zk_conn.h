/* zk_conn.h: one handle of libzookeeper_mt, from its first connection to the end of its session. Everything here and
 * every event is on the owner's loop; what happens on other threads stays in zk_conn.c. Only zk.c includes this. */
#ifndef BN_ZK_CONN_H
#define BN_ZK_CONN_H

#include "common/sys/mailbox.h"
#include "common/zk/zk_call.h"

struct bn_zk_conn;

enum bn_zk_conn_state { BN_ZK_CONN_DOWN, BN_ZK_CONN_UP, BN_ZK_CONN_EXPIRED };

struct bn_zk_conn_events {
    void (*state)(void *arg, struct bn_zk_conn *conn, enum bn_zk_conn_state state, int64_t session_id);
    /* The answer to bn_zk_conn_send: c->status and results are set, c->in_flight is false, c->done is the owner's. */
    void (*reply)(void *arg, struct bn_zk_conn *conn, struct bn_zk_call *c);
    void (*watch)(void *arg, struct bn_zk_conn *conn, bn_zk_watch_cb cb, void *cb_arg, enum bn_zk_watch_kind kind,
                  const char *path);
    /* The handle is closed and conn is freed after this: every call that was in flight has been replied to. */
    void (*ended)(void *arg, struct bn_zk_conn *conn);
};

/* Starts connecting to hosts (copied), resolving names on a thread of its own. mailbox and events are borrowed. */
struct bn_zk_conn *bn_zk_conn_new(const char *hosts, int session_timeout_ms, struct bn_mailbox *mailbox,
                                  const struct bn_zk_conn_events *events, void *arg);
/* Sends. 0: the reply follows. BN_AGAIN: not now (the state event that says so is on its way). BN_IO: refused. */
int bn_zk_conn_send(struct bn_zk_conn *conn, struct bn_zk_call *c);
/* Ends the session and the handle off-thread; ended follows. No send after this. */
void bn_zk_conn_close(struct bn_zk_conn *conn);

#endif
