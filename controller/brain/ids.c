/* ids.c: owned lists of broker ids. Owns nothing else; lists are short, so that every search is linear. */
#include "controller/brain/ids.h"

#include <stdio.h>

#include "common/base/alloc.h"

void bn_ids_set(struct bn_ids *i, struct bn_fact_ids from) {
    bn_ids_free(i);
    if (from.count <= 0) return;
    i->ids = bn_alloc((size_t)from.count * sizeof *i->ids);
    memcpy(i->ids, from.ids, (size_t)from.count * sizeof *i->ids);
    i->count = from.count;
}

void bn_ids_free(struct bn_ids *i) {
    bn_alloc_free(i->ids);
    *i = (struct bn_ids){NULL, 0};
}

int32_t bn_ids_find(struct bn_fact_ids i, int32_t id) {
    for (int32_t at = 0; at < i.count; at++)
        if (i.ids[at] == id) return at;
    return -1;
}

bool bn_ids_eq(struct bn_fact_ids a, struct bn_fact_ids b) {
    return a.count == b.count && (a.count == 0 || memcmp(a.ids, b.ids, (size_t)a.count * sizeof *a.ids) == 0);
}

bool bn_ids_same_set(struct bn_fact_ids a, struct bn_fact_ids b) {
    if (a.count != b.count) return false;
    for (int32_t at = 0; at < a.count; at++)
        if (!bn_ids_has(b, a.ids[at]) || !bn_ids_has(a, b.ids[at])) return false;
    return true;
}

bool bn_ids_distinct(struct bn_fact_ids i) {
    for (int32_t at = 0; at < i.count; at++)
        if (i.ids[at] < 0 || bn_ids_find(i, i.ids[at]) != at) return false;
    return true;
}

char *bn_ids_text(struct bn_fact_ids i, char *text, size_t size) {
    size_t len = 0;
    text[0] = '\0';
    for (int32_t at = 0; at < i.count; at++) {
        char one[16];
        int n = snprintf(one, sizeof one, "%s%" PRId32, at ? "," : "", i.ids[at]);
        if (len + (size_t)n + 4 > size) {
            if (len + 4 <= size) memcpy(text + len, "...", 4);
            break;
        }
        memcpy(text + len, one, (size_t)n + 1);
        len += (size_t)n;
    }
    return text;
}
