/* fuzz_codec.h: the fuzz target of the codec, for libFuzzer and for the stand-alone driver. */
#ifndef FUZZ_CODEC_H
#define FUZZ_CODEC_H

#include "proto/kafka/codec.h"
#include "tests/fuzz/replay.h"

enum { FUZZ_CODEC_MESSAGES_MAX = 256 };

/* Every message the codec knows, in the order that an input's first byte counts. */
int fuzz_codec_messages(const struct bn_codec_desc *out[FUZZ_CODEC_MESSAGES_MAX]);
/* Inputs that decoding accepted so far. */
extern uint64_t fuzz_codec_accepted;

#endif
