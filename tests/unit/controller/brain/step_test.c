/* step_test.c: a random world under the brain's invariants. Goal: no order of deaths, returns, lost answers, tools,
 * requests and failovers breaks what brokers and clients rely on. Method: seeded steps against the fake ZooKeeper; each
 * multi that is applied, each delta and each image is checked; at the end all faults stop and everything must come to
 * rest.
 *
 *   EpochMonotonic   a leader epoch never goes back; another leader means a greater epoch
 *   IsrSound         the ISR is never empty, within the replicas, and holds the leader
 *   OneWrite         one write in flight per partition
 *   Sequence         deltas are numbered without a gap, versions told never go back and stand in ZooKeeper
 *   StreamExact      an image equals what the deltas before it made
 *   NoResume         an image tells a broker of no role that is older than its registration
 *   DeleteEvidence   a state that brokers were told of is deleted only when each replica has confirmed
 *   Heals            at rest no request is open, no partition with a live ISR member is without a leader */
#include "tests/script/brain_print.h"
#include "tests/unit/controller/brain/random_world.h"

#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/str.h"

static void feed(struct random_world *w, struct bn_event *e);

static void confirm(struct random_world *w, int32_t broker, const struct bn_output_removed *removed) {
    struct bn_event e = {.kind = BN_EVENT_REPLICAS_DELETED};
    e.u.replicas_deleted = (struct bn_event_replicas_deleted){.token = random_world_token(w),
                                                              .broker = broker,
                                                              .broker_epoch = random_world_registered_at(w, broker),
                                                              .topic_id = removed->id};
    if (e.u.replicas_deleted.broker_epoch >= 0) random_world_evidence(w, &removed->id)->confirmed[broker] = true;
    feed(w, &e);
}

static void hear_reply(struct random_world *w, const struct bn_output_reply *r) {
    CHECK(w, r->token < TOKENS_MAX && w->open[r->token], "token %d answered twice", (int)r->token);
    w->open[r->token] = false;
    w->replies++;
}

static bool activate(struct random_world *w);

/* Removed topics are confirmed after the step, by every broker whose stream hears of them. */
static void perform(struct random_world *w) {
    struct bn_output_removed removed[64];
    int32_t hearer[64], removed_count = 0;
    bool relearned = false, resigned = false;
    for (int32_t i = 0; i < w->out.count; i++) {
        const struct bn_output *o = &w->out.items[i];
        int32_t before = w->pending.count;
        brain_pending_add(&w->pending, &w->zk, o);
        if (w->pending.count > before) random_world_flying(w, &w->pending.items[before], true);
        if (o->kind == BN_OUTPUT_REPLY) hear_reply(w, &o->u.reply);
        if (o->kind == BN_OUTPUT_DELTA) random_world_hear_delta(w, &o->u.delta);
        if (o->kind == BN_OUTPUT_RESIGN) resigned = true;
        bool vanished = false;
        for (int32_t at = 0; at < i; at++)
            vanished = vanished ||
                       (w->out.items[at].kind == BN_OUTPUT_NOTE && strstr(w->out.items[at].u.note.text, "vanished"));
        if (o->kind == BN_OUTPUT_IMAGE && vanished && !relearned) {
            random_world_relearn(w, &o->u.delta);
            relearned = true;
        }
        if (o->kind == BN_OUTPUT_IMAGE) random_world_hear_image(w, &o->u.delta, false);
        if (o->kind == BN_OUTPUT_CLOSE)
            for (int32_t b = 1; b <= BROKERS; b++)
                if (w->streams[b] == o->u.token) w->streams[b] = 0;
        if (o->kind != BN_OUTPUT_IMAGE && o->kind != BN_OUTPUT_DELTA) continue;
        for (int32_t at = 0; at < o->u.delta.removed_topic_count && removed_count < 32; at++) {
            removed[removed_count] = o->u.delta.removed_topics[at];
            hearer[removed_count++] = o->kind == BN_OUTPUT_IMAGE ? o->u.delta.broker : 0;
        }
    }
    if (resigned) {
        activate(w);
        return;
    }
    for (int32_t i = 0; i < removed_count; i++)
        for (int32_t b = 1; b <= BROKERS; b++)
            if (w->streams[b] && (hearer[i] == 0 || hearer[i] == b) && random_world_draw(w, 4))
                confirm(w, b, &removed[i]);
}

