/* cluster_world.c: see the header. The main shard's loop is turned by the test itself. */
#include "tests/unit/broker/cluster/cluster_world.h"

#include <signal.h>

#include "common/base/alloc.h"
#include "common/base/trace.h"

void world_open(struct world *w) {
    signal(SIGPIPE, SIG_IGN);
    bn_trace_set_level(getenv("WORLD_TRACE") ? BN_TRACE_INFO : BN_TRACE_FATAL);
    *w = (struct world){0};
    w->shard = bn_shard_new(0);
    w->server = bn_fake_new(w->shard->loop, bn_clock_real());
}

void world_turn(struct world *w) { bn_loop_turn(w->shard->loop, 1); }

static void controller_state(void *arg, enum bn_zk_state state) {
    struct world_side *s = arg;
    if (s->controller) bn_controller_zk_state(s->controller, state);
}

void world_start_controller(struct world *w, int n) {
    struct world_side *s = &w->controllers[n];
    struct bn_err e = BN_ERR_NONE;
    struct bn_zk_config z = {"fake:1", 1000, controller_state, s};
    s->stopped = false;
    ck_assert_int_eq(bn_fake_open(w->server, &z, &s->zk, &e), 0);
    struct bn_controller_config c = {.env = bn_env_real(),
                                     .machine = "the world's",
                                     .shard = w->shard,
                                     .zk_connect = "fake:1",
                                     .zk_session_timeout_ms = 1000,
                                     .zk = s->zk,
                                     .id = 100 + n,
                                     .host = "127.0.0.1",
                                     .delete_topic_enable = true};
    ck_assert_msg(bn_controller_start(&c, &s->controller, &e) == 0, "%s", e.text);
}

static void controller_stopped(void *arg, struct bn_life *life) {
    struct world_side *s = arg;
    s->controller = NULL;
    s->stopped = true;
    s->life = life;
}

void world_stop_controller(struct world *w, int n) {
    struct world_side *s = &w->controllers[n];
    if (!s->controller) return;
    bn_controller_stop(s->controller, controller_stopped, s);
    WORLD_UNTIL(w, s->stopped);
    bn_life_close(s->life);
}

/* ---- brokers ---- */

static void broker_state(void *arg, enum bn_zk_state state) {
    struct world_broker *b = arg;
    if (b->agent && !b->stopped) bn_agent_zk_state(b->agent, state);
}

static void ready(void *arg, int32_t broker_id, const char *cluster_id) {
    struct world_broker *b = arg;
    static const char *const dirs[] = {"dir-1"};
    struct bn_image_endpoint endpoint = {(char *)"PLAINTEXT", (char *)"PLAINTEXT", (char *)"localhost",
                                         9092 + broker_id};
    struct bn_agent_registration r = {.endpoints = &endpoint,
                                      .endpoint_count = 1,
                                      .rack = "r1",
                                      .jmx_port = -1,
                                      .log_dir_ids = dirs,
                                      .log_dir_count = 1,
                                      .version = "test"};
    b->id = broker_id;
    snprintf(b->cluster_id, sizeof b->cluster_id, "%s", cluster_id);
    bn_agent_register(b->agent, &r);
}

static void on_registered(void *arg, int64_t broker_epoch, int64_t incarnation) {
    struct world_broker *b = arg;
    ck_assert_int_gt(broker_epoch, b->epoch);
    ck_assert_int_gt(incarnation, b->incarnation);
    b->epoch = broker_epoch;
    b->incarnation = incarnation;
    b->registrations++;
}

static void on_image(void *arg, struct bn_image *old, struct bn_image *now, const Bn__ImageDelta *delta,
                     struct bn_agent_step *step) {
    struct world_broker *b = arg;
    ck_assert_ptr_eq(old, b->image);
    ck_assert(!now->partial);
    ck_assert_int_eq(now->for_incarnation, b->incarnation);
    bn_image_unref(b->image);
    bn_image_ref(now);
    b->image = now;
    b->images++;
    b->removed_seen += (int32_t)delta->n_removed_topics;
    for (size_t i = 0; i < delta->n_removed_topics; i++) {
        struct bn_uuid id;
        memcpy(id.bytes, delta->removed_topics[i]->id.data, 16);
        bn_forward_deleted(b->agent, &id, delta->removed_topics[i]->name, -1);
    }
    if (b->hold_steps)
        b->held[b->held_count++] = step;
    else
        bn_agent_applied(step);
}

static void fatal(void *arg, const char *why) {
    struct world_broker *b = arg;
    snprintf(b->fatal, sizeof b->fatal, "%s", why);
}

void world_start_broker(struct world *w, int n, int32_t id) {
    struct world_broker *b = &w->brokers[n];
    struct bn_err e = BN_ERR_NONE;
    struct bn_zk_config z = {"fake:1", 1000, broker_state, b};
    static const struct bn_agent_pair defaults[] = {{"num.partitions", "2"}, {"default.replication.factor", "1"}};
    *b = (struct world_broker){.epoch = -1, .incarnation = 0, .id = -1};
    ck_assert_int_eq(bn_fake_open(w->server, &z, &b->zk, &e), 0);
    struct bn_agent_config c = {.env = bn_env_real(),
                                .shard = w->shard,
                                .zk_connect = "fake:1",
                                .zk_session_timeout_ms = 1000,
                                .zk = b->zk,
                                .broker_id = id,
                                .reserved_max = 1000,
                                .defaults = defaults,
                                .default_count = 2,
                                .ready = ready,
                                .registered = on_registered,
                                .image = on_image,
                                .fatal = fatal,
                                .arg = b};
    ck_assert_int_eq(bn_agent_start(&c, &b->agent, &e), 0);
    b->started = true;
}

static void broker_stopped(void *arg) { ((struct world_broker *)arg)->stopped = true; }

void world_stop_broker(struct world *w, int n) {
    struct world_broker *b = &w->brokers[n];
    if (!b->started) return;
    b->life = bn_agent_life(b->agent);
    bn_agent_stop(b->agent, broker_stopped, b);
    for (int i = 0; i < b->held_count; i++) bn_agent_applied(b->held[i]);
    b->held_count = 0;
    WORLD_UNTIL(w, b->stopped);
    bn_image_unref(b->image);
    if (b->life) bn_life_close(b->life);
    b->image = NULL;
    b->started = false;
}

void world_close(struct world *w) {
    for (int n = 0; n < WORLD_BROKERS; n++) world_stop_broker(w, n);
    for (int n = 0; n < 2; n++) world_stop_controller(w, n);
    bn_fake_free(w->server);
    bn_shard_free(w->shard);
    bn_trace_set_level(BN_TRACE_INFO);
}

bool world_is_serving(const struct world *w, int n) {
    const struct world_broker *b = &w->brokers[n];
    return b->started && bn_agent_connected(b->agent) && b->image;
}

void world_pass(struct world *w, uint64_t ms) {
    uint64_t began = bn_loop_now_ms(w->shard->loop);
    WORLD_UNTIL(w, bn_loop_now_ms(w->shard->loop) - began >= ms);
}
