/* taps.h: the functions that the linker leads through taps.c, and their real ones. */
#ifndef SIM_TAPS_H
#define SIM_TAPS_H

#include "broker/cluster/forward.h"
#include "broker/replica/partition_int.h"

void __real_bn_roster_apply(struct bn_roster *r, struct bn_image *image, const Bn__ImageDelta *delta, int shard_count);
void __wrap_bn_roster_apply(struct bn_roster *r, struct bn_image *image, const Bn__ImageDelta *delta, int shard_count);
void __real_bn_partition_opened(struct bn_partition *partition, struct bn_log *log, int64_t high_watermark);
void __wrap_bn_partition_opened(struct bn_partition *partition, struct bn_log *log, int64_t high_watermark);
void __real_bn_partition_append(struct bn_partition *partition, struct bn_partition_append *a);
void __wrap_bn_partition_append(struct bn_partition *partition, struct bn_partition_append *a);
int __real_bn_log_close(struct bn_log *l, struct bn_err *e);
int __wrap_bn_log_close(struct bn_log *l, struct bn_err *e);
void __real_bn_log_abandon(struct bn_log *l);
void __wrap_bn_log_abandon(struct bn_log *l);
void __real_bn_log_append(struct bn_log *l, struct bn_log_append *a);
void __wrap_bn_log_append(struct bn_log *l, struct bn_log_append *a);
int __real_bn_log_append_replica(struct bn_log *l, struct bn_log_replica *a);
int __wrap_bn_log_append_replica(struct bn_log *l, struct bn_log_replica *a);
void __real_bn_forward_alter_partition(void *agent, struct bn_shard *shard, const Bn__AlterPartitionRequest *request,
                                       void (*reply)(void *reply_arg, const Bn__AlterPartitionReply *answer),
                                       void *reply_arg);
void __wrap_bn_forward_alter_partition(void *agent, struct bn_shard *shard, const Bn__AlterPartitionRequest *request,
                                       void (*reply)(void *reply_arg, const Bn__AlterPartitionReply *answer),
                                       void *reply_arg);

/* A leader has reckoned its high watermark (bn_isr_watermark). */
void sim_tap_watermark(const struct bn_isr *s, const struct bn_isr_view *v, int32_t min_insync, int64_t to);

#endif
