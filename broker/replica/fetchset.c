/* fetchset.c: the partitions that are followed from one leader, and the incremental fetch session that names them
 * (KIP-227, 3-replication 3.9).
 *
 * The leader remembers what it was told of each partition. So a request says only what differs from that, and a round
 * costs what has changed: a partition that stands still is touched by neither side. Where the leader gives no session
 * (id 0), each request names everything, and those that got data last come last, so that none is starved (3.9).
 *
 *    new, moved, decided anew                       named in a request
 *   ------------------------> changed ------------------------------------> (in no list)
 *                              ^   ^ \                                       |    |
 *            time to try again |   |  \ truncating                     error |    | OFFSET_OUT_OF_RANGE
 *                           delayed |   -> cutting --(its end)--> changed <--+    v
 *                              ^____|________________________________________ asking (ListOffsets)
 *
 * Invariants
 *  1. in_session: the leader knows the partition with exactly offset, log_start, asked_epoch and last_epoch, once it
 *     has read the last request. Whoever is not to be fetched is taken out of the session, for else it would be sent
 *     the same again and again.
 *  2. What an answer says of a partition not in the session is not looked at; what it says of another is believed only
 *     as far as the partition still stands where it was asked (bn_partition_fetched).
 *  3. A partition without progress backs off: 2 ms, doubling, at most replica.fetch.backoff.ms. So followers that hear
 *     of an election before the new leader does lose milliseconds, and one that can't be helped costs next to nothing.
 */
#include "broker/replica/fetchset.h"

#include <stdio.h>

#include "broker/replica/partition_int.h"
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/trace.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/kmsg.h"

enum {
    BACKOFF_FIRST_MS = 2,
    FAILURES_MAX = 31,
    TELL_AFTER = 9 /* failures */,
    TELL_EVERY_MS = 30000,
    LATEST = -1,
    EARLIEST = -2
};

static struct bn_partition *partition_of(struct bn_fetchset_part *part) {
    return BN_CONTAINER_OF(part, struct bn_partition, fetch);
}

/* ---- coming and going ---- */

void bn_fetchset_part_init(struct bn_fetchset_part *part) {
    *part = (struct bn_fetchset_part){.leader_epoch = -1, .partition_epoch = -1};
    bn_list_init(&part->order);
    bn_list_init(&part->link);
    bn_heap_node_init(&part->due);
}

void bn_fetchset_init(struct bn_fetchset *s, const struct bn_roster_deps *deps, struct bn_roster *roster,
                      int32_t leader) {
    *s = (struct bn_fetchset){.deps = deps, .roster = roster, .leader = leader};
    bn_list_init(&s->all);
    bn_list_init(&s->changed);
    bn_list_init(&s->cutting);
    bn_list_init(&s->asking);
    bn_heap_init(&s->delayed);
    bn_arena_init(&s->arena, SIZE_MAX); /* sized by our own partitions */
}

void bn_fetchset_fini(struct bn_fetchset *s) {
    while (!bn_list_empty(&s->all))
        bn_fetchset_drop(partition_of(BN_CONTAINER_OF(s->all.next, struct bn_fetchset_part, order)));
    bn_heap_fini(&s->delayed);
    bn_arena_fini(&s->arena);
    bn_alloc_free(s->forgotten);
}

static void forget(struct bn_fetchset *s, struct bn_partition *p) {
    if (!p->fetch.in_session) return;
    p->fetch.in_session = false;
    s->session_count--;
    if (s->forgotten_count == s->forgotten_capacity) {
        s->forgotten_capacity = s->forgotten_capacity ? s->forgotten_capacity * 2 : 16;
        s->forgotten = bn_alloc_resize(s->forgotten, s->forgotten_capacity * sizeof *s->forgotten);
    }
    s->forgotten[s->forgotten_count++] = p->key;
}

