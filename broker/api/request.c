/* request.c: owns requests from their beginning to their one end: answered, done without an answer, or closed.
 *
 * Invariants: a request is in its connection's session while it is open and the connection lives; its frame, arena
 * and message die with it. Ended ones are kept for reuse with one arena block each, so that a request costs no
 * allocation of its own. */
#include "broker/api/request.h"

#include "broker/api/request_int.h"
#include "common/base/alloc.h"
#include "common/base/bytes.h"
#include "common/base/check.h"

enum { SPARE_MAX = 256 };

struct bn_request *bn_request_begin(struct bn_api *api, struct bn_conn *conn, uint32_t ticket, struct bn_buf *holder) {
    struct bn_request_box *box = api->spare;
    if (box) {
        api->spare = box->next_spare;
        api->spare_count--;
    } else {
        box = bn_alloc(sizeof *box);
        bn_arena_init(&box->request.arena, 0);
    }
    struct bn_request *r = &box->request;
    struct bn_arena arena = r->arena;
    *box = (struct bn_request_box){.api = api, .ticket = ticket};
    bn_list_init(&box->link);
    r->arena = arena;
    r->deps = api->deps;
    r->shard = api->shard;
    r->conn = conn;
    r->listener = api->wire->listener(conn);
    const char *host = api->wire->host(conn);
    memcpy(r->client_host, host, bn_min_size(strlen(host), sizeof r->client_host - 1)); /* the rest is zero */
    bn_buf_ref(holder);
    r->frame = holder;
    api->open_count++;
    return r;
}

static void end(struct bn_request *r) {
    struct bn_request_box *box = bn_request_box(r);
    struct bn_api *api = box->api;
    bn_list_remove(&box->link);
    bn_buf_unref(r->frame);
    api->open_count--;
    if (api->spare_count == SPARE_MAX) {
        bn_arena_fini(&r->arena);
        bn_alloc_free(box);
        return;
    }
    bn_arena_reset(&r->arena);
    box->next_spare = api->spare;
    api->spare = box;
    api->spare_count++;
}

void bn_request_free_spare(struct bn_api *api) {
    while (api->spare) {
        struct bn_request_box *box = api->spare;
        api->spare = box->next_spare;
        bn_arena_fini(&box->request.arena);
        bn_alloc_free(box);
    }
    api->spare_count = 0;
}

static void send(struct bn_request *r, struct bn_chain *answer) {
    struct bn_request_box *box = bn_request_box(r);
    BN_ASSERT(bn_shard_current() == r->shard);
    if (r->conn) box->api->wire->answer(r->conn, box->ticket, answer);
    end(r);
}

void bn_request_reply(struct bn_request *r, void *response) {
    struct bn_chain answer;
    bn_chain_init(&answer);
    /* Encoded even when nobody waits any more, because that takes over the records' chains. */
    if (bn_header_encode_response(r->header.correlation_id, r->header.api_version, r->row->response, response, &answer))
        send(r, &answer);
    else
        bn_request_close(r, "the answer is larger than a frame can be");
    bn_chain_fini(&answer);
}

void bn_request_reply_body(struct bn_request *r, struct bn_slice body) {
    bool flexible = bn_codec_is_flexible(r->row->response, r->header.api_version);
    size_t header = flexible ? 5 : 4; /* response header v1 adds tagged fields: none */
    struct bn_chain answer;
    bn_chain_init(&answer);
    BN_ASSERT(body.len < INT32_MAX - 5);
    uint8_t *p = bn_chain_reserve(&answer, 4 + header);
    bn_put_u32(p, (uint32_t)(header + body.len));
    bn_put_u32(p + 4, (uint32_t)r->header.correlation_id);
    if (flexible) p[8] = 0;
    bn_chain_append(&answer, body.ptr, body.len);
    send(r, &answer);
    bn_chain_fini(&answer);
}

void bn_request_done(struct bn_request *r) { send(r, NULL); }

void bn_request_close(struct bn_request *r, const char *why) {
    struct bn_conn *conn = r->conn;
    struct bn_request_box *box = bn_request_box(r);
    /* Out of the session first: closing tells the session's other requests. why may lie in r. */
    bn_list_remove(&box->link);
    r->conn = NULL;
    if (conn) box->api->wire->close(conn, why);
    end(r);
}
