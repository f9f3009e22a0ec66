/* fuzz_recover_replay.c: drives the recovery's fuzz target where there is no libFuzzer.
 *
 *     fuzz_recover_replay [N [SEED]]     N damaged directories (3,000 and 1 if not said)
 *     fuzz_recover_replay FILE...        inputs that libFuzzer has written
 *
 * The same N and seed give the same inputs; a failure aborts after naming the input's number. */
#include <signal.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/bytes.h"
#include "common/base/check.h"
#include "common/base/str.h"
#include "common/base/trace.h"
#include "proto/kafka/batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern uint64_t fuzz_recover_opened;

static volatile uint64_t current;

static void say_which(int signal_number) {
    char text[64];
    int n = snprintf(text, sizeof text, "input %" PRIu64 " failed\n", current);
    if (write(STDERR_FILENO, text, (size_t)n) != n) _exit(2);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

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

static int replay_files(int count, char **paths) {
    for (int i = 0; i < count; i++) {
        static uint8_t bytes[1 << 20];
        FILE *f = fopen(paths[i], "rb");
        if (!f) return 2;
        size_t n = fread(bytes, 1, sizeof bytes, f);
        fclose(f);
        current = (uint64_t)i;
        LLVMFuzzerTestOneInput(bytes, n);
    }
    return 0;
}

int main(int argc, char **argv) {
    char *end = NULL;
    uint64_t n = argc > 1 ? strtoull(argv[1], &end, 10) : 3000, seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    bn_trace_set_level(BN_TRACE_FATAL);
    signal(SIGABRT, say_which);
    if (end && *end) return replay_files(argc - 1, argv + 1);
    for (current = 0; current < n; current++) {
        struct bn_str in;
        uint64_t state = (seed + current) * 0x9e3779b97f4a7c15u + 1;
        bn_str_init(&in);
        make(&state, &in);
        LLVMFuzzerTestOneInput((const uint8_t *)in.ptr, in.len);
        bn_str_fini(&in);
    }
    printf("%" PRIu64 " directories, %" PRIu64 " of them opened\n", n, fuzz_recover_opened);
    /* Else most of the code was not reached, and the run proves nothing. */
    return fuzz_recover_opened >= n / 4 ? 0 : 1;
}
