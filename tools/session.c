/* session.c: a command's conversation with the cluster: proto/client's blocking face, with errors told as commands tell
 * them.
 */
#include "tools/session.h"

#include "common/base/alloc.h"
#include "proto/client/bootstrap.h"
#include "proto/kafka/kmsg.h"

enum { API_METADATA = 3, TIMEOUT_MS = 60000, ARENA_BUDGET = 64 << 20 };

struct bn_session {
    const char *program;
    struct bn_bootstrap *cluster;
    struct bn_arena arena;
};

struct bn_session *bn_session_open(const char *program, const char *bootstrap) {
    struct bn_err e = BN_ERR_NONE;
    struct bn_bootstrap *cluster = bn_bootstrap_new(bootstrap, "barnabas", &e);
    if (!cluster) {
        fprintf(stderr, "%s: --bootstrap-server: %s\n", program, e.text);
        return NULL;
    }
    struct bn_session *s = bn_alloc_zero(1, sizeof *s);
    s->program = program;
    s->cluster = cluster;
    bn_arena_init(&s->arena, ARENA_BUDGET);
    return s;
}

void bn_session_close(struct bn_session *s) {
    bn_bootstrap_free(s->cluster);
    bn_arena_fini(&s->arena);
    bn_alloc_free(s);
}

struct bn_arena *bn_session_arena(struct bn_session *s) {
    return &s->arena;
}

int bn_session_version(struct bn_session *s, int api_key) {
    struct bn_err e = BN_ERR_NONE;
    int version = bn_bootstrap_version(s->cluster, BN_BOOTSTRAP_ANY, api_key, TIMEOUT_MS, &e);
    if (version < 0) fprintf(stderr, "%s: %s\n", s->program, e.text);
    return version;
}

bool bn_session_offers(struct bn_session *s, int api_key) {
    struct bn_err e = BN_ERR_NONE;
    return bn_bootstrap_version(s->cluster, BN_BOOTSTRAP_ANY, api_key, TIMEOUT_MS, &e) >= 0;
}

void *bn_session_try(struct bn_session *s, int32_t broker, int api_key, void *request, struct bn_err *e) {
    void *response = NULL;
    int rc = broker == BN_SESSION_ANY
                 ? bn_bootstrap_call_any(s->cluster, api_key, request, TIMEOUT_MS, &response, e)
                 : bn_bootstrap_call_broker(s->cluster, broker, api_key, request, TIMEOUT_MS, &response, e);
    return rc == BN_OK ? response : NULL;
}

void *bn_session_call_broker(struct bn_session *s, int32_t broker, int api_key, void *request) {
    struct bn_err e = BN_ERR_NONE;
    void *response = bn_session_try(s, broker, api_key, request, &e);
    if (!response) fprintf(stderr, "%s: %s\n", s->program, e.text);
    return response;
}

void *bn_session_call(struct bn_session *s, int api_key, void *request) {
    return bn_session_call_broker(s, BN_SESSION_ANY, api_key, request);
}

struct kmsg_metadata_response *bn_session_metadata(struct bn_session *s) {
    struct kmsg_metadata_request q = kmsg_metadata_request_default;
    q.topics.n = -1;
    q.allow_auto_topic_creation = false;
    return bn_session_call(s, API_METADATA, &q);
}

const char *bn_session_peer(const struct bn_session *s) { return bn_bootstrap_peer(s->cluster); }
