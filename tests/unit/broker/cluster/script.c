/* script.c: see the header. */
#include "tests/unit/broker/cluster/script.h"

#include <unistd.h>

#include "common/base/alloc.h"
#include "common/sys/sock.h"
#include "common/zk/znode.h"

static const char cluster_id[] = "{\"version\":\"1\",\"id\":\"bWFkZS1ieS1hLXRlc3QhIQ\"}";

static const ProtobufCServiceDescriptor *const remote[] = {&bn__broker_agent__descriptor};

#define CLOSURE(f) ((ProtobufCClosure)(void (*)(void))(f))

/* ---- answers ---- */

static void answer(struct script *s, enum script_method method, int error, ProtobufCClosure closure, void *data) {
    if (method == SCRIPT_HELLO) {
        Bn__HelloReply m = BN__HELLO_REPLY__INIT;
        m.error = error;
        m.message = (char *)(uintptr_t) "as the test says";
        m.controller_epoch = s->epoch;
        closure(&m.base, data);
    } else if (method == SCRIPT_GROUP_WRITE) {
        Bn__GroupWriteReply m = BN__GROUP_WRITE_REPLY__INIT;
        m.error = error;
        closure(&m.base, data);
    } else if (method == SCRIPT_GROUP_READ) {
        Bn__GroupReadReply m = BN__GROUP_READ_REPLY__INIT;
        Bn__GroupState g = BN__GROUP_STATE__INIT, *list[] = {&g};
        g.group_id = (ProtobufCBinaryData){3, (uint8_t *)(uintptr_t) "abc"};
        m.error = error;
        m.groups = list;
        m.n_groups = error ? 0 : 1;
        m.more = true;
        closure(&m.base, data);
    } else if (method == SCRIPT_ALTER) {
        Bn__AlterPartitionReply m = BN__ALTER_PARTITION_REPLY__INIT;
        m.error = error;
        m.controller_epoch = s->epoch;
        closure(&m.base, data);
    } else if (method == SCRIPT_ADMIN) {
        Bn__AdminReply m = BN__ADMIN_REPLY__INIT;
        m.error = error;
        m.body = (ProtobufCBinaryData){4, (uint8_t *)(uintptr_t) "done"};
        closure(&m.base, data);
    } else if (method == SCRIPT_IDS) {
        Bn__ProducerIdsReply m = BN__PRODUCER_IDS_REPLY__INIT;
        m.error = error;
        m.first = error ? 0 : s->next_id;
        m.count = error ? 0 : SCRIPT_ID_BLOCK;
        s->next_id += m.count;
        closure(&m.base, data);
    } else if (method == SCRIPT_DELETED) {
        Bn__Ack m = BN__ACK__INIT;
        m.error = error;
        closure(&m.base, data);
    } else {
        Bn__BrokerIdReply m = BN__BROKER_ID_REPLY__INIT;
        m.error = error;
        m.broker_id = error ? -1 : 1001;
        closure(&m.base, data);
    }
}

static void take(void *service, enum script_method method, ProtobufCClosure closure, void *data) {
    struct script *s = service;
    struct script_rule *r = &s->rules[method];
    int mode = r->times > 0 && r->calls >= r->times ? SCRIPT_ANSWER : (int)r->mode;
    r->calls++;
    if (mode == SCRIPT_ANSWER) {
        answer(s, method, 0, closure, data);
    } else if (mode == SCRIPT_REFUSE) {
        answer(s, method, r->error, closure, data);
    } else if (mode == SCRIPT_HOLD) {
        ck_assert_int_lt(s->held_count, SCRIPT_HELD);
        s->held[s->held_count++] = (struct script_held){closure, data, method};
    } else {
        struct bn_rpc_peer *p = bn_rpc_caller(data);
        if (mode == SCRIPT_DROP && p) bn_rpc_close(p, "as the test says");
        closure(NULL, data);
    }
}

void script_release(struct script *s) {
    int n = s->held_count;
    s->held_count = 0;
    for (int i = 0; i < n; i++) answer(s, s->held[i].method, 0, s->held[i].closure, s->held[i].data);
}

static void hello(Bn__Controller_Service *base, const Bn__HelloRequest *in, Bn__HelloReply_Closure closure,
                  void *data) {
    struct script *s = BN_CONTAINER_OF(base, struct script, service);
    s->hello_epoch = in->broker_epoch;
    s->hello_incarnation = in->incarnation;
    snprintf(s->hello_life_host, sizeof s->hello_life_host, "%s", in->life_host);
    s->hello_life_port = in->life_port;
    take(s, SCRIPT_HELLO, CLOSURE(closure), data);
}

static void alter(Bn__Controller_Service *base, const Bn__AlterPartitionRequest *in,
                  Bn__AlterPartitionReply_Closure closure, void *data) {
    struct script *s = BN_CONTAINER_OF(base, struct script, service);
    ck_assert_int_eq(in->broker_epoch, s->hello_epoch);
    take(s, SCRIPT_ALTER, CLOSURE(closure), data);
}

