/* conf.h: the configuration of broker and controller: Kafka's server.properties, command-line overrides, and
 * what is set at run time (precedence as Kafka's: one broker's > the cluster's > file > default).
 *
 * A bn_conf is read by any thread while nobody changes it: at run time copy it, change the copy, and hand it
 * round. The rows are in broker_conf.def. */
#ifndef BN_CONF_H
#define BN_CONF_H

#include "common/base/base.h"
#include "common/base/err.h"
#include "common/base/slice.h"
#include "common/base/str.h"
#include "common/conf/conf_value.h"
#include "common/sys/disk.h"

enum bn_conf_key {
#define X(key, name, type, text, valid, mode, effect, doc) BN_CONF_##key,
#include "common/conf/broker_conf.def"
#undef X
    BN_CONF_COUNT
};

enum bn_conf_mode {
    BN_CONF_STATIC,
    BN_CONF_CLUSTER, /* may be set at run time for all brokers, and for one */
    BN_CONF_BROKER,  /* only for one */
    BN_CONF_RUNTIME, /* like CLUSTER, and known only while it is set at run time */
};

/* Numbered as DescribeConfigs tells them. */
enum bn_conf_source {
    BN_CONF_FROM_TOPIC = 1,
    BN_CONF_FROM_BROKER = 2,  /* /config/brokers/<id> */
    BN_CONF_FROM_CLUSTER = 3, /* /config/brokers/<default> */
    BN_CONF_FROM_FILE = 4,    /* the file and --override */
    BN_CONF_FROM_DEFAULT = 5,
    BN_CONF_FROM_LOGGER = 6,
};

struct bn_conf_row {
    const char *name;
    enum bn_conf_type type;
    const char *default_text; /* NULL = null */
    const char *valid;
    enum bn_conf_mode mode;
    const char *effect; /* NULL = honoured; else why it has no effect here */
    const char *doc;
};

/* What there is to say of a configuration: all of it, one line each: "server.properties:12: ...". Errors stop a
 * start; warnings are probably mistakes (an unknown key); notes tell of keys that have no effect here. */
struct bn_conf_report {
    struct bn_str errors, warnings, notes;
    int error_count, warning_count, note_count;
};

struct bn_conf;

void bn_conf_report_init(struct bn_conf_report *r);
void bn_conf_report_fini(struct bn_conf_report *r);

const struct bn_conf_row *bn_conf_row(enum bn_conf_key key);
/* The key of this name, or -1. */
int bn_conf_find(struct bn_slice name);

struct bn_conf *bn_conf_new(void); /* all defaults */
struct bn_conf *bn_conf_copy(const struct bn_conf *c);
void bn_conf_free(struct bn_conf *c);
/* Everything at once, for a program's start: the file (path NULL = none), then the overrides ("key=value"), then
 * the relations between keys. NULL when report->error_count > 0. Blocking. */
struct bn_conf *bn_conf_load(const struct bn_disk *d, const char *path, const char *const *overrides,
                             size_t override_count, struct bn_conf_report *report);
/* The same in steps. text is a .properties file, name what its lines are told by. */
void bn_conf_read(struct bn_conf *c, const char *name, struct bn_slice text, struct bn_conf_report *r);
void bn_conf_override(struct bn_conf *c, const char *pair, struct bn_conf_report *r);
void bn_conf_check(const struct bn_conf *c, struct bn_conf_report *r); /* conf_check.c */
/* What values that are set at run time must be to one another: 0, or BN_BAD with Kafka's text. conf_check.c */
int bn_conf_check_dynamic(const struct bn_conf *c, struct bn_err *e) BN_MUST_CHECK;
/* Sets (text NULL: unsets) one key at one source other than topic and default. 0, or BN_BAD with Kafka's text;
 * then nothing has changed. Whether the key may change at run time is the caller's question (row->mode). */