static void narrate(const struct random_world *w, const struct bn_event *e) { /* BN_VERBOSE=1 BN_SEED=n */
    struct bn_str s;
    bn_str_init(&s);
    bn_str_addf(&s, "event %d\n", e->kind);
    for (int32_t i = 0; i < w->out.count; i++) brain_print_output(&s, &w->out.items[i]);
    fputs(s.ptr, stderr);
    bn_str_fini(&s);
}

static void feed(struct random_world *w, struct bn_event *e) {
    e->now_ms = w->now_ms;
    bn_output_clear(&w->out);
    bn_step_run(w->model, e, &w->out);
    if (getenv("BN_VERBOSE")) narrate(w, e);
    perform(w);
}

static bool activate(struct random_world *w) {
    bn_model_free(w->model);
    w->settings.random_seed = w->seed * 1000 + (uint64_t)w->epoch;
    w->model = bn_model_new(&w->settings);
    w->epoch++;
    w->sequence = 0;
    w->zk.newer_epoch = false;
    brain_pending_drop(&w->pending);
    bn_map_fini(&w->flying);
    bn_map_init(&w->flying);
    memset(w->streams, 0, sizeof w->streams);
    memset(w->open, 0, sizeof w->open);
    struct bn_event e = {.kind = BN_EVENT_ACTIVATED};
    e.u.activated = (struct bn_event_activated){.controller_id = 1, .controller_epoch = w->epoch};
    brain_world_load(&w->zk, &e.u.activated);
    struct bn_output_delta all = {.topic_count = 0};
    struct bn_output_topic *topics = random_world_keep(w, sizeof *topics * (size_t)(e.u.activated.topic_count + 1));
    for (int32_t i = 0; i < e.u.activated.topic_count; i++) {
        const struct bn_fact_topic *t = &e.u.activated.topics[i];
        bool marked = false;
        for (int32_t m = 0; m < e.u.activated.delete_marker_count; m++)
            marked = marked || strcmp(e.u.activated.delete_markers[m], t->name) == 0;
        if (marked || !(t->has_id || t->has_second_id)) continue;
        struct bn_output_partition *p = random_world_keep(w, sizeof *p * (size_t)(t->partition_count + 1));
        struct bn_output_topic *out = &topics[all.topic_count++];
        *out = (struct bn_output_topic){t->name, t->has_id ? t->id : t->second_id, p, 0};
        for (int32_t at = 0; at < t->partition_count; at++)
            if (t->partitions[at].has_state) p[out->partition_count++].fact = t->partitions[at];
    }
    all.topics = topics;
    random_world_relearn(w, &all);
    feed(w, &e);
    return true;
}

/* --- what can happen --- */

static void complete_one(struct random_world *w, bool faults) {
    if (w->pending.count == 0) return;
    struct brain_pending_item item = w->pending.items[0];
    uint32_t luck = faults ? random_world_draw(w, 20) : 19;
    bool apply = luck != 0 || item.kind == BN_OUTPUT_PURGE, lose = luck < 2 && item.kind == BN_OUTPUT_MULTI;
    if (item.kind == BN_OUTPUT_MULTI && apply) random_world_check_ops(w, &item);
    random_world_flying(w, &item, false);
    struct bn_event e;
    brain_pending_finish(&w->pending, &w->zk, apply, lose, &e);
    feed(w, &e);
}

static void tell_brokers(struct random_world *w) {
    struct bn_event e = {.kind = BN_EVENT_BROKERS};
    struct bn_fact_broker *list;
    e.u.brokers.broker_count = brain_world_brokers(&w->zk, &list);
    e.u.brokers.brokers = list;
    feed(w, &e);
}

static void say_hello(struct random_world *w, int32_t b) {
    struct bn_event e = {.kind = BN_EVENT_HELLO};
    struct bn_fact_broker *list;
    int32_t n = brain_world_brokers(&w->zk, &list);
    for (int32_t i = 0; i < n; i++) {
        if (list[i].id != b) continue;
        if (w->streams[b]) w->open[w->streams[b]] = false; /* its answer is not waited for any more */
        e.u.hello = (struct bn_event_hello){random_world_token(w), b, list[i].epoch, list[i].incarnation};
        uint64_t old = w->streams[b];
        w->streams[b] = e.u.hello.token;
        (void)old;
        feed(w, &e);
    }
}

