/* coordinator_load.c: what a newly elected coordinator must know before it answers: the rebalance state of its groups,
 * from the controller, and their offsets, from the log.
 *
 *   ASKING --pages of groups--> READING --chunk by chunk, on the pool--> loaded
 *
 * A few loads go on at a time, each until it is done or has to wait for time or for the watermark, so that the death of
 * a broker that led many partitions costs no more memory, and no more of the controller at once, than that of one with
 * few; those that stand in line come in the order of their beginning.
 *
 * The log is read as a consumer reads it: up to the high watermark. It is loaded when that has passed the log's end at
 * the election (until then the partition says OFFSET_NOT_AVAILABLE), so that a second failover moves no offset back
 * (safety §5). Damaged records are told and skipped: one bad commit must not lock every group of its partition out. The
 * log's records of groups hold for those that the controller does not know: a Kafka of before has left them. */
#include "broker/group/coordinator_int.h"
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/trace.h"
#include "common/sys/pool.h"
#include "proto/kafka/batch.h"
#include "proto/kafka/errors.h"

enum { AGAIN_MS = 100, EXPANSION_MAX = 64 << 20, BUSY_MAX = 4 };

struct record { /* one offset or group, or its removal, as the chunk had it */
    struct bn_grecord_key key;
    struct bn_grecord_offset value;
    struct bn_slice group; /* the value of a group's */
    bool removed;
    int64_t log_offset;
    struct bn_str bytes; /* what key and value borrow, when the batch was compressed or not */
};

struct chunk { /* a job on the pool */
    struct bn_job job;
    struct bn_coordinator_seat *seat;
    struct bn_chain chain;
    int status;
    struct record *records;
    size_t count, capacity;
    int64_t next; /* the offset behind the last record */
    int bad;
};

struct bn_coordinator_load {
    int64_t at;          /* the next offset to be read */
    struct bn_str after; /* name of the last group of the page before */
    bool asking, reading;
    bool busy;           /* one of the few */
    struct bn_list line; /* in coordinator.line */
    struct bn_timer again;
    struct bn_partition_interest interest;
    int64_t began_ms;
    size_t offsets;
    struct bn_map recorded; /* struct recorded, by group: those that the controller did not tell */
};

struct recorded { /* the last record of a group */
    struct bn_str name, value;
};

static void go_on(struct bn_coordinator_seat *s);

/* ---- the line ---- */

static void make_busy(struct bn_coordinator *c, struct bn_coordinator_load *l) {
    l->busy = true;
    c->busy_loads++;
}

static void stop_being_busy(struct bn_coordinator *c, struct bn_coordinator_load *l) {
    bn_list_remove(&l->line);
    if (!l->busy) return;
    l->busy = false;
    c->busy_loads--;
    struct bn_list *it = bn_list_pop_front(&c->line);
    if (!it) return;
    struct bn_coordinator_load *next = BN_CONTAINER_OF(it, struct bn_coordinator_load, line);
    make_busy(c, next);
    bn_timer_start(&next->again, 0);
}

/* False: it stands in line. */
static bool be_busy(struct bn_coordinator *c, struct bn_coordinator_load *l) {
    if (!l->busy && c->busy_loads < BUSY_MAX) make_busy(c, l);
    if (!l->busy && bn_list_empty(&l->line)) bn_list_push_back(&c->line, &l->line);
    return l->busy;
}

static void wait_ms(struct bn_coordinator_seat *s, uint64_t ms) {
    stop_being_busy(s->c, s->load);
    bn_timer_start(&s->load->again, ms);
}

/* ---- the log ---- */

