/* fake.c: the broker of fake.h. Blocking sockets on a thread; stopping shuts them. */
#include "tests/unit/proto/client/fake.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/bytes.h"
#include "common/base/check.h"
#include "common/sys/sock.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/header.h"
#include "proto/kafka/kapi.h"
#include "proto/kafka/kmsg.h"

enum { NODES_MAX = 4, BUDGET = 1 << 20, REQUEST_MAX = 1 << 20 };

struct fake {
    enum fake_manner manner;
    int32_t node_id;
    uint8_t *fetch;
    size_t fetch_len;
    int listen_fd;
    pthread_mutex_t lock; /* of conn_fd: it is not closed while it is being shut */
    int conn_fd;
    _Atomic bool stopping;
    _Atomic int requests;
    int coordinator_asked;
    struct kmsg_metadata_response_broker nodes[NODES_MAX];
    int32_t node_count;
    pthread_t thread;
};

static bool read_all(int fd, uint8_t *p, size_t n) {
    while (n > 0) {
        ssize_t got = recv(fd, p, n, 0);
        if (got <= 0) return false;
        p += got, n -= (size_t)got;
    }
    return true;
}

static bool write_all(const struct fake *f, int fd, const uint8_t *p, size_t n) {
    size_t step = f->manner == FAKE_TRICKLING ? 1 : n;
    while (n > 0) {
        ssize_t put = send(fd, p, bn_min_size(step, n), MSG_NOSIGNAL);
        if (put <= 0) return false;
        p += put, n -= (size_t)put;
    }
    return true;
}

static void answer_versions(const struct fake *f, int version, struct kmsg_api_versions_response *r) {
    static struct kmsg_api_versions_response_api_key all[] = {{KAPI_API_VERSIONS, 0, 4},
                                                              {KAPI_METADATA, 0, 12},
                                                              {KAPI_FETCH, 4, 99},
                                                              {KAPI_FIND_COORDINATOR, 0, 6},
                                                              {KAPI_DELETE_GROUPS, 77, 99}, /* only newer ones */
                                                              {999, 0, 1},                  /* none of ours */
                                                              {-1, 0, 1}};
    static struct kmsg_api_versions_response_api_key old[] = {
        {KAPI_API_VERSIONS, 0, 0}, {KAPI_METADATA, 0, 1}, {KAPI_FIND_COORDINATOR, 0, 0}};
    r->api_keys.v = f->manner == FAKE_OLD ? old : all;
    r->api_keys.n = f->manner == FAKE_OLD ? (int32_t)BN_ARRAY_LEN(old) : (int32_t)BN_ARRAY_LEN(all);
    if (f->manner == FAKE_OLD && version > 0) r->error_code = KE_UNSUPPORTED_VERSION;
    if (f->manner == FAKE_UNAUTHORISED) r->error_code = KE_CLUSTER_AUTHORIZATION_FAILED;
}

/* Topics "led", led by the newest node, and "lost" without a leader; others are unknown. */
static void answer_metadata(struct fake *f, const struct kmsg_metadata_request *q, struct bn_arena *a,
                            struct kmsg_metadata_response *r) {
    r->brokers.v = f->nodes;
    r->brokers.n = f->node_count;
    r->topics.n = q->topics.n > 0 ? q->topics.n : 0;
    r->topics.v = bn_arena_array(a, (size_t)r->topics.n + 1, sizeof *r->topics.v);
    for (int32_t i = 0; i < r->topics.n; i++) {
        struct kmsg_metadata_response_topic *t = &r->topics.v[i];
        *t = kmsg_metadata_response_topic_default;
        t->name = q->topics.v[i].name;
        bool led = bn_slice_eq_str(t->name, "led"), lost = bn_slice_eq_str(t->name, "lost");
        if (!led && !lost) {
            t->error_code = KE_UNKNOWN_TOPIC_OR_PARTITION;
            continue;
        }
        t->partitions.n = 1;
        t->partitions.v = bn_arena_array(a, 1, sizeof *t->partitions.v);
        t->partitions.v[0] = kmsg_metadata_response_partition_default;
        t->partitions.v[0].leader_id = led ? f->nodes[f->node_count - 1].node_id : -1;
        t->partitions.v[0].error_code = led ? 0 : KE_LEADER_NOT_AVAILABLE;
    }
}

