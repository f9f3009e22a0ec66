/* api.c: owns the table of APIs and the first steps of every request: header, row, version gate, decoding.
 *
 * A peer's faults end here (5-protocol 5.1): an unknown API or version, or an undecodable body, closes the connection
 * with one line; only ApiVersions answers a version it does not know, so that a newer client can ask again. What a
 * peer can size is decoded into the request's arena, whose budget follows the size of the frame. */
#include "broker/api/api.h"

#include "broker/api/request_int.h"
#include "broker/net/conn.h"
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "proto/kafka/kapi.h"

static const size_t BUDGET_BASE_BYTES = 65536, BUDGET_MAX_BYTES = (size_t)256 << 20;

static const struct bn_api_row rows[] = {
#define X(NAME, name, min, max, factor)                                                                                \
    {KAPI_##NAME, min, max, #name, bn_api_##name, &kmsg_##name##_request_desc, &kmsg_##name##_response_desc, factor},
#include "broker/api/api.def"
#undef X
};

const struct bn_api_wire bn_api_wire_net = {
    .answer = bn_conn_answer,
    .close = bn_conn_close,
    .listener = bn_conn_listener,
    .host = bn_conn_host,
    .set_user = bn_conn_set_user,
    .user = bn_conn_user,
};

const struct bn_api_row *bn_api_rows(int *count) {
    *count = (int)BN_ARRAY_LEN(rows);
    return rows;
}

const struct bn_api_row *bn_api_row(int key) {
    size_t low = 0, high = BN_ARRAY_LEN(rows);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (rows[middle].key < key) low = middle + 1;
        else high = middle;
    }
    return low < BN_ARRAY_LEN(rows) && rows[low].key == key ? &rows[low] : NULL;
}

struct bn_api *bn_api_new(const struct bn_api_deps *deps, struct bn_shard *shard, const struct bn_api_wire *wire) {
    struct bn_api *api = bn_alloc_zero(1, sizeof *api);
    api->deps = deps;
    api->wire = wire;
    api->shard = shard;
    bn_map_init(&api->creating);
    return api;
}

void bn_api_free(struct bn_api *api) {
    if (!api) return;
    BN_ASSERT(api->open_count == 0);
    BN_ASSERT(api->creating.count == 0);
    bn_request_free_spare(api);
    bn_map_fini(&api->creating);
    bn_alloc_free(api);
}

int64_t bn_api_open_count(const struct bn_api *api) { return api->open_count; }

/* KIP-511: a version from the future is answered with a body of version 0 that tells what we do speak. */
static void answer_old_api_versions(struct bn_request *r) {
    struct kmsg_api_versions_response_api_key own = {
        .api_key = r->row->key, .min_version = r->row->min_version, .max_version = r->row->max_version};
    struct kmsg_api_versions_response response = kmsg_api_versions_response_default;
    response.error_code = KE_UNSUPPORTED_VERSION;
    response.api_keys.v = &own;
    response.api_keys.n = 1;
    r->header.api_version = 0;
    bn_request_reply(r, &response);
}

static void refuse_version(struct bn_request *r) {
    char why[200];
    const struct bn_header *h = &r->header;
    size_t shown = bn_min_size(h->client_id.len, 64);
    if (!r->row) {
        (void)snprintf(why, sizeof why, "client '%.*s' asked for API key %d version %d, which is not offered here",
                       (int)shown, (const char *)h->client_id.ptr, h->api_key, h->api_version);
    } else {
        (void)snprintf(why, sizeof why, "client '%.*s' asked for version %d of %s; versions %d to %d are offered here",
                       (int)shown, (const char *)h->client_id.ptr, h->api_version, bn_codec_name(r->row->request),
                       r->row->min_version, r->row->max_version);
    }
    bn_request_close(r, why);
}

static void dispatch(struct bn_request *r, size_t frame_len) {
    struct bn_err e = BN_ERR_NONE;
    r->arena.budget_bytes = bn_min_size(BUDGET_BASE_BYTES + frame_len * r->row->memory_factor, BUDGET_MAX_BYTES);
    r->message = bn_arena_alloc(&r->arena, bn_codec_struct_size(r->row->request));
    int rc = BN_FULL;
    if (r->message) {
        rc = bn_codec_decode(r->row->request, r->header.api_version, r->body, &r->arena, r->message, &e);
    }
    if (rc == 0) r->row->handler(r);
    else bn_request_close(r, e.code ? e.text : bn_err_text(rc));
}

static struct bn_api_session *session_of(struct bn_api *api, struct bn_conn *c) {
    struct bn_api_session *s = api->wire->user(c);
    if (s) return s;
    s = bn_alloc_zero(1, sizeof *s);
    bn_list_init(&s->requests);
    api->wire->set_user(c, s);
    return s;
}

void bn_api_frame(void *arg, struct bn_conn *c, uint32_t ticket, struct bn_buf *holder, struct bn_slice frame) {
    struct bn_api *api = arg;
    struct bn_api_session *s = session_of(api, c);
    struct bn_request *r = bn_request_begin(api, c, ticket, holder);
    bn_list_push_back(&s->requests, &bn_request_box(r)->link);
    struct bn_err e = BN_ERR_NONE;
    int rc = bn_header_decode(frame, &r->header, &r->body, &e);
    if (rc) {
        bn_request_close(r, e.text);
        return;
    }
    r->row = bn_api_row(r->header.api_key);
    bool known = r->row && r->header.api_version >= r->row->min_version && r->header.api_version <= r->row->max_version;
    if (known) dispatch(r, frame.len);
    else if (r->header.api_key == KAPI_API_VERSIONS) answer_old_api_versions(r);
    else refuse_version(r);
}

void bn_api_closed(void *arg, struct bn_conn *c) {
    struct bn_api *api = arg;
    struct bn_api_session *s = api->wire->user(c);
    if (!s) return;
    BN_LIST_FOR(it, &s->requests) {
        struct bn_request *r = &BN_CONTAINER_OF(it, struct bn_request_box, link)->request;
        bn_list_remove(it);
        r->conn = NULL;
        if (r->abandoned) r->abandoned(r->abandoned_arg);
    }
    api->wire->set_user(c, NULL);
    bn_alloc_free(s);
}
