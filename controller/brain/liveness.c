/* liveness.c: registrations, streams, fences, admissions. A broker is known by its broker epoch and incarnation;
 * nothing of an older life is believed of a newer one. A registered broker holds no role (leader, candidate, ISR member
 * to be counted on) until a new leader epoch is committed for every partition that it led or was in the ISR of, and
 * /barnabas/admitted/<id> says so: the record lets the next controller know whom it need not treat as restarted. */
#include "controller/brain/liveness.h"

#include "common/base/check.h"
#include "controller/brain/publish.h"

typedef void (*partition_fn)(struct bn_model *m, struct bn_model_partition *p, const struct bn_model_broker *b);

static void each_replica(struct bn_model *m, const struct bn_model_broker *b, partition_fn fn) {
    size_t at = 0;
    for (struct bn_map_entry *e; (e = bn_map_next(&m->topics, &at));) {
        const struct bn_model_topic *t = e->value;
        if (t->kind != BN_MODEL_LIVE) continue;
        for (int32_t i = 0; i < t->partition_count; i++) {
            struct bn_model_partition *p = t->partitions[i];
            bool here = bn_ids_has(bn_ids_fact(&p->replicas), b->id);
            here = here ||
                   (p->has_state && (p->state.leader == b->id || bn_ids_has(bn_ids_fact(&p->state.isr), b->id)));
            if (here) fn(m, p, b);
        }
    }
}

static void mark_dirty(struct bn_model *m, struct bn_model_partition *p, const struct bn_model_broker *b) {
    (void)b;
    bn_model_partition_dirty(m, p);
}

static bool has_role(const struct bn_model_state *s, int32_t broker) {
    return s->leader == broker || bn_ids_has(bn_ids_fact(&s->isr), broker);
}

static void set_bump(struct bn_model *m, struct bn_model_partition *p) {
    if (!p->must_bump) m->bump_count++;
    p->must_bump = true;
    p->bump_flying = false; /* what flies was decided without knowing */
}

static void mark_bump(struct bn_model *m, struct bn_model_partition *p, const struct bn_model_broker *b) {
    if ((p->has_state && has_role(&p->state, b->id)) || (p->busy && has_role(&p->planned, b->id))) set_bump(m, p);
    bn_model_partition_dirty(m, p);
}

void bn_liveness_mark_partition(struct bn_model *m, struct bn_model_partition *p) {
    if (!p->has_state || p->topic->kind != BN_MODEL_LIVE) return;
    for (int32_t i = 0; i < m->broker_count; i++) {
        const struct bn_model_broker *b = m->brokers[i];
        if (b->registered && !b->fit && has_role(&p->state, b->id)) set_bump(m, p);
    }
}

static void close_stream(struct bn_model *m, struct bn_model_broker *b) {
    if (b->stream_up || b->hello_waits) {
        struct bn_output *o = bn_output_add(m->out, BN_OUTPUT_CLOSE);
        o->u.token = b->stream_up ? b->stream : b->hello.token;
    }
    b->stream_up = b->stream_imaged = b->hello_waits = b->image_due = false;
}

static void reply_hello(struct bn_model *m, uint64_t token, int error) {
    struct bn_output *o = bn_output_add(m->out, BN_OUTPUT_REPLY);
    o->u.reply.token = token;
    o->u.reply.kind = BN_OUTPUT_REPLY_HELLO;
    o->u.reply.error = (int16_t)error;
}

/* A waiting hello that can be judged is; one of an incarnation still to be seen, or still to be admitted, waits on. */
static void judge_hello(struct bn_model *m, struct bn_model_broker *b) {
    if (!b->hello_waits) return;
    bool same = b->registered && b->hello.incarnation == b->incarnation && b->hello.broker_epoch == b->epoch;
    bool older = b->hello.incarnation <= b->fenced || (b->hello.incarnation <= b->incarnation && !same);
    if (older) {
        b->hello_waits = false;
        reply_hello(m, b->hello.token, BN_KERR_STALE_BROKER_EPOCH);
        return;
    }
    if (!same || !b->fit) return;
    b->hello_waits = false;
    b->stream_up = b->image_due = true;
    b->stream_imaged = false;
    b->stream = b->hello.token;
    reply_hello(m, b->stream, BN_KERR_NONE);
    each_replica(m, b, mark_dirty);
}

