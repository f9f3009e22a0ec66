/* alter.c: ISR proposals. Owns the requests that wait: each has one item per partition, queued at its partition in the
 * order of arrival, and is answered when its last item is. An item is judged only against a committed state, never
 * against one in flight; so a proposal that crosses an election is fenced by the new leader epoch.
 *
 * A leader that leaves itself out of the ISR it proposes has lost its log (Kafka tells that by a notification of its
 * log directory): one of the members that it names leads then, under a new epoch. Until it has recovered its log and
 * is taken in again, it is no candidate. */
#include "controller/brain/alter.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "controller/brain/partition_sm.h"

struct alter_item {
    struct bn_list node; /* in partition.proposals; alone once decided */
    struct alter_request *request;
    int32_t at;  /* index of its result */
    bool flying; /* its write is in flight */
    struct bn_alter_proposal proposal;
    struct bn_ids isr;
    int64_t *epochs;
};

struct alter_result {
    struct bn_uuid topic_id;
    int32_t partition;
    int error;
};

struct alter_request {
    struct bn_list node; /* in model.alters */
    uint64_t token;
    int32_t broker, count, undecided;
    struct alter_item *items;
    struct alter_result *results;
};

static void request_free(struct alter_request *r) {
    bn_list_remove(&r->node);
    for (int32_t i = 0; i < r->count; i++) {
        bn_list_remove(&r->items[i].node);
        bn_ids_free(&r->items[i].isr);
        bn_alloc_free(r->items[i].epochs);
    }
    bn_alloc_free(r->items);
    bn_alloc_free(r->results);
    bn_alloc_free(r);
}

static void answer(struct bn_model *m, struct alter_request *r) {
    struct bn_output_alter_result *out = bn_model_scratch(m, (size_t)r->count, sizeof *out);
    for (int32_t i = 0; i < r->count; i++) {
        const struct alter_result *in = &r->results[i];
        out[i] = (struct bn_output_alter_result){in->topic_id, in->partition, (int16_t)in->error, NULL};
        const struct bn_model_topic *t = bn_model_topic_by_id(m, &in->topic_id);
        const struct bn_model_partition *p = t ? bn_model_partition(t, in->partition) : NULL;
        if (!p || !p->has_state) continue;
        struct bn_fact_partition *state = bn_model_scratch(m, 1, sizeof *state);
        *state = bn_model_copy_partition(m, bn_model_partition_fact(p));
        out[i].state = state;
    }
    struct bn_output *o = bn_output_add(m->out, BN_OUTPUT_REPLY);
    o->u.reply.token = r->token;
    o->u.reply.kind = BN_OUTPUT_REPLY_ALTER_PARTITION;
    o->u.reply.alters = out;
    o->u.reply.alter_count = r->count;
    request_free(r);
}

static void decided(struct bn_model *m, struct alter_item *item, int error) {
    bn_list_remove(&item->node);
    item->request->results[item->at].error = error;
    if (--item->request->undecided == 0) answer(m, item->request);
}

static void refuse_request(struct bn_model *m, uint64_t token, int error) {
    struct bn_output *o = bn_output_add(m->out, BN_OUTPUT_REPLY);
    o->u.reply.token = token;
    o->u.reply.kind = BN_OUTPUT_REPLY_ALTER_PARTITION;
    o->u.reply.error = (int16_t)error;
}

static void item_init(struct alter_item *item, struct alter_request *r, int32_t at,
                      const struct bn_event_alter_item *in) {
    item->request = r;
    item->at = at;
    bn_list_init(&item->node);
    bn_ids_set(&item->isr, in->isr);
    if (in->isr_broker_epochs && in->isr.count) {
        item->epochs = bn_alloc((size_t)in->isr.count * sizeof *item->epochs);
        memcpy(item->epochs, in->isr_broker_epochs, (size_t)in->isr.count * sizeof *item->epochs);
    }
    item->proposal = (struct bn_alter_proposal){.broker = r->broker,
                                                .leader_epoch = in->leader_epoch,
                                                .partition_epoch = in->partition_epoch,
                                                .isr = bn_ids_fact(&item->isr),
                                                .isr_epochs = item->epochs,
                                                .recovering = in->recovering};
    r->results[at] = (struct alter_result){in->topic_id, in->partition, 0};
}