static void answer_coordinator(struct fake *f, int version, const struct kmsg_find_coordinator_request *q,
                               struct bn_arena *a, struct kmsg_find_coordinator_response *r) {
    const struct kmsg_metadata_response_broker *n = &f->nodes[f->node_count - 1];
    bool away = f->manner == FAKE_LOADING && f->coordinator_asked++ < 2;
    int16_t code = away ? KE_COORDINATOR_NOT_AVAILABLE : 0;
    struct bn_slice host = away ? BN_SLICE_LIT("") : n->host;
    int32_t id = away ? -1 : n->node_id, port = away ? -1 : n->port;
    if (version < 4) {
        r->node_id = id, r->host = host, r->port = port, r->error_code = code;
        return;
    }
    r->coordinators.n = 1;
    r->coordinators.v = bn_arena_array(a, 1, sizeof *r->coordinators.v);
    r->coordinators.v[0] = kmsg_find_coordinator_response_coordinator_default;
    r->coordinators.v[0].key = q->coordinator_keys.v[0];
    r->coordinators.v[0].node_id = id, r->coordinators.v[0].port = port, r->coordinators.v[0].host = host;
    r->coordinators.v[0].error_code = code;
}

static void answer_fetch(const struct fake *f, struct bn_arena *a, struct kmsg_fetch_response *r) {
    r->responses.n = 1;
    r->responses.v = bn_arena_array(a, 1, sizeof *r->responses.v);
    r->responses.v[0] = kmsg_fetch_response_topic_default;
    r->responses.v[0].partitions.n = 1;
    r->responses.v[0].partitions.v = bn_arena_array(a, 1, sizeof *r->responses.v[0].partitions.v);
    r->responses.v[0].partitions.v[0] = kmsg_fetch_response_partition_default;
    r->responses.v[0].partitions.v[0].records.slice = bn_slice_of(f->fetch, f->fetch_len);
}

/* Makes the answer's frame; false when the request can't be understood. */
static bool make_answer(struct fake *f, struct bn_slice frame, struct bn_chain *out, int *api_key) {
    struct bn_header h;
    struct bn_slice body;
    struct bn_arena a;
    bool ok = bn_header_decode(frame, &h, &body, NULL) == 0 && bn_codec_request(h.api_key) != NULL;
    if (!ok) return false;
    *api_key = h.api_key;
    const struct bn_codec_desc *in = bn_codec_request(h.api_key), *back = bn_codec_response(h.api_key);
    bn_arena_init(&a, BUDGET);
    void *q = bn_arena_alloc(&a, bn_codec_struct_size(in)), *r = bn_arena_alloc(&a, bn_codec_struct_size(back));
    ok = bn_codec_decode(in, h.api_version, body, &a, q, NULL) == 0;
    bn_codec_defaults(back, r);
    int version = h.api_version;
    if (h.api_key == KAPI_API_VERSIONS) answer_versions(f, version, r);
    if (h.api_key == KAPI_API_VERSIONS && f->manner == FAKE_OLD) version = 0;
    if (h.api_key == KAPI_METADATA && ok) answer_metadata(f, q, &a, r);
    if (h.api_key == KAPI_FIND_COORDINATOR && ok) answer_coordinator(f, version, q, &a, r);
    if (h.api_key == KAPI_FETCH && ok) answer_fetch(f, &a, r);
    bool confused = f->manner == FAKE_CONFUSED && h.api_key != KAPI_API_VERSIONS;
    if (ok) bn_header_encode_response(h.correlation_id + confused, version, back, r, out);
    bn_arena_fini(&a);
    return ok;
}

