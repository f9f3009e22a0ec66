/* conf_value.c: one value of one type. Every refusal is worded as Kafka's ConfigDef words it. */
#include "common/conf/conf_value.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/str.h"

struct want {
    const char *name, *valid;
    enum bn_conf_type type;
};

const char *bn_conf_value_type_name(enum bn_conf_type type) {
    static const char *const names[] = {
        [BN_CONF_BOOL] = "BOOLEAN", [BN_CONF_STRING] = "STRING", [BN_CONF_INT] = "INT",
        [BN_CONF_SHORT] = "SHORT",  [BN_CONF_LONG] = "LONG",     [BN_CONF_DOUBLE] = "DOUBLE",
        [BN_CONF_LIST] = "LIST",    [BN_CONF_CLASS] = "CLASS",   [BN_CONF_PASSWORD] = "PASSWORD",
    };
    BN_ASSERT(type >= BN_CONF_BOOL && type <= BN_CONF_PASSWORD);
    return names[type];
}

struct bn_slice bn_conf_value_trim(struct bn_slice s) {
    while (s.len > 0 && s.ptr[0] <= ' ') s = bn_slice_of(s.ptr + 1, s.len - 1);
    while (s.len > 0 && s.ptr[s.len - 1] <= ' ') s.len--;
    return s;
}

bool bn_conf_value_next_item(struct bn_slice *rest, struct bn_slice *item) {
    if (rest->len == 0) return false;
    const uint8_t *comma = memchr(rest->ptr, ',', rest->len);
    size_t len = comma ? (size_t)(comma - rest->ptr) : rest->len;
    *item = bn_conf_value_trim(bn_slice_of(rest->ptr, len));
    *rest = comma ? bn_slice_of(comma + 1, rest->len - len - 1) : BN_SLICE_NULL;
    return true;
}

static int refuse(const struct want *w, struct bn_slice value, struct bn_err *e, const char *why) {
    return bn_err_set(e, BN_BAD, "Invalid value %.*s for configuration %s: %s", BN_SLICE_FMT(value), w->name, why);
}

/* The index of item among the alternatives, or -1. */
static int find_alternative(const char *valid, struct bn_slice item) {
    for (int i = 0;; i++) {
        size_t len = strcspn(valid, "|");
        if (bn_slice_eq(item, bn_slice_of(valid, len))) return i;
        if (valid[len] == '\0') return -1;
        valid += len + 1;
    }
}

static int parse_alternative(const struct want *w, struct bn_slice item, int *index, struct bn_err *e) {
    *index = find_alternative(w->valid, item);
    if (*index >= 0) return 0;
    struct bn_str why;
    bn_str_init(&why);
    bn_str_add(&why, "String must be one of: ");
    for (const char *p = w->valid; *p; p++) {
        if (*p == '|') bn_str_add(&why, ", ");
        else bn_str_add_slice(&why, bn_slice_of(p, 1));
    }
    int rc = refuse(w, item, e, why.ptr);
    bn_str_fini(&why);
    return rc;
}

static int check_range(const struct want *w, struct bn_slice text, double v, struct bn_err *e) {
    if (!w->valid) return 0;
    const char *dots = strstr(w->valid, "..");
    BN_ASSERT(dots != NULL);
    double low = strtod(w->valid, NULL);
    bool bounded = (dots[2] >= '0' && dots[2] <= '9') || dots[2] == '-';
    double high = bounded ? strtod(dots + 2, NULL) : 0;
    const char *other = strstr(w->valid, " or ");
    if (v >= low && (!bounded || v <= high)) return 0;
    if (other && v == strtod(other + 4, NULL)) return 0;
    char why[96];
    int high_len = (int)strcspn(dots + 2, " "), low_len = (int)(dots - w->valid);
    if (other) {
        snprintf(why, sizeof why, "Value must be between %.*s and %.*s or equal to %s", low_len, w->valid, high_len,
                 dots + 2, other + 4);
    } else if (v < low) {
        snprintf(why, sizeof why, "Value must be at least %.*s", low_len, w->valid);
    } else {
        snprintf(why, sizeof why, "Value must be no more than %.*s", high_len, dots + 2);
    }
    return refuse(w, text, e, why);
}

static int refuse_number(const struct want *w, struct bn_slice text, struct bn_err *e) {
    char why[64];
    snprintf(why, sizeof why, "Not a number of type %s", bn_conf_value_type_name(w->type));
    return refuse(w, text, e, why);
}

static int parse_integer(const struct want *w, struct bn_slice text, int64_t *out, struct bn_err *e) {
    struct bn_slice digits = text;
    if (digits.len > 1 && digits.ptr[0] == '+' && digits.ptr[1] != '-') {
        digits = bn_slice_of(digits.ptr + 1, digits.len - 1);
    }
    bool good = bn_slice_to_i64(digits, out);
    if (good && w->type == BN_CONF_INT) good = *out >= INT32_MIN && *out <= INT32_MAX;
    if (good && w->type == BN_CONF_SHORT) good = *out >= INT16_MIN && *out <= INT16_MAX;
    if (!good) return refuse_number(w, text, e);
    return check_range(w, text, (double)*out, e);
}

