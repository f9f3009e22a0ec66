/* random_world.h: a cluster whose every move is drawn, and what must hold of each write and of each thing told. The
 * list of invariants is in step_test.c. */
#ifndef RANDOM_WORLD_H
#define RANDOM_WORLD_H

#include <stdio.h>

#include "tests/script/brain_pending.h"
#include "tests/unit/unit.h"

enum { SEEDS = 50, STEPS = 2000, BROKERS = 4, TOPICS = 5, PARTITIONS_MAX = 8, TOKENS_MAX = 4096 };

struct told { /* what a broker that listens from the start knows of a partition */
    char key[48];
    int32_t version, leader, leader_epoch;
};

struct evidence { /* about a topic id */
    struct bn_uuid id;
    bool told[PARTITIONS_MAX * 4];
    bool confirmed[BROKERS + 1];
};

struct random_world {
    uint64_t seed, state;
    struct brain_world zk;
    struct brain_pending pending;
    struct bn_model *model;
    struct bn_output_list out;
    struct bn_model_settings settings;
    int32_t epoch;
    int64_t now_ms, sequence;
    struct bn_map told; /* struct told by key */
    struct bn_map
        flying; /* paths of state znodes with a write in flight: value counts nothing, key owned by zk.arena */
    struct bn_map evidence;   /* by id */
    struct bn_map epoch_zxid; /* by path: zxid at which the leader epoch last moved, in the arena */
    bool open[TOKENS_MAX];    /* tokens that wait for a reply */
    int32_t token_next;
    uint64_t streams[BROKERS + 1]; /* token of the broker's stream, 0 = none */
    bool leaving[BROKERS + 1];     /* asked for a controlled shutdown in its present life */
    bool removed[BROKERS + 1];
    int replies, elections;
};

#define CHECK(w, e, ...)                                                                                               \
    do {                                                                                                               \
        if (!(e)) {                                                                                                    \
            fprintf(stderr, "seed %d: %s: ", (int)(w)->seed, #e);                                                      \
            fprintf(stderr, __VA_ARGS__);                                                                              \
            fprintf(stderr, "\n");                                                                                     \
            ck_abort_msg("invariant broken with seed %d: %s", (int)(w)->seed, #e);                                     \
        }                                                                                                              \
    } while (0)

uint32_t random_world_draw(struct random_world *w, uint32_t bound);
uint64_t random_world_token(struct random_world *w);
void *random_world_keep(struct random_world *w, size_t size);
struct evidence *random_world_evidence(struct random_world *w, const struct bn_uuid *id);
void random_world_check_ops(struct random_world *w, const struct brain_pending_item *item);
void random_world_flying(struct random_world *w, const struct brain_pending_item *item, bool starts);
int64_t random_world_registered_at(struct random_world *w, int32_t broker);
void random_world_hear_delta(struct random_world *w, const struct bn_output_delta *d);
void random_world_hear_image(struct random_world *w, const struct bn_output_delta *d, bool replaces);
void random_world_relearn(struct random_world *w, const struct bn_output_delta *d);

#endif
