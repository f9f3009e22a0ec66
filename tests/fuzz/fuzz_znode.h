/* fuzz_znode.h: the entry of the target and what its drivers share. */
#ifndef FUZZ_ZNODE_H
#define FUZZ_ZNODE_H

#include "tests/fuzz/replay.h"

extern uint64_t fuzz_znode_accepted; /* inputs that were decoded */

#endif
