/* whole.c: see the header. Failing checks on the script's thread end the test's process as any failing check does
 * (CK_FORK). */
#include "tests/unit/broker/whole.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/bytes.h"
#include "common/base/trace.h"
#include "proto/kafka/batch.h"
#include "tests/unit/unit.h"

void whole_init(struct whole *w) {
    *w = (struct whole){.dir = unit_tmp_dir()};
    signal(SIGPIPE, SIG_IGN);
    bn_trace_set_level(getenv("WORLD_TRACE") ? BN_TRACE_INFO : BN_TRACE_FATAL);
    bn_arena_init(&w->arena, 64 << 20);
}

void whole_fini(struct whole *w) {
    bn_arena_fini(&w->arena);
    unit_tmp_remove(w->dir);
    bn_trace_set_level(BN_TRACE_INFO);
}

static void tell(struct bn_task *t) {
    struct whole *w = BN_CONTAINER_OF(t, struct whole, tell);
    if (w->broker->stopping) return;
    if (w->broker->agent) bn_agent_zk_state(w->broker->agent, w->zk_state);
    else bn_loop_defer(bn_broker_loop(w->broker), t);
}

static void broker_state(void *arg, enum bn_zk_state state) {
    struct whole *w = arg;
    w->zk_state = state;
    tell(&w->tell);
}

static void controller_state(void *arg, enum bn_zk_state state) {
    struct whole *w = arg;
    if (w->controller) bn_controller_zk_state(w->controller, state);
}

/* ---- the script's thread ---- */

struct stop_msg {
    struct bn_msg msg;
    struct bn_broker *broker;
};

static void on_stop(struct bn_msg *m) {
    struct stop_msg *s = BN_CONTAINER_OF(m, struct stop_msg, msg);
    bn_broker_stop(s->broker);
    bn_alloc_free(s);
}

static void *script_main(void *arg) {
    struct whole *w = arg;
    struct bn_broker *b = w->broker;
    if (w->script) w->script(w);
    struct stop_msg *s = bn_alloc(sizeof *s);
    *s = (struct stop_msg){.msg.run = on_stop, .broker = b};
    w->stop_took_ms = bn_clock_mono_ms(bn_clock_real());
    bn_shard_post(b->shards[0], &s->msg);
    return NULL;
}

static void start_script(void *arg) {
    struct whole *w = arg;
    pthread_t thread;
    w->port = bn_broker_port(w->broker, "PLAINTEXT");
    ck_assert_int_eq(pthread_create(&thread, NULL, script_main, w), 0);
    ck_assert_int_eq(pthread_detach(thread), 0);
}

/* ---- the broker's thread ---- */

static void read_settings(struct whole *w, const char *more) {
    struct bn_conf_report report;
    struct bn_err e = BN_ERR_NONE;
    bn_conf_report_init(&report);
    char *text = bn_alloc_printf("broker.id=1\nzookeeper.connect=fake:1\nlisteners=PLAINTEXT://127.0.0.1:0\n"
                                 "zookeeper.session.timeout.ms=1000\nlog.dirs=%s/data\nnum.io.threads=2\n%s",
                                 w->dir, more);
    w->conf = bn_conf_new();
    bn_conf_read(w->conf, "test", bn_slice_str(text), &report);
    ck_assert_msg(report.error_count == 0, "%s", report.errors.ptr);
    ck_assert_msg(bn_settings_init(&w->settings, w->conf, 2, &e) == 0, "%s", e.text);
    bn_conf_report_fini(&report);
    bn_alloc_free(text);
}

static void start_controller(struct whole *w) {
    struct bn_err e = BN_ERR_NONE;
    struct bn_controller_config c = {.env = bn_env_real(),
                                     .shard = w->broker->shards[0],
                                     .zk_connect = "fake:1",
                                     .zk_session_timeout_ms = 1000,
                                     .zk = w->controller_zk,
                                     .id = 100,
                                     .host = "127.0.0.1",
                                     .delete_topic_enable = true};
    ck_assert_msg(bn_controller_start(&c, &w->controller, &e) == 0, "%s", e.text);
}

static void controller_stopped(void *arg, struct bn_life *life) {
    struct whole *w = arg;
    w->controller = NULL;
    w->controller_life = life;
    w->controller_stopped = true;
}

static void turn_until(struct whole *w, const bool *condition) {
    for (int i = 0; !*condition && i < 10000; i++) bn_loop_turn(bn_broker_loop(w->broker), 1);
    ck_assert(*condition);
}

