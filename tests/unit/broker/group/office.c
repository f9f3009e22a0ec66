/* office.c: a partition and a controller for a coordinator to work with. */
#include "tests/unit/broker/group/office.h"

#include "broker/group/coordinator_int.h"

#include <check.h>

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "proto/kafka/batch.h"
#include "proto/kafka/errors.h"
#include "proto/rpc/rpc.h"

/* ---- in place of broker/replica ---- */

int32_t bn_roster_id(const struct bn_roster *r) { return OFFICE_BROKER; }
struct bn_image *bn_roster_image(struct bn_roster *r) {
    return r->image;
}
struct bn_partition *bn_roster_find(struct bn_roster *r, const struct bn_uuid *topic_id, int32_t partition) {
    return partition < r->partitions ? &r->partition : NULL;
}

static void tell(struct bn_partition *p) {
    struct bn_partition_interest *i = p->interest;
    if (i) i->moved(i, true);
}

void bn_partition_append(struct bn_partition *p, struct bn_partition_append *a) {
    struct bn_batch b;
    a->log.error = p->error;
    if (p->error == KE_NONE) {
        ck_assert_int_eq(bn_batch_peek(bn_slice_of(a->log.bytes, a->log.len), &b), BN_OK);
        ck_assert_uint_eq(b.bytes.len, a->log.len);
        bn_batch_assign(a->log.bytes, p->end, 0);
        bn_str_add_slice(&p->bytes, bn_slice_of(a->log.bytes, a->log.len));
        a->log.base_offset = p->end;
        p->end += b.record_count;
        if (a->acks == -1 && p->hold) {
            p->held[p->held_count++] = a;
            return;
        }
        if (!p->hold) p->high_watermark = p->end;
    }
    a->done(a);
}

void bn_partition_read(struct bn_partition *p, struct bn_partition_read *r) {
    struct bn_slice left = bn_str_slice(&p->bytes);
    struct bn_batch b;
    r->error = KE_NONE;
    r->bytes = 0;
    r->log_start_offset = 0;
    r->high_watermark = p->high_watermark;
    while (bn_batch_peek(left, &b) == BN_OK && bn_batch_next_offset(&b) <= p->high_watermark) {
        if (bn_batch_next_offset(&b) > r->offset) {
            bn_chain_append(&r->records, b.bytes.ptr, b.bytes.len);
            r->bytes += b.bytes.len;
            return; /* one batch at a time: more chunks to go wrong */
        }
        left = bn_slice_of(left.ptr + b.bytes.len, left.len - b.bytes.len);
    }
}

void bn_partition_offsets(struct bn_partition *p, struct bn_partition_offsets *q) {
    q->error = p->high_watermark < p->epoch_start ? KE_OFFSET_NOT_AVAILABLE : KE_NONE;
    q->found.offset = p->high_watermark;
}

void bn_partition_interest_add(struct bn_partition *p, struct bn_partition_interest *i) {
    p->interest = i;
    bn_list_push_back(&(struct bn_list){&i->link, &i->link}, &i->link);
    bn_list_init(&i->link);
    if (i->seen < p->high_watermark) tell(p);
}

int64_t bn_partition_heard_ms(const struct bn_partition *p) { return p->heard_ms; }

void bn_partition_interest_drop(struct bn_partition_interest *i) { (void)i; }

/* ---- the controller ---- */

void office_keep(struct office *o, const Bn__GroupWriteRequest *q) {
    bn_alloc_free(o->stored);
    o->stored_len = bn__group_write_request__get_packed_size(q);
    o->stored = bn_alloc(o->stored_len + 1);
    bn__group_write_request__pack(q, o->stored);
}

static void write_groups(void *arg, struct bn_shard *shard, const Bn__GroupWriteRequest *q,
                         void (*reply)(void *, const Bn__GroupWriteReply *), void *reply_arg) {
    struct office *o = arg;
    Bn__GroupWriteReply m = BN__GROUP_WRITE_REPLY__INIT;
    ck_assert_uint_le(bn__group_write_request__get_packed_size(q), BN_RPC_FRAME_MAX);
    o->writes += q->n_groups > 0;
    o->removals += (int)q->n_removed;
    if (o->deaf) {
        ck_assert_ptr_null(o->waiting);
        o->waiting = reply;
        o->waiting_arg = reply_arg;
        return;
    }
    m.error = o->write_error;
    for (size_t i = 0; o->unfit && i < q->n_groups; i++)
        if (bn_slice_eq_str(bn_slice_of(q->groups[i]->group_id.data, q->groups[i]->group_id.len), o->unfit))
            m.error = KE_MESSAGE_TOO_LARGE;
    bool whole = q->n_groups > 0 && !q->groups[0]->reserve_only;
    if (m.error == KE_NONE && (whole || q->n_removed > 0)) office_keep(o, q);
    reply(reply_arg, &m);
}

