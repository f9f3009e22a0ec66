/* append.h: a leader's append. Private to broker/log. */
#ifndef BN_APPEND_H
#define BN_APPEND_H

#include "broker/log/log.h"

void bn_append_run(struct bn_log *l, struct bn_log_append *a);

#endif
