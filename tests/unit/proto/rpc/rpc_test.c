/* rpc_test.c: two peers over a socketpair on one loop: calls both ways, answers later and out of order, deadlines, lost
 * connections, limits; and a raw socket on one side that sends what no honest peer would. */
#include "proto/rpc/rpc.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/bytes.h"
#include "common/sys/sock.h"
#include "proto/rpc/cluster.pb-c.h"
#include "proto/rpc/rpc_frame.h"
#include "tests/unit/unit.h"

enum { HELD_MAX = 5000 };

struct side {
    struct bn_rpc_peer *peer; /* NULL after down */
    int ups, downs;
    char why[160];
};

static struct {
    struct bn_loop *loop;
    struct side broker, controller;
    bool hold; /* the controller keeps calls instead of answering */
    struct {
        Bn__Ack_Closure closure;
        void *data;
        int32_t value;
    } held[HELD_MAX];
    int held_count;
    int answered, failed; /* closures run on the broker's side */
    int64_t sum;
    int64_t applied;
} w;

static void replicas_deleted(Bn__Controller_Service *s, const Bn__ReplicasDeletedRequest *in, Bn__Ack_Closure closure,
                             void *data) {
    ck_assert_ptr_eq(bn_rpc_caller(data), w.controller.peer);
    if (w.hold) {
        ck_assert_int_lt(w.held_count, HELD_MAX);
        w.held[w.held_count].closure = closure;
        w.held[w.held_count].data = data;
        w.held[w.held_count++].value = in->broker_id;
        return;
    }
    Bn__Ack ack = BN__ACK__INIT;
    ack.error = in->broker_id;
    closure(&ack, data);
}

static void apply(Bn__BrokerAgent_Service *s, const Bn__ImageDelta *in, Bn__Applied_Closure closure, void *data) {
    Bn__Applied out = BN__APPLIED__INIT;
    out.sequence = w.applied = in->sequence;
    closure(&out, data);
}

static Bn__Controller_Service controller_service = {
    .base = BN__CONTROLLER__BASE_INIT, .replicas_deleted = replicas_deleted /* the others are NULL: refused */};
static Bn__BrokerAgent_Service broker_service = {.base = BN__BROKER_AGENT__BASE_INIT, .apply = apply};
static ProtobufCService *const controller_services[] = {&controller_service.base};
static ProtobufCService *const broker_services[] = {&broker_service.base};
static const ProtobufCServiceDescriptor *const of_controller[] = {&bn__controller__descriptor};
static const ProtobufCServiceDescriptor *const of_broker[] = {&bn__broker_agent__descriptor};

static void on_up(void *arg, struct bn_rpc_peer *p) { ((struct side *)arg)->ups++; }
static void on_down(void *arg, struct bn_rpc_peer *p, const char *why) {
    struct side *s = arg;
    ck_assert_ptr_eq(s->peer, p);
    s->peer = NULL;
    s->downs++;
    snprintf(s->why, sizeof s->why, "%s", why);
}

static struct bn_rpc_options broker_options(uint32_t deadline_ms) {
    return (struct bn_rpc_options){broker_services, 1, of_controller, 1, deadline_ms, on_up, on_down, &w.broker};
}
static struct bn_rpc_options controller_options(void) {
    return (struct bn_rpc_options){controller_services, 1, of_broker, 1, 0, on_up, on_down, &w.controller};
}

static void pair(int fds[2]) {
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
}

static void setup(void) {
    memset(&w, 0, sizeof w);
    w.loop = bn_loop_new();
}

static void connect_sides(uint32_t deadline_ms) {
    int fds[2];
    pair(fds);
    struct bn_rpc_options b = broker_options(deadline_ms), c = controller_options();
    w.broker.peer = bn_rpc_accept(w.loop, fds[0], &b);
    w.controller.peer = bn_rpc_accept(w.loop, fds[1], &c);
}

static void turns(int n) {
    while (n-- > 0) bn_loop_turn(w.loop, 0);
}

static void teardown(void) {
    if (w.broker.peer) bn_rpc_close(w.broker.peer, "test ends");
    if (w.controller.peer) bn_rpc_close(w.controller.peer, "test ends");
    turns(4);
    ck_assert_ptr_null(w.broker.peer);
    ck_assert_ptr_null(w.controller.peer);
    for (int i = 0; i < w.held_count; i++) w.held[i].closure(NULL, w.held[i].data); /* detached: dropped */
    bn_loop_free(w.loop);
}

static void on_ack(const Bn__Ack *ack, void *data) {
    if (ack) {
        w.answered++;
        w.sum += ack->error;
        if (data) ck_assert_int_eq(ack->error, *(int32_t *)data);
    } else {
        w.failed++;
    }
}

