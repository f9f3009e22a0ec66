/* follow.c: see follow.h. */
#include "tests/unit/broker/replica/follow.h"

#include <sched.h>

#include "common/base/bytes.h"
#include "proto/kafka/batch.h"
#include "tests/unit/unit.h"

void follow_batch(struct bn_str *out, int64_t base, int count, int32_t epoch) {
    struct bn_batch_builder builder;
    size_t at = out->len;
    int64_t now_ms = bn_clock_wall_ms(bn_clock_real()); /* an old one would have the log roll */
    bn_batch_builder_init(&builder);
    for (int i = 0; i < count; i++)
        bn_batch_builder_add(&builder, i, now_ms, BN_SLICE_NULL, BN_SLICE_LIT("value"), 0, BN_SLICE_NULL);
    ck_assert_int_eq(bn_batch_builder_finish(&builder, BN_CODEC_NONE, 0, out), BN_OK);
    bn_batch_builder_fini(&builder);
    bn_put_u64((uint8_t *)out->ptr + at, (uint64_t)base); /* neither is covered by the checksum */
    bn_put_u32((uint8_t *)out->ptr + at + 12, (uint32_t)epoch);
}

static void apply(struct world *w, void *arg) {
    struct bn_image *now = NULL;
    struct bn_err e = BN_ERR_NONE;
    ck_assert_msg(bn_image_apply(w->image, arg, &now, &e) == BN_OK, "%s", e.text);
    bn_roster_apply(w->roster, now, arg, 1);
    bn_image_unref(w->image);
    w->image = now;
}

struct looking {
    int32_t index;
    bool ready;
    int64_t end;
};

static void look_open(struct world *w, void *arg) {
    struct looking *l = arg;
    struct bn_partition *p = bn_roster_find(w->roster, &world_id, l->index);
    l->ready = p && !p->opening;
}

static void look_cut(struct world *w, void *arg) {
    struct looking *l = arg;
    l->ready = !follow_partition(w, 0)->cutting;
}

static void look_end(struct world *w, void *arg) {
    struct looking *l = arg;
    l->ready = bn_log_end_offset(follow_partition(w, l->index)->log) == l->end;
}

static void await(struct world *w, void (*look)(struct world *, void *), struct looking l, const char *what) {
    uint64_t deadline_ms = bn_clock_mono_ms(bn_clock_real()) + 50000; /* a busy machine's syncs take their time */
    world_on_shard(w, look, &l);
    while (!l.ready) {
        ck_assert_msg(bn_clock_mono_ms(bn_clock_real()) < deadline_ms, "waited 50 s for %s", what);
        sched_yield();
        world_on_shard(w, look, &l);
    }
}

void follow_await_cut(struct world *w) { await(w, look_cut, (struct looking){0}, "a truncation"); }

void follow_await_end(struct world *w, int32_t index, int64_t end) {
    await(w, look_end, (struct looking){.index = index, .end = end}, "records");
}

enum { PARTITIONS_MAX = 8 };

void follow_decide(struct world *w, struct follow_state s) {
    static int32_t replicas[] = {WORLD_BROKER, FOLLOW_LEADER};
    Bn__Partition partitions[PARTITIONS_MAX], *pointers[PARTITIONS_MAX];
    int n = s.partitions ? s.partitions : 1;
    for (int i = 0; i < n; i++) {
        bn__partition__init(&partitions[i]);
        partitions[i].index = i;
        partitions[i].leader = s.leader;
        partitions[i].leader_epoch = partitions[i].partition_epoch = s.leader_epoch;
        partitions[i].replicas = partitions[i].isr = replicas;
        partitions[i].n_replicas = partitions[i].n_isr = 2;
        pointers[i] = &partitions[i];
    }
    Bn__Topic topic = BN__TOPIC__INIT, *topics[] = {&topic};
    topic.name = (char *)(uintptr_t) "t";
    topic.id = (ProtobufCBinaryData){sizeof world_id.bytes, (uint8_t *)(uintptr_t)world_id.bytes};
    topic.partitions = pointers;
    topic.n_partitions = (size_t)n;
    Bn__Endpoint at = BN__ENDPOINT__INIT, *ats[] = {&at};
    at.listener = at.security_protocol = (char *)(uintptr_t) "PLAINTEXT";
    at.host = (char *)(uintptr_t)(s.host ? s.host : "127.0.0.1");
    at.port = s.port;
    Bn__Broker leader = BN__BROKER__INIT, me = BN__BROKER__INIT, *brokers[] = {&leader, &me};
    leader.id = FOLLOW_LEADER;
    me.id = WORLD_BROKER;
    leader.epoch = 200, me.epoch = 100;
    leader.rack = me.rack = (char *)(uintptr_t) "";
    leader.endpoints = me.endpoints = ats;
    leader.n_endpoints = me.n_endpoints = 1;
    Bn__ImageDelta d = BN__IMAGE_DELTA__INIT;
    d.controller_epoch = 1;
    d.sequence = w->image->sequence + 1;
    d.reset = w->image->controller_epoch != 1;
    d.cluster_id = (char *)(uintptr_t) "cluster-id";
    d.topics = topics;
    d.n_topics = 1;
    d.brokers = brokers;
    d.n_brokers = s.port ? 2 : 0;
    world_on_shard(w, apply, &d);
    for (int i = 0; i < n; i++) await(w, look_open, (struct looking){.index = i}, "an open log");
}

struct bn_partition *follow_partition(struct world *w, int32_t index) {
    struct bn_partition *p = bn_roster_find(w->roster, &world_id, index);
    ck_assert_ptr_nonnull(p);
    return p;
}

struct feeding {
    struct bn_partition_fetched f;
    int rc;
};

static void feed(struct world *w, void *arg) {
    struct feeding *x = arg;
    struct bn_partition *p = follow_partition(w, 0);
    if (x->f.asked.offset < 0) x->f.asked.offset = bn_log_end_offset(p->log);
    if (x->f.asked.leader_epoch < 0) x->f.asked.leader_epoch = p->leader_epoch;
    x->rc = bn_partition_fetched(p, &x->f);
}

int follow_feed(struct world *w, struct bn_partition_fetched f) {
    struct feeding x = {.f = f};
    world_on_shard(w, feed, &x);
    return x.rc;
}

static void get_end(struct world *w, void *arg) {
    struct looking *l = arg;
    l->end = bn_log_end_offset(follow_partition(w, l->index)->log);
}

int64_t follow_end(struct world *w, int32_t index) {
    struct looking l = {.index = index};
    world_on_shard(w, get_end, &l);
    return l.end;
}

/* ---- the pool ---- */

enum { POOL_THREADS = 2 }; /* of the world's */

static struct hold {
    struct bn_job job;
    sem_t held, go;
} holds[POOL_THREADS];

static void hold_run(struct bn_job *job) {
    struct hold *h = BN_CONTAINER_OF(job, struct hold, job);
    sem_post(&h->held);
    while (sem_wait(&h->go) != 0) continue;
}

void follow_hold_pool(struct world *w) {
    for (int i = 0; i < POOL_THREADS; i++) {
        holds[i] = (struct hold){.job.run = hold_run};
        sem_init(&holds[i].held, 0, 0);
        sem_init(&holds[i].go, 0, 0);
        bn_pool_submit(w->pool, &holds[i].job);
    }
    for (int i = 0; i < POOL_THREADS; i++) {
        while (sem_wait(&holds[i].held) != 0) continue;
    }
}

void follow_release_pool(struct world *w) {
    (void)w;
    for (int i = 0; i < POOL_THREADS; i++) sem_post(&holds[i].go);
}
