/* znode_group.h: clients' bytes inside the JSON of a group's znode, as text that people can read. Only znode_group.c
 * and its test include this. */
#ifndef BN_ZNODE_GROUP_H
#define BN_ZNODE_GROUP_H

#include "common/zk/znode.h"

/* Text that a client chose: what is printable UTF-8 stands as it is; '%', '"', '\', control characters and bytes that
 * are not UTF-8 as %XX. Any bytes come back as they were. */
void bn_znode_group_escape(struct bn_str *out, struct bn_slice bytes);
bool bn_znode_group_unescape(struct bn_str *out, struct bn_slice text); /* false: a broken escape */
void bn_znode_group_base64(struct bn_str *out, struct bn_slice bytes);
bool bn_znode_group_unbase64(struct bn_str *out, struct bn_slice text); /* false: not base64 with its padding */
/* Kafka's ConsumerProtocolSubscription and -Assignment (versions 0 to 3) as JSON: ["t"], {"t":[0,3]}. False, and
 * nothing appended: they are not of that form, or too long for a person. */
bool bn_znode_group_subscription(struct bn_str *out, struct bn_slice bytes);
bool bn_znode_group_assignment(struct bn_str *out, struct bn_slice bytes);

#endif
