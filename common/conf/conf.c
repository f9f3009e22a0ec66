/* conf.c: the rows and their values. A value is kept as text for each source that sets it, and as a parsed
 * number for the one in force. Invariant: what is stored has been validated; parsed[] belongs to the text in
 * force. A file is read to its end whatever is wrong with it, so that one look at the report shows everything.
 * Which values fit together is conf_check.c's business. */
#include "common/conf/conf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/conf/props.h"

enum { MINUTE_MS = 60 * 1000, HOUR_MS = 60 * MINUTE_MS };
enum { SOURCES = 3, SUGGEST_MAX = 64, FILE_MAX_BYTES = 4 << 20 };

static const struct bn_conf_row rows[] = {
#define X(key, name, type, text, valid, mode, effect, doc)                                                             \
    {name, BN_CONF_##type, text, valid, BN_CONF_##mode, effect, doc},
#include "common/conf/broker_conf.def"
#undef X
};

/* Keys that come in families, of which only the first part is known here. */
static const struct {
    const char *prefix, *effect; /* effect NULL = kept for bn_conf_other, silently */
} families[] = {
    {"listener.name.", NULL},
    {"ssl.", "Connections are not encrypted in this version."},
    {"sasl.", "Clients are not authenticated in this version."},
    {"zookeeper.ssl.", "Debian's ZooKeeper client has no TLS; use a private network or a tunnel."},
    {"controller.quorum.", "Metadata is in ZooKeeper; there is no KRaft quorum."},
    {"controller.listener.names", "Metadata is in ZooKeeper; there is no KRaft quorum."},
    {"early.start.listeners", "Metadata is in ZooKeeper; there is no KRaft quorum."},
    {"process.roles", "Metadata is in ZooKeeper: set zookeeper.connect; broker and controller are two programs."},
    {"node.id", "Metadata is in ZooKeeper: set broker.id."},
    {"metadata.", "Metadata is in ZooKeeper; there is no metadata log."},
    {"broker.heartbeat.interval.ms", "A broker's sign of life is its ZooKeeper session."},
    {"broker.session.timeout.ms", "A broker's sign of life is its ZooKeeper session."},
    {"initial.broker.registration.timeout.ms", "A start waits for ZooKeeper and says so."},
    {"zookeeper.metadata.migration.", "Metadata stays in ZooKeeper."},
    {"eligible.leader.replicas.enable", "It concerns KRaft only."},
    {"group.consumer.", "Groups speak the classic protocol in this version."},
    {"group.share.", "There are no share groups in this version."},
    {"group.coordinator.", "A coordinator lives on the shard of its partition."},
    {"remote.", "There is no tiered storage in this version."},
    {"rsm.config.", "There is no tiered storage in this version."},
    {"rlmm.config.", "There is no tiered storage in this version."},
    {"password.encoder.", "No passwords are kept in ZooKeeper in this version."},
    {"delegation.token.", "There are no delegation tokens in this version."},
    {"security.providers", "It names Java classes."},
    {"telemetry.", "Client telemetry is not collected in this version."},
    {"unstable.", "It concerns Kafka's own unreleased features."},
    {"unclean.leader.election.interval.ms", "It concerns KRaft only."},
    {"confluent.", "It concerns another product."},
};

/* Keys of which several say one thing, the finer unit first. */
static const enum bn_conf_key groups[][3] = {
    {BN_CONF_LOG_RETENTION_MS, BN_CONF_LOG_RETENTION_MINUTES, BN_CONF_LOG_RETENTION_HOURS},
    {BN_CONF_LOG_ROLL_MS, BN_CONF_LOG_ROLL_HOURS, BN_CONF_COUNT},
    {BN_CONF_LOG_ROLL_JITTER_MS, BN_CONF_LOG_ROLL_JITTER_HOURS, BN_CONF_COUNT},
    {BN_CONF_LOG_FLUSH_INTERVAL_MS, BN_CONF_LOG_FLUSH_SCHEDULER_INTERVAL_MS, BN_CONF_COUNT},
};

struct place {
    const char *file; /* borrowed from files */
    int line;         /* 0 = not in a file */
};

struct bn_conf {
    char *texts[BN_CONF_COUNT][SOURCES]; /* by source - BN_CONF_FROM_BROKER; NULL = not set there */
    struct bn_conf_value parsed[BN_CONF_COUNT];
    struct place places[BN_CONF_COUNT];
    char *file; /* the name of the file that was read last */
    struct bn_props others;
    size_t other_capacity;
};

void bn_conf_report_init(struct bn_conf_report *r) {
    *r = (struct bn_conf_report){0};
    bn_str_init(&r->errors);
    bn_str_init(&r->warnings);
    bn_str_init(&r->notes);
}

void bn_conf_report_fini(struct bn_conf_report *r) {
    bn_str_fini(&r->errors);
    bn_str_fini(&r->warnings);
    bn_str_fini(&r->notes);
}

static void add_place(struct bn_str *s, struct place at) {
    if (at.file && at.line)
        bn_str_addf(s, "%s:%d: ", at.file, at.line);
    else if (at.file)
        bn_str_addf(s, "%s: ", at.file);
}

static void BN_PRINTF(3, 4) add_error(struct bn_conf_report *r, struct place at, const char *fmt, ...) {
    char line[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    add_place(&r->errors, at);
    bn_str_addf(&r->errors, "%s\n", line);
    r->error_count++;
}

static void add_note(struct bn_conf_report *r, struct place at, const char *name, const char *effect) {
    add_place(&r->notes, at);
    bn_str_addf(&r->notes, "%s has no effect: %s\n", name, effect);
    r->note_count++;
}

static void BN_PRINTF(3, 4) add_warning(struct bn_conf_report *r, struct place at, const char *fmt, ...) {
    char line[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    add_place(&r->warnings, at);
    bn_str_addf(&r->warnings, "%s\n", line);
    r->warning_count++;
}

void bn_conf_report_error(const struct bn_conf *c, struct bn_conf_report *r, enum bn_conf_key key, const char *fmt,
                          ...) {
    char line[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    add_error(r, c->places[key], "%s", line);
}

const struct bn_conf_row *bn_conf_row(enum bn_conf_key key) {
    BN_ASSERT(key >= 0 && key < BN_CONF_COUNT);
    return &rows[key];
}

int bn_conf_find(struct bn_slice name) {
    for (int i = 0; i < BN_CONF_COUNT; i++) {
        if (bn_slice_eq_str(name, rows[i].name)) return i;
    }
    return -1;
}

static const char *text_in_force(const struct bn_conf *c, enum bn_conf_key key) {
    for (int s = 0; s < SOURCES; s++) {
        if (c->texts[key][s]) return c->texts[key][s];
    }
    return rows[key].default_text;
}

static void parse_in_force(struct bn_conf *c, enum bn_conf_key key) {
    const char *text = text_in_force(c, key);
    struct bn_slice s = bn_slice_str(text);
    c->parsed[key] = (struct bn_conf_value){0};
    if (!text) return;
    int rc = bn_conf_value_parse(rows[key].name, rows[key].type, rows[key].valid, &s, &c->parsed[key], NULL);
    BN_ASSERT(rc == 0);
}

struct bn_conf *bn_conf_new(void) {
    struct bn_conf *c = bn_alloc_zero(1, sizeof *c);
    for (int k = 0; k < BN_CONF_COUNT; k++) parse_in_force(c, (enum bn_conf_key)k);
    return c;
}

static void add_other(struct bn_conf *c, const char *key, const char *value) {
    if (c->others.count == c->other_capacity) {
        c->other_capacity = c->other_capacity ? c->other_capacity * 2 : 8;
        c->others.list = bn_alloc_resize(c->others.list, c->other_capacity * sizeof *c->others.list);
    }
    c->others.list[c->others.count++] = (struct bn_prop){bn_alloc_strdup(key), bn_alloc_strdup(value), 0};
}

struct bn_conf *bn_conf_copy(const struct bn_conf *c) {
    struct bn_conf *copy = bn_conf_new();
    for (int k = 0; k < BN_CONF_COUNT; k++) {
        for (int s = 0; s < SOURCES; s++) {
            if (c->texts[k][s]) copy->texts[k][s] = bn_alloc_strdup(c->texts[k][s]);
        }
        copy->parsed[k] = c->parsed[k];
    }
    for (size_t i = 0; i < c->others.count; i++) add_other(copy, c->others.list[i].key, c->others.list[i].value);
    return copy;
}

void bn_conf_free(struct bn_conf *c) {
    if (!c) return;
    for (int k = 0; k < BN_CONF_COUNT; k++) {
        for (int s = 0; s < SOURCES; s++) bn_alloc_free(c->texts[k][s]);
    }
    bn_alloc_free(c->file);
    bn_props_fini(&c->others);
    bn_alloc_free(c);
}

int bn_conf_set(struct bn_conf *c, enum bn_conf_source source, enum bn_conf_key key, const char *text,
                struct bn_err *e) {
    BN_ASSERT(source >= BN_CONF_FROM_BROKER && source <= BN_CONF_FROM_FILE);
    const struct bn_conf_row *row = bn_conf_row(key);
    char **at = &c->texts[key][source - BN_CONF_FROM_BROKER];
    char *copy = NULL;
    if (text) {
        struct bn_slice s = bn_slice_str(text);
        struct bn_conf_value ignored;
        int rc = bn_conf_value_parse(row->name, row->type, row->valid, &s, &ignored, e);
        if (rc) return rc;
        copy = bn_alloc_strndup(s.ptr, s.len);
    }
    bn_alloc_free(*at);
    *at = copy;
    parse_in_force(c, key);
    return 0;
}

/* Insertions, deletions and replacements that turn a into b; both at most SUGGEST_MAX long. */
static size_t edit_distance(const char *a, const char *b) {
    size_t row[SUGGEST_MAX + 1], b_len = strlen(b);
    for (size_t j = 0; j <= b_len; j++) row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t above = row[j];
            size_t best = bn_min_size(above, row[j - 1]) + 1;
            row[j] = bn_min_size(best, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
            diagonal = above;
        }
    }
    return row[b_len];
}

static const char *nearest_name(const char *name) {
    size_t len = strlen(name), best = len / 4 + 2;
    const char *found = NULL;
    if (len > SUGGEST_MAX) return NULL;
    for (int k = 0; k < BN_CONF_COUNT; k++) {
        if (strlen(rows[k].name) > SUGGEST_MAX) continue;
        size_t d = edit_distance(name, rows[k].name);
        if (d >= best) continue;
        best = d;
        found = rows[k].name;
    }
    return found;
}

static const char *family_effect(const char *name, bool *known) {
    for (size_t i = 0; i < BN_ARRAY_LEN(families); i++) {
        if (strncmp(name, families[i].prefix, strlen(families[i].prefix)) != 0) continue;
        *known = true;
        return families[i].effect;
    }
    *known = false;
    return NULL;
}

const char *bn_conf_other_effect(const char *name) {
    bool known;
    return family_effect(name, &known);
}

static void apply_other(struct bn_conf *c, struct place at, const char *name, const char *value,
                        struct bn_conf_report *r) {
    add_other(c, name, value);
    bool known;
    const char *effect = family_effect(name, &known);
    if (effect) add_note(r, at, name, effect);
    if (known) return;
    const char *near = nearest_name(name);
    if (near)
        add_warning(r, at, "unknown key %s (did you mean %s?)", name, near);
    else
        add_warning(r, at, "unknown key %s", name);
}

static void apply(struct bn_conf *c, struct place at, const char *name, const char *value, struct bn_conf_report *r) {
    int key = bn_conf_find(bn_slice_str(name));
    if (key < 0) {
        apply_other(c, at, name, value, r);
        return;
    }
    struct bn_err e = BN_ERR_NONE;
    c->places[key] = at;
    if (bn_conf_set(c, BN_CONF_FROM_FILE, (enum bn_conf_key)key, value, &e)) {
        add_error(r, at, "%s", e.text);
    } else if (rows[key].effect && (!rows[key].default_text || strcmp(value, rows[key].default_text) != 0)) {
        add_note(r, at, name, rows[key].effect);
    }
}

void bn_conf_read(struct bn_conf *c, const char *name, struct bn_slice text, struct bn_conf_report *r) {
    struct bn_props p;
    struct bn_err e = BN_ERR_NONE;
    bn_alloc_free(c->file);
    c->file = bn_alloc_strdup(name);
    memset(c->places, 0, sizeof c->places);
    if (bn_props_parse(text, &p, &e)) add_error(r, (struct place){c->file, 0}, "%s", e.text);
    for (size_t i = 0; i < p.count; i++) {
        bool again = false; /* later duplicates win, and an earlier one is not even looked at */
        for (size_t j = i + 1; j < p.count && !again; j++) again = strcmp(p.list[i].key, p.list[j].key) == 0;
        struct place at = {c->file, p.list[i].line};
        if (again)
            add_warning(r, at, "%s is set again further down; that one counts", p.list[i].key);
        else
            apply(c, at, p.list[i].key, p.list[i].value, r);
    }
    bn_props_fini(&p);
}

void bn_conf_override(struct bn_conf *c, const char *pair, struct bn_conf_report *r) {
    static const struct place at = {"--override", 0};
    const char *equals = strchr(pair, '=');
    if (!equals || equals == pair) {
        add_error(r, at, "%s is not key=value", pair);
        return;
    }
    char *name = bn_alloc_strndup(pair, (size_t)(equals - pair));
    apply(c, at, name, equals + 1, r);
    bn_alloc_free(name);
}

struct bn_conf *bn_conf_load(const struct bn_disk *d, const char *path, const char *const *overrides,
                             size_t override_count, struct bn_conf_report *report) {
    struct bn_conf *c = bn_conf_new();
    struct bn_err e = BN_ERR_NONE;
    uint8_t *bytes;
    size_t len;
    if (path && bn_disk_read_all(d, path, FILE_MAX_BYTES, &bytes, &len, &e)) {
        add_error(report, (struct place){0}, "%s", e.text);
    } else if (path) {
        bn_conf_read(c, path, bn_slice_of(bytes, len), report);
        bn_alloc_free(bytes);
    }
    for (size_t i = 0; i < override_count; i++) bn_conf_override(c, overrides[i], report);
    /* Without a file every required key would be reported missing, which helps nobody. */
    if (e.code == BN_OK) bn_conf_check(c, report);
    if (report->error_count == 0) return c;
    bn_conf_free(c);
    return NULL;
}

bool bn_conf_is_null(const struct bn_conf *c, enum bn_conf_key key) { return text_in_force(c, key) == NULL; }

enum bn_conf_source bn_conf_source(const struct bn_conf *c, enum bn_conf_key key) {
    for (int s = 0; s < SOURCES; s++) {
        if (c->texts[key][s]) return (enum bn_conf_source)(BN_CONF_FROM_BROKER + s);
    }
    return BN_CONF_FROM_DEFAULT;
}

static const struct bn_conf_value *value_of(const struct bn_conf *c, enum bn_conf_key key) {
    BN_ASSERT(!bn_conf_is_null(c, key));
    return &c->parsed[key];
}

bool bn_conf_bool(const struct bn_conf *c, enum bn_conf_key key) {
    BN_ASSERT(rows[key].type == BN_CONF_BOOL);
    return value_of(c, key)->number != 0;
}

int64_t bn_conf_i64(const struct bn_conf *c, enum bn_conf_key key) {
    BN_ASSERT(rows[key].type == BN_CONF_INT || rows[key].type == BN_CONF_SHORT || rows[key].type == BN_CONF_LONG);
    return value_of(c, key)->number;
}

int64_t bn_conf_i64_or(const struct bn_conf *c, enum bn_conf_key key, int64_t if_null) {
    return bn_conf_is_null(c, key) ? if_null : bn_conf_i64(c, key);
}

double bn_conf_f64(const struct bn_conf *c, enum bn_conf_key key) {
    BN_ASSERT(rows[key].type == BN_CONF_DOUBLE);
    return value_of(c, key)->real;
}

const char *bn_conf_str(const struct bn_conf *c, enum bn_conf_key key) { return text_in_force(c, key); }

int bn_conf_choice(const struct bn_conf *c, enum bn_conf_key key) {
    BN_ASSERT(rows[key].type == BN_CONF_STRING && rows[key].valid);
    return (int)value_of(c, key)->number;
}

unsigned bn_conf_flags(const struct bn_conf *c, enum bn_conf_key key) {
    BN_ASSERT(rows[key].type == BN_CONF_LIST && rows[key].valid);
    return (unsigned)value_of(c, key)->number;
}

const char *bn_conf_other(const struct bn_conf *c, const char *name) { return bn_props_get(&c->others, name); }

void bn_conf_add_synonyms(const struct bn_conf *c, enum bn_conf_key key, struct bn_conf_described *out) {
    const struct bn_conf_row *row = bn_conf_row(key);
    for (int s = 0; s <= SOURCES; s++) {
        const char *text = s < SOURCES ? c->texts[key][s] : row->default_text;
        if (!text || out->synonym_count == (int)BN_ARRAY_LEN(out->synonyms)) continue;
        if (s == SOURCES && row->mode == BN_CONF_RUNTIME) continue;
        out->synonyms[out->synonym_count++] = (struct bn_conf_synonym){
            row->name,
            row->type == BN_CONF_PASSWORD ? NULL : text,
            (enum bn_conf_source)(BN_CONF_FROM_BROKER + s),
        };
    }
}

int64_t bn_conf_retention_ms(const struct bn_conf *c) {
    int64_t ms = bn_conf_i64(c, BN_CONF_LOG_RETENTION_HOURS) * HOUR_MS;
    if (!bn_conf_is_null(c, BN_CONF_LOG_RETENTION_MINUTES)) {
        ms = bn_conf_i64(c, BN_CONF_LOG_RETENTION_MINUTES) * MINUTE_MS;
    }
    ms = bn_conf_i64_or(c, BN_CONF_LOG_RETENTION_MS, ms);
    return ms < 0 ? -1 : ms;
}

int64_t bn_conf_roll_ms(const struct bn_conf *c) {
    return bn_conf_i64_or(c, BN_CONF_LOG_ROLL_MS, bn_conf_i64(c, BN_CONF_LOG_ROLL_HOURS) * HOUR_MS);
}

int64_t bn_conf_roll_jitter_ms(const struct bn_conf *c) {
    return bn_conf_i64_or(c, BN_CONF_LOG_ROLL_JITTER_MS, bn_conf_i64(c, BN_CONF_LOG_ROLL_JITTER_HOURS) * HOUR_MS);
}

int64_t bn_conf_flush_ms(const struct bn_conf *c) {
    int64_t scheduler = bn_conf_i64(c, BN_CONF_LOG_FLUSH_SCHEDULER_INTERVAL_MS);
    return bn_conf_i64_or(c, BN_CONF_LOG_FLUSH_INTERVAL_MS, scheduler);
}

int bn_conf_zk_connection_timeout_ms(const struct bn_conf *c) {
    int64_t session = bn_conf_i64(c, BN_CONF_ZOOKEEPER_SESSION_TIMEOUT_MS);
    return (int)bn_conf_i64_or(c, BN_CONF_ZOOKEEPER_CONNECTION_TIMEOUT_MS, session);
}

int bn_conf_controller_id(const struct bn_conf *c) {
    return (int)bn_conf_i64_or(c, BN_CONF_CONTROLLER_ID, bn_conf_i64(c, BN_CONF_BROKER_ID));
}

bool bn_conf_is_rack_aware(const struct bn_conf *c) {
    const char *name = bn_conf_str(c, BN_CONF_REPLICA_SELECTOR_CLASS);
    return name && strcmp(name, "org.apache.kafka.common.replica.RackAwareReplicaSelector") == 0;
}

const char *bn_conf_log_dirs(const struct bn_conf *c) {
    const char *dirs = bn_conf_str(c, BN_CONF_LOG_DIRS);
    return dirs ? dirs : bn_conf_str(c, BN_CONF_LOG_DIR);
}

void bn_conf_describe(const struct bn_conf *c, enum bn_conf_key key, struct bn_conf_described *out) {
    const struct bn_conf_row *row = bn_conf_row(key);
    *out = (struct bn_conf_described){
        .name = row->name,
        .value = row->type == BN_CONF_PASSWORD ? NULL : bn_conf_str(c, key),
        .doc = row->mode == BN_CONF_RUNTIME ? NULL : row->doc, /* as Kafka has it, also below */
        .type = row->type,
        .source = bn_conf_source(c, key),
        .read_only = row->mode == BN_CONF_STATIC || row->mode == BN_CONF_RUNTIME,
        .sensitive = row->type == BN_CONF_PASSWORD,
    };
    bn_conf_add_synonyms(c, key, out);
    /* The first of a group shows the others' values behind its own; as with Kafka nothing is shown as long as it has
     * none itself, even while another of the group (log.retention.hours) decides. */
    for (size_t g = 0; g < BN_ARRAY_LEN(groups) && out->synonym_count > 0; g++) {
        if (groups[g][0] != key) continue;
        for (int i = 1; i < 3 && groups[g][i] != BN_CONF_COUNT; i++) bn_conf_add_synonyms(c, groups[g][i], out);
    }
}