static void call(int32_t value, int32_t *expect) {
    Bn__ReplicasDeletedRequest r = BN__REPLICAS_DELETED_REQUEST__INIT;
    r.broker_id = value;
    bn__controller__replicas_deleted(bn_rpc_client(w.broker.peer, &bn__controller__descriptor), &r, on_ack, expect);
}

static void on_applied(const Bn__Applied *a, void *data) {
    ck_assert_ptr_nonnull(a);
    *(int64_t *)data = a->sequence;
}

START_TEST(both_ways) {
    connect_sides(0);
    int32_t seven = 7;
    call(7, &seven);
    int64_t applied = 0;
    Bn__ImageDelta d = BN__IMAGE_DELTA__INIT;
    d.sequence = 42;
    bn__broker_agent__apply(bn_rpc_client(w.controller.peer, &bn__broker_agent__descriptor), &d, on_applied, &applied);
    ck_assert_int_eq(w.answered, 0); /* never inside the stub */
    turns(5);
    ck_assert_int_eq(w.answered, 1);
    ck_assert_int_eq(applied, 42);
    ck_assert_int_eq(w.broker.ups, 0); /* only dialled ones are told */
}
END_TEST

START_TEST(answers_later_in_any_order) {
    connect_sides(0);
    w.hold = true;
    int32_t expect[3] = {1, 2, 3};
    for (int i = 0; i < 3; i++) call(expect[i], &expect[i]);
    turns(4);
    ck_assert_int_eq(w.held_count, 3);
    for (int i = 2; i >= 0; i--) {
        Bn__Ack ack = BN__ACK__INIT;
        ack.error = w.held[i].value;
        w.held[i].closure(&ack, w.held[i].data);
    }
    w.held_count = 0;
    turns(4);
    ck_assert_int_eq(w.answered, 3);
}
END_TEST

START_TEST(ten_thousand_pipelined) {
    connect_sides(0);
    int64_t sum = 0;
    for (int i = 0; i < 10000;) {
        for (int burst = 0; burst < 2000; burst++, i++) {
            call(i, NULL);
            sum += i;
        }
        for (int n = 0; n < 1000 && w.answered < i; n++) turns(1);
    }
    ck_assert_int_eq(w.answered, 10000);
    ck_assert_int_eq(w.sum, sum);
    ck_assert_int_eq(w.failed, 0);
}
END_TEST

START_TEST(too_many_fail_and_only_they) {
    connect_sides(0);
    for (int i = 0; i < BN_RPC_CALLS_MAX + 5; i++) call(1, NULL);
    ck_assert_int_eq(w.failed, 0);
    turns(20);
    ck_assert_int_eq(w.failed, 5);
    ck_assert_int_eq(w.answered, BN_RPC_CALLS_MAX);
}
END_TEST

START_TEST(deadline_fails_a_call_and_drops_its_late_answer) {
    connect_sides(5);
    w.hold = true;
    call(1, NULL);
    bn_rpc_set_deadline(w.broker.peer, 0);
    call(2, NULL); /* has none */
    for (int n = 0; n < 2000 && w.failed == 0; n++) bn_loop_turn(w.loop, 1);
    ck_assert_int_eq(w.failed, 1);
    ck_assert_int_eq(w.held_count, 2);
    for (int i = 0; i < 2; i++) {
        Bn__Ack ack = BN__ACK__INIT;
        w.held[i].closure(&ack, w.held[i].data);
    }
    w.held_count = 0;
    turns(4);
    ck_assert_int_eq(w.answered, 1);
    ck_assert_int_eq(w.failed, 1);
    ck_assert_ptr_nonnull(w.broker.peer);
}
END_TEST

START_TEST(lost_connection_fails_what_waits) {
    connect_sides(0);
    w.hold = true;
    for (int i = 0; i < 10; i++) call(i, NULL);
    turns(4);
    bn_rpc_close(w.controller.peer, "gone");
    ck_assert_int_eq(w.controller.downs, 0); /* later than the call */
    bn_rpc_close(w.controller.peer, "again");
    turns(4);
    ck_assert_int_eq(w.controller.downs, 1);
    ck_assert_str_eq(w.controller.why, "gone");
    ck_assert_int_eq(w.broker.downs, 1);
    ck_assert_int_eq(w.failed, 10);
    ck_assert_ptr_null(bn_rpc_caller(w.held[0].data)); /* the ten handlers answer into nothing, in teardown */
}
END_TEST

START_TEST(said_before_close_arrives) {
    connect_sides(0);
    Bn__ImageDelta d = BN__IMAGE_DELTA__INIT;
    d.sequence = 9;
    struct bn_rpc_peer *c = w.controller.peer;
    bn__broker_agent__apply(bn_rpc_client(c, &bn__broker_agent__descriptor), &d,
                            (Bn__Applied_Closure)(void (*)(void))on_ack, NULL);
    bn_rpc_close(c, "done");
    turns(4);
    ck_assert_int_eq(w.applied, 9);
    ck_assert_int_eq(w.failed, 1);
}
END_TEST

