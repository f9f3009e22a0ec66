/* validate_test.c: every reason to refuse a record set, one row each; what is accepted is stamped as the topic says. */
#include "broker/log/validate.h"
#include "common/base/bytes.h"
#include "common/base/crc32c.h"
#include "proto/kafka/legacy.h"
#include "tests/unit/broker/log/world.h"
#include "tests/unit/unit.h"

static void fix_crc(struct bn_str *s) {
    bn_put_u32((uint8_t *)s->ptr + 17, bn_crc32c(0, s->ptr + BN_BATCH_CRC_FROM, s->len - BN_BATCH_CRC_FROM));
}

enum breakage {
    FINE,
    EMPTY,
    CUT,
    FLIPPED,
    BASE_OFFSET,
    COUNT,
    DELTA,
    CONTROL,
    SEQUENCE,
    APPEND_TIME,
    TWO,
    MAGIC_1,
    CODEC,
    GARBAGE_RECORDS,
};

static void break_it(struct bn_str *s, enum breakage how) {
    uint8_t *p = (uint8_t *)s->ptr;
    switch (how) {
    case FINE:
        break;
    case EMPTY:
        s->len = 0;
        break;
    case CUT:
        s->len--;
        break;
    case FLIPPED:
        p[s->len - 1] ^= 1;
        break;
    case BASE_OFFSET:
        p[7] = 1;
        break;
    case COUNT:
        bn_put_u32(p + 57, 0);
        break;
    case DELTA:
        bn_put_u32(p + 23, 9);
        break;
    case CONTROL:
        p[22] |= BN_BATCH_CONTROL | BN_BATCH_TRANSACTIONAL;
        break;
    case SEQUENCE:
        bn_put_u64(p + 43, 5);
        break;
    case APPEND_TIME:
        p[22] |= BN_BATCH_APPEND_TIME;
        break;
    case TWO:
        world_batch(&(struct batch_spec){.count = 1}, s);
        break;
    case MAGIC_1:
        p[16] = 1;
        break;
    case CODEC:
        p[22] |= 7;
        break;
    case GARBAGE_RECORDS:
        memset(p + BN_BATCH_HEADER, 0xff, s->len - BN_BATCH_HEADER);
        break;
    }
    bool rewritten = how == COUNT || how == DELTA || how == CONTROL || how == SEQUENCE || how == APPEND_TIME ||
                     how == CODEC || how == GARBAGE_RECORDS;
    if (rewritten) fix_crc(s);
}

START_TEST(test_refusals) {
    static const struct {
        enum breakage how;
        int16_t error;
    } cases[] = {
        {FINE, KE_NONE},
        {EMPTY, KE_INVALID_RECORD},
        {CUT, KE_CORRUPT_MESSAGE},
        {FLIPPED, KE_CORRUPT_MESSAGE},
        {BASE_OFFSET, KE_INVALID_RECORD},
        {COUNT, KE_INVALID_RECORD},
        {DELTA, KE_INVALID_RECORD},
        {CONTROL, KE_INVALID_RECORD},
        {SEQUENCE, KE_INVALID_RECORD},
        {APPEND_TIME, KE_INVALID_TIMESTAMP},
        {TWO, KE_INVALID_RECORD},
        {MAGIC_1, KE_INVALID_RECORD},
        {CODEC, KE_UNSUPPORTED_COMPRESSION_TYPE},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct world w;
        struct bn_str s;
        world_init(&w);
        world_open(&w, false, 0);
        bn_str_init(&s);
        world_batch(&(struct batch_spec){.count = 3, .value_bytes = 5, .timestamp = 10}, &s);
        break_it(&s, cases[i].how);
        struct bn_log_append a = world_append_bytes(&w, &s, 1, false, false);
        ck_assert_msg(a.error == cases[i].error, "case %zu: %d %s", i, a.error, a.message);
        ck_assert_int_eq(bn_log_end_offset(w.log), a.error ? 0 : 3);
        ck_assert_int_eq(a.message[0] != '\0', a.error != 0);
        bn_str_fini(&s);
        world_fini(&w);
    }
}
END_TEST

