/* session.c: what an answer to an incremental fetch costs the broker, by the size of the session.
 *
 *     session BOOTSTRAP PID TOPIC PARTITIONS ROUNDS [hold]
 *
 * One broker leads all of TOPIC. The session asks for PARTITIONS of it, of which all but the first are idle. Each round
 * appends one record to the first and fetches; the broker's CPU for as many appends alone is taken off. Beside it: an
 * incremental fetch with nothing new, and a full fetch of all partitions without a session. With hold, the session is
 * kept and the program waits for a line of input: for looking at the broker's memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/alloc.h"
#include "common/base/str.h"
#include "proto/client/bootstrap.h"
#include "proto/kafka/batch.h"
#include "proto/kafka/kapi.h"
#include "proto/kafka/kmsg.h"

enum { TIMEOUT_MS = 60000, PARTITION_BYTES = 1 << 20 };

struct work {
    struct bn_bootstrap *cluster;
    int32_t broker;
    clockid_t clock; /* the broker's CPU */
    struct bn_slice name;
    struct bn_uuid id;
    int partitions;
    struct kmsg_fetch_request_partition *all;
    int64_t *ends; /* what was read of each */
    int32_t session, epoch;
    struct bn_str batch;
};

static void die(const char *what, const char *why) {
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static void *call(struct work *w, int api, void *request) {
    struct bn_err e = BN_ERR_NONE;
    void *response = NULL;
    if (bn_bootstrap_call_broker(w->cluster, w->broker, api, request, TIMEOUT_MS, &response, &e)) die("call", e.text);
    return response;
}

static double cpu(const struct work *w) {
    struct timespec t;
    if (clock_gettime(w->clock, &t)) die("clock", "no such process");
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static void append(struct work *w) {
    struct kmsg_produce_request q = kmsg_produce_request_default;
    struct kmsg_produce_request_topic topic = {.name = w->name};
    struct kmsg_produce_request_partition part = {.index = 0};
    part.records.slice = bn_slice_of(w->batch.ptr, w->batch.len);
    topic.partition_data.v = &part;
    topic.partition_data.n = 1;
    q.acks = 1;
    q.timeout_ms = TIMEOUT_MS;
    q.topic_data.v = &topic;
    q.topic_data.n = 1;
    const struct kmsg_produce_response *r = call(w, KAPI_PRODUCE, &q);
    if (r->responses.v[0].partition_responses.v[0].error_code) die("append", "refused");
}

/* The partitions in the answer; what it gave is noted as read. */
static int fetch(struct work *w, int32_t session, int32_t epoch, const struct kmsg_fetch_request_partition *v, int n) {
    struct kmsg_fetch_request q = kmsg_fetch_request_default;
    struct kmsg_fetch_request_topic topic = {.topic_id = w->id};
    topic.partitions.v = (struct kmsg_fetch_request_partition *)(uintptr_t)v;
    topic.partitions.n = n;
    q.replica_state.replica_id = -1;
    q.max_bytes = 50 << 20;
    q.session_id = session;
    q.session_epoch = epoch;
    q.topics.v = &topic;
    q.topics.n = n > 0;
    const struct kmsg_fetch_response *r = call(w, KAPI_FETCH, &q);
    if (r->error_code) die("fetch", "refused");
    w->session = r->session_id;
    int told = 0;
    for (int32_t i = 0; i < r->responses.n; i++) {
        told += r->responses.v[i].partitions.n;
        for (int32_t k = 0; k < r->responses.v[i].partitions.n; k++) {
            const struct kmsg_fetch_response_partition *p = &r->responses.v[i].partitions.v[k];
            if (p->error_code) die("fetch", "a partition's error");
            w->ends[p->partition_index] = p->high_watermark;
        }
    }
    return told;
}

static int go_on(struct work *w, int listed) {
    for (int i = 0; i < listed; i++) w->all[i].fetch_offset = w->ends[i];
    int32_t session = w->session;
    int told = fetch(w, session, w->epoch++, w->all, listed);
    if (w->session != session) die("fetch", "the session was lost");
    return told;
}

static void find_topic(struct work *w, const char *name) {
    struct bn_err e = BN_ERR_NONE;
    struct kmsg_metadata_response *r = NULL;
    w->name = bn_slice_str(name);
    if (bn_bootstrap_metadata(w->cluster, &w->name, 1, TIMEOUT_MS, &r, &e)) die("metadata", e.text);
    if (r->topics.n != 1 || r->topics.v[0].partitions.n < w->partitions) die(name, "has too few partitions");
    w->id = r->topics.v[0].topic_id;
    w->broker = r->topics.v[0].partitions.v[0].leader_id;
}

static void set_up(struct work *w) {
    struct bn_batch_builder b;
    w->all = bn_alloc_zero((size_t)w->partitions, sizeof *w->all);
    w->ends = bn_alloc_zero((size_t)w->partitions, sizeof *w->ends);
    for (int i = 0; i < w->partitions; i++) {
        w->all[i] = kmsg_fetch_request_partition_default;
        w->all[i].partition = i;
        w->all[i].partition_max_bytes = PARTITION_BYTES;
    }
    bn_batch_builder_init(&b);
    bn_batch_builder_add(&b, 0, (int64_t)time(NULL) * 1000, BN_SLICE_NULL, BN_SLICE_LIT("a record"), 0, BN_SLICE_NULL);
    bn_str_init(&w->batch);
    if (bn_batch_builder_finish(&b, 0, 0, &w->batch)) die("batch", "refused");
    bn_batch_builder_fini(&b);
}

static double per_round(const struct work *w, double began, int rounds) { return (cpu(w) - began) / rounds; }

int main(int argc, char **argv) {
    if (argc < 6) die("usage", "session BOOTSTRAP PID TOPIC PARTITIONS ROUNDS [hold]");
    struct work w = {.partitions = (int)strtol(argv[4], NULL, 10)};
    struct bn_err e = BN_ERR_NONE;
    int rounds = (int)strtol(argv[5], NULL, 10), full = 20;
    w.cluster = bn_bootstrap_new(argv[1], "bench", &e);
    if (!w.cluster) die("bootstrap", e.text);
    if (clock_getcpuclockid((pid_t)strtol(argv[2], NULL, 10), &w.clock)) die(argv[2], "no such process");
    find_topic(&w, argv[3]);
    set_up(&w);
    fetch(&w, 0, 0, w.all, w.partitions);
    w.epoch = 1;
    while (go_on(&w, w.partitions) > 0) continue;
    double began = cpu(&w);
    for (int i = 0; i < rounds; i++) append(&w), bn_bootstrap_forget(w.cluster);
    double alone = per_round(&w, began, rounds);
    go_on(&w, 1);
    go_on(&w, 1);
    began = cpu(&w);
    for (int i = 0; i < rounds; i++) {
        append(&w);
        if (go_on(&w, 1) != 1) die("fetch", "one partition was expected");
        bn_bootstrap_forget(w.cluster);
    }
    double both = per_round(&w, began, rounds);
    go_on(&w, 1);
    go_on(&w, 1);
    began = cpu(&w);
    for (int i = 0; i < rounds; i++) {
        if (go_on(&w, 0) != 0) die("fetch", "nothing was expected");
        bn_bootstrap_forget(w.cluster);
    }
    double idle = per_round(&w, began, rounds);
    int32_t session = w.session;
    began = cpu(&w);
    for (int i = 0; i < full; i++) fetch(&w, 0, -1, w.all, w.partitions), bn_bootstrap_forget(w.cluster);
    printf("%d partitions: one active %.1f us of the broker's CPU an answer, none %.1f us; without a session %.1f us\n",
           w.partitions, both - alone, idle, per_round(&w, began, full));
    fflush(stdout);
    w.session = session;
    if (argc > 6) (void)getchar();
    bn_bootstrap_free(w.cluster);
    bn_str_fini(&w.batch);
    bn_alloc_free(w.all);
    bn_alloc_free(w.ends);
    return 0;
}
