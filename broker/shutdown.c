/* shutdown.c: the order in which a broker stops (4-storage 4.10):
 *
 * accept nothing -> close connections -> checkpoint -> stop rosters (flush and close every log) -> the pool's last
 * jobs -> clean marker, locks -> end the ZooKeeper session -> stop the shards -> close the life port, last of all.
 *
 * High watermarks are checkpointed while the logs are still open; what is appended after that is told by the logs
 * themselves, because a cleanly closed log needs no recovery point. A stop that comes before the broker was composed
 * skips what is not there. */
#include <unistd.h>

#include "broker/broker_int.h"
#include "common/base/trace.h"

/* The life port outlives everything that could still act for this broker; bn_broker_run closes it. */
static void agent_stopped(void *arg) {
    struct bn_broker *b = arg;
    b->agent = NULL;
    bn_loop_stop(b->shards[0]->loop);
}

static void leave_cluster(struct bn_broker *b) {
    bn_pool_free(b->pool);
    b->pool = NULL;
    bn_logdirs_close(b->logdirs, b->clean, b->broker_epoch);
    b->logdirs = NULL;
    if (!b->agent) {
        bn_loop_stop(b->shards[0]->loop);
        return;
    }
    b->life = bn_agent_life(b->agent);
    bn_agent_stop(b->agent, agent_stopped, b);
}

static void roster_stopped(void *arg, bool clean) { /* on its shard */
    struct bn_round_lane *lane = arg;
    struct bn_broker *b = lane->place->broker;
    b->rosters[lane->place->shard->index] = NULL; /* whoever still asks for a partition here finds none */
    lane->user = clean ? b : NULL;
    bn_round_end(lane);
}

static void stop_roster(struct bn_round_lane *lane) {
    struct bn_broker *b = lane->place->broker;
    bn_roster_stop(b->rosters[lane->place->shard->index], roster_stopped, lane);
}

static void rosters_stopped(struct bn_round *r) {
    for (int i = 0; i < r->broker->shard_count; i++) {
        if (!r->lanes[i].user) r->broker->clean = false;
    }
    leave_cluster(r->broker);
}

static void stop_rosters(struct bn_broker *b) { bn_round_start(b, stop_roster, rosters_stopped, NULL); }

static void close_connections(struct bn_round_lane *lane) {
    bn_conns_close_all(lane->place->conns);
    bn_round_end(lane);
}

static void connections_closed(struct bn_round *r) { bn_checkpointer_finish(r->broker, stop_rosters); }

void bn_shutdown_begin(struct bn_broker *b) {
    BN_ON_SHARD(b->shards[0]);
    if (b->stopping) return;
    b->stopping = true;
    BN_INFO("broker", "[KafkaServer id=%d] shutting down", b->broker_id);
    bn_listener_stop(b->listeners);
    if (b->composed) bn_round_start(b, close_connections, connections_closed, NULL);
    else leave_cluster(b);
}
