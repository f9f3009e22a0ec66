/* plant.h: bugs that are put in on purpose, one at a time, to see that the simulation finds them. Each breaks one rule
 * of the product at one of the simulation's doors (ZooKeeper's client, the wire, a tap), so that the product itself has
 * no switches. */
#ifndef SIM_PLANT_H
#define SIM_PLANT_H

#include "broker/log/log.h"

#define SIM_PLANT_MAP(X)                                                                                               \
    X(NOTHING, "nothing", "")                                                                                          \
    X(NO_EPOCH_CHECK, "no-epoch-check", "multis do not check /controller_epoch")                                       \
    X(FENCE_ANYBODY, "fence-anybody", "a fence does not check the incarnation")                                        \
    X(EARLY_COMMIT, "early-commit", "a multi is taken for committed when it is sent")                                  \
    X(ADMITTED_LIES, "admitted-lies", "a controller that takes over believes that nobody has restarted")               \
    X(DEAF, "deaf", "a broker does not watch its own znode")                                                           \
    X(LOST_DELTA, "lost-delta", "a gap in the metadata stream passes unnoticed")                                       \
    X(OLD_IMAGE, "old-image", "a full image that was made earlier is applied as if it were the new one")               \
    X(STALE_STAMP, "stale-stamp", "a leader appends under an older epoch than its own")

enum sim_plant {
#define X(name, text, what) SIM_PLANT_##name,
    SIM_PLANT_MAP(X)
#undef X
        SIM_PLANT_COUNT
};

extern enum sim_plant sim_planted; /* set once, by main */

const char *sim_plant_name(enum sim_plant p);
const char *sim_plant_text(enum sim_plant p);
enum sim_plant sim_plant_find(const char *name); /* SIM_PLANT_COUNT = there is none */

/* At the taps. */
void sim_plant_append(const struct bn_log *l, struct bn_log_append *a);

#endif
