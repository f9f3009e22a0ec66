/* uuid.h: Kafka's 16-byte ids and their 22-character URL-safe base64 text. */
#ifndef BN_UUID_H
#define BN_UUID_H

#include "common/base/base.h"
#include "common/base/slice.h"

struct bn_uuid {
    uint8_t bytes[16];
};

#define BN_UUID_TEXT_LEN 22
#define BN_UUID_ZERO ((struct bn_uuid){{0}})

static inline bool bn_uuid_is_zero(const struct bn_uuid *u) {
    return bn_slice_eq(bn_slice_of(u->bytes, 16), bn_slice_of((const uint8_t[16]){0}, 16));
}
static inline bool bn_uuid_eq(const struct bn_uuid *a, const struct bn_uuid *b) {
    return memcmp(a->bytes, b->bytes, 16) == 0;
}
/* 16 random bytes -> a version 4 id; false if Kafka would draw again (reserved zero and one, or a
 * text that starts with '-'). */
bool bn_uuid_from_random(const uint8_t random[16], struct bn_uuid *out);
void bn_uuid_format(const struct bn_uuid *u, char out[BN_UUID_TEXT_LEN + 1]);
bool bn_uuid_parse(struct bn_slice text, struct bn_uuid *out);

#endif
