/* topics.h: topics and their znodes: made by a request, found because a person or a tool made them, vanished. */
#ifndef BN_TOPICS_H
#define BN_TOPICS_H

#include "controller/brain/config.h"
#include "controller/brain/flight.h"

bool bn_topics_allowed(enum bn_model_topic_kind from, enum bn_model_topic_kind to);
void bn_topics_move(struct bn_model_topic *t, enum bn_model_topic_kind to); /* asserts that it is allowed */

/* What stands in ZooKeeper: at activation, after a watch, after a read. Older readings are ignored. */
void bn_topics_absorb(struct bn_model *m, const struct bn_fact_topic *fact);
void bn_topics_vanished(struct bn_model *m, const char *name);
/* Sends what makes t's own znodes complete (its id and the second copy), or reads them again. */
void bn_topics_settle(struct bn_model *m, struct bn_model_topic *t);

struct bn_topics_plan {
    const char *name;
    const struct bn_fact_partition *partitions; /* indexes from 0, replicas */
    int32_t partition_count;
    struct bn_fact_config config; /* type "topics"; also when empty: Kafka makes the znode always */
};
struct bn_model_topic *bn_topics_create(struct bn_model *m, const struct bn_topics_plan *plan); /* CREATING */
/* t is LIVE and not busy; added: new indexes. On failure the topic is read again and its waiting requests start over.
 */
void bn_topics_expand(struct bn_model *m, struct bn_model_topic *t, const struct bn_fact_partition *added,
                      int32_t count);
/* The estimated size of the topic's znode. */
size_t bn_topics_bytes(const struct bn_fact_partition *partitions, int32_t count);

void bn_topics_create_done(struct bn_model *m, struct bn_flight *f, const struct bn_event_multi_done *e);
void bn_topics_create_read(struct bn_model *m, struct bn_flight *f, const struct bn_event_read_result *r);
void bn_topics_expand_done(struct bn_model *m, struct bn_flight *f, const struct bn_event_multi_done *e);
void bn_topics_id_done(struct bn_model *m, struct bn_flight *f, const struct bn_event_multi_done *e);
void bn_topics_read(struct bn_model *m, struct bn_flight *f, const struct bn_event_read_result *r);

#endif
