/* live_conf.h: the configuration in force: what the file says, and over it what the image says is set at run time for
 * all brokers and for this one. Immutable and shared (reference counted), as the image that it follows from is. */
#ifndef BN_LIVE_CONF_H
#define BN_LIVE_CONF_H

#include "broker/settings.h"
#include "common/base/buf.h"

struct bn_live_conf {
    struct bn_shared shared;
    struct bn_conf *conf;
    struct bn_listener_exception *exceptions; /* max.connections.per.ip.overrides */
    int exception_count;
};

/* Gives. image NULL = as the file has it. What is not valid, or takes a restart, is left out (the controller has told
 * it when it read it). Any thread. */
struct bn_live_conf *bn_live_conf_new(const struct bn_settings *s, const struct bn_image *image, int32_t broker_id);
static inline void bn_live_conf_ref(struct bn_live_conf *l) { bn_shared_ref(&l->shared); }
static inline void bn_live_conf_unref(struct bn_live_conf *l) { bn_shared_unref(l ? &l->shared : NULL); }
/* Whether the two images (either may be NULL) say different things about this broker's configuration. */
bool bn_live_conf_differs(const struct bn_image *old, const struct bn_image *now, int32_t broker_id);
/* One trace line for each entity with what is set there, and one for each key that has no effect here. */
void bn_live_conf_tell(const struct bn_image *image, int32_t broker_id);

#endif
