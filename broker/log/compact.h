/* compact.h: cleaning a log while it is in use. Private to broker/log; see bn_log_compact. */
#ifndef BN_COMPACT_H
#define BN_COMPACT_H

#include "broker/log/log_int.h"

void bn_compact_dirt(struct bn_log *l, int64_t high_watermark, int64_t now_ms, struct bn_log_dirt *out);
void bn_compact_start(struct bn_log *l, struct bn_log_compaction *c);
/* The cleaning under way, if any, changes nothing any more: its end is told later, with BN_STALE. When this returns, no
 * file of the log is being renamed, and the list of segments is that of the directory. May wait for renames that have
 * begun. On the shard, or while closing. */
void bn_compact_call_off(struct bn_log *l);
/* The log goes away: bn_compact_call_off, and nothing of it is touched after. Waits for the job under way. Any thread.
 */
void bn_compact_detach(struct bn_log *l);

#endif
