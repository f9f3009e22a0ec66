/* groups_test.c: the fence and the stages of groups, under a random cluster: whatever is elected, lost or spoiled, a
 * group's znode is only ever written under the leader epoch that stands in ZooKeeper at that moment, its parts stand
 * there as long as it names them, and what was answered with 0 is there. (Single cases are in controller_groups.txt.)
 */
#include "controller/brain/groups.h"

#include "common/base/alloc.h"
#include "tests/script/brain_group.h"
#include "tests/unit/controller/brain/bench.h"

enum { SEEDS = 60, STEPS = 700, BROKERS = 3, GROUPS = 6 };

static struct bench b;
static uint64_t dice, tokens;
static int32_t reign, generation, fine, refused;
static bool alive[BROKERS + 1], removed[GROUPS];
static struct written {
    int group;
    int32_t generation;
} written[STEPS * 4];

static uint32_t draw(uint32_t bound) {
    dice = dice * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(dice >> 33) % bound;
}

static const struct bn_fact_state *state(int32_t partition) {
    char path[80];
    snprintf(path, sizeof path, "/brokers/topics/__consumer_offsets/partitions/%d/state", partition);
    const struct brain_world_node *n = brain_world_find(&b.zk, path);
    return n ? &n->data.u.state : NULL;
}

static char *name_of(int group) { return bn_arena_printf(&b.zk.arena, "%c", 'a' + group); }
static int32_t partition_of(int group) { return ('a' + group) % 2; }

static const struct brain_world_node *node_of(int group) {
    return brain_world_find(&b.zk, bn_arena_printf(&b.zk.arena, "/consumers/%s", name_of(group)));
}

static void check_replies(void) {
    for (int32_t i = 0; i < b.out.count; i++) {
        const struct bn_output *o = &b.out.items[i];
        if (o->kind != BN_OUTPUT_REPLY || o->u.reply.kind != BN_OUTPUT_REPLY_GROUP_WRITE) continue;
        const struct written *w = &written[o->u.reply.token];
        fine += o->u.reply.error == 0;
        refused += o->u.reply.error != 0;
        if (o->u.reply.error || w->generation == 0 || removed[w->group]) continue;
        const struct brain_world_node *n = node_of(w->group);
        ck_assert_msg(n && n->data.u.group.generation >= w->generation, "%s is not there", name_of(w->group));
    }
}

static void feed(struct bn_event *e) {
    bench_feed(&b, e);
    check_replies();
    bench_hush(&b);
}

/* A write's own leader epoch stands in its timestamp. */
static void check_fence(const struct brain_pending_item *item) {
    for (int32_t i = 0; i < item->op_count; i++) {
        const struct bn_output_op *op = &item->ops[i];
        if (op->kind != BN_OUTPUT_OP_SET_GROUP && op->kind != BN_OUTPUT_OP_CREATE_GROUP) continue;
        if (op->version >= 0 || op->u.group.timestamp_ms == 0) continue; /* only reserved was new */
        ck_assert_int_eq(op->u.group.timestamp_ms, state(partition_of(op->u.group.name[0] - 'a'))->leader_epoch);
    }
}

static void check_parts(void) {
    for (int g = 0; g < GROUPS; g++) {
        const struct brain_world_node *n = node_of(g);
        if (!n || (n->data.kind != BN_OUTPUT_OP_SET_GROUP && n->data.kind != BN_OUTPUT_OP_CREATE_GROUP)) continue;
        for (int32_t i = 0; i < n->data.u.group.part_count; i++) {
            const struct bn_fact_group_part *p = &n->data.u.group.parts[i];
            ck_assert(brain_world_find(&b.zk, bn_arena_printf(&b.zk.arena, "/consumers/%s/members-%d-%d", name_of(g),
                                                              p->generation, p->number)));
        }
    }
}

static void finish(void) {
    if (b.pending.count == 0) return;
    bool lose = draw(12) == 0, apply = !lose || draw(2);
    if (apply) check_fence(&b.pending.items[0]);
    bench_end(&b, apply, lose);
    check_replies();
    bench_hush(&b);
    check_parts();
}

static void write_group(void) {
    static const char *const sizes[] = {"0", "1", "3", "5x30000", "7x30000"};
    int group = (int)draw(GROUPS);
    int32_t partition = partition_of(group);
    const struct bn_fact_state *s = state(partition);
    struct bn_event e = {.kind = BN_EVENT_GROUP_WRITE};
    uint32_t what = draw(12);
    char *word = what == 0   ? bn_arena_printf(&b.zk.arena, "remove:%s", name_of(group))
                 : what == 1 ? bn_arena_printf(&b.zk.arena, "reserve:%s:%d", name_of(group), generation + 16)
                             : bn_arena_printf(&b.zk.arena, "%s:%d:%d:%s", name_of(group), generation + 1,
                                               generation + 16, sizes[draw(5)]);
    struct bn_event_group_write *q = &e.u.group_write;
    brain_group_write(&b.zk, &word, 1, q);
    q->token = ++tokens;
    q->broker = draw(8) ? s->leader : 1 + (int32_t)draw(BROKERS);
    q->broker_epoch = bench_epoch(&b, q->broker);
    q->partition = partition;
    q->leader_epoch = s->leader_epoch - (draw(6) == 0);
    ((struct bn_event_group_item *)(uintptr_t)q->items)->group.timestamp_ms = q->leader_epoch;
    written[q->token] = (struct written){group, what > 1 ? ++generation : 0};
    removed[group] = removed[group] || what == 0;
    feed(&e);
}

