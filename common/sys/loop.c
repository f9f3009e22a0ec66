/* loop.c: one thread's event loop over libuv.
 *
 * A turn of libuv is: prepare, poll, check, closing. Ours is laid over it:
 *   prepare   deferred work that was queued outside a turn or by deferred work; then the one uv_timer is set
 *             to the earliest deadline, so that poll wakes up for it
 *   poll      readiness callbacks, mailboxes
 *   check     timers that are due, then the work which all of these deferred
 * Timers fire in check only; the uv_timer's own callback does nothing. Work that is queued while deferred work
 * runs waits for the next round, and an idle handle keeps poll from sleeping until it has run.
 *
 * Handles whose memory libuv still needs after uv_close (ios, signals) are freed in their close callback. */
#include "common/sys/loop.h"

#include <uv.h>

#include "common/base/alloc.h"
#include "common/base/check.h"

struct bn_loop {
    uv_loop_t uv;
    uv_timer_t wake;      /* at the earliest deadline of timers */
    uint64_t wake_at;     /* 0 = wake is stopped */
    uv_timer_t turn_wait; /* bounds one bn_loop_turn */
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle; /* active while tasks wait for the next round */
    struct bn_heap timers;
    struct bn_list tasks;
    bool stopping;
};

static _Thread_local const struct bn_loop *running_here; /* innermost */

bool bn_loop_is_here(const struct bn_loop *l) { return running_here == l; }

static void wake_cb(uv_timer_t *t) { (void)t; }
static void idle_cb(uv_idle_t *i) { (void)i; }

static void run_tasks(struct bn_loop *l) {
    if (bn_list_empty(&l->tasks)) return;
    /* This round's tasks move to a list of their own; one of them may cancel another. */
    struct bn_list round = l->tasks;
    round.next->prev = &round;
    round.prev->next = &round;
    bn_list_init(&l->tasks);
    for (struct bn_list *link; (link = bn_list_pop_front(&round));) {
        struct bn_task *t = BN_CONTAINER_OF(link, struct bn_task, link);
        t->queued = false;
        t->run(t);
    }
}

static void fire_timers(struct bn_loop *l) {
    uint64_t now = uv_now(&l->uv);
    /* Bounded, so that a timer which starts itself again with 0 cannot hold the turn. */
    for (uint32_t left = l->timers.count; left > 0; left--) {
        struct bn_heap_node *n = bn_heap_min(&l->timers);
        if (!n || n->key > now) return;
        bn_heap_remove(&l->timers, n);
        struct bn_timer *t = BN_CONTAINER_OF(n, struct bn_timer, node);
        t->cb(t);
    }
}

static void set_wake(struct bn_loop *l) {
    struct bn_heap_node *n = bn_heap_min(&l->timers);
    uint64_t at = n ? bn_max_size(n->key, 1) : 0;
    if (at == l->wake_at && uv_is_active((uv_handle_t *)&l->wake)) return;
    l->wake_at = at;
    if (at == 0) {
        uv_timer_stop(&l->wake);
        return;
    }
    uint64_t now = uv_now(&l->uv);
    uv_timer_start(&l->wake, wake_cb, at > now ? at - now : 0, 0);
}

static void prepare_cb(uv_prepare_t *p) {
    struct bn_loop *l = p->data;
    run_tasks(l);
    if (bn_list_empty(&l->tasks))
        uv_idle_stop(&l->idle);
    else
        uv_idle_start(&l->idle, idle_cb);
    set_wake(l);
}

static void check_cb(uv_check_t *c) {
    struct bn_loop *l = c->data;
    fire_timers(l);
    run_tasks(l);
}

struct bn_loop *bn_loop_new(void) {
    struct bn_loop *l = bn_alloc_zero(1, sizeof *l);
    BN_ASSERT(uv_loop_init(&l->uv) == 0);
    uv_timer_init(&l->uv, &l->wake);
    uv_timer_init(&l->uv, &l->turn_wait);
    uv_prepare_init(&l->uv, &l->prepare);
    uv_check_init(&l->uv, &l->check);
    uv_idle_init(&l->uv, &l->idle);
    l->prepare.data = l->check.data = l;
    uv_prepare_start(&l->prepare, prepare_cb);
    uv_check_start(&l->check, check_cb);
    bn_heap_init(&l->timers);
    bn_list_init(&l->tasks);
    return l;
}

void bn_loop_free(struct bn_loop *l) {
    if (!l) return;
    BN_ASSERT(l->timers.count == 0);
    uv_close((uv_handle_t *)&l->wake, NULL);
    uv_close((uv_handle_t *)&l->turn_wait, NULL);
    uv_close((uv_handle_t *)&l->prepare, NULL);
    uv_close((uv_handle_t *)&l->check, NULL);
    uv_close((uv_handle_t *)&l->idle, NULL);
    /* One run delivers every close callback; an open handle of somebody else is our bug. */
    uv_run(&l->uv, UV_RUN_NOWAIT);
    BN_ASSERT(uv_loop_close(&l->uv) == 0);
    bn_heap_fini(&l->timers);
    bn_alloc_free(l);
}

static void run_uv(struct bn_loop *l, uv_run_mode mode) {
    const struct bn_loop *outer = running_here;
    running_here = l;
    uv_run(&l->uv, mode);
    running_here = outer;
}

