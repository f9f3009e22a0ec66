/* shard.c: a thread with a loop and a mailbox. The thread-local current shard is what BN_ON_SHARD asks; it is
 * also set while the stopping thread empties a joined shard's mailbox on its behalf. Shard threads leave
 * signals to the main thread (but those of their own faults). */
#include "common/sys/shard.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

#include "common/base/alloc.h"
#include "common/sys/thread.h"

struct shard_own {
    struct bn_shard shard; /* first: what others see */
    pthread_t thread;
    bool started;
    _Atomic bool running_here;
    struct bn_msg stop;
};

static _Thread_local struct bn_shard *current;

struct bn_shard *bn_shard_current(void) { return current; }

struct bn_shard *bn_shard_new(int index) {
    struct shard_own *o = bn_alloc_zero(1, sizeof *o);
    o->shard.index = index;
    o->shard.loop = bn_loop_new();
    o->shard.mailbox = bn_mailbox_new(o->shard.loop);
    return &o->shard;
}

static void *shard_main(void *arg) {
    struct bn_shard *s = arg;
    current = s;
    bn_loop_run(s->loop);
    return NULL;
}

void bn_shard_start(struct bn_shard *s) {
    struct shard_own *o = BN_CONTAINER_OF(s, struct shard_own, shard);
    BN_ASSERT(!o->started);
    char name[16];
    snprintf(name, sizeof name, "bn-shard-%d", s->index);
    o->thread = bn_thread_start(name, shard_main, s);
    o->started = true;
}

void bn_shard_run_here(struct bn_shard *s) {
    struct shard_own *o = BN_CONTAINER_OF(s, struct shard_own, shard);
    struct bn_shard *outer = current;
    current = s;
    o->running_here = true;
    bn_loop_run(s->loop);
    o->running_here = false;
    current = outer;
}

static void stop_run(struct bn_msg *m) {
    struct shard_own *o = BN_CONTAINER_OF(m, struct shard_own, stop);
    bn_loop_stop(o->shard.loop);
}

void bn_shard_stop(struct bn_shard *s) {
    struct shard_own *o = BN_CONTAINER_OF(s, struct shard_own, shard);
    BN_ASSERT(current != s);
    if (o->started || o->running_here) {
        o->stop.run = stop_run;
        bn_shard_post(s, &o->stop);
    }
    if (o->running_here) return; /* another thread's main loop: it goes on by itself */
    if (o->started) pthread_join(o->thread, NULL);
    o->started = false;
    struct bn_shard *outer = current;
    current = s;
    bn_mailbox_drain(s->mailbox);
    current = outer;
}

void bn_shard_free(struct bn_shard *s) {
    if (!s) return;
    struct shard_own *o = BN_CONTAINER_OF(s, struct shard_own, shard);
    BN_ASSERT(!o->started && !o->running_here);
    struct bn_shard *outer = current;
    current = s;
    bn_mailbox_free(s->mailbox);
    bn_loop_free(s->loop);
    current = outer;
    bn_alloc_free(o);
}