static void register_broker(struct bn_model *m, struct bn_model_broker *b, const struct bn_fact_broker *fact) {
    b->registered = true;
    b->leaving = false;
    b->epoch = fact->epoch;
    b->incarnation = fact->incarnation;
    bn_model_broker_describe(b, fact);
    b->fit = b->has_admitted && b->admitted == b->incarnation;
    b->changed = m->brokers_changed = true;
}

static void broker_gone(struct bn_model *m, struct bn_model_broker *b) {
    BN_MODEL_INFO(m, "Broker failure callback for %" PRId32, b->id);
    if (b->stream_up) close_stream(m, b);
    b->registered = b->fit = b->leaving = false;
    b->changed = m->brokers_changed = true;
    each_replica(m, b, mark_dirty);
}

static void broker_came(struct bn_model *m, struct bn_model_broker *b, const struct bn_fact_broker *fact) {
    bool bounced = b->registered;
    if (bounced && b->stream_up) close_stream(m, b);
    BN_MODEL_INFO(m, "%s broker: %" PRId32 ", broker epoch %" PRId64 ", incarnation %" PRId64,
                  bounced ? "Bounced" : "Newly added", b->id, fact->epoch, fact->incarnation);
    register_broker(m, b, fact);
    each_replica(m, b, b->fit ? mark_dirty : mark_bump);
}

static void broker_told(struct bn_model *m, const struct bn_fact_broker *fact) {
    struct bn_model_broker *b = bn_model_broker_make(m, fact->id);
    if (fact->incarnation <= b->fenced) return; /* read before our fence */
    if (!b->registered || b->epoch != fact->epoch || b->incarnation != fact->incarnation) {
        if (b->registered && fact->epoch < b->epoch) return; /* an older reading */
        broker_came(m, b, fact);
    } else if (bn_model_broker_differs(b, fact)) {
        bn_model_broker_describe(b, fact);
        b->changed = m->brokers_changed = true;
    }
}

void bn_liveness_activate(struct bn_model *m, const struct bn_event_activated *e) {
    for (int32_t i = 0; i < e->admitted_count; i++) {
        struct bn_model_broker *b = bn_model_broker_make(m, e->admitted[i].broker);
        b->has_admitted = true;
        b->admitted = e->admitted[i].incarnation;
    }
    for (int32_t i = 0; i < e->broker_count; i++)
        register_broker(m, bn_model_broker_make(m, e->brokers[i].id), &e->brokers[i]);
}

void bn_liveness_brokers(struct bn_model *m, const struct bn_event_brokers *e) {
    for (int32_t i = 0; i < m->broker_count; i++) {
        struct bn_model_broker *b = m->brokers[i];
        bool there = !b->registered;
        for (int32_t at = 0; at < e->broker_count && !there; at++) there = e->brokers[at].id == b->id;
        if (!there) broker_gone(m, b);
    }
    for (int32_t i = 0; i < e->broker_count; i++) broker_told(m, &e->brokers[i]);
    for (int32_t i = 0; i < m->broker_count; i++) judge_hello(m, m->brokers[i]);
}

void bn_liveness_hello(struct bn_model *m, const struct bn_event_hello *e) {
    struct bn_model_broker *b = bn_model_broker_make(m, e->broker);
    if (b->hello_waits || (b->stream_up && e->incarnation >= b->incarnation)) close_stream(m, b);
    if (b->stream_up) { /* a late hello of an older life does not disturb the newer one */
        reply_hello(m, e->token, BN_KERR_STALE_BROKER_EPOCH);
        return;
    }
    b->hello_waits = true;
    b->hello = *e;
    judge_hello(m, b);
}

void bn_liveness_stream_down(struct bn_model *m, uint64_t token) {
    for (int32_t i = 0; i < m->broker_count; i++) {
        struct bn_model_broker *b = m->brokers[i];
        if (b->hello_waits && b->hello.token == token) b->hello_waits = false;
        if (!b->stream_up || b->stream != token) continue;
        b->stream_up = b->stream_imaged = b->image_due = false;
        if (!b->registered) continue;
        struct bn_output *o = bn_output_add(m->out, BN_OUTPUT_PROBE);
        o->u.probe = (struct bn_output_probe){b->id, b->incarnation};
    }
}

