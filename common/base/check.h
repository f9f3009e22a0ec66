/* check.h: assertions that stay on. A failed one is our bug: print where, a backtrace, and abort. */
#ifndef BN_CHECK_H
#define BN_CHECK_H

#include "common/base/base.h"

void bn_check_failed(const char *expression, const char *file, int line) BN_NORETURN;

/* Called once, first thing in the failure path: a process closes its life port and RPC socket here,
 * because a core dump delays closing (docs/ARCHITECTURE.md, failure detection). Async-signal-safe
 * code only. NULL clears. */
void bn_check_on_abort(void (*hook)(void));

#define BN_ASSERT(e)                                                                               \
    do {                                                                                           \
        if (__builtin_expect(!(e), 0)) bn_check_failed(#e, __FILE__, __LINE__);                    \
    } while (0)
#define BN_UNREACHABLE() bn_check_failed("unreachable", __FILE__, __LINE__)

#endif
