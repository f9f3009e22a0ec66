/* err.h: status codes, and errors that gain context as they rise.
 *
 * A function that can fail returns 0 or one of these negative codes. Hot paths return the code only;
 * cold paths (open, recover, configuration, ZooKeeper) take a last `struct bn_err *e` (may be NULL),
 * filled at the origin and wrapped on the way up: "open log orders-3: 00042.index: checksum".
 * Kafka's wire codes are another enum (proto/kafka/errors.def). */
#ifndef BN_ERR_H
#define BN_ERR_H

#include "common/base/base.h"

#define BN_ERR_MAP(X)                                                                              \
    X(AGAIN, -1, "not now; you will be called")                                                    \
    X(FULL, -2, "a bound was hit")                                                                 \
    X(STALE, -3, "the epoch, version or leader has moved")                                         \
    X(BAD, -4, "malformed input or a peer's fault")                                                \
    X(IO, -5, "the environment failed")                                                            \
    X(NOTFOUND, -6, "no such thing")                                                               \
    X(EXISTS, -7, "already there")                                                                 \
    X(CLOSED, -8, "closed, expired or shutting down")                                              \
    X(LOST, -9, "the answer was lost: it may or may not have happened")                            \
    X(NOTEMPTY, -10, "it has children")                                                            \
    X(NOROOM, -11, "the disk is full, or there are no file descriptors left")

enum bn_status {
    BN_OK = 0,
#define X(name, value, text) BN_##name = value,
    BN_ERR_MAP(X)
#undef X
};

struct bn_err {
    int code;       /* enum bn_status; BN_OK = nothing was set */
    char text[480]; /* NUL-terminated, cut if longer */
};

#define BN_ERR_NONE ((struct bn_err){.code = BN_OK})

/* Sets code and text (e may be NULL) and returns code, so that `return bn_err_set(e, BN_BAD, ...)`. */
int bn_err_set(struct bn_err *e, int code, const char *fmt, ...) BN_PRINTF(3, 4);
/* Like bn_err_set, appending ": " and strerror(errnum). */
int bn_err_errno(struct bn_err *e, int code, int errnum, const char *fmt, ...) BN_PRINTF(4, 5);
/* Prefixes "<fmt>: " to e's text and returns e->code (BN_OK when e is NULL is never returned: pass the
 * code you are returning yourself in that case). */
int bn_err_wrap(struct bn_err *e, const char *fmt, ...) BN_PRINTF(2, 3);
/* The fixed sentence of a code. */
const char *bn_err_text(int code);

#endif
