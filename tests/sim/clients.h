/* clients.h: those who use the cluster, over Kafka's own bytes: one who makes, deletes and grows topics (clients.c),
 * producers (producers.c), and consumers (consumers.c). All run in one process of their own, which never fails. */
#ifndef SIM_CLIENTS_H
#define SIM_CLIENTS_H

#include "proto/client/client.h"
#include "tests/sim/observer.h"

struct sim_clients *sim_clients_new(struct sim_world *w);
void sim_clients_step(struct sim_world *w); /* somebody wants something now and then */
/* Once faults have stopped: what has not come to an end yet; NULL = all has. The second is asked until it says so. */
const char *sim_clients_unsettled(struct sim_world *w);
const char *sim_clients_read_all(struct sim_world *w);
uint64_t sim_clients_reads(const struct sim_world *w);
/* ---- for the three files ---- */
enum { SIM_PRODUCERS = 4, SIM_CONSUMERS = 2, SIM_CALL_MS = 4000 };

struct sim_producer {
    int number;
    bool idempotent, asking; /* asking: its call is under way */
    int64_t id;              /* its producer id; -1 = it has none yet */
    int16_t epoch;
    int32_t sequences[SIM_NAMES][SIM_PARTITIONS];
    struct { /* what it has to send; id 0 = nothing */
        int64_t id;
        int name, index, records, tries, broker; /* broker: asked last */
        int16_t acks;
        uint64_t again_ms;
        int64_t timestamp;
        uint32_t keys;           /* of a compacted topic: four bits for each record */
        struct sim_topic *topic; /* as of the first try */
    } batch;
};

struct sim_consumer {
    int number;
    bool asking;
    int broker; /* asked last */
    bool led;   /* it led then */
    struct sim_topic *topic;
    int32_t index;
    int64_t position;
};

struct sim_clients {
    struct bn_client *connections[SIM_BROKERS];
    struct sim_producer producers[SIM_PRODUCERS];
    struct sim_consumer consumers[SIM_CONSUMERS];
    int admin; /* requests that are not answered */
    int64_t batches;
    uint64_t reads;
    bool reading;
    int next_name, next_index; /* of the last reading of everything */
};

/* A broker's connection if it is ready; else begins one. */
struct bn_client *sim_clients_of(struct sim_world *w, int broker);
/* Whom a client takes for the leader; sometimes just anybody. -1 = nobody is known. */
int sim_clients_leader(struct sim_world *w, const struct sim_topic *t, int32_t index);
void sim_producers_step(struct sim_world *w, struct sim_producer *p);
void sim_consumers_step(struct sim_world *w, struct sim_consumer *c);

#endif
