/* options.h: command lines as jopt-simple reads them, because that is what people type after years of Kafka's tools:
 * `--option value`,
 * `--option=value`, a single dash, and any unambiguous beginning of a name. */
#ifndef BN_OPTIONS_H
#define BN_OPTIONS_H

#include "common/base/base.h"

enum bn_option_kind { BN_OPTION_FLAG, BN_OPTION_VALUE, BN_OPTION_MAYBE /* the value may be left out */ };

struct bn_option {
    const char *name; /* without dashes; NULL ends the table */
    enum bn_option_kind kind;
    const char *help; /* NULL: accepted, not shown (old spellings, options without effect here) */
};

struct bn_options_given {
    const struct bn_option *option;
    const char *value; /* NULL for flags and left-out values */
};

struct bn_options {
    const char *program; /* for messages: "kafka-topics", "barnabas topic" */
    const struct bn_option *table;
    struct bn_options_given *given;
    int given_count;
    const char **rest; /* what is no option */
    int rest_count;
};

/* argv[0] is skipped. 0; or -1 after telling stderr what is wrong and what was probably meant: *o then holds
 * nothing. Borrows argv. */
int bn_options_parse(struct bn_options *o, const char *program, const struct bn_option *table, int argc, char **argv);
void bn_options_fini(struct bn_options *o);
bool bn_options_has(const struct bn_options *o, const char *name);
const char *bn_options_get(const struct bn_options *o, const char *name); /* the last one's value, or NULL */
/* Every value of a repeated option: start with *at = 0; NULL at the end. */
const char *bn_options_next(const struct bn_options *o, const char *name, int *at);
/* A whole number, or fallback when the option is absent; *bad is set (and stderr told) when it is none. */
int64_t bn_options_number(const struct bn_options *o, const char *name, int64_t fallback, bool *bad);
void bn_options_help(const struct bn_option *table, const char *usage);

#endif
