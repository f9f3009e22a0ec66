/* groups_member.c: one member's life. Errors that Kafka's clients answer by joining again are answered so; the rest
 * ends the program, since a figure with failures in it is none. Heartbeats are counted from the sending of the one
 * before, as in Java's client. */
#include "bench/groups_member.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/groups_watch.h"
#include "common/base/alloc.h"
#include "common/base/bytes.h"
#include "common/base/str.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/kapi.h"
#include "proto/kafka/kmsg.h"

enum { SESSION_MS = 45000, REBALANCE_MS = 300000, CALL_MS = 120000, AGAIN_MS = 100 };

struct timed { /* a heartbeat or a commit under way */
    struct member *member;
    double sent;
};

static void sample(struct samples *s, double value) {
    if (s->n == s->capacity) {
        s->capacity = s->capacity ? s->capacity * 2 : 4096;
        s->v = bn_alloc_resize(s->v, (size_t)s->capacity * sizeof *s->v);
    }
    s->v[s->n++] = value;
}

static void call(struct member *m, int api, void *request, void (*cb)(void *, const struct bn_client_answer *),
                 void *arg) {
    const struct bn_client_call c = {
        .api_key = api, .version = BN_CLIENT_NEWEST, .request = request, .timeout_ms = CALL_MS, .cb = cb, .arg = arg};
    if (bn_client_call(m->client, &c)) groups_die(bn_client_api_name(api), "cannot be asked");
}

static const void *answered(const struct bn_client_answer *a) {
    if (a->status) groups_die("answer", a->why);
    return a->response;
}

static void stop_timers(struct member *m) {
    bn_timer_stop(&m->heartbeat);
    bn_timer_stop(&m->commit);
    bn_timer_stop(&m->again);
}

/* ---- what members say of themselves, and what the leader makes of it ---- */

static void put_i16(struct bn_str *s, int v) {
    bn_put_u16((uint8_t *)bn_str_reserve(s, 2), (uint16_t)v);
    s->len += 2;
}
static void put_i32(struct bn_str *s, int32_t v) {
    bn_put_u32((uint8_t *)bn_str_reserve(s, 4), (uint32_t)v);
    s->len += 4;
}
static void put_text(struct bn_str *s, const char *text) {
    put_i16(s, (int)strlen(text));
    bn_str_add(s, text);
}

/* A ConsumerProtocolSubscription of version 3, as of a member that owns nothing. */
static void subscribe(struct bn_str *s, const struct member *m, bool cooperative) {
    put_i16(s, 3);
    put_i32(s, 1);
    put_text(s, m->crowd->topic);
    put_i32(s, cooperative ? 4 : -1); /* user data: the generation, or null */
    if (cooperative) put_i32(s, m->generation);
    put_i32(s, 0);             /* owned partitions */
    put_i32(s, m->generation); /* generation */
    put_i16(s, -1);            /* rack */
}

static void assign(struct bn_str *s, const char *topic, int32_t first, int32_t count) {
    put_i16(s, 3);
    put_i32(s, 1);
    put_text(s, topic);
    put_i32(s, count);
    for (int32_t i = 0; i < count; i++) put_i32(s, first + i);
    put_i32(s, -1);
}

/* ---- stable ---- */

static void rejoin(struct member *m, bool as_new) {
    if (m->state == MEMBER_LEFT) return;
    stop_timers(m);
    if (as_new) m->id[0] = '\0';
    m->state = MEMBER_READY;
    member_join(m);
}

static void beaten(void *arg, const struct bn_client_answer *a) {
    struct timed *t = arg;
    struct member *m = t->member;
    const struct kmsg_heartbeat_response *r = answered(a);
    m->crowd->heartbeats++;
    if (m->crowd->sampling) sample(&m->crowd->heartbeat_took, groups_now() - t->sent);
    bn_alloc_free(t);
    if (m->state != MEMBER_STABLE || r->error_code == KE_NONE) return;
    if (r->error_code != KE_REBALANCE_IN_PROGRESS) m->crowd->troubles++;
    rejoin(m, r->error_code == KE_UNKNOWN_MEMBER_ID);
}

