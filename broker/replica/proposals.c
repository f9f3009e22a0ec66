/* proposals.c: ISR proposals on their way to the controller. The rules are isr.c's, what follows from an answer is
 * partition_lead.c's; this knows what is to be said, when, and what was said.
 *
 *            bn_proposals_say        end of the turn          answer
 *      IDLE -----------------> READY ---------------> SAID ----------> IDLE
 *                                ^                      | refused, or no answer came
 *                                |  a moment later      v
 *                                +------------------- LATER
 *
 * One request of a shard is under way at a time, as in Kafka: what comes meanwhile goes with the next, so that many
 * partitions are few requests. An answer finds its partitions by name, since they may have gone. */
#include "broker/replica/proposals.h"

#include "broker/replica/partition_int.h"
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/trace.h"
#include "proto/kafka/errors.h"

enum {
    ITEMS_MAX = 1000,  /* of one request: some 100 KiB */
    AGAIN_MS = 100,    /* after no answer; there is a connection to a controller again before it is said */
    REFUSED_MS = 1000, /* after a refusal */
    AWAIT_MS = 5000,   /* a newer decision is on its way; saying it again only brings it here if that was lost */
};

struct item { /* what was said of one partition */
    struct bn_partition_key key;
    int32_t leader_epoch, partition_epoch;
};

struct call {                       /* a request under way */
    struct bn_proposals *proposals; /* NULL: nobody waits for it any more */
    size_t count;
    struct item items[];
};

struct bn_proposals {
    const struct bn_roster_deps *deps;
    struct bn_roster *roster;
    struct bn_list leads;        /* partitions that lead others */
    struct bn_list ready, later; /* partitions; READY, LATER */
    struct bn_task say;
    struct bn_timer later_timer, check_timer;
    struct call *call;
};

static struct bn_partition *of_link(struct bn_list *n) {
    return BN_CONTAINER_OF(n, struct bn_partition, proposal.link);
}

/* ---- asking ---- */

struct packed { /* one item as it goes out, with its arrays behind it */
    Bn__AlterPartitionItem item;
    int32_t *isr;
    int64_t *epochs;
};

static void pack(const struct bn_proposals *ps, struct bn_partition *p, struct packed *to, struct item *said) {
    size_t most = (size_t)p->isr.follower_count + 1;
    to->isr = bn_alloc(most * sizeof *to->isr);
    to->epochs = bn_alloc(most * sizeof *to->epochs);
    int count = bn_isr_proposal(&p->isr, to->isr, to->epochs);
    const struct bn_image_broker *self = bn_image_broker(bn_roster_image(ps->roster), ps->deps->broker_id);
    for (int i = 0; i < count; i++) {
        if (to->isr[i] == ps->deps->broker_id) to->epochs[i] = self ? self->epoch : -1;
    }
    *said = (struct item){p->key, p->isr.leader_epoch, p->isr.partition_epoch};
    bn__alter_partition_item__init(&to->item);
    to->item.topic_id = (ProtobufCBinaryData){sizeof said->key.topic_id.bytes, said->key.topic_id.bytes};
    to->item.partition = p->key.index;
    to->item.leader_epoch = said->leader_epoch;
    to->item.partition_epoch = said->partition_epoch;
    to->item.isr = to->isr;
    to->item.n_isr = (size_t)count;
    to->item.isr_broker_epochs = to->epochs;
    to->item.n_isr_broker_epochs = (size_t)count;
}

static void on_reply(void *arg, const Bn__AlterPartitionReply *answer);

static void say_ready(struct bn_task *t) {
    struct bn_proposals *ps = BN_CONTAINER_OF(t, struct bn_proposals, say);
    if (ps->call || bn_list_empty(&ps->ready)) return;
    size_t most = 0, count = 0;
    BN_LIST_FOR (n, &ps->ready) most++;
    most = bn_min_size(most, ITEMS_MAX);
    struct call *call = bn_alloc_zero(1, sizeof *call + most * sizeof *call->items);
    struct packed *packed = bn_alloc_zero(most, sizeof *packed);
    Bn__AlterPartitionItem **list = bn_alloc_zero(most, sizeof *list);
    for (struct bn_list *n; count < most && (n = bn_list_pop_front(&ps->ready)) != NULL;) {
        struct bn_partition *p = of_link(n);
        p->proposal.state = BN_PROPOSALS_IDLE;
        if (p->isr.change == BN_ISR_SETTLED) continue; /* a delta ended it before it was said */
        p->proposal.state = BN_PROPOSALS_SAID;
        pack(ps, p, &packed[count], &call->items[count]);
        list[count] = &packed[count].item;
        count++;
    }
    call->count = count;
    call->proposals = ps;
    if (count > 0) {
        Bn__AlterPartitionRequest m = BN__ALTER_PARTITION_REQUEST__INIT;
        m.items = list;
        m.n_items = count;
        ps->call = call;
        ps->deps->alter_partition(ps->deps->arg, ps->deps->shard, &m, on_reply, call);
    } else {
        bn_alloc_free(call);
    }
    for (size_t i = 0; i < count; i++) {
        bn_alloc_free(packed[i].isr);
        bn_alloc_free(packed[i].epochs);
    }
    bn_alloc_free(packed);
    bn_alloc_free(list);
    if (!bn_list_empty(&ps->ready) && !ps->call) bn_loop_defer(ps->deps->shard->loop, &ps->say);
}