START_TEST(unserved_method_is_refused) {
    connect_sides(0);
    Bn__BrokerIdRequest r = BN__BROKER_ID_REQUEST__INIT;
    bn__controller__broker_id(bn_rpc_client(w.broker.peer, &bn__controller__descriptor), &r,
                              (Bn__BrokerIdReply_Closure)(void (*)(void))on_ack, NULL);
    turns(4);
    ck_assert_int_eq(w.failed, 1);
    ck_assert_ptr_nonnull(w.broker.peer); /* the connection lives on */
}
END_TEST

START_TEST(oversize_request_fails_alone) {
    connect_sides(0);
    Bn__AdminRequest r = BN__ADMIN_REQUEST__INIT;
    r.body.len = BN_RPC_FRAME_MAX;
    r.body.data = bn_alloc_zero(1, BN_RPC_FRAME_MAX);
    bn__controller__admin(bn_rpc_client(w.broker.peer, &bn__controller__descriptor), &r,
                          (Bn__AdminReply_Closure)(void (*)(void))on_ack, NULL);
    call(3, NULL);
    turns(4);
    bn_alloc_free(r.body.data);
    ck_assert_int_eq(w.failed, 1);
    ck_assert_int_eq(w.answered, 1);
}
END_TEST

START_TEST(dialling_queues_and_tells) {
    struct bn_err e = BN_ERR_NONE;
    int listener = bn_sock_listen("127.0.0.1", 0, 8, &e);
    ck_assert_int_ge(listener, 0);
    struct bn_rpc_options b = broker_options(0), c = controller_options();
    w.broker.peer = bn_rpc_dial(w.loop, "127.0.0.1", bn_sock_port(listener), &b);
    int32_t five = 5;
    call(5, &five);
    int fd = -1;
    for (int n = 0; n < 2000 && w.answered == 0; n++) {
        bn_loop_turn(w.loop, 1);
        if (fd < 0 && (fd = bn_sock_accept(listener, 0, 0)) >= 0) w.controller.peer = bn_rpc_accept(w.loop, fd, &c);
    }
    ck_assert_int_eq(w.answered, 1);
    ck_assert_int_eq(w.broker.ups, 1);
    close(listener);
}
END_TEST

START_TEST(refused_dial_is_told) {
    struct bn_err e = BN_ERR_NONE;
    int listener = bn_sock_listen("127.0.0.1", 0, 8, &e), port = bn_sock_port(listener);
    close(listener);
    struct bn_rpc_options b = broker_options(0);
    w.broker.peer = bn_rpc_dial(w.loop, "127.0.0.1", port, &b);
    call(5, NULL);
    for (int n = 0; n < 2000 && w.broker.downs == 0; n++) bn_loop_turn(w.loop, 1);
    ck_assert_int_eq(w.broker.downs, 1);
    ck_assert_int_eq(w.broker.ups, 0);
    ck_assert_int_eq(w.failed, 1);
}
END_TEST

/* ---- hostile: raw bytes to the controller's side ---- */

static void put_frame(uint8_t *out, size_t *len, const struct bn_rpc_frame *f) {
    bn_rpc_frame_head(out + *len, f);
    memcpy(out + *len + BN_RPC_FRAME_HEAD, f->payload.ptr, f->payload.len);
    *len += BN_RPC_FRAME_HEAD + f->payload.len;
}

static const struct {
    const char *what;
    uint32_t length;
    uint8_t kind, service;
    uint16_t method;
    const char *payload;
    bool closes;
} bad[] = {
    {"length 0", 0, 0, 0, 0, "", true},
    {"length of 4 GiB", 0xffffffff, 0, 0, 0, "", true},
    {"kind", 16, 9, 0, 0, "", true},
    {"service", 16, 0, 200, 0, "", false},
    {"method", 16, 0, 0, 6000, "", false},
    {"garbage", 20, 0, 0, 4, "\xff\xff\xff\xff", false},
    {"truncated field", 18, 0, 0, 4, "\x2a\x7f", false},
    {"answer to nothing", 16, 1, 0, 0, "", false},
    {"refusal of nothing", 17, 2, 0, 0, "x", false},
};

