/* controller.c: composes the shell on one loop: the ZooKeeper client, the election, the ports, and, during a reign, the
 * readings and watches (watch.c), the brain's model, and what performs its outputs (effect.c, channel.c, calls.c).
 *
 *   NONE --elected--> LOADING --all read--> ACTIVE
 *    ^                   |                     |
 *    +---- end_reign ----+---------------------+   lost, given up, RESIGN
 *
 * A reign is never ended inside a callback of those who live in it: end_reign marks it (events are dropped from then
 * on) and a task at the end of the turn takes it apart. After a reign that the controller gave up itself, it is a
 * candidate again a little later; after one that ZooKeeper ended, the leadership goes on by itself. Registered brokers
 * that have not said hello at the begin of a reign are looked for at their life ports, which have been armed while we
 * stood by (armory.c): they may have died together with the controller before us. */
#include "controller/controller.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/trace.h"
#include "common/sys/sock.h"
#include "common/zk/znode.h"
#include "common/zk/znode_path.h"
#include "controller/armory.h"
#include "controller/calls.h"
#include "controller/channel.h"
#include "controller/config_rules.h"
#include "controller/controller_int.h"
#include "controller/effect.h"
#include "controller/elect_watch.h"
#include "controller/group_list.h"
#include "controller/probe.h"
#include "controller/standby.h"
#include "controller/watch.h"

enum { POKE_MS = 1000, AGAIN_MS = 200, ACCEPT_MS = 100, RESIGN_MAX_MS = 3000, BACKLOG = 1024, DEFAULT_ZK_PORT = 2181 };

static void finish_stop(struct bn_controller *c);

/* ---- performing ---- */

static void note(const struct bn_controller *c, const struct bn_output_note *n) {
    enum bn_trace_level level = n->level == BN_OUTPUT_NOTE_ERROR  ? BN_TRACE_ERROR
                                : n->level == BN_OUTPUT_NOTE_WARN ? BN_TRACE_WARN
                                                                  : BN_TRACE_INFO;
    bn_trace(level, "controller", "[Controller id=%d] %s", c->config.id, n->text);
}

static void set_tick(struct bn_controller *c, int64_t at_ms) {
    int64_t now = (int64_t)bn_loop_now_ms(c->loop);
    bn_timer_start(&c->tick_timer, at_ms > now ? (uint64_t)(at_ms - now) : 0);
}

static void reply(struct bn_controller *c, const struct bn_output_reply *r) {
    if (r->kind == BN_OUTPUT_REPLY_HELLO)
        bn_channel_reply_hello(c->channel, r->token, r->error, r->message);
    else
        bn_calls_reply(c->calls, r);
}

static void end_reign(struct bn_controller *c, bool resign) {
    if (c->reign == BN_REIGN_NONE) return;
    c->reign = BN_REIGN_NONE;
    c->must_resign = resign;
    bn_loop_defer(c->loop, &c->end_task);
}

static void perform(struct bn_controller *c, const struct bn_output *o) {
    switch (o->kind) {
    case BN_OUTPUT_MULTI:
        bn_effect_multi(c->effect, &o->u.multi);
        break;
    case BN_OUTPUT_PURGE:
        bn_effect_purge(c->effect, &o->u.purge);
        break;
    case BN_OUTPUT_READ:
        bn_effect_read(c->effect, &o->u.read);
        break;
    case BN_OUTPUT_DELTA:
        bn_channel_delta(c->channel, &o->u.delta);
        break;
    case BN_OUTPUT_IMAGE:
        bn_channel_image(c->channel, &o->u.delta);
        break;
    case BN_OUTPUT_REPLY:
        reply(c, &o->u.reply);
        break;
    case BN_OUTPUT_PROBE:
        bn_probe_hunt(c->probe, o->u.probe.broker, o->u.probe.incarnation);
        break;
    case BN_OUTPUT_CLOSE:
        bn_channel_close(c->channel, o->u.token, "the controller ends this stream");
        break;
    case BN_OUTPUT_TIMER:
        set_tick(c, o->u.at_ms);
        break;
    case BN_OUTPUT_NOTE:
        note(c, &o->u.note);
        break;
    case BN_OUTPUT_RESIGN:
        BN_WARN("controller", "[Controller id=%d] Resigning: %s", c->config.id, o->u.note.text);
        end_reign(c, true);
        break;
    }
}

