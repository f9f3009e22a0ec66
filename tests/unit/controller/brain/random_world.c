/* random_world.c: the checks of the random test: every multi before it is applied, every delta and image as it is told.
 * Owns the world's books: what was told, which evidence there is, when an epoch last moved. */
#include "tests/unit/controller/brain/random_world.h"

#include "common/base/str.h"

uint32_t random_world_draw(struct random_world *w, uint32_t bound) { /* xorshift64* */
    w->state ^= w->state >> 12;
    w->state ^= w->state << 25;
    w->state ^= w->state >> 27;
    return (uint32_t)((w->state * 0x2545f4914f6cdd1du) >> 33) % bound;
}

uint64_t random_world_token(struct random_world *w) {
    ck_assert(w->token_next < TOKENS_MAX);
    w->open[w->token_next] = true;
    return (uint64_t)w->token_next++;
}

void *random_world_keep(struct random_world *w, size_t size) { return bn_arena_alloc(&w->zk.arena, size); }

struct evidence *random_world_evidence(struct random_world *w, const struct bn_uuid *id) {
    struct evidence *e = bn_map_get(&w->evidence, bn_slice_of(id->bytes, 16));
    if (e) return e;
    e = random_world_keep(w, sizeof *e);
    e->id = *id;
    bn_map_put(&w->evidence, bn_slice_of(e->id.bytes, 16), e);
    return e;
}

/* --- checks of what is written --- */

static void check_state(struct random_world *w, const struct bn_output_op *op) {
    const struct bn_fact_state *s = &op->u.state;
    const char *path = brain_world_path(&w->zk, op);
    const struct brain_world_node *old = brain_world_find(&w->zk, path);
    struct bn_fact_topic t;
    CHECK(w, brain_world_topic(&w->zk, op->topic, &t), "state of an absent topic %s", op->topic);
    CHECK(w, s->isr.count > 0, "empty ISR of %s-%d", op->topic, op->partition);
    bool leader_in = s->leader < 0;
    for (int32_t i = 0; i < s->isr.count; i++) leader_in = leader_in || s->isr.ids[i] == s->leader;
    CHECK(w, leader_in, "leader %d of %s-%d is not in its ISR", s->leader, op->topic, op->partition);
    for (int32_t p = 0; p < t.partition_count; p++) {
        if (t.partitions[p].index != op->partition) continue;
        for (int32_t i = 0; i < s->isr.count; i++) {
            bool in = false;
            for (int32_t at = 0; at < t.partitions[p].replicas.count; at++)
                in = in || t.partitions[p].replicas.ids[at] == s->isr.ids[i];
            CHECK(w, in, "ISR member %d of %s-%d is no replica", s->isr.ids[i], op->topic, op->partition);
        }
    }
    bool moved = !old || old->data.u.state.leader_epoch != s->leader_epoch;
    if (old) {
        CHECK(w, s->leader_epoch >= old->data.u.state.leader_epoch, "epoch of %s-%d went back", op->topic,
              op->partition);
        CHECK(w, moved || s->leader == old->data.u.state.leader, "leader moved without epoch");
    }
    if (!moved) return;
    int64_t *zxid = random_world_keep(w, sizeof *zxid);
    *zxid = w->zk.zxid + 1;
    bn_map_put(&w->epoch_zxid, bn_slice_str(path), zxid);
    w->elections++;
}

static void check_deletion(struct random_world *w, const struct bn_output_op *op) {
    struct bn_fact_topic t;
    if (!brain_world_topic(&w->zk, op->topic, &t) || !t.has_id) return;
    const struct evidence *e = random_world_evidence(w, &t.id);
    if (op->partition >= PARTITIONS_MAX * 4 || !e->told[op->partition]) return;
    for (int32_t p = 0; p < t.partition_count; p++)
        for (int32_t i = 0; t.partitions[p].index == op->partition && i < t.partitions[p].replicas.count; i++)
            CHECK(w, e->confirmed[t.partitions[p].replicas.ids[i]], "%s-%d deleted before broker %d confirmed",
                  op->topic, op->partition, t.partitions[p].replicas.ids[i]);
}

