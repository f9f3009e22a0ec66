/* pattern.c: topics by regular expression, partitions by range. Asks nobody.
 */
#include "tools/pattern.h"

#include <regex.h>

#include "common/base/alloc.h"

bool bn_pattern_matches(const char *pattern, struct bn_slice name) {
    if (!pattern) return true;
    regex_t regex;
    char *whole = bn_alloc_printf("^(%s)$", pattern), *text = bn_alloc_strndup(name.ptr, name.len);
    for (char *p = whole; *p; p++) *p = *p == ',' ? '|' : *p;
    bool matches = regcomp(&regex, whole, REG_EXTENDED | REG_NOSUB) == 0;
    if (matches) {
        matches = regexec(&regex, text, 0, NULL, 0) == 0;
        regfree(&regex);
    }
    bn_alloc_free(whole);
    bn_alloc_free(text);
    return matches;
}

/* Digits only; an empty one gives fallback. */
static bool read_bound(struct bn_slice s, int64_t fallback, int64_t *out) {
    *out = fallback;
    return s.len == 0 || (*s.ptr != '-' && bn_slice_to_i64(s, out));
}

bool bn_pattern_rule_parse(struct bn_slice text, struct bn_pattern_rule *out) {
    const uint8_t *colon = text.len ? memchr(text.ptr, ':', text.len) : NULL;
    size_t len = colon ? (size_t)(colon - text.ptr) : text.len;
    struct bn_slice range = colon ? bn_slice_of(colon + 1, text.len - len - 1) : bn_slice_of("", 0);
    const uint8_t *dash = range.len ? memchr(range.ptr, '-', range.len) : NULL;
    *out = (struct bn_pattern_rule){NULL, 0, INT64_MAX};
    bool ok;
    if (dash) {
        size_t head = (size_t)(dash - range.ptr);
        ok = read_bound(bn_slice_of(range.ptr, head), 0, &out->from) &&
             read_bound(bn_slice_of(dash + 1, range.len - head - 1), INT64_MAX, &out->until);
    } else {
        ok = read_bound(range, -1, &out->from);
        out->until = out->from < 0 || out->from == INT64_MAX ? INT64_MAX : out->from + 1;
        out->from = bn_max_i64(out->from, 0);
    }
    if (ok && len > 0) out->topic = bn_alloc_strndup(text.ptr, len);
    return ok;
}

bool bn_pattern_rule_matches(const struct bn_pattern_rule *r, struct bn_slice topic, int32_t partition) {
    return partition >= r->from && partition < r->until && bn_pattern_matches(r->topic, topic);
}

void bn_pattern_rule_fini(struct bn_pattern_rule *r) { bn_alloc_free(r->topic); }