void bn_controller_event(struct bn_controller *c, struct bn_event *event) {
    if (c->reign != BN_REIGN_ACTIVE) return;
    BN_ASSERT(!c->stepping);
    c->stepping = true;
    event->now_ms = (int64_t)bn_loop_now_ms(c->loop);
    bn_output_clear(&c->outputs);
    bn_step_run(c->model, event, &c->outputs);
    for (int32_t i = 0; i < c->outputs.count; i++) perform(c, &c->outputs.items[i]);
    c->stepping = false;
}

static void tick(struct bn_timer *t) {
    struct bn_controller *c = BN_CONTAINER_OF(t, struct bn_controller, tick_timer);
    struct bn_event e = {.kind = BN_EVENT_TICK};
    bn_controller_event(c, &e);
}

static void broker_refused(void *arg, int32_t broker, int64_t incarnation) {
    struct bn_controller *c = arg;
    if (c->reign != BN_REIGN_ACTIVE) return;                     /* not ours to say; looked at again when it is */
    if (bn_channel_has(c->channel, broker, incarnation)) return; /* it lives: it is talking to us */
    BN_WARN("controller", "[Controller id=%d] the life port of broker %d refuses: its process is gone", c->config.id,
            broker);
    struct bn_event e = {.kind = BN_EVENT_REFUSED, .u.refused = {broker, incarnation}};
    bn_controller_event(c, &e);
}

/* ---- a reign ---- */

/* Who has not said hello may have died together with the controller before us. Ports that were armed while we stood by
 * tell at once; others when they have been armed. A broker that lives says hello soon, which ends its hunt. */
static void look_for_absent(struct bn_controller *c) {
    const struct bn_fact_broker *brokers;
    int32_t count = bn_watch_brokers(c->watch, &brokers);
    for (int32_t i = 0; c->reign == BN_REIGN_ACTIVE && i < count; i++) {
        const struct bn_fact_broker *b = &brokers[i];
        struct bn_probe_target target;
        if (bn_channel_has(c->channel, b->id, b->incarnation)) continue;
        if (!bn_load_life_target(b, bn_watch_life(c->watch, b->id, b->incarnation), c->config.machine, &target))
            continue;
        bn_probe_arm(c->probe, &target);
        bn_probe_hunt(c->probe, b->id, b->incarnation);
    }
}

static void on_elected(void *arg, int32_t epoch, int32_t epoch_version) {
    struct bn_controller *c = arg;
    BN_ASSERT(c->reign == BN_REIGN_NONE && !c->watch);
    BN_INFO("controller",
            "[Controller id=%d] %d successfully elected as the controller. Epoch incremented to %d and epoch zk "
            "version is now %d",
            c->config.id, c->config.id, epoch, epoch_version);
    bn_standby_stop(c->standby);
    bn_armory_stop(c->armory);
    c->epoch = epoch;
    c->epoch_version = epoch_version;
    c->reign = BN_REIGN_LOADING;
    c->effect = bn_effect_new(c);
    c->watch = bn_watch_start(c);
}

void bn_controller_loaded(struct bn_controller *c, struct bn_event_activated *state) {
    if (c->reign != BN_REIGN_LOADING) return;
    struct bn_model_settings s = {.unclean_election = c->config.unclean_election,
                                  .delete_topic_enable = c->config.delete_topic_enable,
                                  .session_timeout_ms = c->config.zk_session_timeout_ms,
                                  .auto_rebalance = c->config.auto_rebalance,
                                  .rebalance_interval_ms = c->config.rebalance_interval_ms,
                                  .imbalance_percentage = c->config.imbalance_percentage,
                                  .change_config = bn_config_rules_change};
    c->config.env->random(&s.random_seed, sizeof s.random_seed);
    c->model = bn_model_new(&s);
    c->reign = BN_REIGN_ACTIVE;
    BN_INFO("controller", "[Controller id=%d] Initialized controller context: %d brokers, %d topics, cluster id %s",
            c->config.id, state->broker_count, state->topic_count, state->cluster_id);
    struct bn_event e = {.kind = BN_EVENT_ACTIVATED, .u.activated = *state};
    bn_controller_event(c, &e);
    bn_channel_reign(c->channel);
    c->elect_watch = bn_elect_watch_start(c);
    c->group_list = bn_group_list_start(c);
    look_for_absent(c);
}

