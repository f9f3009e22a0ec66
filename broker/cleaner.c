/* cleaner.c: the log cleaner (4-storage 4.12). As long as fewer than log.cleaner.threads logs are being cleaned, every
 * shard is asked for its dirtiest one, and the dirtiest of all is cleaned next; when there is none, or a cleaning won
 * nothing, the shards are left alone for log.cleaner.backoff.ms. Keys are read anew each time, so that they may be set
 * at run time. The work is done on the pool, which is that much larger; on the main shard is only what is written here.
 */
#include <math.h>

#include "broker/broker_int.h"
#include "broker/replica/cleaning.h"
#include "common/base/alloc.h"

struct cleaning {
    struct bn_msg there, back;
    struct bn_broker *broker;
    struct bn_broker_place *place;
    struct bn_cleaning_candidate which;
    struct bn_cleaning run;
};

static const struct bn_conf *conf_of(const struct bn_broker *b) { return b->places[0].live->conf; }

static int threads_of(const struct bn_broker *b) {
    return (int)bn_max_i64(bn_conf_i64(conf_of(b), BN_CONF_LOG_CLEANER_THREADS), 0);
}

static void look(struct bn_broker *b);

static void rest(struct bn_broker *b) {
    uint64_t ms = (uint64_t)bn_conf_i64(conf_of(b), BN_CONF_LOG_CLEANER_BACKOFF_MS);
    if (!b->stopping) bn_timer_start(&b->cleaner.timer, ms ? ms : 1);
}

static void cleaned(struct bn_msg *m) { /* the main shard */
    struct cleaning *c = BN_CONTAINER_OF(m, struct cleaning, back);
    struct bn_broker *b = c->broker;
    bool advanced = c->run.log.advanced;
    b->cleaner.running--;
    bn_alloc_free(c);
    if (advanced)
        look(b);
    else if (!b->cleaner.looking)
        rest(b);
}

static void run_done(struct bn_cleaning *run, int status) { /* its shard; what went wrong was told there */
    struct cleaning *c = BN_CONTAINER_OF(run, struct cleaning, run);
    (void)status;
    c->back.run = cleaned;
    bn_shard_post(c->broker->shards[0], &c->back);
}

static void run_start(struct bn_msg *m) { /* its shard */
    struct cleaning *c = BN_CONTAINER_OF(m, struct cleaning, there);
    bn_cleaning_start(c->broker->rosters[c->place->shard->index], &c->which, &c->run);
}

/* What there is of memory and bandwidth is shared by as many threads as may clean. */
static void clean(struct bn_broker *b, struct bn_broker_place *place, const struct bn_cleaning_candidate *which) {
    const struct bn_conf *conf = conf_of(b);
    size_t threads = (size_t)bn_max_i64(threads_of(b), 1);
    double rate = bn_conf_f64(conf, BN_CONF_LOG_CLEANER_IO_MAX_BYTES_PER_SECOND);
    double load = bn_conf_f64(conf, BN_CONF_LOG_CLEANER_IO_BUFFER_LOAD_FACTOR);
    struct cleaning *c = bn_alloc_zero(1, sizeof *c);
    c->broker = b;
    c->place = place;
    c->which = *which;
    c->run.done = run_done;
    c->run.log.pool = b->pool;
    c->run.log.map_bytes = (size_t)bn_conf_i64(conf, BN_CONF_LOG_CLEANER_DEDUPE_BUFFER_SIZE) / threads;
    c->run.log.buffer_bytes = (size_t)bn_conf_i64(conf, BN_CONF_LOG_CLEANER_IO_BUFFER_SIZE) / threads / 2;
    c->run.log.map_load = fmin(fmax(load, 0.01), 1);
    c->run.log.bytes_per_second = rate < 1e18 ? rate / (double)threads : 0;
    c->there.run = run_start;
    b->cleaner.running++;
    bn_shard_post(place->shard, &c->there);
}

static void look_here(struct bn_round_lane *lane) { /* each shard */
    struct bn_cleaning_candidate *found = bn_alloc(sizeof *found);
    bn_cleaning_look(lane->place->broker->rosters[lane->place->shard->index], found);
    lane->user = found;
    bn_round_end(lane);
}

static void looked(struct bn_round *r) {
    struct bn_broker *b = r->broker;
    struct bn_cleaning_candidate best = {.found = false};
    struct bn_broker_place *place = NULL;
    for (int i = 0; i < b->shard_count; i++) {
        struct bn_cleaning_candidate *found = r->lanes[i].user;
        if (found->found && (!best.found || found->ratio > best.ratio)) {
            best = *found;
            place = r->lanes[i].place;
        }
        bn_alloc_free(found);
    }
    b->cleaner.looking = false;
    if (b->stopping) return;
    if (!best.found) {
        rest(b);
        return;
    }
    clean(b, place, &best);
    look(b); /* for the next thread */
}

static void look(struct bn_broker *b) {
    if (b->stopping || b->cleaner.looking || b->cleaner.running >= threads_of(b)) return;
    bn_timer_stop(&b->cleaner.timer);
    b->cleaner.looking = true;
    bn_round_start(b, look_here, looked, NULL);
}

static void due(struct bn_timer *t) {
    struct bn_broker *b = BN_CONTAINER_OF(t, struct bn_broker, cleaner.timer);
    look(b);
    /* No threads now: perhaps later. */
    if (!b->cleaner.looking && b->cleaner.running == 0) rest(b);
}

void bn_cleaner_start(struct bn_broker *b) {
    bn_timer_init(&b->cleaner.timer, b->shards[0]->loop, due);
    b->cleaner.started = bn_conf_bool(b->settings->conf, BN_CONF_LOG_CLEANER_ENABLE);
    if (b->cleaner.started) rest(b);
}

void bn_cleaner_stop(struct bn_broker *b) {
    if (b->cleaner.started) bn_timer_stop(&b->cleaner.timer);
}
