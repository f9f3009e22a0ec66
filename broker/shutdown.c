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

/* Requests without a connection end by themselves, at once; whoever does not in this time belongs to a controller that
 * does not answer, and is answered when the agent stops. */
enum { DRAIN_MS = 10, DRAIN_ROUNDS_MAX = 100 };

/* The life port outlives everything that could still act for this broker; bn_broker_run closes it. */
static void agent_stopped(void *arg) {
    struct bn_broker *b = arg;
    b->agent = NULL;
    bn_loop_stop(b->shards[0]->loop);
}

static void leave_cluster(struct bn_broker *b) {
    bn_pool_free(b->pool);
    b->pool = NULL;
    /* Logs that no image asked for were never looked at: only a marker that was true before would be true of them. */
    bn_logdirs_close(b->logdirs, b->clean && b->serving, b->broker_epoch);
    b->logdirs = NULL;
    if (!b->agent) {
        bn_loop_stop(b->shards[0]->loop);
        return;
    }
    b->life = bn_agent_life(b->agent);
    bn_agent_stop(b->agent, agent_stopped, b);
}

/* ---- requests that outlived their connections ---- */

static void count_open(struct bn_round_lane *lane) {
    lane->user = bn_api_open_count(lane->place->api) > 0 ? lane : NULL;
    bn_round_end(lane);
}

static void counted(struct bn_round *r) {
    struct bn_broker *b = r->broker;
    bool open = false;
    for (int i = 0; i < b->shard_count; i++) open = open || r->lanes[i].user;
    if (open && b->drain_rounds++ < DRAIN_ROUNDS_MAX) bn_timer_start(&b->drain_timer, DRAIN_MS);
    else leave_cluster(b);
}

static void drain_again(struct bn_timer *t) {
    bn_round_start(BN_CONTAINER_OF(t, struct bn_broker, drain_timer), count_open, counted, NULL);
}

static void drain(struct bn_broker *b) {
    bn_timer_init(&b->drain_timer, b->shards[0]->loop, drain_again);
    bn_round_start(b, count_open, counted, NULL);
}

/* ---- rosters and connections ---- */

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
    r->broker->drain_rounds = 0;
    drain(r->broker);
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
