/* znode_json.h: reading and writing the JSON of znodes. A reader's error sticks: read many fields, test once. Only
 * znode*.c include this. */
#ifndef BN_ZNODE_JSON_H
#define BN_ZNODE_JSON_H

#include <jansson.h>

#include "common/zk/znode.h"

struct bn_znode_json {
    json_t *root; /* an object */
    struct bn_arena *arena;
    struct bn_err *e;
    int status; /* of the first error; then every read gives an empty value */
};

/* data is the znode's, what its row's name. On an error status is set and root is NULL; close all the same. */
void bn_znode_json_open(struct bn_znode_json *j, const char *what, struct bn_slice data, struct bn_arena *a,
                        struct bn_err *e);
int bn_znode_json_close(struct bn_znode_json *j); /* the status */
void bn_znode_json_bad(struct bn_znode_json *j, const char *fmt, ...) BN_PRINTF(2, 3);

/* Fields of obj (NULL = root). A field that is absent or null gives `otherwise`; REQUIRED values say that it may not.
 * */
#define BN_ZNODE_JSON_REQUIRED INT64_MIN
int64_t bn_znode_json_int(struct bn_znode_json *j, json_t *obj, const char *key, int64_t min, int64_t max,
                          int64_t otherwise);
int32_t bn_znode_json_i32(struct bn_znode_json *j, json_t *obj, const char *key, int32_t min, int64_t otherwise);
/* A number that Kafka writes as text ("timestamp"); a bare number is taken too. */
int64_t bn_znode_json_digits(struct bn_znode_json *j, json_t *obj, const char *key, int64_t min, int64_t otherwise);
const char *bn_znode_json_text(struct bn_znode_json *j, json_t *obj, const char *key, bool required); /* or NULL */
bool bn_znode_json_uuid(struct bn_znode_json *j, json_t *obj, const char *key, struct bn_uuid *out);
struct bn_znode_ids bn_znode_json_ids(struct bn_znode_json *j, json_t *obj, const char *key, bool required);
/* The array or object under key; NULL when absent, empty, or after an error. *count is how many it has. */
json_t *bn_znode_json_array(struct bn_znode_json *j, json_t *obj, const char *key, bool required, int32_t *count);
json_t *bn_znode_json_object(struct bn_znode_json *j, json_t *obj, const char *key, bool required, int32_t *count);
/* count zeroed elements from the arena, or NULL (count 0, or refused: then the status is BN_FULL). */
void *bn_znode_json_make(struct bn_znode_json *j, int32_t count, size_t size);
const char *bn_znode_json_copy(struct bn_znode_json *j, const char *text); /* into the arena */

/* Writing. */
void bn_znode_json_add_text(struct bn_str *out, const char *text); /* quoted, escaped as Jackson does; NULL: null */
void bn_znode_json_add_ids(struct bn_str *out, const struct bn_znode_ids *ids); /* [1,2] */

#endif