START_TEST(test_size) {
    struct world w;
    world_init(&w);
    w.open.config.max_message_bytes = 500;
    world_open(&w, false, 0);
    struct bn_log_append a = world_append(&w, &(struct batch_spec){.count = 1, .value_bytes = 420});
    ck_assert_int_eq(a.error, KE_NONE);
    a = world_append(&w, &(struct batch_spec){.count = 1, .value_bytes = 440});
    ck_assert_int_eq(a.error, KE_MESSAGE_TOO_LARGE);
    ck_assert_ptr_nonnull(strstr(a.message, "exceeds the maximum configured value of 500."));
    world_fini(&w);
}
END_TEST

START_TEST(test_compacted_topic_needs_keys) {
    for (int codec = BN_CODEC_NONE; codec <= BN_CODEC_ZSTD; codec++) {
        struct world w;
        struct bn_str s;
        world_init(&w);
        w.open.config.compact = true;
        world_open(&w, false, 0);
        struct bn_log_append a = world_append(&w, &(struct batch_spec){.count = 2, .codec = codec});
        ck_assert_int_eq(a.error, KE_NONE);
        a = world_append(&w, &(struct batch_spec){.count = 2, .codec = codec, .no_key = 1});
        ck_assert_int_eq(a.error, KE_INVALID_RECORD);
        ck_assert_int_eq(a.bad_count, 1);
        ck_assert_int_eq(a.bad[0].index, 0);
        bn_alloc_free(a.bad);
        bn_str_init(&s);
        world_batch(&(struct batch_spec){.count = 2, .value_bytes = 50, .codec = codec}, &s);
        break_it(&s, GARBAGE_RECORDS);
        a = world_append_bytes(&w, &s, 1, false, false);
        ck_assert_int_eq(a.error, KE_INVALID_RECORD);
        ck_assert_int_eq(bn_log_end_offset(w.log), 2);
        bn_str_fini(&s);
        world_fini(&w);
    }
}
END_TEST

START_TEST(test_timestamp_bounds) {
    static const struct {
        int64_t timestamp;
        int16_t error;
    } cases[] = {{1000000, 0}, {999000, 0}, {998999, 32}, {1000498, 0}, {1000499, 32}, {-1, 0}};
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct world w;
        world_init(&w);
        w.open.config.timestamp_before_max_ms = 1000;
        w.open.config.timestamp_after_max_ms = 500;
        world_open(&w, false, 0);
        int count = cases[i].timestamp < 0 ? 1 : 3; /* the last is 2 ms later */
        struct bn_log_append a = world_append(&w,
                                              &(struct batch_spec){.count = count, .timestamp = cases[i].timestamp});
        ck_assert_msg(a.error == cases[i].error, "case %zu: %d", i, a.error);
        if (a.error) ck_assert_int_eq(a.bad[0].index, cases[i].timestamp < 1000000 ? 0 : 2);
        bn_alloc_free(a.bad);
        world_fini(&w);
    }
}
END_TEST

/* KIP-467: all bad records are told, each with its own reason; one of a wrong time makes it the error of the batch. */
START_TEST(test_all_bad_records_are_told) {
    struct world w;
    world_init(&w);
    w.open.config.compact = true;
    w.open.config.timestamp_before_max_ms = 1000;
    world_open(&w, false, 0);
    struct bn_log_append a = world_append(&w, &(struct batch_spec){.count = 4, .timestamp = 998997, .no_key = 2});
    ck_assert_int_eq(a.error, KE_INVALID_TIMESTAMP);
    ck_assert_int_eq(a.bad_count, 3); /* the last is just in time */
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(a.bad[i].index, i);
        ck_assert_ptr_nonnull(strstr(a.bad[i].message, i < 2 ? "without key" : "Timestamp 998999 "));
    }
    ck_assert_str_eq(a.message, a.bad[0].message);
    bn_alloc_free(a.bad);
    a = world_append(
        &w, &(struct batch_spec){.count = BN_LOG_BAD_MAX + 1, .timestamp = 1000000, .no_key = BN_LOG_BAD_MAX + 1});
    ck_assert_int_eq(a.error, KE_INVALID_RECORD);
    ck_assert_int_eq(a.bad_count, BN_LOG_BAD_MAX);
    bn_alloc_free(a.bad);
    world_fini(&w);
}
END_TEST

static struct bn_batch first_batch(struct world *w, struct bn_str *out) {
    struct bn_batch b;
    bn_str_init(out);
    ck_assert_int_eq(world_read(w, 0, INT64_MAX, SIZE_MAX, true, out), 0);
    ck_assert_int_eq(bn_batch_peek(bn_str_slice(out), &b), 0);
    ck_assert(bn_batch_crc_ok(&b));
    return b;
}

