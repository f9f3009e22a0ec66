/* producer_test.c: the idempotence rules of a leader, one table row each, and the snapshot's bytes. */
#include "broker/log/producer.h"
#include "common/base/bytes.h"
#include "common/base/crc32c.h"
#include "proto/kafka/errors.h"
#include "tests/unit/unit.h"

static struct bn_batch batch(int64_t id, int16_t epoch, int32_t sequence, int32_t count, int64_t offset) {
    return (struct bn_batch){
        .producer_id = id,
        .producer_epoch = epoch,
        .base_sequence = sequence,
        .last_offset_delta = count - 1,
        .record_count = count,
        .base_offset = offset,
        .max_timestamp = 1000 + offset,
    };
}

static void note(struct bn_producer_table *t, int64_t id, int16_t epoch, int32_t sequence, int32_t count,
                 int64_t offset) {
    struct bn_batch b = batch(id, epoch, sequence, count, offset);
    bn_producer_note(t, &b);
}

START_TEST(test_sequences) {
    struct bn_producer_table t;
    bn_producer_init(&t);
    note(&t, 7, 1, 0, 10, 100);            /* sequences 0-9 */
    note(&t, 8, 0, INT32_MAX - 1, 2, 110); /* up to the wrap */
    static const struct {
        int64_t id;
        int16_t epoch;
        int32_t sequence;
        bool internal;
        int16_t error;
    } cases[] = {
        {7, 1, 10, false, 0},
        {7, 1, 11, false, KE_OUT_OF_ORDER_SEQUENCE_NUMBER},
        {7, 1, 9, false, KE_OUT_OF_ORDER_SEQUENCE_NUMBER},
        {7, 1, 11, true, 0},
        {7, 0, 10, false, KE_INVALID_PRODUCER_EPOCH},
        {7, 0, 10, true, KE_INVALID_PRODUCER_EPOCH},
        {7, 2, 0, false, 0},
        {7, 2, 1, false, KE_OUT_OF_ORDER_SEQUENCE_NUMBER},
        {7, 2, 1, true, 0},
        {8, 0, 0, false, 0},
        {8, 0, 1, false, KE_OUT_OF_ORDER_SEQUENCE_NUMBER},
        {9, 5, 1234, false, 0}, /* nothing is known of 9 */
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct bn_batch b = batch(cases[i].id, cases[i].epoch, cases[i].sequence, 1, 200);
        struct bn_producer_verdict v = {0};
        bool ok = bn_producer_check(bn_producer_get(&t, cases[i].id), &b, cases[i].internal, "t-0", &v);
        ck_assert_msg(ok == (cases[i].error == 0) && v.error == cases[i].error, "case %zu: %d", i, v.error);
        if (!ok) ck_assert_ptr_nonnull(strstr(v.message, "t-0"));
    }
    bn_producer_fini(&t);
}
END_TEST

START_TEST(test_window_of_five) {
    struct bn_producer_table t;
    bn_producer_init(&t);
    for (int i = 0; i < 7; i++) note(&t, 1, 0, i * 3, 3, 50 + i * 3);
    const struct bn_producer *p = bn_producer_get(&t, 1);
    for (int i = 0; i < 7; i++) {
        struct bn_batch b = batch(1, 0, i * 3, 3, 999);
        const struct bn_producer_batch *old = bn_producer_duplicate(p, &b);
        ck_assert_int_eq(old != NULL, i >= 2);
        if (old) ck_assert_int_eq(old->last_offset - old->offset_delta, 50 + i * 3);
    }
    struct bn_batch other = batch(1, 1, 18, 3, 999), shorter = batch(1, 0, 18, 2, 999);
    ck_assert_ptr_null(bn_producer_duplicate(p, &other));
    ck_assert_ptr_null(bn_producer_duplicate(p, &shorter));
    ck_assert_ptr_null(bn_producer_duplicate(NULL, &other));
    bn_producer_fini(&t);
}
END_TEST

