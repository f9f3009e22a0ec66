/* str.h: a growing string of our own making (paths, JSON, lines). Always NUL-terminated. */
#ifndef BN_STR_H
#define BN_STR_H

#include "common/base/base.h"
#include "common/base/slice.h"

struct bn_str {
    char *ptr; /* never NULL after init */
    size_t len, capacity;
};

void bn_str_init(struct bn_str *s);
void bn_str_fini(struct bn_str *s);
void bn_str_clear(struct bn_str *s);
void bn_str_add(struct bn_str *s, const char *text);
void bn_str_add_slice(struct bn_str *s, struct bn_slice text);
/* Makes room for len more bytes (and the NUL) and gives the place of the first; the caller fills them and
 * moves s->len. */
char *bn_str_reserve(struct bn_str *s, size_t len);
void bn_str_addf(struct bn_str *s, const char *fmt, ...) BN_PRINTF(2, 3);
static inline struct bn_slice bn_str_slice(const struct bn_str *s) { return bn_slice_of(s->ptr, s->len); }
char *bn_str_take(struct bn_str *s); /* gives the text (bn_alloc_free it); s becomes empty */

#endif