static struct timed *timed(struct member *m) {
    struct timed *t = bn_alloc(sizeof *t);
    *t = (struct timed){m, groups_now()};
    return t;
}

static void beat(struct bn_timer *timer) {
    struct member *m = BN_CONTAINER_OF(timer, struct member, heartbeat);
    if (!m->crowd->heartbeat_ms) return;
    struct kmsg_heartbeat_request q = kmsg_heartbeat_request_default;
    q.group_id = bn_slice_str(m->group);
    q.member_id = bn_slice_str(m->id);
    q.generation_id = m->generation;
    bn_timer_start(timer, (uint64_t)m->crowd->heartbeat_ms);
    call(m, KAPI_HEARTBEAT, &q, beaten, timed(m));
}

static void committed(void *arg, const struct bn_client_answer *a) {
    struct timed *t = arg;
    struct member *m = t->member;
    const struct kmsg_offset_commit_response *r = answered(a);
    m->crowd->commits++;
    if (m->crowd->sampling) sample(&m->crowd->commit_took, groups_now() - t->sent);
    if (r->topics.v[0].partitions.v[0].error_code != KE_NONE) m->crowd->troubles++;
    bn_alloc_free(t);
}

static void commit(struct bn_timer *timer) {
    struct member *m = BN_CONTAINER_OF(timer, struct member, commit);
    if (!m->crowd->commit_ms) return;
    struct kmsg_offset_commit_request q = kmsg_offset_commit_request_default;
    struct kmsg_offset_commit_request_topic topic = {.name = bn_slice_str(m->crowd->topic)};
    struct kmsg_offset_commit_request_partition part = kmsg_offset_commit_request_partition_default;
    part.committed_offset = ++m->offset;
    part.committed_metadata = BN_SLICE_LIT("");
    topic.partitions.v = &part;
    topic.partitions.n = 1;
    q.group_id = bn_slice_str(m->group);
    q.member_id = bn_slice_str(m->id);
    q.generation_id_or_member_epoch = m->generation;
    q.topics.v = &topic;
    q.topics.n = 1;
    bn_timer_start(timer, (uint64_t)m->crowd->commit_ms);
    call(m, KAPI_OFFSET_COMMIT, &q, committed, timed(m));
}

static void start(struct bn_timer *timer, const struct crowd *c, int32_t period_ms) {
    if (period_ms) bn_timer_start(timer, (uint64_t)(c->spread ? random() % period_ms : period_ms));
}

void member_begin(struct member *m) {
    start(&m->heartbeat, m->crowd, m->crowd->heartbeat_ms);
    start(&m->commit, m->crowd, m->crowd->commit_ms);
}

static void settle(struct member *m) {
    struct crowd *c = m->crowd;
    m->state = MEMBER_STABLE;
    c->last_synced = groups_now();
    if (m->generation > c->generation) {
        c->generation = m->generation;
        c->stable = 0;
    }
    c->stable += m->generation == c->generation;
    if (!m->was_stable) {
        m->was_stable = true;
        m->joined_after = c->last_synced - m->began;
        c->stable_ever++;
    }
    member_begin(m);
}

/* ---- SyncGroup ---- */

static void synced(void *arg, const struct bn_client_answer *a) {
    struct member *m = arg;
    const struct kmsg_sync_group_response *r = answered(a);
    if (m->state != MEMBER_SYNCING) return;
    switch (r->error_code) {
    case KE_NONE:
        settle(m);
        break;
    case KE_REBALANCE_IN_PROGRESS:
    case KE_ILLEGAL_GENERATION:
    case KE_UNKNOWN_MEMBER_ID:
        rejoin(m, r->error_code == KE_UNKNOWN_MEMBER_ID);
        break;
    default:
        groups_die("SyncGroup", bn_errors_name(r->error_code));
    }
}

static void sync_with(struct member *m, struct kmsg_sync_group_request_assignment *v, int32_t n) {
    struct kmsg_sync_group_request q = kmsg_sync_group_request_default;
    q.group_id = bn_slice_str(m->group);
    q.generation_id = m->generation;
    q.member_id = bn_slice_str(m->id);
    q.protocol_type = BN_SLICE_LIT("consumer");
    q.protocol_name = BN_SLICE_LIT("range");
    q.assignments.v = v;
    q.assignments.n = n;
    m->state = MEMBER_SYNCING;
    call(m, KAPI_SYNC_GROUP, &q, synced, m);
}

