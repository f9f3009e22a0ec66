/* session.c: one request after the other, over one connection to the first bootstrap server that answers. Blocking is
 * fine here: a command has nothing else to do. A connection that breaks is an error of the command, not of the library:
 * only connecting is tried at every server.
 */
#include "tools/session.h"

#include <poll.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/bytes.h"
#include "common/sys/clock.h"
#include "common/sys/sock.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/header.h"
#include "proto/kafka/kmsg.h"

enum {
    API_VERSIONS = 18,
    TIMEOUT_MS = 60000,
    CONNECT_MS = 10000,
    FRAME_MAX = 128 << 20,
    ARENA_BUDGET = 1 << 30,
    API_MAX = 128
};

struct bn_session {
    const char *program, *bootstrap;
    char *peer; /* "host:port" of the connection */
    int fd;     /* -1 = none */
    int32_t correlation_id;
    struct bn_arena arena;
    struct {
        int16_t min, max;
    } served[API_MAX]; /* what the broker serves; max -1 = not at all */
};

struct bn_session *bn_session_open(const char *program, const char *bootstrap) {
    struct bn_session *s = bn_alloc_zero(1, sizeof *s);
    s->program = program;
    s->bootstrap = bootstrap;
    s->fd = -1;
    bn_arena_init(&s->arena, ARENA_BUDGET);
    return s;
}

void bn_session_close(struct bn_session *s) {
    if (s->fd >= 0) close(s->fd);
    bn_arena_fini(&s->arena);
    bn_alloc_free(s->peer);
    bn_alloc_free(s);
}

struct bn_arena *bn_session_arena(struct bn_session *s) {
    return &s->arena;
}

/* ---- bytes ---- */

static bool wait_for(int fd, short events, uint64_t deadline_ms) {
    uint64_t now_ms = bn_clock_mono_ms(bn_clock_real());
    struct pollfd p = {.fd = fd, .events = events};
    return now_ms < deadline_ms && poll(&p, 1, (int)(deadline_ms - now_ms)) > 0;
}

static int send_all(struct bn_session *s, struct bn_chain *out, uint64_t deadline_ms) {
    for (;;) {
        int rc = bn_sock_flush(s->fd, out, 0);
        if (rc != BN_AGAIN) return rc;
        if (!wait_for(s->fd, POLLOUT, deadline_ms)) return BN_AGAIN;
    }
}

static int receive(struct bn_session *s, uint8_t *to, size_t len, uint64_t deadline_ms) {
    while (len > 0) {
        ssize_t n = bn_sock_recv(s->fd, to, len);
        if (n == BN_AGAIN) {
            if (!wait_for(s->fd, POLLIN, deadline_ms)) return BN_AGAIN;
            continue;
        }
        if (n < 0) return (int)n;
        to += n;
        len -= (size_t)n;
    }
    return BN_OK;
}

/* One request frame out, one response frame in; the frame is of the arena. */
static int exchange(struct bn_session *s, struct bn_chain *out, struct bn_slice *frame, struct bn_err *e) {
    uint64_t deadline_ms = bn_clock_mono_ms(bn_clock_real()) + TIMEOUT_MS;
    uint8_t size_bytes[4];
    int rc = send_all(s, out, deadline_ms);
    if (rc == BN_OK) rc = receive(s, size_bytes, sizeof size_bytes, deadline_ms);
    if (rc != BN_OK)
        return bn_err_set(e, rc, rc == BN_AGAIN ? "no answer in %d ms" : "the connection was closed", TIMEOUT_MS);
    uint32_t size = bn_get_u32(size_bytes);
    if (size > FRAME_MAX) return bn_err_set(e, BN_BAD, "an answer of %u bytes: this is no Kafka listener", size);
    uint8_t *bytes = bn_arena_alloc(&s->arena, size);
    if (!bytes) return bn_err_set(e, BN_FULL, "the answers are too large");
    rc = receive(s, bytes, size, deadline_ms);
    if (rc != BN_OK) return bn_err_set(e, rc, "the answer broke off");
    *frame = bn_slice_of(bytes, size);
    return BN_OK;
}

/* ---- calls ---- */

static int call_version(struct bn_session *s, int api_key, int version, void *request, void **response,
                        struct bn_err *e) {
    const struct bn_codec_desc *d = bn_codec_response(api_key);
    struct bn_header header = {(int16_t)api_key, (int16_t)version, s->correlation_id++, bn_slice_str("barnabas")};
    struct bn_chain out;
    struct bn_slice frame = BN_SLICE_NULL, body;
    int32_t correlation_id = 0;
    bn_chain_init(&out);
    bn_header_encode_request(&header, bn_codec_request(api_key), request, &out);
    int rc = exchange(s, &out, &frame, e);
    bn_chain_fini(&out);
    if (rc != BN_OK) return rc;
    if (bn_header_decode_response(frame, api_key, version, &correlation_id, &body) != BN_OK ||
        correlation_id != header.correlation_id) {
        return bn_err_set(e, BN_BAD, "the answer is not one to this request");
    }
    *response = bn_arena_alloc(&s->arena, bn_codec_struct_size(d));
    if (!*response) return bn_err_set(e, BN_FULL, "the answers are too large");
    return bn_codec_decode(d, version, body, &s->arena, *response, e);
}

