/* jobs.c: the simulated side of common/sys/pool.h. A job runs whole, at a moment that the world chooses: soon, or on a
 * slow disk much later. Jobs of one key run one after the other; all others in any order. */
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/sys/pool.h"
#include "tests/sim/world.h"

struct waiting {
    struct bn_job *job;
    uint64_t key, due_ms;
};

struct bn_pool {
    struct sim_proc *proc;
    struct waiting *list; /* in the order of submission */
    uint32_t count;
};

struct bn_pool *bn_pool_new(int threads) {
    struct bn_pool *p = bn_alloc_zero(1, sizeof *p);
    BN_ASSERT(threads > 0 && !sim_here->current->pool);
    p->proc = sim_here->current;
    p->proc->pool = p;
    return p;
}

static uint64_t patience(const struct sim_proc *p) {
    struct sim_world *w = sim_here;
    if (w->healing) return 0;
    if (p->slow_ms > w->now_ms) return sim_below(w, 3000);
    return sim_chance(w, 2) ? 0 : sim_below(w, 30);
}

void bn_pool_submit(struct bn_pool *p, struct bn_job *job) {
    BN_ASSERT(job->run != NULL && (!job->reply_to || job->done));
    p->list = bn_alloc_resize(p->list, (p->count + 1) * sizeof *p->list);
    p->list[p->count++] = (struct waiting){job, job->key, sim_here->now_ms + patience(p->proc)};
}

static void run_done(struct bn_msg *m) {
    struct bn_job *job = BN_CONTAINER_OF(m, struct bn_job, msg);
    job->done(job);
}

static void run(struct bn_pool *p, uint32_t i) {
    struct bn_job *job = p->list[i].job;
    struct bn_mailbox *reply_to = job->reply_to;
    memmove(&p->list[i], &p->list[i + 1], (p->count - i - 1) * sizeof *p->list);
    p->count--;
    struct sim_where before = sim_enter(sim_here, p->proc, NULL);
    job->run(job);
    if (reply_to) {
        job->msg.run = run_done;
        bn_mailbox_post(reply_to, &job->msg);
    }
    sim_leave(sim_here, before);
}

void bn_pool_free(struct bn_pool *p) {
    if (!p) return;
    while (p->count) run(p, 0);
    p->proc->pool = NULL;
    bn_alloc_free(p->list);
    bn_alloc_free(p);
}

/* Is an earlier job of its key there? */
static bool is_behind(const struct bn_pool *p, uint32_t i) {
    for (uint32_t k = 0; k < i && p->list[i].key; k++)
        if (p->list[k].key == p->list[i].key) return true;
    return false;
}

bool sim_jobs_step(struct sim_proc *p) {
    uint32_t ready[32], count = 0;
    for (uint32_t i = 0; p->pool && i < p->pool->count && count < BN_ARRAY_LEN(ready); i++)
        if (p->pool->list[i].due_ms <= sim_here->now_ms && !is_behind(p->pool, i)) ready[count++] = i;
    if (count == 0) return false;
    run(p->pool, ready[sim_below(sim_here, count)]);
    return true;
}

uint64_t sim_jobs_next(const struct sim_proc *p) {
    uint64_t next = UINT64_MAX;
    for (uint32_t i = 0; p->pool && i < p->pool->count; i++)
        if (p->pool->list[i].due_ms < next && !is_behind(p->pool, i)) next = p->pool->list[i].due_ms;
    return next;
}
