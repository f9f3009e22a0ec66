/* sock_test.c: a chain of memory and file parts arrives byte for byte through a small socket, whatever the
 * limits of one call; ends, refusals and short files get their own status. */
#include "common/sys/sock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "tests/unit/unit.h"

static void wait_for(int fd, short events) {
    struct pollfd p = {.fd = fd, .events = events};
    ck_assert_int_gt(poll(&p, 1, 5000), 0);
}

static void make_pair(int fd[2]) {
    int l = bn_sock_listen("127.0.0.1", 0, 5, NULL);
    ck_assert_int_ge(l, 0);
    ck_assert_int_eq(bn_sock_accept(l, 0, 0), BN_AGAIN);
    fd[0] = bn_sock_connect("127.0.0.1", bn_sock_port(l), NULL);
    ck_assert_int_ge(fd[0], 0);
    wait_for(l, POLLIN);
    fd[1] = bn_sock_accept(l, 8192, 8192);
    ck_assert_int_ge(fd[1], 0);
    wait_for(fd[0], POLLOUT);
    ck_assert_int_eq(bn_sock_connected(fd[0], NULL), 0);
    char me[BN_SOCK_NAME_MAX], peer[BN_SOCK_NAME_MAX], want[BN_SOCK_NAME_MAX + 8];
    bn_sock_local_host(fd[0], me);
    bn_sock_peer(fd[1], peer);
    snprintf(want, sizeof want, "127.0.0.1:%d", bn_sock_port(fd[0]));
    ck_assert_str_eq(me, "127.0.0.1");
    ck_assert_str_eq(peer, want);
    close(l);
}

static void no_release(struct bn_shared *s) { (void)s; }

START_TEST(test_flush) {
    static const size_t limits[] = {0, 1000, 70000, 1};
    enum { SIZE = 600000 };
    size_t limit = limits[_i], size = limit == 1 ? 3000 : SIZE;
    static uint8_t want[SIZE], got[SIZE];
    for (size_t i = 0; i < SIZE; i++) want[i] = (uint8_t)(i * 2654435761u >> 13);
    FILE *tmp = tmpfile();
    ck_assert_uint_eq(fwrite(want, 1, SIZE, tmp), SIZE);
    fflush(tmp);
    struct bn_fd file = {.fd = fileno(tmp)};
    bn_shared_init(&file.shared, no_release);
    struct bn_buf *buf = bn_buf_new(SIZE);
    memcpy(buf->data, want, SIZE);
    struct bn_chain c;
    bn_chain_init(&c);
    for (size_t at = 0, i = 0; at < size; i++) {
        size_t n = bn_min_size(size - at, i % 5 == 4 ? 50000 : 100 + i);
        if (i % 5 == 4)
            bn_chain_append_file(&c, &file, (int64_t)at, n);
        else if (i % 2)
            bn_chain_append_buf(&c, buf, buf->data + at, n);
        else
            bn_chain_append(&c, want + at, n);
        at += n;
    }
    int fd[2];
    make_pair(fd);
    size_t in = 0;
    for (int rc = BN_AGAIN; in < size;) {
        size_t before = c.size_bytes;
        if (rc == BN_AGAIN) rc = bn_sock_flush(fd[1], &c, limit);
        ck_assert(rc == 0 || rc == BN_AGAIN);
        if (limit) ck_assert_uint_le(before - c.size_bytes, limit);
        ssize_t n = bn_sock_recv(fd[0], got + in, SIZE - in);
        if (n == BN_AGAIN) continue;
        ck_assert_int_gt(n, 0);
        in += (size_t)n;
    }
    ck_assert_uint_eq(c.size_bytes, 0);
    ck_assert_mem_eq(got, want, size);
    close(fd[1]);
    wait_for(fd[0], POLLIN);
    ck_assert_int_eq(bn_sock_recv(fd[0], got, 1), BN_CLOSED);
    close(fd[0]);
    bn_chain_fini(&c);
    bn_buf_unref(buf);
    fclose(tmp);
}
END_TEST

