/* reply_test.c: goal: whatever order answers become ready in, they leave in the order of the requests. */
#include "broker/net/reply.h"

#include "common/base/alloc.h"
#include "tests/unit/unit.h"

Suite *reply_suite(void);

static void put(struct bn_reply_ring *r, uint32_t ticket, const char *text, struct bn_chain *out) {
    struct bn_chain answer;
    bn_chain_init(&answer);
    bn_chain_append(&answer, text, strlen(text));
    bn_reply_put(r, ticket, &answer, out);
    ck_assert_uint_eq(answer.size_bytes, 0);
    bn_chain_fini(&answer);
}

static void check_out(const struct bn_chain *out, const char *expected) {
    char *text = bn_alloc_zero(1, out->size_bytes + 1);
    ck_assert_int_eq(bn_chain_copy_out(out, (uint8_t *)text), 0);
    ck_assert_str_eq(text, expected);
    bn_alloc_free(text);
}

START_TEST(test_order) {
    static const struct {
        uint32_t order[4];
        const char *after[4]; /* what has left after each answer */
    } cases[] = {
        {{0, 1, 2, 3}, {"a", "ab", "abc", "abcd"}},
        {{3, 2, 1, 0}, {"", "", "", "abcd"}},
        {{1, 0, 3, 2}, {"", "ab", "ab", "abcd"}},
        {{2, 0, 1, 3}, {"", "a", "abc", "abcd"}},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct bn_reply_ring r = {0};
        struct bn_chain out;
        bn_chain_init(&out);
        for (uint32_t k = 0; k < 4; k++) ck_assert_uint_eq(bn_reply_open(&r), k);
        for (int k = 0; k < 4; k++) {
            uint32_t ticket = cases[i].order[k];
            put(&r, ticket, (const char *[]){"a", "b", "c", "d"}[ticket], &out);
            check_out(&out, cases[i].after[k]);
            ck_assert_uint_eq(r.waiting_bytes + out.size_bytes, (unsigned)k + 1);
        }
        ck_assert_uint_eq(r.count, 0);
        bn_chain_fini(&out);
        bn_reply_fini(&r);
    }
}
END_TEST

START_TEST(test_no_answer) {
    struct bn_reply_ring r = {0};
    struct bn_chain out;
    bn_chain_init(&out);
    uint32_t a = bn_reply_open(&r), b = bn_reply_open(&r), c = bn_reply_open(&r);
    put(&r, c, "c", &out);
    bn_reply_put(&r, b, NULL, &out);
    check_out(&out, "");
    bn_reply_put(&r, a, NULL, &out);
    check_out(&out, "c");
    bn_chain_fini(&out);
    bn_reply_fini(&r);
}
END_TEST

/* Tickets wrap, and the ring grows with answers waiting in it. */
START_TEST(test_wrap_and_grow) {
    struct bn_reply_ring r = {.first = UINT32_MAX - 2};
    struct bn_chain out;
    bn_chain_init(&out);
    uint32_t tickets[40];
    for (int i = 0; i < 40; i++) {
        tickets[i] = bn_reply_open(&r);
        if (i > 0) put(&r, tickets[i], "x", &out);
        ck_assert_uint_eq(out.size_bytes, 0);
    }
    ck_assert_uint_eq(r.waiting_bytes, 39);
    put(&r, tickets[0], "x", &out);
    ck_assert_uint_eq(out.size_bytes, 40);
    ck_assert_uint_eq(r.waiting_bytes, 0);
    bn_reply_open(&r);
    uint32_t last = bn_reply_open(&r);
    put(&r, last, "never sent", &out); /* fini drops it */
    bn_chain_fini(&out);
    bn_reply_fini(&r);
}
END_TEST

Suite *reply_suite(void) {
    Suite *s = suite_create("reply");
    TCase *t = tcase_create("order");
    tcase_add_test(t, test_order);
    tcase_add_test(t, test_no_answer);
    tcase_add_test(t, test_wrap_and_grow);
    suite_add_tcase(s, t);
    return s;
}