static void broker_event(struct random_world *w) {
    int32_t b = 1 + (int32_t)random_world_draw(w, BROKERS);
    struct bn_event e = {.kind = BN_EVENT_STREAM_DOWN, .u.stream.token = w->streams[b]};
    switch (random_world_draw(w, 8)) {
    case 0:
        brain_world_unregister(&w->zk, b);
        break;
    case 1:
    case 2:
        brain_world_register(&w->zk, b, NULL);
        break;
    case 3:
        if (!w->streams[b]) break;
        w->open[w->streams[b]] = false;
        w->streams[b] = 0;
        feed(w, &e);
        if (random_world_draw(w, 2)) break;
        struct bn_fact_broker *list;
        int32_t n = brain_world_brokers(&w->zk, &list);
        for (int32_t i = 0; i < n; i++)
            if (list[i].id == b) {
                e = (struct bn_event){.kind = BN_EVENT_REFUSED, .u.refused = {b, list[i].incarnation}};
                feed(w, &e);
            }
        break;
    case 4:
        say_hello(w, b);
        break;
    default:
        tell_brokers(w);
    }
}

static const char *topic_name(struct random_world *w) {
    static const char *const NAMES[TOPICS] = {"a", "b", "c", "d", "e"};
    return NAMES[random_world_draw(w, TOPICS)];
}

static void admin_event(struct random_world *w) {
    struct bn_event e;
    const char *name = topic_name(w);
    int32_t timeout = random_world_draw(w, 5) ? 30000 : 0;
    struct bn_event_create_topic create = {.name = name,
                                           .num_partitions = 1 + (int32_t)random_world_draw(w, PARTITIONS_MAX),
                                           .replication_factor = (int16_t)(1 + random_world_draw(w, 3))};
    struct bn_event_delete_topic delete = {.name = name};
    struct bn_event_add_partitions add = {.name = name, .count = 1 + (int32_t)random_world_draw(w, PARTITIONS_MAX * 2)};
    switch (random_world_draw(w, 4)) {
    case 0:
    case 1:
        e = (struct bn_event){.kind = BN_EVENT_CREATE_TOPICS};
        e.u.create_topics = (struct bn_event_create_topics){.token = random_world_token(w),
                                                            .timeout_ms = timeout,
                                                            .num_partitions = 1,
                                                            .default_replication_factor = 1,
                                                            .topics = &create,
                                                            .topic_count = 1};
        break;
    case 2:
        e = (struct bn_event){.kind = BN_EVENT_DELETE_TOPICS};
        e.u.delete_topics = (struct bn_event_delete_topics){.token = random_world_token(w),
                                                            .timeout_ms = timeout,
                                                            .api_version = 6,
                                                            .delete_topic_enable = true,
                                                            .topics = &delete,
                                                            .topic_count = 1};
        break;
    default:
        e = (struct bn_event){.kind = BN_EVENT_CREATE_PARTITIONS};
        e.u.create_partitions = (struct bn_event_create_partitions){
            .token = random_world_token(w), .timeout_ms = timeout, .topics = &add, .topic_count = 1};
    }
    feed(w, &e);
}

static void alter_event(struct random_world *w) {
    struct bn_fact_topic t;
    if (!brain_world_topic(&w->zk, topic_name(w), &t) || !t.partition_count) return;
    const struct bn_fact_partition *p = &t.partitions[random_world_draw(w, (uint32_t)t.partition_count)];
    if (!p->has_state || p->state.leader < 0) return;
    int32_t isr[8], count = 0;
    int64_t epochs[8];
    for (int32_t i = 0; i < p->replicas.count; i++) {
        if (p->replicas.ids[i] != p->state.leader && random_world_draw(w, 2)) continue;
        epochs[count] = random_world_draw(w, 10) ? random_world_registered_at(w, p->replicas.ids[i]) : 1;
        isr[count++] = p->replicas.ids[i];
    }
    struct bn_event_alter_item item = {t.id,
                                       p->index,
                                       p->state.leader_epoch - (random_world_draw(w, 10) == 0),
                                       p->state.version - (random_world_draw(w, 10) == 0),
                                       {isr, count},
                                       epochs,
                                       false};
    struct bn_event e = {.kind = BN_EVENT_ALTER_PARTITION};
    e.u.alter_partition = (struct bn_event_alter_partition){random_world_token(w), p->state.leader,
                                                            random_world_registered_at(w, p->state.leader), &item, 1};
    feed(w, &e);
}

