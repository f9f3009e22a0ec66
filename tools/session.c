/* session.c: a command's conversation with the cluster: proto/client's blocking face, with errors told as commands tell
 * them.
 */
#include "tools/session.h"

#include "common/base/alloc.h"
#include "proto/client/bootstrap.h"

enum { TIMEOUT_MS = 60000, ARENA_BUDGET = 64 << 20 };

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

void *bn_session_call(struct bn_session *s, int api_key, void *request) {
    struct bn_err e = BN_ERR_NONE;
    void *response = NULL;
    if (bn_bootstrap_call_any(s->cluster, api_key, request, TIMEOUT_MS, &response, &e) == BN_OK) return response;
    fprintf(stderr, "%s: %s\n", s->program, e.text);
    return NULL;
}
