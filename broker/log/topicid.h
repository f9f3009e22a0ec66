/* topicid.h: the file partition.metadata, which says to which topic a directory belongs. Private to broker/log. */
#ifndef BN_TOPICID_H
#define BN_TOPICID_H

#include "broker/log/index.h"
#include "common/base/uuid.h"

/* BN_NOTFOUND when there is none, BN_BAD when it is malformed. */
int bn_topicid_read(const struct bn_index_place *place, struct bn_uuid *out, struct bn_err *e) BN_MUST_CHECK;
/* Writes it when absent; BN_STALE when the one there is another. A zero id asks and writes nothing. */
int bn_topicid_settle(const struct bn_index_place *place, const struct bn_uuid *want, struct bn_err *e) BN_MUST_CHECK;

#endif