static void read_groups(void *arg, struct bn_shard *shard, const Bn__GroupReadRequest *q,
                        void (*reply)(void *, const Bn__GroupReadReply *), void *reply_arg) {
    struct office *o = arg;
    Bn__GroupReadReply m = BN__GROUP_READ_REPLY__INIT;
    if (o->hold_reads) {
        ck_assert_int_lt(o->read_count, OFFICE_READS_MAX);
        o->reads[o->read_count++] = (struct office_read){q->offsets_partition, reply, reply_arg};
        return;
    }
    Bn__GroupWriteRequest *stored = o->stored ? bn__group_write_request__unpack(NULL, o->stored_len, o->stored) : NULL;
    if (stored && q->after.len == 0) {
        m.groups = stored->groups;
        m.n_groups = stored->n_groups;
        m.more = true; /* and the next page is empty */
    }
    reply(reply_arg, &m);
    if (stored) bn__group_write_request__free_unpacked(stored, NULL);
}

/* ---- the office ---- */

static struct bn_image *image_of(int32_t epoch, int32_t count) {
    int32_t ids[] = {OFFICE_BROKER, 2};
    uint8_t id[16] = {9};
    Bn__Partition p[OFFICE_READS_MAX], *partitions[OFFICE_READS_MAX];
    ck_assert_int_le(count, OFFICE_READS_MAX);
    for (int32_t i = 0; i < count; i++) {
        bn__partition__init(&p[i]);
        p[i].index = i;
        p[i].leader = epoch >= 0 ? OFFICE_BROKER : 2;
        p[i].leader_epoch = epoch >= 0 ? epoch : 1000;
        p[i].replicas = p[i].isr = ids;
        p[i].n_replicas = p[i].n_isr = 2;
        partitions[i] = &p[i];
    }
    Bn__Topic t = BN__TOPIC__INIT;
    t.name = (char *)(uintptr_t)BN_COORDINATOR_TOPIC;
    t.id = (ProtobufCBinaryData){16, id};
    t.partitions = partitions;
    t.n_partitions = (size_t)count;
    uint8_t other[16] = {8};
    Bn__Topic read = BN__TOPIC__INIT; /* what members commit of */
    read.name = (char *)(uintptr_t) "t";
    read.id = (ProtobufCBinaryData){16, other};
    Bn__Topic *topics[] = {&t, &read};
    Bn__ImageDelta d = BN__IMAGE_DELTA__INIT;
    d.reset = true;
    d.sequence = 1;
    d.controller_epoch = 1;
    d.cluster_id = (char *)(uintptr_t) "c";
    d.topics = topics;
    d.n_topics = 2;
    struct bn_image *out = NULL;
    struct bn_err e = BN_ERR_NONE;
    int rc = bn_image_apply(NULL, &d, &out, &e);
    ck_assert_msg(rc == BN_OK, "%s", e.text);
    return out;
}

struct step {
    struct bn_msg msg;
    struct office *o;
    bool (*holds)(struct office *o, void *arg);
    void *arg;
    int turns;
};

static void look(struct bn_msg *m) {
    struct step *s = BN_CONTAINER_OF(m, struct step, msg);
    if (s->holds(s->o, s->arg)) {
        bn_loop_stop(s->o->shard->loop);
        return;
    }
    ck_assert_msg(++s->turns < 200000, "it never came");
    bn_shard_post(s->o->shard, m);
}

void office_until(struct office *o, bool (*holds)(struct office *o, void *arg), void *arg) {
    struct step s = {.msg.run = look, .o = o, .holds = holds, .arg = arg};
    bn_shard_post(o->shard, &s.msg);
    bn_shard_run_here(o->shard);
}

static bool three_turns(struct office *o, void *arg) { return ++*(int *)arg > 3; }

void office_turn(struct office *o) {
    int turns = 0;
    office_until(o, three_turns, &turns);
}

