/* doors.c: the simulated side of common/sys/loop.h, mailbox.h and shard.h, put in their place by the linker: the
 * product's rooms run on them unchanged. Owns virtual timers, deferred work and mailboxes. Nothing happens by itself:
 * the world decides which thread of which process does what next. As in a real turn, timers, mail and sockets come in
 * any order, each socket at most once before deferred work has run. */
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "tests/sim/world.h"

struct bn_loop {
    struct bn_heap timers;
    struct bn_list tasks;
    struct bn_list round; /* stands behind the tasks of the round that runs */
    struct bn_mailbox *mailbox;
    uint64_t turn;
    bool stopped;
};

struct posted {
    struct bn_msg *msg;
    void (*run)(struct bn_msg *); /* as it was posted: nobody may touch a message under way */
};

struct bn_mailbox {
    struct bn_loop *loop;
    struct posted *list;
    uint32_t count, capacity;
};

struct shard {
    struct bn_shard shard; /* first */
    bool started;
};

/* ---- loop ---- */

struct bn_loop *bn_loop_new(void) {
    struct bn_loop *l = bn_alloc_zero(1, sizeof *l);
    bn_heap_init(&l->timers);
    bn_list_init(&l->tasks);
    bn_list_init(&l->round);
    return l;
}

void bn_loop_free(struct bn_loop *l) {
    BN_ASSERT(l->timers.count == 0);
    bn_heap_fini(&l->timers);
    bn_alloc_free(l);
}

void bn_loop_stop(struct bn_loop *l) { l->stopped = true; }

uint64_t bn_loop_now_ms(const struct bn_loop *l) {
    (void)l;
    return sim_here->now_ms;
}

uint64_t bn_loop_fresh_ms(struct bn_loop *l) { return bn_loop_now_ms(l); }

bool bn_loop_is_here(const struct bn_loop *l) { return sim_here->shard && sim_here->shard->loop == l; }

void bn_timer_init(struct bn_timer *t, struct bn_loop *l, void (*cb)(struct bn_timer *)) {
    bn_heap_node_init(&t->node);
    t->loop = l;
    t->cb = cb;
}

void bn_timer_start(struct bn_timer *t, uint64_t after_ms) {
    uint64_t now = sim_here->now_ms;
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

bool sim_doors_timer(struct bn_loop *l) {
    struct bn_heap_node *n = bn_heap_min(&l->timers);
    if (!n || n->key > sim_here->now_ms) return false;
    bn_heap_remove(&l->timers, n);
    struct bn_timer *t = BN_CONTAINER_OF(n, struct bn_timer, node);
    t->cb(t);
    return true;
}

uint64_t sim_doors_next(const struct bn_loop *l) {
    const struct bn_heap_node *n = bn_heap_min(&l->timers);
    return n ? n->key : UINT64_MAX;
}

/* Work that is queued meanwhile waits for the next call, as it waits for the next turn of a real loop. */
bool sim_doors_tasks(struct bn_loop *l) {
    bool any = !bn_list_empty(&l->tasks);
    l->turn++;
    bn_list_push_back(&l->tasks, &l->round);
    while (l->tasks.next != &l->round) {
        struct bn_task *t = BN_CONTAINER_OF(bn_list_pop_front(&l->tasks), struct bn_task, link);
        t->queued = false;
        t->run(t);
    }
    bn_list_remove(&l->round);
    return any;
}

uint64_t sim_doors_turn(const struct bn_loop *l) { return l->turn; }

/* ---- mailbox ---- */

struct bn_mailbox *bn_mailbox_new(struct bn_loop *l) {
    struct bn_mailbox *mb = bn_alloc_zero(1, sizeof *mb);
    mb->loop = l;
    l->mailbox = mb;
    return mb;
}

void bn_mailbox_free(struct bn_mailbox *mb) {
    while (mb->count) bn_mailbox_drain(mb);
    bn_alloc_free(mb->list);
    bn_alloc_free(mb);
}

void bn_mailbox_drain(struct bn_mailbox *mb) {
    struct posted *list = mb->list;
    uint32_t count = mb->count;
    mb->list = NULL;
    mb->count = mb->capacity = 0;
    for (uint32_t i = 0; i < count; i++) {
        BN_ASSERT(list[i].msg->run == list[i].run);
        list[i].run(list[i].msg);
    }
    bn_alloc_free(list);
}

void bn_mailbox_post(struct bn_mailbox *mb, struct bn_msg *m) {
    for (uint32_t i = 0; i < mb->count; i++) BN_ASSERT(mb->list[i].msg != m);
    if (mb->count == mb->capacity) {
        mb->capacity = mb->capacity ? 2 * mb->capacity : 8;
        mb->list = bn_alloc_resize(mb->list, mb->capacity * sizeof *mb->list);
    }
    m->next = NULL;
    mb->list[mb->count++] = (struct posted){m, m->run};
}

bool sim_doors_mail(struct bn_loop *l) {
    if (!l->mailbox->count) return false;
    bn_mailbox_drain(l->mailbox);
    return true;
}

/* ---- shard ---- */

struct bn_shard *bn_shard_new(int index) {
    struct sim_proc *p = sim_here->current;
    struct shard *s = bn_alloc_zero(1, sizeof *s);
    BN_ASSERT(p->shard_count < SIM_SHARDS);
    s->shard.index = index;
    s->shard.loop = bn_loop_new();
    s->shard.mailbox = bn_mailbox_new(s->shard.loop);
    p->shards[p->shard_count++] = &s->shard;
    return &s->shard;
}

void bn_shard_start(struct bn_shard *s) { BN_CONTAINER_OF(s, struct shard, shard)->started = true; }

/* A thread runs when the world lets it: here nobody gives his own thread away. */
void bn_shard_run_here(struct bn_shard *s) {
    (void)s;
    BN_ASSERT(false);
}

void bn_shard_stop(struct bn_shard *s) {
    struct sim_where before = sim_enter(sim_here, sim_here->current, s);
    BN_CONTAINER_OF(s, struct shard, shard)->started = false;
    bn_mailbox_drain(s->mailbox);
    sim_leave(sim_here, before);
}

void bn_shard_free(struct bn_shard *s) {
    if (!s) return;
    struct sim_where before = sim_enter(sim_here, sim_here->current, s);
    bn_mailbox_free(s->mailbox);
    bn_loop_free(s->loop);
    sim_leave(sim_here, before);
    bn_alloc_free(BN_CONTAINER_OF(s, struct shard, shard));
}

struct bn_shard *bn_shard_current(void) {
    return sim_here->shard;
}
bool sim_doors_started(const struct bn_shard *s) { return BN_CONTAINER_OF(s, const struct shard, shard)->started; }
bool sim_doors_stopped(const struct bn_shard *s) { return s->loop->stopped; }
