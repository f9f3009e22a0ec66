/* bench.h: a brain on a bench: the fake ZooKeeper, brokers with streams, and everything it said as text. */
#ifndef BENCH_H
#define BENCH_H

#include "common/base/str.h"
#include "controller/brain/model_inside.h"
#include "tests/script/brain_pending.h"
#include "tests/script/brain_print.h"
#include "tests/unit/unit.h"

struct bench {
    struct brain_world zk;
    struct brain_pending pending;
    struct bn_model *model;
    struct bn_model_settings settings;
    struct bn_output_list out;
    struct bn_str said; /* since bench_hush */
    int64_t now_ms;
};

void bench_init(struct bench *b, int32_t brokers); /* 1..brokers registered, admitted, with streams 101, 102... */
void bench_fini(struct bench *b);
void bench_restart(struct bench *b, int32_t epoch); /* a new model loads what stands in ZooKeeper; no streams */
void bench_feed(struct bench *b, struct bn_event *e);
void bench_drain(struct bench *b);                      /* every request to ZooKeeper succeeds */
void bench_end(struct bench *b, bool apply, bool lose); /* the oldest one ends */
void bench_hush(struct bench *b);
bool bench_said(const struct bench *b, const char *text);
void bench_create(struct bench *b, const char *name, const char *assignment); /* made by hand, and drained */
void bench_brokers(struct bench *b);                                          /* tells the registrations, drained */
void bench_hello(struct bench *b, uint64_t token, int32_t broker);
int64_t bench_epoch(struct bench *b, int32_t broker); /* of the registration; -1 */
struct bn_model_partition *bench_partition(struct bench *b, const char *topic, int32_t index);

#endif
