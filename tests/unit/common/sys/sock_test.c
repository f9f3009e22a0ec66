/* sock_test.c: a chain of memory and file parts arrives byte for byte through a small socket, whatever the
 * limits of one call; ends, refusals and short files get their own status. */
#include "common/sys/sock.h"

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
        if (i % 5 == 4) bn_chain_append_file(&c, &file, (int64_t)at, n);
        else if (i % 2) bn_chain_append_buf(&c, buf, buf->data + at, n);
        else bn_chain_append(&c, want + at, n);
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

Suite *sock_suite(void);
Suite *sock_suite(void) {
    Suite *s = suite_create("sock");
    TCase *t = tcase_create("sock");
    tcase_set_timeout(t, 20);
    tcase_add_loop_test(t, test_flush, 0, 4);
    tcase_add_test(t, test_bad_files_and_closed_peers);
    tcase_add_loop_test(t, test_refused_and_unresolvable, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