/* Asks what is served; a broker too old for our version says so in version 0. */
static int learn_versions(struct bn_session *s, struct bn_err *e) {
    struct kmsg_api_versions_request q = kmsg_api_versions_request_default;
    struct kmsg_api_versions_response *r = NULL;
    q.client_software_name = bn_slice_str("barnabas");
    q.client_software_version = bn_slice_str(PACKAGE_VERSION);
    int rc = call_version(s, API_VERSIONS, 0, &q, (void **)&r, e);
    if (rc != BN_OK) return rc;
    for (int i = 0; i < API_MAX; i++) s->served[i].max = -1;
    for (int32_t i = 0; i < r->api_keys.n; i++) {
        int key = r->api_keys.v[i].api_key;
        if (key < 0 || key >= API_MAX) continue;
        s->served[key].min = r->api_keys.v[i].min_version;
        s->served[key].max = r->api_keys.v[i].max_version;
    }
    return BN_OK;
}

/* Splits "host:port" or "[v6]:port"; 9092 when there is no port. */
static char *split_address(const char *text, size_t len, int *port) {
    struct bn_slice host = bn_slice_of(text, len);
    const char *colon = memrchr(text, ':', len), *bracket = memrchr(text, ']', len);
    int64_t number = 9092;
    if (colon && (!bracket || colon > bracket)) {
        host.len = (size_t)(colon - text);
        if (!bn_slice_to_i64(bn_slice_of(colon + 1, len - host.len - 1), &number)) number = -1;
    }
    if (host.len >= 2 && host.ptr[0] == '[') host = bn_slice_of(host.ptr + 1, host.len - 2);
    *port = number > 0 && number < 65536 ? (int)number : -1;
    return bn_alloc_strndup(host.ptr, host.len);
}

static int dial(struct bn_session *s, const char *address, size_t len, struct bn_err *e) {
    int port = 0;
    char *host = split_address(address, len, &port);
    bn_alloc_free(s->peer);
    s->peer = bn_alloc_strndup(address, len);
    uint64_t deadline_ms = bn_clock_mono_ms(bn_clock_real()) + CONNECT_MS;
    int rc = port < 0 ? bn_err_set(e, BN_BAD, "'%s' is no host:port", s->peer) : bn_sock_connect(host, port, e);
    bn_alloc_free(host);
    if (rc < 0) return rc;
    s->fd = rc;
    if (!wait_for(s->fd, POLLOUT, deadline_ms))
        rc = bn_err_set(e, BN_AGAIN, "cannot connect in %d ms", CONNECT_MS);
    else
        rc = bn_sock_connected(s->fd, e);
    if (rc == BN_OK) rc = learn_versions(s, e);
    if (rc != BN_OK) {
        close(s->fd);
        s->fd = -1;
    }
    return rc;
}

static bool connect_any(struct bn_session *s) {
    struct bn_err e = BN_ERR_NONE;
    for (const char *at = s->bootstrap; s->fd < 0 && *at;) {
        size_t len = strcspn(at, ",");
        if (dial(s, at, len, &e) == BN_OK) return true;
        fprintf(stderr, "%s: %s: %s\n", s->program, s->peer, e.text);
        at += len + (at[len] == ',');
    }
    return s->fd >= 0;
}

int bn_session_version(struct bn_session *s, int api_key) {
    if (s->fd < 0 && !connect_any(s)) return -1;
    const struct bn_codec_desc *d = bn_codec_request(api_key);
    int version = (int)bn_min_i64(s->served[api_key].max, bn_codec_max_version(d));
    if (version >= 0 && version >= s->served[api_key].min) return version;
    fprintf(stderr, "%s: %s does not serve %s in a version known here\n", s->program, s->peer, bn_codec_name(d));
    return -1;
}

void *bn_session_call(struct bn_session *s, int api_key, void *request) {
    struct bn_err e = BN_ERR_NONE;
    void *response = NULL;
    int version = bn_session_version(s, api_key);
    if (version < 0) return NULL;
    if (call_version(s, api_key, version, request, &response, &e) == BN_OK) return response;
    fprintf(stderr, "%s: %s: %s v%d: %s\n", s->program, s->peer, bn_codec_name(bn_codec_request(api_key)), version,
            e.text);
    close(s->fd);
    s->fd = -1;
    return NULL;
}
