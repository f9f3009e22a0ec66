/* shard.h: a thread with a loop and a mailbox. What lives on a shard is touched by its thread only. */
#ifndef BN_SHARD_H
#define BN_SHARD_H

#include "common/base/check.h"
#include "common/sys/loop.h"
#include "common/sys/mailbox.h"

struct bn_shard {
    int index;
    struct bn_loop *loop;
    struct bn_mailbox *mailbox;
    void *user; /* the composer's: the rooms on this shard */
};

/* Makes loop and mailbox; no thread yet. */
struct bn_shard *bn_shard_new(int index);
/* Starts the thread (named "bn-shard-<index>"). */
void bn_shard_start(struct bn_shard *s);
/* Runs the loop on the calling thread instead of an own one (a program's main thread). */
void bn_shard_run_here(struct bn_shard *s);
/* Asks the loop to stop, joins the thread if there is one, empties the mailbox. Not from the shard itself. */
void bn_shard_stop(struct bn_shard *s);
void bn_shard_free(struct bn_shard *s);
/* The shard whose thread this is, or NULL. */
struct bn_shard *bn_shard_current(void);
static inline void bn_shard_post(struct bn_shard *s, struct bn_msg *m) { bn_mailbox_post(s->mailbox, m); }
#define BN_ON_SHARD(s) BN_ASSERT(bn_shard_current() == (s))

#endif
