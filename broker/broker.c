/* broker.c: composes the rooms and hands each what it needs of the others; the functions that call upwards or
 * sideways meet here.
 *
 * new      log directories locked, listeners bound, shards and pool made run      the agent looks for the controller
 * -> ready: id and cluster id known -> compose: rosters, connections, APIs on every shard; the other shards' threads
 * start -> register -> images; with the first one clients are let in stop     shutdown.c
 *
 * Images come to the main shard and go to the others by mailbox, in order; each shard holds a reference on its own.
 * The main shard runs on the main thread, so that a small machine's broker has one thread that matters. */
#include "broker/broker.h"

#include "broker/api/session_cache.h"
#include "broker/broker_int.h"
#include "broker/cluster/forward.h"
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/str.h"
#include "common/base/trace.h"

/* ---- images ---- */

struct image_news { /* one step of the metadata stream, on its way to every shard */
    struct bn_image *image;
    struct bn_live_conf *live;   /* the configuration that follows from it */
    const Bn__ImageDelta *delta; /* lives until bn_agent_applied */
    struct bn_agent_step *step;
};

static void take_image(struct bn_round_lane *lane) { /* on each shard */
    struct bn_broker_place *p = lane->place;
    const struct image_news *news = lane->round->arg;
    bn_image_ref(news->image);
    bn_image_unref(p->image);
    p->image = news->image;
    bn_live_conf_ref(news->live);
    bn_live_conf_unref(p->live);
    p->live = news->live;
    struct bn_roster *roster = p->broker->rosters[p->shard->index];
    if (roster) bn_roster_apply(roster, news->image, news->delta, p->broker->shard_count);
    struct bn_coordinator *coordinator = p->broker->coordinators[p->shard->index];
    if (coordinator) bn_coordinator_apply(coordinator, news->image, news->delta);
    bn_round_end(lane);
}

static void let_clients_in(struct bn_broker *b) {
    b->serving = true;
    bn_checkpointer_start(b);
    bn_cleaner_start(b);
    bn_listener_start(b->listeners);
    BN_INFO("broker", "[KafkaServer id=%d] started", b->broker_id);
    if (b->config.started) b->config.started(b->config.arg);
}

static void limit_connections(struct bn_broker *b, struct bn_live_conf *live) {
    if (b->listeners && !b->stopping)
        bn_listener_limit(b->listeners, (uint32_t)bn_conf_i64(live->conf, BN_CONF_MAX_CONNECTIONS),
                          (uint32_t)bn_conf_i64(live->conf, BN_CONF_MAX_CONNECTIONS_PER_IP), live->exceptions,
                          live->exception_count);
}

static void image_taken(struct bn_round *r) {
    struct bn_broker *b = r->broker;
    struct image_news *news = r->arg;
    bn_agent_applied(news->step);
    bn_image_unref(news->image);
    bn_live_conf_unref(news->live);
    bn_alloc_free(news);
    if (!b->serving && !b->stopping) let_clients_in(b);
}

static void on_image(void *arg, struct bn_image *old, struct bn_image *now, const Bn__ImageDelta *delta,
                     struct bn_agent_step *step) {
    struct bn_broker *b = arg;
    if (b->stopping) {
        bn_agent_applied(step);
        return;
    }
    struct image_news *news = bn_alloc(sizeof *news);
    if (bn_live_conf_differs(old, now, b->broker_id)) {
        struct bn_live_conf *before = b->live;
        bn_live_conf_tell(now, b->broker_id);
        b->live = bn_live_conf_new(b->settings, now, b->broker_id);
        limit_connections(b, b->live);
        bn_live_conf_unref(before);
    }
    *news = (struct image_news){now, b->live, delta, step};
    bn_image_ref(now);
    bn_live_conf_ref(b->live);
    bn_round_start(b, take_image, image_taken, news);
}

/* ---- what handlers and rosters call upwards ---- */

static struct bn_image *image_of(void *arg, struct bn_shard *shard) {
    struct bn_broker *b = arg;
    return b->places[shard->index].image;
}

static const struct bn_conf *conf_of(void *arg, struct bn_shard *shard) {
    struct bn_broker *b = arg;
    return b->places[shard->index].live->conf;
}

static void forward(void *arg, struct bn_shard *shard, int api_key, int version, struct bn_slice body,
                    struct bn_slice client_id, bool auto_create, uint32_t timeout_ms,
                    void (*reply)(void *reply_arg, int16_t error, struct bn_slice body), void *reply_arg) {
    struct bn_broker *b = arg;
    bn_forward_admin(b->agent, shard, api_key, version, body, client_id, auto_create, timeout_ms, reply, reply_arg);
}

