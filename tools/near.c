/* near.c: the Levenshtein distance of short words, and the nearest of several. Knows nothing of what the words mean.
 */
#include "tools/near.h"

enum { WORD_MAX = 64, FARTHEST = 3 };

static size_t distance(struct bn_slice a, struct bn_slice b) {
    size_t row[WORD_MAX + 1];
    if (a.len > WORD_MAX || b.len > WORD_MAX) return SIZE_MAX;
    for (size_t k = 0; k <= b.len; k++) row[k] = k;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t k = 1; k <= b.len; k++) {
            size_t change = diagonal + (a.ptr[i - 1] != b.ptr[k - 1]);
            diagonal = row[k];
            row[k] = bn_min_size(change, bn_min_size(row[k], row[k - 1]) + 1);
        }
    }
    return row[b.len];
}

void bn_near_init(struct bn_near *n, struct bn_slice word) {
    *n = (struct bn_near){.word = word};
    n->distance = bn_min_size(FARTHEST, (word.len + 2) / 3) + 1;
}

void bn_near_try(struct bn_near *n, struct bn_slice candidate) {
    size_t d = distance(n->word, candidate);
    if (d >= n->distance) return;
    n->distance = d;
    n->best = candidate;
}