static void tool_event(struct random_world *w) {
    const char *name = topic_name(w);
    struct bn_fact_topic t;
    struct bn_event e = {.kind = BN_EVENT_TOPIC};
    bool there = brain_world_topic(&w->zk, name, &t);
    uint32_t what = random_world_draw(w, 12);
    char path[64];
    snprintf(path, sizeof path, "/admin/delete_topics/%s", name);
    if (what == 0) {
        brain_world_put(&w->zk, path);
        e = (struct bn_event){.kind = BN_EVENT_DELETE_MARKER, .u.name = name};
        feed(w, &e);
        return;
    }
    if (what < 3 && !there) brain_world_edit_topic(&w->zk, name, "0:1,2,3 1:2,1 2:4", NULL);
    if (what == 3 && there && !brain_world_find(&w->zk, path)) { /* Kafka 2.8 adds a partition, and drops the id */
        struct bn_str s;
        bn_str_init(&s);
        for (int32_t i = 0; i <= t.partition_count && i < PARTITIONS_MAX * 2; i++) {
            bn_str_addf(&s, "%s%d:", i ? " " : "", i);
            for (int32_t at = 0; i < t.partition_count && at < t.partitions[i].replicas.count; at++)
                bn_str_addf(&s, "%s%d", at ? "," : "", t.partitions[i].replicas.ids[at]);
            if (i == t.partition_count) bn_str_add(&s, "1,2");
        }
        brain_world_edit_topic(&w->zk, name, s.ptr, random_world_draw(w, 2) ? &t.id : NULL);
        bn_str_fini(&s);
    }
    if (brain_world_topic(&w->zk, name, &e.u.topic)) feed(w, &e);
}

static void elect_event(struct random_world *w) {
    uint32_t how = random_world_draw(w, 4);
    struct bn_event_elect list[4];
    struct bn_event e = {.kind = how == 3 ? BN_EVENT_ELECT_NODE : BN_EVENT_ELECT_LEADERS};
    for (int i = 0; i < 4; i++)
        list[i] = (struct bn_event_elect){topic_name(w), (int32_t)random_world_draw(w, PARTITIONS_MAX)};
    e.u.elect_leaders = (struct bn_event_elect_leaders){.token = how == 3 ? 0 : random_world_token(w),
                                                        .timeout_ms = random_world_draw(w, 5) ? 30000 : 0,
                                                        .unclean = how == 1,
                                                        .all = how == 2,
                                                        .partitions = list,
                                                        .partition_count = how == 2 ? 0 : 4};
    feed(w, &e);
}

static void misc_event(struct random_world *w) {
    int32_t b = 1 + (int32_t)random_world_draw(w, BROKERS);
    struct bn_event e = {.kind = BN_EVENT_TICK};
    switch (random_world_draw(w, 10)) {
    case 6:
        w->leaving[b] = true;
        e = (struct bn_event){.kind = BN_EVENT_CONTROLLED_SHUTDOWN,
                              .u.controlled_shutdown = {random_world_token(w), b, random_world_registered_at(w, b)}};
        break;
    case 7:
    case 8:
        elect_event(w);
        return;
    case 0:
        e = (struct bn_event){.kind = BN_EVENT_PRODUCER_IDS,
                              .u.producer_ids = {random_world_token(w), b, random_world_registered_at(w, b)}};
        break;
    case 1:
        w->zk.newer_epoch = random_world_draw(w, 10) == 0;
        break;
    case 2:
        if (random_world_draw(w, 12) == 0) activate(w);
        return;
    default:
        w->now_ms += (int64_t)random_world_draw(w, 20000);
    }
    feed(w, &e);
}

static void random_step(struct random_world *w) {
    if (w->token_next > TOKENS_MAX - 64) { /* start over: all tokens of the past are answered or dropped */
        activate(w);
        w->token_next = 1;
    }
    uint32_t what = random_world_draw(w, 100);
    if (what < 45)
        complete_one(w, true);
    else if (what < 65)
        broker_event(w);
    else if (what < 75)
        admin_event(w);
    else if (what < 88)
        alter_event(w);
    else if (what < 95)
        tool_event(w);
    else
        misc_event(w);
}

/* --- rest --- */

static void drain(struct random_world *w) {
    for (int i = 0; w->pending.count && i < 20000; i++) complete_one(w, false);
    CHECK(w, w->pending.count == 0, "requests to ZooKeeper never end");
}

