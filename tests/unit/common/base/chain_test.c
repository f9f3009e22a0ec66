/* chain_test.c: whatever mixture of parts goes in, the same bytes come out, in any consumption steps, and
 * every holder is released exactly once. */
#include "common/base/chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/err.h"
#include "tests/unit/unit.h"

static int released;

static void count_release(struct bn_shared *s) {
    (void)s;
    released++;
}

static uint64_t rng(uint64_t *s) {
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

static struct bn_fd test_file(const uint8_t *bytes, size_t len) {
    FILE *f = tmpfile();
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
    ck_assert_int_eq(fflush(f), 0);
    struct bn_fd fd = {.fd = dup(fileno(f))};
    fclose(f);
    bn_shared_init(&fd.shared, count_release);
    return fd;
}

START_TEST(test_mixture) {
    uint64_t seed = 77 + (uint64_t)_i;
    enum { SIZE = 300000 };
    static uint8_t want[SIZE], got[SIZE];
    for (size_t i = 0; i < SIZE; i++) want[i] = (uint8_t)rng(&seed);
    struct bn_fd file = test_file(want, SIZE);
    struct bn_buf *buf = bn_buf_new(SIZE);
    memcpy(buf->data, want, SIZE);
    struct bn_chain c, other;
    bn_chain_init(&c);
    bn_chain_init(&other);
    size_t in = 0, out = 0;
    released = 0;
    while (out < SIZE) {
        size_t n = bn_min_size(SIZE - in, (size_t)(rng(&seed) % 3000));
        struct bn_chain *to = rng(&seed) % 4 ? &c : &other;
        switch (rng(&seed) % 4) {
        case 0:
            bn_chain_append_buf(to, buf, buf->data + in, n);
            break;
        case 1:
            bn_chain_append_file(to, &file, (int64_t)in, n);
            break;
        default:
            bn_chain_append(to, want + in, n);
        }
        in += n;
        if (to == &other) bn_chain_splice(&c, &other);
        ck_assert_uint_eq(c.size_bytes, in - out);
        if (in < SIZE && rng(&seed) % 3) continue;
        ck_assert_int_eq(bn_chain_copy_out(&c, got), 0);
        ck_assert_mem_eq(got, want + out, in - out);
        size_t eaten = in == SIZE ? c.size_bytes : (size_t)(rng(&seed) % (c.size_bytes + 1));
        bn_chain_consume(&c, eaten);
        out += eaten;
    }
    ck_assert_uint_eq(c.count, 0);
    ck_assert_int_eq(atomic_load(&buf->shared.refs), 1);
    ck_assert_int_eq(atomic_load(&file.shared.refs), 1);
    bn_buf_unref(buf);
    close(file.fd);
    bn_shared_unref(&file.shared);
    ck_assert_int_eq(released, 1);
    bn_chain_fini(&c);
    bn_chain_fini(&other);
}
END_TEST

START_TEST(test_small_writes_are_one_part) {
    struct bn_chain c;
    bn_chain_init(&c);
    for (int i = 0; i < 100; i++) bn_chain_append(&c, "abcd", 4);
    ck_assert_uint_eq(c.count, 1);
    bn_chain_append(&c, "", 0);
    uint8_t *patch = bn_chain_reserve(&c, 4);
    ck_assert_uint_eq(c.size_bytes, 404);
    memcpy(patch, "wxyz", 4);
    uint8_t out[404];
    ck_assert_int_eq(bn_chain_copy_out(&c, out), 0);
    ck_assert_mem_eq(out + 396, "abcdwxyz", 8);
    bn_chain_fini(&c);
}
END_TEST

START_TEST(test_file_parts_that_cannot_be_read) {
    struct bn_fd file = test_file((const uint8_t *)"12345", 5);
    struct bn_chain c;
    uint8_t out[16];
    bn_chain_init(&c);
    bn_chain_append_file(&c, &file, 3, 4);
    ck_assert_int_eq(bn_chain_copy_out(&c, out), BN_IO);
    bn_chain_fini(&c);
    close(file.fd);
    file.fd = -1;
    bn_chain_append_file(&c, &file, 0, 1);
    ck_assert_int_eq(bn_chain_copy_out(&c, out), BN_IO);
    bn_chain_fini(&c);
}
END_TEST

Suite *chain_suite(void);
Suite *chain_suite(void) {
    Suite *s = suite_create("chain");
    TCase *t = tcase_create("chain");
    tcase_add_loop_test(t, test_mixture, 0, 8);
    tcase_add_test(t, test_small_writes_are_one_part);
    tcase_add_test(t, test_file_parts_that_cannot_be_read);
    suite_add_tcase(s, t);
    return s;
}
