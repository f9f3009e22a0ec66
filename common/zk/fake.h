/* fake.h: a ZooKeeper in memory with any number of clients, each a struct bn_zk with the contract of zk.h.
 * Deterministic and single-threaded. Requests, answers, watch events and state changes are events in one queue; each
 * runs either at the end of the loop's turn, or when a simulation calls a step. */
#ifndef BN_FAKE_H
#define BN_FAKE_H

#include "common/sys/clock.h"
#include "common/zk/zk.h"

struct bn_fake_zk;

/* loop NULL: events wait for the steps. clock NULL: a node's times are zxids. Both borrowed. */
struct bn_fake_zk *bn_fake_new(struct bn_loop *loop, const struct bn_clock *clock);
void bn_fake_free(struct bn_fake_zk *s); /* all clients closed before */

/* A client with a session of its own; connect as in zk.h (the hosts are not looked at; the chroot is made). CONNECTED
 * is an event. */
int bn_fake_open(struct bn_fake_zk *s, const struct bn_zk_config *config, struct bn_zk **out,
                 struct bn_err *e) BN_MUST_CHECK;

/* Runs the oldest event; false = there was none. */
bool bn_fake_step(struct bn_fake_zk *s);
/* Runs the oldest event of one client: another order of clients, as of a slow network. */
bool bn_fake_step_client(struct bn_zk *zk);
size_t bn_fake_pending(const struct bn_fake_zk *s);

/* The connection breaks. Of the requests in flight, those not yet taken are taken by the server (apply) or never
 * arrive; either way writes are answered BN_LOST and reads wait for the reconnect. Stays so until bn_fake_reconnect. */
void bn_fake_disconnect(struct bn_zk *zk, bool apply);
void bn_fake_reconnect(struct bn_zk *zk);
/* The server ends the session: ephemerals go now. The client learns of it now, or at its reconnect. */
void bn_fake_expire(struct bn_zk *zk);
/* The next write of this client happens but its answer does not arrive (BN_LOST); the connection breaks and comes
 * back. */
void bn_fake_lose_next_answer(struct bn_zk *zk);
/* The same, and the write does not happen. */
void bn_fake_lose_next_request(struct bn_zk *zk);

/* What the server holds (no chroot taken off), for checks. 0 or BN_NOTFOUND; data borrowed until the next event; both
 * may be NULL. */
int bn_fake_peek(struct bn_fake_zk *s, const char *path, struct bn_slice *data, struct bn_zk_stat *stat);
int64_t bn_fake_zxid(const struct bn_fake_zk *s); /* of the last write */

#endif