static void move_to(struct bn_list *list, struct bn_fetchset_part *part) {
    bn_list_remove(&part->link);
    bn_list_push_back(list, &part->link);
}

void bn_fetchset_put(struct bn_fetchset *s, struct bn_partition *p) {
    struct bn_fetchset_part *part = &p->fetch;
    BN_ASSERT(!part->set || part->set == s);
    if (!part->set) {
        bn_fetchset_part_init(part);
        part->set = s;
        bn_list_push_back(&s->all, &part->order);
        s->count++;
    }
    if (part->leader_epoch != p->leader_epoch || part->partition_epoch != p->isr.partition_epoch) {
        if (part->leader_epoch != p->leader_epoch) part->state = BN_FETCHSET_FETCHES;
        part->leader_epoch = p->leader_epoch;
        part->partition_epoch = p->isr.partition_epoch;
        part->failures = 0;
        bn_heap_remove(&s->delayed, &part->due);
    }
    if (part->due.index != BN_HEAP_NOWHERE) return;
    move_to(part->state == BN_FETCHSET_FETCHES ? &s->changed : &s->asking, part);
}

void bn_fetchset_drop(struct bn_partition *p) {
    struct bn_fetchset_part *part = &p->fetch;
    struct bn_fetchset *s = part->set;
    if (!s) return;
    forget(s, p);
    bn_list_remove(&part->order);
    bn_list_remove(&part->link);
    bn_heap_remove(&s->delayed, &part->due);
    part->set = NULL;
    s->count--;
}

bool bn_fetchset_pending(const struct bn_fetchset *s) {
    return !bn_list_empty(&s->changed) || !bn_list_empty(&s->asking);
}

uint64_t bn_fetchset_due_ms(const struct bn_fetchset *s) {
    return s->delayed.count > 0 ? bn_heap_min(&s->delayed)->key : UINT64_MAX;
}

/* ---- backing off ---- */

static void back_off(struct bn_fetchset *s, struct bn_fetchset_part *part) {
    uint64_t ms = bn_min_size(s->deps->fetch_backoff_ms, (uint64_t)BACKOFF_FIRST_MS << part->failures);
    if (part->failures < FAILURES_MAX) part->failures++;
    forget(s, partition_of(part));
    bn_list_remove(&part->link);
    bn_heap_remove(&s->delayed, &part->due);
    bn_heap_insert(&s->delayed, &part->due, bn_loop_now_ms(s->deps->shard->loop) + bn_max_size(ms, 1));
}

static void wake(struct bn_fetchset *s) {
    uint64_t now_ms = bn_loop_now_ms(s->deps->shard->loop);
    while (bn_fetchset_due_ms(s) <= now_ms) {
        struct bn_fetchset_part *part = BN_CONTAINER_OF(bn_heap_min(&s->delayed), struct bn_fetchset_part, due);
        bn_heap_remove(&s->delayed, &part->due);
        move_to(part->state == BN_FETCHSET_FETCHES ? &s->changed : &s->asking, part);
    }
}

/* ---- asking ---- */

void bn_fetchset_renew(struct bn_fetchset *s) {
    s->session_epoch = 0; /* with the old id: the leader can let that session go */
    s->forgotten_count = 0;
    s->session_count = 0;
    BN_LIST_FOR (it, &s->all) BN_CONTAINER_OF(it, struct bn_fetchset_part, order)->in_session = false;
}

/* Grows while a request is put together: topics in a row that are the same are named once. */
struct asking {
    struct kmsg_fetch_request *q;
    int32_t used; /* of the partitions' array */
    struct kmsg_fetch_request_partition *partitions;
};

