/* blocks.c: gives out numbers. Owns the requests that wait for a block: one write of the block znode is in flight at a
 * time, conditional on its version; after a lost answer the znode tells whose block stands there. A broker id is the
 * data version after a blind write, so that a lost answer only skips a number. */
#include "controller/brain/blocks.h"

#include "common/base/alloc.h"

struct id_wait {
    struct bn_list node; /* in model.id_waits, oldest first; the first one's block is in flight */
    uint64_t token;
    int32_t broker;
};

static void reply_block(struct bn_model *m, uint64_t token, int error, int64_t first) {
    struct bn_output *o = bn_output_add(m->out, BN_OUTPUT_REPLY);
    o->u.reply.token = token;
    o->u.reply.kind = BN_OUTPUT_REPLY_PRODUCER_IDS;
    o->u.reply.error = (int16_t)error;
    o->u.reply.first_producer_id = error ? -1 : first;
    o->u.reply.producer_id_count = error ? 0 : BN_BLOCKS_PRODUCER_IDS;
}

static void send_next(struct bn_model *m) {
    if (m->producer_ids_flying || bn_list_empty(&m->id_waits)) return;
    const struct id_wait *w = BN_CONTAINER_OF(m->id_waits.next, struct id_wait, node);
    struct bn_flight *f = bn_flight_new(m, BN_FLIGHT_PRODUCER_IDS, NULL);
    int64_t first = m->producer_ids.last + 1;
    f->ids = (struct bn_fact_producer_ids){.version = m->producer_ids.version + 1,
                                           .broker = w->broker,
                                           .first = first,
                                           .last = first + BN_BLOCKS_PRODUCER_IDS - 1};
    struct bn_output_op *op = bn_flight_op(m, f, BN_OUTPUT_OP_SET_PRODUCER_IDS, NULL, 100);
    op->version = m->producer_ids.version;
    op->u.producer_ids = f->ids;
    m->producer_ids_flying = true;
    bn_flight_send(m, f);
}

static void block_is_ours(struct bn_model *m, const struct bn_flight *f) {
    struct id_wait *w = BN_CONTAINER_OF(bn_list_pop_front(&m->id_waits), struct id_wait, node);
    m->producer_ids = f->ids;
    reply_block(m, w->token, BN_KERR_NONE, f->ids.first);
    bn_alloc_free(w);
}

void bn_blocks_producer_ids(struct bn_model *m, const struct bn_event_producer_ids *e) {
    const struct bn_model_broker *b = bn_model_broker(m, e->broker);
    if (!b || !b->registered || b->epoch != e->broker_epoch) {
        reply_block(m, e->token, BN_KERR_STALE_BROKER_EPOCH, -1);
        return;
    }
    if (m->producer_ids.last > INT64_MAX - BN_BLOCKS_PRODUCER_IDS - 1) {
        reply_block(m, e->token, BN_KERR_UNKNOWN_SERVER, -1);
        return;
    }
    struct id_wait *w = bn_alloc_zero(1, sizeof *w);
    w->token = e->token;
    w->broker = e->broker;
    bn_list_push_back(&m->id_waits, &w->node);
    send_next(m);
}

void bn_blocks_producer_ids_done(struct bn_model *m, struct bn_flight *f, const struct bn_event_multi_done *e) {
    if (e->status != BN_OK) {
        bn_flight_read(m, f);
        return;
    }
    m->producer_ids_flying = false;
    block_is_ours(m, f);
    send_next(m);
}

void bn_blocks_producer_ids_read(struct bn_model *m, struct bn_flight *f, const struct bn_event_read_result *r) {
    m->producer_ids_flying = false;
    const struct bn_fact_producer_ids *now = &r->producer_ids;
    if (!r->found) {
        bn_model_resign(m, "/latest_producer_id_block does not exist");
        return;
    }
    if (now->version == f->ids.version && now->broker == f->ids.broker && now->first == f->ids.first &&
        now->last == f->ids.last)
        block_is_ours(m, f);
    else
        m->producer_ids = *now;
    send_next(m);
}

static void send_broker_id(struct bn_model *m, uint64_t token, int32_t reserved_max) {
    struct bn_flight *f = bn_flight_new(m, BN_FLIGHT_BROKER_ID, NULL);
    f->token = token;
    f->reserved_max = reserved_max;
    bn_flight_op(m, f, BN_OUTPUT_OP_SET_SEQID, NULL, 0);
    bn_flight_send(m, f);
}

void bn_blocks_broker_id(struct bn_model *m, const struct bn_event_broker_id *e) {
    send_broker_id(m, e->token, e->reserved_max);
}

void bn_blocks_broker_id_done(struct bn_model *m, struct bn_flight *f, const struct bn_event_multi_done *e) {
    if (e->status == BN_LOST) {
        send_broker_id(m, f->token, f->reserved_max);
        return;
    }
    struct bn_output *o = bn_output_add(m->out, BN_OUTPUT_REPLY);
    o->u.reply.token = f->token;
    o->u.reply.kind = BN_OUTPUT_REPLY_BROKER_ID;
    o->u.reply.broker_id = -1;
    int64_t id = (int64_t)f->reserved_max + e->seqid_version;
    if (e->status != BN_OK || id < 0 || id > INT32_MAX)
        o->u.reply.error = BN_KERR_UNKNOWN_SERVER;
    else
        o->u.reply.broker_id = (int32_t)id;
}

void bn_blocks_drop_all(struct bn_model *m) {
    while (!bn_list_empty(&m->id_waits))
        bn_alloc_free(BN_CONTAINER_OF(bn_list_pop_front(&m->id_waits), struct id_wait, node));
}
