/* pool.h: threads for what blocks: fsync, recovery, deletion, cold read-ahead. */
#ifndef BN_POOL_H
#define BN_POOL_H

#include "common/sys/mailbox.h"

struct bn_pool;

/* Embedded in what it works on. run() on a pool thread; then done() on the loop that owns reply_to (NULL: no
 * done). Jobs with the same non-zero key run one after the other, in order. */
struct bn_job {
    struct bn_msg msg; /* carries done back */
    void (*run)(struct bn_job *);
    void (*done)(struct bn_job *);
    struct bn_mailbox *reply_to;
    uint64_t key;
    struct bn_job *next_in_key;
};

struct bn_pool *bn_pool_new(int threads);
void bn_pool_submit(struct bn_pool *p, struct bn_job *job); /* any thread */
/* Waits until all submitted jobs have run, then joins the threads and frees. */
void bn_pool_free(struct bn_pool *p);

#endif
