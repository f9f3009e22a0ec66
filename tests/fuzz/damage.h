/* damage.h: damages valid inputs, so that a fuzz target can be driven where there is no libFuzzer. */
#ifndef DAMAGE_H
#define DAMAGE_H

#include "tests/fuzz/replay.h"
#include "tests/unit/proto/kafka/kit.h"

enum { DAMAGE_INPUT_MAX = REPLAY_INPUT_MAX };

struct damage_input {
    uint8_t *bytes; /* room for DAMAGE_INPUT_MAX */
    size_t len;
};

/* n inputs: copies of what make() makes (false: not this time), each with fewer than `wounds` wounds; the first `keep`
 * bytes stay as they are. */
struct damage_plan {
    bool (*make)(struct damage_input *out, struct kit_dice *dice);
    size_t keep;
    uint32_t wounds;
};
void damage_run(const struct damage_plan *plan, uint64_t n, uint64_t seed);

#endif
