/* thread.h: how a thread of ours is started; for common/sys and programs' own few threads. */
#ifndef BN_THREAD_H
#define BN_THREAD_H

#include <pthread.h>

#include "common/base/base.h"

/* Starts a named thread (at most 15 characters are kept) that leaves every signal to the main thread, those of
 * its own faults excepted. The caller joins it. A machine out of threads aborts. */
pthread_t bn_thread_start(const char *name, void *(*run)(void *), void *arg);

#endif
