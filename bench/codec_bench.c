/* codec_bench.c: what reading and writing typical messages costs: codec_bench [SECONDS per case, default 1].
 *
 * One line per case: microseconds per decode and per encode (the median of ten slices of the time), and the size on the
 * wire. Decoding includes emptying the arena, encoding includes dropping the chain, as a request does both. */
#include <stdlib.h>
#include <time.h>

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "proto/kafka/kmsg.h"

enum { SLICES = 10, BATCH_BYTES = 16384, BUDGET = 16 << 20 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct job {
    const struct bn_codec_desc *desc;
    int version;
    void *message;
    struct bn_slice bytes;
    struct bn_arena arena;
    struct bn_chain chain;
};

static void decode_once(struct job *j) {
    bn_arena_reset(&j->arena);
    void *out = bn_arena_alloc(&j->arena, bn_codec_struct_size(j->desc));
    int rc = bn_codec_decode(j->desc, j->version, j->bytes, &j->arena, out, NULL);
    BN_ASSERT(rc == 0);
}

static void encode_once(struct job *j) {
    bn_codec_encode(j->desc, j->version, j->message, &j->chain);
    bn_chain_consume(&j->chain, j->chain.size_bytes);
}

/* Microseconds per call. */
static double measure(struct job *j, void (*once)(struct job *), double seconds) {
    double slices[SLICES];
    for (int i = 0; i < SLICES; i++) {
        double start = now(), spent;
        long calls = 0;
        do {
            for (int k = 0; k < 16; k++) once(j);
            calls += 16;
            spent = now() - start;
        } while (spent < seconds / SLICES);
        slices[i] = spent * 1e6 / (double)calls;
    }
    qsort(slices, SLICES, sizeof slices[0], by_value);
    return slices[SLICES / 2];
}

static void run(const char *title, const struct bn_codec_desc *desc, int version, void *message, double seconds) {
    struct job j = {.desc = desc, .version = version, .message = message};
    bn_arena_init(&j.arena, BUDGET);
    bn_chain_init(&j.chain);
    bn_codec_encode(desc, version, message, &j.chain);
    uint8_t *bytes = bn_alloc(j.chain.size_bytes);
    BN_ASSERT(bn_chain_copy_out(&j.chain, bytes) == 0);
    j.bytes = bn_slice_of(bytes, j.chain.size_bytes);
    bn_chain_consume(&j.chain, j.chain.size_bytes);
    double decode = measure(&j, decode_once, seconds), encode = measure(&j, encode_once, seconds);
    printf("%-40s decode %8.2f us   encode %8.2f us   %7zu bytes\n", title, decode, encode, j.bytes.len);
    bn_arena_fini(&j.arena);
    bn_chain_fini(&j.chain);
    bn_alloc_free(bytes);
}

static void produce(int partitions, double seconds) {
    uint8_t *batch = bn_alloc_zero(1, BATCH_BYTES);
    struct kmsg_produce_request r = kmsg_produce_request_default;
    struct kmsg_produce_request_topic t = kmsg_produce_request_topic_default;
    struct kmsg_produce_request_partition *p = bn_alloc_zero((size_t)partitions, sizeof *p);
    for (int i = 0; i < partitions; i++) {
        p[i].index = i;
        p[i].records.slice = bn_slice_of(batch, BATCH_BYTES);
    }
    t.name = BN_SLICE_LIT("orders");
    t.partition_data.v = p, t.partition_data.n = partitions;
    r.topic_data.v = &t, r.topic_data.n = 1;
    char title[64];
    snprintf(title, sizeof title, "Produce v9, %d x 16 KB", partitions);
    run(title, &kmsg_produce_request_desc, 9, &r, seconds);
    bn_alloc_free(p);
    bn_alloc_free(batch);
}

static void fetch(int partitions, double seconds) {
    struct kmsg_fetch_request r = kmsg_fetch_request_default;
    struct kmsg_fetch_request_topic t = kmsg_fetch_request_topic_default;
    struct kmsg_fetch_request_partition *p = bn_alloc_zero((size_t)partitions, sizeof *p);
    for (int i = 0; i < partitions; i++) {
        p[i] = kmsg_fetch_request_partition_default;
        p[i].partition = i;
        p[i].fetch_offset = 1000 + i;
    }
    t.topic = BN_SLICE_LIT("orders");
    t.partitions.v = p, t.partitions.n = partitions;
    r.topics.v = &t, r.topics.n = 1;
    char title[64];
    snprintf(title, sizeof title, "Fetch v12, %d partition%s", partitions, partitions > 1 ? "s" : "");
    run(title, &kmsg_fetch_request_desc, 12, &r, seconds);
    bn_alloc_free(p);
}

static void fetch_response(int partitions, double seconds) {
    struct kmsg_fetch_response r = kmsg_fetch_response_default;
    struct kmsg_fetch_response_topic t = kmsg_fetch_response_topic_default;
    struct kmsg_fetch_response_partition *p = bn_alloc_zero((size_t)partitions, sizeof *p);
    for (int i = 0; i < partitions; i++) {
        p[i] = kmsg_fetch_response_partition_default;
        p[i].partition_index = i;
    }
    t.topic = BN_SLICE_LIT("orders");
    t.partitions.v = p, t.partitions.n = partitions;
    r.responses.v = &t, r.responses.n = 1;
    char title[64];
    snprintf(title, sizeof title, "Fetch v12 answer, %d empty", partitions);
    run(title, &kmsg_fetch_response_desc, 12, &r, seconds);
    bn_alloc_free(p);
}

static void metadata(int topics, int partitions, double seconds) {
    static int32_t replicas[] = {1, 2, 3};
    struct kmsg_metadata_response r = kmsg_metadata_response_default;
    struct kmsg_metadata_response_topic *t = bn_alloc_zero((size_t)topics, sizeof *t);
    struct kmsg_metadata_response_partition *p = bn_alloc_zero((size_t)partitions, sizeof *p);
    for (int i = 0; i < partitions; i++) {
        p[i] = kmsg_metadata_response_partition_default;
        p[i].partition_index = i;
        p[i].replica_nodes.v = p[i].isr_nodes.v = replicas;
        p[i].replica_nodes.n = p[i].isr_nodes.n = 3;
    }
    for (int i = 0; i < topics; i++) {
        t[i] = kmsg_metadata_response_topic_default;
        t[i].name = BN_SLICE_LIT("a-topic-of-ordinary-length");
        t[i].partitions.v = p, t[i].partitions.n = partitions;
    }
    r.topics.v = t, r.topics.n = topics;
    char title[64];
    snprintf(title, sizeof title, "Metadata v12 answer, %d partitions", topics * partitions);
    run(title, &kmsg_metadata_response_desc, 12, &r, seconds);
    bn_alloc_free(t);
    bn_alloc_free(p);
}

int main(int argc, char **argv) {
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 1;
    produce(1, seconds);
    produce(12, seconds);
    fetch(1, seconds);
    fetch(500, seconds);
    fetch_response(1, seconds);
    fetch_response(500, seconds);
    metadata(100, 12, seconds);
    return 0;
}
