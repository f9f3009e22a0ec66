/* grouplines.h: the records of __consumer_offsets in words: as the console consumer's formatters print them, and as
 * kafka-dump-log.sh --offsets-decoder does. Pure; records may be damaged or of formats to come. */
#ifndef BN_GROUPLINES_H
#define BN_GROUPLINES_H

#include "common/base/slice.h"
#include "common/base/str.h"

enum bn_grouplines_style {
    BN_GROUPLINES_TEXT, /* kafka.coordinator.group.GroupMetadataManager's formatters */
    BN_GROUPLINES_JSON, /* org.apache.kafka.tools.consumer's */
};

/* Appends the line, without its end, of a committed offset, or (groups) of a group's metadata. False, and nothing
 * appended, when the record is not of that kind. A null value is a deletion. */
bool bn_grouplines_format(enum bn_grouplines_style style, bool groups, struct bn_slice key, struct bn_slice value,
                          struct bn_str *out);
/* Appends key and value as --offsets-decoder shows them, subscriptions and assignments of consumers being taken apart.
 */
void bn_grouplines_dump_key(struct bn_slice key, struct bn_str *out);
void bn_grouplines_dump_value(struct bn_slice key, struct bn_slice value, struct bn_str *out);

#endif
