/* log_bench.c: what an append costs: log_bench [DIR [MiB per case]]. DIR: where the log goes, "." if not said.
 *
 * One line per batch size: CPU seconds per GB (10^9 bytes) of bn_log_append: validation with the checksum, offsets in
 * place, the write, indexes, rolls; the best and the median of five passes after one that warms the memory up. Then the
 * reads of a sequential consumer: microseconds per bn_log_read of 1 MiB, without sending. */
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "broker/log/log.h"
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/str.h"
#include "common/base/trace.h"
#include "proto/kafka/batch.h"

enum { PASSES = 5, RECORD = 1000 };

static double cpu(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void make_batch(size_t size, struct bn_str *out) {
    struct bn_batch_builder b;
    char value[RECORD];
    memset(value, 'x', sizeof value);
    bn_batch_builder_init(&b);
    for (int i = 0; (i + 1) * (RECORD + 12) < (int)size; i++)
        bn_batch_builder_add(&b, i, 1700000000000 + i, BN_SLICE_NULL, bn_slice_of(value, sizeof value), 0,
                             BN_SLICE_NULL);
    BN_ASSERT(bn_batch_builder_finish(&b, BN_CODEC_NONE, 0, out) == 0);
    bn_batch_builder_fini(&b);
}

static struct bn_log *open_log(const char *dir) {
    struct bn_log_open o = {.env = bn_env_real(), .dir = dir, .name = "bench-0"};
    struct bn_log *l;
    struct bn_err e;
    bn_log_config_defaults(&o.config);
    if (bn_log_open(&o, &l, &e) != 0) {
        fprintf(stderr, "%s\n", e.text);
        exit(1);
    }
    return l;
}

/* CPU seconds per GB. */
static double append_pass(const char *dir, const struct bn_str *batch, size_t total, double *read_us) {
    struct bn_log *l = open_log(dir);
    uint8_t *frame = bn_alloc(batch->len);
    memcpy(frame, batch->ptr, batch->len);
    size_t done = 0;
    double start = cpu();
    while (done < total) {
        struct bn_log_append a = {.bytes = frame, .len = batch->len, .leader_epoch = 1, .now_ms = 1700000000000};
        bn_put_u64(frame, 0); /* as a client sends it */
        bn_log_append(l, &a);
        BN_ASSERT(a.error == 0);
        done += batch->len;
    }
    double spent = cpu() - start;
    int reads = 0;
    start = cpu();
    for (int64_t at = 0; at < bn_log_end_offset(l); reads++) {
        struct bn_chain c;
        struct bn_log_range r = {at, INT64_MAX, 1 << 20, true, 0, -1};
        bn_chain_init(&c);
        BN_ASSERT(bn_log_read_range(l, &r, &c) == 0 && r.bytes > 0);
        at += (int64_t)(r.bytes / batch->len) * ((bn_log_end_offset(l) * (int64_t)batch->len) / (int64_t)done);
        bn_chain_fini(&c);
    }
    *read_us = (cpu() - start) * 1e6 / reads;
    bn_alloc_free(frame);
    bn_log_abandon(l);
    BN_ASSERT(bn_disk_remove_tree(bn_disk_real(), dir, NULL) == 0);
    return spent / ((double)done / 1e9);
}

int main(int argc, char **argv) {
    static const size_t sizes[] = {1 << 20, 64 << 10, 16 << 10};
    char *dir = bn_alloc_printf("%s/bench-0", argc > 1 ? argv[1] : ".");
    size_t total = (argc > 2 ? strtoull(argv[2], NULL, 10) : 512) << 20;
    bn_trace_set_level(BN_TRACE_ERROR);
    printf("%10s %12s %12s %14s\n", "batch", "best s/GB", "median s/GB", "us per read");
    for (size_t i = 0; i < BN_ARRAY_LEN(sizes); i++) {
        struct bn_str batch;
        double costs[PASSES], read_us;
        bn_str_init(&batch);
        make_batch(sizes[i], &batch);
        append_pass(dir, &batch, total, &read_us);
        for (int p = 0; p < PASSES; p++) costs[p] = append_pass(dir, &batch, total, &read_us);
        qsort(costs, PASSES, sizeof costs[0], by_value);
        printf("%10zu %12.3f %12.3f %14.2f\n", batch.len, costs[0], costs[PASSES / 2], read_us);
        bn_str_fini(&batch);
    }
    bn_alloc_free(dir);
    return 0;
}
