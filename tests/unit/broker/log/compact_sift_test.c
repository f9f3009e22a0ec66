/* compact_sift_test.c: goal: each rule of what stays of a batch, and that what stays keeps its offsets, times, sequence
 * and epoch (KIP-534 for the horizon). */
#include "broker/log/compact_sift.h"

#include <stdio.h>

#include "common/base/alloc.h"
#include "tests/unit/unit.h"

enum { NOW = 100000, RETENTION = 1000 };

struct fixture {
    struct bn_compact_map map;
    struct bn_compact_sift sift;
    struct bn_str in, out;
};

static void init(struct fixture *f) {
    bn_compact_map_init(&f->map, 1 << 16, 100, 0.9, 3);
    bn_compact_sift_init(&f->sift);
    f->sift.map = &f->map;
    f->sift.end = 1000;
    f->sift.now_ms = NOW;
    f->sift.delete_retention_ms = RETENTION;
    bn_str_init(&f->in);
    bn_str_init(&f->out);
}

static void fini(struct fixture *f) {
    bn_compact_sift_fini(&f->sift);
    bn_compact_map_fini(&f->map);
    bn_str_fini(&f->in);
    bn_str_fini(&f->out);
}

struct shape {
    const char *keys; /* a letter a record; upper case: a tombstone; '-': no key */
    int codec;
    int16_t attributes;
    int64_t producer_id, base, horizon;
};

/* Builds the batch in f->in: record i has offset base + i and time 500 + 10 i. */
static struct bn_batch make(struct fixture *f, const struct shape *s) {
    struct bn_batch_builder w;
    struct bn_batch b;
    bn_str_clear(&f->in);
    bn_batch_builder_init(&w);
    w.attributes = s->attributes;
    w.base_offset = s->base;
    w.leader_epoch = 4;
    if (s->producer_id) {
        w.producer_id = s->producer_id;
        w.producer_epoch = 2;
        w.base_sequence = 77;
    }
    if (s->attributes & BN_BATCH_DELETE_HORIZON) w.base_timestamp = s->horizon;
    for (int i = 0; s->keys[i]; i++) {
        char key = s->keys[i] | 0x20;
        bool tombstone = s->keys[i] >= 'A' && s->keys[i] <= 'Z';
        bn_batch_builder_add(&w, i, 500 + 10 * i, s->keys[i] == '-' ? BN_SLICE_NULL : bn_slice_of(&key, 1),
                             tombstone ? BN_SLICE_NULL : bn_slice_of("value", 5), 0, BN_SLICE_NULL);
    }
    ck_assert_int_eq(bn_batch_builder_finish(&w, s->codec, s->codec == BN_CODEC_ZSTD ? 3 : 1, &f->in), 0);
    bn_batch_builder_fini(&w);
    ck_assert_int_eq(bn_batch_peek(bn_str_slice(&f->in), &b), 0);
    return b;
}

static void newest(struct fixture *f, char key, int64_t offset) {
    ck_assert(bn_compact_map_put(&f->map, bn_slice_of(&key, 1), offset));
}

/* The keys that are left, each with its offset checked; "" = a header only; NULL = nothing at all. */
static const char *sift(struct fixture *f, const struct shape *s, bool must_stay, struct bn_batch *left) {
    static char keys[64];
    struct bn_batch b = make(f, s);
    struct bn_batch_iter it;
    struct bn_record r;
    int n = 0;
    bn_str_clear(&f->out);
    bn_compact_sift_batch(&f->sift, &b, must_stay, &f->out);
    if (f->out.len == 0) return NULL;
    ck_assert_int_eq(bn_batch_peek(bn_str_slice(&f->out), left), 0);
    ck_assert_uint_eq(left->bytes.len, f->out.len);
    ck_assert(bn_batch_crc_ok(left));
    ck_assert(left->base_offset == b.base_offset && left->last_offset_delta == b.last_offset_delta);
    ck_assert(left->leader_epoch == b.leader_epoch && left->base_sequence == b.base_sequence);
    ck_assert(left->producer_id == b.producer_id && left->producer_epoch == b.producer_epoch);
    if (left->record_count) ck_assert_int_eq(bn_batch_codec(left), s->codec);
    ck_assert_int_eq(bn_batch_iter_init(&it, left, 1 << 20), 0);
    int64_t max = -1;
    while (bn_batch_iter_next(&it, &r) == 1) {
        int64_t at = r.offset - b.base_offset;
        max = bn_max_i64(max, r.timestamp);
        if (!(s->attributes & BN_BATCH_APPEND_TIME)) ck_assert_int_eq(r.timestamp, 500 + 10 * at);
        keys[n++] = s->keys[at];
    }
    bn_batch_iter_fini(&it);
    keys[n] = '\0';
    ck_assert_int_eq(left->max_timestamp, n ? max : b.max_timestamp);
    return keys;
}