/* What the peer has received until the chain was sent or failed: its length; *rc = how sending ended. */
static size_t sent(struct bn_chain *c, size_t limit, uint8_t *got, size_t room, int *rc) {
    int fd[2];
    size_t in = 0;
    make_pair(fd);
    do {
        *rc = bn_sock_flush(fd[1], c, limit);
        if (*rc != BN_AGAIN) close(fd[1]);
        for (ssize_t n = 0; n != BN_AGAIN || *rc != BN_AGAIN; in += n > 0 ? (size_t)n : 0) {
            if (*rc != BN_AGAIN && n == BN_AGAIN) wait_for(fd[0], POLLIN);
            ck_assert_uint_le(in, room);
            n = bn_sock_recv(fd[0], got + in, room - in + 1);
            if (n == BN_CLOSED) break;
            ck_assert(n > 0 || n == BN_AGAIN);
        }
    } while (*rc == BN_AGAIN);
    close(fd[0]);
    return in;
}

/* Goal: file parts around the size up to which they are copied, alone, between memory, and more of them than one call
 * has room for, arrive byte for byte, whatever the limit of one call. */
START_TEST(test_copied_files) {
    enum { BIG = BN_SOCK_COPY_MAX, MANY = 80, SIZE = 90 * (BIG + 1) };
    static const size_t limits[] = {0, BIG - 1, BIG, BIG + 1, 3 * BIG, 333};
    static const size_t sizes[] = {1, BIG - 1, BIG, BIG + 1, 2 * BIG + 1};
    static uint8_t want[SIZE], got[SIZE + 1];
    for (size_t i = 0; i < SIZE; i++) want[i] = (uint8_t)(i * 2654435761u >> 13);
    FILE *tmp = tmpfile();
    ck_assert_uint_eq(fwrite(want, 1, SIZE, tmp), SIZE);
    fflush(tmp);
    struct bn_fd file = {.fd = fileno(tmp)};
    bn_shared_init(&file.shared, no_release);
    for (size_t each = 0; each < sizeof sizes / sizeof *sizes; each++)
        for (size_t between = 0; between < 3; between++) {
            struct bn_chain c;
            size_t at = 0, parts = sizes[each] > BIG || limits[_i] < BIG / 2 ? MANY / 4 : MANY;
            bn_chain_init(&c);
            for (size_t i = 0; i < parts; i++) {
                bn_chain_append(&c, want + at, between * 7);
                at += between * 7;
                bn_chain_append_file(&c, &file, (int64_t)at, sizes[each]);
                at += sizes[each];
            }
            ck_assert_uint_le(at, SIZE);
            int rc;
            ck_assert_uint_eq(sent(&c, limits[_i], got, at, &rc), at);
            ck_assert_int_eq(rc, 0);
            ck_assert_uint_eq(c.size_bytes, 0);
            ck_assert_mem_eq(got, want, at);
            bn_chain_fini(&c);
        }
    fclose(tmp);
}
END_TEST

/* Goal: a file that ends before its part fails the connection, after what stood before it was sent, and nothing made
 * up is sent in its place. */
START_TEST(test_short_file_behind_memory) {
    FILE *tmp = tmpfile();
    fputs("12345", tmp);
    fflush(tmp);
    struct bn_fd file = {.fd = fileno(tmp)};
    bn_shared_init(&file.shared, no_release);
    static const size_t lens[] = {6, BN_SOCK_COPY_MAX, BN_SOCK_COPY_MAX + 1};
    struct bn_chain c;
    bn_chain_init(&c);
    bn_chain_append(&c, "head", 4);
    bn_chain_append_file(&c, &file, 1, 4);
    bn_chain_append(&c, "mid", 3);
    bn_chain_append_file(&c, &file, 0, lens[_i]);
    bn_chain_append(&c, "tail", 4);
    uint8_t got[100];
    int rc;
    size_t n = sent(&c, 0, got, sizeof got - 1, &rc);
    ck_assert_int_eq(rc, BN_IO);
    ck_assert_uint_le(n, 11 + 5); /* of the file there may be what it has */
    ck_assert_uint_ge(n, 11);
    ck_assert_mem_eq(got, "head2345mid12345", n);
    bn_chain_fini(&c);
    fclose(tmp);
}
END_TEST