static int parse_double(const struct want *w, struct bn_slice text, double *out, struct bn_err *e) {
    bool good = text.len > 0;
    for (size_t i = 0; i < text.len; i++) good = good && strchr("0123456789+-.eE", text.ptr[i]) && text.ptr[i];
    char *copy = bn_alloc_strndup(text.ptr, text.len), *end;
    *out = strtod(copy, &end);
    good = good && *end == '\0' && end != copy;
    bn_alloc_free(copy);
    return good ? check_range(w, text, *out, e) : refuse_number(w, text, e);
}

static bool is_number(struct bn_slice s) {
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9') return false;
    }
    return s.len > 0;
}

/* digits.digits[.digits][-IVdigits] */
static bool is_version(struct bn_slice s) {
    const uint8_t *dash = s.len ? memchr(s.ptr, '-', s.len) : NULL;
    size_t len = dash ? (size_t)(dash - s.ptr) : s.len;
    if (dash) {
        if (s.len - len < 4 || dash[1] != 'I' || dash[2] != 'V') return false;
        if (!is_number(bn_slice_of(dash + 3, s.len - len - 3))) return false;
    }
    int parts = 0;
    for (size_t from = 0; from <= len; parts++) {
        const uint8_t *dot = memchr(s.ptr + from, '.', len - from);
        size_t to = dot ? (size_t)(dot - s.ptr) : len;
        if (!is_number(bn_slice_of(s.ptr + from, to - from))) return false;
        from = to + 1;
    }
    return parts >= 2 && parts <= 4;
}

static int check_version(const struct want *w, struct bn_slice text, struct bn_err *e) {
    if (text.len > 0 && is_version(text)) return 0;
    char why[96];
    struct bn_slice shown = bn_slice_of(text.ptr, bn_min_size(text.len, 40));
    snprintf(why, sizeof why, "Version %.*s is not a valid version", BN_SLICE_FMT(shown));
    return refuse(w, text, e, why);
}

static int check_replicas(const struct want *w, struct bn_slice text, struct bn_err *e) {
    struct bn_slice rest = text, item;
    bool good = true;
    if (bn_slice_eq_str(text, "*")) return 0;
    while (bn_conf_value_next_item(&rest, &item)) {
        const uint8_t *colon = item.len ? memchr(item.ptr, ':', item.len) : NULL;
        size_t at = colon ? (size_t)(colon - item.ptr) : 0;
        good = good && colon && is_number(bn_slice_of(item.ptr, at)) &&
               is_number(bn_slice_of(colon + 1, item.len - at - 1));
    }
    if (good) return 0;
    return bn_err_set(e, BN_BAD,
                      "Invalid value [%.*s] for configuration %s: %s must be the literal '*' or a list of replicas "
                      "in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...",
                      BN_SLICE_FMT(text), w->name, w->name);
}

static int parse_list(const struct want *w, struct bn_slice text, int64_t *flags, struct bn_err *e) {
    struct bn_slice rest = text, item;
    int index, rc = 0;
    if (!w->valid) return 0;
    if (strcmp(w->valid, "replicas") == 0) return check_replicas(w, text, e);
    while (rc == 0 && bn_conf_value_next_item(&rest, &item)) {
        rc = parse_alternative(w, item, &index, e);
        if (rc == 0) *flags |= (int64_t)1 << index;
    }
    return rc;
}

static bool eq_no_case(struct bn_slice s, const char *word) {
    return s.len == strlen(word) && strncasecmp((const char *)s.ptr, word, s.len) == 0;
}

int bn_conf_value_parse(const char *name, enum bn_conf_type type, const char *valid, struct bn_slice *text,
                        struct bn_conf_value *out, struct bn_err *e) {
    struct want w = {name, valid, type};
    *out = (struct bn_conf_value){0};
    if (!text->ptr) *text = BN_SLICE_LIT("");
    *text = bn_conf_value_trim(*text);
    switch (type) {
    case BN_CONF_BOOL:
        out->number = eq_no_case(*text, "true");
        if (out->number || eq_no_case(*text, "false")) return 0;
        return refuse(&w, *text, e, "Expected value to be either true or false");
    case BN_CONF_INT:
    case BN_CONF_SHORT:
    case BN_CONF_LONG:
        return parse_integer(&w, *text, &out->number, e);
    case BN_CONF_DOUBLE:
        return parse_double(&w, *text, &out->real, e);
    case BN_CONF_LIST:
        return parse_list(&w, *text, &out->number, e);
    case BN_CONF_STRING: {
        if (!valid) return 0;
        if (strcmp(valid, "version") == 0) return check_version(&w, *text, e);
        int index;
        int rc = parse_alternative(&w, *text, &index, e);
        out->number = index;
        return rc;
    }
    case BN_CONF_CLASS:
    case BN_CONF_PASSWORD:
    case BN_CONF_UNKNOWN:
        return 0;
    }
    BN_UNREACHABLE();
}