struct leading { /* between a leader's JoinGroup and its SyncGroup */
    struct member *member;
    struct kmsg_sync_group_request_assignment *list;
    int32_t count;
    struct bn_arena ids;
};

static int by_id(const void *a, const void *b) {
    const struct kmsg_sync_group_request_assignment *x = a, *y = b;
    size_t least = bn_min_size(x->member_id.len, y->member_id.len);
    int d = memcmp(x->member_id.ptr, y->member_id.ptr, least);
    return d ? d : (int)x->member_id.len - (int)y->member_id.len;
}

/* The range assignor: members in the order of their ids, the first ones get one more. */
static void lead_with(struct leading *l, int32_t partitions) {
    struct member *m = l->member;
    struct bn_str *bytes = bn_alloc_zero((size_t)l->count, sizeof *bytes);
    qsort(l->list, (size_t)l->count, sizeof *l->list, by_id);
    int32_t each = partitions / l->count, more = partitions % l->count;
    m->crowd->assigned_bytes = 0;
    for (int32_t i = 0, first = 0; i < l->count; i++) {
        int32_t n = each + (i < more);
        bn_str_init(&bytes[i]);
        assign(&bytes[i], m->crowd->topic, first, n);
        l->list[i].assignment = bn_str_slice(&bytes[i]);
        m->crowd->assigned_bytes += bytes[i].len;
        first += n;
    }
    m->crowd->assigned = groups_now();
    sync_with(m, l->list, l->count);
    for (int32_t i = 0; i < l->count; i++) bn_str_fini(&bytes[i]);
    bn_alloc_free(bytes);
    bn_alloc_free(l->list);
    bn_arena_fini(&l->ids);
    bn_alloc_free(l);
}

static void learned(void *arg, const struct bn_client_answer *a) {
    const struct kmsg_metadata_response *r = answered(a);
    if (r->topics.n != 1 || r->topics.v[0].error_code) groups_die("Metadata", "the topic is not there");
    lead_with(arg, r->topics.v[0].partitions.n);
}

static void lead(struct member *m, const struct kmsg_join_group_response *r) {
    struct leading *l = bn_alloc_zero(1, sizeof *l);
    l->member = m;
    l->count = r->members.n;
    l->list = bn_alloc_zero((size_t)l->count + 1, sizeof *l->list);
    bn_arena_init(&l->ids, SIZE_MAX / 2);
    m->crowd->told_bytes = 0;
    for (int32_t i = 0; i < l->count; i++) {
        struct bn_slice id = r->members.v[i].member_id;
        l->list[i].member_id = bn_slice_of(bn_arena_copy(&l->ids, id), id.len);
        m->crowd->told_bytes += id.len + r->members.v[i].metadata.len;
    }
    if (m->crowd->partitions) {
        lead_with(l, m->crowd->partitions);
        return;
    }
    struct kmsg_metadata_request q = kmsg_metadata_request_default;
    struct kmsg_metadata_request_topic topic = {.name = bn_slice_str(m->crowd->topic)};
    q.topics.v = &topic;
    q.topics.n = 1;
    call(m, KAPI_METADATA, &q, learned, l);
}

/* ---- JoinGroup ---- */

static void join_again(struct bn_timer *timer) { rejoin(BN_CONTAINER_OF(timer, struct member, again), false); }

static void enter(struct member *m, const struct kmsg_join_group_response *r) {
    struct crowd *c = m->crowd;
    c->last_joined = groups_now();
    if (r->generation_id > m->generation && r->generation_id > c->generation && c->first_joined < c->first_join)
        c->first_joined = c->last_joined;
    m->generation = r->generation_id;
    if (bn_slice_eq(r->leader, r->member_id))
        lead(m, r);
    else
        sync_with(m, NULL, 0);
}

