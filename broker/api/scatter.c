/* scatter.c: one request fanned out to the shards that own its partitions, and gathered. A lane is one shard's part of
 * the work: one message there and one back, however many partitions it has. With one shard nothing is posted at all.
 */
#include "broker/api/scatter.h"

#include "common/base/check.h"

struct bn_scatter_lane {
    struct bn_msg there, back;
    struct bn_scatter *scatter;
    struct bn_shard *shard;
    struct bn_scatter_part *first, *last;
    int outstanding; /* parts of this lane that have not ended; the owning shard's */
};

static struct bn_scatter_part *part_at(const struct bn_scatter *s, int i) {
    return (struct bn_scatter_part *)(void *)((char *)s->parts + (size_t)i * s->part_size);
}

static void lane_ended(struct bn_scatter *s) {
    if (--s->outstanding == 0) s->gather(s);
}

static void lane_back(struct bn_msg *m) { lane_ended(BN_CONTAINER_OF(m, struct bn_scatter_lane, back)->scatter); }

/* Holds one count itself while it starts the parts, so that parts ending at once don't end the lane under it. */
static void lane_run(struct bn_scatter_lane *lane) {
    struct bn_scatter *s = lane->scatter;
    struct bn_roster *roster = s->request->deps->rosters[lane->shard->index]; /* NULL: the broker stops */
    lane->outstanding = 1;
    for (struct bn_scatter_part *part = lane->first, *next; part; part = next) {
        next = part->next;
        lane->outstanding++;
        s->run(part, roster ? bn_roster_find(roster, &part->topic_id, part->partition) : NULL);
    }
    if (--lane->outstanding > 0) return;
    if (lane->shard == s->request->shard)
        lane_ended(s);
    else
        bn_shard_post(s->request->shard, &lane->back);
}

static void lane_there(struct bn_msg *m) { lane_run(BN_CONTAINER_OF(m, struct bn_scatter_lane, there)); }

void bn_scatter_done(struct bn_scatter_part *part) {
    struct bn_scatter *s = part->scatter;
    struct bn_scatter_lane *lane = &s->lanes[part->shard];
    BN_ON_SHARD(lane->shard);
    if (--lane->outstanding > 0) return;
    if (lane->shard == s->request->shard)
        lane_ended(s);
    else
        bn_shard_post(s->request->shard, &lane->back);
}

bool bn_scatter_run(struct bn_scatter *s) {
    struct bn_request *r = s->request;
    int shards = r->deps->shard_count;
    if (!s->lanes) s->lanes = bn_arena_array(&r->arena, (size_t)shards, sizeof *s->lanes);
    if (!s->lanes) return false;
    for (int i = 0; i < shards; i++) {
        s->lanes[i] = (struct bn_scatter_lane){
            .there.run = lane_there, .back.run = lane_back, .scatter = s, .shard = r->deps->shards[i]};
    }
    s->outstanding = 1; /* this function's own, until every lane was started */
    for (int i = 0; i < s->count; i++) {
        struct bn_scatter_part *part = part_at(s, i);
        part->scatter = s;
        part->next = NULL;
        if (part->skip) continue;
        part->shard = bn_roster_shard_of(&part->topic_id, part->partition, shards);
        struct bn_scatter_lane *lane = &s->lanes[part->shard];
        if (lane->last)
            lane->last->next = part;
        else
            lane->first = part;
        lane->last = part;
    }
    int used = 0;
    for (int i = 0; i < shards; i++) used += s->lanes[i].first != NULL;
    s->outstanding += used;
    for (int i = 0; i < shards; i++) { /* other shards first: they work meanwhile */
        if (s->lanes[i].first && s->lanes[i].shard != r->shard) bn_shard_post(s->lanes[i].shard, &s->lanes[i].there);
    }
    for (int i = 0; i < shards; i++) {
        if (s->lanes[i].first && s->lanes[i].shard == r->shard) lane_run(&s->lanes[i]);
    }
    lane_ended(s);
    return true;
}
