/* damage.c: wounds for the stand-alone fuzz drivers: what breaks parsers of lengths, counts and tags. */
#include "tests/fuzz/damage.h"

#include "common/base/alloc.h"

enum { NUMBERS = 10, COPIES = 8 };

/* Replaces `cut` bytes at `at` by `n` bytes of `with`. */
static void splice(struct damage_input *in, size_t at, size_t cut, const uint8_t *with, size_t n) {
    if (in->len - cut + n > DAMAGE_INPUT_MAX) return;
    memmove(in->bytes + at + n, in->bytes + at + cut, in->len - at - cut);
    if (n) memcpy(in->bytes + at, with, n);
    in->len += n - cut;
}

/* One wound. */
static void damage_once(struct damage_input *in, size_t keep, struct kit_dice *dice) {
    static const uint8_t numbers[NUMBERS][4] = {
        {0xff, 0xff, 0xff, 0xff}, {0x7f, 0xff, 0xff, 0xff}, {0x80, 0, 0, 0},       {0, 0, 0, 0}, {0, 0, 0, 1},
        {0xff, 0xff, 0xff, 0x0f}, {0x80, 0x80, 0x80, 0x80}, {0x80, 0x80, 1, 0x80}, {1, 0, 1, 0}, {0, 1, 0x80, 0x10}};
    if (in->len <= keep) {
        in->bytes[in->len++] = (uint8_t)kit_roll(dice);
        return;
    }
    size_t body = in->len - keep, at = keep + kit_roll(dice) % body, left = in->len - at;
    size_t n = 1 + kit_roll(dice) % 8;
    uint8_t noise[8];
    switch (kit_roll(dice) % 7) {
    case 0:
        in->bytes[at] ^= (uint8_t)(1u << (kit_roll(dice) % 8));
        break;
    case 1:
        in->bytes[at] = (uint8_t)kit_roll(dice);
        break;
    case 2:
        in->bytes[at] = (uint8_t)(in->bytes[at] + kit_roll(dice) % 5 - 2);
        break;
    case 3:
        splice(in, at, bn_min_size(n, left), NULL, 0);
        break;
    case 4:
        for (size_t i = 0; i < n; i++) noise[i] = (uint8_t)(kit_roll(dice) % 3 ? 0 : kit_roll(dice));
        splice(in, at, 0, noise, n);
        break;
    case 5:
        splice(in, at, bn_min_size(4, left), numbers[kit_roll(dice) % NUMBERS], 4);
        break;
    default:
        in->len = at;
        break;
    }
}

void damage_run(const struct damage_plan *plan, uint64_t n, uint64_t seed) {
    struct kit_dice dice = {seed};
    struct damage_input whole = {bn_alloc(DAMAGE_INPUT_MAX), 0}, in = {bn_alloc(DAMAGE_INPUT_MAX), 0};
    for (uint64_t done = 0; done < n;) {
        if (!plan->make(&whole, &dice)) continue;
        for (int copy = 0; copy < COPIES && done < n; copy++, done++) {
            memcpy(in.bytes, whole.bytes, whole.len);
            in.len = whole.len;
            for (uint32_t wounds = kit_roll(&dice) % plan->wounds; wounds > 0; wounds--)
                damage_once(&in, plan->keep, &dice);
            replay_one(in.bytes, in.len);
        }
    }
    bn_alloc_free(whole.bytes);
    bn_alloc_free(in.bytes);
}