static void producer_id(void *arg, struct bn_shard *shard, void (*reply)(void *reply_arg, int16_t error, int64_t id),
                        void *reply_arg) {
    struct bn_broker *b = arg;
    bn_forward_producer_id(b->agent, shard, reply, reply_arg);
}

static void topic_config(void *arg, const struct bn_image *image, const char *topic, struct bn_log_config *out,
                         int32_t *min_insync) {
    bn_settings_topic(conf_of(arg, bn_shard_current()), image, topic, out, min_insync);
}

static void deleted(void *arg, const struct bn_uuid *topic_id, const char *topic, int32_t partition) {
    struct bn_broker *b = arg;
    bn_forward_deleted(b->agent, topic_id, topic, partition);
}

static void alter_partition(void *arg, struct bn_shard *shard, const Bn__AlterPartitionRequest *request,
                            void (*reply)(void *reply_arg, const Bn__AlterPartitionReply *answer), void *reply_arg) {
    struct bn_broker *b = arg;
    bn_forward_alter_partition(b->agent, shard, request, reply, reply_arg);
}

/* ---- composing ---- */

/* Of all fetch sessions together; each takes some 200 bytes (docs/PERFORMANCE.md). */
enum { SESSION_PARTITIONS_MAX = 1000000 };

static void compose_place(struct bn_broker *b, struct bn_broker_place *p) {
    const struct bn_conf *conf = b->settings->conf;
    p->image = bn_image_empty();
    p->live = b->live;
    bn_live_conf_ref(p->live);
    struct bn_roster_deps roster = {
        .env = b->config.env,
        .shard = p->shard,
        .pool = b->pool,
        .logdirs = b->logdirs,
        .broker_id = b->broker_id,
        .retention_check_ms = bn_conf_i64(conf, BN_CONF_LOG_RETENTION_CHECK_INTERVAL_MS),
        .delete_delay_ms = bn_conf_i64(conf, BN_CONF_LOG_SEGMENT_DELETE_DELAY_MS),
        .inter_broker = b->settings->inter_broker,
        .lag_max_ms = (uint64_t)bn_conf_i64(conf, BN_CONF_REPLICA_LAG_TIME_MAX_MS),
        .rack_aware = bn_conf_is_rack_aware(conf),
        .pause_max_ms = (uint64_t)bn_conf_int(conf, BN_CONF_ZOOKEEPER_SESSION_TIMEOUT_MS) / 2,
        .fetch_wait_max_ms = bn_conf_int(conf, BN_CONF_REPLICA_FETCH_WAIT_MAX_MS),
        .fetch_min_bytes = bn_conf_int(conf, BN_CONF_REPLICA_FETCH_MIN_BYTES),
        .fetch_max_bytes = bn_conf_int(conf, BN_CONF_REPLICA_FETCH_MAX_BYTES),
        .fetch_response_bytes = bn_conf_int(conf, BN_CONF_REPLICA_FETCH_RESPONSE_MAX_BYTES),
        .fetch_backoff_ms = (uint64_t)bn_conf_int(conf, BN_CONF_REPLICA_FETCH_BACKOFF_MS),
        .fetch_timeout_ms = (uint64_t)bn_conf_int(conf, BN_CONF_REPLICA_SOCKET_TIMEOUT_MS),
        .alter_partition = alter_partition,
        .topic_config = topic_config,
        .deleted = deleted,
        .arg = b,
    };
    b->rosters[p->shard->index] = bn_roster_new(&roster);
    bn_coordination_compose(b, p);
    int index = p->shard->index;
    int slots = bn_conf_int(conf, BN_CONF_MAX_INCREMENTAL_FETCH_SESSION_CACHE_SLOTS);
    b->sessions[index] = bn_session_cache_new(&b->deps, p->shard, bn_session_cache_share(slots, index, b->shard_count),
                                              bn_session_cache_share(SESSION_PARTITIONS_MAX, index, b->shard_count));
    p->api = bn_api_new(&b->deps, p->shard, &bn_api_wire_net);
    int64_t budget = bn_conf_i64(conf, BN_CONF_QUEUED_MAX_REQUEST_BYTES);
    int64_t largest = bn_conf_i64(conf, BN_CONF_SOCKET_REQUEST_MAX_BYTES);
    struct bn_conns_config conns = {
        .shard = p->shard,
        .request_max_bytes = (size_t)largest,
        .budget_bytes = budget > 0 ? (size_t)(budget / b->shard_count + 1) : 0,
        .idle_ms = (uint64_t)bn_max_i64(bn_conf_i64(conf, BN_CONF_CONNECTIONS_MAX_IDLE_MS), 0),
        .frame = bn_api_frame,
        .closed = bn_api_closed,
        .arg = p->api,
    };
    p->conns = b->sets[p->shard->index] = bn_conns_new(&conns);
}

