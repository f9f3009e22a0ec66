/* env.c: the real world: the machine's clocks, its disk, the kernel's random numbers. */
#include "common/sys/env.h"

#include <errno.h>
#include <pthread.h>
#include <sys/random.h>

#include "common/base/check.h"

static void real_random(void *ptr, size_t len) {
    uint8_t *p = ptr;
    while (len > 0) {
        ssize_t n = getrandom(p, len, 0);
        if (n < 0 && errno == EINTR) continue;
        BN_ASSERT(n > 0);
        p += n;
        len -= (size_t)n;
    }
}

static struct bn_env real; /* written once */

static void make_real(void) {
    real = (struct bn_env){.clock = bn_clock_real(), .disk = bn_disk_real(), .random = real_random};
}

const struct bn_env *bn_env_real(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_real);
    return &real;
}