START_TEST(test_append_time) {
    struct world w;
    struct bn_str out;
    world_init(&w);
    w.open.config.log_append_time = true;
    world_open(&w, false, 0);
    struct bn_log_append a = world_append(&w, &(struct batch_spec){.count = 2, .timestamp = 5});
    ck_assert_int_eq(a.append_time_ms, w.now_ms);
    struct bn_batch b = first_batch(&w, &out);
    ck_assert(b.attributes & BN_BATCH_APPEND_TIME);
    ck_assert_int_eq(b.max_timestamp, w.now_ms);
    bn_str_fini(&out);
    world_fini(&w);
}
END_TEST

/* compression.type other than producer: every batch is stored in that codec, records and producer unchanged. */
START_TEST(test_recompression) {
    for (int from = BN_CODEC_NONE; from <= BN_CODEC_ZSTD; from++) {
        int to = (from + 1 + _i) % 5;
        struct world w;
        struct bn_str out;
        world_init(&w);
        w.open.config.compression = to;
        w.open.config.compression_level = 1;
        world_open(&w, false, 0);
        struct bn_log_append a = world_append(&w, &(struct batch_spec){.count = 9,
                                                                       .value_bytes = 100,
                                                                       .timestamp = 77,
                                                                       .producer_id = 4,
                                                                       .producer_epoch = 2,
                                                                       .sequence = 30,
                                                                       .codec = from});
        ck_assert_msg(a.error == 0, "%s", a.message);
        ck_assert_int_eq(a.last_offset, 8);
        struct bn_batch b = first_batch(&w, &out);
        ck_assert_int_eq(bn_batch_codec(&b), to);
        ck_assert(b.producer_id == 4 && b.producer_epoch == 2 && b.base_sequence == 30 && b.max_timestamp == 85);
        struct bn_batch_iter it;
        struct bn_record r;
        int n = 0;
        ck_assert_int_eq(bn_batch_iter_init(&it, &b, 1 << 20), 0);
        while (bn_batch_iter_next(&it, &r) == 1) {
            ck_assert(r.offset == n && r.timestamp == 77 + n && r.value.len == 100);
            n++;
        }
        ck_assert_int_eq(n, 9);
        bn_batch_iter_fini(&it);
        bn_str_fini(&out);
        world_fini(&w);
    }
}
END_TEST

/* A message of format 1: allowed only where the request is old enough. */
START_TEST(test_legacy) {
    struct world w;
    struct bn_str s;
    uint8_t m[12 + 22 + 3] = {[11] = 25, [16] = 1, [33] = 3, [34] = 'a', [35] = 'b', [36] = 'c'};
    bn_put_u64(m + 18, 12345);
    bn_put_u32(m + 26, UINT32_MAX);
    bn_put_u32(m + 12, bn_legacy_crc32(0, m + 16, sizeof m - 16));
    world_init(&w);
    world_open(&w, false, 0);
    bn_str_init(&s);
    bn_str_add_slice(&s, bn_slice_of(m, sizeof m));
    struct bn_log_append a = world_append_bytes(&w, &s, 1, false, false);
    ck_assert_int_eq(a.error, KE_INVALID_RECORD);
    a = world_append_bytes(&w, &s, 1, false, true);
    ck_assert_msg(a.error == 0, "%d %s", a.error, a.message);
    struct bn_str out;
    struct bn_batch b = first_batch(&w, &out);
    ck_assert(b.max_timestamp == 12345 && b.record_count == 1 && b.leader_epoch == 1);
    bn_str_fini(&out);
    s.ptr[36] = 'x';
    a = world_append_bytes(&w, &s, 1, false, true);
    ck_assert_int_eq(a.error, KE_CORRUPT_MESSAGE);
    bn_str_fini(&s);
    world_fini(&w);
}
END_TEST

Suite *validate_suite(void);
Suite *validate_suite(void) {
    Suite *s = suite_create("validate");
    TCase *t = tcase_create("validate");
    tcase_add_test(t, test_refusals);
    tcase_add_test(t, test_size);
    tcase_add_test(t, test_compacted_topic_needs_keys);
    tcase_add_test(t, test_timestamp_bounds);
    tcase_add_test(t, test_all_bad_records_are_told);
    tcase_add_test(t, test_append_time);
    tcase_add_loop_test(t, test_recompression, 0, 4);
    tcase_add_test(t, test_legacy);
    suite_add_tcase(s, t);
    return s;
}
