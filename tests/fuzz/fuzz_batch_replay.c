/* fuzz_batch_replay.c: random batches, sets and streams, damaged, for the batches' fuzz target (see replay.h). */
#include <stdio.h>

#include "common/base/bytes.h"
#include "common/base/check.h"
#include "proto/kafka/batch.h"
#include "proto/kafka/legacy.h"
#include "tests/fuzz/damage.h"
#include "tests/fuzz/fuzz_batch.h"

enum { PICKING = 2, TEXT_MAX = 400, KINDS = 5, LEGACY_KINDS = 4, ACCEPTED_MIN = 100 };

/* Null, empty, or some bytes that compress more or less well. */
static struct bn_slice some_bytes(struct kit_dice *dice, uint8_t room[TEXT_MAX]) {
    uint32_t what = kit_roll(dice) % 8, n = kit_roll(dice) % TEXT_MAX;
    for (uint32_t i = 0; i < n; i++) room[i] = (uint8_t)(what < 5 ? 'a' + i % 7 : kit_roll(dice));
    return what == 0 ? BN_SLICE_NULL : bn_slice_of(room, what == 1 ? 0 : n);
}

static void make_batch(struct bn_str *out, struct kit_dice *dice) {
    uint8_t key[TEXT_MAX], value[TEXT_MAX];
    struct bn_batch_builder w;
    bn_batch_builder_init(&w);
    int32_t offset = 0;
    w.base_offset = kit_roll(dice) % 2 ? kit_roll(dice) : 0;
    w.attributes = (int16_t)(kit_roll(dice) % 16 << 3);
    for (uint32_t n = kit_roll(dice) % 6; n > 0; n--) {
        offset += (int32_t)(1 + kit_roll(dice) % 3);
        bool headers = kit_roll(dice) % 4 == 0;
        bn_batch_builder_add(&w, offset, (int64_t)kit_roll(dice), some_bytes(dice, key), some_bytes(dice, value),
                             headers ? 2 : 0, headers ? bn_slice_of("\4h1\4v1\4h2\1", 10) : BN_SLICE_NULL);
    }
    if (bn_batch_builder_finish(&w, (int)(kit_roll(dice) % KINDS), 1, out) != 0) BN_UNREACHABLE();
    bn_batch_builder_fini(&w);
}

static void add_legacy_bytes(struct bn_str *out, struct bn_slice s) {
    uint8_t len[4];
    bn_put_u32(len, bn_slice_is_null(s) ? UINT32_MAX : (uint32_t)s.len);
    bn_str_add_slice(out, bn_slice_of(len, 4));
    bn_str_add_slice(out, s);
}

static void make_message(struct bn_str *set, int magic, int codec, struct bn_slice key, struct bn_slice value) {
    struct bn_str body;
    uint8_t head[16] = {0};
    bn_str_init(&body);
    head[0] = (uint8_t)magic;
    head[1] = (uint8_t)codec;
    head[9] = (uint8_t)value.len; /* the end of a timestamp */
    bn_str_add_slice(&body, bn_slice_of(head, magic ? 10 : 2));
    add_legacy_bytes(&body, key);
    add_legacy_bytes(&body, value);
    memset(head, 0, sizeof head);
    bn_put_u32(head + 8, (uint32_t)body.len + 4);
    bn_put_u32(head + 12, bn_legacy_crc32(0, body.ptr, body.len));
    bn_str_add_slice(set, bn_slice_of(head, 16));
    bn_str_add_slice(set, bn_str_slice(&body));
    bn_str_fini(&body);
}

static void make_set(struct bn_str *out, struct kit_dice *dice) {
    uint8_t key[TEXT_MAX], value[TEXT_MAX];
    for (uint32_t parts = 1 + kit_roll(dice) % 3; parts > 0; parts--) {
        struct bn_str inner, packed;
        int codec = (int)(kit_roll(dice) % LEGACY_KINDS), magic = (int)(kit_roll(dice) % 2);
        bn_str_init(&inner);
        bn_str_init(&packed);
        for (uint32_t n = 1 + kit_roll(dice) % 4; n > 0; n--)
            make_message(&inner, magic, 0, some_bytes(dice, key), some_bytes(dice, value));
        if (bn_compress_pack(codec, 1, bn_str_slice(&inner), magic == 0, &packed) != 0) BN_UNREACHABLE();
        if (codec)
            make_message(out, magic, codec, BN_SLICE_NULL, bn_str_slice(&packed));
        else
            bn_str_add_slice(out, bn_str_slice(&inner));
        bn_str_fini(&inner);
        bn_str_fini(&packed);
    }
}

static void make_stream(struct bn_str *out, struct kit_dice *dice, uint8_t how) {
    uint8_t text[TEXT_MAX];
    int kind = how % (KINDS + 1);
    for (uint32_t n = 1 + kit_roll(dice) % 3; n > 0 && kind < KINDS; n--)
        if (bn_compress_pack(kind, 1, some_bytes(dice, text), how & 0x80, out) != 0) BN_UNREACHABLE();
}

static bool make_input(struct damage_input *in, struct kit_dice *dice) {
    struct bn_str bytes;
    bn_str_init(&bytes);
    in->bytes[0] = (uint8_t)(kit_roll(dice) % FUZZ_BATCH_PARTS);
    in->bytes[1] = (uint8_t)kit_roll(dice);
    if (in->bytes[0] == FUZZ_BATCH_LEGACY)
        make_set(&bytes, dice);
    else if (in->bytes[0] == FUZZ_BATCH_EXPAND)
        make_stream(&bytes, dice, in->bytes[1]);
    else
        make_batch(&bytes, dice);
    BN_ASSERT(bytes.len <= DAMAGE_INPUT_MAX - PICKING);
    memcpy(in->bytes + PICKING, bytes.ptr, bytes.len);
    in->len = PICKING + bytes.len;
    bn_str_fini(&bytes);
    return true;
}

static void run_random(uint64_t n, uint64_t seed) {
    damage_run(&(struct damage_plan){.make = make_input, .keep = PICKING, .wounds = 4}, n, seed);
    printf("%" PRIu64 " inputs from seed %" PRIu64 ", accepted:", n, seed);
    for (int part = 0; part < FUZZ_BATCH_PARTS; part++) {
        printf(" %" PRIu64, fuzz_batch_accepted[part]);
        /* A target that takes nothing, or everything, would find nothing. */
        BN_ASSERT(n < 10000 || (fuzz_batch_accepted[part] > ACCEPTED_MIN && fuzz_batch_accepted[part] < n / 5));
    }
    printf("\n");
}

int main(int argc, char **argv) {
    return replay_main(&(struct replay){.name = "fuzz_batch_replay", .inputs = 20000, .run = run_random}, argc, argv);
}
