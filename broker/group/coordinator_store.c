/* coordinator_store.c: rebalance state on its way to the controller, which writes it to /consumers/<group> (safety §5).
 *
 * One request of a seat is under way at a time; groups that change meanwhile go with the next, each as it stands when
 * that one leaves, so that a later state supersedes an earlier one. Without an answer, or with one that says "not now",
 * the same is said again: whoever joins or syncs waits as long as that takes. NOT_COORDINATOR under the seat's present
 * epoch is the end: another one leads the partition, and this broker will hear of it. So is a group that can't be
 * written at all, since it is too large: its members are told UNKNOWN_SERVER_ERROR, as Kafka's are when their group's
 * record is too large. A request is refused as a whole; each of its groups is then said alone, so that only the one to
 * blame hears of it. */
#include "broker/group/coordinator_int.h"
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "proto/kafka/errors.h"

enum { AGAIN_MS = 100, GROUPS_MAX = 200, BYTES_MAX = 1 << 20, GROUP_MAX = 3 << 20 /* an RPC frame is 4 MiB */ };

struct departed {
    struct bn_list link; /* in seat->departed */
    struct bn_str name;
};

struct writing {
    struct bn_coordinator_seat *seat;
    Bn__GroupWriteRequest request;
    struct bn_str *names;   /* of its groups, parallel to request.groups */
    struct bn_list removed; /* struct departed; what request.removed borrows */
};

static ProtobufCBinaryData data_of(struct bn_slice s) {
    return (ProtobufCBinaryData){s.len, (uint8_t *)(uintptr_t)s.ptr};
}

/* ---- packing: borrows the group until the request has been handed over ---- */

static void pack_members(const struct bn_group *g, Bn__GroupState *out) {
    out->members = bn_alloc_zero((size_t)bn_group_size(g) + 1, sizeof(Bn__GroupMember *));
    for (int32_t i = 0; i < bn_group_size(g); i++) {
        struct bn_group_member_view v;
        bn_group_at(g, i, &v);
        if (v.is_new) continue;
        Bn__GroupMember *m = out->members[out->n_members++] = bn_alloc(sizeof *m);
        bn__group_member__init(m);
        m->member_id = data_of(v.id);
        m->instance_id = data_of(v.instance_id);
        m->is_static = !bn_slice_is_null(v.instance_id);
        m->client_id = data_of(v.client_id);
        m->client_host = data_of(v.client_host);
        m->session_timeout_ms = v.session_ms;
        m->rebalance_timeout_ms = v.rebalance_ms;
        m->metadata = data_of(v.metadata);
        m->assignment = data_of(v.assignment);
    }
}

static void pack(struct bn_coordinator_club *k, Bn__GroupState *out) {
    const struct bn_group *g = k->group;
    bn__group_state__init(out);
    out->group_id = data_of(bn_group_id(g));
    out->reserve_only = k->store == 0;
    out->reserved = out->reserve_only ? k->reserve : bn_group_reserved_up_to(g);
    k->has_znode = true;
    k->writing_store = k->store;
    k->writing_reserve = k->reserve;
    k->store = 0;
    k->reserve = 0;
    if (out->reserve_only) return;
    if (k->writing_reserve > out->reserved) out->reserved = k->writing_reserve;
    out->generation = bn_group_generation(g);
    out->protocol_type = data_of(bn_group_protocol_type(g));
    out->protocol = data_of(bn_group_protocol(g));
    out->leader = data_of(bn_group_is_settled(g) ? bn_group_leader(g) : BN_SLICE_NULL);
    out->state_since_ms = bn_clock_wall_ms(k->seat->c->deps->env->clock);
    pack_members(g, out);
}

static void free_group(Bn__GroupState *g) {
    for (size_t m = 0; m < g->n_members; m++) bn_alloc_free(g->members[m]);
    bn_alloc_free(g->members);
    bn_alloc_free(g);
}

