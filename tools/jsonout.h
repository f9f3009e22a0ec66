/* jsonout.h: JSON as commands print it: compact, on one line, keys in the order in which they are added. */
#ifndef BN_JSONOUT_H
#define BN_JSONOUT_H

#include "common/base/str.h"

struct bn_jsonout {
    struct bn_str text;
    int depth;
    uint64_t arrays, begun; /* a bit per level: is it an array, and has it an item already */
};

/* Opens the outermost object. */
void bn_jsonout_init(struct bn_jsonout *j);
/* key NULL: an item of an array. A null slice is printed as null. Bytes that are no UTF-8 are replaced. */
void bn_jsonout_object(struct bn_jsonout *j, const char *key);
void bn_jsonout_array(struct bn_jsonout *j, const char *key);
void bn_jsonout_end(struct bn_jsonout *j);
void bn_jsonout_text(struct bn_jsonout *j, const char *key, struct bn_slice value);
void bn_jsonout_number(struct bn_jsonout *j, const char *key, int64_t value);
void bn_jsonout_real(struct bn_jsonout *j, const char *key, double value);
void bn_jsonout_bool(struct bn_jsonout *j, const char *key, bool value);
void bn_jsonout_ids(struct bn_jsonout *j, const char *key, const int32_t *ids, int32_t count);
/* Closes what is open, appends it all to out, and frees it. */
void bn_jsonout_take(struct bn_jsonout *j, struct bn_str *out);
/* Closes what is open, prints the line to stdout and frees it all. */
void bn_jsonout_print(struct bn_jsonout *j);

#endif
