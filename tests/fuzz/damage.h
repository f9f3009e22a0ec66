/* damage.h: damages valid inputs, so that a fuzz target can be driven where there is no libFuzzer. */
#ifndef DAMAGE_H
#define DAMAGE_H

#include "common/base/base.h"
#include "tests/unit/proto/kafka/kit.h"

enum { DAMAGE_INPUT_MAX = 1 << 20 };

struct damage_input {
    uint8_t *bytes; /* room for DAMAGE_INPUT_MAX */
    size_t len;
};

/* One wound; the first `keep` bytes stay as they are. */
void damage_once(struct damage_input *in, size_t keep, struct kit_dice *dice);

#endif