static void free_departed(struct bn_list *list) {
    for (struct bn_list *it; (it = bn_list_pop_front(list)) != NULL;) {
        struct departed *d = BN_CONTAINER_OF(it, struct departed, link);
        bn_str_fini(&d->name);
        bn_alloc_free(d);
    }
}

static void free_writing(struct writing *w) {
    for (size_t i = 0; i < w->request.n_groups; i++) {
        free_group(w->request.groups[i]);
        bn_str_fini(&w->names[i]);
    }
    free_departed(&w->removed);
    bn_alloc_free(w->request.groups);
    bn_alloc_free(w->request.removed);
    bn_alloc_free(w->names);
    bn_alloc_free(w);
}

/* ---- answers ---- */

static void again(struct bn_coordinator_club *k) {
    if (!k->store) k->store = k->writing_store;
    if (k->writing_reserve > k->reserve) k->reserve = k->writing_reserve;
    k->writing_store = 0;
    k->writing_reserve = 0;
    if (bn_list_empty(&k->dirty)) bn_list_push_back(&k->seat->dirty, &k->dirty);
}

static void ended(struct bn_coordinator_club *k, int16_t error) {
    struct bn_coordinator *c = k->seat->c;
    uint64_t store = k->writing_store;
    int32_t reserve = k->writing_reserve;
    k->writing_store = 0;
    k->writing_reserve = 0;
    k->alone = false;
    int64_t now_ms = bn_coordinator_now_ms(c);
    if (reserve) bn_group_reserved(k->group, now_ms, reserve, error, &c->outs);
    if (store) bn_group_stored(k->group, now_ms, store, error, &c->outs);
    bn_coordinator_settle(k);
    if (store && error == KE_NONE && bn_group_is_settled(k->group)) bn_coordinator_append_group(k);
}

static bool has_work(const struct bn_coordinator_seat *s) {
    return !bn_list_empty(&s->dirty) || !bn_list_empty(&s->departed);
}

static void on_written(void *arg, const Bn__GroupWriteReply *m) {
    struct writing *w = arg;
    struct bn_coordinator_seat *s = w->seat;
    int error = m ? m->error : KE_REQUEST_TIMED_OUT;
    bool refused = error == KE_MESSAGE_TOO_LARGE || error == KE_INVALID_REQUEST;
    bool apart = refused && w->request.n_groups > 0 && w->request.n_groups + w->request.n_removed > 1;
    if (refused && !apart) error = KE_UNKNOWN_SERVER_ERROR;
    bool fenced = error == KE_NOT_COORDINATOR && w->request.leader_epoch == s->leader_epoch;
    bool over = error == KE_NONE || fenced || error == KE_UNKNOWN_SERVER_ERROR;
    s->writing = false;
    for (size_t i = 0; !s->gone && i < w->request.n_groups; i++) {
        struct bn_coordinator_club *k = bn_coordinator_club(s, bn_str_slice(&w->names[i]));
        if (!k) continue;
        if (over) {
            ended(k, (int16_t)error);
        } else {
            again(k);
            k->alone = apart;
        }
    }
    for (struct bn_list *it; !over && (it = bn_list_pop_front(&w->removed)) != NULL;)
        bn_list_push_back(&s->departed, it);
    free_writing(w);
    if (!s->gone && has_work(s)) bn_timer_start(&s->write_timer, over || apart ? 0 : AGAIN_MS);
    bn_coordinator_back(s);
}

/* ---- asking ---- */

/* A group that has come anew keeps the znode, and writes it or has it removed some other time. */
static void pack_removed(struct writing *w) {
    struct bn_list *it;
    w->request.removed = bn_alloc_zero(GROUPS_MAX, sizeof *w->request.removed);
    while (w->request.n_removed < GROUPS_MAX && (it = bn_list_pop_front(&w->seat->departed)) != NULL) {
        struct departed *d = BN_CONTAINER_OF(it, struct departed, link);
        struct bn_coordinator_club *k = bn_coordinator_club(w->seat, bn_str_slice(&d->name));
        if (k) {
            k->has_znode = true;
            bn_str_fini(&d->name);
            bn_alloc_free(d);
            continue;
        }
        bn_list_push_back(&w->removed, it);
        w->request.removed[w->request.n_removed++] = data_of(bn_str_slice(&d->name));
    }
}

