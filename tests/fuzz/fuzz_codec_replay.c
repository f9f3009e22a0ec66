/* fuzz_codec_replay.c: drives the codec's fuzz target where there is no libFuzzer.
 *
 *     fuzz_codec_replay [N [SEED]]     N damaged copies of random messages (20,000 and 1 if not said)
 *     fuzz_codec_replay FILE...        inputs that libFuzzer has written
 *
 * The same N and seed give the same inputs; a failure aborts after naming the input's number. */
#include <signal.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "tests/fuzz/damage.h"
#include "tests/fuzz/fuzz_codec.h"
#include "tests/unit/proto/kafka/kit.h"

enum { COPIES = 8, BUDGET = 8 << 20, PICKING = 2 /* bytes that pick the message */ };

static volatile uint64_t current;

static void say_which(int signal_number) {
    char text[64];
    int n = snprintf(text, sizeof text, "input %" PRIu64 " failed\n", current);
    if (write(STDERR_FILENO, text, (size_t)n) != n) _exit(2);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

/* A random valid message with its two picking bytes. False when it came out too large. */
static bool make_message(struct damage_input *in, struct kit_dice *dice, const struct bn_codec_desc *const *messages,
                         int count) {
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
    const struct bn_codec_desc *messages[FUZZ_CODEC_MESSAGES_MAX];
    int count = fuzz_codec_messages(messages);
    struct kit_dice dice = {seed};
    struct damage_input whole = {bn_alloc(DAMAGE_INPUT_MAX), 0}, in = {bn_alloc(DAMAGE_INPUT_MAX), 0};
    while (current < n) {
        if (!make_message(&whole, &dice, messages, count)) continue;
        for (int copy = 0; copy < COPIES && current < n; copy++, current++) {
            memcpy(in.bytes, whole.bytes, whole.len);
            in.len = whole.len;
            for (uint32_t wounds = kit_roll(&dice) % 5; wounds > 0; wounds--) damage_once(&in, PICKING, &dice);
            (void)LLVMFuzzerTestOneInput(in.bytes, in.len);
        }
    }
    bn_alloc_free(whole.bytes);
    bn_alloc_free(in.bytes);
    printf("%" PRIu64 " inputs from seed %" PRIu64 ", %" PRIu64 " accepted and returned unchanged\n", n, seed,
           fuzz_codec_accepted);
    BN_ASSERT(n < 1000 || (fuzz_codec_accepted > n / 20 && fuzz_codec_accepted < n));
}

static int run_file(const char *path) {
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        return 1;
    }
    uint8_t *bytes = bn_alloc(DAMAGE_INPUT_MAX);
    size_t n = fread(bytes, 1, DAMAGE_INPUT_MAX, f);
    fclose(f);
    (void)LLVMFuzzerTestOneInput(bytes, n);
    bn_alloc_free(bytes);
    return 0;
}

int main(int argc, char **argv) {
    int64_t n = 20000, seed = 1;
    signal(SIGABRT, say_which);
    if (argc > 1 && !bn_slice_to_i64(bn_slice_str(argv[1]), &n)) {
        int failed = 0;
        for (int i = 1; i < argc; i++) failed |= run_file(argv[i]);
        return failed;
    }
    if (n < 0 || (argc > 2 && !bn_slice_to_i64(bn_slice_str(argv[2]), &seed))) {
        fputs("usage: fuzz_codec_replay [N [SEED]] | FILE...\n", stderr);
        return 2;
    }
    run_random((uint64_t)n, (uint64_t)seed);
    return 0;
}
