/* pack.h: the brain's deltas as the messages that brokers get. */
#ifndef BN_PACK_H
#define BN_PACK_H

#include "controller/brain/output.h"
#include "proto/rpc/cluster.pb-c.h"

enum { BN_PACK_PIECE_MAX = 1 << 20 }; /* packed bytes of one piece, unless one item alone is larger */

/* Cuts d into messages of at most BN_PACK_PIECE_MAX bytes, all of its sequence and all but the last with `more`, and
 * hands each to send (borrowed for the call). Removed topics go with the last one: what acts on the step finds all
 * evidence there. */
void bn_pack_delta(const struct bn_output_delta *d, void (*send)(void *arg, const Bn__ImageDelta *piece), void *arg);
/* One partition as brokers see it; ids are borrowed. */
void bn_pack_partition(Bn__Partition *out, const struct bn_fact_partition *in, bool is_new);

#endif