static void stop_controller(struct whole *w) {
    w->controller_stopped = false;
    bn_controller_stop(w->controller, controller_stopped, w); /* closes its ZooKeeper client, too */
    turn_until(w, &w->controller_stopped);
    bn_life_close(w->controller_life);
}

void whole_run(struct whole *w, const char *more, void (*script)(struct whole *w)) {
    struct bn_err e = BN_ERR_NONE;
    w->script = script;
    read_settings(w, more);
    struct bn_broker_config config = {
        .env = bn_env_real(), .settings = &w->settings, .started = start_script, .arg = w};
    ck_assert_msg(bn_broker_new(&config, &w->broker, &e) == 0, "%s", e.text);
    /* ZooKeeper lives on the broker's own loop: only now is there one. */
    w->server = bn_fake_new(bn_broker_loop(w->broker), NULL);
    struct bn_zk_config zk = {"fake:1", 1000, broker_state, w};
    ck_assert_int_eq(bn_fake_open(w->server, &zk, &w->broker_zk, &e), 0);
    w->broker->config.zk = w->broker_zk;
    bn_task_init(&w->tell, tell);
    if (!w->without_controller) {
        zk.state_cb = controller_state;
        ck_assert_int_eq(bn_fake_open(w->server, &zk, &w->controller_zk, &e), 0);
        start_controller(w);
    } else {
        start_script(w);
    }
    w->exit_code = bn_broker_run(w->broker);
    w->stop_took_ms = bn_clock_mono_ms(bn_clock_real()) - w->stop_took_ms;
    if (w->controller) stop_controller(w);
    bn_fake_free(w->server);
    bn_broker_free(w->broker);
    w->broker = NULL;
    bn_settings_fini(&w->settings);
    bn_conf_free(w->conf);
}

char *whole_read(const struct whole *w, const char *file) {
    char *path = bn_alloc_printf("%s/data/%s", w->dir, file);
    uint8_t *bytes = NULL;
    size_t len = 0;
    char *text = NULL;
    if (bn_disk_read_all(bn_disk_real(), path, 1 << 20, &bytes, &len, NULL) == 0) text = bn_alloc_strndup(bytes, len);
    bn_alloc_free(bytes);
    bn_alloc_free(path);
    return text;
}

/* ---- the client ---- */

int whole_dial(const struct whole *w) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)w->port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    struct timeval patience = {.tv_sec = 20};
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    return fd;
}

void whole_send(struct whole *w, int fd, int api_key, int version, void *message) {
    struct bn_header h = {.api_key = (int16_t)api_key,
                          .api_version = (int16_t)version,
                          .correlation_id = 5,
                          .client_id = BN_SLICE_LIT("script")};
    struct bn_chain chain;
    bn_chain_init(&chain);
    bn_header_encode_request(&h, bn_codec_request(api_key), message, &chain);
    uint8_t *bytes = bn_alloc(chain.size_bytes);
    ck_assert_int_eq(bn_chain_copy_out(&chain, bytes), 0);
    ck_assert_int_eq(send(fd, bytes, chain.size_bytes, MSG_NOSIGNAL), (ssize_t)chain.size_bytes);
    bn_alloc_free(bytes);
    bn_chain_fini(&chain);
}

static void receive(int fd, uint8_t *to, size_t len) {
    for (size_t have = 0; have < len;) {
        ssize_t n = recv(fd, to + have, len - have, 0);
        ck_assert_msg(n > 0, "no answer");
        have += (size_t)n;
    }
}