static void candidate_again(struct bn_timer *t) {
    struct bn_controller *c = BN_CONTAINER_OF(t, struct bn_controller, again_timer);
    bn_leadership_start(c->leadership);
}

static void resigned(void *arg, int status) {
    struct bn_controller *c = arg;
    if (status != BN_OK) BN_WARN("controller", "[Controller id=%d] resigning: %s", c->config.id, bn_err_text(status));
    if (c->stop_step == BN_STOP_RESIGNING) {
        bn_timer_stop(&c->again_timer);
        c->stop_step = BN_STOP_CLOSING;
        finish_stop(c);
    } else if (c->stop_step == BN_STOP_NO) {
        bn_timer_start(&c->again_timer, AGAIN_MS);
    }
}

/* Takes the reign apart. */
static void take_apart(struct bn_controller *c) {
    bn_task_cancel(&c->end_task);
    if (!c->watch) return;
    bn_timer_stop(&c->tick_timer);
    bn_watch_stop(c->watch);
    bn_effect_stop(c->effect);
    c->watch = NULL;
    c->effect = NULL;
    bn_elect_watch_stop(c->elect_watch);
    c->elect_watch = NULL;
    bn_group_list_stop(c->group_list);
    c->group_list = NULL;
    bn_calls_fail_all(c->calls);
    bn_channel_close_all(c->channel, "the controller resigns");
    bn_probe_forget_all(c->probe);
    bn_model_free(c->model);
    c->model = NULL;
    c->epoch = c->epoch_version = 0;
    BN_INFO("controller", "[Controller id=%d] Resigned", c->config.id);
}

static void end_task(struct bn_task *t) {
    struct bn_controller *c = BN_CONTAINER_OF(t, struct bn_controller, end_task);
    take_apart(c);
    if (c->must_resign && c->stop_step == BN_STOP_NO) bn_leadership_resign(c->leadership, resigned, c);
    c->must_resign = false;
}

static void on_lost(void *arg) {
    struct bn_controller *c = arg;
    end_reign(c, false);
    c->must_resign = false; /* there is nothing to give up any more */
    /* The next election may be won before the end of this turn. */
    take_apart(c);
}

static void on_other(void *arg, const struct bn_leadership_other *other) {
    struct bn_controller *c = arg;
    if (other->czxid != c->other_czxid) {
        BN_INFO("controller",
                "[Controller id=%d] Broker %d has been elected as the controller, so stopping the election process.",
                c->config.id, other->controller.brokerid);
    }
    c->other_czxid = other->czxid;
    if (c->stop_step != BN_STOP_NO) return;
    bn_standby_follow(c->standby, other);
    bn_armory_start(c->armory);
}

void bn_controller_give_up(struct bn_controller *c, const char *why) {
    if (c->reign == BN_REIGN_NONE) return;
    BN_ERROR("controller", "[Controller id=%d] Error while acting as the controller, resigning: %s", c->config.id, why);
    end_reign(c, true);
}

static void describe(void *arg, struct bn_str *out) {
    const struct bn_controller *c = arg;
    struct bn_znode_controller z = {.brokerid = c->config.id,
                                    .timestamp_ms = bn_clock_wall_ms(c->config.env->clock),
                                    .kraft_epoch = -1,
                                    .host = c->host,
                                    .port = bn_controller_port(c),
                                    .life_port = bn_life_port(c->life),
                                    .machine = c->config.machine};
    bn_znode_controller_encode(out, &z);
}

static void poke(struct bn_timer *t) {
    struct bn_controller *c = BN_CONTAINER_OF(t, struct bn_controller, poke_timer);
    bn_leadership_poke(c->leadership);
    bn_armory_poke(c->armory);
    bn_timer_start(t, POKE_MS);
}

void bn_controller_zk_state(void *controller, enum bn_zk_state state) {
    struct bn_controller *c = controller;
    static const char *const words[] = {"connecting to ZooKeeper", "connected to ZooKeeper",
                                        "the ZooKeeper session has expired"};
    BN_INFO("controller", "[Controller id=%d] %s", c->config.id, words[state]);
    bn_leadership_zk_state(c->leadership, state);
}

/* ---- start ---- */