static void take_record(struct chunk *c, const struct bn_record *r) { /* pool thread */
    struct record out = {.log_offset = r->offset};
    struct bn_str copy;
    bn_str_init(&copy);
    bn_str_add_slice(&copy, r->key);
    bn_str_add_slice(&copy, r->value);
    struct bn_slice key = bn_slice_of(copy.ptr, r->key.len);
    struct bn_slice value = bn_slice_of(copy.ptr + r->key.len, r->value.len);
    int rc = bn_slice_is_null(r->key) ? BN_BAD : bn_grecord_read_key(key, &out.key);
    out.removed = bn_slice_is_null(r->value);
    if (rc == BN_OK && out.key.kind == BN_GRECORD_OFFSET && !out.removed)
        rc = bn_grecord_read_offset(value, &out.value);
    struct bn_grecord_group group;
    if (rc == BN_OK && out.key.kind == BN_GRECORD_GROUP && !out.removed) rc = bn_grecord_read_group(value, &group);
    out.group = value;
    if (rc != BN_OK || out.key.kind == BN_GRECORD_OTHER) {
        c->bad += rc != BN_OK;
        bn_str_fini(&copy);
        return;
    }
    out.bytes = copy;
    if (c->count == c->capacity) {
        c->capacity = c->capacity ? c->capacity * 2 : 256;
        c->records = bn_alloc_resize(c->records, c->capacity * sizeof *c->records);
    }
    c->records[c->count++] = out;
}

static void take_batch(struct chunk *c, const struct bn_batch *b) { /* pool thread */
    struct bn_batch_iter it;
    struct bn_record r;
    int rc = bn_batch_iter_init(&it, b, EXPANSION_MAX);
    bool control = b->attributes & BN_BATCH_CONTROL;
    while (rc >= 0 && !control && (rc = bn_batch_iter_next(&it, &r)) > 0) take_record(c, &r);
    c->bad += rc < 0;
    bn_batch_iter_fini(&it);
}

static void chunk_run(struct bn_job *job) { /* pool thread */
    struct chunk *c = BN_CONTAINER_OF(job, struct chunk, job);
    size_t size = c->chain.size_bytes;
    uint8_t *bytes = bn_alloc(size + 1);
    c->status = bn_chain_copy_out(&c->chain, bytes);
    struct bn_slice left = bn_slice_of(bytes, c->status == 0 ? size : 0);
    struct bn_batch b;
    while (bn_batch_peek(left, &b) == BN_OK) {
        if (bn_batch_crc_ok(&b))
            take_batch(c, &b);
        else
            c->bad++;
        c->next = bn_batch_next_offset(&b);
        left = bn_slice_of(left.ptr + b.bytes.len, left.len - b.bytes.len);
    }
    bn_alloc_free(bytes);
}

/* What the controller keeps of a group holds. It may keep no more than which generations are taken. */
static bool is_told(const struct bn_coordinator_club *k) {
    return k && (bn_group_generation(k->group) > 0 || bn_group_size(k->group) > 0);
}

static void forget_recorded(struct recorded *r) {
    if (!r) return;
    bn_str_fini(&r->name);
    bn_str_fini(&r->value);
    bn_alloc_free(r);
}

static void apply_group(struct bn_coordinator_seat *s, const struct record *r) {
    struct bn_map *all = &s->load->recorded;
    if (is_told(bn_coordinator_club(s, r->key.group))) return;
    forget_recorded(bn_map_remove(all, r->key.group));
    if (r->removed) return;
    struct recorded *out = bn_alloc_zero(1, sizeof *out);
    bn_str_init(&out->name);
    bn_str_init(&out->value);
    bn_str_add_slice(&out->name, r->key.group);
    bn_str_add_slice(&out->value, r->group);
    bn_map_put(all, bn_str_slice(&out->name), out);
}

/* A group that only the log knows, and only by its offsets, goes with the last of them: it was deleted, or is old. */
static void take_away(struct bn_coordinator_club *k, const struct record *r) {
    bn_offsets_remove(&k->offsets, r->key.topic, r->key.partition);
    if (bn_offsets_count(&k->offsets) == 0 && !k->has_znode) bn_coordinator_club_free(k);
}

