/* alter.h: AlterPartition (KIP-497, KIP-841, KIP-903): a leader proposes an ISR. */
#ifndef BN_ALTER_H
#define BN_ALTER_H

#include "controller/brain/model_inside.h"

void bn_alter_request(struct bn_model *m, const struct bn_event_alter_partition *e);
/* p is free and needs no election: decides its waiting proposals up to the first that must be written. True when
 * p->planned is that one's state. */
bool bn_alter_plan(struct bn_model *m, struct bn_model_partition *p);
void bn_alter_committed(struct bn_model *m, struct bn_model_partition *p);         /* p->planned stands in ZooKeeper */
void bn_alter_refuse(struct bn_model *m, struct bn_model_partition *p, int error); /* all that wait for p */
void bn_alter_drop_all(struct bn_model *m);                                        /* without answers */

/* One row of Kafka's decision table (facts 2.6): an error, or 0 with *write telling whether anything is to be written.
 */
struct bn_alter_proposal {
    int32_t broker, leader_epoch, partition_epoch;
    struct bn_fact_ids isr;
    const int64_t *isr_epochs; /* NULL, or parallel to isr */
    bool recovering;
};
int bn_alter_decide(const struct bn_model *m, const struct bn_model_partition *p, const struct bn_alter_proposal *a,
                    bool *write);

#endif