static void tell_brokers(void) {
    struct bn_event e = {.kind = BN_EVENT_BROKERS};
    struct bn_fact_broker *list;
    e.u.brokers.broker_count = brain_world_brokers(&b.zk, &list);
    e.u.brokers.brokers = list;
    feed(&e);
}

static void hello(int32_t id) {
    static uint64_t stream = 1000;
    if (alive[id]) bench_hello(&b, stream++, id);
    check_replies();
}

static void die_or_come_back(void) {
    int32_t id = 1 + (int32_t)draw(BROKERS);
    alive[id] = !alive[id];
    if (alive[id])
        brain_world_register(&b.zk, id, NULL);
    else
        brain_world_unregister(&b.zk, id);
    tell_brokers();
    hello(id);
}

static void propose(void) { /* the leader takes everybody in */
    int32_t partition = (int32_t)draw(2), ids[BROKERS];
    int64_t epochs[BROKERS];
    const struct bn_fact_state *s = state(partition);
    struct bn_fact_topic t;
    ck_assert(brain_world_topic(&b.zk, "__consumer_offsets", &t));
    struct bn_event_alter_item item = {.topic_id = t.id, .partition = partition, .leader_epoch = s->leader_epoch};
    for (int32_t id = 1; id <= BROKERS; id++)
        if (alive[id]) {
            ids[item.isr.count] = id;
            epochs[item.isr.count++] = bench_epoch(&b, id);
        }
    item.partition_epoch = t.partitions[partition].state.version;
    item.isr.ids = ids;
    item.isr_broker_epochs = epochs;
    struct bn_event e = {.kind = BN_EVENT_ALTER_PARTITION};
    e.u.alter_partition = (struct bn_event_alter_partition){9, s->leader, bench_epoch(&b, s->leader), &item, 1};
    feed(&e);
}

static void list_groups(void) {
    struct bn_event e = {.kind = BN_EVENT_GROUPS};
    brain_group_list(&b.zk, &e.u.groups);
    feed(&e);
}

static void next_controller(void) {
    bench_restart(&b, ++reign);
    for (int32_t id = 1; id <= BROKERS; id++) hello(id);
    list_groups();
}

static void spoil(void) { /* a person, or an old consumer */
    char *path = bn_arena_printf(&b.zk.arena, "/consumers/%s%s", name_of((int)draw(GROUPS)), draw(2) ? "/offsets" : "");
    if (brain_world_find(&b.zk, path) || !node_of(path[11] - 'a'))
        removed[path[11] - 'a'] = true, brain_world_remove_tree(&b.zk, path);
    else
        brain_world_put(&b.zk, path)->data.kind = BN_OUTPUT_OP_MAKE_GROUP;
}

START_TEST(a_random_cluster) {
    bench_init(&b, BROKERS);
    dice = (uint64_t)_i;
    tokens = 0;
    reign = 1;
    generation = fine = refused = 0;
    memset(removed, 0, sizeof removed);
    memset(written, 0, sizeof written);
    for (int32_t id = 1; id <= BROKERS; id++) alive[id] = true;
    bench_create(&b, "__consumer_offsets", "0:1,2,3 1:2,3,1");
    list_groups();
    for (int i = 0; i < STEPS; i++) {
        uint32_t what = draw(100);
        if (what < 35)
            write_group();
        else if (what < 85)
            finish();
        else if (what < 90)
            propose();
        else if (what < 95)
            die_or_come_back();
        else if (what < 97)
            spoil();
        else if (what < 98)
            next_controller();
    }
    while (b.pending.count) finish();
    ck_assert_msg(fine > STEPS / 50 && refused > 0, "%d, %d", fine, refused);
    bench_fini(&b);
}
END_TEST

/* Nothing of it is answered before the names are known. */
START_TEST(names_come_first) {
    struct bn_event e = {.kind = BN_EVENT_GROUP_READ}, w = {.kind = BN_EVENT_GROUP_WRITE};
    char *word = bn_alloc_strdup("b:1:16");
    bench_init(&b, 1);
    bench_create(&b, "__consumer_offsets", "0:1");
    e.u.group_read = (struct bn_event_group_read){1, 1, bench_epoch(&b, 1), 0, 0, ""};
    brain_group_write(&b.zk, &word, 1, &w.u.group_write);
    w.u.group_write.token = 2;
    w.u.group_write.broker = 1;
    w.u.group_write.broker_epoch = bench_epoch(&b, 1);
    bench_feed(&b, &e);
    bench_feed(&b, &w);
    ck_assert_int_eq(b.pending.count, 0);
    list_groups();
    bench_drain(&b);
    ck_assert(bench_said(&b, "REPLY 2 group-write error 0"));
    bench_fini(&b);
    bn_alloc_free(word);
}
END_TEST

Suite *groups_suite(void);
Suite *groups_suite(void) {
    Suite *s = suite_create("groups");
    TCase *c = tcase_create("groups");
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, a_random_cluster, 0, SEEDS);
    tcase_add_test(c, names_come_first);
    suite_add_tcase(s, c);
    return s;
}
