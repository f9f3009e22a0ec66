/* Goal: records leave as chains without being copied, lengths around them are right, and what a version cannot express
 * aborts instead of being lost. */
#include <signal.h>

#include "common/base/buf.h"
#include "proto/kafka/kmsg.h"
#include "tests/unit/proto/kafka/kit.h"
#include "tests/unit/proto/kafka/suites.h"

static void release_nothing(struct bn_shared *s) {
    (void)s;
}

/* A Fetch answer of two partitions, of which one holds a range of a file and the other memory. */
START_TEST(records_leave_as_they_came) {
    FILE *file = tmpfile();
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite("0123456789", 1, 10, file), 10);
    fflush(file);
    struct bn_fd fd = {.fd = fileno(file)};
    bn_shared_init(&fd.shared, release_nothing);
    struct bn_chain parts[2], out;
    bn_chain_init(&parts[0]), bn_chain_init(&parts[1]), bn_chain_init(&out);
    bn_chain_append_file(&parts[0], &fd, 2, 5);
    bn_chain_append(&parts[1], "abc", 3);
    struct kmsg_fetch_response_partition p[3];
    for (int i = 0; i < 3; i++) p[i] = kmsg_fetch_response_partition_default;
    for (int i = 0; i < 2; i++) p[i].records.chain = &parts[i];
    p[2].records.slice = BN_SLICE_LIT("xyz");
    struct kmsg_fetch_response_topic topic = kmsg_fetch_response_topic_default;
    topic.topic = BN_SLICE_LIT("t");
    topic.partitions.v = p, topic.partitions.n = 3;
    struct kmsg_fetch_response r = kmsg_fetch_response_default;
    r.responses.v = &topic, r.responses.n = 1;
    bn_codec_encode(&kmsg_fetch_response_desc, _i, &r, &out);
    ck_assert_uint_eq(parts[0].size_bytes + parts[1].size_bytes, 0);
    int files = 0;
    for (uint32_t i = 0; i < out.count; i++) files += out.parts[out.first + i].kind == BN_PART_FILE;
    ck_assert_int_eq(files, 1);
    uint8_t *bytes = bn_alloc(out.size_bytes);
    ck_assert_int_eq(bn_chain_copy_out(&out, bytes), 0);
    struct bn_arena arena;
    struct kmsg_fetch_response back;
    struct bn_err e = BN_ERR_NONE;
    bn_arena_init(&arena, 1 << 20);
    int rc = bn_codec_decode(&kmsg_fetch_response_desc, _i, bn_slice_of(bytes, out.size_bytes), &arena, &back, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    static const char *want[] = {"23456", "abc", "xyz"};
    for (int i = 0; i < 3; i++) ck_assert(bn_slice_eq_str(back.responses.v[0].partitions.v[i].records.slice, want[i]));
    bn_arena_fini(&arena);
    bn_alloc_free(bytes);
    bn_chain_fini(&out), bn_chain_fini(&parts[0]), bn_chain_fini(&parts[1]);
    fclose(file);
}
END_TEST

/* What many clients have said together may be more than one frame can hold: that is told, and nothing is written. */
START_TEST(too_large_is_told) {
    struct kmsg_join_group_response_member m[2] = {kmsg_join_group_response_member_default,
                                                   kmsg_join_group_response_member_default};
    struct kmsg_join_group_response r = kmsg_join_group_response_default;
    struct bn_chain out;
    bn_chain_init(&out);
    for (int i = 0; i < 2; i++) m[i].metadata = bn_slice_of((const uint8_t *)"never read", 1200000000);
    r.members.v = m, r.members.n = 2;
    ck_assert(!bn_codec_encode(&kmsg_join_group_response_desc, 5, &r, &out));
    ck_assert_uint_eq(out.size_bytes, 0);
    bn_chain_fini(&out);
}
END_TEST

/* Small messages go behind one another into one part. */
START_TEST(small_messages_share_a_part) {
    struct bn_chain out;
    bn_chain_init(&out);
    struct kmsg_heartbeat_response r = kmsg_heartbeat_response_default;
    for (int i = 0; i < 10; i++) bn_codec_encode(&kmsg_heartbeat_response_desc, 4, &r, &out);
    ck_assert_uint_eq(out.size_bytes, 70);
    ck_assert_uint_eq(out.count, 1);
    bn_chain_fini(&out);
}
END_TEST

/* The ignorable field is dropped by a version without it. */
START_TEST(ignorable_is_dropped) {
    struct kmsg_metadata_response r = kmsg_metadata_response_default;
    r.throttle_time_ms = 99;
    struct bn_slice s = kit_encode(&kmsg_metadata_response_desc, 0, &r);
    ck_assert_uint_eq(s.len, 8);
    kit_free(s);
}
END_TEST

static void encode_bad(int which) {
    struct kmsg_metadata_request m = kmsg_metadata_request_default;
    struct kmsg_metadata_request_topic t = kmsg_metadata_request_topic_default;
    struct kmsg_fetch_request f = kmsg_fetch_request_default;
    char *big = bn_alloc_zero(1, 32769);
    m.topics.v = &t, m.topics.n = 1;
    switch (which) {
    case 0: t.name = BN_SLICE_NULL; break;
    case 1: m.topics.n = -1; break;
    case 2: m.allow_auto_topic_creation = false; break;
    case 3: t.name = bn_slice_of(big, 32768); break;
    case 4: m.topics.v = NULL; break;
    default: f.replica_state.replica_epoch = 5; break;
    }
    if (which < 5) kit_free(kit_encode(&kmsg_metadata_request_desc, 0, &m));
    else kit_free(kit_encode(&kmsg_fetch_request_desc, 12, &f));
    bn_alloc_free(big);
}

START_TEST(inexpressible_is_our_bug) {
    encode_bad(_i);
}
END_TEST

Suite *encode_suite(void) {
    Suite *s = suite_create("encode");
    TCase *t = tcase_create("encode");
    tcase_add_loop_test(t, records_leave_as_they_came, 4, 13);
    tcase_add_test(t, small_messages_share_a_part);
    tcase_add_test(t, too_large_is_told);
    tcase_add_test(t, ignorable_is_dropped);
    tcase_add_loop_test_raise_signal(t, inexpressible_is_our_bug, SIGABRT, 0, 6);
    suite_add_tcase(s, t);
    return s;
}