static void compose(struct bn_broker *b) {
    b->deps = (struct bn_api_deps){
        .env = b->config.env,
        .shards = b->shards,
        .coordinators = b->coordinators,
        .rosters = b->rosters,
        .sessions = b->sessions,
        .shard_count = b->shard_count,
        .broker_id = b->broker_id,
        .logdirs = b->logdirs,
        .auto_create_topics = bn_conf_bool(b->settings->conf, BN_CONF_AUTO_CREATE_TOPICS_ENABLE),
        .conf = b->settings->conf,
        .conf_now = conf_of,
        .image = image_of,
        .forward = forward,
        .producer_id = producer_id,
        .arg = b,
    };
    b->live = bn_live_conf_new(b->settings, NULL, b->broker_id);
    for (int i = 0; i < b->shard_count; i++) compose_place(b, &b->places[i]);
    for (int i = 1; i < b->shard_count; i++) bn_shard_start(b->shards[i]);
    b->composed = true;
}

/* ---- the cluster's side ---- */

static void fail(struct bn_broker *b, const char *why) {
    BN_ERROR("broker", "[KafkaServer id=%d] cannot go on: %s", b->broker_id, why);
    b->exit_code = 1;
    bn_broker_stop(b);
}

static void on_fatal(void *arg, const char *why) { fail(arg, why); }

static int advertised_port(const struct bn_broker *b, const struct bn_endpoint *at) {
    return at->port ? at->port : bn_listener_port(b->listeners, at->name);
}

static void register_here(struct bn_broker *b) {
    const struct bn_settings *s = b->settings;
    struct bn_image_endpoint endpoints[BN_ENDPOINT_MAX];
    for (int i = 0; i < s->advertised_count; i++) {
        const struct bn_endpoint *at = &s->advertised[i];
        endpoints[i] = (struct bn_image_endpoint){
            .listener = (char *)(uintptr_t)at->name,
            .security_protocol = (char *)(uintptr_t)bn_endpoint_protocol_name(at->protocol),
            .host = (char *)(uintptr_t)at->host,
            .port = advertised_port(b, at),
        };
    }
    struct bn_agent_registration registration = {
        .endpoints = endpoints,
        .endpoint_count = s->advertised_count,
        .rack = bn_conf_str(s->conf, BN_CONF_BROKER_RACK),
        .jmx_port = -1,
        .version = PACKAGE_VERSION,
    };
    bn_agent_register(b->agent, &registration);
}

static void on_ready(void *arg, int32_t broker_id, const char *cluster_id) {
    struct bn_broker *b = arg;
    if (b->stopping) return;
    BN_INFO("broker", "Cluster ID = %s", cluster_id);
    struct bn_err e = BN_ERR_NONE;
    b->broker_id = broker_id;
    if (bn_logdirs_claim(b->logdirs, broker_id, cluster_id, &e)) {
        fail(b, e.text);
        return;
    }
    compose(b);
    register_here(b);
}

/* "PLAINTEXT://h:9092,INTERNAL://[::1]:9093" */
static void addresses(const struct bn_broker *b, struct bn_str *out) {
    for (int i = 0; i < b->settings->advertised_count; i++) {
        const struct bn_endpoint *at = &b->settings->advertised[i];
        bool six = strchr(at->host, ':') != NULL;
        bn_str_addf(out, "%s%s://%s%s%s:%d", i ? "," : "", at->name, six ? "[" : "", at->host, six ? "]" : "",
                    advertised_port(b, at));
    }
}

static void on_registered(void *arg, int64_t broker_epoch, int64_t incarnation) {
    struct bn_broker *b = arg;
    b->broker_epoch = broker_epoch;
    struct bn_str at;
    bn_str_init(&at);
    addresses(b, &at);
    BN_INFO("broker", "Registered broker %d at path /brokers/ids/%d with addresses: %s, czxid (broker epoch): %" PRId64,
            b->broker_id, b->broker_id, at.ptr, broker_epoch);
    BN_DEBUG("broker", "incarnation %" PRId64, incarnation);
    bn_str_fini(&at);
}

