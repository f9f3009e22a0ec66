/* cleaning.c: finds what to compact among a shard's partitions and sees one cleaning through. A partition that goes
 * away waits for its cleaning's end like for a flush (roster.c). When and how many at once is the broker's business. */
#include "broker/replica/cleaning.h"

#include "broker/replica/partition_int.h"

struct looking {
    struct bn_cleaning_candidate *best;
    int64_t now_ms;
};

static void look_at(struct bn_partition *p, void *arg) {
    struct looking *l = arg;
    struct bn_log_dirt dirt;
    if (!p->log || p->role == BN_PARTITION_OFFLINE || p->role == BN_PARTITION_LOADING) return;
    bn_log_dirt(p->log, p->high_watermark, l->now_ms, &dirt);
    if (!dirt.wanted || (l->best->found && dirt.ratio <= l->best->ratio)) return;
    *l->best = (struct bn_cleaning_candidate){true, dirt.ratio, p->key.topic_id, p->key.index};
}

void bn_cleaning_look(struct bn_roster *r, struct bn_cleaning_candidate *out) {
    *out = (struct bn_cleaning_candidate){.found = false};
    if (!r) return;
    struct looking l = {out, bn_clock_wall_ms(bn_roster_env(r)->clock)};
    bn_roster_each(r, look_at, &l);
}

static void compacted(struct bn_log_compaction *log, int status) {
    struct bn_cleaning *c = BN_CONTAINER_OF(log, struct bn_cleaning, log);
    struct bn_partition *p = c->partition;
    if (p->fate != BN_PARTITION_STAYS)
        p->idle(p);
    else if (bn_log_failed(p->log))
        bn_partition_offline(p, "replacing segments failed");
    c->done(c, status);
}

void bn_cleaning_start(struct bn_roster *r, const struct bn_cleaning_candidate *which, struct bn_cleaning *c) {
    struct bn_partition *p = r ? bn_roster_find(r, &which->topic_id, which->partition) : NULL;
    c->log.advanced = false;
    if (!p || !p->log || p->role == BN_PARTITION_OFFLINE || bn_log_compacting(p->log)) {
        c->done(c, BN_NOTFOUND);
        return;
    }
    c->partition = p;
    c->log.high_watermark = p->high_watermark;
    c->log.now_ms = bn_clock_wall_ms(bn_roster_env(r)->clock);
    c->log.done = compacted;
    bn_log_compact(p->log, &c->log);
}
