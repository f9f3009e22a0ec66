/* retain.h: dropping old segments. Private to broker/log. */
#ifndef BN_RETAIN_H
#define BN_RETAIN_H

#include "broker/log/log_int.h"

int bn_retain_run(struct bn_log *l, int64_t high_watermark, int64_t now_ms, struct bn_pool *pool);
/* Removes the files of the segment at once, or (delay) renames them .deleted and remembers them. Frees s. */
int bn_retain_drop(struct bn_log *l, struct bn_segment *s, int64_t due_ms) BN_MUST_CHECK;

#endif