START_TEST(test_bad_files_and_closed_peers) {
    int fd[2];
    make_pair(fd);
    FILE *tmp = tmpfile();
    fputs("12345", tmp);
    fflush(tmp);
    struct bn_fd file = {.fd = fileno(tmp)};
    bn_shared_init(&file.shared, no_release);
    struct bn_chain c;
    bn_chain_init(&c);
    bn_chain_append_file(&c, &file, 2, 100);
    ck_assert_int_eq(bn_sock_flush(fd[1], &c, 0), BN_IO); /* the file is shorter than its part */
    bn_chain_fini(&c);
    file.fd = -1;
    bn_chain_append_file(&c, &file, 0, 1);
    ck_assert_int_eq(bn_sock_flush(fd[1], &c, 0), BN_IO);
    bn_chain_fini(&c);
    struct linger reset = {1, 0};
    setsockopt(fd[0], SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd[0]);
    wait_for(fd[1], POLLIN);
    bn_chain_append(&c, "x", 1);
    ck_assert_int_eq(bn_sock_flush(fd[1], &c, 0), BN_CLOSED);
    ck_assert_int_eq(bn_sock_flush(fd[1], &c, 0), BN_CLOSED); /* and no SIGPIPE */
    bn_chain_fini(&c);
    close(fd[1]);
    fclose(tmp);
}
END_TEST

START_TEST(test_refused_and_unresolvable) {
    struct bn_err e = BN_ERR_NONE;
    int l = bn_sock_listen(_i ? "::" : "", 0, 5, &e); /* all addresses: IPv4 must reach it too */
    ck_assert_int_ge(l, 0);
    int port = bn_sock_port(l);
    static const char *const both[] = {"127.0.0.1", "::1"};
    int fd;
    for (int i = 0; i < 2; i++) {
        fd = bn_sock_connect(both[i], port, &e);
        ck_assert_int_ge(fd, 0);
        wait_for(fd, POLLOUT);
        ck_assert_int_eq(bn_sock_connected(fd, &e), 0);
        close(fd);
    }
    ck_assert_int_eq(bn_sock_listen("", port, 5, &e), BN_IO);
    ck_assert_ptr_nonnull(strstr(e.text, "Address already in use"));
    close(l);
    fd = bn_sock_connect("127.0.0.1", port, &e);
    if (fd >= 0) {
        wait_for(fd, POLLOUT);
        ck_assert_int_eq(bn_sock_connected(fd, &e), BN_NOTFOUND);
        close(fd);
    }
    ck_assert_ptr_nonnull(strstr(e.text, "refused"));
    ck_assert_int_eq(bn_sock_connect("no such host.invalid", 1, &e), BN_IO);
    ck_assert_ptr_nonnull(strstr(e.text, "resolve"));
}
END_TEST

/* Goal: another side that takes nothing, and whose machine answers all the same, is given up when patience is over. */
START_TEST(test_patience) {
    int fd[2];
    uint8_t bytes[4096] = {0};
    make_pair(fd);
    bn_sock_patience(fd[0], 3000);
    while (send(fd[0], bytes, sizeof bytes, MSG_NOSIGNAL) > 0) continue; /* until all buffers are full */
    ck_assert_int_eq(errno, EAGAIN);
    struct pollfd p = {.fd = fd[0]};
    ck_assert_int_eq(poll(&p, 1, 60000), 1);
    struct bn_err e;
    ck_assert_int_eq(bn_sock_connected(fd[0], &e), BN_IO);
    ck_assert_ptr_nonnull(strstr(e.text, "timed out"));
    close(fd[0]);
    close(fd[1]);
}
END_TEST

Suite *sock_suite(void);
Suite *sock_suite(void) {
    Suite *s = suite_create("sock");
    TCase *t = tcase_create("sock");
    tcase_set_timeout(t, 20);
    tcase_add_loop_test(t, test_flush, 0, 4);
    tcase_add_loop_test(t, test_copied_files, 0, 6);
    tcase_add_loop_test(t, test_short_file_behind_memory, 0, 3);
    tcase_add_test(t, test_bad_files_and_closed_peers);
    tcase_add_test(t, test_patience);
    tcase_add_loop_test(t, test_refused_and_unresolvable, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
