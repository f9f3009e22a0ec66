/* answerbuf_test.c: frames come out as they went in however the bytes were cut, stay in place while they are held, and
 * an announced length costs nothing. */
#include "proto/client/answerbuf.h"

#include "common/base/alloc.h"
#include "common/base/bytes.h"
#include "tests/unit/proto/client/suites.h"

enum { FRAMES = 150, FRAME_MAX = 3 << 20, HELD = 16 };

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static size_t length_of(uint32_t i) {
    uint32_t state = i + 1;
    static const uint32_t most[] = {8, 300, 70000, 300, 2000000};
    return 4 + next_random(&state) % (i % 50 == 49 ? most[4] : most[i % 4]);
}

static uint8_t byte_of(uint32_t frame, size_t at) { return (uint8_t)(frame * 7 + at * 13 + at / 251); }

static void check_frame(uint32_t i, struct bn_slice frame) {
    ck_assert_uint_eq(frame.len, length_of(i));
    for (size_t at = 0; at<frame.len; at += frame.len> 5000 ? 997 : 1) ck_assert_uint_eq(frame.ptr[at], byte_of(i, at));
    ck_assert_uint_eq(frame.ptr[frame.len - 1], byte_of(i, frame.len - 1));
}

/* Writes what a stream of the frames has at its position into the room, as a socket would. */
struct source {
    uint32_t frame, pieces;
    size_t at; /* in the frame with its length */
};

static size_t fill(struct source *s, uint8_t *to, size_t room) {
    size_t n = 0, most = 1 + next_random(&s->pieces) % (s->pieces % 3 ? 200000 : 9);
    while (n < room && n < most && s->frame < FRAMES) {
        size_t len = length_of(s->frame);
        uint8_t length[4];
        bn_put_u32(length, (uint32_t)len);
        to[n++] = s->at < 4 ? length[s->at] : byte_of(s->frame, s->at - 4);
        if (++s->at == len + 4) s->frame++, s->at = 0;
    }
    return n;
}

static void run_through(uint32_t seed, bool hold) {
    struct bn_answerbuf a;
    struct source s = {.pieces = seed};
    struct {
        struct bn_buf *buf;
        struct bn_slice frame;
        uint32_t i;
    } held[HELD] = {0};
    uint32_t got = 0;
    bn_answerbuf_init(&a, FRAME_MAX);
    while (got < FRAMES) {
        size_t room;
        uint8_t *to = bn_answerbuf_room(&a, &room);
        bn_answerbuf_wrote(&a, fill(&s, to, room));
        struct bn_slice frame;
        int rc;
        while ((rc = bn_answerbuf_next(&a, &frame)) == 1) {
            check_frame(got, frame);
            if (hold) {
                size_t slot = got % HELD;
                if (held[slot].buf) check_frame(held[slot].i, held[slot].frame);
                bn_buf_unref(held[slot].buf);
                held[slot].buf = a.buf, held[slot].frame = frame, held[slot].i = got;
                bn_buf_ref(a.buf);
            }
            got++;
        }
        ck_assert_int_eq(rc, 0);
    }
    bn_answerbuf_fini(&a);
    for (size_t i = 0; i < HELD; i++) {
        if (held[i].buf) check_frame(held[i].i, held[i].frame);
        bn_buf_unref(held[i].buf);
    }
}

START_TEST(gives_out_what_came) {
    for (uint32_t seed = 1; seed <= 2; seed++) {
        run_through(seed, false);
        run_through(seed, true);
    }
}
END_TEST

START_TEST(trusts_no_length) {
    struct bn_answerbuf a;
    struct bn_slice frame;
    size_t room;
    bn_answerbuf_init(&a, INT32_MAX);
    uint8_t *p = bn_answerbuf_room(&a, &room);
    bn_put_u32(p, INT32_MAX);
    bn_answerbuf_wrote(&a, 4);
    ck_assert_int_eq(bn_answerbuf_next(&a, &frame), 0);
    for (size_t have = 4; have < 1 << 20;) { /* never more than twice what came, or a first chunk */
        (void)bn_answerbuf_room(&a, &room);
        ck_assert_uint_le(a.buf->capacity, have * 2 > 65536 ? have * 2 : 65536);
        bn_answerbuf_wrote(&a, room);
        have += room;
        ck_assert_int_eq(bn_answerbuf_next(&a, &frame), 0);
    }
    bn_answerbuf_fini(&a);

    static const uint32_t bad[] = {0, 3, 101, INT32_MAX, 0x80000000u, UINT32_MAX};
    for (size_t i = 0; i < BN_ARRAY_LEN(bad); i++) {
        bn_answerbuf_init(&a, 100);
        bn_put_u32(bn_answerbuf_room(&a, &room), bad[i]);
        bn_answerbuf_wrote(&a, 4);
        ck_assert_int_eq(bn_answerbuf_next(&a, &frame), BN_BAD);
        ck_assert_uint_eq(frame.len, bad[i]);
        bn_answerbuf_fini(&a);
    }
}
END_TEST

Suite *answerbuf_suite(void) {
    Suite *s = suite_create("answerbuf");
    TCase *c = tcase_create("answerbuf");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, gives_out_what_came);
    tcase_add_test(c, trusts_no_length);
    suite_add_tcase(s, c);
    return s;
}
