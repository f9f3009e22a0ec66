/* rpc_frame_test.c: heads survive a round trip; every declared length is held against the limit and the bytes there. */
#include "common/base/bytes.h"
#include "common/base/err.h"
#include "proto/rpc/rpc_frame.h"
#include "tests/unit/unit.h"

START_TEST(round_trip) {
    struct bn_rpc_frame in = {BN_RPC_FRAME_RESPONSE, 7,           0x1234,
                              0x123456789abcdef0u,   0xfffffffeu, BN_SLICE_LIT("hello")};
    uint8_t bytes[BN_RPC_FRAME_HEAD + 8];
    bn_rpc_frame_head(bytes, &in);
    memcpy(bytes + BN_RPC_FRAME_HEAD, "hello???", 8);
    struct bn_rpc_frame out;
    size_t need;
    for (size_t have = 0; have < BN_RPC_FRAME_HEAD + 5; have++) {
        ck_assert_int_eq(bn_rpc_frame_parse(bn_slice_of(bytes, have), 100, &out, &need), 0);
        ck_assert_uint_eq(need, have < BN_RPC_FRAME_HEAD ? BN_RPC_FRAME_HEAD : BN_RPC_FRAME_HEAD + 5);
    }
    ck_assert_int_eq(bn_rpc_frame_parse(bn_slice_of(bytes, sizeof bytes), 100, &out, &need), BN_RPC_FRAME_HEAD + 5);
    ck_assert_int_eq(out.kind, in.kind);
    ck_assert_uint_eq(out.service, in.service);
    ck_assert_uint_eq(out.method, in.method);
    ck_assert_uint_eq(out.call_id, in.call_id);
    ck_assert_uint_eq(out.deadline_ms, in.deadline_ms);
    ck_assert(bn_slice_eq(out.payload, in.payload));
}
END_TEST

static const struct {
    uint32_t length;
    uint8_t kind;
    int64_t expected; /* of a parse with 100 bytes there and a limit of 50 */
} hostile[] = {
    {0, 0, BN_BAD},
    {15, 0, BN_BAD}, /* shorter than the head */
    {16, 0, 20},     /* an empty payload */
    {66, 0, 70},     /* exactly the limit */
    {67, 0, BN_BAD}, /* one more */
    {0x7fffffff, 0, BN_BAD},
    {0xffffffff, 0, BN_BAD}, /* must not wrap */
    {16, 3, BN_BAD},         /* no such kind */
    {16, 255, BN_BAD},
};

START_TEST(hostile_heads) {
    uint8_t bytes[100] = {0};
    bn_put_u32(bytes, hostile[_i].length);
    bytes[4] = hostile[_i].kind;
    struct bn_rpc_frame out;
    size_t need;
    ck_assert_int_eq(bn_rpc_frame_parse(bn_slice_of(bytes, sizeof bytes), 50, &out, &need), hostile[_i].expected);
}
END_TEST

Suite *rpc_frame_suite(void);
Suite *rpc_frame_suite(void) {
    Suite *s = suite_create("rpc_frame");
    TCase *t = tcase_create("all");
    tcase_add_test(t, round_trip);
    tcase_add_loop_test(t, hostile_heads, 0, (int)BN_ARRAY_LEN(hostile));
    suite_add_tcase(s, t);
    return s;
}