static void joined(void *arg, const struct bn_client_answer *a) {
    struct member *m = arg;
    const struct kmsg_join_group_response *r = answered(a);
    if (m->state != MEMBER_JOINING) return;
    switch (r->error_code) {
    case KE_NONE:
        enter(m, r);
        break;
    case KE_MEMBER_ID_REQUIRED:
        snprintf(m->id, sizeof m->id, "%.*s", BN_SLICE_FMT(r->member_id));
        rejoin(m, false);
        break;
    case KE_REBALANCE_IN_PROGRESS:
    case KE_UNKNOWN_MEMBER_ID:
        m->crowd->troubles++;
        rejoin(m, r->error_code == KE_UNKNOWN_MEMBER_ID);
        break;
    case KE_COORDINATOR_LOAD_IN_PROGRESS:
    case KE_COORDINATOR_NOT_AVAILABLE:
    case KE_NOT_COORDINATOR:
        m->crowd->troubles++;
        bn_timer_start(&m->again, AGAIN_MS);
        break;
    default:
        groups_die("JoinGroup", bn_errors_name(r->error_code));
    }
}

void member_join(struct member *m) {
    struct bn_str range, cooperative;
    bn_str_init(&range);
    bn_str_init(&cooperative);
    subscribe(&range, m, false);
    subscribe(&cooperative, m, true);
    struct kmsg_join_group_request_protocol protocols[] = {
        {BN_SLICE_LIT("range"), bn_str_slice(&range)},
        {BN_SLICE_LIT("cooperative-sticky"), bn_str_slice(&cooperative)},
    };
    struct kmsg_join_group_request q = kmsg_join_group_request_default;
    q.group_id = bn_slice_str(m->group);
    q.session_timeout_ms = SESSION_MS;
    q.rebalance_timeout_ms = REBALANCE_MS;
    q.member_id = bn_slice_str(m->id);
    q.protocol_type = BN_SLICE_LIT("consumer");
    q.protocols.v = protocols;
    q.protocols.n = 2;
    struct crowd *c = m->crowd;
    c->last_join = groups_now();
    if (c->first_join == 0) c->first_join = c->last_join;
    if (m->began == 0) m->began = c->last_join;
    m->state = MEMBER_JOINING;
    call(m, KAPI_JOIN_GROUP, &q, joined, m);
    bn_str_fini(&range);
    bn_str_fini(&cooperative);
}

/* ---- coming and going ---- */

static void ready(void *arg) {
    struct member *m = arg;
    m->state = MEMBER_READY;
    m->crowd->ready++;
}

static void closed(void *arg, const struct bn_err *e) {
    const struct member *m = arg;
    groups_die(m->group, e->text);
}

void member_init(struct member *m, struct crowd *crowd, const char *host, int port) {
    m->crowd = crowd;
    m->host = host;
    m->port = port;
    m->generation = -1;
    bn_timer_init(&m->heartbeat, crowd->loop, beat);
    bn_timer_init(&m->commit, crowd->loop, commit);
    bn_timer_init(&m->again, crowd->loop, join_again);
}

void member_connect(struct member *m) {
    const struct bn_client_conf conf = {.host = m->host,
                                        .port = m->port,
                                        .client_id = "consumer-bench-1",
                                        .connect_timeout_ms = CALL_MS,
                                        .on_ready = ready,
                                        .on_closed = closed,
                                        .arg = m};
    struct bn_err e = BN_ERR_NONE;
    m->client = bn_client_connect(m->crowd->loop, &conf, &e);
    if (!m->client) groups_die("connect", e.text);
}

static void left(void *arg, const struct bn_client_answer *a) {
    (void)arg;
    const struct kmsg_leave_group_response *r = answered(a);
    if (r->error_code) groups_die("LeaveGroup", bn_errors_name(r->error_code));
}

void member_leave(struct member *m) {
    struct kmsg_leave_group_request q = kmsg_leave_group_request_default;
    struct kmsg_leave_group_request_member who = {.member_id = bn_slice_str(m->id)};
    q.group_id = bn_slice_str(m->group);
    q.members.v = &who;
    q.members.n = 1;
    stop_timers(m);
    m->state = MEMBER_LEFT;
    call(m, KAPI_LEAVE_GROUP, &q, left, m);
}

void member_free(struct member *m) {
    stop_timers(m);
    bn_client_free(m->client);
}
