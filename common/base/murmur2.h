/* murmur2.h: the hash by which Kafka's clients place keys on partitions. */
#ifndef BN_MURMUR2_H
#define BN_MURMUR2_H

#include "common/base/base.h"

/* As org.apache.kafka.common.utils.Utils.murmur2: partition = (hash & 0x7fffffff) % count. */
uint32_t bn_murmur2(const void *ptr, size_t len);

#endif