/* What goes along with admin requests: this broker's defaults hold for a topic that is made through it. */
static void fill_defaults(struct bn_broker *b) {
    static const enum bn_conf_key told[BN_BROKER_DEFAULTS] = {
        BN_CONF_NUM_PARTITIONS, BN_CONF_DEFAULT_REPLICATION_FACTOR, BN_CONF_DELETE_TOPIC_ENABLE,
        BN_CONF_MIN_INSYNC_REPLICAS, BN_CONF_AUTO_CREATE_TOPICS_ENABLE};
    for (size_t i = 0; i < BN_ARRAY_LEN(told); i++) {
        b->defaults[i] = (struct bn_agent_pair){bn_conf_row(told[i])->name, bn_conf_str(b->settings->conf, told[i])};
    }
}

static int start_agent(struct bn_broker *b, struct bn_err *e) {
    const struct bn_conf *conf = b->settings->conf;
    fill_defaults(b);
    bn_life_machine(b->machine);
    struct bn_agent_config config = {
        .env = b->config.env,
        .shard = b->shards[0],
        .zk_connect = bn_conf_str(conf, BN_CONF_ZOOKEEPER_CONNECT),
        .zk_session_timeout_ms = bn_conf_int(conf, BN_CONF_ZOOKEEPER_SESSION_TIMEOUT_MS),
        .zk = b->config.zk,
        .broker_id = b->broker_id,
        .reserved_max = bn_conf_int(conf, BN_CONF_RESERVED_BROKER_MAX_ID),
        .fencing_port = bn_conf_int(conf, BN_CONF_FENCING_PORT),
        .machine = b->machine,
        .defaults = b->defaults,
        .default_count = BN_BROKER_DEFAULTS,
        .ready = on_ready,
        .registered = on_registered,
        .image = on_image,
        .fatal = on_fatal,
        .arg = b,
    };
    return bn_agent_start(&config, &b->agent, e);
}

/* ---- making ---- */

/* The id of the configuration, or else that of meta.properties (-1: one is allotted). */
static int settle_id(struct bn_broker *b, struct bn_err *e) {
    int configured = bn_conf_int(b->settings->conf, BN_CONF_BROKER_ID);
    int found = bn_logdirs_broker_id(b->logdirs);
    b->broker_id = configured >= 0 ? configured : found;
    if (configured < 0 || found < 0 || configured == found) return 0;
    return bn_err_set(
        e, BN_BAD, "broker.id=%d, but meta.properties in %s says broker.id=%d; set broker.id=%d, or use other log.dirs",
        configured, bn_logdirs_path(b->logdirs, 0), found, found);
}

/* Kafka's default of 100 KiB holds bulk streams back: unless somebody asked for a size, the system adapts it. */
static int buffer_bytes(const struct bn_conf *conf, enum bn_conf_key key) {
    return bn_conf_is_set(conf, key) ? bn_conf_int(conf, key) : -1;
}

static int bind_listeners(struct bn_broker *b, struct bn_err *e) {
    const struct bn_settings *s = b->settings;
    struct bn_listener_config config = {
        .home = b->shards[0],
        .sets = b->sets,
        .shards = b->shards,
        .set_count = b->shard_count,
        .backlog = bn_conf_int(s->conf, BN_CONF_SOCKET_LISTEN_BACKLOG_SIZE),
        .send_buffer = buffer_bytes(s->conf, BN_CONF_SOCKET_SEND_BUFFER_BYTES),
        .receive_buffer = buffer_bytes(s->conf, BN_CONF_SOCKET_RECEIVE_BUFFER_BYTES),
        .max_connections = (uint32_t)bn_conf_i64(s->conf, BN_CONF_MAX_CONNECTIONS),
        .max_connections_per_ip = (uint32_t)bn_conf_i64(s->conf, BN_CONF_MAX_CONNECTIONS_PER_IP),
        .exceptions = s->exceptions,
        .exception_count = s->exception_count,
    };
    b->listeners = bn_listener_new(&config);
    for (int i = 0; i < s->listener_count; i++) {
        const struct bn_endpoint *at = &s->listeners[i];
        bool inter_broker = s->listener_count > 1 && strcmp(at->name, s->inter_broker) == 0;
        int rc = bn_listener_add(b->listeners, at->name, at->host, at->port, inter_broker, e);
        if (rc) return rc;
    }
    struct bn_str told;
    bn_str_init(&told);
    addresses(b, &told);
    BN_INFO("broker", "Listening; clients will be told to connect to %s (advertised.listeners)", told.ptr);
    bn_str_fini(&told);
    return 0;
}

