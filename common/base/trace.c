/* trace.c: diagnostics. Level and sink are the program's only global state. A line is made on the stack and
 * written by one write(2), so that lines of several threads (and of several processes appending to one file)
 * never mix. The lock guards the file descriptor against reopening, nothing else. */
#include "common/base/trace.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/err.h"

enum { LINE_MAX_BYTES = 4096, WINDOW_S = 10 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *sink_path;      /* guarded by lock */
static int sink_fd = -1;     /* guarded by lock */
static bool to_stderr = true; /* guarded by lock */
static _Atomic int level_now = BN_TRACE_INFO;

static const char *const level_names[] = {"DEBUG", "INFO", "WARN", "ERROR", "FATAL"};

static int open_sink(const char *path) {
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

int bn_trace_open(const char *path, bool also_stderr) {
    int fd = path ? open_sink(path) : -1;
    bool failed = path && fd < 0;
    pthread_mutex_lock(&lock);
    if (sink_fd >= 0) close(sink_fd);
    bn_alloc_free(sink_path);
    sink_path = path && !failed ? bn_alloc_strdup(path) : NULL;
    sink_fd = fd;
    to_stderr = also_stderr || fd < 0;
    pthread_mutex_unlock(&lock);
    return failed ? BN_IO : 0;
}

void bn_trace_reopen(void) {
    pthread_mutex_lock(&lock);
    int fd = sink_path ? open_sink(sink_path) : -1;
    if (fd >= 0) {
        if (sink_fd >= 0) close(sink_fd);
        sink_fd = fd;
    }
    pthread_mutex_unlock(&lock);
}

void bn_trace_set_level(enum bn_trace_level level) { atomic_store(&level_now, (int)level); }

enum bn_trace_level bn_trace_level(void) { return (enum bn_trace_level)atomic_load(&level_now); }

const char *bn_trace_level_name(enum bn_trace_level level) { return level_names[level]; }

bool bn_trace_on(enum bn_trace_level level) {
    return (int)level >= atomic_load_explicit(&level_now, memory_order_relaxed);
}

static void write_line(int fd, const char *line, size_t len) {
    /* A sink that fails (full disk, closed stderr) has nowhere to say so. */
    ssize_t n = write(fd, line, len);
    (void)n;
}

void bn_trace(enum bn_trace_level level, const char *room, const char *fmt, ...) {
    if (!bn_trace_on(level)) return;
    char line[LINE_MAX_BYTES];
    struct timespec now;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &tm);
    size_t len = strftime(line, sizeof line, "[%Y-%m-%d %H:%M:%S", &tm);
    len += (size_t)snprintf(line + len, sizeof line - len, ",%03d] %s ", (int)(now.tv_nsec / 1000000),
                            level_names[level]);
    /* What is too long is cut so that the room and the newline still fit. */
    size_t room_for_text = sizeof line - len - 64;
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(line + len, room_for_text, fmt, ap);
    va_end(ap);
    if (n > 0) len += bn_min_size((size_t)n, room_for_text - 1);
    /* A newline inside would let a peer forge lines. */
    for (size_t i = 0; i < len; i++) {
        if (line[i] == '\n' || line[i] == '\r') line[i] = ' ';
    }
    len += (size_t)snprintf(line + len, 64, " (%.58s)\n", room);
    pthread_mutex_lock(&lock);
    if (sink_fd >= 0) write_line(sink_fd, line, len);
    if (to_stderr) write_line(STDERR_FILENO, line, len);
    pthread_mutex_unlock(&lock);
}

bool bn_trace_allow(struct bn_trace_site *site, uint32_t burst, uint32_t *suppressed) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    uint64_t window = (uint64_t)now.tv_sec / WINDOW_S + 1;
    uint64_t seen = atomic_load(&site->window);
    *suppressed = 0;
    if (seen != window && atomic_compare_exchange_strong(&site->window, &seen, window)) {
        *suppressed = atomic_exchange(&site->suppressed, 0);
        atomic_store(&site->count, 1);
        return true;
    }
    if (atomic_fetch_add(&site->count, 1) < burst) return true;
    atomic_fetch_add(&site->suppressed, 1);
    return false;
}
