/* fuzz_recover_replay.c: damaged directories for the recovery's fuzz target (see replay.h). */
#include <stdio.h>

#include "common/base/alloc.h"
#include "common/base/bytes.h"
#include "common/base/check.h"
#include "common/base/str.h"
#include "common/base/trace.h"
#include "proto/kafka/batch.h"
#include "tests/fuzz/replay.h"

extern uint64_t fuzz_recover_opened;

static uint64_t draw(uint64_t *state, uint64_t below) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state % below;
}

static void add_file(struct bn_str *in, uint8_t pick, struct bn_slice bytes) {
    uint8_t head[3] = {pick};
    bn_put_u16(head + 1, (uint16_t)bytes.len);
    bn_str_add_slice(in, bn_slice_of(head, sizeof head));
    bn_str_add_slice(in, bytes);
}

/* A segment of a few good batches from base on. */
static void segment(uint64_t *seed, int64_t base, struct bn_str *out) {
    int batches = (int)draw(seed, 5);
    for (int i = 0; i < batches; i++) {
        struct bn_batch_builder b;
        bn_batch_builder_init(&b);
        b.base_offset = base;
        b.leader_epoch = (int32_t)draw(seed, 4);
        if (draw(seed, 2)) {
            b.producer_id = (int64_t)draw(seed, 3);
            b.producer_epoch = 0;
            b.base_sequence = (int32_t)draw(seed, 5);
        }
        b.attributes = draw(seed, 6) ? 0 : BN_BATCH_TRANSACTIONAL | BN_BATCH_CONTROL;
        int records = 1 + (int)draw(seed, 3);
        for (int k = 0; k < records; k++)
            bn_batch_builder_add(&b, k, (int64_t)draw(seed, 100), BN_SLICE_LIT("\0\0\0\1"),
                                 BN_SLICE_LIT("\0\0\0\0\0\7"), 0, BN_SLICE_NULL);
        base += records;
        BN_ASSERT(bn_batch_builder_finish(&b, (int)draw(seed, 5), 1, out) == 0);
        bn_batch_builder_fini(&b);
    }
}

static void wound(uint64_t *seed, uint8_t *bytes, size_t len) {
    static const uint8_t bad[] = {0, 1, 0x7f, 0x80, 0xff};
    if (len) bytes[draw(seed, len)] = draw(seed, 2) ? bad[draw(seed, sizeof bad)] : (uint8_t)draw(seed, 256);
}

static void make(uint64_t *seed, struct bn_str *in) {
    int files = 1 + (int)draw(seed, 6);
    for (int i = 0; i < files; i++) {
        struct bn_str bytes;
        uint8_t name = (uint8_t)draw(seed, 16);
        bool log = name == 0 || name == 4 || name == 11;
        bn_str_init(&bytes);
        if (log) {
            segment(seed, name == 0 ? 0 : 3, &bytes);
        } else if (name == 9) {
            bn_str_addf(&bytes, "0\n%" PRIu64 "\n0 0\n2 %" PRIu64 "\n", draw(seed, 4), draw(seed, 9));
        } else {
            uint8_t garbage[64];
            for (size_t k = 0; k < sizeof garbage; k++) garbage[k] = (uint8_t)(draw(seed, 3) ? 0 : draw(seed, 256));
            bn_str_add_slice(&bytes, bn_slice_of(garbage, draw(seed, sizeof garbage + 1)));
        }
        for (uint64_t wounds = draw(seed, 4); wounds > 0; wounds--) wound(seed, (uint8_t *)bytes.ptr, bytes.len);
        if (draw(seed, 4) == 0) bytes.len = draw(seed, bytes.len + 1);
        uint8_t flags = (uint8_t)((draw(seed, 2) ? 0x40 : 0) | (draw(seed, 6) ? 0 : 0x80));
        add_file(in, name | flags, bn_str_slice(&bytes));
        bn_str_fini(&bytes);
    }
}

static void run_random(uint64_t n, uint64_t seed) {
    bn_trace_set_level(BN_TRACE_FATAL);
    for (uint64_t i = 0; i < n; i++) {
        struct bn_str in;
        uint64_t state = (seed + i) * 0x9e3779b97f4a7c15u + 1;
        bn_str_init(&in);
        make(&state, &in);
        replay_one((const uint8_t *)in.ptr, in.len);
        bn_str_fini(&in);
    }
    printf("%" PRIu64 " directories, %" PRIu64 " of them opened\n", n, fuzz_recover_opened);
    /* Else most of the code was not reached, and the run proves nothing. */
    BN_ASSERT(fuzz_recover_opened >= n / 4);
}

int main(int argc, char **argv) {
    return replay_main(&(struct replay){.name = "fuzz_recover_replay", .inputs = 3000, .run = run_random}, argc, argv);
}