void whole_receive(struct whole *w, int fd, int api_key, int version, void *answer) {
    uint8_t size[4];
    receive(fd, size, 4);
    size_t len = bn_get_u32(size);
    uint8_t *bytes = bn_arena_alloc(&w->arena, len);
    ck_assert_ptr_nonnull(bytes);
    receive(fd, bytes, len);
    int32_t correlation_id = 0;
    struct bn_slice body;
    struct bn_err e = BN_ERR_NONE;
    ck_assert_int_eq(bn_header_decode_response(bn_slice_of(bytes, len), api_key, version, &correlation_id, &body), 0);
    ck_assert_int_eq(correlation_id, 5);
    int rc = bn_codec_decode(bn_codec_response(api_key), version, body, &w->arena, answer, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
}

static bool all_led(const struct kmsg_metadata_response *got, int32_t partitions) {
    if (got->topics.n != 1 || got->topics.v[0].error_code || got->topics.v[0].partitions.n != partitions) return false;
    for (int32_t i = 0; i < partitions; i++) {
        if (got->topics.v[0].partitions.v[i].error_code) return false;
    }
    return true;
}

struct bn_uuid whole_make_topic(struct whole *w, int fd, const char *name, int32_t partitions) {
    struct kmsg_create_topics_request_topic topic = kmsg_create_topics_request_topic_default;
    struct kmsg_create_topics_request q = kmsg_create_topics_request_default;
    struct kmsg_create_topics_response made;
    topic.name = bn_slice_str(name);
    topic.num_partitions = partitions;
    topic.replication_factor = 1;
    q.topics.v = &topic;
    q.topics.n = 1;
    whole_send(w, fd, KAPI_CREATE_TOPICS, 7, &q);
    whole_receive(w, fd, KAPI_CREATE_TOPICS, 7, &made);
    ck_assert_int_eq(made.topics.n, 1);
    ck_assert_int_eq(made.topics.v[0].error_code, KE_NONE);
    for (int tries = 0; tries < 2000; tries++) {
        struct kmsg_metadata_request_topic asked = {.name = topic.name};
        struct kmsg_metadata_request m = kmsg_metadata_request_default;
        struct kmsg_metadata_response got;
        m.topics.v = &asked;
        m.topics.n = 1;
        whole_send(w, fd, KAPI_METADATA, 12, &m);
        whole_receive(w, fd, KAPI_METADATA, 12, &got);
        if (all_led(&got, partitions)) return got.topics.v[0].topic_id;
        (void)poll(NULL, 0, 5);
    }
    ck_abort_msg("topic %s never got leaders", name);
    return BN_UUID_ZERO;
}

int64_t whole_produce(struct whole *w, int fd, const char *topic, int32_t partition, const char *value) {
    struct bn_batch_builder builder;
    struct bn_str bytes;
    bn_batch_builder_init(&builder);
    bn_str_init(&bytes);
    bn_batch_builder_add(&builder, 0, 1700000000000, bn_slice_str(topic), bn_slice_str(value), 0, BN_SLICE_NULL);
    ck_assert_int_eq(bn_batch_builder_finish(&builder, BN_CODEC_NONE, -1, &bytes), 0);
    struct kmsg_produce_request_partition p = {.index = partition, .records.slice = bn_str_slice(&bytes)};
    struct kmsg_produce_request_topic t = {.name = bn_slice_str(topic)};
    struct kmsg_produce_request q = {.acks = -1, .timeout_ms = 10000};
    struct kmsg_produce_response got;
    t.partition_data.v = &p;
    t.partition_data.n = 1;
    q.topic_data.v = &t;
    q.topic_data.n = 1;
    q.transactional_id = BN_SLICE_NULL;
    whole_send(w, fd, KAPI_PRODUCE, 9, &q);
    whole_receive(w, fd, KAPI_PRODUCE, 9, &got);
    bn_str_fini(&bytes);
    bn_batch_builder_fini(&builder);
    ck_assert_int_eq(got.responses.v[0].partition_responses.v[0].error_code, KE_NONE);
    return got.responses.v[0].partition_responses.v[0].base_offset;
}

size_t whole_fetch(struct whole *w, int fd, const char *topic, int32_t partition) {
    struct kmsg_fetch_request_partition p = kmsg_fetch_request_partition_default;
    struct kmsg_fetch_request_topic t = kmsg_fetch_request_topic_default;
    struct kmsg_fetch_request q = kmsg_fetch_request_default;
    struct kmsg_fetch_response got;
    p.partition = partition;
    p.partition_max_bytes = 1 << 20;
    t.topic = bn_slice_str(topic);
    t.partitions.v = &p;
    t.partitions.n = 1;
    q.replica_id = -1;
    q.max_wait_ms = 1000;
    q.min_bytes = 1;
    q.max_bytes = 1 << 20;
    q.topics.v = &t;
    q.topics.n = 1;
    whole_send(w, fd, KAPI_FETCH, 12, &q);
    whole_receive(w, fd, KAPI_FETCH, 12, &got);
    ck_assert_int_eq(got.responses.n, 1);
    ck_assert_int_eq(got.responses.v[0].partitions.v[0].error_code, KE_NONE);
    return got.responses.v[0].partitions.v[0].records.slice.len;
}
