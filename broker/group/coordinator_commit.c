/* coordinator_commit.c: commits on their way into __consumer_offsets: appended like any producer's acks=all, counted in
 * memory once they are below the high watermark, where the record later in the log wins. Also tombstones: offsets that
 * are deleted or that nobody has needed for long; and a group's metadata record, which only Kafka's tools read. */
#include "broker/group/coordinator_int.h"
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "proto/kafka/batch.h"
#include "proto/kafka/errors.h"

/* One append. The names are copies: the request, and the group, may be gone when it ends. */
struct bn_coordinator_writing {
    struct bn_partition_append append;
    struct bn_coordinator_seat *seat;
    struct bn_str group, bytes;
    struct bn_coordinator_commit *commit; /* whom to answer; NULL: nobody */
    int32_t *items;                       /* of commit, by record */
    int32_t count;
    int64_t commit_ms;
};

/* What the log says, as a committing client is told (6-groups 6.6). */
static int16_t error_of(int16_t error) {
    switch (error) {
    case KE_UNKNOWN_TOPIC_OR_PARTITION:
    case KE_NOT_ENOUGH_REPLICAS:
    case KE_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    case KE_REQUEST_TIMED_OUT:
        return KE_COORDINATOR_NOT_AVAILABLE;
    case KE_NOT_LEADER_OR_FOLLOWER:
    case KE_KAFKA_STORAGE_ERROR:
        return KE_NOT_COORDINATOR;
    case KE_MESSAGE_TOO_LARGE:
    case KE_RECORD_LIST_TOO_LARGE:
    case KE_INVALID_FETCH_SIZE:
        return KE_INVALID_COMMIT_OFFSET_SIZE;
    default:
        return error;
    }
}

static void free_writing(struct bn_coordinator_writing *w) {
    bn_str_fini(&w->group);
    bn_str_fini(&w->bytes);
    bn_alloc_free(w->items);
    bn_alloc_free(w);
}

static struct bn_grecord_offset offset_of(const struct bn_coordinator_commit *m, int32_t i, int64_t now_ms) {
    const struct bn_coordinator_commit_item *item = &m->items[i];
    return (struct bn_grecord_offset){
        .offset = item->offset,
        .leader_epoch = item->leader_epoch,
        .metadata = item->metadata,
        .commit_ms = now_ms,
        .expire_ms = m->retention_ms >= 0 ? now_ms + m->retention_ms : -1,
    };
}

static void count_in(struct bn_coordinator_writing *w) {
    struct bn_coordinator_club *k = bn_coordinator_club(w->seat, bn_str_slice(&w->group));
    if (!k) return;
    k->appends--;
    if (w->append.log.error != KE_NONE || !w->commit) return;
    for (int32_t r = 0; r < w->count; r++) {
        const struct bn_coordinator_commit_item *item = &w->commit->items[w->items[r]];
        if (item->offset < 0) {
            bn_offsets_remove(&k->offsets, item->topic, item->partition);
        } else {
            struct bn_grecord_offset o = offset_of(w->commit, w->items[r], w->commit_ms);
            bn_offsets_put(&k->offsets, item->topic, item->partition, &o, w->append.log.base_offset + r);
        }
    }
}

static void appended(struct bn_partition_append *a) {
    struct bn_coordinator_writing *w = BN_CONTAINER_OF(a, struct bn_coordinator_writing, append);
    struct bn_coordinator_seat *s = w->seat;
    struct bn_coordinator_commit *m = w->commit;
    if (!s->gone) count_in(w);
    for (int32_t r = 0; m && r < w->count; r++)
        m->items[w->items[r]].error = s->gone ? KE_NOT_COORDINATOR : error_of(a->log.error);
    free_writing(w);
    if (m) m->done(m);
    bn_coordinator_back(s);
}

static void append(struct bn_coordinator_writing *w, struct bn_batch_builder *b, int16_t acks) {
    struct bn_coordinator_seat *s = w->seat;
    struct bn_partition *p = bn_coordinator_partition(s);
    bn_str_init(&w->bytes);
    if (bn_batch_builder_finish(b, 0, 0, &w->bytes) != BN_OK) BN_UNREACHABLE();
    bn_batch_builder_fini(b);
    w->append.log.bytes = (uint8_t *)w->bytes.ptr;
    w->append.log.len = w->bytes.len;
    w->append.log.internal = true;
    w->append.log.now_ms = w->commit_ms;
    w->append.acks = acks;
    w->append.timeout_ms = s->c->deps->commit_timeout_ms;
    w->append.done = appended;
    s->under_way++;
    struct bn_coordinator_club *k = bn_coordinator_club(s, bn_str_slice(&w->group));
    if (k) k->appends++;
    if (p) {
        bn_partition_append(p, &w->append);
        return;
    }
    w->append.log.error = KE_NOT_LEADER_OR_FOLLOWER;
    appended(&w->append);
}

