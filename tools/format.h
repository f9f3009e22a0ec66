/* format.h: how the console consumer prints a record: Kafka's DefaultMessageFormatter with its properties. */
#ifndef BN_FORMAT_H
#define BN_FORMAT_H

#include <librdkafka/rdkafka.h>

#include "common/base/slice.h"

enum bn_format_type {
    BN_FORMAT_STRING,
    BN_FORMAT_SHORT,
    BN_FORMAT_INTEGER,
    BN_FORMAT_LONG,
    BN_FORMAT_FLOAT,
    BN_FORMAT_DOUBLE,
    BN_FORMAT_UUID,
};

struct bn_format {
    const char *program;
    bool nothing;         /* NoOpMessageFormatter */
    bool internal, words; /* records of __consumer_offsets; words: not as JSON, but as Kafka before 3.9 */
    bool groups;          /* of groups, not of offsets */
    bool json;            /* a JSON object per record instead */
    bool timestamp, partition, offset, headers, key, value;
    const char *key_separator, *line_separator, *headers_separator, *null_literal;
    enum bn_format_type key_type, value_type, header_type;
};

void bn_format_init(struct bn_format *f, const char *program); /* values only, a line each */
/* A property. Borrows the value. False after telling; a name that means nothing is ignored, as Kafka does. */
bool bn_format_set(struct bn_format *f, struct bn_slice name, const char *value);
/* --formatter CLASS, --key-deserializer CLASS and --value-deserializer CLASS. False after telling. */
bool bn_format_class(struct bn_format *f, const char *name);
bool bn_format_type(struct bn_format *f, const char *deserializer, enum bn_format_type *out);
/* Prints to stdout. False after telling stderr that a key or value is not what its deserializer reads; nothing of the
 * record is printed then. */
bool bn_format_print(const struct bn_format *f, const rd_kafka_message_t *m);

#endif