/* False: it goes with another request. */
static bool add_group(struct writing *w, struct bn_coordinator_club *k, size_t *bytes) {
    size_t at = w->request.n_groups;
    Bn__GroupState *g = w->request.groups[at] = bn_alloc(sizeof *g);
    pack(k, g);
    size_t size = bn__group_state__get_packed_size(g);
    bool fits = at == 0 || (!k->alone && *bytes + size <= BYTES_MAX);
    if (size > GROUP_MAX || !fits) {
        free_group(g);
        if (fits) {
            ended(k, KE_UNKNOWN_SERVER_ERROR);
        } else {
            bn_list_push_front(&k->seat->dirty, &k->dirty);
            again(k);
        }
        return fits;
    }
    *bytes += size;
    bn_str_init(&w->names[at]);
    bn_str_add_slice(&w->names[at], bn_group_id(k->group));
    w->request.n_groups++;
    return true;
}

static void write_dirty(struct bn_timer *t) {
    struct bn_coordinator_seat *s = BN_CONTAINER_OF(t, struct bn_coordinator_seat, write_timer);
    if (s->gone || s->writing || !has_work(s)) return;
    struct writing *w = bn_alloc_zero(1, sizeof *w);
    w->seat = s;
    bn__group_write_request__init(&w->request);
    w->request.offsets_partition = s->partition;
    w->request.leader_epoch = s->leader_epoch;
    w->request.groups = bn_alloc_zero(GROUPS_MAX, sizeof(Bn__GroupState *));
    w->names = bn_alloc_zero(GROUPS_MAX, sizeof *w->names);
    bn_list_init(&w->removed);
    size_t bytes = 0;
    bool alone = false;
    struct bn_list *it;
    while (!alone && w->request.n_groups < GROUPS_MAX && (it = bn_list_pop_front(&s->dirty)) != NULL) {
        struct bn_coordinator_club *k = BN_CONTAINER_OF(it, struct bn_coordinator_club, dirty);
        if (!add_group(w, k, &bytes)) break;
        alone = k->alone;
    }
    if (!alone) pack_removed(w);
    if (w->request.n_groups == 0 && w->request.n_removed == 0) {
        free_writing(w);
        return;
    }
    s->writing = true;
    s->under_way++;
    s->c->deps->write(s->c->deps->arg, s->c->deps->shard, &w->request, on_written, w);
}

static void write_soon(struct bn_coordinator_seat *s) {
    if (!s->writing && !bn_timer_running(&s->write_timer)) bn_timer_start(&s->write_timer, 0);
}

void bn_coordinator_store(struct bn_coordinator_club *k) {
    struct bn_coordinator_seat *s = k->seat;
    if (bn_list_empty(&k->dirty)) bn_list_push_back(&s->dirty, &k->dirty);
    write_soon(s);
}

void bn_coordinator_unstore(struct bn_coordinator_seat *s, struct bn_slice name) {
    struct departed *d = bn_alloc_zero(1, sizeof *d);
    bn_str_init(&d->name);
    bn_str_add_slice(&d->name, name);
    bn_list_push_back(&s->departed, &d->link);
    write_soon(s);
}

void bn_coordinator_store_fini(struct bn_coordinator_seat *s) {
    bn_timer_stop(&s->write_timer);
    free_departed(&s->departed);
}

void bn_coordinator_store_init(struct bn_coordinator_seat *s) {
    bn_list_init(&s->dirty);
    bn_list_init(&s->departed);
    bn_timer_init(&s->write_timer, s->c->deps->shard->loop, write_dirty);
}
