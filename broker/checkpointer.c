/* checkpointer.c: recovery points, log start offsets and high watermarks of all partitions, gathered from the shards
 * and handed to the log directories on the pool, which write what has changed and remove what is due (4-storage 4.9).
 * One round at a time. */
#include "broker/broker_int.h"
#include "common/base/alloc.h"
#include "common/base/trace.h"

struct points { /* of one shard */
    struct bn_logdir_point *list;
    size_t count, capacity;
};

struct writing {
    struct bn_job job;
    struct bn_broker *broker;
    struct points all;
    int status;
};

static void gather(struct bn_round_lane *lane) { /* on each shard */
    struct bn_broker *b = lane->place->broker;
    struct points *p = bn_alloc_zero(1, sizeof *p);
    struct bn_roster *roster = b->rosters[lane->place->shard->index];
    if (roster) bn_roster_points(roster, &p->list, &p->count, &p->capacity);
    lane->user = p;
    bn_round_end(lane);
}

static void free_points(struct points *p) {
    for (size_t i = 0; i < p->count; i++) bn_alloc_free((char *)(uintptr_t)p->list[i].topic);
    bn_alloc_free(p->list);
    *p = (struct points){0};
}

static void write_run(struct bn_job *job) { /* pool thread */
    struct writing *w = BN_CONTAINER_OF(job, struct writing, job);
    struct bn_err e = BN_ERR_NONE;
    w->status = bn_logdirs_checkpoint(w->broker->logdirs, w->all.list, w->all.count, &e);
    if (w->status) BN_ERROR("checkpointer", "Writing checkpoints failed: %s", e.text);
}

static void ended(struct bn_broker *b) {
    b->checkpointing = false;
    void (*told)(struct bn_broker *) = b->checkpointed;
    b->checkpointed = NULL;
    if (told) told(b);
    else if (!b->stopping) bn_timer_start(&b->checkpoint_timer, b->settings->checkpoint_ms);
}

static void write_done(struct bn_job *job) {
    struct writing *w = BN_CONTAINER_OF(job, struct writing, job);
    struct bn_broker *b = w->broker;
    if (w->status) b->clean = false;
    free_points(&w->all);
    bn_alloc_free(w);
    ended(b);
}

/* Joins the shards' lists; the shards' copies of names move along. */
static void join(struct bn_round *r, struct points *all) {
    for (int i = 0; i < r->broker->shard_count; i++) all->capacity += ((struct points *)r->lanes[i].user)->count;
    if (all->capacity) all->list = bn_alloc(all->capacity * sizeof *all->list);
    for (int i = 0; i < r->broker->shard_count; i++) {
        struct points *p = r->lanes[i].user;
        if (p->count) memcpy(all->list + all->count, p->list, p->count * sizeof *p->list);
        all->count += p->count;
        bn_alloc_free(p->list);
        bn_alloc_free(p);
    }
}

static void gathered(struct bn_round *r) {
    struct bn_broker *b = r->broker;
    struct writing *w = bn_alloc_zero(1, sizeof *w);
    w->broker = b;
    join(r, &w->all);
    w->job = (struct bn_job){.run = write_run, .done = write_done, .reply_to = b->shards[0]->mailbox};
    bn_pool_submit(b->pool, &w->job);
}

static void begin(struct bn_broker *b) {
    b->checkpointing = true;
    bn_round_start(b, gather, gathered, NULL);
}

static void due(struct bn_timer *t) {
    struct bn_broker *b = BN_CONTAINER_OF(t, struct bn_broker, checkpoint_timer);
    if (!b->checkpointing && !b->stopping) begin(b);
}

void bn_checkpointer_start(struct bn_broker *b) {
    bn_timer_init(&b->checkpoint_timer, b->shards[0]->loop, due);
    bn_timer_start(&b->checkpoint_timer, b->settings->checkpoint_ms);
}

static void finish_now(struct bn_broker *b) {
    b->checkpointed = b->finished;
    begin(b);
}

void bn_checkpointer_finish(struct bn_broker *b, void (*done)(struct bn_broker *b)) {
    if (!b->serving) { /* nothing was opened: nothing to add to what stands in the files */
        done(b);
        return;
    }
    bn_timer_stop(&b->checkpoint_timer);
    b->finished = done;
    if (b->checkpointing) b->checkpointed = finish_now; /* after the one that is under way */
    else finish_now(b);
}
