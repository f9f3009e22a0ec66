/* clock.c: the machine's clocks. CLOCK_MONOTONIC is also what the loop counts in (libuv), so that a deadline
 * made with one can be compared with the other. */
#include "common/sys/clock.h"

#include <time.h>

static int64_t read_ms(clockid_t id) {
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static uint64_t real_mono_ms(const struct bn_clock *c) {
    (void)c;
    return (uint64_t)read_ms(CLOCK_MONOTONIC);
}

static int64_t real_wall_ms(const struct bn_clock *c) {
    (void)c;
    return read_ms(CLOCK_REALTIME);
}

const struct bn_clock *bn_clock_real(void) {
    static const struct bn_clock real = {real_mono_ms, real_wall_ms};
    return &real;
}
