/* Goal: frames begin as Kafka's clients and brokers expect, odd versions included. Method: first frames of a real
 * librdkafka, round trips of both header kinds over every API, and hostile headers. */
#include "proto/kafka/header.h"
#include "proto/kafka/kapi.h"
#include "proto/kafka/kmsg.h"
#include "tests/unit/proto/kafka/kit.h"
#include "tests/unit/proto/kafka/suites.h"

/* What librdkafka 2.0.2 sends first: ApiVersions v3, then Metadata v4 (no topics, then all). Without the length. */
static const struct captured {
    const char *hex;
    int key, version, correlation_id;
    size_t body;
} captures[] = {
    {"0012000300000001000772646b61666b61000b6c696272646b61666b6106322e302e3200", 18, 3, 1, 18},
    {"0003000400000002000772646b61666b610000000000", 3, 4, 2, 5},
    {"0003000400000003000772646b61666b61ffffffff01", 3, 4, 3, 5},
};

START_TEST(frames_of_librdkafka) {
    const struct captured *c = &captures[_i];
    struct bn_slice frame = kit_hex(c->hex), body;
    struct bn_header h;
    struct bn_arena arena;
    bn_arena_init(&arena, 65536);
    ck_assert_int_eq(bn_header_decode(frame, &h, &body, NULL), 0);
    ck_assert_int_eq(h.api_key, c->key);
    ck_assert_int_eq(h.api_version, c->version);
    ck_assert_int_eq(h.correlation_id, c->correlation_id);
    ck_assert(bn_slice_eq_str(h.client_id, "rdkafka"));
    ck_assert_uint_eq(body.len, c->body);
    const struct bn_codec_desc *d = bn_codec_request(h.api_key);
    void *message = bn_arena_alloc(&arena, bn_codec_struct_size(d));
    ck_assert_int_eq(bn_codec_decode(d, h.api_version, body, &arena, message, NULL), 0);
    struct bn_chain out;
    bn_chain_init(&out);
    bn_header_encode_request(&h, d, message, &out);
    uint8_t again[128];
    ck_assert_uint_eq(out.size_bytes, frame.len + 4);
    ck_assert_int_eq(bn_chain_copy_out(&out, again), 0);
    ck_assert_uint_eq(bn_get_u32(again), frame.len);
    ck_assert_mem_eq(again + 4, frame.ptr, frame.len);
    bn_chain_fini(&out);
    bn_arena_fini(&arena);
    kit_free(frame);
}
END_TEST

/* Every API in its lowest and highest version: the response header grows by a tag section, except for ApiVersions. */
START_TEST(responses) {
    for (int key = 0; key < KAPI_KEYS; key++) {
        const struct bn_codec_desc *d = bn_codec_response(key);
        for (int high = 0; d && high < 2; high++) {
            int version = high ? bn_codec_max_version(d) : bn_codec_min_version(d);
            void *message = bn_alloc(bn_codec_struct_size(d));
            bn_codec_defaults(d, message);
            struct bn_slice alone = kit_encode(d, version, message), body;
            struct bn_chain out;
            bn_chain_init(&out);
            bn_chain_append(&out, "before", 6);
            bn_header_encode_response(0x01020304, version, d, message, &out);
            uint8_t *bytes = bn_alloc(out.size_bytes);
            ck_assert_int_eq(bn_chain_copy_out(&out, bytes), 0);
            bool tagged = bn_codec_is_flexible(d, version) && key != KAPI_API_VERSIONS;
            ck_assert_uint_eq(out.size_bytes, 6 + 4 + 4 + (size_t)tagged + alone.len);
            ck_assert_uint_eq(bn_get_u32(bytes + 6), out.size_bytes - 10);
            int32_t correlation_id;
            struct bn_slice frame = bn_slice_of(bytes + 10, out.size_bytes - 10);
            ck_assert_int_eq(bn_header_decode_response(frame, key, version, &correlation_id, &body), 0);
            ck_assert_int_eq(correlation_id, 0x01020304);
            ck_assert(bn_slice_eq(body, alone));
            bn_chain_fini(&out);
            bn_alloc_free(bytes);
            bn_alloc_free(message);
            kit_free(alone);
        }
    }
}
END_TEST

static const struct odd {
    const char *what, *hex;
    int rc, key, version;
    long body; /* bytes; -1 null */
} odds[] = {
    {"too short", "0012 0003 000000", BN_BAD, 18, 3, -1},
    {"known, but no client id", "0003 0000 00000001", BN_BAD, 3, 0, -1},
    {"client id longer than the frame", "0003 0000 00000001 0009 61", BN_BAD, 3, 0, -1},
    {"client id of length -2", "0003 0000 00000001 fffe", BN_BAD, 3, 0, -1},
    {"null client id", "0003 0000 00000001 ffff 00000000", 0, 3, 0, 4},
    {"unknown tag skipped", "0003 0009 00000001 0001 61 01 07 02 aabb 01 00 00 00 00", 0, 3, 9, 5},
    {"tag section cut short", "0003 0009 00000001 0001 61 01 07 09 aabb", BN_BAD, 3, 9, -1},
    {"tags that repeat", "0003 0009 00000001 0001 61 02 07 00 07 00 00", BN_BAD, 3, 9, -1},
    {"a version to come", "0012 0063 00000001 0001 61 00 02 61", 0, 18, 99, 3},
    {"a version to come without client id", "0012 0063 00000001", 0, 18, 99, -1},
    {"an API we do not know", "7fff 0000 00000001 ffff ab", 0, 32767, 0, 1},
    {"a negative API", "ffff ffff 00000001 ffff", 0, -1, -1, 0},
};

START_TEST(odd_headers) {
    const struct odd *o = &odds[_i];
    struct bn_slice frame = kit_hex(o->hex), body;
    struct bn_header h;
    struct bn_err e = BN_ERR_NONE;
    int rc = bn_header_decode(frame, &h, &body, &e);
    ck_assert_msg(rc == o->rc, "%s: %d %s", o->what, rc, e.text);
    ck_assert_int_eq(h.api_key, o->key);
    ck_assert_int_eq(h.api_version, o->version);
    if (rc == 0) ck_assert_int_eq(bn_slice_is_null(body) ? -1 : (long)body.len, o->body);
    else ck_assert_int_ne(e.text[0], '\0');
    kit_free(frame);
}
END_TEST

START_TEST(bad_response_headers) {
    struct bn_slice body;
    int32_t id;
    ck_assert_int_eq(bn_header_decode_response(BN_SLICE_LIT("\0\0\0"), KAPI_FETCH, 4, &id, &body), BN_BAD);
    ck_assert_int_eq(bn_header_decode_response(BN_SLICE_LIT("\0\0\0\1"), KAPI_FETCH, 12, &id, &body), BN_BAD);
    ck_assert_int_eq(bn_header_decode_response(BN_SLICE_LIT("\0\0\0\1\1\0\5a"), KAPI_FETCH, 12, &id, &body), BN_BAD);
}
END_TEST

Suite *header_suite(void) {
    Suite *s = suite_create("header");
    TCase *t = tcase_create("header");
    tcase_add_loop_test(t, frames_of_librdkafka, 0, (int)BN_ARRAY_LEN(captures));
    tcase_add_test(t, responses);
    tcase_add_loop_test(t, odd_headers, 0, (int)BN_ARRAY_LEN(odds));
    tcase_add_test(t, bad_response_headers);
    suite_add_tcase(s, t);
    return s;
}
