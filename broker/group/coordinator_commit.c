/* coordinator_commit.c: commits on their way into __consumer_offsets: appended like any producer's acks=all, counted in
 * memory once they are below the high watermark, where the record later in the log wins. Also a group's metadata
 * record, which Kafka's tools read, and which holds where a group has no znode. */
#include "broker/group/coordinator_int.h"
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "proto/kafka/batch.h"
#include "proto/kafka/errors.h"

/* One append. The names are copies: the request, and the group, may be gone when it ends. */
struct bn_coordinator_writing {
    struct bn_partition_append append;
    struct bn_coordinator_seat *seat;
    struct bn_list link;              /* in club->writings */
    struct bn_coordinator_club *club; /* whose offsets these are; NULL: nobody's any more */
    struct bn_str bytes;
    struct bn_coordinator_commit *commit; /* whom to answer; NULL: nobody */
    struct line {
        int32_t item;   /* of commit */
        bool forgotten; /* meanwhile: it does not count */
    } * lines;          /* by record */
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
    bn_str_fini(&w->bytes);
    bn_alloc_free(w->lines);
    bn_alloc_free(w);
}

/* When an offset ends whose client gave it a time of its own; so long a time that it can't be told is for ever. */
static int64_t expiry(int64_t retention_ms, int64_t now_ms) {
    if (retention_ms == -1) return -1;
    return retention_ms > INT64_MAX - now_ms ? INT64_MAX : bn_max_i64(now_ms + retention_ms, 0);
}

static struct bn_grecord_offset offset_of(const struct bn_coordinator_commit *m, int32_t i, int64_t now_ms) {
    const struct bn_coordinator_commit_item *item = &m->items[i];
    return (struct bn_grecord_offset){
        .offset = item->offset,
        .leader_epoch = item->leader_epoch,
        .metadata = item->metadata,
        .commit_ms = item->commit_ms == -1 ? now_ms : item->commit_ms,
        .expire_ms = expiry(m->retention_ms, now_ms),
    };
}

static void count_in(struct bn_coordinator_writing *w) {
    struct bn_coordinator_club *k = w->club;
    bn_list_remove(&w->link);
    if (!k || w->append.log.error != KE_NONE) return;
    for (int32_t r = 0; r < w->count; r++) {
        const struct bn_coordinator_commit_item *item = &w->commit->items[w->lines[r].item];
        if (w->lines[r].forgotten) continue;
        if (w->commit->removes) {
            bn_offsets_remove(&k->offsets, item->topic, item->partition);
        } else {
            struct bn_grecord_offset o = offset_of(w->commit, w->lines[r].item, w->commit_ms);
            bn_offsets_put(&k->offsets, item->topic, item->partition, &o, w->append.log.base_offset + r);
        }
    }
    if (!w->commit->removes) return;
    k->leftover = true;           /* a group goes with the last offset that an administrator deletes, as with Kafka */
    bn_timer_start(&k->timer, 0); /* whoever is at work with clubs is done then */
}

void bn_coordinator_disown(struct bn_coordinator_club *k, bool (*drops)(void *arg, const struct bn_offsets_entry *e),
                           void *arg) {
    BN_LIST_FOR (it, &k->writings) {
        struct bn_coordinator_writing *w = BN_CONTAINER_OF(it, struct bn_coordinator_writing, link);
        int32_t forgotten = 0;
        for (int32_t r = 0; r < w->count; r++) {
            const struct bn_coordinator_commit_item *item = &w->commit->items[w->lines[r].item];
            const struct bn_offsets_entry e = {.topic = item->topic, .partition = item->partition};
            if (!w->lines[r].forgotten) w->lines[r].forgotten = !drops || drops(arg, &e);
            forgotten += w->lines[r].forgotten;
        }
        if (forgotten < w->count) continue;
        bn_list_remove(&w->link);
        w->club = NULL;
    }
}

static void appended(struct bn_partition_append *a) {
    struct bn_coordinator_writing *w = BN_CONTAINER_OF(a, struct bn_coordinator_writing, append);
    struct bn_coordinator_seat *s = w->seat;
    struct bn_coordinator_commit *m = w->commit;
    count_in(w);
    for (int32_t r = 0; m && r < w->count; r++)
        m->items[w->lines[r].item].error = s->gone ? KE_NOT_COORDINATOR : error_of(a->log.error);
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
    if (w->club) bn_list_push_back(&w->club->writings, &w->link);
    if (p) {
        bn_partition_append(p, &w->append);
        return;
    }
    w->append.log.error = KE_NOT_LEADER_OR_FOLLOWER;
    appended(&w->append);
}

