/* replay.h: what drives a fuzz target where there is no libFuzzer. Each fuzz_<target>_replay is called so:
 *
 *     fuzz_<target>_replay [N [SEED]]     N inputs of its own making
 *     fuzz_<target>_replay FILE...        inputs that libFuzzer has written
 *
 * The same N and seed give the same inputs; a failure aborts after naming the input's number. */
#ifndef REPLAY_H
#define REPLAY_H

#include "common/base/base.h"

enum { REPLAY_INPUT_MAX = 1 << 20 };

/* The target, by libFuzzer's name. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct replay {
    const char *name;
    int64_t inputs; /* when none are said */
    /* Makes n inputs, each given to replay_one, and judges by what was accepted whether that proved anything. */
    void (*run)(uint64_t n, uint64_t seed);
};
int replay_main(const struct replay *what, int argc, char **argv);
void replay_one(const uint8_t *bytes, size_t len);

#endif