static void apply_record(struct bn_coordinator_seat *s, const struct record *r) {
    if (r->key.kind == BN_GRECORD_GROUP) {
        apply_group(s, r);
        return;
    }
    struct bn_coordinator_club *k = bn_coordinator_club(s, r->key.group);
    if (r->removed) {
        if (k) take_away(k, r);
        return;
    }
    if (!k) k = bn_coordinator_club_make(s, r->key.group);
    bn_offsets_put(&k->offsets, r->key.topic, r->key.partition, &r->value, r->log_offset);
    s->load->offsets++;
}

static void chunk_done(struct bn_job *job) {
    struct chunk *c = BN_CONTAINER_OF(job, struct chunk, job);
    struct bn_coordinator_seat *s = c->seat;
    if (!s->gone) {
        for (size_t i = 0; i < c->count; i++) apply_record(s, &c->records[i]);
        if (c->bad)
            BN_WARN("coordinator", "%d damaged records or batches of %s-%d were skipped", c->bad, BN_COORDINATOR_TOPIC,
                    s->partition);
        s->load->reading = false;
        if (c->next > s->load->at) s->load->at = c->next;
        if (c->status == 0)
            go_on(s);
        else
            wait_ms(s, AGAIN_MS);
    }
    for (size_t i = 0; i < c->count; i++) bn_str_fini(&c->records[i].bytes);
    bn_alloc_free(c->records);
    bn_chain_fini(&c->chain);
    bn_alloc_free(c);
    bn_coordinator_back(s);
}

static void read_chunk(struct bn_coordinator_seat *s, struct bn_chain *chain) {
    struct chunk *c = bn_alloc_zero(1, sizeof *c);
    c->seat = s;
    bn_chain_init(&c->chain);
    bn_chain_splice(&c->chain, chain);
    c->job.run = chunk_run;
    c->job.done = chunk_done;
    c->job.reply_to = s->c->deps->shard->mailbox;
    s->load->reading = true;
    s->under_way++;
    bn_pool_submit(s->c->deps->pool, &c->job);
}

/* ---- groups that only the log knows: Apache Kafka kept them there ---- */

static struct bn_slice or_none(struct bn_slice s) { return s.len > 0 ? s : BN_SLICE_NULL; }
static struct bn_slice or_empty(struct bn_slice s) { return bn_slice_is_null(s) ? BN_SLICE_LIT("") : s; }

static void resume_recorded(struct bn_coordinator_seat *s, const struct recorded *from) {
    struct bn_grecord_group g;
    struct bn_grecord_member m;
    if (bn_grecord_read_group(bn_str_slice(&from->value), &g) != BN_OK) BN_UNREACHABLE();
    if (g.generation < 0 || g.generation > INT32_MAX / 2) return; /* made up */
    struct bn_coordinator_club *k = bn_coordinator_club_make(s, bn_str_slice(&from->name));
    struct bn_group_resume_member *members = bn_alloc_zero((size_t)g.member_count + 1, sizeof *members);
    struct bn_group_resume r = {
        .generation = g.generation,
        .reserved = g.generation,
        .protocol_type = or_none(g.protocol_type),
        .protocol = or_none(g.protocol),
        .leader = or_none(g.leader),
        .members = members,
    };
    while (bn_grecord_next_member(&g, &m)) {
        members[r.member_count++] = (struct bn_group_resume_member){
            .id = m.id,
            .instance_id = m.instance_id,
            .client_id = or_empty(m.client_id),
            .client_host = or_empty(m.client_host),
            .session_ms = (int32_t)bn_max_i64(m.session_ms, 0),
            .rebalance_ms = (int32_t)bn_max_i64(m.rebalance_ms, 0),
            .metadata = or_empty(m.subscription),
            .assignment = or_empty(m.assignment),
        };
    }
    bn_group_resume(k->group, bn_coordinator_now_ms(s->c), &r);
    bn_alloc_free(members);
    k->state_since_ms = bn_max_i64(g.state_since_ms, 0);
    k->state_was = bn_group_state(k->group);
}

