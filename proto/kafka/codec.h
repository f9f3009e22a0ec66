/* codec.h: Kafka's messages as structs, and the one interpreter that reads and writes them.
 *
 * proto/kafka/schema/<name>.msg is the source; tools/schemac.py makes of it kmsg.h (one struct per message, for
 * all versions), kmsg_tables.c (const descriptors and, per version, the plan the interpreter walks, with the
 * minimal wire size of every element) and kapi.h (keys, version ranges). decode.c is the only place in the
 * program where wire bytes become counts.
 *
 * The message of `request Produce` is struct kmsg_produce_request; a struct declared in its text as []topic or
 * {topic} is struct kmsg_produce_request_topic, however deep. Each has a const <name>_default, to start from
 * (`struct kmsg_produce_response r = kmsg_produce_response_default;`), and a <name>_desc.
 *
 * In the structs
 *   string, bytes      struct bn_slice, null = BN_SLICE_NULL; decoded ones borrow the input
 *   records            struct kmsg_records
 *   array of X         struct { X *v; int32_t n; }; n = -1 is null; memory of the arena
 *   uuid               struct bn_uuid
 *   bool int8 … float64, nested structs inline (nullable struct: pointer)
 * A field absent in a version has its default after decoding and must have its default (or be marked
 * ignorable in the schema) when encoding. */
#ifndef BN_CODEC_H
#define BN_CODEC_H

#include "common/base/arena.h"
#include "common/base/bytes.h"
#include "common/base/chain.h"
#include "common/base/err.h"
#include "common/base/uuid.h"

/* Bytes of record batches: on decode `slice` borrows the input; on encode, when chain is set, its whole content is
 * moved into the output (so a Fetch answer leaves as memory, file, memory, …), else slice is copied. Null when
 * slice.ptr and chain are both NULL. */
struct kmsg_records {
    struct bn_slice slice;
    struct bn_chain *chain;
};

struct kmsg_array { /* the shape of every array field */
    void *v;
    int32_t n;
};

enum {
    BN_CODEC_STRING_MAX = 32767,           /* bytes of a string, in every version */
    BN_CODEC_MESSAGE_MAX = INT32_MAX - 64, /* bytes of a message: a frame's length has 32 bits, header included */
};

struct bn_codec_desc; /* a message or nested struct; generated; all versions */

/* The desc's own name ("ProduceRequest"), key (-1 if none), and range. */
const char *bn_codec_name(const struct bn_codec_desc *d);
int bn_codec_key(const struct bn_codec_desc *d);
int bn_codec_min_version(const struct bn_codec_desc *d);
int bn_codec_max_version(const struct bn_codec_desc *d);
bool bn_codec_is_flexible(const struct bn_codec_desc *d, int version);
size_t bn_codec_struct_size(const struct bn_codec_desc *d);

/* Reads one message of a version that is in range. out is a zeroed or unset struct of the desc's type. Arrays come
 * from arena, whose budget bounds them. 0; BN_BAD with a path in *e ("Produce v9 topics[2].partitions[0].records:
 * length 900 exceeds 120 left at byte 57"); BN_FULL when the arena refuses. Bytes behind the message are not
 * looked at, as in Kafka: librdkafka leaves three there when it asks for all topics (Metadata 9 and later). */
int bn_codec_decode(const struct bn_codec_desc *d, int version, struct bn_slice in, struct bn_arena *arena, void *out,
                    struct bn_err *e) BN_MUST_CHECK;
/* Appends the message to out. in is only read, except that records chains are emptied. A value that can't be
 * expressed (null where not nullable, a non-default field absent in the version and not ignorable, a string over
 * BN_CODEC_STRING_MAX, which Kafka's own readers refuse) is our bug: it asserts. False, and nothing was appended or
 * emptied: it is larger than BN_CODEC_MESSAGE_MAX, as what many clients have said may be when one asks for it. */
bool bn_codec_encode(const struct bn_codec_desc *d, int version, void *in, struct bn_chain *out);

/* walk.c: table walks. Sets every field to its default (records, arrays: empty; nullable strings: per schema). */
void bn_codec_defaults(const struct bn_codec_desc *d, void *out);
bool bn_codec_equal(const struct bn_codec_desc *d, int version, const void *a, const void *b);
/* A random legal message (for tests and fuzzing); next gives random numbers. False when the arena refuses. */
bool bn_codec_random(const struct bn_codec_desc *d, int version, struct bn_arena *arena, uint32_t (*next)(void *),
                     void *arg, void *out);
struct bn_str;
void bn_codec_dump(const struct bn_codec_desc *d, int version, const void *in, struct bn_str *out); /* one line */

/* The APIs this program's codec knows, by key; NULL if unknown. */
const struct bn_codec_desc *bn_codec_request(int api_key);
const struct bn_codec_desc *bn_codec_response(int api_key);

#endif