static bool misbehave(const struct fake *f, int fd, uint8_t *p, size_t n) {
    switch (f->manner) {
    case FAKE_MUTE:
        return true;
    case FAKE_CLOSES:
        return false;
    case FAKE_SWOLLEN:
        bn_put_u32(p, INT32_MAX);
        return write_all(f, fd, p, n);
    case FAKE_STUNTED:
        bn_put_u32(p, 3);
        return write_all(f, fd, p, n);
    case FAKE_BABBLING:
        memset(p + 9, 0x7f, n - 9);
        return write_all(f, fd, p, n);
    case FAKE_TALKATIVE:
        return write_all(f, fd, p, n) && write_all(f, fd, p, n);
    case FAKE_HASTY:
        (void)write_all(f, fd, p, n / 2);
        return false;
    default:
        return write_all(f, fd, p, n);
    }
}

/* One request and its answer. False ends the connection. */
static bool serve(struct fake *f, int fd, uint8_t *request) {
    uint8_t length[4];
    int api_key;
    struct bn_chain out;
    if (!read_all(fd, length, 4) || bn_get_u32(length) > REQUEST_MAX) return false;
    if (!read_all(fd, request, bn_get_u32(length))) return false;
    if (f->manner == FAKE_SILENT) return true;
    bn_chain_init(&out);
    bool ok = make_answer(f, bn_slice_of(request, bn_get_u32(length)), &out, &api_key);
    size_t n = out.size_bytes;
    uint8_t *bytes = bn_alloc(n + 1);
    if (ok) ok = bn_chain_copy_out(&out, bytes) == 0;
    bn_chain_fini(&out);
    if (ok && api_key == KAPI_API_VERSIONS)
        ok = write_all(f, fd, bytes, n);
    else if (ok) {
        f->requests++;
        ok = misbehave(f, fd, bytes, n);
    }
    bn_alloc_free(bytes);
    return ok;
}

static void set_conn(struct fake *f, int fd) {
    pthread_mutex_lock(&f->lock);
    f->conn_fd = fd;
    pthread_mutex_unlock(&f->lock);
}

static void *run(void *arg) {
    struct fake *f = arg;
    uint8_t *request = bn_alloc(REQUEST_MAX);
    while (!f->stopping) {
        int fd = accept(f->listen_fd, NULL, NULL);
        if (fd < 0) break;
        set_conn(f, fd);
        while (!f->stopping && serve(f, fd, request)) {
        }
        set_conn(f, -1);
        close(fd);
    }
    bn_alloc_free(request);
    return NULL;
}

struct fake *fake_start(enum fake_manner manner, int32_t node_id, size_t fetch_bytes) {
    struct fake *f = bn_alloc_zero(1, sizeof *f);
    f->manner = manner;
    f->node_id = node_id;
    f->fetch_len = fetch_bytes;
    f->fetch = bn_alloc(fetch_bytes + 1);
    for (size_t i = 0; i < fetch_bytes; i++) f->fetch[i] = (uint8_t)(i % 251);
    f->conn_fd = -1;
    pthread_mutex_init(&f->lock, NULL);
    f->listen_fd = bn_sock_listen("127.0.0.1", 0, 8, NULL);
    BN_ASSERT(f->listen_fd >= 0);
    BN_ASSERT(fcntl(f->listen_fd, F_SETFL, 0) == 0); /* blocking */
    fake_add_node(f, node_id, fake_port(f));
    BN_ASSERT(pthread_create(&f->thread, NULL, run, f) == 0);
    return f;
}

void fake_add_node(struct fake *f, int32_t node_id, int port) {
    BN_ASSERT(f->node_count < NODES_MAX);
    struct kmsg_metadata_response_broker *n = &f->nodes[f->node_count++];
    *n = kmsg_metadata_response_broker_default;
    n->node_id = node_id;
    n->host = BN_SLICE_LIT("127.0.0.1");
    n->port = port;
}

void fake_stop(struct fake *f) {
    f->stopping = true;
    shutdown(f->listen_fd, SHUT_RDWR);
    pthread_mutex_lock(&f->lock);
    if (f->conn_fd >= 0) shutdown(f->conn_fd, SHUT_RDWR);
    pthread_mutex_unlock(&f->lock);
    pthread_join(f->thread, NULL);
    close(f->listen_fd);
    bn_alloc_free(f->fetch);
    bn_alloc_free(f);
}

int fake_port(const struct fake *f) { return bn_sock_port(f->listen_fd); }
int fake_requests(const struct fake *f) { return f->requests; }