void bn_loop_run(struct bn_loop *l) {
    while (!l->stopping) run_uv(l, UV_RUN_DEFAULT);
    l->stopping = false;
}

void bn_loop_stop(struct bn_loop *l) {
    l->stopping = true;
    uv_stop(&l->uv);
}

void bn_loop_turn(struct bn_loop *l, uint64_t wait_ms) {
    if (wait_ms == 0) {
        run_uv(l, UV_RUN_NOWAIT);
        return;
    }
    uv_update_time(&l->uv);
    /* Repeating: libuv runs due timers before it polls, and a thread that was kept from the CPU for so long would then
     * poll without a bound. */
    uv_timer_start(&l->turn_wait, wake_cb, wait_ms, wait_ms);
    run_uv(l, UV_RUN_ONCE);
    uv_timer_stop(&l->turn_wait);
}

uint64_t bn_loop_now_ms(const struct bn_loop *l) { return uv_now(&l->uv); }
uint64_t bn_loop_fresh_ms(struct bn_loop *l) {
    uv_update_time(&l->uv);
    return uv_now(&l->uv);
}
void *bn_loop_uv(struct bn_loop *l) { return &l->uv; }

void bn_timer_init(struct bn_timer *t, struct bn_loop *l, void (*cb)(struct bn_timer *)) {
    bn_heap_node_init(&t->node);
    t->loop = l;
    t->cb = cb;
}

void bn_timer_start(struct bn_timer *t, uint64_t after_ms) {
    uint64_t now = uv_now(&t->loop->uv);
    bn_heap_remove(&t->loop->timers, &t->node);
    bn_heap_insert(&t->loop->timers, &t->node, after_ms > UINT64_MAX - now ? UINT64_MAX : now + after_ms);
}

void bn_timer_stop(struct bn_timer *t) {
    if (bn_timer_running(t)) bn_heap_remove(&t->loop->timers, &t->node);
}

bool bn_timer_running(const struct bn_timer *t) { return t->loop && t->node.index != BN_HEAP_NOWHERE; }

void bn_task_init(struct bn_task *t, void (*run)(struct bn_task *)) {
    bn_list_init(&t->link);
    t->queued = false;
    t->run = run;
}

void bn_loop_defer(struct bn_loop *l, struct bn_task *t) {
    if (t->queued) return;
    t->queued = true;
    bn_list_push_back(&l->tasks, &t->link);
}

void bn_task_cancel(struct bn_task *t) {
    if (!t->queued) return;
    t->queued = false;
    bn_list_remove(&t->link);
}

struct bn_io {
    uv_poll_t poll;
    void (*cb)(void *arg, int events);
    void *arg;
    int events; /* wanted; 0 = not polled */
};

static void io_cb(uv_poll_t *p, int status, int uv_events) {
    struct bn_io *io = p->data;
    int events = (uv_events & UV_READABLE ? BN_IO_READ : 0) | (uv_events & UV_WRITABLE ? BN_IO_WRITE : 0);
    if (status < 0) {
        /* libuv has stopped polling. The descriptor's error comes out of the owner's next call on it, so we
         * tell of all that was waited for; bn_io_set starts polling again. */
        events = io->events;
        io->events = 0;
    }
    io->cb(io->arg, events); /* may free io */
}

static void free_handle(uv_handle_t *h) { bn_alloc_free(h->data); }

struct bn_io *bn_io_new(struct bn_loop *l, int fd, void (*cb)(void *arg, int events), void *arg) {
    struct bn_io *io = bn_alloc_zero(1, sizeof *io);
    io->cb = cb;
    io->arg = arg;
    BN_ASSERT(uv_poll_init(&l->uv, &io->poll, fd) == 0);
    io->poll.data = io;
    return io;
}

void bn_io_set(struct bn_io *io, int events) {
    if (io->events == events) return;
    io->events = events;
    int uv_events = (events & BN_IO_READ ? UV_READABLE : 0) | (events & BN_IO_WRITE ? UV_WRITABLE : 0);
    int rc = uv_events ? uv_poll_start(&io->poll, uv_events, io_cb) : uv_poll_stop(&io->poll);
    BN_ASSERT(rc == 0);
}

void bn_io_free(struct bn_io *io) {
    if (!io) return;
    /* Takes the descriptor out of epoll now; the memory goes at the end of the turn. */
    uv_poll_stop(&io->poll);
    uv_close((uv_handle_t *)&io->poll, free_handle);
}

struct bn_signal {
    uv_signal_t uv;
    void (*cb)(void *arg, int signum);
    void *arg;
};

static void signal_cb(uv_signal_t *u, int signum) {
    struct bn_signal *s = u->data;
    s->cb(s->arg, signum);
}

struct bn_signal *bn_signal_new(struct bn_loop *l, int signum, void (*cb)(void *arg, int signum), void *arg) {
    struct bn_signal *s = bn_alloc_zero(1, sizeof *s);
    s->cb = cb;
    s->arg = arg;
    BN_ASSERT(uv_signal_init(&l->uv, &s->uv) == 0);
    s->uv.data = s;
    BN_ASSERT(uv_signal_start(&s->uv, signal_cb, signum) == 0);
    return s;
}

void bn_signal_free(struct bn_signal *s) {
    if (!s) return;
    uv_signal_stop(&s->uv);
    uv_close((uv_handle_t *)&s->uv, free_handle);
}