static void expect(const char *got, const char *wanted) {
    if (!wanted)
        ck_assert_ptr_null(got);
    else
        ck_assert_str_eq(got, wanted);
}

START_TEST(test_records) {
    static const struct {
        struct shape shape;
        bool must_stay;
        const char *left;
    } cases[] = {
        {{"abc", 0, 0, 0, 10, 0}, false, "bc"}, /* a was written again at 20 */
        {{"abc", 1, 0, 0, 10, 0}, false, "bc"},
        {{"abc", 2, 0, 0, 10, 0}, false, "bc"},
        {{"abc", 3, 0, 0, 10, 0}, false, "bc"},
        {{"abc", 4, 0, 0, 10, 0}, false, "bc"},
        {{"aaa", 3, 0, 0, 10, 0}, false, NULL},
        {{"aaa", 3, 0, 0, 10, 0}, true, ""},
        {{"xyz", 3, 0, 0, 10, 0}, false, "xyz"}, /* nobody wrote them later */
        {{"b-c", 0, 0, 0, 11, 0}, false, "bc"},  /* without a key, no place in a compacted log */
        {{"abc", 0, BN_BATCH_APPEND_TIME, 0, 10, 0}, false, "bc"},
        {{"-b-", 0, 0, 0, 999, 0}, false, "b-"}, /* from 1000 on all stays */
        {{"aaa", 0, 0, 0, 1000, 0}, false, "aaa"},
        {{"aab", 0, 0, 9, 10, 0}, false, "b"},
        {{"aaa", 0, 0, 9, 10, 0}, false, ""},    /* producer 9's last batch ends at 12 */
        {{"aaaa", 0, 0, 9, 10, 0}, false, NULL}, /* and this is not it */
        {{"", 0, 0, 9, 12, 0}, true, ""},
        {{"", 0, 0, 0, 12, 0}, false, NULL},
    };
    static const struct bn_compact_producer producers[] = {{8, 12, 2}, {9, 12, 2}, {10, -1, 2}};
    struct fixture f;
    init(&f);
    f.sift.producers = producers;
    f.sift.producer_count = BN_ARRAY_LEN(producers);
    newest(&f, 'b', 11);
    newest(&f, 'a', 20);
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct bn_batch left;
        expect(sift(&f, &cases[i].shape, cases[i].must_stay, &left), cases[i].left);
    }
    fini(&f);
}
END_TEST

/* Goal: a tombstone gets a horizon when it is first left standing, stays until then, and goes after; the batch keeps
 * its first horizon, and is not touched while nothing changes. */
START_TEST(test_tombstones) {
    struct fixture f;
    struct bn_batch left;
    init(&f);
    newest(&f, 'b', 11);
    expect(sift(&f, &(struct shape){"aBc", 3, 0, 0, 10, 0}, false, &left), "aBc");
    ck_assert(left.attributes & BN_BATCH_DELETE_HORIZON);
    ck_assert_int_eq(left.base_timestamp, NOW + RETENTION);
    struct shape again = {"aBc", 3, BN_BATCH_DELETE_HORIZON, 0, 10, NOW + RETENTION};
    f.sift.now_ms = NOW + RETENTION - 1;
    expect(sift(&f, &again, false, &left), "aBc");
    ck_assert(f.out.len == f.in.len && memcmp(f.out.ptr, f.in.ptr, f.in.len) == 0);
    f.sift.now_ms = NOW + RETENTION;
    expect(sift(&f, &again, false, &left), "ac");
    ck_assert_int_eq(left.base_timestamp, NOW + RETENTION);
    /* A tombstone that somebody overwrote needs no horizon; above the end nothing is stamped. */
    expect(sift(&f, &(struct shape){"Bc", 0, 0, 0, 5, 0}, false, &left), "c");
    ck_assert(!(left.attributes & BN_BATCH_DELETE_HORIZON));
    expect(sift(&f, &(struct shape){"yyY", 0, 0, 0, 998, 0}, false, &left), "yyY");
    ck_assert(!(left.attributes & BN_BATCH_DELETE_HORIZON));
    fini(&f);
}
END_TEST

