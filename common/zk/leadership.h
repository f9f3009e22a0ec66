/* leadership.h: the recipe by which one controller process becomes active, over any struct bn_zk. All calls and
 * callbacks are on the client's loop; a callback may call anything here except bn_leadership_free.
 *
 *           start                 /controller is another's
 *   IDLE ----------> ELECTING ------------------------------> FOLLOWING
 *     ^                ^  |                                    |    |
 *     | resign, stop   |  | multi committed                    |    | take_over (its process is dead)
 *     |                |  v                                    |    v
 *     +-------------- LEADING      /controller gone ------- ELECTING
 *                      |  expired, deleted or replaced: on_lost
 *                      +-----------------------------------> ELECTING
 *
 * The election is one multi: create the ephemeral /controller, set /controller_epoch to +1 at the version that was
 * read. An answer that was lost (BN_LOST) is settled by sync and reading both: ours if the ephemeral's owner is our
 * session and the epoch is the one we wrote. A lost connection alone does not end leadership: every write of a
 * controller checks the epoch's version, so nothing can be done in that time; after the reconnect /controller is read
 * again. Expiry ends it at once. */
#ifndef BN_LEADERSHIP_H
#define BN_LEADERSHIP_H

#include "common/base/str.h"
#include "common/zk/zk.h"
#include "common/zk/znode.h"

struct bn_leadership;

struct bn_leadership_other {
    struct bn_znode_controller controller; /* borrowed for the callback */
    int64_t czxid;                         /* names this very registration; for take_over */
    int64_t session;
};

struct bn_leadership_config {
    struct bn_zk *zk; /* borrowed; outlives this */
    void *arg;
    /* Writes the data of /controller (bn_znode_controller_encode), anew for every attempt. */
    void (*describe)(void *arg, struct bn_str *out);
    /* We are active. epoch_version is the data version of /controller_epoch that every write must check. */
    void (*on_elected)(void *arg, int32_t epoch, int32_t epoch_version);
    /* No longer (never called without on_elected before it; not called for resign). Stop acting; an election follows
     * by itself. */
    void (*on_lost)(void *arg);
    /* Someone else is active; called again when it is another registration or its data changed. */
    void (*on_other)(void *arg, const struct bn_leadership_other *other);
};

struct bn_leadership *bn_leadership_new(const struct bn_leadership_config *config); /* copies *config; IDLE */
/* Only when the client has been closed (its done was called): until then answers and watch events may come. */
void bn_leadership_free(struct bn_leadership *l);

void bn_leadership_start(struct bn_leadership *l); /* becomes a candidate; waits for the connection by itself */
/* The owner of the client forwards its state callback here. */
void bn_leadership_zk_state(struct bn_leadership *l, enum bn_zk_state state);
/* Call every second or so: tries again after an unexpected failure (unreadable znode, ZooKeeper's refusal). */
void bn_leadership_poke(struct bn_leadership *l);
/* The process behind `czxid` (from on_other) is known to be dead: one multi sets /controller_epoch at the version read
 * with it, deletes /controller and creates ours. The second of two standbys fails and follows the first. Ignored when
 * /controller is no longer that registration. */
void bn_leadership_take_over(struct bn_leadership *l, int64_t czxid);
/* Gives up being active, or being a candidate: multi{check epoch, delete /controller} if it is or may be ours, then
 * IDLE and cb (at once when there is nothing to do): 0, or why the znode may still be there. start, not
 * before cb, makes it a candidate again. Asked again while it is under way: the later cb alone is called. */
void bn_leadership_resign(struct bn_leadership *l, bn_zk_void_cb cb, void *arg);

bool bn_leadership_active(const struct bn_leadership *l);
int32_t bn_leadership_epoch(const struct bn_leadership *l);         /* of ours while active, else 0 */
int32_t bn_leadership_epoch_version(const struct bn_leadership *l); /* likewise */

#endif
