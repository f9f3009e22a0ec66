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
    X(RESUME, "resume", "a restarted broker leads and follows before it is registered")                                \
    X(STALE_STAMP, "stale-stamp", "a leader appends under an older epoch than its own")                                \
    X(ACK_EARLY, "ack-early", "the high watermark does not wait for the ISR")                                          \
    X(HASTY, "hasty", "a leader counts on the smaller ISR that it has only proposed")                                  \
    X(COMMITTED_ONLY, "committed-only", "the high watermark does not wait for whom the leader has proposed")           \
    X(BELOW_MIN, "below-min", "the high watermark moves while the ISR is below min.insync.replicas")                   \
    X(EXPAND_EARLY, "expand-early", "a follower is proposed for the ISR before it has caught up")                      \
    X(SILENCE_ENDS, "silence-ends", "a proposal without an answer counts as refused")                                  \
    X(ANY_INCARNATION, "any-incarnation", "what an earlier incarnation has fetched counts for the new one")            \
    X(PARKED_SURVIVE, "parked-survive", "a change of leader epoch does not answer the produces that wait")             \
    X(DUPLICATE_EARLY, "duplicate-early", "a duplicate is acknowledged before its original")                           \
    X(CUT_TO_WATERMARK, "cut-to-watermark", "a new follower truncates to its high watermark")                          \
    X(NO_CUT, "no-cut", "a follower does not truncate where it diverges")                                              \
    X(CUT_UNSYNCED, "cut-unsynced", "a truncation is not synced before something is appended over it")                 \
    X(POINT_STAYS, "point-stays", "a truncation does not lower the recovery point on disk")                            \
    X(CLEAN_LIE, "clean-lie", "after a crash logs are taken for cleanly closed")                                       \
    X(UNPROVEN, "unproven", "a broker removes directories that an image merely does not name")                         \
    X(CLEAN_BEYOND, "clean-beyond", "a cleaning goes beyond the high watermark")                                       \
    X(NO_LAG, "no-lag", "a cleaning does not wait for min.compaction.lag.ms")                                          \
    X(NEWEST_GOES, "newest-goes", "a cleaning takes the newest value of a key away, too")                              \
    X(TOMBSTONE_GOES, "tombstone-goes", "tombstones go without waiting for delete.retention.ms")                       \
    X(SEQUENCE_GOES, "sequence-goes", "a cleaning forgets the last batch of a producer")                               \
    X(EPOCH_GOES, "epoch-goes", "a cleaning forgets where an epoch begins and a segment ends")                         \
    X(CLEANED_UNSYNCED, "cleaned-unsynced", "a cleaned segment takes the old ones' place before it is synced")         \
    X(HALF_SWAPPED, "half-swapped", "what a killed cleaning has left is not brought to its end")                       \
    X(BLOCK_REUSED, "block-reused",                                                                                    \
      "a new coordinator goes on from the generation that was stored, in the same block")                              \
    X(UNRECORDED, "unrecorded", "generations are used before their block is recorded")                                 \
    X(HALF_ROUND, "half-round", "a group is stored as it stands in the midst of a round")                              \
    X(SYNC_EARLY, "sync-early", "assignments are given out before they are stored")                                    \
    X(STATIC_EARLY, "static-early", "a static member's return is answered before its new id is stored")                \
    X(ANY_COORDINATOR, "any-coordinator", "the controller takes groups' state under an older leader epoch")            \
    X(KEEPS_HAPPY, "keeps-happy", "a coordinator that was deposed and can't know it goes on answering heartbeats")     \
    X(OLD_COMMITS, "old-commits", "members of older generations may commit")                                           \
    X(LOAD_EARLY, "load-early", "offsets are served before the high watermark has passed the end at the election")     \
    X(COMMIT_EARLY, "commit-early", "a commit is acknowledged before it is below the high watermark")

enum sim_plant {
#define X(name, text, what) SIM_PLANT_##name,
    SIM_PLANT_MAP(X)
#undef X
        SIM_PLANT_COUNT
};

extern enum sim_plant sim_planted; /* set once, by main */

const char *sim_plant_name(enum sim_plant p);
const char *sim_plant_text(enum sim_plant p);
/* How long it takes: SLOW ones are left out by make check. */
enum sim_pace { SIM_PACE_QUICK, SIM_PACE_SLOW };
enum sim_pace sim_plant_pace(enum sim_plant p);
enum sim_plant sim_plant_find(const char *name); /* SIM_PLANT_COUNT = there is none */

/* The seeds that can show it: the first, and every so many. */
void sim_plant_seeds(enum sim_plant p, uint64_t *first, uint64_t *step);

/* At the taps: before and after an append. */
void sim_plant_append(const struct bn_log *l, struct bn_log_append *a);
void sim_plant_appended(struct bn_log_append *a);
struct bn_partition_append;
void sim_plant_partition_append(struct bn_partition_append *a); /* before */

#endif
