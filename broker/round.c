/* round.c: one question to every shard, and one answer from each; the main shard asks. A lane's two messages are its
 * own, so that a round allocates once. */
#include "broker/broker_int.h"
#include "common/base/alloc.h"

static void lane_back(struct bn_msg *m) {
    struct bn_round *r = BN_CONTAINER_OF(m, struct bn_round_lane, back)->round;
    if (--r->outstanding > 0) return;
    r->all(r);
    bn_alloc_free(r);
}

static void lane_there(struct bn_msg *m) {
    struct bn_round_lane *lane = BN_CONTAINER_OF(m, struct bn_round_lane, there);
    lane->round->ask(lane);
}

void bn_round_end(struct bn_round_lane *lane) {
    BN_ON_SHARD(lane->place->shard);
    lane->back.run = lane_back;
    bn_shard_post(lane->round->broker->shards[0], &lane->back);
}

void bn_round_start(struct bn_broker *b, void (*ask)(struct bn_round_lane *), void (*all)(struct bn_round *),
                    void *arg) {
    size_t lanes = (size_t)b->shard_count * sizeof(struct bn_round_lane);
    struct bn_round *r = bn_alloc_zero(1, sizeof *r + lanes);
    r->broker = b;
    r->ask = ask;
    r->all = all;
    r->arg = arg;
    r->outstanding = b->shard_count;
    for (int i = 0; i < b->shard_count; i++) {
        r->lanes[i].round = r;
        r->lanes[i].place = &b->places[i];
        r->lanes[i].there.run = lane_there;
        bn_shard_post(b->shards[i], &r->lanes[i].there);
    }
}
