/* bench.c: what the unit tests of the brain share. Owns one world, one model and what it said. */
#include "tests/unit/controller/brain/bench.h"

void bench_feed(struct bench *b, struct bn_event *e) {
    e->now_ms = b->now_ms;
    bn_output_clear(&b->out);
    bn_step_run(b->model, e, &b->out);
    for (int32_t i = 0; i < b->out.count; i++) {
        brain_print_output(&b->said, &b->out.items[i]);
        brain_pending_add(&b->pending, &b->zk, &b->out.items[i]);
    }
}

void bench_end(struct bench *b, bool apply, bool lose) {
    struct bn_event e;
    ck_assert(brain_pending_finish(&b->pending, &b->zk, apply, lose, &e));
    bench_feed(b, &e);
}

void bench_drain(struct bench *b) {
    while (b->pending.count) bench_end(b, true, false);
}

void bench_hush(struct bench *b) { bn_str_clear(&b->said); }

bool bench_said(const struct bench *b, const char *text) {
    if (strstr(b->said.ptr, text)) return true;
    fprintf(stderr, "not said: %s\n%s", text, b->said.ptr);
    return false;
}

void bench_restart(struct bench *b, int32_t epoch) {
    struct bn_event e = {.kind = BN_EVENT_ACTIVATED};
    bn_model_free(b->model);
    brain_pending_drop(&b->pending);
    b->model = bn_model_new(&b->settings);
    e.u.activated = (struct bn_event_activated){.controller_id = 1, .controller_epoch = epoch};
    brain_world_load(&b->zk, &e.u.activated);
    bench_feed(b, &e);
}

void bench_init(struct bench *b, int32_t brokers) {
    *b = (struct bench){.settings = {.random_seed = 1, .delete_topic_enable = true, .session_timeout_ms = 6000}};
    brain_world_init(&b->zk);
    bn_output_init(&b->out);
    bn_str_init(&b->said);
    for (int32_t id = 1; id <= brokers; id++) brain_world_register(&b->zk, id, NULL);
    bench_restart(b, 1);
    bench_drain(b);
    for (int32_t id = 1; id <= brokers; id++) bench_hello(b, 100 + (uint64_t)id, id);
    bench_hush(b);
}

void bench_fini(struct bench *b) {
    bn_model_free(b->model);
    brain_pending_drop(&b->pending);
    bn_output_fini(&b->out);
    bn_str_fini(&b->said);
    brain_world_fini(&b->zk);
}

void bench_create(struct bench *b, const char *name, const char *assignment) {
    struct bn_event e = {.kind = BN_EVENT_TOPIC};
    brain_world_edit_topic(&b->zk, name, assignment, NULL);
    ck_assert(brain_world_topic(&b->zk, name, &e.u.topic));
    bench_feed(b, &e);
    bench_drain(b);
    bench_hush(b);
}

void bench_brokers(struct bench *b) {
    struct bn_event e = {.kind = BN_EVENT_BROKERS};
    struct bn_fact_broker *list;
    e.u.brokers.broker_count = brain_world_brokers(&b->zk, &list);
    e.u.brokers.brokers = list;
    bench_feed(b, &e);
    bench_drain(b);
}

void bench_hello(struct bench *b, uint64_t token, int32_t broker) {
    struct bn_fact_broker *list;
    int32_t count = brain_world_brokers(&b->zk, &list);
    for (int32_t i = 0; i < count; i++) {
        if (list[i].id != broker) continue;
        struct bn_event e = {.kind = BN_EVENT_HELLO, .u.hello = {token, broker, list[i].epoch, list[i].incarnation}};
        bench_feed(b, &e);
    }
}

int64_t bench_epoch(struct bench *b, int32_t broker) {
    struct bn_fact_broker *list;
    int32_t count = brain_world_brokers(&b->zk, &list);
    for (int32_t i = 0; i < count; i++)
        if (list[i].id == broker) return list[i].epoch;
    return -1;
}

struct bn_model_partition *bench_partition(struct bench *b, const char *topic, int32_t index) {
    struct bn_model_topic *t = bn_model_topic(b->model, topic);
    ck_assert(t);
    struct bn_model_partition *p = bn_model_partition(t, index);
    ck_assert(p);
    return p;
}