void office_open(struct office *o) {
    *o = (struct office){.shard = bn_shard_new(0), .pool = bn_pool_new(1)};
    bn_str_init(&o->roster.partition.bytes);
    o->roster.partition.heard_ms = INT64_MAX;
    o->subscription = BN_SLICE_LIT("topics");
    o->roster.partitions = 1;
    o->deps = (struct bn_coordinator_deps){.env = bn_env_real(),
                                           .shard = o->shard,
                                           .pool = o->pool,
                                           .group = {6000, 1800000, 1000, 0},
                                           .metadata_max = 10,
                                           .commit_timeout_ms = 5000,
                                           .retention_ms = 3600000,
                                           .retention_check_ms = 600000,
                                           .load_bytes = 1 << 20,
                                           .write = write_groups,
                                           .read = read_groups,
                                           .arg = o};
    o->coordinator = bn_coordinator_new(&o->deps, &o->roster);
    o->roster.image = image_of(-1, 1);
}

struct leading {
    struct bn_msg msg;
    struct office *o;
    struct bn_image *image;
    const Bn__ImageDelta *delta;
};

static void do_lead(struct bn_msg *m) {
    struct leading *l = BN_CONTAINER_OF(m, struct leading, msg);
    bn_coordinator_apply(l->o->coordinator, l->image, l->delta);
    bn_loop_stop(l->o->shard->loop);
}

void office_lead(struct office *o, int32_t epoch) {
    struct leading l = {.msg.run = do_lead, .o = o, .image = image_of(epoch, o->roster.partitions)};
    bn_shard_post(o->shard, &l.msg);
    bn_shard_run_here(o->shard);
    bn_image_unref(o->roster.image);
    o->roster.image = l.image;
}

void office_topic_gone(struct office *o, const char *topic, bool reset) {
    Bn__RemovedTopic gone = BN__REMOVED_TOPIC__INIT, *all[] = {&gone};
    Bn__ImageDelta d = BN__IMAGE_DELTA__INIT;
    gone.name = (char *)(uintptr_t)topic;
    d.removed_topics = all;
    d.n_removed_topics = 1;
    d.reset = reset;
    struct leading l = {.msg.run = do_lead, .o = o, .image = o->roster.image, .delta = &d};
    bn_shard_post(o->shard, &l.msg);
    bn_shard_run_here(o->shard);
}

static bool is_settled(struct office *o, void *arg) {
    const struct bn_coordinator_seat *s = bn_coordinator_seat(o->coordinator, 0);
    return bn_list_empty(&s->dirty) && bn_list_empty(&s->departed) && !s->writing;
}

void office_settle(struct office *o) { office_until(o, is_settled, NULL); }

static bool is_loaded(struct office *o, void *arg) {
    const struct bn_group *g;
    return bn_coordinator_group(o->coordinator, 0, BN_SLICE_LIT("nobody's"), &g) == KE_NONE;
}

void office_await_loaded(struct office *o) { office_until(o, is_loaded, NULL); }

static void do_close(struct bn_msg *m) {
    struct leading *l = BN_CONTAINER_OF(m, struct leading, msg);
    bn_coordinator_free(l->o->coordinator);
    bn_loop_stop(l->o->shard->loop);
}

void office_close(struct office *o) {
    struct leading l = {.msg.run = do_close, .o = o};
    bn_shard_post(o->shard, &l.msg);
    bn_shard_run_here(o->shard);
    office_turn(o);
    bn_pool_free(o->pool);
    bn_shard_free(o->shard);
    bn_image_unref(o->roster.image);
    bn_str_fini(&o->roster.partition.bytes);
    bn_alloc_free(o->stored);
}

struct doing {
    struct bn_msg msg;
    struct office *o;
    void (*run)(struct doing *d);
    const char *group;
    void *what;
};

static void run_doing(struct bn_msg *m) {
    struct doing *d = BN_CONTAINER_OF(m, struct doing, msg);
    d->run(d);
    bn_loop_stop(d->o->shard->loop);
}

static void do_it(struct office *o, void (*run)(struct doing *d), const char *group, void *what) {
    struct doing d = {.msg.run = run_doing, .o = o, .run = run, .group = group, .what = what};
    bn_shard_post(o->shard, &d.msg);
    bn_shard_run_here(o->shard);
}

static void do_commit(struct doing *d) {
    struct bn_partition *p = &d->o->roster.partition;
    p->hold = false;
    p->high_watermark = p->end;
    tell(p);
    for (int i = 0; i < p->held_count; i++) p->held[i]->done(p->held[i]);
    p->held_count = 0;
}

void office_commit(struct office *o) { do_it(o, do_commit, NULL, NULL); }

static void do_answer_read(struct doing *d) {
    struct office *o = d->o;
    const struct office_read first = o->reads[0];
    Bn__GroupReadReply m = BN__GROUP_READ_REPLY__INIT;
    m.error = *(const int16_t *)d->what;
    o->read_count--;
    for (int i = 0; i < o->read_count; i++) o->reads[i] = o->reads[i + 1];
    first.reply(first.arg, &m);
}

