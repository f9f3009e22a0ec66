/* leftover.h: files that an interrupted deletion or compaction left in a partition's directory. Private to broker/log.
 */
#ifndef BN_LEFTOVER_H
#define BN_LEFTOVER_H

#include "broker/log/index.h"

/* Removes *.deleted and *.cleaned, finishes or undoes *.swap (4-storage 4.9, steps 1-3). */
int bn_leftover_clean(const struct bn_index_place *place, struct bn_err *e) BN_MUST_CHECK;

#endif