START_TEST(hostile_frames) {
    int fds[2];
    pair(fds);
    struct bn_rpc_options c = controller_options();
    w.controller.peer = bn_rpc_accept(w.loop, fds[1], &c);
    uint8_t bytes[64] = {0};
    bn_put_u32(bytes, bad[_i].length);
    bytes[4] = bad[_i].kind;
    bytes[5] = bad[_i].service;
    bn_put_u16(bytes + 6, bad[_i].method);
    size_t len = BN_RPC_FRAME_HEAD + strlen(bad[_i].payload);
    memcpy(bytes + BN_RPC_FRAME_HEAD, bad[_i].payload, strlen(bad[_i].payload));
    for (size_t i = 0; i < len; i++) { /* byte by byte: every cut is seen */
        ck_assert_int_eq(send(fds[0], bytes + i, 1, MSG_NOSIGNAL) == 1 || bad[_i].closes, true);
        turns(1);
    }
    turns(3);
    ck_assert_msg((w.controller.peer == NULL) == bad[_i].closes, "%s", bad[_i].what);
    close(fds[0]);
    turns(3);
    ck_assert_int_eq(w.controller.downs, 1);
}
END_TEST

START_TEST(amplification_is_bounded) {
    /* 4 MiB of empty submessages would unpack to many times that: refused, and nothing else suffers. */
    int fds[2];
    pair(fds);
    struct bn_rpc_options c = controller_options();
    w.controller.peer = bn_rpc_accept(w.loop, fds[1], &c);
    size_t n = BN_RPC_FRAME_MAX, len = 0;
    uint8_t *payload = bn_alloc(n), *bytes = bn_alloc(n + 100);
    for (size_t i = 0; i < n; i += 2) {
        payload[i] = 0x1a; /* AlterPartitionRequest.items, empty */
        payload[i + 1] = 0;
    }
    struct bn_rpc_frame f = {BN_RPC_FRAME_REQUEST, 0, 1, 77, 0, bn_slice_of(payload, n)};
    put_frame(bytes, &len, &f);
    for (size_t at = 0; at < len;) {
        ssize_t sent = send(fds[0], bytes + at, len - at, MSG_NOSIGNAL);
        if (sent > 0) at += (size_t)sent;
        turns(1);
    }
    turns(3);
    uint8_t reply[200];
    ssize_t got = recv(fds[0], reply, sizeof reply, 0);
    ck_assert_int_gt(got, BN_RPC_FRAME_HEAD);
    struct bn_rpc_frame r;
    size_t need;
    ck_assert_int_eq(bn_rpc_frame_parse(bn_slice_of(reply, (size_t)got), 1000, &r, &need), got);
    ck_assert_int_eq(r.kind, BN_RPC_FRAME_ERROR);
    ck_assert_uint_eq(r.call_id, 77);
    ck_assert_ptr_nonnull(w.controller.peer);
    close(fds[0]);
    bn_alloc_free(payload);
    bn_alloc_free(bytes);
}
END_TEST

START_TEST(random_bytes_never_hurt) {
    unsigned seed = 4711;
    for (int round = 0; round < 300; round++) {
        int fds[2];
        pair(fds);
        struct bn_rpc_options c = controller_options();
        w.controller.peer = bn_rpc_accept(w.loop, fds[1], &c);
        uint8_t bytes[400];
        size_t len = 0;
        uint8_t junk[60];
        for (size_t i = 0; i < sizeof junk; i++)
            junk[i] = (uint8_t)(rand_r(&seed) % 5 ? rand_r(&seed) % 64 : rand_r(&seed));
        struct bn_rpc_frame f = {BN_RPC_FRAME_REQUEST,
                                 0,
                                 (uint16_t)(round % 7),
                                 1,
                                 0,
                                 bn_slice_of(junk, (size_t)rand_r(&seed) % sizeof junk)};
        put_frame(bytes, &len, &f);
        put_frame(bytes, &len, &f);
        if (round % 3 == 0) bytes[(size_t)rand_r(&seed) % len] ^= (uint8_t)rand_r(&seed);
        ck_assert_int_eq(send(fds[0], bytes, len, MSG_NOSIGNAL), (ssize_t)len);
        turns(3);
        close(fds[0]);
        turns(3);
        ck_assert_ptr_null(w.controller.peer);
    }
}
END_TEST

Suite *rpc_suite(void);
Suite *rpc_suite(void) {
    Suite *s = suite_create("rpc");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 30);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, both_ways);
    tcase_add_test(t, answers_later_in_any_order);
    tcase_add_test(t, ten_thousand_pipelined);
    tcase_add_test(t, too_many_fail_and_only_they);
    tcase_add_test(t, deadline_fails_a_call_and_drops_its_late_answer);
    tcase_add_test(t, lost_connection_fails_what_waits);
    tcase_add_test(t, said_before_close_arrives);
    tcase_add_test(t, unserved_method_is_refused);
    tcase_add_test(t, oversize_request_fails_alone);
    tcase_add_test(t, dialling_queues_and_tells);
    tcase_add_test(t, refused_dial_is_told);
    tcase_add_loop_test(t, hostile_frames, 0, (int)BN_ARRAY_LEN(bad));
    tcase_add_test(t, amplification_is_bounded);
    tcase_add_test(t, random_bytes_never_hurt);
    suite_add_tcase(s, t);
    return s;
}
