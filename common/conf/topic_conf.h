/* topic_conf.h: topic-level configuration: what is set for the topic, over the broker's synonyms, over the
 * defaults. Broker and controller share it; the rows are in topic_conf.def. */
#ifndef BN_TOPIC_CONF_H
#define BN_TOPIC_CONF_H

#include "common/base/base.h"
#include "common/base/err.h"
#include "common/base/slice.h"
#include "common/conf/conf.h"

enum { BN_TOPIC_CONF_ALONE = -1 }; /* a key without a broker's synonym */

enum bn_topic_conf_key {
#define X(key, field, name, type, kind, text, valid, synonym, effect, doc) BN_TOPIC_CONF_##key,
#include "common/conf/topic_conf.def"
#undef X
    BN_TOPIC_CONF_COUNT
};

/* cleanup_policy */
enum { BN_TOPIC_CONF_COMPACT = 1, BN_TOPIC_CONF_DELETE = 2 };
/* compression_type */
enum {
    BN_TOPIC_CONF_UNCOMPRESSED,
    BN_TOPIC_CONF_ZSTD,
    BN_TOPIC_CONF_LZ4,
    BN_TOPIC_CONF_SNAPPY,
    BN_TOPIC_CONF_GZIP,
    BN_TOPIC_CONF_PRODUCER,
};
/* message_timestamp_type */
enum { BN_TOPIC_CONF_CREATE_TIME, BN_TOPIC_CONF_LOG_APPEND_TIME };

struct bn_topic_conf_row {
    const char *name;
    enum bn_conf_type type;
    const char *default_text;
    const char *valid;
    int synonym; /* enum bn_conf_key or BN_TOPIC_CONF_ALONE */
    const char *effect;
    const char *doc;
};

/* The values in force, typed. Read-only once resolved. */
struct bn_topic_conf {
#define BN_TOPIC_CONF_C_I64 int64_t
#define BN_TOPIC_CONF_C_BOOL bool
#define BN_TOPIC_CONF_C_F64 double
#define BN_TOPIC_CONF_C_CHOICE int
#define BN_TOPIC_CONF_C_FLAGS unsigned
#define BN_TOPIC_CONF_C_TEXT char *
#define X(key, field, name, type, kind, text, valid, synonym, effect, doc) BN_TOPIC_CONF_C_##kind field;
#include "common/conf/topic_conf.def"
#undef X
    char *overrides[BN_TOPIC_CONF_COUNT]; /* what is set for the topic; NULL = nothing */
};

struct bn_topic_conf_pair {
    struct bn_slice name, value;
};

const struct bn_topic_conf_row *bn_topic_conf_row(enum bn_topic_conf_key key);
int bn_topic_conf_find(struct bn_slice name); /* the key, or -1 */

/* Whether these overrides may be stored. BN_BAD with Kafka's text, which goes with INVALID_CONFIG (40):
 * "Unknown topic config name: x", "Invalid value ...". */
int bn_topic_conf_validate(const struct bn_topic_conf_pair *pairs, size_t count, struct bn_err *e) BN_MUST_CHECK;
/* The values in force. Overrides come from ZooKeeper, where anybody may write: what is unknown or invalid is left
 * out, and the function gives how many. broker NULL = only the defaults. Fini it. */
int bn_topic_conf_resolve(struct bn_topic_conf *out, const struct bn_conf *broker,
                          const struct bn_topic_conf_pair *pairs, size_t count);
void bn_topic_conf_fini(struct bn_topic_conf *t);

/* One key as DescribeConfigs tells it. Strings are borrowed from t, broker and out. */
void bn_topic_conf_describe(const struct bn_topic_conf *t, const struct bn_conf *broker, enum bn_topic_conf_key key,
                            struct bn_conf_described *out);

#endif