int bn_conf_set(struct bn_conf *c, enum bn_conf_source source, enum bn_conf_key key, const char *text,
                struct bn_err *e) BN_MUST_CHECK;
/* One line to report, with the place where the key was set, if it was. For bn_conf_check and programs. */
void bn_conf_report_error(const struct bn_conf *c, struct bn_conf_report *r, enum bn_conf_key key, const char *fmt, ...)
    BN_PRINTF(4, 5);

/* Values in force. The getter must fit the row's type; a null value is our bug, except for bn_conf_str. */
bool bn_conf_is_null(const struct bn_conf *c, enum bn_conf_key key);
enum bn_conf_source bn_conf_source(const struct bn_conf *c, enum bn_conf_key key);
static inline bool bn_conf_is_set(const struct bn_conf *c, enum bn_conf_key key) {
    return bn_conf_source(c, key) != BN_CONF_FROM_DEFAULT;
}
bool bn_conf_bool(const struct bn_conf *c, enum bn_conf_key key);
int64_t bn_conf_i64(const struct bn_conf *c, enum bn_conf_key key); /* INT, SHORT, LONG */
static inline int bn_conf_int(const struct bn_conf *c, enum bn_conf_key key) { return (int)bn_conf_i64(c, key); }
int64_t bn_conf_i64_or(const struct bn_conf *c, enum bn_conf_key key, int64_t if_null);
double bn_conf_f64(const struct bn_conf *c, enum bn_conf_key key);
const char *bn_conf_str(const struct bn_conf *c, enum bn_conf_key key); /* any type, as text; NULL = null */
/* STRING with alternatives: the index of the one in force. LIST with alternatives: a bit for each. */
int bn_conf_choice(const struct bn_conf *c, enum bn_conf_key key);
unsigned bn_conf_flags(const struct bn_conf *c, enum bn_conf_key key);

/* Keys that say one thing in several units: milliseconds go before minutes before hours, wherever each is set. */
int64_t bn_conf_retention_ms(const struct bn_conf *c); /* -1 = for ever */
int64_t bn_conf_roll_ms(const struct bn_conf *c);
int64_t bn_conf_roll_jitter_ms(const struct bn_conf *c);
int64_t bn_conf_flush_ms(const struct bn_conf *c);
int bn_conf_zk_connection_timeout_ms(const struct bn_conf *c);
int bn_conf_controller_id(const struct bn_conf *c);    /* controller.id, or broker.id */
bool bn_conf_is_rack_aware(const struct bn_conf *c);   /* replica.selector.class is Kafka's rack-aware one */
const char *bn_conf_log_dirs(const struct bn_conf *c); /* log.dirs, or log.dir: see bn_conf_value_next_item */
/* Why a key that has no row has no effect here, by the family it belongs to; NULL = of no family, or one of
 * listener.name., whose keys are kept. */
const char *bn_conf_other_effect(const char *name);
/* The value of a key that has no row (listener.name.client.ssl.keystore.location), or NULL. */
const char *bn_conf_other(const struct bn_conf *c, const char *name);

/* One key as DescribeConfigs tells it. Strings are borrowed from the configuration. */
struct bn_conf_synonym {
    const char *name, *value;
    enum bn_conf_source source;
};
struct bn_conf_described {
    const char *name, *value; /* value NULL = null, or sensitive */
    const char *doc;
    enum bn_conf_type type;
    enum bn_conf_source source;
    bool read_only, sensitive;
    int synonym_count;
    struct bn_conf_synonym synonyms[16]; /* by precedence; the first is the one in force */
    char number[32];                     /* room for a value that is reckoned */
};
void bn_conf_describe(const struct bn_conf *c, enum bn_conf_key key, struct bn_conf_described *out);
/* Adds key's values to out's synonyms: what is set at each source, then the default. For topic_conf. */
void bn_conf_add_synonyms(const struct bn_conf *c, enum bn_conf_key key, struct bn_conf_described *out);

#endif