void bn_alter_request(struct bn_model *m, const struct bn_event_alter_partition *e) {
    const struct bn_model_broker *b = bn_model_broker(m, e->broker);
    if (!b || !b->registered || b->epoch != e->broker_epoch) {
        refuse_request(m, e->token, BN_KERR_STALE_BROKER_EPOCH);
        return;
    }
    struct alter_request *r = bn_alloc_zero(1, sizeof *r);
    bn_list_push_back(&m->alters, &r->node);
    r->token = e->token;
    r->broker = e->broker;
    r->count = r->undecided = e->item_count;
    r->items = bn_alloc_zero((size_t)e->item_count + 1, sizeof *r->items);
    r->results = bn_alloc_zero((size_t)e->item_count + 1, sizeof *r->results);
    if (r->count == 0) {
        answer(m, r);
        return;
    }
    for (int32_t i = 0; i < r->count; i++) item_init(&r->items[i], r, i, &e->items[i]);
    for (int32_t i = 0, n = r->count; i < n; i++) { /* deciding the last one frees the request */
        struct bn_model_topic *t = bn_model_topic_by_id(m, &e->items[i].topic_id);
        struct bn_model_partition *p = t ? bn_model_partition(t, e->items[i].partition) : NULL;
        if (!t) {
            decided(m, &r->items[i], BN_KERR_UNKNOWN_TOPIC_ID);
        } else if (!p || !p->has_state || t->kind != BN_MODEL_LIVE) {
            decided(m, &r->items[i], BN_KERR_UNKNOWN_TOPIC_OR_PARTITION);
        } else {
            bn_list_push_back(&p->proposals, &r->items[i].node);
            bn_model_partition_dirty(m, p);
        }
    }
}

/* A member is eligible when its present life is fit; one that is to be added must be named by that life's epoch and may
 * not be shutting down. (Kafka refuses every ISR with a broker that shuts down; but a leader that shuts down and takes
 * somebody in can hand over to it.) */
static bool eligible(const struct bn_model *m, const struct bn_model_partition *p, const struct bn_alter_proposal *a) {
    for (int32_t i = 0; i < a->isr.count; i++) {
        const struct bn_model_broker *b = bn_model_broker(m, a->isr.ids[i]);
        bool member = bn_ids_has(bn_ids_fact(&p->state.isr), a->isr.ids[i]);
        if (!b || !b->registered || !b->fit || (b->leaving && !member)) return false;
        int64_t epoch = a->isr_epochs ? a->isr_epochs[i] : -1;
        if (epoch != b->epoch && !(member && epoch == -1)) return false;
    }
    return true;
}

/* Its log has failed. */
static bool resigns(const struct bn_alter_proposal *a) { return !bn_ids_has(a->isr, a->broker); }

static bool well_formed(const struct bn_model_partition *p, const struct bn_alter_proposal *a) {
    if (p->state.leader != a->broker || a->isr.count == 0 || !bn_ids_distinct(a->isr)) return false;
    struct bn_fact_ids room = resigns(a) ? bn_ids_fact(&p->state.isr) : bn_ids_fact(&p->replicas);
    for (int32_t i = 0; i < a->isr.count; i++)
        if (!bn_ids_has(room, a->isr.ids[i])) return false;
    if (a->recovering && a->isr.count > 1) return false;
    return !(a->recovering && !p->state.recovering);
}

