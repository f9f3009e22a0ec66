/* life.c: the life port. The socket is shut first thing when the process fails (assertion or fatal signal),
 * because the kernel closes descriptors only after a core dump is written, and until then a dead process would
 * look alive. shutdown() is used, not close(): the serving thread sleeps in poll() on the socket, which would
 * keep it open.
 *
 * What the abort path must reach hangs from two static descriptors; a process has one life port. */
#include "common/sys/life.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/sys/env.h"
#include "common/sys/sock.h"
#include "common/sys/thread.h"

struct bn_life {
    int fd;
    int stop_fd; /* eventfd: becomes readable when the thread shall end */
    int port;
    struct bn_uuid boot_id;
    pthread_t thread;
};

static _Atomic int life_fd = -1;
static _Atomic int other_fd = -1;

/* Async-signal-safe. */
static void shut_all(void) {
    int fd = atomic_exchange(&life_fd, -1);
    if (fd >= 0) shutdown(fd, SHUT_RDWR);
    fd = atomic_exchange(&other_fd, -1);
    if (fd >= 0) shutdown(fd, SHUT_RDWR);
}

static void fatal_signal(int signum) {
    shut_all();
    raise(signum); /* the handler was one-shot: this one kills */
}

static void catch_fatal_signals(void) {
    static const int fatal[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    for (size_t i = 0; i < BN_ARRAY_LEN(fatal); i++) {
        struct sigaction sa = {.sa_handler = fatal_signal, .sa_flags = (int)SA_RESETHAND | SA_NODEFER}, old;
        /* A sanitizer's or debugger's handler stays. */
        if (sigaction(fatal[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL) sigaction(fatal[i], &sa, NULL);
    }
}

static void serve_one(const struct bn_life *l) {
    int fd = bn_sock_accept(l->fd, 0, 0);
    if (fd < 0) {
        /* Out of descriptors or memory: the connection stays in the backlog, which is as good as an answer
         * (only a refusal means death). Do not spin on it. */
        if (fd != BN_AGAIN) poll(NULL, 0, 10);
        return;
    }
    (void)send(fd, l->boot_id.bytes, sizeof l->boot_id.bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
    close(fd);
}

static void *life_main(void *arg) {
    const struct bn_life *l = arg;
    for (;;) {
        struct pollfd p[2] = {{.fd = l->fd, .events = POLLIN}, {.fd = l->stop_fd, .events = POLLIN}};
        int n = poll(p, 2, -1);
        if (n < 0 && errno != EINTR) return NULL;
        if (n <= 0) continue;
        if (p[1].revents || (p[0].revents & (POLLERR | POLLHUP | POLLNVAL))) return NULL;
        if (p[0].revents) serve_one(l);
    }
}

struct bn_life *bn_life_open(const char *host, int port, struct bn_err *e) {
    int fd = bn_sock_listen(host, port, 128, e);
    if (fd < 0) {
        bn_err_wrap(e, "open life port");
        return NULL;
    }
    struct bn_life *l = bn_alloc_zero(1, sizeof *l);
    l->fd = fd;
    l->port = bn_sock_port(fd);
    l->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    BN_ASSERT(l->stop_fd >= 0);
    bn_env_real()->random(l->boot_id.bytes, sizeof l->boot_id.bytes);
    atomic_store(&life_fd, fd);
    bn_check_on_abort(shut_all);
    catch_fatal_signals();
    l->thread = bn_thread_start("bn-life", life_main, l);
    return l;
}

int bn_life_port(const struct bn_life *l) { return l->port; }
const struct bn_uuid *bn_life_boot_id(const struct bn_life *l) { return &l->boot_id; }
void bn_life_shut_too(int fd) { atomic_store(&other_fd, fd); }

void bn_life_close(struct bn_life *l) {
    if (!l) return;
    int mine = l->fd;
    if (atomic_compare_exchange_strong(&life_fd, &mine, -1)) {
        bn_check_on_abort(NULL);
        atomic_store(&other_fd, -1);
    }
    uint64_t one = 1;
    ssize_t n = write(l->stop_fd, &one, sizeof one);
    BN_ASSERT(n == sizeof one);
    pthread_join(l->thread, NULL);
    close(l->fd);
    close(l->stop_fd);
    bn_alloc_free(l);
}

void bn_life_machine(char out[BN_LIFE_MACHINE_MAX]) {
    char boot[40] = "", net[40] = "";
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, boot, sizeof boot - 1) : -1;
    if (fd >= 0) close(fd);
    ssize_t m = readlink("/proc/self/ns/net", net, sizeof net - 1);
    boot[strcspn(boot, "\n")] = '\0';
    out[0] = '\0';
    if (n > 0 && m > 0) snprintf(out, BN_LIFE_MACHINE_MAX, "%s/%s", boot, net);
}