/* False: the partition is not to be fetched now, or the leader knows all there is to say. */
static bool name_it(struct bn_fetchset *s, struct asking *a, struct bn_fetchset_part *part, bool anyway) {
    struct bn_partition *p = partition_of(part);
    struct bn_partition_position now;
    bool delayed = part->due.index != BN_HEAP_NOWHERE;
    if (delayed || part->state != BN_FETCHSET_FETCHES) return false;
    bool wanted = bn_partition_position(p, &now);
    bn_list_remove(&part->link);
    if (!wanted) {
        forget(s, p);
        if (p->cutting) bn_list_push_back(&s->cutting, &part->link);
        return false;
    }
    if (!anyway && part->in_session && part->offset == now.offset && part->log_start == now.log_start &&
        part->asked_epoch == now.leader_epoch && part->last_epoch == now.last_epoch)
        return false;
    if (!part->in_session) s->session_count++;
    part->in_session = true;
    part->offset = now.offset;
    part->log_start = now.log_start;
    part->asked_epoch = now.leader_epoch;
    part->last_epoch = now.last_epoch;
    struct kmsg_fetch_request_topic *t = a->q->topics.n ? &a->q->topics.v[a->q->topics.n - 1] : NULL;
    if (!t || !bn_uuid_eq(&t->topic_id, &p->key.topic_id)) {
        t = &a->q->topics.v[a->q->topics.n++];
        *t = kmsg_fetch_request_topic_default;
        t->topic_id = p->key.topic_id;
        t->partitions.v = &a->partitions[a->used];
    }
    t->partitions.n++;
    struct kmsg_fetch_request_partition *to = &a->partitions[a->used++];
    *to = kmsg_fetch_request_partition_default;
    to->partition = p->key.index;
    to->current_leader_epoch = now.leader_epoch;
    to->fetch_offset = now.offset;
    to->last_fetched_epoch = now.last_epoch;
    to->log_start_offset = now.log_start;
    to->partition_max_bytes = s->deps->fetch_max_bytes;
    return true;
}

static void *array(struct bn_arena *a, size_t n, size_t size) {
    void *v = bn_arena_array(a, n, size);
    BN_ASSERT(v); /* the arena has no bound */
    return v;
}

static void name_forgotten(struct bn_fetchset *s, struct kmsg_fetch_request *q) {
    size_t n = s->forgotten_count;
    if (n == 0) return;
    struct kmsg_fetch_request_forgotten_topic *topics = array(&s->arena, n, sizeof *topics), *t = NULL;
    int32_t *partitions = array(&s->arena, n, sizeof *partitions);
    q->forgotten_topics_data.v = topics;
    for (size_t i = 0; i < n; i++) {
        const struct bn_partition_key *k = &s->forgotten[i];
        struct bn_partition *p = bn_roster_find(s->roster, &k->topic_id, k->index);
        if (p && p->fetch.set == s && p->fetch.in_session) continue; /* it came back meanwhile */
        if (!t || !bn_uuid_eq(&t->topic_id, &k->topic_id)) {
            t = &topics[q->forgotten_topics_data.n++];
            *t = kmsg_fetch_request_forgotten_topic_default;
            t->topic_id = k->topic_id;
            t->partitions.v = partitions;
        }
        *partitions++ = k->index;
        t->partitions.n++;
    }
    s->forgotten_count = 0;
}

static size_t length_of(const struct bn_list *l) {
    size_t n = 0;
    for (const struct bn_list *it = l->next; it != l; it = it->next) n++;
    return n;
}

bool bn_fetchset_ask(struct bn_fetchset *s, struct kmsg_fetch_request *q) {
    wake(s);
    bool full = s->session_epoch == 0;
    size_t n = full ? s->count : length_of(&s->changed);
    struct asking a = {.q = q};
    *q = kmsg_fetch_request_default;
    bn_arena_reset(&s->arena);
    if (full) s->forgotten_count = 0;
    q->topics.v = array(&s->arena, n, sizeof *q->topics.v);
    a.partitions = array(&s->arena, n, sizeof *a.partitions);
    if (full) {
        BN_LIST_FOR (it, &s->all) name_it(s, &a, BN_CONTAINER_OF(it, struct bn_fetchset_part, order), true);
        s->forgotten_count = 0;
    } else {
        BN_LIST_FOR (it, &s->changed) name_it(s, &a, BN_CONTAINER_OF(it, struct bn_fetchset_part, link), false);
        name_forgotten(s, q);
    }
    if (s->session_count == 0) { /* the leader would answer an empty session at once */
        bn_fetchset_renew(s);
        return false;
    }
    q->session_id = s->session_id;
    q->session_epoch = s->session_epoch;
    q->min_bytes = s->deps->fetch_min_bytes;
    q->max_bytes = s->deps->fetch_response_bytes;
    return true;
}