static void finish(struct bn_coordinator_seat *s) {
    struct bn_coordinator_load *l = s->load;
    size_t each = 0;
    for (struct bn_map_entry *e; (e = bn_map_next(&l->recorded, &each)) != NULL;) resume_recorded(s, e->value);
    size_t groups = s->groups.count;
    BN_INFO("coordinator",
            "[GroupCoordinator %d]: finished loading %s-%d at epoch %d: %zu groups, %zu offsets in %" PRId64 " ms",
            bn_roster_id(s->c->roster), BN_COORDINATOR_TOPIC, s->partition, s->leader_epoch, groups, l->offsets,
            bn_coordinator_now_ms(s->c) - l->began_ms);
    bn_coordinator_load_stop(s);
    s->loaded = true;
    size_t at = 0;
    for (struct bn_map_entry *e; (e = bn_map_next(&s->groups, &at)) != NULL;) bn_coordinator_settle(e->value);
}

static void moved(struct bn_partition_interest *i, bool wake) {
    struct bn_coordinator_load *l = BN_CONTAINER_OF(i, struct bn_coordinator_load, interest);
    (void)wake;
    bn_partition_interest_drop(i);
    bn_timer_start(&l->again, 0);
}

/* Nothing is below the watermark that was not read. Is that all there was at the election? */
static void end_or_wait(struct bn_coordinator_seat *s, struct bn_partition *p, int64_t high_watermark) {
    struct bn_partition_offsets latest = {.timestamp = -1, .current_leader_epoch = s->leader_epoch, .replica_id = -1};
    bn_partition_offsets(p, &latest);
    if (latest.error == KE_NONE) {
        finish(s);
    } else {
        stop_being_busy(s->c, s->load);
        s->load->interest.seen = high_watermark;
        s->load->interest.moved = moved;
        bn_partition_interest_add(p, &s->load->interest);
    }
}

static void read_log(struct bn_coordinator_seat *s) {
    struct bn_partition *p = bn_coordinator_partition(s);
    struct bn_partition_read r = {.offset = s->load->at,
                                  .max_bytes = s->c->deps->load_bytes,
                                  .current_leader_epoch = s->leader_epoch,
                                  .replica_id = -1,
                                  .replica_epoch = -1,
                                  .replica_log_start = -1,
                                  .last_fetched_epoch = -1,
                                  .whole_first = true};
    bn_chain_init(&r.records);
    if (p) bn_partition_read(p, &r);
    if (p && r.error == KE_OFFSET_OUT_OF_RANGE && r.log_start_offset > s->load->at) {
        s->load->at = r.log_start_offset;
        bn_timer_start(&s->load->again, 0);
    } else if (!p || r.error != KE_NONE) {
        wait_ms(s, AGAIN_MS); /* its log is being opened; or it fails, and another will lead */
    } else if (r.bytes > 0) {
        read_chunk(s, &r.records);
    } else {
        end_or_wait(s, p, r.high_watermark);
    }
    bn_chain_fini(&r.records);
}

/* ---- the controller ---- */

static struct bn_slice slice_of(ProtobufCBinaryData b) { return bn_slice_of(b.data ? b.data : (uint8_t *)"", b.len); }
static struct bn_slice or_null(ProtobufCBinaryData b) { return b.len ? bn_slice_of(b.data, b.len) : BN_SLICE_NULL; }

static void take_group(struct bn_coordinator_seat *s, const Bn__GroupState *g) {
    struct bn_coordinator_club *k = bn_coordinator_club_make(s, slice_of(g->group_id));
    if (bn_group_generation(k->group) > 0 || bn_group_size(k->group) > 0) return; /* told twice */
    struct bn_group_resume_member *members = bn_alloc_zero(g->n_members + 1, sizeof *members);
    for (size_t i = 0; i < g->n_members; i++) {
        const Bn__GroupMember *m = g->members[i];
        members[i] = (struct bn_group_resume_member){
            .id = slice_of(m->member_id),
            .instance_id = m->is_static ? slice_of(m->instance_id) : BN_SLICE_NULL,
            .client_id = slice_of(m->client_id),
            .client_host = slice_of(m->client_host),
            .session_ms = m->session_timeout_ms,
            .rebalance_ms = m->rebalance_timeout_ms,
            .metadata = slice_of(m->metadata),
            .assignment = slice_of(m->assignment),
        };
    }
    const struct bn_group_resume r = {
        .generation = g->generation,
        .reserved = g->reserved,
        .protocol_type = or_null(g->protocol_type),
        .protocol = or_null(g->protocol),
        .leader = or_null(g->leader),
        .members = members,
        .member_count = (int32_t)g->n_members,
    };
    bn_group_resume(k->group, bn_coordinator_now_ms(s->c), &r);
    bn_alloc_free(members);
    k->has_znode = true;
    k->state_since_ms = g->state_since_ms;
    k->state_was = bn_group_state(k->group);
}

