/* loop.h: one thread's event loop, over libuv: readiness of file descriptors, timers, work at the end of
 * the turn. Everything here belongs to the loop's thread. Never act deep inside an event callback: record,
 * then act in bn_loop_defer's turn (batching, bounded work). */
#ifndef BN_LOOP_H
#define BN_LOOP_H

#include "common/base/base.h"
#include "common/base/heap.h"
#include "common/base/list.h"

struct bn_loop;
struct bn_io;

struct bn_loop *bn_loop_new(void);
void bn_loop_free(struct bn_loop *l); /* all ios freed and timers stopped before */
void bn_loop_run(struct bn_loop *l);  /* until bn_loop_stop */
void bn_loop_stop(struct bn_loop *l); /* after the current turn; loop's thread */
/* One turn; waits at most wait_ms (0 = poll). For tests and blocking clients. */
void bn_loop_turn(struct bn_loop *l, uint64_t wait_ms);
uint64_t bn_loop_now_ms(const struct bn_loop *l); /* monotonic, cached once per turn */
/* The same, read anew: for who must not believe what was true before this process was stopped in the midst of a turn.
 */
uint64_t bn_loop_fresh_ms(struct bn_loop *l);
void *bn_loop_uv(struct bn_loop *l);           /* the uv_loop_t, for common/sys only */
bool bn_loop_is_here(const struct bn_loop *l); /* whether this thread is inside its run or turn; any thread */

/* A timer, one-shot, embedded in its owner. Zeroed memory is a valid stopped timer after init. */
struct bn_timer {
    struct bn_heap_node node;
    struct bn_loop *loop;
    void (*cb)(struct bn_timer *);
};
void bn_timer_init(struct bn_timer *t, struct bn_loop *l, void (*cb)(struct bn_timer *));
void bn_timer_start(struct bn_timer *t, uint64_t after_ms); /* restarts when running */
void bn_timer_stop(struct bn_timer *t);                     /* safe when stopped */
bool bn_timer_running(const struct bn_timer *t);

/* Work for the end of this turn (or the next one, when queued from such work); embedded; queuing a
 * queued task does nothing. */
struct bn_task {
    struct bn_list link;
    bool queued;
    void (*run)(struct bn_task *);
};
void bn_task_init(struct bn_task *t, void (*run)(struct bn_task *));
void bn_loop_defer(struct bn_loop *l, struct bn_task *t);
void bn_task_cancel(struct bn_task *t);

/* Readiness of one descriptor (level-triggered). events: of enum below. Freeing does not close fd, but the
 * caller may close it right after. */
enum { BN_IO_READ = 1, BN_IO_WRITE = 2 };
struct bn_io *bn_io_new(struct bn_loop *l, int fd, void (*cb)(void *arg, int events), void *arg);
void bn_io_set(struct bn_io *io, int events); /* 0 = none; cheap when unchanged */
void bn_io_free(struct bn_io *io);            /* safe inside its own callback */

/* Signals, on the main thread's loop. */
struct bn_signal;
struct bn_signal *bn_signal_new(struct bn_loop *l, int signum, void (*cb)(void *arg, int signum), void *arg);
void bn_signal_free(struct bn_signal *s);

#endif