static void make_shards(struct bn_broker *b) {
    size_t n = (size_t)b->settings->shard_count;
    b->shard_count = b->settings->shard_count;
    b->shards = bn_alloc_zero(n, sizeof *b->shards);
    b->coordinators = bn_alloc_zero(n, sizeof *b->coordinators);
    b->rosters = bn_alloc_zero(n, sizeof *b->rosters);
    b->sets = bn_alloc_zero(n, sizeof *b->sets);
    b->sessions = bn_alloc_zero(n, sizeof *b->sessions);
    b->places = bn_alloc_zero(n, sizeof *b->places);
    for (int i = 0; i < b->shard_count; i++) {
        b->shards[i] = bn_shard_new(i);
        b->places[i].broker = b;
        b->places[i].shard = b->shards[i];
        b->shards[i]->user = &b->places[i];
    }
}

int bn_broker_new(const struct bn_broker_config *config, struct bn_broker **out, struct bn_err *e) {
    struct bn_broker *b = bn_alloc_zero(1, sizeof *b);
    b->config = *config;
    b->settings = config->settings;
    b->broker_id = -1;
    b->broker_epoch = -1;
    b->clean = true;
    make_shards(b);
    *out = b;
    int rc = bn_logdirs_open(config->env, (const char *const *)b->settings->log_dirs, b->settings->log_dir_count,
                             &b->logdirs, e);
    if (rc == 0) rc = settle_id(b, e);
    if (rc == 0) rc = bind_listeners(b, e);
    if (rc == 0) {
        b->pool = bn_pool_new(b->settings->io_threads + b->settings->cleaner_threads);
        return 0;
    }
    bn_broker_free(b);
    *out = NULL;
    return rc;
}

/* ---- running ---- */

static void begin(struct bn_task *t) {
    struct bn_broker *b = BN_CONTAINER_OF(t, struct bn_broker, begin);
    struct bn_err e = BN_ERR_NONE;
    if (b->stopping) return;
    if (start_agent(b, &e)) fail(b, e.text);
}

void bn_broker_begin(struct bn_broker *b) {
    bn_task_init(&b->begin, begin);
    bn_loop_defer(b->shards[0]->loop, &b->begin);
}

int bn_broker_end(struct bn_broker *b) {
    BN_ASSERT(b->stopping);
    for (int i = b->shard_count - 1; i >= 0; i--) bn_shard_stop(b->shards[i]); /* and empties their mailboxes */
    BN_INFO("broker", "[KafkaServer id=%d] shut down completed", b->broker_id);
    if (b->life) bn_life_close(b->life);
    return b->exit_code;
}

int bn_broker_run(struct bn_broker *b) {
    bn_broker_begin(b);
    bn_shard_run_here(b->shards[0]);
    return bn_broker_end(b);
}

void bn_broker_stop(struct bn_broker *b) { bn_shutdown_begin(b); }
struct bn_loop *bn_broker_loop(struct bn_broker *b) {
    return b->shards[0]->loop;
}
int bn_broker_port(const struct bn_broker *b, const char *listener) { return bn_listener_port(b->listeners, listener); }

/* Requests that outlived their connections (a parked fetch) may still hold an API and its frames: the process ends,
 * and they with it. */
static void free_place(struct bn_broker_place *p) {
    if (p->api && bn_api_open_count(p->api) > 0) return;
    bn_conns_free(p->conns);
    bn_api_free(p->api);
    bn_session_cache_free(p->broker->sessions[p->shard->index]);
}

void bn_broker_free(struct bn_broker *b) {
    if (!b) return;
    bn_pool_free(b->pool);
    if (b->logdirs) bn_logdirs_close(b->logdirs, false, -1);
    for (int i = 0; i < b->shard_count; i++) {
        free_place(&b->places[i]);
        bn_image_unref(b->places[i].image);
        bn_live_conf_unref(b->places[i].live);
    }
    bn_listener_free(b->listeners);
    bn_live_conf_unref(b->live);
    for (int i = 0; i < b->shard_count; i++) bn_shard_free(b->shards[i]);
    bn_alloc_free(b->shards);
    bn_alloc_free(b->coordinators);
    bn_alloc_free(b->rosters);
    bn_alloc_free(b->sets);
    bn_alloc_free(b->sessions);
    bn_alloc_free(b->places);
    bn_alloc_free(b);
}
