/* survey.h: what administrators ask of one replica, whatever its role. On the partition's shard. */
#ifndef BN_SURVEY_H
#define BN_SURVEY_H

#include "broker/replica/partition.h"

/* DescribeLogDirs. */
struct bn_survey_size {
    int dir_index; /* of log.dirs; -1 = its log is not open */
    int64_t size_bytes;
    int64_t lag; /* offsets by which the log's end is behind the high watermark */
};
void bn_survey_size(const struct bn_partition *p, struct bn_survey_size *out);

/* DescribeProducers (KIP-664): KE_NONE with a count and an array (bn_alloc_free it); 6, 56 otherwise. */
int16_t bn_survey_producers(const struct bn_partition *p, struct bn_log_producer **out, int *count);

#endif
