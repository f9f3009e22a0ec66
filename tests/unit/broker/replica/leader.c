/* leader.c: the leader of leader.h. Blocking sockets on a thread; a fetch that waits polls its socket and an eventfd.
 */
#include "tests/unit/broker/replica/leader.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/str.h"
#include "common/sys/clock.h"
#include "common/sys/sock.h"
#include "proto/kafka/batch.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/header.h"
#include "proto/kafka/kapi.h"
#include "proto/kafka/kmsg.h"
#include "tests/unit/broker/replica/follow.h"

enum { REQUEST_MAX = 1 << 20 };

struct leader {
    pthread_mutex_t lock; /* of all below */
    struct bn_str log;
    int64_t end;
    int fail_count;
    int16_t fail_error;
    bool hang, stopping, drop;
    int32_t session_id;
    struct leader_seen seen;
    int64_t told[8]; /* what the session says: offset of each partition, -1 none */
    int conn_fd;

    int listen_fd, event_fd;
    pthread_t thread;
};

static void lock(struct leader *l) { pthread_mutex_lock(&l->lock); }
static void unlock(struct leader *l) { pthread_mutex_unlock(&l->lock); }
static void stir(const struct leader *l) { BN_ASSERT(write(l->event_fd, &(uint64_t){1}, 8) == 8); }

static bool read_all(int fd, uint8_t *p, size_t n) {
    while (n > 0) {
        ssize_t got = recv(fd, p, n, 0);
        if (got <= 0) return false;
        p += got, n -= (size_t)got;
    }
    return true;
}

static void answer_versions(struct kmsg_api_versions_response *r) {
    static struct kmsg_api_versions_response_api_key all[] = {
        {KAPI_API_VERSIONS, 0, 3}, {KAPI_FETCH, 4, 17}, {KAPI_LIST_OFFSETS, 1, 9}};
    r->api_keys.v = all;
    r->api_keys.n = (int32_t)BN_ARRAY_LEN(all);
}

/* Batches from offset on. */
static struct bn_slice batches_from(const struct leader *l, int64_t offset) {
    struct bn_slice left = bn_str_slice(&l->log);
    struct bn_batch b;
    while (left.len > 0 && bn_batch_peek(left, &b) == 0 && b.base_offset < offset)
        left = bn_slice_of(left.ptr + b.bytes.len, left.len - b.bytes.len);
    return left;
}

static void note(struct leader *l, const struct kmsg_fetch_request *q) {
    l->seen.fetches++;
    l->seen.replica_id = q->replica_state.replica_id;
    l->seen.replica_epoch = q->replica_state.replica_epoch;
    l->seen.max_wait_ms = q->max_wait_ms;
    l->seen.partitions = 0;
    if (q->session_epoch <= 0) {
        l->seen.full++;
        memset(l->told, 0xff, sizeof l->told);
    }
    for (int32_t i = 0; i < q->topics.n; i++) {
        for (int32_t k = 0; k < q->topics.v[i].partitions.n; k++) {
            const struct kmsg_fetch_request_partition *p = &q->topics.v[i].partitions.v[k];
            l->seen.partitions++;
            if (p->partition >= 0 && p->partition < 8) l->told[p->partition] = p->fetch_offset;
        }
    }
    for (int32_t i = 0; i < q->forgotten_topics_data.n; i++) {
        for (int32_t k = 0; k < q->forgotten_topics_data.v[i].partitions.n; k++)
            l->told[q->forgotten_topics_data.v[i].partitions.v[k] & 7] = -1;
    }
}

/* Waits until there is something to say. False: the connection ended. */
static bool wait_for_news(struct leader *l, int fd, int32_t max_wait_ms) {
    uint64_t now_ms, deadline_ms = bn_clock_mono_ms(bn_clock_real()) + (uint64_t)max_wait_ms;
    for (;;) {
        lock(l);
        bool asked = l->told[0] >= 0;
        bool ready = !l->hang && asked && (l->fail_count > 0 || l->told[0] < l->end);
        bool over = l->stopping || l->drop, hang = l->hang;
        l->seen.waiting = !ready && !over;
        unlock(l);
        if (over) return false;
        now_ms = bn_clock_mono_ms(bn_clock_real());
        if (ready || (!hang && now_ms >= deadline_ms)) return true;
        struct pollfd p[2] = {{.fd = fd, .events = POLLIN}, {.fd = l->event_fd, .events = POLLIN}};
        poll(p, 2, hang ? -1 : (int)(deadline_ms - now_ms));
        if (p[0].revents) return false; /* the client hung up: it has nothing to send meanwhile */
        uint64_t n;
        if (p[1].revents && read(l->event_fd, &n, 8) != 8) return false;
    }
}

static void fill_fetch(struct leader *l, struct kmsg_fetch_response *r, struct kmsg_fetch_response_topic *t,
                       struct kmsg_fetch_response_partition *p) {
    r->session_id = l->session_id;
    if (l->told[0] < 0 || (l->session_id && l->fail_count == 0 && l->told[0] >= l->end)) return;
    *t = kmsg_fetch_response_topic_default;
    *p = kmsg_fetch_response_partition_default;
    t->topic_id = world_id;
    t->partitions.v = p;
    t->partitions.n = 1;
    r->responses.v = t;
    r->responses.n = 1;
    p->high_watermark = l->end;
    if (l->fail_count > 0) {
        l->fail_count--;
        p->error_code = l->fail_error;
    } else {
        p->records.slice = batches_from(l, l->told[0]);
    }
}

