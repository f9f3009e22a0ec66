/* fuzz_codec_replay.c: random messages, damaged, for the codec's fuzz target (see replay.h). */
#include <stdio.h>

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "tests/fuzz/damage.h"
#include "tests/fuzz/fuzz_codec.h"
#include "tests/unit/proto/kafka/kit.h"

enum { BUDGET = 8 << 20, PICKING = 2 /* bytes that pick the message */ };

/* A random valid message with its two picking bytes. False when it came out too large. */
static bool make_message(struct damage_input *in, struct kit_dice *dice) {
    const struct bn_codec_desc *messages[FUZZ_CODEC_MESSAGES_MAX];
    int count = fuzz_codec_messages(messages);
    int which = (int)(kit_roll(dice) % (uint32_t)count);
    const struct bn_codec_desc *d = messages[which];
    int versions = bn_codec_max_version(d) - bn_codec_min_version(d) + 1;
    int version = (int)(kit_roll(dice) % (uint32_t)versions);
    struct bn_arena arena;
    bn_arena_init(&arena, BUDGET);
    void *message = bn_alloc(bn_codec_struct_size(d));
    bool fits = bn_codec_random(d, bn_codec_min_version(d) + version, &arena, kit_roll, dice, message);
    if (fits) {
        struct bn_slice bytes = kit_encode(d, bn_codec_min_version(d) + version, message);
        fits = bytes.len <= DAMAGE_INPUT_MAX - 2;
        if (fits) memcpy(in->bytes + 2, bytes.ptr, bytes.len);
        in->len = 2 + bytes.len;
        kit_free(bytes);
    }
    in->bytes[0] = (uint8_t)which;
    in->bytes[1] = (uint8_t)version;
    bn_alloc_free(message);
    bn_arena_fini(&arena);
    return fits;
}

static void run_random(uint64_t n, uint64_t seed) {
    damage_run(&(struct damage_plan){.make = make_message, .keep = PICKING, .wounds = 5}, n, seed);
    printf("%" PRIu64 " inputs from seed %" PRIu64 ", %" PRIu64 " accepted and returned unchanged\n", n, seed,
           fuzz_codec_accepted);
    BN_ASSERT(n < 1000 || (fuzz_codec_accepted > n / 20 && fuzz_codec_accepted < n));
}

int main(int argc, char **argv) {
    return replay_main(&(struct replay){.name = "fuzz_codec_replay", .inputs = 20000, .run = run_random}, argc, argv);
}
