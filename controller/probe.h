/* probe.h: life ports: who is really gone (safety §1). Once a life port has answered with the boot id that its process
 * told us, it is armed; from then on "connection refused" there proves that the process is gone. */
#ifndef BN_PROBE_H
#define BN_PROBE_H

#include "common/base/uuid.h"
#include "common/sys/loop.h"

struct bn_probe;

struct bn_probe_target {
    int32_t broker;      /* or a controller's id, for standbys */
    int64_t incarnation; /* or the czxid of /controller */
    const char *host;    /* copied */
    int port;
    struct bn_uuid boot_id; /* zero = take what it answers first */
    bool same_machine;      /* it ran under our own kernel and in our network namespace: it need not have answered */
};

/* gone: the life port of this target, armed, refused. Not called from inside a function of this header. */
struct bn_probe *bn_probe_new(struct bn_loop *loop, void (*gone)(void *arg, int32_t broker, int64_t incarnation),
                              void *arg);
void bn_probe_free(struct bn_probe *p); /* NULL is fine */

/* Dials; armed when the boot id is right; dials again now and then until it is. Replaces an older target of this
 * broker. A target of our own machine that refuses is gone, without a hunt. */
void bn_probe_arm(struct bn_probe *p, const struct bn_probe_target *t);
/* The stream has ended: dials at 0, 1, 2, 5, 10, 20, … ms, then every 100 ms, until refused, reconnected or forgotten.
 * Does nothing for a target that is not armed (it may still become so while its first dial is under way). */
void bn_probe_hunt(struct bn_probe *p, int32_t broker, int64_t incarnation);
void bn_probe_forget_unless(struct bn_probe *p, bool (*keep)(void *arg, int32_t broker, int64_t incarnation),
                            void *arg);
void bn_probe_reconnected(struct bn_probe *p, int32_t broker, int64_t incarnation); /* ends a hunt; stays armed */
void bn_probe_forget(struct bn_probe *p, int32_t broker, int64_t incarnation);      /* its registration is gone */
void bn_probe_forget_all(struct bn_probe *p);
bool bn_probe_is_armed(const struct bn_probe *p, int32_t broker, int64_t incarnation);

#endif