/* The multi is about to be applied; ops that will fail are harmless, so that it is tried on the versions first. */
static bool will_apply(struct random_world *w, const struct brain_pending_item *item) {
    for (int32_t i = 0; i < item->op_count; i++) {
        const struct bn_output_op *op = &item->ops[i];
        if (op->kind != BN_OUTPUT_OP_SET_STATE && op->kind != BN_OUTPUT_OP_CREATE_STATE) continue;
        const struct brain_world_node *n = brain_world_find(&w->zk, brain_world_path(&w->zk, op));
        if (op->kind == BN_OUTPUT_OP_CREATE_STATE ? n != NULL : !n || n->version != op->version) return false;
    }
    return !w->zk.newer_epoch;
}

void random_world_check_ops(struct random_world *w, const struct brain_pending_item *item) {
    if (!will_apply(w, item)) return;
    for (int32_t i = 0; i < item->op_count; i++) {
        const struct bn_output_op *op = &item->ops[i];
        struct bn_fact_topic t;
        bool state = op->kind == BN_OUTPUT_OP_SET_STATE || op->kind == BN_OUTPUT_OP_CREATE_STATE;
        if (state && brain_world_topic(&w->zk, op->topic, &t)) check_state(w, op);
        if (op->kind == BN_OUTPUT_OP_DELETE_STATE) check_deletion(w, op);
    }
}

void random_world_flying(struct random_world *w, const struct brain_pending_item *item, bool starts) {
    for (int32_t i = 0; i < item->op_count + item->item_count; i++) {
        struct bn_output_op op = {.kind = BN_OUTPUT_OP_SET_STATE};
        if (i < item->op_count) {
            if (item->ops[i].kind != BN_OUTPUT_OP_SET_STATE && item->ops[i].kind != BN_OUTPUT_OP_CREATE_STATE) continue;
            op.topic = item->ops[i].topic;
            op.partition = item->ops[i].partition;
        } else {
            const struct bn_output_read_item *read = &item->items[i - item->op_count];
            if (read->kind != BN_OUTPUT_READ_STATE) continue;
            op.topic = read->topic;
            op.partition = read->partition;
        }
        const char *path = brain_world_path(&w->zk, &op);
        if (starts)
            CHECK(w, !bn_map_put(&w->flying, bn_slice_str(path), w), "two writes in flight for %s", path);
        else
            bn_map_remove(&w->flying, bn_slice_str(path));
    }
}

/* --- checks of what is told --- */

static void check_partition(struct random_world *w, const struct bn_output_topic *t,
                            const struct bn_output_partition *p) {
    struct bn_output_op op = {.kind = BN_OUTPUT_OP_SET_STATE, .topic = t->name, .partition = p->fact.index};
    const struct brain_world_node *n = brain_world_find(&w->zk, brain_world_path(&w->zk, &op));
    if (n) CHECK(w, n->version >= p->fact.state.version, "%s-%d told before it was written", t->name, p->fact.index);
    if (p->fact.index < PARTITIONS_MAX * 4) random_world_evidence(w, &t->id)->told[p->fact.index] = true;
}

static void told_key(char *key, size_t size, const struct bn_uuid *id, int32_t index) {
    char text[BN_UUID_TEXT_LEN + 1];
    bn_uuid_format(id, text);
    snprintf(key, size, "%s-%d", text, index);
}

void random_world_hear_delta(struct random_world *w, const struct bn_output_delta *d) {
    CHECK(w, d->sequence == w->sequence + 1, "sequence %d after %d", (int)d->sequence, (int)w->sequence);
    w->sequence = d->sequence;
    for (int32_t i = 0; i < d->topic_count; i++) {
        for (int32_t at = 0; at < d->topics[i].partition_count; at++) {
            const struct bn_output_partition *p = &d->topics[i].partitions[at];
            check_partition(w, &d->topics[i], p);
            char key[48];
            told_key(key, sizeof key, &d->topics[i].id, p->fact.index);
            struct told *told = bn_map_get(&w->told, bn_slice_str(key));
            if (told) CHECK(w, p->fact.state.version >= told->version, "%s told backwards", key);
            if (!told) {
                told = random_world_keep(w, sizeof *told);
                memcpy(told->key, key, sizeof key);
                bn_map_put(&w->told, bn_slice_str(told->key), told);
            }
            told->version = p->fact.state.version;
            told->leader = p->fact.state.leader;
            told->leader_epoch = p->fact.state.leader_epoch;
        }
    }
    for (int32_t i = 0; i < d->removed_topic_count; i++) {
        for (int32_t p = 0; p < PARTITIONS_MAX * 4; p++) {
            char key[48];
            told_key(key, sizeof key, &d->removed_topics[i].id, p);
            bn_map_remove(&w->told, bn_slice_str(key));
        }
    }
}

