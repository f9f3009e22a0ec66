/* javahash.h: Java's hash of a string, by which Kafka places groups and transactional ids on partitions. */
#ifndef BN_JAVAHASH_H
#define BN_JAVAHASH_H

#include "common/base/base.h"
#include "common/base/slice.h"

/* String.hashCode() of text that is UTF-8; bytes that are not count as U+FFFD, as Java's decoder reads them. */
int32_t bn_javahash(struct bn_slice text);
/* Utils.abs(hash) % count: which of count (more than 0) partitions the text belongs to. */
int32_t bn_javahash_partition(int32_t hash, int32_t count);

#endif