static void put_ready(struct bn_proposals *ps, struct bn_partition *p) {
    bn_list_remove(&p->proposal.link);
    bn_list_push_back(&ps->ready, &p->proposal.link);
    p->proposal.state = BN_PROPOSALS_READY;
    if (!ps->call) bn_loop_defer(ps->deps->shard->loop, &ps->say);
}

static void put_later(struct bn_proposals *ps, struct bn_partition *p, uint64_t after_ms) {
    bn_list_remove(&p->proposal.link);
    bn_list_push_back(&ps->later, &p->proposal.link);
    p->proposal.state = BN_PROPOSALS_LATER;
    p->proposal.due_ms = bn_loop_now_ms(ps->deps->shard->loop) + after_ms;
    if (!bn_timer_running(&ps->later_timer)) bn_timer_start(&ps->later_timer, AGAIN_MS);
}

static void later_due(struct bn_timer *t) {
    struct bn_proposals *ps = BN_CONTAINER_OF(t, struct bn_proposals, later_timer);
    uint64_t now_ms = bn_loop_now_ms(ps->deps->shard->loop);
    BN_LIST_FOR (n, &ps->later) {
        struct bn_partition *p = of_link(n);
        if (p->proposal.due_ms > now_ms) continue;
        bn_list_remove(n);
        p->proposal.state = BN_PROPOSALS_IDLE;
        if (p->isr.change != BN_ISR_SETTLED)
            put_ready(ps, p);
        else
            bn_partition_review(p);
        if (p->proposal.state == BN_PROPOSALS_IDLE && bn_isr_holds(&p->isr, (int64_t)now_ms))
            put_later(ps, p, REFUSED_MS);
    }
    if (!bn_list_empty(&ps->later)) bn_timer_start(&ps->later_timer, AGAIN_MS);
}

void bn_proposals_say(struct bn_proposals *ps, struct bn_partition *p) {
    BN_ON_SHARD(ps->deps->shard);
    if (p->proposal.state == BN_PROPOSALS_IDLE || p->proposal.state == BN_PROPOSALS_LATER) put_ready(ps, p);
}

/* ---- answers ---- */

static const Bn__AlterPartitionResult *result_of(const Bn__AlterPartitionReply *m, const struct item *said, size_t at) {
    for (size_t i = 0; m && m->error == KE_NONE && i < m->n_results; i++) {
        /* They come in the order of the items. */
        const Bn__AlterPartitionResult *r = m->results[(at + i) % m->n_results];
        bool same = r->topic_id.len == sizeof said->key.topic_id.bytes && r->partition == said->key.index &&
                    memcmp(r->topic_id.data, said->key.topic_id.bytes, r->topic_id.len) == 0;
        if (same) return r;
    }
    return NULL;
}

static enum bn_isr_outcome tell(struct bn_partition *p, const struct item *said, const Bn__AlterPartitionResult *r) {
    struct bn_isr_state state;
    struct bn_isr_answer a = {said->leader_epoch, said->partition_epoch, r != NULL, 0, NULL};
    if (r) a.error = (int16_t)r->error;
    if (r && r->state) {
        state = (struct bn_isr_state){.leader_epoch = r->state->leader_epoch,
                                      .partition_epoch = r->state->partition_epoch,
                                      .isr = r->state->isr,
                                      .isr_count = (int)r->state->n_isr};
        a.state = &state;
    }
    return bn_partition_altered(p, &a);
}

