/* request_test.c: goal: a request ends once, by whichever way, and gives back its frame; answers carry the right
 * response header. */
#include "broker/api/request.h"

#include "common/base/bytes.h"
#include "proto/kafka/kapi.h"
#include "tests/unit/broker/api/fake.h"
#include "tests/unit/unit.h"

/* A forwarded body goes out as it came: response header v0 before the first flexible version, v1 from there on. */
START_TEST(test_reply_body) {
    static const struct {
        int version;
        size_t header;
    } cases[] = {{4, 4}, {5, 5}, {7, 5}};
    struct fake f;
    fake_init(&f);
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct kmsg_create_topics_request q = kmsg_create_topics_request_default;
        fake_send(&f, KAPI_CREATE_TOPICS, cases[i].version, &q);
        fake_answer(&f, (int)i, KE_NONE, BN_SLICE_LIT("the body"));
        uint8_t got[64];
        ck_assert_uint_eq(f.out.size_bytes, 4 + cases[i].header + 8);
        ck_assert_int_eq(bn_chain_copy_out(&f.out, got), 0);
        ck_assert_uint_eq(bn_get_u32(got), cases[i].header + 8);
        ck_assert_uint_eq(bn_get_u32(got + 4), 77);
        if (cases[i].header == 5) ck_assert_uint_eq(got[8], 0);
        ck_assert_int_eq(memcmp(got + 4 + cases[i].header, "the body", 8), 0);
        bn_chain_consume(&f.out, f.out.size_bytes);
    }
    fake_fini(&f);
}
END_TEST

static struct bn_request *waiting(struct fake *f, int *index) {
    struct kmsg_delete_topics_request q = kmsg_delete_topics_request_default;
    fake_send(f, KAPI_DELETE_TOPICS, 6, &q);
    *index = f->forward_count - 1;
    return *(struct bn_request **)f->forwards[*index].arg; /* the relay's first member */
}

START_TEST(test_done_and_close) {
    struct fake f;
    fake_init(&f);
    int index;
    struct bn_request *r = waiting(&f, &index);
    ck_assert_str_eq(r->client_host, "10.0.0.7");
    ck_assert_str_eq(r->listener, "PLAINTEXT");
    struct bn_buf *frame = r->frame;
    bn_buf_ref(frame);
    bn_request_done(r);
    ck_assert_int_eq(f.answers, 1);
    ck_assert_uint_eq(f.out.size_bytes, 0);
    ck_assert_int_eq(atomic_load(&frame->shared.refs), 1);
    bn_buf_unref(frame);
    r = waiting(&f, &index);
    char *why = bn_arena_printf(&r->arena, "because of %d", 42); /* dies with the request, but not too early */
    bn_request_close(r, why);
    ck_assert_str_eq(f.why, "because of 42");
    ck_assert_int_eq(bn_api_open_count(f.api), 0);
    fake_fini(&f);
}
END_TEST

/* More requests than are kept for reuse, open at once and ended in another order. */
START_TEST(test_many) {
    enum { COUNT = FAKE_FORWARDS_MAX };
    struct fake f;
    fake_init(&f);
    for (int round = 0; round < 40; round++) {
        int index;
        for (int i = 0; i < COUNT; i++) (void)waiting(&f, &index);
        for (int i = COUNT - 1; i >= 0; i--)
            fake_answer(&f, i, i % 2 ? KE_NONE : KE_REQUEST_TIMED_OUT, BN_SLICE_LIT("x"));
        f.forward_count = 0;
    }
    ck_assert_int_eq(f.answers, 40 * COUNT);
    ck_assert_int_eq(bn_api_open_count(f.api), 0);
    fake_fini(&f);
}
END_TEST

Suite *request_suite(void);
Suite *request_suite(void) {
    Suite *s = suite_create("request");
    TCase *t = tcase_create("request");
    tcase_add_test(t, test_reply_body);
    tcase_add_test(t, test_done_and_close);
    tcase_add_test(t, test_many);
    suite_add_tcase(s, t);
    return s;
}
