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
#include "tests/fuzz/fuzz_codec.h"
#include "tests/unit/proto/kafka/kit.h"

enum { INPUT_MAX = 1 << 20, COPIES = 8, BUDGET = 8 << 20, NUMBERS = 10 };

struct input {
    uint8_t *bytes; /* INPUT_MAX of them */
    size_t len;
};

static volatile uint64_t current;

static void say_which(int signal_number) {
    char text[64];
    int n = snprintf(text, sizeof text, "input %" PRIu64 " failed\n", current);
    if (write(STDERR_FILENO, text, (size_t)n) != n) _exit(2);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

/* Replaces `cut` bytes at `at` by `n` bytes of `with`. */
static void splice(struct input *in, size_t at, size_t cut, const uint8_t *with, size_t n) {
    if (in->len - cut + n > INPUT_MAX) return;
    memmove(in->bytes + at + n, in->bytes + at + cut, in->len - at - cut);
    if (n) memcpy(in->bytes + at, with, n);
    in->len += n - cut;
}

/* One wound: what breaks parsers of lengths, counts and tags. The two bytes that pick the message stay. */
static void damage(struct input *in, struct kit_dice *dice) {
    static const uint8_t numbers[NUMBERS][4] = {
        {0xff, 0xff, 0xff, 0xff}, {0x7f, 0xff, 0xff, 0xff}, {0x80, 0, 0, 0},       {0, 0, 0, 0}, {0, 0, 0, 1},
        {0xff, 0xff, 0xff, 0x0f}, {0x80, 0x80, 0x80, 0x80}, {0x80, 0x80, 1, 0x80}, {1, 0, 1, 0}, {0, 1, 0x80, 0x10}};
    if (in->len <= 2) {
        in->bytes[in->len++] = (uint8_t)kit_roll(dice);
        return;
    }
    size_t body = in->len - 2, at = 2 + kit_roll(dice) % body, left = in->len - at;
    size_t n = 1 + kit_roll(dice) % 8;
    uint8_t noise[8];
    switch (kit_roll(dice) % 7) {
    case 0: in->bytes[at] ^= (uint8_t)(1u << (kit_roll(dice) % 8)); break;
    case 1: in->bytes[at] = (uint8_t)kit_roll(dice); break;
    case 2: in->bytes[at] = (uint8_t)(in->bytes[at] + kit_roll(dice) % 5 - 2); break;
    case 3: splice(in, at, bn_min_size(n, left), NULL, 0); break;
    case 4:
        for (size_t i = 0; i < n; i++) noise[i] = (uint8_t)(kit_roll(dice) % 3 ? 0 : kit_roll(dice));
        splice(in, at, 0, noise, n);
        break;
    case 5: splice(in, at, bn_min_size(4, left), numbers[kit_roll(dice) % NUMBERS], 4); break;
    default: in->len = at; break;
    }
}

/* A random valid message with its two picking bytes. False when it came out too large. */
static bool make_message(struct input *in, struct kit_dice *dice, const struct bn_codec_desc *const *messages,
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
        fits = bytes.len <= INPUT_MAX - 2;
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
    struct input whole = {bn_alloc(INPUT_MAX), 0}, in = {bn_alloc(INPUT_MAX), 0};
    while (current < n) {
        if (!make_message(&whole, &dice, messages, count)) continue;
        for (int copy = 0; copy < COPIES && current < n; copy++, current++) {
            memcpy(in.bytes, whole.bytes, whole.len);
            in.len = whole.len;
            for (uint32_t wounds = kit_roll(&dice) % 5; wounds > 0; wounds--) damage(&in, &dice);
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
    uint8_t *bytes = bn_alloc(INPUT_MAX);
    size_t n = fread(bytes, 1, INPUT_MAX, f);
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