static void admin(Bn__Controller_Service *base, const Bn__AdminRequest *in, Bn__AdminReply_Closure closure,
                  void *data) {
    struct script *s = BN_CONTAINER_OF(base, struct script, service);
    ck_assert_int_eq(in->broker_epoch, s->hello_epoch);
    s->defaults_seen = in->n_broker_defaults;
    take(s, SCRIPT_ADMIN, CLOSURE(closure), data);
}

static void producer_ids(Bn__Controller_Service *base, const Bn__ProducerIdsRequest *in,
                         Bn__ProducerIdsReply_Closure closure, void *data) {
    (void)in;
    take(BN_CONTAINER_OF(base, struct script, service), SCRIPT_IDS, CLOSURE(closure), data);
}

static void deleted(Bn__Controller_Service *base, const Bn__ReplicasDeletedRequest *in, Bn__Ack_Closure closure,
                    void *data) {
    struct script *s = BN_CONTAINER_OF(base, struct script, service);
    snprintf(s->deleted_topic, sizeof s->deleted_topic, "%s", in->topic);
    s->deleted_partition = in->n_partitions ? in->partitions[0] : -1;
    take(s, SCRIPT_DELETED, CLOSURE(closure), data);
}

static void broker_id(Bn__Controller_Service *base, const Bn__BrokerIdRequest *in, Bn__BrokerIdReply_Closure closure,
                      void *data) {
    struct script *s = BN_CONTAINER_OF(base, struct script, service);
    s->reserved_max = in->reserved_max;
    take(s, SCRIPT_ID, CLOSURE(closure), data);
}

static void heard_group(struct script *s, ProtobufCBinaryData name, int32_t partition, int32_t leader_epoch) {
    snprintf(s->group, sizeof s->group, "%.*s", (int)name.len, name.len ? (const char *)name.data : "");
    s->offsets_partition = partition;
    s->leader_epoch = leader_epoch;
}

static void group_write(Bn__Controller_Service *base, const Bn__GroupWriteRequest *in,
                        Bn__GroupWriteReply_Closure closure, void *data) {
    struct script *s = BN_CONTAINER_OF(base, struct script, service);
    ck_assert_int_eq(in->broker_epoch, s->hello_epoch);
    ck_assert_uint_ge(in->n_groups, 1);
    heard_group(s, in->groups[0]->group_id, in->offsets_partition, in->leader_epoch);
    take(s, SCRIPT_GROUP_WRITE, CLOSURE(closure), data);
}

static void group_read(Bn__Controller_Service *base, const Bn__GroupReadRequest *in, Bn__GroupReadReply_Closure closure,
                       void *data) {
    struct script *s = BN_CONTAINER_OF(base, struct script, service);
    ck_assert_int_eq(in->broker_epoch, s->hello_epoch);
    heard_group(s, in->after, in->offsets_partition, in->leader_epoch);
    take(s, SCRIPT_GROUP_READ, CLOSURE(closure), data);
}

/* ---- connections ---- */

static void down(void *arg, struct bn_rpc_peer *rpc, const char *why) {
    struct script_peer *p = arg;
    ck_assert_ptr_eq(p->rpc, rpc);
    p->rpc = NULL;
    snprintf(p->why, sizeof p->why, "%s", why);
}

static void on_listener(void *arg, int events) {
    struct script *s = arg;
    (void)events;
    for (int fd; (fd = bn_sock_accept(s->fd, 0, 0)) >= 0;) {
        ck_assert_int_lt(s->peer_count, SCRIPT_PEERS);
        struct script_peer *p = &s->peers[s->peer_count++];
        *p = (struct script_peer){.script = s, .came_ms = bn_loop_now_ms(s->w->shard->loop)};
        struct bn_rpc_options o = {
            .services = s->services, .service_count = 1, .remote = remote, .remote_count = 1, .down = down, .arg = p};
        p->rpc = bn_rpc_accept(s->w->shard->loop, fd, &o);
        if (s->hang_up) bn_rpc_close(p->rpc, "as the test says");
    }
}

struct bn_rpc_peer *script_peer(const struct script *s) {
    return s->peer_count ? s->peers[s->peer_count - 1].rpc : NULL;
}

void script_hang_up(struct script *s) {
    for (int i = 0; i < s->peer_count; i++) {
        if (s->peers[i].rpc) bn_rpc_close(s->peers[i].rpc, "as the test says");
    }
}

/* ---- the stream ---- */

void script_delta(const struct script *s, Bn__ImageDelta *d, int64_t sequence, bool reset, bool more) {
    bn__image_delta__init(d);
    d->controller_epoch = s->epoch;
    d->sequence = sequence;
    d->reset = reset;
    d->more = more;
    if (!reset) return;
    d->cluster_id = (char *)(uintptr_t) "bWFkZS1ieS1hLXRlc3QhIQ";
    d->controller_id = 7;
    d->for_incarnation = s->hello_incarnation;
}

