/* legacy.c: message sets of magic 0 and 1 (4-storage 4.4), as Produce 0-2 brings them, made into batches of format 2.
 *
 * A set is entries of offset, size and message; a message with a codec wraps a set of its own, one level deep. Clients'
 * offsets mean nothing here (the log assigns its own), so inner offsets, absolute in magic 0 and relative in magic 1,
 * are read past. Every message's CRC-32 is tested, also inside wrappers. One bound holds for all that the wrappers of a
 * set expand to, so that many small ones can't add up to what one large one may not be. */
#include "proto/kafka/legacy.h"

#include <zlib.h>

#include "common/base/bytes.h"
#include "proto/kafka/batch.h"

enum {
    ENTRY_HEAD = 12, /* offset and size */
    CRC_SIZE = 4,
    MESSAGE_MIN = 14,
    CODEC_MASK = 0x07,
    APPEND_TIME = 0x08,
};

struct message {
    int8_t magic;
    int8_t attributes;
    int64_t timestamp; /* -1 in magic 0 */
    struct bn_slice key, value;
};

struct conversion {
    size_t expand_left; /* of max_bytes */
    struct bn_str *out;
    int32_t count;
    struct bn_batch_builder builder;
    struct bn_err *e;
};

uint32_t bn_legacy_crc32(uint32_t crc, const void *ptr, size_t len) { return (uint32_t)crc32_z(crc, ptr, len); }

static bool take_bytes(struct bn_cursor *c, struct bn_slice *out) {
    int32_t len = bn_cursor_i32(c);
    *out = BN_SLICE_NULL;
    if (len < -1) c->bad = true;
    if (len >= 0) *out = bn_cursor_slice(c, (size_t)len);
    return !c->bad;
}

/* The next entry of a set. */
static int take_message(struct bn_cursor *c, struct message *m, struct bn_err *e) {
    (void)bn_cursor_i64(c); /* the client's offset */
    int32_t size = bn_cursor_i32(c);
    if (c->bad || size < MESSAGE_MIN)
        return bn_err_set(e, BN_BAD, "a message of size %d is too small or cut off", size);
    struct bn_slice body = bn_cursor_slice(c, (size_t)size);
    if (c->bad) return bn_err_set(e, BN_BAD, "a message of size %d exceeds what is there", size);
    if (bn_get_u32(body.ptr) != bn_legacy_crc32(0, body.ptr + CRC_SIZE, body.len - CRC_SIZE)) {
        return bn_err_set(e, BN_BAD, "a message's CRC-32 does not match");
    }
    struct bn_cursor in = bn_cursor_of(bn_slice_of(body.ptr + CRC_SIZE, body.len - CRC_SIZE));
    m->magic = bn_cursor_i8(&in);
    m->attributes = bn_cursor_i8(&in);
    if (m->magic != 0 && m->magic != 1)
        return bn_err_set(e, BN_BAD, "a message of magic %d in an old message set", m->magic);
    m->timestamp = m->magic == 1 ? bn_cursor_i64(&in) : -1;
    if (m->timestamp < -1) return bn_err_set(e, BN_BAD, "a message of timestamp %" PRId64, m->timestamp);
    if (!take_bytes(&in, &m->key) || !take_bytes(&in, &m->value) || bn_cursor_left(&in) > 0) {
        return bn_err_set(e, BN_BAD, "a message's key or value does not fit its size");
    }
    return BN_OK;
}

static void add(struct conversion *v, const struct message *m) {
    bn_batch_builder_add(&v->builder, v->builder.count, m->timestamp, m->key, m->value, 0, BN_SLICE_NULL);
    v->count++;
}

static int finish(struct conversion *v, int codec) {
    if (v->builder.count == 0) return BN_OK;
    int level = codec == BN_CODEC_LZ4 ? 9 : codec == BN_CODEC_ZSTD ? 3 : -1; /* Kafka's defaults */
    int rc = bn_batch_builder_finish(&v->builder, codec, level, v->out);
    return rc == BN_OK ? rc : bn_err_set(v->e, rc, "could not be packed anew");
}

/* The messages of one wrapper, as a batch of the same codec. */
static int unwrap(struct conversion *v, const struct message *wrapper) {
    struct bn_str plain;
    int codec = wrapper->attributes & CODEC_MASK;
    if (codec > BN_CODEC_LZ4) return bn_err_set(v->e, BN_BAD, "codec %d is unknown to old message sets", codec);
    bn_str_init(&plain);
    int rc = bn_compress_expand(codec, wrapper->value, v->expand_left, wrapper->magic == 0, &plain);
    if (rc != BN_OK)
        bn_err_set(v->e, rc, "a wrapper does not expand as %s, or beyond its bound", bn_compress_name(codec));
    v->expand_left -= bn_min_size(plain.len, v->expand_left);
    struct bn_cursor c = bn_cursor_of(bn_str_slice(&plain));
    while (rc == BN_OK && bn_cursor_left(&c) > 0) {
        struct message m;
        rc = take_message(&c, &m, v->e);
        if (rc != BN_OK) break;
        if (m.attributes & CODEC_MASK) {
            rc = bn_err_set(v->e, BN_BAD, "a wrapper inside a wrapper");
            break;
        }
        if (m.magic != wrapper->magic) {
            rc = bn_err_set(v->e, BN_BAD, "a message of magic %d in a wrapper of magic %d", m.magic, wrapper->magic);
            break;
        }
        if (wrapper->attributes & APPEND_TIME) m.timestamp = wrapper->timestamp;
        add(v, &m);
    }
    if (rc == BN_OK && v->builder.count == 0) rc = bn_err_set(v->e, BN_BAD, "an empty wrapper");
    if (rc == BN_OK) rc = finish(v, codec);
    bn_str_fini(&plain);
    return rc;
}

int bn_legacy_to_v2(struct bn_slice set, size_t max_bytes, struct bn_str *out, int32_t *count, struct bn_err *e) {
    struct conversion v = {.expand_left = max_bytes, .out = out, .e = e};
    struct bn_cursor c = bn_cursor_of(set);
    size_t from = out->len;
    int rc = BN_OK;
    bn_batch_builder_init(&v.builder);
    while (rc == BN_OK && bn_cursor_left(&c) > 0) {
        struct message m;
        rc = take_message(&c, &m, e);
        if (rc != BN_OK) break;
        if (m.attributes & CODEC_MASK) {
            rc = finish(&v, BN_CODEC_NONE);
            if (rc == BN_OK) rc = unwrap(&v, &m);
        } else {
            add(&v, &m);
        }
    }
    if (rc == BN_OK) rc = finish(&v, BN_CODEC_NONE);
    bn_batch_builder_fini(&v.builder);
    if (rc != BN_OK && out->len > from) {
        out->len = from;
        out->ptr[from] = '\0';
    }
    *count = v.count;
    return rc;
}