static struct bn_coordinator_writing *new_writing(struct bn_coordinator_seat *s, struct bn_slice group, int32_t most) {
    struct bn_coordinator_writing *w = bn_alloc_zero(1, sizeof *w);
    w->seat = s;
    bn_str_init(&w->group);
    bn_str_add_slice(&w->group, group);
    w->items = bn_alloc_zero((size_t)most + 1, sizeof *w->items);
    w->commit_ms = bn_clock_wall_ms(s->c->deps->env->clock);
    return w;
}

static void add_item(struct bn_batch_builder *b, struct bn_slice group, const struct bn_coordinator_commit *m,
                     int32_t i, int64_t now_ms) {
    struct bn_str key, value;
    bn_str_init(&key);
    bn_str_init(&value);
    bn_grecord_write_offset_key(&key, group, m->items[i].topic, m->items[i].partition);
    struct bn_grecord_offset o = offset_of(m, i, now_ms);
    bool removed = m->items[i].offset < 0;
    if (!removed) bn_grecord_write_offset(&value, &o);
    bn_batch_builder_add(b, b->count, now_ms, bn_str_slice(&key), removed ? BN_SLICE_NULL : bn_str_slice(&value), 0,
                         BN_SLICE_NULL);
    bn_str_fini(&key);
    bn_str_fini(&value);
}

/* Those items that have no error yet; done at once when there is none. */
static void write_items(struct bn_coordinator_seat *s, struct bn_slice group, struct bn_coordinator_commit *m) {
    struct bn_coordinator_writing *w = new_writing(s, group, m->count);
    struct bn_batch_builder b;
    bn_batch_builder_init(&b);
    for (int32_t i = 0; i < m->count; i++) {
        if (m->items[i].error != KE_NONE) continue;
        add_item(&b, group, m, i, w->commit_ms);
        w->items[w->count++] = i;
    }
    w->commit = m;
    if (w->count > 0) {
        append(w, &b, -1);
        return;
    }
    bn_batch_builder_fini(&b);
    free_writing(w);
    m->done(m);
}

static void refuse(struct bn_coordinator_commit *m, int16_t error) {
    for (int32_t i = 0; i < m->count; i++) {
        if (m->items[i].error == KE_NONE) m->items[i].error = error;
    }
    m->done(m);
}

void bn_coordinator_commit(struct bn_coordinator *c, int32_t partition, struct bn_slice group,
                           struct bn_coordinator_commit *m) {
    struct bn_coordinator_seat *s;
    int16_t error = bn_coordinator_check(c, partition, &s);
    struct bn_coordinator_club *k = error == KE_NONE ? bn_coordinator_club(s, group) : NULL;
    if (error == KE_NONE && !k && m->generation >= 0) error = KE_ILLEGAL_GENERATION;
    if (error == KE_NONE && !k) k = bn_coordinator_club_make(s, group); /* a simple consumer's */
    if (error == KE_NONE)
        error = bn_group_may_commit(k->group, bn_coordinator_now_ms(c), m->generation, m->member_id, m->instance_id);
    if (error != KE_NONE) {
        refuse(m, error);
        return;
    }
    for (int32_t i = 0; i < m->count; i++) {
        if (m->items[i].error == KE_NONE && (int64_t)m->items[i].metadata.len > c->deps->metadata_max)
            m->items[i].error = KE_OFFSET_METADATA_TOO_LARGE;
    }
    write_items(s, group, m);
}

/* ---- forgetting ---- */

static bool may_go(const struct bn_coordinator_club *k) {
    return bn_group_size(k->group) == 0 && bn_group_state(k->group) == BN_GROUP_EMPTY && k->appends == 0;
}

static void dismiss(struct bn_coordinator_club *k) {
    if (k->has_znode) bn_coordinator_forget(k);
    bn_coordinator_club_free(k);
}

/* Tombstones for all offsets that `which` picks; the group itself goes when none is left. */
static void remove_offsets(struct bn_coordinator_club *k,
                           bool (*which)(const struct bn_coordinator_club *k, const struct bn_offsets_entry *e)) {
    struct bn_coordinator_seat *s = k->seat;
    struct bn_slice group = bn_group_id(k->group);
    struct bn_coordinator_writing *w = new_writing(s, group, 0);
    struct bn_batch_builder b;
    bn_batch_builder_init(&b);
    size_t at = 0;
    for (const struct bn_offsets_entry *e; (e = bn_offsets_next(&k->offsets, &at)) != NULL;) {
        if (!which(k, e)) continue;
        struct bn_str key, topic;
        bn_str_init(&key);
        bn_str_init(&topic);
        bn_grecord_write_offset_key(&key, group, e->topic, e->partition);
        bn_batch_builder_add(&b, b.count, w->commit_ms, bn_str_slice(&key), BN_SLICE_NULL, 0, BN_SLICE_NULL);
        bn_str_add_slice(&topic, e->topic);
        bn_offsets_remove(&k->offsets, bn_str_slice(&topic), e->partition);
        at = 0; /* the table has changed */
        bn_str_fini(&key);
        bn_str_fini(&topic);
    }
    if (b.count > 0) {
        append(w, &b, 1);
        return;
    }
    bn_batch_builder_fini(&b);
    free_writing(w);
}

