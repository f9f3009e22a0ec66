/* model.h: what the controller knows, opaque to the shell. One thread, no I/O, no clock: bn_step_run is the only way to
 * change it. */
#ifndef BN_MODEL_H
#define BN_MODEL_H

#include "common/base/base.h"

struct bn_model;

struct bn_model_settings {
    uint64_t random_seed;       /* of placement and topic ids; in production from the kernel, in tests fixed */
    bool unclean_election;      /* unclean.leader.election.enable of the controller; a topic's override wins */
    bool delete_topic_enable;   /* of the controller: for markers that a person or a tool put */
    int32_t session_timeout_ms; /* after a fence by refusal no unclean election starts before this has passed */
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
