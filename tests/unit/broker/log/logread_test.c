/* logread_test.c: any (offset, upper, bytes) gives what a plain list of batches would give; a reader that goes on where
 * it stopped needs no index. */
#include "broker/log/logread.h"
#include "tests/unit/broker/log/world.h"
#include "tests/unit/unit.h"

static void fill(struct world *w) {
    w->open.config.segment_bytes = 3000;
    w->open.config.index_interval_bytes = 300;
    world_open(w, false, 0);
    for (int i = 0; i < 60; i++)
        world_append(w, &(struct batch_spec){.count = 1 + i % 4, .value_bytes = i * 7 % 200, .timestamp = i});
}

/* The same from w->sent: whole batches that end above offset, end at or below upper, and fit. */
static struct bn_slice model(const struct world *w, int64_t offset, int64_t upper, size_t max_bytes, bool whole_first) {
    struct bn_slice left = bn_str_slice(&w->sent), out = {left.ptr, 0};
    struct bn_batch b;
    while (left.len && bn_batch_peek(left, &b) == 0) {
        bool wanted = bn_batch_last_offset(&b) >= offset;
        if (wanted && bn_batch_next_offset(&b) > upper) break;
        if (wanted && out.len + b.bytes.len > max_bytes && !(whole_first && out.len == 0)) break;
        if (wanted && out.len == 0) out.ptr = left.ptr;
        if (wanted) out.len += b.bytes.len;
        left = bn_slice_of(left.ptr + b.bytes.len, left.len - b.bytes.len);
        if (wanted && out.len >= max_bytes) break;
    }
    return out;
}

START_TEST(test_against_model) {
    struct world w;
    world_init(&w);
    fill(&w);
    int64_t end = bn_log_end_offset(w.log);
    static const size_t budgets[] = {0, 1, 100, 700, 2999, 5000, SIZE_MAX};
    for (int64_t offset = 0; offset <= end; offset++) {
        for (int64_t upper = offset; upper <= end + 5; upper += 9) {
            for (size_t i = 0; i < BN_ARRAY_LEN(budgets); i++) {
                bool whole = (offset + (int64_t)i) % 2;
                struct bn_str out;
                bn_str_init(&out);
                ck_assert_int_eq(world_read(&w, offset, upper, budgets[i], whole, &out), 0);
                struct bn_slice want = model(&w, offset, upper, budgets[i], whole);
                ck_assert_msg(bn_slice_eq(want, bn_str_slice(&out)),
                              "offset %" PRId64 " upper %" PRId64 " budget %zu: %zu bytes, not %zu", offset, upper,
                              budgets[i], out.len, want.len);
                bn_str_fini(&out);
            }
        }
    }
    struct bn_str out;
    bn_str_init(&out);
    ck_assert_int_eq(world_read(&w, end + 1, end + 9, 100, true, &out), BN_NOTFOUND);
    ck_assert_int_eq(world_read(&w, -1, end, 100, true, &out), BN_NOTFOUND);
    bn_str_fini(&out);
    world_fini(&w);
}
END_TEST

START_TEST(test_following_costs_nothing) {
    struct world w;
    struct bn_str out;
    world_init(&w);
    world_open(&w, false, 0);
    bn_str_init(&out);
    int reads = 0;
    for (int i = 0; i < 50; i++) {
        int64_t at = bn_log_end_offset(w.log);
        world_put(&w, 2);
        int before = bn_memdisk_calls(w.mem, BN_MEMDISK_PREAD);
        struct bn_chain c;
        struct bn_log_range r = {at, at + 2, 1 << 20, true, 0, -1};
        bn_chain_init(&c);
        ck_assert_int_eq(bn_log_read_range(w.log, &r, &c), 0);
        ck_assert_int_eq(r.first_offset, at);
        ck_assert_uint_gt(r.bytes, 0);
        bn_chain_fini(&c);
        reads += bn_memdisk_calls(w.mem, BN_MEMDISK_PREAD) - before;
    }
    ck_assert_int_eq(reads, 0);
    bn_str_fini(&out);
    world_fini(&w);
}
END_TEST

START_TEST(test_failed_read) {
    struct world w;
    struct bn_str out;
    world_init(&w);
    fill(&w);
    world_close(&w);
    world_open(&w, true, 0);
    bn_str_init(&out);
    bn_memdisk_fail(w.mem, BN_MEMDISK_PREAD, 1, 1000000);
    ck_assert_int_eq(world_read(&w, 3, INT64_MAX, 1000, true, &out), BN_IO);
    bn_memdisk_fail(w.mem, BN_MEMDISK_PREAD, 1, 0);
    ck_assert_int_eq(world_read(&w, 3, INT64_MAX, 1000, true, &out), 0);
    bn_str_fini(&out);
    world_fini(&w);
}
END_TEST

Suite *logread_suite(void);
Suite *logread_suite(void) {
    Suite *s = suite_create("logread");
    TCase *t = tcase_create("logread");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_against_model);
    tcase_add_test(t, test_following_costs_nothing);
    tcase_add_test(t, test_failed_read);
    suite_add_tcase(s, t);
    return s;
}