/* ---- answers ---- */

static bool is_expected(int16_t error) { /* while news of an election travels */
    return error == KE_NOT_LEADER_OR_FOLLOWER || error == KE_UNKNOWN_LEADER_EPOCH || error == KE_UNKNOWN_TOPIC_ID ||
           error == KE_UNKNOWN_TOPIC_OR_PARTITION || error == KE_FENCED_LEADER_EPOCH;
}

/* One line a partition in a while, and not many in all: what fails may fail for ever, and for thousands at once. */
static void tell_failure(struct bn_fetchset *s, struct bn_partition *p, const char *what) {
    static struct bn_trace_site site;
    uint64_t now_ms = bn_loop_now_ms(s->deps->shard->loop);
    uint32_t left_out;
    if (p->fetch.told_ms && now_ms < p->fetch.told_ms + TELL_EVERY_MS) return;
    if (!bn_trace_allow(&site, 20, &left_out)) return;
    p->fetch.told_ms = bn_max_size(now_ms, 1);
    char others[64] = "";
    if (left_out) snprintf(others, sizeof others, " (%" PRIu32 " such lines were left out before)", left_out);
    BN_WARN("fetcher",
            "[ReplicaFetcher replicaId=%d, leaderId=%d, fetcherId=%d] partition %s-%d at offset %" PRId64
            ", leader epoch %d: %s%s",
            s->deps->broker_id, s->leader, s->deps->shard->index, p->topic, p->key.index, p->fetch.offset,
            p->fetch.asked_epoch, what, others);
}

/* The leader's answer was no error, but nothing could be made of it: `rc` of bn_partition_fetched. */
static void tell_refusal(struct bn_fetchset *s, struct bn_partition *p, int rc) {
    char what[400];
    if (rc == BN_NOROOM)
        snprintf(what, sizeof what, "what broker %d sent is not taken in: here %s", s->leader, bn_err_text(rc));
    else if (rc == BN_BAD)
        snprintf(what, sizeof what,
                 "broker %d sent %s where offset %" PRId64 " should follow; nothing of it is taken, and it is asked "
                 "again. If this goes on, the log of broker %d is damaged: look at it with kafka-dump-log.sh, and let "
                 "another replica lead (kafka-reassign-partitions.sh, kafka-leader-election.sh)",
                 s->leader, p->refused ? p->refused : "what does not fit", p->refused_offset, s->leader);
    else if (p->contradicted)
        snprintf(what, sizeof what,
                 "broker %d takes back what it has sent in the same epoch; its log contradicts its epoch file. Restart "
                 "broker %d without its .kafka_cleanshutdown, or let another replica lead",
                 s->leader, s->leader);
    else
        snprintf(what, sizeof what,
                 "broker %d says that the logs part, and nothing is left here to truncate. If this goes on, stop this "
                 "broker and remove this replica's directory: it is fetched anew",
                 s->leader);
    tell_failure(s, p, what);
}

