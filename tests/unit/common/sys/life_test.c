/* life_test.c: whoever connects reads the boot id; however the process ends, the port refuses from that moment
 * on, and a failing process refuses before it is gone. */
#include "common/sys/life.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/sys/sock.h"
#include "tests/unit/unit.h"

/* Connects and reads to the end: the bytes read, or BN_NOTFOUND when refused. */
static ssize_t ask(int port, uint8_t out[32]) {
    int fd = bn_sock_connect("127.0.0.1", port, NULL);
    if (fd < 0) return fd;
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    ck_assert_int_eq(poll(&p, 1, 5000), 1);
    ssize_t total = bn_sock_connected(fd, NULL);
    while (total >= 0) {
        p.events = POLLIN;
        ck_assert_int_eq(poll(&p, 1, 5000), 1);
        ssize_t n = bn_sock_recv(fd, out + total, 32 - (size_t)total);
        if (n == BN_CLOSED) break;
        ck_assert_int_gt(n, 0);
        total += n;
    }
    close(fd);
    return total;
}

START_TEST(test_answers_until_closed) {
    struct bn_err e = BN_ERR_NONE;
    struct bn_life *l = bn_life_open("127.0.0.1", 0, &e);
    ck_assert_ptr_nonnull(l);
    int port = bn_life_port(l);
    uint8_t got[32];
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(ask(port, got), 16);
        ck_assert_mem_eq(got, bn_life_boot_id(l)->bytes, 16);
    }
    ck_assert_ptr_null(bn_life_open("127.0.0.1", port, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "life port"));
    bn_life_close(l);
    ck_assert_int_eq(ask(port, got), BN_NOTFOUND);
    bn_life_close(NULL);
}
END_TEST

enum { BY_ASSERTION, BY_ABORT, BY_SEGV, BY_KILL, WAYS };

static int gate[2]; /* the child waits here for our leave to die */

static void hold(int signum) {
    (void)signum;
    /* A process that dumps its core is slow to go: the port must refuse while we hold it here. */
    char c;
    ssize_t n = read(gate[0], &c, 1);
    (void)n;
    _exit(3);
}

static void die(int way) {
    switch (way) {
    case BY_ASSERTION:
        signal(SIGABRT, hold);
        BN_ASSERT(false);
        break;
    case BY_ABORT:
        abort();
    case BY_SEGV:
        raise(SIGSEGV);
        break;
    default:
        raise(SIGKILL);
    }
}

START_TEST(test_refuses_when_the_process_fails) {
    int tell[2];
    uint8_t got[32];
    ck_assert_int_eq(pipe(tell), 0);
    ck_assert_int_eq(pipe(gate), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct bn_life *l = bn_life_open("127.0.0.1", 0, NULL);
        close(STDERR_FILENO);
        int port = bn_life_port(l);
        if (write(tell[1], &port, sizeof port) != sizeof port) _exit(1);
        char c;
        if (read(gate[0], &c, 1) != 1) _exit(1);
        die(_i);
        _exit(0);
    }
    int port, status;
    ck_assert_int_eq(read(tell[0], &port, sizeof port), sizeof port);
    ck_assert_int_eq(ask(port, got), 16);
    ck_assert_int_eq(write(gate[1], "x", 1), 1);
    if (_i == BY_ASSERTION) {
        /* The child still exists; its port must go all the same. */
        while (ask(port, got) != BN_NOTFOUND) continue;
        ck_assert_int_eq(waitpid(pid, &status, WNOHANG), 0);
        ck_assert_int_eq(write(gate[1], "x", 1), 1);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
    ck_assert_int_eq(ask(port, got), BN_NOTFOUND);
}
END_TEST

START_TEST(test_other_socket_falls_too) {
    int fd[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct bn_life *l = bn_life_open("127.0.0.1", 0, NULL);
        close(STDERR_FILENO);
        bn_life_shut_too(fd[1]);
        BN_ASSERT(l == NULL);
    }
    char c;
    ck_assert_int_eq(read(fd[0], &c, 1), 0); /* shut, although we hold fd[1] open here */
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

Suite *life_suite(void);
Suite *life_suite(void) {
    Suite *s = suite_create("life");
    TCase *t = tcase_create("life");
    tcase_set_timeout(t, 20);
    tcase_add_test(t, test_answers_until_closed);
    tcase_add_loop_test(t, test_refuses_when_the_process_fails, 0, WAYS);
    tcase_add_test(t, test_other_socket_falls_too);
    suite_add_tcase(s, t);
    return s;
}
