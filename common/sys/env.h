/* env.h: the world, handed to rooms at composition. */
#ifndef BN_ENV_H
#define BN_ENV_H

#include "common/sys/clock.h"
#include "common/sys/disk.h"

struct bn_env {
    const struct bn_clock *clock;
    const struct bn_disk *disk;
    void (*random)(void *ptr, size_t len); /* fills with random bytes */
};

const struct bn_env *bn_env_real(void);

#endif
