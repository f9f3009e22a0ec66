/* survey.c: what administrators ask of one replica: how large it is, whom it knows. Reads only. */
#include "broker/replica/survey.h"

#include "broker/replica/partition_int.h"
#include "common/base/check.h"
#include "proto/kafka/errors.h"

void bn_survey_size(const struct bn_partition *p, struct bn_survey_size *out) {
    BN_ON_SHARD(p->deps->shard);
    *out = (struct bn_survey_size){.dir_index = -1};
    if (!p->log) return;
    out->dir_index = bn_logdirs_index_of(p->deps->logdirs, p->topic, p->key.index);
    out->size_bytes = bn_log_size_bytes(p->log);
    out->lag = bn_max_i64(p->high_watermark - bn_log_end_offset(p->log), 0);
}

int16_t bn_survey_producers(const struct bn_partition *p, struct bn_log_producer **out, int *count) {
    BN_ON_SHARD(p->deps->shard);
    if (p->role == BN_PARTITION_OFFLINE) return KE_KAFKA_STORAGE_ERROR;
    if (!p->log) return KE_NOT_LEADER_OR_FOLLOWER;
    *count = bn_log_producers(p->log, out);
    return KE_NONE;
}