static void dispatch(struct bn_proposals *ps, const struct call *call, const Bn__AlterPartitionReply *m) {
    for (size_t i = 0; i < call->count; i++) {
        const struct item *said = &call->items[i];
        struct bn_partition *p = bn_roster_find(ps->roster, &said->key.topic_id, said->key.index);
        if (!p) continue;
        if (p->proposal.state == BN_PROPOSALS_SAID) p->proposal.state = BN_PROPOSALS_IDLE;
        enum bn_isr_outcome outcome = tell(p, said, result_of(m, said, i));
        if (p->proposal.state != BN_PROPOSALS_IDLE) continue;
        if (outcome == BN_ISR_REVERTED)
            put_later(ps, p, REFUSED_MS);
        else if (outcome == BN_ISR_AGAIN)
            put_later(ps, p, AGAIN_MS);
        else if (outcome == BN_ISR_AWAITING)
            put_later(ps, p, AWAIT_MS);
        else if (p->isr.change != BN_ISR_SETTLED) /* the next one came while this was under way */
            put_ready(ps, p);
    }
}

/* An answer of a controller that was deposed before the one whose decisions we follow says nothing about what this one
 * may write. */
static bool is_current(const struct bn_proposals *ps, const Bn__AlterPartitionReply *m) {
    return m->controller_epoch >= bn_roster_image(ps->roster)->controller_epoch;
}

static void on_reply(void *arg, const Bn__AlterPartitionReply *m) {
    struct call *call = arg;
    struct bn_proposals *ps = call->proposals;
    if (ps) {
        ps->call = NULL;
        if (m && m->error != KE_NONE)
            BN_INFO("proposals", "[Broker id=%d] AlterPartition was refused with error %d; it will be said again",
                    ps->deps->broker_id, m->error);
        dispatch(ps, call, m && is_current(ps, m) ? m : NULL);
        if (!bn_list_empty(&ps->ready)) bn_loop_defer(ps->deps->shard->loop, &ps->say);
    }
    bn_alloc_free(call);
}

/* ---- who lags ---- */

void bn_proposals_check(struct bn_proposals *ps) {
    BN_LIST_FOR (n, &ps->leads) bn_partition_check_lag(BN_CONTAINER_OF(n, struct bn_partition, proposal.leads));
}

void bn_proposals_review(struct bn_proposals *ps) {
    BN_LIST_FOR (n, &ps->leads) bn_partition_review(BN_CONTAINER_OF(n, struct bn_partition, proposal.leads));
}

static void check_due(struct bn_timer *t) {
    struct bn_proposals *ps = BN_CONTAINER_OF(t, struct bn_proposals, check_timer);
    bn_proposals_check(ps);
    if (!bn_list_empty(&ps->leads)) bn_timer_start(t, ps->deps->lag_max_ms / 2 + 1);
}

void bn_proposals_part_init(struct bn_proposals_part *part) {
    bn_list_init(&part->leads);
    bn_list_init(&part->link);
}

void bn_proposals_enter(struct bn_proposals *ps, struct bn_partition *p) {
    if (bn_list_empty(&p->proposal.leads)) bn_list_push_back(&ps->leads, &p->proposal.leads);
    if (!bn_timer_running(&ps->check_timer)) bn_timer_start(&ps->check_timer, ps->deps->lag_max_ms / 2 + 1);
}

void bn_proposals_leave(struct bn_partition *p) {
    bn_list_remove(&p->proposal.leads);
    bn_list_remove(&p->proposal.link);
    p->proposal.state = BN_PROPOSALS_IDLE;
}

/* ---- life ---- */

struct bn_proposals *bn_proposals_new(const struct bn_roster_deps *deps, struct bn_roster *roster) {
    struct bn_proposals *ps = bn_alloc_zero(1, sizeof *ps);
    ps->deps = deps;
    ps->roster = roster;
    bn_list_init(&ps->leads);
    bn_list_init(&ps->ready);
    bn_list_init(&ps->later);
    bn_task_init(&ps->say, say_ready);
    bn_timer_init(&ps->later_timer, deps->shard->loop, later_due);
    bn_timer_init(&ps->check_timer, deps->shard->loop, check_due);
    return ps;
}

void bn_proposals_free(struct bn_proposals *ps) {
    BN_ASSERT(bn_list_empty(&ps->leads) && bn_list_empty(&ps->ready) && bn_list_empty(&ps->later));
    if (ps->call) ps->call->proposals = NULL;
    bn_task_cancel(&ps->say);
    bn_timer_stop(&ps->later_timer);
    bn_timer_stop(&ps->check_timer);
    bn_alloc_free(ps);
}