static void send_fence(struct bn_model *m, struct bn_model_broker *b, int64_t incarnation) {
    struct bn_flight *f = bn_flight_new(m, BN_FLIGHT_FENCE, NULL);
    f->broker = b->id;
    f->incarnation = incarnation;
    bn_flight_op(m, f, BN_OUTPUT_OP_CHECK_INCARNATION, NULL, 0)->u.incarnation = incarnation;
    bn_flight_op(m, f, BN_OUTPUT_OP_DELETE_BROKER, NULL, 0);
    b->fence_flying = true;
    bn_flight_send(m, f);
}

void bn_liveness_refused(struct bn_model *m, const struct bn_event_refused *e) {
    struct bn_model_broker *b = bn_model_broker(m, e->broker);
    if (!b || !b->registered || b->incarnation != e->incarnation || b->stream_up || b->fence_flying) return;
    BN_MODEL_INFO(m, "The process of broker %" PRId32 ", incarnation %" PRId64 ", is gone; fencing it", b->id,
                  e->incarnation);
    send_fence(m, b, e->incarnation);
}

void bn_liveness_fence_done(struct bn_model *m, struct bn_flight *f, const struct bn_event_multi_done *e) {
    struct bn_model_broker *b = bn_model_broker(m, f->broker);
    b->fence_flying = false;
    if (e->status == BN_LOST) {
        if (b->registered && b->incarnation == f->incarnation) send_fence(m, b, f->incarnation);
        return;
    }
    bool absent = e->status == BN_NOTFOUND && e->failed_op == 1; /* the session ended first, or our lost try did it */
    if (e->status != BN_OK && !absent) return;                   /* a successor has registered: the watch tells */
    if (f->incarnation > b->fenced) b->fenced = f->incarnation;
    int64_t until = m->now_ms + m->settings.session_timeout_ms;
    if (until > m->unclean_after_ms) m->unclean_after_ms = until;
    if (b->registered && b->incarnation == f->incarnation) broker_gone(m, b);
    judge_hello(m, b);
}

static bool owes(const struct bn_model *m, int32_t broker) {
    size_t at = 0;
    if (m->bump_count == 0) return false;
    for (struct bn_map_entry *e; (e = bn_map_next(&m->topics, &at));) {
        const struct bn_model_topic *t = e->value;
        for (int32_t i = 0; i < t->partition_count; i++) {
            const struct bn_model_partition *p = t->partitions[i];
            if (!p->must_bump) continue;
            if ((p->has_state && has_role(&p->state, broker)) || (p->busy && has_role(&p->planned, broker)))
                return true;
        }
    }
    return false;
}

static void send_admit(struct bn_model *m, struct bn_model_broker *b) {
    struct bn_flight *f = bn_flight_new(m, BN_FLIGHT_ADMIT, NULL);
    f->broker = b->id;
    f->incarnation = b->incarnation;
    enum bn_output_op_kind kind = b->has_admitted ? BN_OUTPUT_OP_SET_ADMITTED : BN_OUTPUT_OP_CREATE_ADMITTED;
    bn_flight_op(m, f, kind, NULL, 24)->u.incarnation = b->incarnation;
    b->admit_flying = true;
    bn_flight_send(m, f);
}

void bn_liveness_admit_done(struct bn_model *m, struct bn_flight *f, const struct bn_event_multi_done *e) {
    struct bn_model_broker *b = bn_model_broker(m, f->broker);
    b->admit_flying = false;
    if (e->status == BN_EXISTS) b->has_admitted = true;
    if (e->status == BN_NOTFOUND) b->has_admitted = false;
    if (e->status != BN_OK) return; /* settle tries again */
    b->has_admitted = true;
    b->admitted = f->incarnation;
    if (!b->registered || b->incarnation != f->incarnation) return;
    b->fit = true;
    each_replica(m, b, mark_dirty); /* new partitions, and those without a leader, may have waited for it */
    judge_hello(m, b);
}

void bn_liveness_settle(struct bn_model *m) {
    for (int32_t i = 0; i < m->broker_count; i++) {
        struct bn_model_broker *b = m->brokers[i];
        if (b->registered && !b->fit && !b->admit_flying && !owes(m, b->id)) send_admit(m, b);
    }
}