int32_t office_answer_read(struct office *o, int16_t error) {
    ck_assert_int_gt(o->read_count, 0);
    int32_t partition = o->reads[0].partition;
    do_it(o, do_answer_read, NULL, &error);
    return partition;
}

/* ---- requests ---- */

static void joined(struct bn_coordinator_join *j) {
    struct office_join *of = BN_CONTAINER_OF(j, struct office_join, join);
    of->answers++;
    of->generation = j->out.generation;
    snprintf(of->member_id, sizeof of->member_id, "%.*s", BN_SLICE_FMT(j->out.member_id));
}

static void do_join(struct doing *d) {
    struct office_join *j = d->what;
    bn_coordinator_join(d->o->coordinator, 0, bn_slice_str(d->group), &j->join);
}

void office_join(struct office *o, struct office_join *j, const char *group, const char *member_id) {
    static int serial;
    static char fresh[32];
    snprintf(fresh, sizeof fresh, "member-%d", ++serial);
    *j = (struct office_join){.protocol = {BN_SLICE_LIT("range"), o->subscription}};
    j->join.in = (struct bn_group_join){.member_id = bn_slice_str(member_id),
                                        .instance_id = o->instance_id,
                                        .new_id = bn_slice_str(fresh),
                                        .client_id = BN_SLICE_LIT("c"),
                                        .client_host = BN_SLICE_LIT("/h"),
                                        .session_ms = 10000,
                                        .rebalance_ms = 60000,
                                        .protocol_type = BN_SLICE_LIT("consumer"),
                                        .protocols = &j->protocol,
                                        .protocol_count = 1};
    j->join.done = joined;
    do_it(o, do_join, group, j);
}

static void synced(struct bn_coordinator_sync *s) {
    struct office_sync *of = BN_CONTAINER_OF(s, struct office_sync, sync);
    of->answers++;
    snprintf(of->got, sizeof of->got, "%.*s", BN_SLICE_FMT(s->out.assignment));
}

static void do_sync(struct doing *d) {
    struct office_sync *s = d->what;
    bn_coordinator_sync(d->o->coordinator, 0, bn_slice_str(d->group), &s->sync);
}

void office_sync(struct office *o, struct office_sync *s, const char *group, const struct office_join *of) {
    *s = (struct office_sync){.assignment = {bn_slice_str(of->member_id), BN_SLICE_LIT("all of it")}};
    s->sync.in = (struct bn_group_sync){.generation = of->generation,
                                        .member_id = bn_slice_str(of->member_id),
                                        .instance_id = o->instance_id,
                                        .assignments = &s->assignment,
                                        .assignment_count = 1};
    s->sync.done = synced;
    do_it(o, do_sync, group, s);
}

struct office_heartbeat {
    const struct office_join *of;
    int64_t silent_ms;
    int16_t error;
};

static void do_heartbeat(struct doing *d) {
    struct office_heartbeat *h = d->what;
    struct bn_partition *p = &d->o->roster.partition;
    p->heard_ms = h->silent_ms < 0 ? INT64_MAX : (int64_t)bn_loop_now_ms(d->o->shard->loop) - h->silent_ms;
    h->error = bn_coordinator_heartbeat(d->o->coordinator, 0, bn_slice_str(d->group), h->of->generation,
                                        bn_slice_str(h->of->member_id), BN_SLICE_NULL);
}

int16_t office_heartbeat(struct office *o, const char *group, const struct office_join *of, int64_t silent_ms) {
    struct office_heartbeat h = {.of = of, .silent_ms = silent_ms};
    do_it(o, do_heartbeat, group, &h);
    return h.error;
}

static void committed(struct bn_coordinator_commit *m) {
    BN_CONTAINER_OF(m, struct office_commitment, commit)->answers++;
}

static void do_offset(struct doing *d) {
    struct office_commitment *c = d->what;
    bn_coordinator_commit(d->o->coordinator, 0, bn_slice_str(d->group), &c->commit);
}

void office_offset(struct office *o, struct office_commitment *c, const char *group, int64_t offset) {
    *c = (struct office_commitment){.item = {.topic = BN_SLICE_LIT("t"),
                                             .metadata = BN_SLICE_LIT("m"),
                                             .offset = offset,
                                             .commit_ms = -1,
                                             .leader_epoch = 3}};
    c->commit = (struct bn_coordinator_commit){.generation = -1,
                                               .member_id = BN_SLICE_LIT(""),
                                               .retention_ms = -1,
                                               .items = &c->item,
                                               .count = 1,
                                               .done = committed};
    do_it(o, do_offset, group, c);
}