/* The address that this host reaches ZooKeeper from: brokers that use the same ZooKeeper can reach it, too. */
static void find_host(struct bn_controller *c) {
    const char *text = c->config.zk_connect;
    char host[256] = "";
    size_t len = strcspn(text, ":,/");
    if (text[0] == '[') {
        text++;
        len = strcspn(text, "]");
    }
    if (len < sizeof host) memcpy(host, text, len);
    int64_t port = DEFAULT_ZK_PORT;
    const char *behind = text + len + (text[len] == ']');
    if (*behind == ':' && !bn_slice_to_i64(bn_slice_of(behind + 1, strcspn(behind + 1, ",/")), &port))
        port = DEFAULT_ZK_PORT;
    struct bn_err e = BN_ERR_NONE;
    int fd = host[0] ? bn_sock_connect(host, (int)port, &e) : -1;
    if (fd >= 0) {
        char local[BN_SOCK_NAME_MAX];
        bn_sock_local_host(fd, local);
        close(fd);
        snprintf(c->host, sizeof c->host, "%s", local);
    }
    if (!c->host[0] && gethostname(c->host, sizeof c->host - 1) != 0) snprintf(c->host, sizeof c->host, "localhost");
}

static void accept_again(struct bn_timer *t) {
    bn_io_set(BN_CONTAINER_OF(t, struct bn_controller, accept_timer)->listen_io, BN_IO_READ);
}

static void on_accept(void *arg, int events) {
    struct bn_controller *c = arg;
    (void)events;
    for (int i = 0; i < 64; i++) {
        int fd = bn_sock_accept(c->listen_fd, 0, 0);
        if (fd == BN_AGAIN) return;
        if (fd < 0) { /* out of descriptors or memory: the backlog keeps the broker while we wait */
            BN_ERROR("controller",
                     "[Controller id=%d] cannot accept a connection (%s); trying again in %d ms. Raise "
                     "the limit of open files (ulimit -n) if this goes on.",
                     c->config.id, strerror(errno), ACCEPT_MS);
            bn_io_set(c->listen_io, 0);
            bn_timer_start(&c->accept_timer, ACCEPT_MS);
            return;
        }
        bn_channel_accept(c->channel, fd);
    }
}

static int open_ports(struct bn_controller *c, struct bn_err *e) {
    if (c->config.host)
        snprintf(c->host, sizeof c->host, "%s", c->config.host);
    else
        find_host(c);
    c->listen_fd = bn_sock_listen("", c->config.port, BACKLOG, e);
    if (c->listen_fd < 0) return c->listen_fd;
    c->life = bn_life_open(c->host, c->config.fencing_port, e);
    if (c->life) return BN_OK;
    close(c->listen_fd);
    return e && e->code ? e->code : BN_IO;
}

static struct bn_controller *controller_new(const struct bn_controller_config *config) {
    struct bn_controller *c = bn_alloc_zero(1, sizeof *c);
    c->config = *config;
    c->loop = config->shard->loop;
    c->next_token = 1;
    bn_output_init(&c->outputs);
    bn_timer_init(&c->poke_timer, c->loop, poke);
    bn_timer_init(&c->tick_timer, c->loop, tick);
    bn_timer_init(&c->again_timer, c->loop, candidate_again);
    bn_timer_init(&c->accept_timer, c->loop, accept_again);
    bn_task_init(&c->end_task, end_task);
    return c;
}

int bn_controller_start(const struct bn_controller_config *config, struct bn_controller **out, struct bn_err *e) {
    struct bn_controller *c = controller_new(config);
    int rc = open_ports(c, e);
    if (rc != BN_OK) {
        bn_output_fini(&c->outputs);
        bn_alloc_free(c);
        return rc;
    }
    bn_life_shut_too(c->listen_fd);
    c->calls = bn_calls_new(c);
    c->channel = bn_channel_new(c);
    c->probe = bn_probe_new(c->loop, broker_refused, c);
    c->standby = bn_standby_new(c);
    c->armory = bn_armory_new(c);
    c->zk = config->zk;
    struct bn_zk_config z = {config->zk_connect, config->zk_session_timeout_ms, bn_controller_zk_state, c};
    if (!c->zk) rc = bn_zk_open(&z, c->loop, config->shard->mailbox, &c->zk, e);
    if (rc != BN_OK) {
        c->stop_step = BN_STOP_CLOSED;
        struct bn_life *life = c->life;
        close(c->listen_fd);
        bn_armory_free(c->armory);
        bn_standby_free(c->standby);
        bn_probe_free(c->probe);
        bn_channel_free(c->channel);
        bn_calls_free(c->calls);
        bn_output_fini(&c->outputs);
        bn_alloc_free(c);
        bn_life_close(life);
        return rc;
    }
    struct bn_leadership_config l = {c->zk, c, describe, on_elected, on_lost, on_other};
    c->leadership = bn_leadership_new(&l);
    c->listen_io = bn_io_new(c->loop, c->listen_fd, on_accept, c);
    bn_io_set(c->listen_io, BN_IO_READ);
    BN_INFO("controller", "[Controller id=%d] RPC on %s:%d, life port %d", config->id, c->host, bn_controller_port(c),
            bn_life_port(c->life));
    bn_leadership_start(c->leadership);
    bn_timer_start(&c->poke_timer, POKE_MS);
    *out = c;
    return BN_OK;
}

