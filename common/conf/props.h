/* props.h: Java's .properties format, as java.util.Properties loads it from a stream: server.properties,
 * meta.properties, the clients' files. */
#ifndef BN_PROPS_H
#define BN_PROPS_H

#include "common/base/base.h"
#include "common/base/err.h"
#include "common/base/slice.h"

struct bn_prop {
    char *key, *value; /* UTF-8 */
    int line;          /* of the key; the first is 1 */
};

struct bn_props {
    struct bn_prop *list; /* in the file's order; a key may come more than once: the last one counts */
    size_t count;
};

/* text is ISO-8859-1 with \uXXXX escapes. 0, or BN_BAD with "line N: ..." (an escape that Java would refuse,
 * or a NUL character); out is valid in both cases: what was read before. */
int bn_props_parse(struct bn_slice text, struct bn_props *out, struct bn_err *e);
void bn_props_fini(struct bn_props *p);
/* The last value of key, or NULL. */
const char *bn_props_get(const struct bn_props *p, const char *key);

#endif
