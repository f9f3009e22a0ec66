/* codec.c: the codec's front door: picks the plan of a version and hands it to decode.c, encode.c or walk.c. Asserts
 * what our own callers owe (a version in range); knows nothing of bytes. */
#include "proto/kafka/codec.h"

#include "common/base/check.h"
#include "common/base/str.h"
#include "proto/kafka/kapi.h"
#include "proto/kafka/plan.h"

const char *bn_codec_name(const struct bn_codec_desc *d) {
    return d->name;
}

int bn_codec_key(const struct bn_codec_desc *d) {
    return d->key;
}

int bn_codec_min_version(const struct bn_codec_desc *d) {
    return d->min_version;
}

int bn_codec_max_version(const struct bn_codec_desc *d) {
    return d->max_version;
}

bool bn_codec_is_flexible(const struct bn_codec_desc *d, int version) {
    return version >= d->flexible_version;
}

size_t bn_codec_struct_size(const struct bn_codec_desc *d) {
    return d->size;
}

int bn_codec_decode(const struct bn_codec_desc *d, int version, struct bn_slice in, struct bn_arena *arena, void *out,
                    struct bn_err *e) {
    int rc = bn_decode_message(bn_plan_of(d, version), in, arena, out, e);
    if (rc && e) (void)bn_err_wrap(e, "%s v%d", d->name, version);
    return rc;
}

bool bn_codec_encode(const struct bn_codec_desc *d, int version, void *in, struct bn_chain *out) {
    return bn_encode_message(bn_plan_of(d, version), in, out);
}

void bn_codec_defaults(const struct bn_codec_desc *d, void *out) {
    memcpy(out, d->defaults, d->size);
}

bool bn_codec_equal(const struct bn_codec_desc *d, int version, const void *a, const void *b) {
    return bn_walk_equal(bn_plan_of(d, version), a, b);
}

bool bn_codec_random(const struct bn_codec_desc *d, int version, struct bn_arena *arena, uint32_t (*next)(void *),
                     void *arg, void *out) {
    struct bn_walk_dice dice = {arena, next, arg};
    return bn_walk_random(&dice, bn_plan_of(d, version), out);
}

void bn_codec_dump(const struct bn_codec_desc *d, int version, const void *in, struct bn_str *out) {
    bn_str_addf(out, "%s v%d ", d->name, version);
    bn_walk_dump(bn_plan_of(d, version), in, out);
}

const struct bn_codec_desc *bn_codec_request(int api_key) {
    return api_key < 0 || api_key >= KAPI_KEYS ? NULL : bn_plan_requests[api_key];
}

const struct bn_codec_desc *bn_codec_response(int api_key) {
    return api_key < 0 || api_key >= KAPI_KEYS ? NULL : bn_plan_responses[api_key];
}