static void on_applied(const Bn__Applied *m, void *data) {
    struct script *s = data;
    if (m) {
        ck_assert_int_eq(m->controller_epoch, s->epoch);
        s->applied++;
        s->applied_sequence = m->sequence;
    } else {
        s->refused++;
    }
}

void script_send(struct script *s, const Bn__ImageDelta *d) {
    ck_assert_ptr_nonnull(script_peer(s));
    bn__broker_agent__apply(bn_rpc_client(script_peer(s), &bn__broker_agent__descriptor), d, on_applied, s);
}

void script_send_image(struct script *s, int64_t sequence) {
    Bn__ImageDelta d;
    script_delta(s, &d, sequence, true, false);
    script_send(s, &d);
}

/* ---- ZooKeeper ---- */

static void created(void *arg, int status, const char *path) {
    (void)path;
    *(int *)arg = status;
}
static void removed(void *arg, int status) { *(int *)arg = status; }
static void closed(void *arg, int status) {
    (void)status;
    *(int *)arg = 0;
}

int script_create(struct script *s, const char *path, const char *data, int flags) {
    int status = 99;
    s->zk->ops->create(s->zk, path, data ? bn_slice_str(data) : BN_SLICE_NULL, flags, created, &status);
    WORLD_UNTIL(s->w, status != 99);
    return status;
}

int script_remove(struct script *s, const char *path) {
    int status = 99;
    s->zk->ops->remove(s->zk, path, -1, removed, &status);
    WORLD_UNTIL(s->w, status != 99);
    return status;
}

static void make_path(struct script *s, const char *path) {
    int status = 99;
    bn_zk_make_path(s->zk, path, removed, &status);
    WORLD_UNTIL(s->w, status != 99);
    ck_assert_int_eq(status, 0);
}

void script_make_cluster_id(struct script *s) {
    make_path(s, "/cluster");
    ck_assert_int_eq(script_create(s, "/cluster/id", cluster_id, 0), 0);
}

void script_appear(struct script *s) {
    struct bn_znode_controller z = {
        .brokerid = 7, .kraft_epoch = -1, .host = "127.0.0.1", .port = s->port, .life_port = -1};
    struct bn_str json;
    bn_str_init(&json);
    bn_znode_controller_encode(&json, &z);
    char *text = bn_alloc_strndup(bn_str_slice(&json).ptr, bn_str_slice(&json).len);
    ck_assert_int_eq(script_create(s, "/controller", text, BN_ZK_EPHEMERAL), 0);
    bn_alloc_free(text);
    bn_str_fini(&json);
}

void script_vanish(struct script *s) { ck_assert_int_eq(script_remove(s, "/controller"), 0); }

/* ---- life ---- */

static void zk_state(void *arg, enum bn_zk_state state) { (void)arg, (void)state; }

void script_open(struct script *s, struct world *w) {
    struct bn_err e = BN_ERR_NONE;
    struct bn_zk_config z = {"fake:1", 1000, zk_state, NULL};
    memset(s, 0, sizeof *s);
    s->service = (Bn__Controller_Service){.base = BN__CONTROLLER__BASE_INIT,
                                          .hello = hello,
                                          .alter_partition = alter,
                                          .group_write = group_write,
                                          .group_read = group_read,
                                          .admin = admin,
                                          .producer_ids = producer_ids,
                                          .replicas_deleted = deleted,
                                          .broker_id = broker_id};
    s->services[0] = &s->service.base;
    s->w = w;
    s->epoch = 5;
    ck_assert_int_eq(bn_fake_open(w->server, &z, &s->zk, &e), 0);
    make_path(s, "/brokers/ids");
    make_path(s, "/barnabas/incarnation");
    script_listen(s);
}

void script_listen(struct script *s) {
    struct bn_err e = BN_ERR_NONE;
    s->fd = bn_sock_listen("127.0.0.1", s->port, 128, &e);
    ck_assert_msg(s->fd >= 0, "%s", e.text);
    s->port = bn_sock_port(s->fd);
    s->io = bn_io_new(s->w->shard->loop, s->fd, on_listener, s);
    bn_io_set(s->io, BN_IO_READ);
}

void script_mute(struct script *s) {
    bn_io_free(s->io);
    close(s->fd);
    script_hang_up(s);
}

static bool is_quiet(const struct script *s) {
    for (int i = 0; i < s->peer_count; i++) {
        if (s->peers[i].rpc) return false;
    }
    return true;
}

void script_close(struct script *s) {
    int status = 99;
    s->zk->ops->close(s->zk, closed, &status);
    WORLD_UNTIL(s->w, status == 0);
    script_mute(s);
    WORLD_UNTIL(s->w, is_quiet(s));
    script_release(s);
}

void script_begin(struct script *s, struct world *w) {
    world_open(w);
    script_open(s, w);
    script_make_cluster_id(s);
    script_appear(s);
    world_start_broker(w, 0, 1);
    WORLD_UNTIL(w, bn_agent_connected(w->brokers[0].agent));
}
