/* fuzz_codec.h: the fuzz target of the codec, for libFuzzer and for the stand-alone driver. */
#ifndef FUZZ_CODEC_H
#define FUZZ_CODEC_H

#include "proto/kafka/codec.h"

enum { FUZZ_CODEC_MESSAGES_MAX = 256 };

/* Every message the codec knows, in the order that an input's first byte counts. */
int fuzz_codec_messages(const struct bn_codec_desc *out[FUZZ_CODEC_MESSAGES_MAX]);
/* Inputs that decoding accepted so far. */
extern uint64_t fuzz_codec_accepted;
/* libFuzzer's name for it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