static bool send_answer(int fd, const struct bn_header *h, void *r) {
    struct bn_chain out;
    bn_chain_init(&out);
    bn_header_encode_response(h->correlation_id, h->api_version, bn_codec_response(h->api_key), r, &out);
    int rc = BN_AGAIN;
    while (rc == BN_AGAIN) rc = bn_sock_flush(fd, &out, 0);
    bn_chain_fini(&out);
    return rc == 0;
}

static bool serve_fetch(struct leader *l, int fd, const struct bn_header *h, const struct kmsg_fetch_request *q,
                        struct kmsg_fetch_response *r) {
    struct kmsg_fetch_response_topic t;
    struct kmsg_fetch_response_partition p;
    lock(l);
    note(l, q);
    unlock(l);
    if (!wait_for_news(l, fd, q->max_wait_ms)) return false;
    lock(l);
    fill_fetch(l, r, &t, &p);
    bool ok = send_answer(fd, h, r);
    unlock(l);
    return ok;
}

/* One request. False ends the connection. */
static bool serve(struct leader *l, int fd, uint8_t *frame) {
    struct bn_header h;
    struct bn_slice body;
    uint8_t length[4];
    if (!read_all(fd, length, 4) || bn_get_u32(length) > REQUEST_MAX || !read_all(fd, frame, bn_get_u32(length)))
        return false;
    if (bn_header_decode(bn_slice_of(frame, bn_get_u32(length)), &h, &body, NULL) != 0) return false;
    const struct bn_codec_desc *in = bn_codec_request(h.api_key), *back = bn_codec_response(h.api_key);
    if (!in) return false;
    struct bn_arena a;
    bn_arena_init(&a, 16 << 20);
    void *q = bn_arena_alloc(&a, bn_codec_struct_size(in)), *r = bn_arena_alloc(&a, bn_codec_struct_size(back));
    bool ok = bn_codec_decode(in, h.api_version, body, &a, q, NULL) == 0;
    if (ok) bn_codec_defaults(back, r);
    if (ok && h.api_key == KAPI_FETCH) {
        ok = serve_fetch(l, fd, &h, q, r);
    } else if (ok) {
        if (h.api_key == KAPI_API_VERSIONS) answer_versions(r);
        ok = send_answer(fd, &h, r);
    }
    bn_arena_fini(&a);
    return ok;
}

static void *run(void *arg) {
    struct leader *l = arg;
    uint8_t *frame = bn_alloc(REQUEST_MAX);
    for (;;) {
        int fd = accept(l->listen_fd, NULL, NULL);
        lock(l);
        bool stopping = l->stopping || fd < 0;
        l->conn_fd = fd;
        l->drop = false;
        if (!stopping) l->seen.connections++;
        unlock(l);
        while (!stopping && serve(l, fd, frame)) continue;
        lock(l);
        l->seen.waiting = false;
        l->conn_fd = -1;
        stopping = stopping || l->stopping;
        unlock(l);
        if (fd >= 0) close(fd);
        if (stopping) break;
    }
    bn_alloc_free(frame);
    return NULL;
}

struct leader *leader_start(int port) {
    struct leader *l = bn_alloc_zero(1, sizeof *l);
    pthread_mutex_init(&l->lock, NULL);
    bn_str_init(&l->log);
    memset(l->told, 0xff, sizeof l->told);
    l->conn_fd = -1;
    l->event_fd = eventfd(0, EFD_CLOEXEC);
    l->listen_fd = bn_sock_listen("127.0.0.1", port, 8, NULL);
    BN_ASSERT(l->listen_fd >= 0 && l->event_fd >= 0);
    BN_ASSERT(fcntl(l->listen_fd, F_SETFL, 0) == 0); /* blocking */
    BN_ASSERT(pthread_create(&l->thread, NULL, run, l) == 0);
    return l;
}

int leader_port(const struct leader *l) { return bn_sock_port(l->listen_fd); }

void leader_stop(struct leader *l) {
    lock(l);
    l->stopping = true;
    if (l->conn_fd >= 0) shutdown(l->conn_fd, SHUT_RDWR);
    unlock(l);
    stir(l);
    shutdown(l->listen_fd, SHUT_RDWR);
    pthread_join(l->thread, NULL);
    close(l->listen_fd);
    close(l->event_fd);
    bn_str_fini(&l->log);
    pthread_mutex_destroy(&l->lock);
    bn_alloc_free(l);
}

void leader_append(struct leader *l, int count, int32_t epoch) {
    lock(l);
    follow_batch(&l->log, l->end, count, epoch);
    l->end += count;
    unlock(l);
    stir(l);
}

void leader_fail(struct leader *l, int count, int16_t error) {
    lock(l);
    l->fail_count = count;
    l->fail_error = error;
    unlock(l);
    stir(l);
}

void leader_hang(struct leader *l, bool hang) {
    lock(l);
    l->hang = hang;
    unlock(l);
    stir(l);
}

void leader_drop(struct leader *l) {
    lock(l);
    l->drop = true;
    if (l->conn_fd >= 0) shutdown(l->conn_fd, SHUT_RDWR);
    unlock(l);
    stir(l);
}

void leader_session(struct leader *l, int32_t id) {
    lock(l);
    l->session_id = id;
    unlock(l);
}

struct leader_seen leader_look(struct leader *l) {
    lock(l);
    struct leader_seen seen = l->seen;
    unlock(l);
    return seen;
}
