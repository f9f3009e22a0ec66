/* Goal: every message of every version comes back from the wire as it went, and the doors of codec.h answer.
 * Method: random legal messages from fixed seeds, encoded, decoded, compared and encoded again. */
#include <signal.h>

#include "common/base/str.h"
#include "proto/kafka/kapi.h"
#include "proto/kafka/kmsg.h"
#include "tests/unit/proto/kafka/golden.h"
#include "tests/unit/proto/kafka/kit.h"
#include "tests/unit/proto/kafka/suites.h"

enum { ROUNDS = 12, BUDGET = 64 << 20 };

static void round_trip(const struct bn_codec_desc *d, int version, struct kit_dice *dice) {
    struct bn_arena made, read;
    struct bn_err e = BN_ERR_NONE;
    bn_arena_init(&made, BUDGET);
    bn_arena_init(&read, BUDGET);
    void *a = bn_arena_alloc(&made, bn_codec_struct_size(d)), *b = bn_arena_alloc(&read, bn_codec_struct_size(d));
    ck_assert(bn_codec_random(d, version, &made, kit_roll, dice, a));
    struct bn_slice first = kit_encode(d, version, a);
    int rc = bn_codec_decode(d, version, first, &read, b, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    ck_assert_msg(bn_codec_equal(d, version, a, b), "%s v%d is not what it was", bn_codec_name(d), version);
    struct bn_slice second = kit_encode(d, version, b);
    ck_assert_msg(bn_slice_eq(first, second), "%s v%d: other bytes", bn_codec_name(d), version);
    kit_free(first);
    kit_free(second);
    bn_arena_fini(&made);
    bn_arena_fini(&read);
}

START_TEST(every_message_and_version) {
    struct kit_dice dice = {20240701};
    int count = 0;
    for (int key = 0; key < KAPI_KEYS; key++) {
        const struct bn_codec_desc *both[] = {bn_codec_request(key), bn_codec_response(key)};
        ck_assert_int_eq(both[0] != NULL, both[1] != NULL);
        for (int i = 0; i < 2 && both[i]; i++) {
            ck_assert_int_eq(bn_codec_key(both[i]), key);
            for (int v = bn_codec_min_version(both[i]); v <= bn_codec_max_version(both[i]); v++, count++) {
                for (int round = 0; round < ROUNDS; round++) round_trip(both[i], v, &dice);
            }
        }
    }
    ck_assert_int_gt(count, 200);
}
END_TEST

/* Each golden message decodes to the values it was made of and encodes to the same bytes. */
START_TEST(golden_messages) {
    const struct golden *g = &goldens[_i];
    struct bn_arena arena;
    struct bn_str dump;
    struct bn_err e = BN_ERR_NONE;
    bn_arena_init(&arena, BUDGET);
    bn_str_init(&dump);
    struct bn_slice bytes = kit_hex(g->hex);
    void *message = bn_arena_alloc(&arena, bn_codec_struct_size(g->desc));
    ck_assert_msg(bn_codec_decode(g->desc, g->version, bytes, &arena, message, &e) == 0, "%s", e.text);
    bn_codec_dump(g->desc, g->version, message, &dump);
    ck_assert_str_eq(dump.ptr, g->dump);
    struct bn_slice again = kit_encode(g->desc, g->version, message);
    ck_assert(bn_slice_eq(bytes, again));
    kit_free(bytes);
    kit_free(again);
    bn_str_fini(&dump);
    bn_arena_fini(&arena);
}
END_TEST

/* A field a version lacks has its default after decoding, whatever the memory held. */
START_TEST(absent_fields_have_defaults) {
    struct kmsg_fetch_request in = kmsg_fetch_request_default, out;
    struct bn_arena arena;
    bn_arena_init(&arena, BUDGET);
    struct bn_slice bytes = kit_encode(&kmsg_fetch_request_desc, 0, &in);
    memset(&out, 0xee, sizeof out);
    ck_assert_int_eq(bn_codec_decode(&kmsg_fetch_request_desc, 0, bytes, &arena, &out, NULL), 0);
    ck_assert_int_eq(out.max_bytes, 0x7fffffff);
    ck_assert_int_eq(out.session_epoch, -1);
    ck_assert_int_eq(out.replica_state.replica_id, -1);
    ck_assert_ptr_null(out.cluster_id.ptr);
    ck_assert_ptr_nonnull(out.rack_id.ptr);
    ck_assert_int_eq(out.forgotten_topics_data.n, 0);
    kit_free(bytes);
    bn_arena_fini(&arena);
}
END_TEST

START_TEST(doors) {
    ck_assert_ptr_null(bn_codec_request(-1));
    ck_assert_ptr_null(bn_codec_request(KAPI_KEYS));
    ck_assert_ptr_null(bn_codec_response(4));
    const struct bn_codec_desc *d = bn_codec_request(KAPI_PRODUCE);
    ck_assert_ptr_eq(d, &kmsg_produce_request_desc);
    ck_assert_str_eq(bn_codec_name(d), "ProduceRequest");
    ck_assert_int_eq(bn_codec_min_version(d), 0);
    ck_assert_int_eq(bn_codec_max_version(d), 11);
    ck_assert(!bn_codec_is_flexible(d, 8));
    ck_assert(bn_codec_is_flexible(d, 9));
    ck_assert(!bn_codec_is_flexible(bn_codec_request(KAPI_SASL_HANDSHAKE), 1));
    struct kmsg_metadata_response m;
    bn_codec_defaults(&kmsg_metadata_response_desc, &m);
    ck_assert_int_eq(m.controller_id, -1);
    ck_assert_int_eq(m.cluster_authorized_operations, INT32_MIN);
}
END_TEST

START_TEST(out_of_range_version_is_our_bug) {
    struct kmsg_produce_request r = kmsg_produce_request_default;
    struct bn_chain out;
    bn_chain_init(&out);
    bn_codec_encode(&kmsg_produce_request_desc, 12, &r, &out);
}
END_TEST

Suite *codec_suite(void) {
    Suite *s = suite_create("codec");
    TCase *t = tcase_create("codec");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, every_message_and_version);
    tcase_add_loop_test(t, golden_messages, 0, (int)BN_ARRAY_LEN(goldens));
    tcase_add_test(t, absent_fields_have_defaults);
    tcase_add_test(t, doors);
    tcase_add_test_raise_signal(t, out_of_range_version_is_our_bug, SIGABRT);
    suite_add_tcase(s, t);
    return s;
}
