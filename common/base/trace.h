/* trace.h: diagnostics (the noun "log" belongs to the commit log). A line is
 *   [2026-01-31 12:00:00,123] INFO [KafkaServer id=1] started (broker)
 * as people grep Kafka's server.log. Thread-safe. The level and the sink are the program's only
 * global state. Payload bytes and credentials are never traced. */
#ifndef BN_TRACE_H
#define BN_TRACE_H

#include "common/base/base.h"

enum bn_trace_level { BN_TRACE_DEBUG, BN_TRACE_INFO, BN_TRACE_WARN, BN_TRACE_ERROR, BN_TRACE_FATAL };

/* path NULL = stderr only. The file is appended to and reopened on bn_trace_reopen (SIGHUP);
 * with also_stderr lines go to both. Returns 0 or BN_IO (then stderr is used). */
int bn_trace_open(const char *path, bool also_stderr);
void bn_trace_reopen(void);
void bn_trace_set_level(enum bn_trace_level level);
enum bn_trace_level bn_trace_level(void); /* the least that is written */
const char *bn_trace_level_name(enum bn_trace_level level);
bool bn_trace_on(enum bn_trace_level level);
/* room: where it comes from, a fixed word ("partition"). */
void bn_trace(enum bn_trace_level level, const char *room, const char *fmt, ...) BN_PRINTF(3, 4);
/* For a line a peer can cause: true at most `burst` times per 10 s for one static site; the first
 * true of a window tells in *suppressed how many were swallowed in the one before. */
struct bn_trace_site {
    _Atomic uint64_t window;
    _Atomic uint32_t count, suppressed;
};
bool bn_trace_allow(struct bn_trace_site *site, uint32_t burst, uint32_t *suppressed);

#define BN_DEBUG(room, ...)                                                                        \
    do {                                                                                           \
        if (bn_trace_on(BN_TRACE_DEBUG)) bn_trace(BN_TRACE_DEBUG, room, __VA_ARGS__);              \
    } while (0)
#define BN_INFO(room, ...) bn_trace(BN_TRACE_INFO, room, __VA_ARGS__)
#define BN_WARN(room, ...) bn_trace(BN_TRACE_WARN, room, __VA_ARGS__)
#define BN_ERROR(room, ...) bn_trace(BN_TRACE_ERROR, room, __VA_ARGS__)

#endif
