/* mailbox.h: the only door between threads: a queue that many may post to and one loop empties. A message is
 * embedded in what it carries; run() is called on the owner's thread, in the order of posting per sender,
 * and the message belongs to run(). Wake-ups are coalesced. Bounds are the senders': each of them posts from
 * something it has a bounded number of (requests in flight, jobs). A mailbox outlives its senders: stop the
 * threads that post to it before freeing it. */
#ifndef BN_MAILBOX_H
#define BN_MAILBOX_H

#include "common/sys/loop.h"

struct bn_msg {
    struct bn_msg *next;
    void (*run)(struct bn_msg *);
};

struct bn_mailbox;
struct bn_mailbox *bn_mailbox_new(struct bn_loop *l);
void bn_mailbox_free(struct bn_mailbox *mb);                      /* runs what is still in it first */
void bn_mailbox_drain(struct bn_mailbox *mb);                     /* runs what is in it; owner's thread */
void bn_mailbox_post(struct bn_mailbox *mb, struct bn_msg *m);    /* any thread */

#endif