/* Goal: data of an aborted transaction goes, of a committed one stays; a marker stays as long as anything of its
 * transaction was met, then gets a horizon, and goes behind it; the last of a producer stays as a header. */
START_TEST(test_transactions) {
    static const struct bn_compact_aborted aborted[] = {{5, 0, 30}, {6, 10, 19}, {6, 40, 60}};
    static const struct bn_compact_producer producers[] = {{7, -1, 2}};
    const int16_t data = BN_BATCH_TRANSACTIONAL, marker = BN_BATCH_TRANSACTIONAL | BN_BATCH_CONTROL;
    struct fixture f;
    struct bn_batch left;
    init(&f);
    f.sift.aborted = aborted;
    f.sift.aborted_count = BN_ARRAY_LEN(aborted);
    f.sift.producers = producers;
    f.sift.producer_count = 1;
    expect(sift(&f, &(struct shape){"ab", 0, data, 6, 10, 0}, false, &left), NULL);
    expect(sift(&f, &(struct shape){"m", 0, marker, 6, 19, 0}, false, &left), "m");
    ck_assert(!(left.attributes & BN_BATCH_DELETE_HORIZON)); /* its data was met in this pass */
    expect(sift(&f, &(struct shape){"ab", 0, data, 6, 20, 0}, false, &left), "ab");
    expect(sift(&f, &(struct shape){"m", 0, marker, 6, 22, 0}, false, &left), "m");
    expect(sift(&f, &(struct shape){"ab", 0, data, 6, 40, 0}, false, &left), NULL);
    expect(sift(&f, &(struct shape){"ab", 0, 0, 5, 10, 0}, false, &left), "ab"); /* not transactional */
    expect(sift(&f, &(struct shape){"m", 0, marker, 9, 70, 0}, false, &left), "m");
    ck_assert(left.attributes & BN_BATCH_DELETE_HORIZON);
    ck_assert_int_eq(left.base_timestamp, NOW + RETENTION);
    struct shape old = {"m", 0, (int16_t)(marker | BN_BATCH_DELETE_HORIZON), 9, 70, NOW};
    expect(sift(&f, &old, false, &left), NULL);
    old.producer_id = 7;
    expect(sift(&f, &old, false, &left), "");
    fini(&f);
}
END_TEST

/* Goal: a batch that nobody can expand stays as it is. */
START_TEST(test_unreadable) {
    struct fixture f;
    init(&f);
    newest(&f, 'a', 20);
    struct bn_batch b = make(&f, &(struct shape){"aaaa", 3, 0, 0, 10, 0});
    memset((uint8_t *)(uintptr_t)b.bytes.ptr + BN_BATCH_HEADER, 0xee, b.bytes.len - BN_BATCH_HEADER);
    bn_compact_sift_batch(&f.sift, &b, false, &f.out);
    ck_assert(f.out.len == f.in.len && memcmp(f.out.ptr, f.in.ptr, f.in.len) == 0);
    ck_assert_uint_eq(f.sift.unreadable, 1);
    fini(&f);
}
END_TEST

Suite *compact_sift_suite(void);
Suite *compact_sift_suite(void) {
    Suite *s = suite_create("compact_sift");
    TCase *t = tcase_create("all");
    tcase_add_test(t, test_records);
    tcase_add_test(t, test_tombstones);
    tcase_add_test(t, test_transactions);
    tcase_add_test(t, test_unreadable);
    suite_add_tcase(s, t);
    return s;
}
