/* clock.h: the two times. The simulation has its own. */
#ifndef BN_CLOCK_H
#define BN_CLOCK_H

#include "common/base/base.h"

struct bn_clock {
    uint64_t (*mono_ms)(const struct bn_clock *); /* for deadlines; never goes back */
    int64_t (*wall_ms)(const struct bn_clock *);  /* since 1970, for records and files */
};

const struct bn_clock *bn_clock_real(void);
static inline uint64_t bn_clock_mono_ms(const struct bn_clock *c) { return c->mono_ms(c); }
static inline int64_t bn_clock_wall_ms(const struct bn_clock *c) { return c->wall_ms(c); }

#endif