static struct bn_coordinator_writing *new_writing(struct bn_coordinator_seat *s, int32_t most) {
    struct bn_coordinator_writing *w = bn_alloc_zero(1, sizeof *w);
    w->seat = s;
    bn_list_init(&w->link);
    w->lines = bn_alloc_zero((size_t)most + 1, sizeof *w->lines);
    w->commit_ms = bn_clock_wall_ms(s->c->deps->env->clock);
    return w;
}

void bn_coordinator_append(struct bn_coordinator_seat *s, struct bn_batch_builder *b) {
    append(new_writing(s, 0), b, 1);
}

static void add_item(struct bn_batch_builder *b, struct bn_slice group, const struct bn_coordinator_commit *m,
                     int32_t i, int64_t now_ms) {
    struct bn_str key, value;
    bn_str_init(&key);
    bn_str_init(&value);
    bn_grecord_write_offset_key(&key, group, m->items[i].topic, m->items[i].partition);
    struct bn_grecord_offset o = offset_of(m, i, now_ms);
    if (!m->removes) bn_grecord_write_offset(&value, &o);
    bn_batch_builder_add(b, b->count, now_ms, bn_str_slice(&key), m->removes ? BN_SLICE_NULL : bn_str_slice(&value), 0,
                         BN_SLICE_NULL);
    bn_str_fini(&key);
    bn_str_fini(&value);
}

/* Those items that have no error yet; done at once when there is none. */
static void write_items(struct bn_coordinator_club *k, struct bn_coordinator_commit *m) {
    struct bn_coordinator_writing *w = new_writing(k->seat, m->count);
    struct bn_batch_builder b;
    bn_batch_builder_init(&b);
    for (int32_t i = 0; i < m->count; i++) {
        if (m->items[i].error != KE_NONE) continue;
        add_item(&b, bn_group_id(k->group), m, i, w->commit_ms);
        w->lines[w->count++].item = i;
    }
    w->commit = m;
    w->club = k;
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
    write_items(k, m);
}

/* ---- what administrators delete ---- */

void bn_coordinator_delete(struct bn_coordinator *c, int32_t partition, struct bn_slice group,
                           struct bn_coordinator_commit *m) {
    struct bn_coordinator_seat *s;
    int16_t error = bn_coordinator_check(c, partition, &s);
    struct bn_coordinator_club *k = error == KE_NONE ? bn_coordinator_club(s, group) : NULL;
    if (error == KE_NONE && !k) error = KE_GROUP_ID_NOT_FOUND;
    bool consumers = k && bn_slice_eq_str(bn_group_protocol_type(k->group), "consumer");
    bool empty = k && bn_group_state(k->group) == BN_GROUP_EMPTY;
    if (error == KE_NONE && !empty && (m->count == 0 || !consumers)) error = KE_NON_EMPTY_GROUP;
    if (error == KE_NONE && m->count > 0) {
        for (int32_t i = 0; i < m->count; i++) {
            if (m->items[i].error == KE_NONE && bn_group_subscribes(k->group, m->items[i].topic))
                m->items[i].error = KE_GROUP_SUBSCRIBED_TO_TOPIC;
        }
        write_items(k, m);
        return;
    }
    if (error == KE_NONE) bn_coordinator_forget(k);
    if (m->count > 0) {
        refuse(m, error);
        return;
    }
    m->items[0].error = error;
    m->done(m);
}

/* ---- what Kafka's tools read ---- */

void bn_coordinator_append_group(struct bn_coordinator_club *k) {
    const struct bn_group *g = k->group;
    struct bn_coordinator_writing *w = new_writing(k->seat, 0);
    struct bn_str key, value;
    bn_str_init(&key);
    bn_str_init(&value);
    bn_grecord_write_group_key(&key, bn_group_id(g));
    const struct bn_grecord_group head = {
        .protocol_type = bn_group_protocol_type(g),
        .protocol = bn_group_protocol(g),
        .leader = bn_group_leader(g),
        .generation = bn_group_generation(g),
        .state_since_ms = k->state_since_ms,
        .member_count = bn_group_size(g),
    };
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