int64_t random_world_registered_at(struct random_world *w, int32_t broker) {
    struct bn_fact_broker *list;
    int32_t n = brain_world_brokers(&w->zk, &list);
    for (int32_t i = 0; i < n; i++)
        if (list[i].id == broker) return list[i].epoch;
    return -1;
}

static int64_t incarnation_of(struct random_world *w, int32_t broker) {
    struct bn_fact_broker *list;
    int32_t n = brain_world_brokers(&w->zk, &list);
    for (int32_t i = 0; i < n; i++)
        if (list[i].id == broker) return list[i].incarnation;
    return -1;
}

void random_world_hear_image(struct random_world *w, const struct bn_output_delta *d, bool replaces) {
    size_t count = 0;
    CHECK(w, d->sequence == w->sequence, "image at %d, deltas at %d", (int)d->sequence, (int)w->sequence);
    int64_t since = incarnation_of(w, d->broker) == d->for_incarnation ? random_world_registered_at(w, d->broker) : -1;
    for (int32_t i = 0; i < d->topic_count; i++) {
        for (int32_t at = 0; at < d->topics[i].partition_count; at++, count++) {
            const struct bn_output_partition *p = &d->topics[i].partitions[at];
            check_partition(w, &d->topics[i], p);
            char key[48];
            told_key(key, sizeof key, &d->topics[i].id, p->fact.index);
            const struct told *told = bn_map_get(&w->told, bn_slice_str(key));
            if (!replaces) {
                CHECK(w, told, "image has %s-%d, no delta had", d->topics[i].name, p->fact.index);
                CHECK(w, told->version == p->fact.state.version && told->leader == p->fact.state.leader,
                      "image and deltas differ about %s-%d", d->topics[i].name, p->fact.index);
            }
            struct bn_output_op op = {
                .kind = BN_OUTPUT_OP_SET_STATE, .topic = d->topics[i].name, .partition = p->fact.index};
            const int64_t *epoch_zxid = bn_map_get(&w->epoch_zxid, bn_slice_str(brain_world_path(&w->zk, &op)));
            bool role = p->fact.state.leader == d->broker;
            for (int32_t m = 0; m < p->fact.state.isr.count; m++) role = role || p->fact.state.isr.ids[m] == d->broker;
            if (role && since >= 0 && epoch_zxid && p->fact.state.leader == d->broker)
                CHECK(w, *epoch_zxid > since, "broker %d resumes %s-%d", d->broker, d->topics[i].name, p->fact.index);
        }
    }
    if (!replaces)
        CHECK(w, count == w->told.count, "image has %d partitions, deltas %d", (int)count, (int)w->told.count);
}

/* After a failover, or when a topic vanished, an image is a new beginning for the listener too. */
void random_world_relearn(struct random_world *w, const struct bn_output_delta *d) {
    bn_map_fini(&w->told);
    bn_map_init(&w->told);
    for (int32_t i = 0; i < d->topic_count; i++)
        for (int32_t at = 0; at < d->topics[i].partition_count; at++) {
            const struct bn_output_partition *p = &d->topics[i].partitions[at];
            struct told *told = random_world_keep(w, sizeof *told);
            told_key(told->key, sizeof told->key, &d->topics[i].id, p->fact.index);
            told->version = p->fact.state.version;
            told->leader = p->fact.state.leader;
            bn_map_put(&w->told, bn_slice_str(told->key), told);
        }
}
