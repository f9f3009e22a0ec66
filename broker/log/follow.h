/* follow.h: a follower's append. Private to broker/log. */
#ifndef BN_FOLLOW_H
#define BN_FOLLOW_H

#include "broker/log/log.h"

/* See bn_log_append_replica. */
int bn_follow_append(struct bn_log *l, struct bn_log_replica *r) BN_MUST_CHECK;

#endif