START_TEST(test_transaction) {
    struct bn_producer_table t;
    struct bn_producer_verdict v;
    bn_producer_init(&t);
    struct bn_batch b = batch(1, 0, 0, 1, 10);
    b.attributes = BN_BATCH_TRANSACTIONAL;
    bn_producer_note(&t, &b);
    b = batch(1, 0, 1, 1, 11);
    ck_assert(!bn_producer_check(bn_producer_get(&t, 1), &b, false, "t-0", &v));
    ck_assert_int_eq(v.error, KE_INVALID_TXN_STATE);
    b.attributes = BN_BATCH_TRANSACTIONAL;
    ck_assert(bn_producer_check(bn_producer_get(&t, 1), &b, false, "t-0", &v));
    ck_assert_int_eq(bn_producer_get(&t, 1)->txn_first_offset, 10);
    /* An open transaction does not expire; its marker closes it. */
    bn_producer_expire(&t, INT64_MAX / 2, 1);
    ck_assert_ptr_nonnull(bn_producer_get(&t, 1));
    b = batch(1, 0, -1, 1, 12);
    b.attributes = BN_BATCH_TRANSACTIONAL | BN_BATCH_CONTROL;
    bn_producer_note_marker(&t, &b, BN_SLICE_LIT("\0\0\0\1"), BN_SLICE_LIT("\0\0\0\0\0\5"));
    ck_assert_int_eq(bn_producer_get(&t, 1)->txn_first_offset, -1);
    ck_assert_int_eq(bn_producer_get(&t, 1)->coordinator_epoch, 5);
    bn_producer_expire(&t, 1012 + 99, 100);
    ck_assert_ptr_nonnull(bn_producer_get(&t, 1));
    bn_producer_expire(&t, 1012 + 100, 100);
    ck_assert_ptr_null(bn_producer_get(&t, 1));
    bn_producer_fini(&t);
}
END_TEST

START_TEST(test_snapshot_golden) {
    /* One entry, by hand from 4-storage 4.8. */
    static const uint8_t body[] = {
        0,   0,   0,   1,                        /* count */
        0,   0,   0,   0,   0,   0,   0,   7,    /* id */
        0,   1,                                  /* epoch */
        0,   0,   0,   9,                        /* last sequence */
        0,   0,   0,   0,   0,   0,   0,   109,  /* last offset */
        0,   0,   0,   9,                        /* delta */
        0,   0,   0,   0,   0,   0,   4,   0x4c, /* timestamp 1100 */
        255, 255, 255, 255,                      /* coordinator epoch */
        255, 255, 255, 255, 255, 255, 255, 255,
    };
    struct bn_producer_table t;
    struct bn_str s;
    bn_producer_init(&t);
    bn_str_init(&s);
    note(&t, 7, 1, 0, 10, 100);
    bn_producer_encode(&t, &s);
    const uint8_t *p = (const uint8_t *)s.ptr;
    ck_assert_uint_eq(s.len, 6 + sizeof body);
    ck_assert_uint_eq(bn_get_u16(p), 1);
    ck_assert_uint_eq(bn_get_u32(p + 2), bn_crc32c(0, body, sizeof body));
    ck_assert(memcmp(p + 6, body, sizeof body) == 0);
    /* It comes back, and any flipped byte is noticed. */
    for (size_t i = 0; i <= s.len; i++) {
        struct bn_producer_table back;
        bn_producer_init(&back);
        if (i < s.len) s.ptr[i] ^= 0x10;
        ck_assert_int_eq(bn_producer_decode(&back, bn_str_slice(&s)), i < s.len ? BN_BAD : 0);
        ck_assert_uint_eq(back.map.count, i == s.len);
        if (i < s.len) s.ptr[i] ^= 0x10;
        ck_assert_int_eq(bn_producer_decode(&back, bn_slice_of(s.ptr, i)), i < s.len ? BN_BAD : 0);
        bn_producer_fini(&back);
    }
    bn_str_fini(&s);
    bn_producer_fini(&t);
}
END_TEST

Suite *producer_suite(void);
Suite *producer_suite(void) {
    Suite *s = suite_create("producer");
    TCase *t = tcase_create("producer");
    tcase_add_test(t, test_sequences);
    tcase_add_test(t, test_window_of_five);
    tcase_add_test(t, test_transaction);
    tcase_add_test(t, test_snapshot_golden);
    suite_add_tcase(s, t);
    return s;
}
