/* shutdown.c: the order in which a broker stops (4-storage 4.10):
 *
 * controlled shutdown -> accept nothing -> close connections -> checkpoint -> stop rosters (flush and close every log)
 * -> the pool's last jobs -> clean marker, locks -> end the ZooKeeper session -> stop the shards -> close the life
 * port, last of all.
 *
 * High watermarks are checkpointed while the logs are still open; what is appended after that is told by the logs
 * themselves, because a cleanly closed log needs no recovery point. A stop that comes before the broker was composed
 * skips what is not there.
 *
 * Controlled shutdown (controlled.shutdown.enable): the controller is asked to move this broker's leaderships, while it
 * serves on; its answer comes behind the image that tells the new leaders. It is asked at most
 * controlled.shutdown.max.retries times, each waiting controlled.shutdown.retry.backoff.ms for an answer, or as long
 * before the next try when something is left that may still move: so a controller that is not there delays the stop by
 * no more than their product. A second signal changes nothing (Ctrl-C sends two). A broker that cannot go on does not
 * ask. */
#include <unistd.h>

#include "broker/broker_int.h"
#include "broker/cluster/forward.h"
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
    if (open && b->drain_rounds++ < DRAIN_ROUNDS_MAX)
        bn_timer_start(&b->drain_timer, DRAIN_MS);
    else
        leave_cluster(b);
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
    int index = lane->place->shard->index;
    bn_coordinator_free(b->coordinators[index]);
    b->coordinators[index] = NULL; /* whoever still asks for a group is told to look elsewhere */
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

static void stop_serving(struct bn_broker *b) {
    if (b->stopping) return;
    b->stopping = true;
    bn_timer_stop(&b->leave_timer);
    bn_cleaner_stop(b);
    BN_INFO("broker", "[KafkaServer id=%d] shutting down", b->broker_id);
    bn_listener_stop(b->listeners);
    if (b->composed)
        bn_round_start(b, close_connections, connections_closed, NULL);
    else
        leave_cluster(b);
}

/* ---- controlled shutdown ---- */

static uint32_t backoff_ms(const struct bn_broker *b) {
    int64_t ms = bn_conf_i64(b->settings->conf, BN_CONF_CONTROLLED_SHUTDOWN_RETRY_BACKOFF_MS);
    return (uint32_t)bn_max_i64(bn_min_i64(ms, INT32_MAX), 1);
}

static void ask_to_leave(struct bn_broker *b);

static void on_leave(void *arg, int16_t error, int32_t remaining, int32_t may_move) {
    struct bn_broker *b = arg;
    if (b->stopping) return;
    if (error == KE_NONE && remaining == 0) {
        BN_INFO("broker", "[KafkaServer id=%d] Controlled shutdown succeeded", b->broker_id);
        stop_serving(b);
    } else if (error == KE_NONE && may_move == 0) {
        BN_WARN("broker", "[KafkaServer id=%d] no other replica lives of %d partitions: they will be without a leader",
                b->broker_id, remaining);
        stop_serving(b);
    } else if (b->leave_tries <= 0 || error == KE_STALE_BROKER_EPOCH) {
        BN_WARN(
            "broker",
            "[KafkaServer id=%d] Proceeding to do an unclean shutdown as all the controlled shutdown attempts failed",
            b->broker_id);
        stop_serving(b);
    } else if (error == KE_NONE) {
        BN_INFO("broker", "[KafkaServer id=%d] still the leader of %d partitions; asking again", b->broker_id,
                remaining);
        bn_timer_start(&b->leave_timer, backoff_ms(b));
    } else {
        BN_WARN("broker", "[KafkaServer id=%d] no controller answers to a controlled shutdown; asking again",
                b->broker_id);
        ask_to_leave(b);
    }
}

static void ask_to_leave(struct bn_broker *b) {
    b->leave_tries--;
    bn_forward_controlled_shutdown(b->agent, b->shards[0], backoff_ms(b), on_leave, b);
}

static void leave_again(struct bn_timer *t) { ask_to_leave(BN_CONTAINER_OF(t, struct bn_broker, leave_timer)); }

void bn_shutdown_begin(struct bn_broker *b) {
    BN_ON_SHARD(b->shards[0]);
    const struct bn_conf *conf = b->settings->conf;
    bool enabled = bn_conf_bool(conf, BN_CONF_CONTROLLED_SHUTDOWN_ENABLE);
    if (b->leaving && !b->exit_code) return;
    b->leave_tries = bn_conf_int(conf, BN_CONF_CONTROLLED_SHUTDOWN_MAX_RETRIES);
    if (!b->serving || b->exit_code || !enabled || b->leave_tries <= 0) {
        stop_serving(b);
        return;
    }
    b->leaving = true;
    bn_timer_init(&b->leave_timer, b->shards[0]->loop, leave_again);
    BN_INFO("broker", "[KafkaServer id=%d] Starting controlled shutdown", b->broker_id);
    ask_to_leave(b);
}
