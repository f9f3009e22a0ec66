/* flush.h: syncing a log in the background, many requests by one job. Private to broker/log. */
#ifndef BN_FLUSH_H
#define BN_FLUSH_H

#include "broker/log/log_int.h"

/* See bn_log_flush. done may be NULL. pool NULL: here and now. */
void bn_flush_start(struct bn_log *l, struct bn_pool *pool, struct bn_mailbox *mailbox,
                    void (*done)(void *arg, int status), void *arg);
/* Syncs everything on the calling thread, indexes of the active segment included (a clean stop). */
int bn_flush_now(struct bn_log *l, struct bn_err *e) BN_MUST_CHECK;
/* The log was truncated to end: a job that is under way no longer moves the recovery point beyond it. */
void bn_flush_void(struct bn_log *l, int64_t end);
/* The jobs of one log that write its files run one after the other. */
static inline uint64_t bn_flush_key(const struct bn_log *l) { return (uint64_t)(uintptr_t)l; }
/* The log goes away: a job that is under way answers BN_CLOSED. wait: until a job that has begun has ended, so that a
 * sync that fails in it fails the log too (the kernel tells each failure once). Any thread. */
void bn_flush_detach(struct bn_log *l, bool wait);

#endif
