/* ids.h: an owned list of broker ids (replicas, an ISR). */
#ifndef BN_IDS_H
#define BN_IDS_H

#include "controller/brain/fact.h"

struct bn_ids {
    int32_t *ids;
    int32_t count;
};

static inline struct bn_fact_ids bn_ids_fact(const struct bn_ids *i) { return (struct bn_fact_ids){i->ids, i->count}; }
void bn_ids_set(struct bn_ids *i, struct bn_fact_ids from); /* frees what was there; from may not point into it */
void bn_ids_free(struct bn_ids *i);                         /* empties it */
int32_t bn_ids_find(struct bn_fact_ids i, int32_t id);      /* its index, or -1 */
static inline bool bn_ids_has(struct bn_fact_ids i, int32_t id) { return bn_ids_find(i, id) >= 0; }
bool bn_ids_eq(struct bn_fact_ids a, struct bn_fact_ids b); /* same ids in the same order */
bool bn_ids_same_set(struct bn_fact_ids a, struct bn_fact_ids b);
bool bn_ids_distinct(struct bn_fact_ids i); /* no id twice, none negative */
/* "1,2,3" into text, which is always terminated; cut with "..." when it does not fit. Returns text. */
char *bn_ids_text(struct bn_fact_ids i, char *text, size_t size);

#endif