static void on_groups(void *arg, const Bn__GroupReadReply *m) {
    struct bn_coordinator_seat *s = arg;
    if (!s->gone) {
        struct bn_coordinator_load *l = s->load;
        bool good = m && m->error == KE_NONE;
        for (size_t i = 0; good && i < m->n_groups; i++) {
            take_group(s, m->groups[i]);
            bn_str_clear(&l->after);
            bn_str_add_slice(&l->after, slice_of(m->groups[i]->group_id));
        }
        l->asking = !good || (m->more && m->n_groups > 0);
        if (good)
            bn_timer_start(&l->again, 0);
        else
            wait_ms(s, AGAIN_MS);
    }
    bn_coordinator_back(s);
}

static void ask_groups(struct bn_coordinator_seat *s) {
    Bn__GroupReadRequest q = BN__GROUP_READ_REQUEST__INIT;
    q.offsets_partition = s->partition;
    q.leader_epoch = s->leader_epoch;
    q.after = (ProtobufCBinaryData){s->load->after.len, (uint8_t *)s->load->after.ptr};
    s->under_way++;
    s->c->deps->read(s->c->deps->arg, s->c->deps->shard, &q, on_groups, s);
}

/* ---- life ---- */

static void go_on(struct bn_coordinator_seat *s) {
    if (s->load->reading || !be_busy(s->c, s->load)) return;
    if (s->load->asking)
        ask_groups(s);
    else
        read_log(s);
}

struct holder { /* the timer knows its load, the load its seat */
    struct bn_coordinator_load load;
    struct bn_coordinator_seat *seat;
};

static void again(struct bn_timer *t) {
    struct bn_coordinator_load *l = BN_CONTAINER_OF(t, struct bn_coordinator_load, again);
    go_on(BN_CONTAINER_OF(l, struct holder, load)->seat);
}

void bn_coordinator_load_start(struct bn_coordinator_seat *s) {
    struct holder *h = bn_alloc_zero(1, sizeof *h);
    h->seat = s;
    s->load = &h->load;
    s->load->asking = true;
    s->load->began_ms = bn_coordinator_now_ms(s->c);
    bn_str_init(&s->load->after);
    bn_map_init(&s->load->recorded);
    bn_list_init(&s->load->interest.link);
    bn_list_init(&s->load->line);
    bn_timer_init(&s->load->again, s->c->deps->shard->loop, again);
    BN_INFO("coordinator", "[GroupCoordinator %d]: elected for partition %d of %s at epoch %d",
            bn_roster_id(s->c->roster), s->partition, BN_COORDINATOR_TOPIC, s->leader_epoch);
    if (be_busy(s->c, s->load)) bn_timer_start(&s->load->again, 0);
}

void bn_coordinator_load_stop(struct bn_coordinator_seat *s) {
    if (!s->load) return;
    bn_timer_stop(&s->load->again);
    stop_being_busy(s->c, s->load);
    bn_partition_interest_drop(&s->load->interest);
    bn_str_fini(&s->load->after);
    size_t at = 0;
    for (struct bn_map_entry *e; (e = bn_map_next(&s->load->recorded, &at)) != NULL;) forget_recorded(e->value);
    bn_map_fini(&s->load->recorded);
    bn_alloc_free(BN_CONTAINER_OF(s->load, struct holder, load));
    s->load = NULL;
}