int bn_controller_port(const struct bn_controller *c) { return bn_sock_port(c->listen_fd); }
int bn_controller_life_port(const struct bn_controller *c) { return bn_life_port(c->life); }
bool bn_controller_is_active(const struct bn_controller *c) { return c->reign == BN_REIGN_ACTIVE; }
int32_t bn_controller_epoch(const struct bn_controller *c) { return c->epoch; }

/* ---- stop: resign, close the connections, close the session ---- */

static void free_task(struct bn_task *t) {
    struct bn_controller *c = BN_CONTAINER_OF(t, struct bn_controller, free_task);
    void (*stopped)(void *, struct bn_life *) = c->stopped;
    void *arg = c->stopped_arg;
    struct bn_life *life = c->life;
    bn_leadership_free(c->leadership);
    bn_armory_free(c->armory);
    bn_standby_free(c->standby);
    bn_probe_free(c->probe);
    bn_channel_free(c->channel);
    bn_calls_free(c->calls);
    bn_output_fini(&c->outputs);
    bn_alloc_free(c->cluster_id);
    bn_alloc_free(c);
    stopped(arg, life);
}

static void zk_closed(void *arg, int status) {
    struct bn_controller *c = arg;
    (void)status;
    c->zk_is_closed = true;
    finish_stop(c);
}

static void wait_for_connections(struct bn_timer *t) {
    finish_stop(BN_CONTAINER_OF(t, struct bn_controller, again_timer));
}

static void finish_stop(struct bn_controller *c) {
    if (c->stop_step == BN_STOP_CLOSING) {
        c->stop_step = BN_STOP_CLOSED;
        c->zk->ops->close(c->zk, zk_closed, c);
    }
    if (c->stop_step != BN_STOP_CLOSED || !c->zk_is_closed) return;
    if (bn_channel_count(c->channel) > 0 || !bn_standby_is_idle(c->standby)) {
        bn_timer_init(&c->again_timer, c->loop, wait_for_connections);
        bn_timer_start(&c->again_timer, 1);
        return;
    }
    bn_task_init(&c->free_task, free_task);
    bn_loop_defer(c->loop, &c->free_task);
}

/* ZooKeeper is away: the session's end will say what the resignation could not. */
static void resigning_overdue(struct bn_timer *t) {
    struct bn_controller *c = BN_CONTAINER_OF(t, struct bn_controller, again_timer);
    BN_WARN("controller", "[Controller id=%d] ZooKeeper does not answer: stopping without resigning", c->config.id);
    c->stop_step = BN_STOP_CLOSING;
    finish_stop(c);
}

void bn_controller_stop(struct bn_controller *c, void (*done)(void *arg, struct bn_life *life), void *arg) {
    BN_ASSERT(c->stop_step == BN_STOP_NO);
    c->stopped = done;
    c->stopped_arg = arg;
    c->stop_step = BN_STOP_RESIGNING;
    bn_timer_stop(&c->poke_timer);
    bn_timer_stop(&c->again_timer);
    bn_timer_stop(&c->accept_timer);
    bn_io_free(c->listen_io);
    close(c->listen_fd);
    end_reign(c, false);
    take_apart(c);
    bn_channel_close_all(c->channel, "the controller stops");
    bn_standby_stop(c->standby);
    bn_armory_stop(c->armory);
    bn_timer_init(&c->again_timer, c->loop, resigning_overdue);
    bn_timer_start(&c->again_timer, RESIGN_MAX_MS);
    bn_leadership_resign(c->leadership, resigned, c);
}
