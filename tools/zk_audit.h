/* zk_audit.h: what `barnabas zk` says about znodes besides their bytes. */
#ifndef BN_ZK_AUDIT_H
#define BN_ZK_AUDIT_H

#include "tools/zk_sync.h"

/* zk_words.c: a znode in a sentence: what it is, and what its data says. Appends to out. */
void bn_zk_words(const char *path, struct bn_slice data, const struct bn_zk_stat *stat, struct bn_str *out);

/* zk_check.c: an audit of the znodes by themselves and against what the registered brokers answer. Prints a line per
 * finding and a summary (json: one object). The number of findings, or negative after filling *e. */
int bn_zk_check(struct bn_zk_sync *z, bool json, struct bn_err *e);

#endif
