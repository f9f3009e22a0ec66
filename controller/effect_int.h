/* effect_int.h: what effect.c and its helpers share. */
#ifndef BN_EFFECT_INT_H
#define BN_EFFECT_INT_H

#include "controller/effect.h"

/* One operation as ZooKeeper takes it: path and data go to the arena, which has no bound (the brain bounds a multi).
 * effect_op.c */
void bn_effect_op(const struct bn_output_op *in, struct bn_arena *a, struct bn_zk_op *out);

/* Deletes all at and below path, children first, each delete fenced by epoch_version. done: 0; BN_STALE = the epoch has
 * moved; BN_CLOSED; BN_IO = it would not end. purge.c */
struct bn_purge;
void bn_purge_start(struct bn_zk *zk, const char *path, int32_t epoch_version, bn_zk_void_cb done, void *arg);

/* Reads what r names, after a sync; then hands the event over and frees itself. reread.c */
struct bn_reread;
struct bn_reread *bn_reread_start(struct bn_controller *c, const struct bn_output_read *r,
                                  void (*done)(void *arg, struct bn_reread *), void *arg);
void bn_reread_event(struct bn_reread *r, struct bn_event *out); /* what it points to lives until the free */
void bn_reread_free(struct bn_reread *r);                        /* before done, too */

#endif
