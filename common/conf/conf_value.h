/* conf_value.h: typed values of configuration keys: parse, validate, with the error texts of Kafka's ConfigDef,
 * since clients get to read them. */
#ifndef BN_CONF_VALUE_H
#define BN_CONF_VALUE_H

#include "common/base/base.h"
#include "common/base/err.h"
#include "common/base/slice.h"

/* Numbered as DescribeConfigs v1+ tells them. */
enum bn_conf_type {
    BN_CONF_UNKNOWN = 0, /* of no row */
    BN_CONF_BOOL = 1,
    BN_CONF_STRING = 2,
    BN_CONF_INT = 3,
    BN_CONF_SHORT = 4,
    BN_CONF_LONG = 5,
    BN_CONF_DOUBLE = 6,
    BN_CONF_LIST = 7,
    BN_CONF_CLASS = 8,
    BN_CONF_PASSWORD = 9,
};

struct bn_conf_value {
    /* BOOL 0/1; INT, SHORT, LONG the number; STRING with alternatives the index of the one given; LIST with
     * alternatives a bit for each one given. */
    int64_t number;
    double real; /* DOUBLE */
};

/* Blanks around the text are dropped, as Kafka does: *text is what remains, inside what was given.
 * valid (NULL = anything):
 *   "1..9" "0.." "1..9 or -1"   bounds of a number
 *   "a|b|c"                     alternatives of a STRING or of a LIST's items
 *   "version"                   "2.8", "3.9-IV0"
 *   "replicas"                  "*", or partition:broker pairs
 * 0, or BN_BAD with "Invalid value <v> for configuration <name>: <why>". */
int bn_conf_value_parse(const char *name, enum bn_conf_type type, const char *valid, struct bn_slice *text,
                        struct bn_conf_value *out, struct bn_err *e) BN_MUST_CHECK;
/* Takes the next item off a comma-separated list, blanks around it dropped; false at the end. An empty list
 * has no items; a comma at the end adds none. */
bool bn_conf_value_next_item(struct bn_slice *rest, struct bn_slice *item);
struct bn_slice bn_conf_value_trim(struct bn_slice s);
const char *bn_conf_value_type_name(enum bn_conf_type type); /* "LONG" */

#endif
