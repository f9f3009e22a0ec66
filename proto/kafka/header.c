/* header.c: what stands before a message: length, request and response headers. Their odd versions live here and
 * nowhere else: the client id keeps its 16-bit length even behind compact strings, and the answer to ApiVersions has
 * the oldest header whatever its version, so that a client can read it before it knows anything. */
#include "proto/kafka/header.h"

#include "common/base/check.h"
#include "proto/kafka/kapi.h"
#include "proto/kafka/plan.h"

enum { FIXED = 8 /* key, version, correlation id */, LENGTH = 4, CLIENT_ID_MAX = 32767 };

static bool is_flexible_response(const struct bn_codec_desc *d, int version) {
    return d->key != KAPI_API_VERSIONS && bn_codec_is_flexible(d, version);
}

/* Nothing in a header's tag section is known: skipped by the rules of decode.c. */
static bool skip_tags(struct bn_cursor *c) {
    int64_t last = -1;
    uint32_t count = bn_cursor_uvarint(c);
    for (uint32_t i = 0; i < count && !c->bad; i++) {
        uint32_t tag = bn_cursor_uvarint(c), size = bn_cursor_uvarint(c);
        if (tag <= last) return false;
        last = tag;
        (void)bn_cursor_take(c, size);
    }
    return !c->bad;
}

int bn_header_decode(struct bn_slice frame, struct bn_header *out, struct bn_slice *body, struct bn_err *e) {
    struct bn_cursor c = bn_cursor_of(frame);
    *out = (struct bn_header){0};
    *body = BN_SLICE_NULL;
    out->api_key = bn_cursor_i16(&c);
    out->api_version = bn_cursor_i16(&c);
    out->correlation_id = bn_cursor_i32(&c);
    if (c.bad) return bn_err_set(e, BN_BAD, "request header: %zu bytes, at least %d expected", frame.len, FIXED);
    const struct bn_codec_desc *d = bn_codec_request(out->api_key);
    bool known = d && out->api_version >= d->min_version && out->api_version <= d->max_version;
    int16_t n = bn_cursor_i16(&c);
    if (n >= 0) out->client_id = bn_cursor_slice(&c, (size_t)n);
    if (c.bad || n < -1) {
        /* The caller may still answer a version it does not know; of one it knows the header must be whole. */
        if (!known) return 0;
        return bn_err_set(e, BN_BAD, "request header: client id of length %d, %zu bytes left", n, bn_cursor_left(&c));
    }
    if (known && bn_codec_is_flexible(d, out->api_version) && !skip_tags(&c)) {
        return bn_err_set(e, BN_BAD, "request header: bad tag section");
    }
    *body = bn_slice_of(c.next, bn_cursor_left(&c));
    return 0;
}

/* The length is known when everything behind it has been appended; reserved bytes stay where they are. */
static void patch_length(uint8_t *at, size_t before, const struct bn_chain *out) {
    size_t n = out->size_bytes - before - LENGTH;
    BN_ASSERT(n <= INT32_MAX);
    bn_put_u32(at, (uint32_t)n);
}

void bn_header_encode_request(const struct bn_header *h, const struct bn_codec_desc *d, void *message,
                              struct bn_chain *out) {
    BN_ASSERT(h->api_key == d->key);
    BN_ASSERT(h->client_id.len <= CLIENT_ID_MAX);
    bool flexible = bn_codec_is_flexible(d, h->api_version);
    size_t before = out->size_bytes;
    uint8_t *start = bn_chain_reserve(out, LENGTH + FIXED + 2 + h->client_id.len + flexible), *p = start + LENGTH;
    bn_put_u16(p, (uint16_t)h->api_key);
    bn_put_u16(p + 2, (uint16_t)h->api_version);
    bn_put_u32(p + 4, (uint32_t)h->correlation_id);
    bn_put_u16(p + 8, bn_slice_is_null(h->client_id) ? UINT16_MAX : (uint16_t)h->client_id.len);
    p += FIXED + 2;
    if (h->client_id.len) memcpy(p, h->client_id.ptr, h->client_id.len);
    if (flexible) p[h->client_id.len] = 0;
    if (!bn_codec_encode(d, h->api_version, message, out)) BN_UNREACHABLE(); /* of our own */
    patch_length(start, before, out);
}

bool bn_header_encode_response(int32_t correlation_id, int version, const struct bn_codec_desc *d, void *message,
                               struct bn_chain *out) {
    bool flexible = is_flexible_response(d, version);
    size_t before = out->size_bytes;
    uint8_t *start = bn_chain_reserve(out, LENGTH + 4 + (size_t)flexible);
    bn_put_u32(start + LENGTH, (uint32_t)correlation_id);
    if (flexible) start[LENGTH + 4] = 0;
    if (!bn_codec_encode(d, version, message, out)) return false;
    patch_length(start, before, out);
    return true;
}

int bn_header_decode_response(struct bn_slice frame, int api_key, int version, int32_t *correlation_id,
                              struct bn_slice *body) {
    const struct bn_codec_desc *d = bn_codec_response(api_key);
    BN_ASSERT(d);
    struct bn_cursor c = bn_cursor_of(frame);
    *correlation_id = bn_cursor_i32(&c);
    if (c.bad) return BN_BAD;
    if (is_flexible_response(d, version) && !skip_tags(&c)) return BN_BAD;
    *body = bn_slice_of(c.next, bn_cursor_left(&c));
    return 0;
}