int bn_alter_decide(const struct bn_model *m, const struct bn_model_partition *p, const struct bn_alter_proposal *a,
                    bool *write) {
    const struct bn_model_state *s = &p->state;
    *write = false;
    if (a->partition_epoch > s->version || a->leader_epoch > s->leader_epoch) return BN_KERR_NOT_CONTROLLER;
    if (a->leader_epoch < s->leader_epoch) return BN_KERR_FENCED_LEADER_EPOCH;
    if (bn_ids_same_set(a->isr, bn_ids_fact(&s->isr)) && a->recovering == s->recovering && a->broker == s->leader)
        return BN_KERR_NONE; /* a retry of what was done already */
    if (a->partition_epoch < s->version) return BN_KERR_INVALID_UPDATE_VERSION;
    if (!well_formed(p, a)) return BN_KERR_INVALID_REQUEST;
    if (!resigns(a) && !eligible(m, p, a)) return BN_KERR_INELIGIBLE_REPLICA;
    *write = true;
    return BN_KERR_NONE;
}

/* Another member leads, as if the leader had died. False: none of them may. */
static bool plan_successor(struct bn_model *m, struct bn_model_partition *p, const struct bn_alter_proposal *a) {
    struct bn_fact_state s = bn_model_state_fact(&p->state);
    s.isr = a->isr;
    s.leader = BN_FACT_NO_LEADER;
    struct bn_election_in in = {.replicas = bn_ids_fact(&p->replicas), .state = &s};
    struct bn_election_out out = {.isr = bn_model_scratch(m, (size_t)a->isr.count + 1, sizeof(int32_t))};
    struct bn_election_view view = bn_partition_sm_view(m);
    bn_election_run(&in, &view, &out);
    if (out.leader < 0) return false;
    s.version++;
    s.leader = out.leader;
    s.leader_epoch++;
    s.controller_epoch = m->controller_epoch;
    s.isr = (struct bn_fact_ids){out.isr, out.isr_count};
    bn_model_state_set(&p->planned, &s);
    p->planned_why = BN_ELECTION_CLEAN;
    p->bump_flying = true;
    return true;
}

static void plan_isr(struct bn_model *m, struct bn_model_partition *p, const struct bn_alter_proposal *a) {
    struct bn_fact_state s = bn_model_state_fact(&p->state);
    s.version++;
    s.controller_epoch = m->controller_epoch;
    s.isr = a->isr;
    s.recovering = a->recovering;
    bn_model_state_set(&p->planned, &s);
    p->planned_why = 0;
    p->bump_flying = false;
}

bool bn_alter_plan(struct bn_model *m, struct bn_model_partition *p) {
    BN_LIST_FOR (it, &p->proposals) {
        struct alter_item *item = BN_CONTAINER_OF(it, struct alter_item, node);
        bool write;
        item->flying = false;
        int error = bn_alter_decide(m, p, &item->proposal, &write);
        if (write && !resigns(&item->proposal)) {
            plan_isr(m, p, &item->proposal);
        } else if (write && !plan_successor(m, p, &item->proposal)) {
            write = false;
            error = BN_KERR_INELIGIBLE_REPLICA;
        }
        if (!write) {
            decided(m, item, error);
            continue;
        }
        item->flying = true;
        return true;
    }
    return false;
}

void bn_alter_committed(struct bn_model *m, struct bn_model_partition *p) {
    if (bn_list_empty(&p->proposals)) return;
    struct alter_item *item = BN_CONTAINER_OF(p->proposals.next, struct alter_item, node);
    if (item->flying) decided(m, item, BN_KERR_NONE);
}

void bn_alter_refuse(struct bn_model *m, struct bn_model_partition *p, int error) {
    while (!bn_list_empty(&p->proposals))
        decided(m, BN_CONTAINER_OF(p->proposals.next, struct alter_item, node), error);
}

void bn_alter_drop_all(struct bn_model *m) {
    BN_LIST_FOR (it, &m->alters) request_free(BN_CONTAINER_OF(it, struct alter_request, node));
}
