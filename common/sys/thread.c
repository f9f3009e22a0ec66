/* thread.c: starting a thread: its name, and its signal mask, which is inherited at creation so that no signal
 * can slip in between. */
#include "common/sys/thread.h"

#include <signal.h>
#include <stdio.h>

#include "common/base/check.h"

pthread_t bn_thread_start(const char *name, void *(*run)(void *), void *arg) {
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGPROF};
    sigset_t all, before;
    sigfillset(&all);
    for (size_t i = 0; i < BN_ARRAY_LEN(own); i++) sigdelset(&all, own[i]);
    pthread_t thread;
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&thread, NULL, run, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    BN_ASSERT(rc == 0);
    char text[16];
    snprintf(text, sizeof text, "%s", name);
    pthread_setname_np(thread, text);
    return thread;
}