static void take_error(struct bn_fetchset *s, struct bn_partition *p, int16_t error) {
    struct bn_fetchset_part *part = &p->fetch;
    if (error == KE_OFFSET_OUT_OF_RANGE) {
        forget(s, p);
        part->state = BN_FETCHSET_ASKS_END;
        if (part->failures > 0)
            back_off(s, part); /* asking has not helped */
        else
            move_to(&s->asking, part);
        return;
    }
    /* The first times are told to nobody: they pass by themselves. */
    if (part->failures >= TELL_AFTER || !is_expected(error)) tell_failure(s, p, bn_errors_name(error));
    /* Fenced: another decision is on its way, and ends the wait. */
    if (error == KE_FENCED_LEADER_EPOCH) part->failures = FAILURES_MAX;
    back_off(s, part);
}

static void take_partition(struct bn_fetchset *s, struct bn_partition *p,
                           const struct kmsg_fetch_response_partition *a) {
    struct bn_fetchset_part *part = &p->fetch;
    if (part->asked_epoch != p->leader_epoch) { /* decided anew meanwhile: errors tell nothing either */
        move_to(&s->changed, part);
        return;
    }
    if (a->error_code != KE_NONE) {
        take_error(s, p, a->error_code);
        return;
    }
    const struct bn_partition_fetched f = {
        .asked = {.offset = part->offset, .leader_epoch = part->asked_epoch},
        .high_watermark = a->high_watermark,
        .log_start = a->log_start_offset,
        .records = a->records.slice,
        .diverging_epoch = a->diverging_epoch.epoch,
        .diverging_end = a->diverging_epoch.end_offset,
    };
    int rc = bn_partition_fetched(p, &f);
    if (part->set != s) return; /* it went offline */
    if (rc == BN_BAD || rc == BN_AGAIN || rc == BN_NOROOM) {
        tell_refusal(s, p, rc);
        back_off(s, part);
        return;
    }
    if (rc == BN_OK && !p->contradicted) part->failures = 0;
    if (f.records.len > 0) {
        s->got_records = true;
        bn_list_remove(&part->order);
        bn_list_push_back(&s->all, &part->order);
    }
    if (part->due.index == BN_HEAP_NOWHERE) move_to(&s->changed, part);
}

static int refuse(struct bn_fetchset *s, int16_t error, struct bn_err *e) {
    bool session = error == KE_FETCH_SESSION_ID_NOT_FOUND || error == KE_INVALID_FETCH_SESSION_EPOCH ||
                   error == KE_FETCH_SESSION_TOPIC_ID_ERROR;
    bn_fetchset_renew(s);
    if (error == KE_FETCH_SESSION_ID_NOT_FOUND) s->session_id = 0;
    return bn_err_set(e, session ? BN_STALE : BN_BAD, "%s", bn_errors_name(error));
}

int bn_fetchset_answer(struct bn_fetchset *s, const struct kmsg_fetch_response *r, struct bn_err *e) {
    s->got_records = false;
    if (r->error_code != KE_NONE) return refuse(s, r->error_code, e);
    s->session_id = r->session_id;
    if (r->session_id == 0)
        s->session_epoch = 0;
    else
        s->session_epoch = s->session_epoch == INT32_MAX ? 1 : s->session_epoch + 1;
    for (int32_t i = 0; i < r->responses.n; i++) {
        const struct kmsg_fetch_response_topic *t = &r->responses.v[i];
        for (int32_t k = 0; k < t->partitions.n; k++) {
            struct bn_partition *p = bn_roster_find(s->roster, &t->topic_id, t->partitions.v[k].partition_index);
            if (p && p->fetch.set == s && p->fetch.in_session) take_partition(s, p, &t->partitions.v[k]);
        }
    }
    return BN_OK;
}

/* ---- out of range ---- */