static bool any(const struct bn_coordinator_club *k, const struct bn_offsets_entry *e) {
    (void)k;
    (void)e;
    return true;
}

void bn_coordinator_delete(struct bn_coordinator *c, int32_t partition, struct bn_slice group,
                           struct bn_coordinator_commit *m) {
    struct bn_coordinator_seat *s;
    int16_t error = bn_coordinator_check(c, partition, &s);
    struct bn_coordinator_club *k = error == KE_NONE ? bn_coordinator_club(s, group) : NULL;
    if (error == KE_NONE && !k) error = KE_GROUP_ID_NOT_FOUND;
    bool consumers = k && bn_slice_eq_str(bn_group_protocol_type(k->group), "consumer");
    if (error == KE_NONE && bn_group_size(k->group) > 0 && (m->count == 0 || !consumers)) error = KE_NON_EMPTY_GROUP;
    if (error == KE_NONE && m->count > 0) {
        for (int32_t i = 0; i < m->count; i++) {
            if (m->items[i].error == KE_NONE && bn_group_subscribes(k->group, m->items[i].topic))
                m->items[i].error = KE_GROUP_SUBSCRIBED_TO_TOPIC;
        }
        write_items(s, group, m);
        return;
    }
    if (error == KE_NONE) {
        remove_offsets(k, any);
        if (may_go(k)) dismiss(k);
    }
    if (m->count > 0) {
        refuse(m, error);
        return;
    }
    m->items[0].error = error;
    m->done(m);
}

/* 6-groups 6.8, for groups without members: by the commit's own expiry, or so long after the group became empty (a
 * simple consumer's: after the commit). */
static bool is_expired(const struct bn_coordinator_club *k, const struct bn_offsets_entry *e) {
    const struct bn_coordinator *c = k->seat->c;
    int64_t now_ms = bn_clock_wall_ms(c->deps->env->clock);
    if (e->committed.expire_ms >= 0) return e->committed.expire_ms <= now_ms;
    bool simple = bn_slice_is_null(bn_group_protocol_type(k->group));
    int64_t since_ms = simple ? e->committed.commit_ms : bn_max_i64(k->state_since_ms, e->committed.commit_ms);
    return now_ms - since_ms >= c->deps->retention_ms;
}

void bn_coordinator_expire(struct bn_coordinator_seat *s) {
    size_t at = 0;
    for (struct bn_map_entry *e; (e = bn_map_next(&s->groups, &at)) != NULL;) {
        struct bn_coordinator_club *k = e->value;
        if (!may_go(k)) continue;
        remove_offsets(k, is_expired);
        if (bn_offsets_count(&k->offsets) > 0 || !may_go(k)) continue;
        dismiss(k);
        at = 0; /* the table has changed */
    }
}

/* ---- what Kafka's tools read ---- */

void bn_coordinator_append_group(struct bn_coordinator_club *k) {
    const struct bn_group *g = k->group;
    struct bn_coordinator_writing *w = new_writing(k->seat, bn_group_id(g), 0);
    struct bn_str key, value;
    bn_str_init(&key);
    bn_str_init(&value);
    bn_grecord_write_group_key(&key, bn_group_id(g));
    const struct bn_grecord_group head = {bn_group_protocol_type(g), bn_group_protocol(g), bn_group_leader(g),
                                          bn_group_generation(g),    k->state_since_ms,    bn_group_size(g)};
    bn_grecord_write_group(&value, &head);
    for (int32_t i = 0; i < bn_group_size(g); i++) {
        struct bn_group_member_view v;
        bn_group_at(g, i, &v);
        const struct bn_grecord_member m = {v.id,           v.instance_id, v.client_id, v.client_host,
                                            v.rebalance_ms, v.session_ms,  v.metadata,  v.assignment};
        bn_grecord_write_member(&value, &m);
    }
    struct bn_batch_builder b;
    bn_batch_builder_init(&b);
    bn_batch_builder_add(&b, 0, w->commit_ms, bn_str_slice(&key), bn_str_slice(&value), 0, BN_SLICE_NULL);
    bn_str_fini(&key);
    bn_str_fini(&value);
    append(w, &b, 1);
}
