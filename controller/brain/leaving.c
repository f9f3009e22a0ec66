/* leaving.c: controlled shutdown. Owns the requests that wait. A broker that asks is marked for this incarnation, and
 * every partition in which it has a role is looked at: election.c moves its leaderships and takes it out of the ISRs
 * in which another member stays. The answer waits until nothing of that is in flight or still to be looked at, so that
 * it comes behind the delta that tells the new leaders. A failover of the controller forgets the mark: the broker,
 * whose call has failed, asks the next one. */
#include "controller/brain/leaving.h"

#include "common/base/alloc.h"

struct leaving_wait {
    struct bn_list node; /* in model.leaving_waits */
    uint64_t token;
    int32_t broker;
    int64_t epoch;
};

static bool has_role(const struct bn_model_state *s, int32_t broker) {
    return s->leader == broker || bn_ids_has(bn_ids_fact(&s->isr), broker);
}

static bool is_current(const struct bn_model *m, int32_t broker, int64_t epoch) {
    const struct bn_model_broker *b = bn_model_broker(m, broker);
    return b && b->registered && b->epoch == epoch;
}

static struct bn_output_reply *reply(struct bn_model *m, uint64_t token, int error) {
    struct bn_output_reply *r = &bn_output_add(m->out, BN_OUTPUT_REPLY)->u.reply;
    r->token = token;
    r->kind = BN_OUTPUT_REPLY_CONTROLLED_SHUTDOWN;
    r->error = (int16_t)error;
    return r;
}

void bn_leaving_request(struct bn_model *m, const struct bn_event_controlled_shutdown *e) {
    if (!is_current(m, e->broker, e->broker_epoch)) {
        reply(m, e->token, BN_KERR_STALE_BROKER_EPOCH);
        return;
    }
    struct bn_model_broker *b = bn_model_broker(m, e->broker);
    BN_MODEL_INFO(m, "Shutting down broker %" PRId32, b->id);
    b->leaving = true;
    size_t at = 0;
    for (struct bn_map_entry *it; (it = bn_map_next(&m->topics, &at));) {
        const struct bn_model_topic *t = it->value;
        for (int32_t i = 0; t->kind == BN_MODEL_LIVE && i < t->partition_count; i++) {
            struct bn_model_partition *p = t->partitions[i];
            if ((p->has_state && has_role(&p->state, b->id)) || (p->busy && has_role(&p->planned, b->id)))
                bn_model_partition_dirty(m, p);
        }
    }
    struct leaving_wait *w = bn_alloc_zero(1, sizeof *w);
    *w = (struct leaving_wait){.token = e->token, .broker = b->id, .epoch = b->epoch};
    bn_list_push_back(&m->leaving_waits, &w->node);
}

/* A replica elsewhere lives and is not in the ISR yet. */
static bool may_move(const struct bn_model *m, const struct bn_model_partition *p) {
    for (int32_t i = 0; i < p->replicas.count; i++) {
        const struct bn_model_broker *b = bn_model_broker(m, p->replicas.ids[i]);
        if (b && b->registered && !b->leaving) return true;
    }
    return false;
}

static bool is_settled(const struct bn_model *m, int32_t broker, int32_t *led) {
    size_t at = 0;
    for (struct bn_map_entry *it; (it = bn_map_next(&m->topics, &at));) {
        const struct bn_model_topic *t = it->value;
        for (int32_t i = 0; t->kind == BN_MODEL_LIVE && i < t->partition_count; i++) {
            const struct bn_model_partition *p = t->partitions[i];
            bool role = p->has_state && has_role(&p->state, broker);
            bool open = p->busy || !bn_list_empty(&p->dirty);
            if (open && (role || (p->busy && has_role(&p->planned, broker)))) return false;
            *led += p->has_state && p->state.leader == broker && p->replicas.count > 1;
        }
    }
    return true;
}

static void answer(struct bn_model *m, const struct leaving_wait *w, int32_t led) {
    struct bn_output_remaining *list = bn_model_scratch(m, (size_t)led, sizeof *list);
    int32_t count = 0, moves = 0;
    size_t at = 0;
    for (struct bn_map_entry *it; led > 0 && (it = bn_map_next(&m->topics, &at));) {
        const struct bn_model_topic *t = it->value;
        for (int32_t i = 0; t->kind == BN_MODEL_LIVE && i < t->partition_count; i++) {
            const struct bn_model_partition *p = t->partitions[i];
            if (!p->has_state || p->state.leader != w->broker || p->replicas.count <= 1) continue;
            list[count++] = (struct bn_output_remaining){bn_model_text(m, t->name), p->index};
            moves += may_move(m, p);
        }
    }
    struct bn_output_reply *r = reply(m, w->token, BN_KERR_NONE);
    r->remaining = list;
    r->remaining_count = count;
    r->may_move = moves;
}

void bn_leaving_settle(struct bn_model *m) {
    BN_LIST_FOR (it, &m->leaving_waits) {
        struct leaving_wait *w = BN_CONTAINER_OF(it, struct leaving_wait, node);
        int32_t led = 0;
        bool current = is_current(m, w->broker, w->epoch);
        if (current && !is_settled(m, w->broker, &led)) continue;
        if (current)
            answer(m, w, led);
        else
            reply(m, w->token, BN_KERR_STALE_BROKER_EPOCH);
        bn_list_remove(&w->node);
        bn_alloc_free(w);
    }
}

void bn_leaving_drop_all(struct bn_model *m) {
    BN_LIST_FOR (it, &m->leaving_waits) {
        bn_list_remove(it);
        bn_alloc_free(BN_CONTAINER_OF(it, struct leaving_wait, node));
    }
}