bool bn_fetchset_ask_offsets(struct bn_fetchset *s, struct kmsg_list_offsets_request *q) {
    wake(s);
    if (bn_list_empty(&s->asking)) return false;
    size_t n = length_of(&s->asking);
    *q = kmsg_list_offsets_request_default;
    bn_arena_reset(&s->arena);
    q->replica_id = s->deps->broker_id;
    q->topics.v = array(&s->arena, n, sizeof *q->topics.v);
    struct kmsg_list_offsets_request_partition *to = array(&s->arena, n, sizeof *to);
    struct kmsg_list_offsets_request_topic *t = NULL;
    BN_LIST_FOR (it, &s->asking) {
        struct bn_fetchset_part *part = BN_CONTAINER_OF(it, struct bn_fetchset_part, link);
        struct bn_partition *p = partition_of(part);
        part->asked_epoch = p->leader_epoch;
        if (!t || !bn_slice_eq_str(t->name, p->topic)) {
            t = &q->topics.v[q->topics.n++];
            *t = kmsg_list_offsets_request_topic_default;
            t->name = bn_slice_str(p->topic);
            t->partitions.v = to;
        }
        t->partitions.n++;
        *to = kmsg_list_offsets_request_partition_default;
        to->partition_index = p->key.index;
        to->current_leader_epoch = p->leader_epoch;
        to->timestamp = part->state == BN_FETCHSET_ASKS_END ? LATEST : EARLIEST;
        to++;
    }
    return true;
}

/* 3.7: the leader's log ends below ours: cut to it. It begins above our end: nothing here is of use. Else ours was in
 * range after all, or will be. */
static void take_offset(struct bn_fetchset *s, struct bn_partition *p,
                        const struct kmsg_list_offsets_response_partition *a) {
    struct bn_fetchset_part *part = &p->fetch;
    struct bn_partition_position now;
    if (a->error_code != KE_NONE || a->offset < 0) {
        if (part->failures >= TELL_AFTER) tell_failure(s, p, bn_errors_name(a->error_code));
        back_off(s, part);
        return;
    }
    bool end = part->state == BN_FETCHSET_ASKS_END;
    bool stands = bn_partition_position(p, &now) && part->asked_epoch == p->leader_epoch;
    if (stands && end && a->offset >= now.offset) {
        part->state = BN_FETCHSET_ASKS_START;
        move_to(&s->asking, part);
        return;
    }
    part->state = BN_FETCHSET_FETCHES;
    move_to(&s->changed, part);
    if (stands && (end || a->offset > now.offset)) {
        BN_INFO("fetcher",
                "[ReplicaFetcher replicaId=%d, leaderId=%d, fetcherId=%d] partition %s-%d: offset %" PRId64
                " is out of range, the leader's log %s at %" PRId64,
                s->deps->broker_id, s->leader, s->deps->shard->index, p->topic, p->key.index, now.offset,
                end ? "ends" : "begins", a->offset);
        bn_partition_cut(p, a->offset, !end || a->offset < now.log_start);
    } else if (stands) {
        back_off(s, part);
    }
}

void bn_fetchset_answer_offsets(struct bn_fetchset *s, const struct kmsg_list_offsets_response *r) {
    struct bn_list asked, *it; /* who is not answered backs off */
    bn_list_init(&asked);
    while ((it = bn_list_pop_front(&s->asking)) != NULL) bn_list_push_back(&asked, it);
    struct bn_image *image = bn_roster_image(s->roster);
    for (int32_t i = 0; i < r->topics.n; i++) {
        const struct kmsg_list_offsets_response_topic *t = &r->topics.v[i];
        const struct bn_image_topic *topic = bn_image_topic(image, t->name);
        for (int32_t k = 0; topic && k < t->partitions.n; k++) {
            struct bn_partition *p = bn_roster_find(s->roster, &topic->id, t->partitions.v[k].partition_index);
            if (!p || p->fetch.set != s || p->fetch.state == BN_FETCHSET_FETCHES) continue;
            if (p->fetch.due.index == BN_HEAP_NOWHERE) take_offset(s, p, &t->partitions.v[k]);
        }
    }
    while (!bn_list_empty(&asked)) back_off(s, BN_CONTAINER_OF(asked.next, struct bn_fetchset_part, link));
}
