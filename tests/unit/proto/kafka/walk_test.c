/* Goal: comparing sees every field of the version and no other; random messages use every way a field can be; dumps
 * never show bytes. The round trips of codec_test.c and its golden dumps use all three on every message. */
#include "common/base/str.h"
#include "proto/kafka/kmsg.h"
#include "tests/unit/proto/kafka/kit.h"
#include "tests/unit/proto/kafka/suites.h"

START_TEST(equal_looks_at_what_the_version_has) {
    struct kmsg_fetch_request a = kmsg_fetch_request_default, b = a;
    b.rack_id = BN_SLICE_LIT("r");
    ck_assert(bn_codec_equal(&kmsg_fetch_request_desc, 10, &a, &b));
    ck_assert(!bn_codec_equal(&kmsg_fetch_request_desc, 11, &a, &b));
    b = a;
    b.replica_state.replica_epoch = 1;
    ck_assert(bn_codec_equal(&kmsg_fetch_request_desc, 14, &a, &b));
    ck_assert(!bn_codec_equal(&kmsg_fetch_request_desc, 15, &a, &b));
    b = a;
    b.cluster_id = BN_SLICE_LIT(""); /* empty is not null */
    ck_assert(!bn_codec_equal(&kmsg_fetch_request_desc, 12, &a, &b));
    struct kmsg_fetch_request_topic t[2] = {kmsg_fetch_request_topic_default, kmsg_fetch_request_topic_default};
    b = a;
    a.topics.v = &t[0], b.topics.v = &t[1];
    a.topics.n = 1;
    ck_assert(!bn_codec_equal(&kmsg_fetch_request_desc, 0, &a, &b));
    b.topics.n = 1;
    ck_assert(bn_codec_equal(&kmsg_fetch_request_desc, 0, &a, &b));
    t[1].topic = BN_SLICE_LIT("t");
    ck_assert(!bn_codec_equal(&kmsg_fetch_request_desc, 0, &a, &b));
}
END_TEST

START_TEST(random_is_random) {
    struct kit_dice dice = {1};
    int nulls = 0, empties = 0, longs = 0, cursors = 0;
    for (int i = 0; i < 400; i++) {
        struct kmsg_describe_topic_partitions_request r;
        struct bn_arena arena;
        bn_arena_init(&arena, 1 << 20);
        ck_assert(bn_codec_random(&kmsg_describe_topic_partitions_request_desc, 0, &arena, kit_roll, &dice, &r));
        cursors += r.cursor != NULL;
        empties += r.topics.n == 0;
        longs += r.topics.n > 0 && r.topics.v[0].name.len > 127;
        struct kmsg_produce_request p;
        ck_assert(bn_codec_random(&kmsg_produce_request_desc, 9, &arena, kit_roll, &dice, &p));
        nulls += bn_slice_is_null(p.transactional_id);
        bn_arena_fini(&arena);
    }
    ck_assert(nulls > 20 && nulls < 380);
    ck_assert(cursors > 20 && cursors < 380);
    ck_assert(empties > 20 && longs > 2);
}
END_TEST

START_TEST(random_respects_the_budget) {
    struct kit_dice dice = {1};
    struct kmsg_metadata_response r;
    struct bn_arena arena;
    bn_arena_init(&arena, 16);
    int refused = 0;
    for (int i = 0; i < 50; i++) {
        refused += !bn_codec_random(&kmsg_metadata_response_desc, 12, &arena, kit_roll, &dice, &r);
    }
    ck_assert_int_gt(refused, 40);
    bn_arena_fini(&arena);
}
END_TEST

START_TEST(dump_hides_bytes) {
    struct bn_str out;
    bn_str_init(&out);
    struct kmsg_sasl_authenticate_request r = kmsg_sasl_authenticate_request_default;
    r.auth_bytes = BN_SLICE_LIT("secret");
    bn_codec_dump(&kmsg_sasl_authenticate_request_desc, 1, &r, &out);
    ck_assert_str_eq(out.ptr, "SaslAuthenticateRequest v1 {auth_bytes=<6 bytes>}");
    bn_str_clear(&out);
    struct kmsg_heartbeat_request h = kmsg_heartbeat_request_default;
    h.group_id = BN_SLICE_LIT("a\"\n\xff");
    bn_codec_dump(&kmsg_heartbeat_request_desc, 3, &h, &out);
    ck_assert_str_eq(out.ptr, "HeartbeatRequest v3 {group_id=\"a\\x22\\x0a\\xff\" generation_id=0 member_id=\"\" "
                              "group_instance_id=null}");
    bn_str_fini(&out);
}
END_TEST

Suite *walk_suite(void) {
    Suite *s = suite_create("walk");
    TCase *t = tcase_create("walk");
    tcase_add_test(t, equal_looks_at_what_the_version_has);
    tcase_add_test(t, random_is_random);
    tcase_add_test(t, random_respects_the_budget);
    tcase_add_test(t, dump_hides_bytes);
    suite_add_tcase(s, t);
    return s;
}
