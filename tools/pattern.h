/* pattern.h: which topics a word means, as Kafka's tools read it. */
#ifndef BN_PATTERN_H
#define BN_PATTERN_H

#include "common/base/slice.h"

/* A regular expression over the whole name, commas separating alternatives; NULL matches everything, and what is no
 * regular expression matches nothing. */
bool bn_pattern_matches(const char *pattern, struct bn_slice name);

/* "topic-regex:partitions" of kafka-get-offsets, partitions being empty, "3", "0-3" (3 excluded), "1-" or "-3". */
struct bn_pattern_rule {
    char *topic; /* NULL: any */
    int64_t from, until;
};
/* Reads one rule; false when it is none. */
bool bn_pattern_rule_parse(struct bn_slice text, struct bn_pattern_rule *out);
bool bn_pattern_rule_matches(const struct bn_pattern_rule *r, struct bn_slice topic, int32_t partition);
void bn_pattern_rule_fini(struct bn_pattern_rule *r);

#endif
