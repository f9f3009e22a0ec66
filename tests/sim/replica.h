/* replica.h: the replicas of one broker process, and the disk that outlives it: a small model that follows images as
 * broker/replica does. What it offers is what broker/replica/roster.h and partition.h offer, so that those can take
 * its place. */
#ifndef SIM_REPLICA_H
#define SIM_REPLICA_H

#include "tests/sim/world.h"

struct sim_batch {
    int32_t epoch;
    int64_t id;
};

struct sim_replica { /* a log directory, and what its broker's process knows of the partition */
    char name[16];
    struct bn_uuid topic_id;
    int32_t index;
    bool stray;
    struct sim_batch *batches; /* one offset each */
    int64_t end, synced;
    /* Volatile: gone with the process. */
    bool known; /* an image has told of it */
    bool leads;
    int32_t leader_epoch, partition_epoch, isr[SIM_BROKERS];
    int isr_count;
    int64_t incarnation; /* of the image that told */
    int64_t high_watermark;
    struct sim_parked {
        int64_t offset, id;
    } * parked;
    int32_t parked_count;
    /* What the last life was told, for a planted bug only. */
    int32_t old_epoch;
    bool old_leads;
};

struct sim_disk *sim_disk_new(void);
void sim_disk_free(struct sim_disk *d);
/* The process is gone: what was volatile is lost, with power also a tail that was not synced. */
void sim_disk_crash(struct sim_world *w, struct sim_disk *d, bool power);
struct sim_replica *sim_disk_find(struct sim_disk *d, const struct bn_uuid *id, int32_t index); /* not strays; NULL */

struct sim_replicas *sim_replicas_new(struct sim_world *w, struct sim_proc *p, struct sim_disk *d);
void sim_replicas_free(struct sim_replicas *r);
void sim_replicas_image(struct sim_replicas *r, struct bn_image *now, const Bn__ImageDelta *delta);
struct bn_image *sim_replicas_current(const struct sim_replicas *r); /* never NULL */
/* A producer's batch: false = refused (not the leader, as far as this broker knows). */
bool sim_replicas_append(struct sim_replicas *r, const char *name, int32_t index, bool acks_all, int64_t id);
/* The others have lagged for too long: a leader proposes an ISR of itself alone. False = it is not that leader. */
bool sim_replicas_shrink(struct sim_replicas *r, const char *name, int32_t index);

#endif
