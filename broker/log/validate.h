/* validate.h: whether what a client sent may become part of the log. Private to broker/log. */
#ifndef BN_VALIDATE_H
#define BN_VALIDATE_H

#include "broker/log/log_int.h"

/* A batch may expand to this much where its records have to be looked at (compacted topics, other codec, timestamp
 * bounds, old formats): what a peer can size is bounded, also against gzip bombs. */
enum { BN_VALIDATE_EXPAND_MAX = 64 << 20 };

struct bn_validate_out {
    uint8_t *bytes; /* what to append: in the caller's frame or in one of the strings */
    size_t len;
    struct bn_str converted, recompressed;
};

/* Everything of 4-storage 4.5 that needs no state but the configuration. False: a->error, message and bad are
 * set. Call fini in any case. */
bool bn_validate_append(const struct bn_log *l, struct bn_log_append *a, struct bn_validate_out *out) BN_MUST_CHECK;
void bn_validate_fini(struct bn_validate_out *out);
/* Sets error and message; returns false. */
bool bn_validate_refuse(struct bn_log_append *a, int16_t error, const char *fmt, ...) BN_PRINTF(3, 4);

#endif
