/* model.h: what the controller knows, opaque to the shell. One thread, no I/O, no clock: bn_step_run is the only way to
 * change it. */
#ifndef BN_MODEL_H
#define BN_MODEL_H

#include "common/base/base.h"

struct bn_arena;
struct bn_event_alter_config;
struct bn_fact_config;
struct bn_model;

struct bn_model_settings {
    uint64_t random_seed;          /* of placement and topic ids; in production from the kernel, in tests fixed */
    bool unclean_election;         /* unclean.leader.election.enable of the controller; a topic's override wins */
    bool delete_topic_enable;      /* of the controller: for markers that a person or a tool put */
    int32_t session_timeout_ms;    /* after a fence by refusal, and after ACTIVATED (the controller before us may have
                                    * fenced so), no unclean election starts before this has passed */
    bool auto_rebalance;           /* auto.leader.rebalance.enable */
    int64_t rebalance_interval_ms; /* leader.imbalance.check.interval.seconds, at least 1 ms */
    int32_t imbalance_percentage;  /* leader.imbalance.per.broker.percentage */
    /* What a request makes of the overrides that are set now, and whether that may be stored: 0 and *out (it borrows
     * from change, now and the arena), or a Kafka error and *message (NULL = none). Pure. */
    int16_t (*change_config)(const struct bn_event_alter_config *change, const struct bn_fact_config *now,
                             struct bn_arena *arena, struct bn_fact_config *out, const char **message);
};

struct bn_model *bn_model_new(const struct bn_model_settings *settings); /* gives; it waits for ACTIVATED */
void bn_model_free(struct bn_model *m);                                  /* takes; NULL is fine */

/* For the shell's metrics and its console: cheap. */
struct bn_model_counts {
    int32_t brokers, topics, partitions, offline_partitions, preferred_imbalance, topics_to_delete;
    int64_t sequence; /* of the last DELTA */
    int32_t multis_in_flight;
};
void bn_model_count(const struct bn_model *m, struct bn_model_counts *out);

#endif