static void come_to_rest(struct random_world *w) {
    w->zk.newer_epoch = false;
    drain(w);
    for (int32_t b = 1; b <= BROKERS; b++) {
        struct bn_output_op op = {.kind = BN_OUTPUT_OP_DELETE_BROKER, .broker = b};
        bool there = brain_world_find(&w->zk, brain_world_path(&w->zk, &op)) != NULL;
        if (!there || w->leaving[b]) brain_world_register(&w->zk, b, NULL); /* who shuts down is no candidate */
    }
    tell_brokers(w);
    drain(w);
    static const char *const NAMES[TOPICS] = {"a", "b", "c", "d", "e"};
    for (int i = 0; i < TOPICS; i++) { /* no watch stays unheard */
        struct bn_event e = {.kind = BN_EVENT_TOPIC};
        if (brain_world_topic(&w->zk, NAMES[i], &e.u.topic)) feed(w, &e);
    }
    for (int round = 0; round < 12; round++) /* confirmations are drawn: say it again */
        for (int32_t b = 1; b <= BROKERS; b++) {
            say_hello(w, b);
            drain(w);
        }
    w->now_ms += 100000;
    struct bn_event e = {.kind = BN_EVENT_TICK};
    feed(w, &e);
    drain(w);
    for (int32_t i = 0; i < w->token_next; i++) CHECK(w, !w->open[i], "token %d was never answered", i);
    struct bn_event_activated all = {.controller_id = 1};
    brain_world_load(&w->zk, &all);
    CHECK(w, all.delete_marker_count == 0, "deletion of %s never ends", all.delete_markers[0]);
    for (int32_t i = 0; i < all.topic_count; i++)
        for (int32_t at = 0; at < all.topics[i].partition_count; at++) {
            const struct bn_fact_partition *p = &all.topics[i].partitions[at];
            CHECK(w, p->has_state && p->state.leader >= 0, "%s-%d is offline at rest", all.topics[i].name, p->index);
        }
    struct bn_model_counts counts;
    bn_model_count(w->model, &counts);
    CHECK(w, counts.offline_partitions == 0 && counts.multis_in_flight == 0, "the model disagrees");
}

static void run_seed(uint64_t seed, int *replies, int *elections) {
    struct random_world w = {.seed = seed, .state = seed * 0x9e3779b97f4a7c15u + 1, .token_next = 1};
    w.settings = (struct bn_model_settings){.delete_topic_enable = true,
                                            .session_timeout_ms = 6000,
                                            .unclean_election = seed % 3 == 0,
                                            .auto_rebalance = seed % 2 == 0,
                                            .rebalance_interval_ms = 60000,
                                            .imbalance_percentage = 10};
    brain_world_init(&w.zk);
    bn_output_init(&w.out);
    bn_map_init(&w.told);
    bn_map_init(&w.flying);
    bn_map_init(&w.evidence);
    bn_map_init(&w.epoch_zxid);
    for (int32_t b = 1; b <= 3; b++) brain_world_register(&w.zk, b, NULL);
    activate(&w);
    for (int i = 0; i < STEPS; i++) random_step(&w);
    come_to_rest(&w);
    *replies += w.replies;
    *elections += w.elections;
    bn_model_free(w.model);
    brain_pending_drop(&w.pending);
    bn_output_fini(&w.out);
    bn_map_fini(&w.told);
    bn_map_fini(&w.flying);
    bn_map_fini(&w.evidence);
    bn_map_fini(&w.epoch_zxid);
    brain_world_fini(&w.zk);
}

START_TEST(random_worlds_keep_the_invariants) {
    int replies = 0, elections = 0;
    const char *one = getenv("BN_SEED"), *many = getenv("BN_SEEDS");
    uint64_t first = one ? strtoull(one, NULL, 10) : 1, count = one ? 1 : many ? strtoull(many, NULL, 10) : SEEDS;
    for (uint64_t seed = first; seed < first + count; seed++) run_seed(seed, &replies, &elections);
    ck_assert_int_gt(replies, 100 * (int)count); /* the worlds are lively */
    ck_assert_int_gt(elections, 50 * (int)count);
}
END_TEST

Suite *step_suite(void);
Suite *step_suite(void) {
    Suite *s = suite_create("step");
    TCase *c = tcase_create("random");
    tcase_set_timeout(c, 300);
    tcase_add_test(c, random_worlds_keep_the_invariants);
    suite_add_tcase(s, c);
    return s;
}
