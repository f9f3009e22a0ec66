/* when.h: points in time and durations as Kafka's tools take them. Pure. */
#ifndef BN_WHEN_H
#define BN_WHEN_H

#include "common/base/base.h"

/* "2024-01-31T12:30:00.000", with an optional zone (Z, +08, +0800, +08:00; UTC without one), seconds and fraction being
 * optional, too: milliseconds since 1970. False when it is none. */
bool bn_when_datetime(const char *text, int64_t *out_ms);
/* ISO 8601 as Java reads it: "P1DT2H30M4.5S", with signs in front of it or of its numbers: milliseconds. */
bool bn_when_duration(const char *text, int64_t *out_ms);

#endif
