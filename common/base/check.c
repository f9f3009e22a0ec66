/* check.c: what happens when an assertion fails: the abort hook runs first (it closes the sockets by which
 * others judge whether this process lives), then the place and a backtrace go to stderr, then abort().
 * Everything on this path avoids malloc and locks of ours, because the heap may be what is broken. */
#include "common/base/check.h"

#include <execinfo.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static _Atomic(void (*)(void)) abort_hook;

void bn_check_on_abort(void (*hook)(void)) { atomic_store(&abort_hook, hook); }

void bn_check_failed(const char *expression, const char *file, int line) {
    /* Exchanged, so that an assertion inside the hook does not run it again. */
    void (*hook)(void) = atomic_exchange(&abort_hook, NULL);
    if (hook) hook();
    dprintf(STDERR_FILENO, "%s:%d: assertion failed: %s\n", file, line, expression);
    void *frames[64];
    int count = backtrace(frames, (int)BN_ARRAY_LEN(frames));
    backtrace_symbols_fd(frames, count, STDERR_FILENO);
    abort();
}
