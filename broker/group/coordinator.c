/* coordinator.c: which groups this shard coordinates, and the way of a request to its group.
 *
 *   image: leads partition N of __consumer_offsets -> a seat -> loading -> loaded: answers for the groups of N
 *   image: this broker goes on leading it, under the next epoch -> so does the seat
 *   image: another leads it, or may have led between -> whoever waits is told NOT_COORDINATOR; a new seat loads anew
 *
 * A seat that is led no more lives on until its jobs, calls and appends have come back. Tokens of group.h are the
 * addresses of the calls that wait. */
#include "broker/group/coordinator_int.h"
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/trace.h"
#include "proto/kafka/errors.h"

int64_t bn_coordinator_now_ms(const struct bn_coordinator *c) { return (int64_t)bn_loop_now_ms(c->deps->shard->loop); }

/* ---- clubs ---- */

static void club_due(struct bn_timer *t) {
    struct bn_coordinator_club *k = BN_CONTAINER_OF(t, struct bn_coordinator_club, timer);
    struct bn_coordinator *c = k->seat->c;
    bn_group_tick(k->group, bn_coordinator_now_ms(c), &c->outs);
    bn_coordinator_settle(k);
    if (k->leftover) bn_coordinator_forget_spent(k);
}

struct bn_coordinator_club *bn_coordinator_club(struct bn_coordinator_seat *s, struct bn_slice name) {
    return bn_map_get(&s->groups, name);
}

struct bn_coordinator_club *bn_coordinator_club_make(struct bn_coordinator_seat *s, struct bn_slice name) {
    struct bn_coordinator_club *k = bn_coordinator_club(s, name);
    if (k) return k;
    k = bn_alloc_zero(1, sizeof *k);
    k->seat = s;
    k->group = bn_group_new(&s->c->deps->group, name);
    k->state_since_ms = bn_clock_wall_ms(s->c->deps->env->clock);
    bn_offsets_init(&k->offsets);
    bn_list_init(&k->dirty);
    bn_list_init(&k->writings);
    bn_timer_init(&k->timer, s->c->deps->shard->loop, club_due);
    bn_map_put(&s->groups, bn_group_id(k->group), k);
    return k;
}

void bn_coordinator_club_free(struct bn_coordinator_club *k) {
    bn_coordinator_disown(k, NULL, NULL);
    bn_map_remove(&k->seat->groups, bn_group_id(k->group));
    bn_timer_stop(&k->timer);
    bn_list_remove(&k->dirty);
    bn_group_free(k->group);
    bn_offsets_fini(&k->offsets);
    bn_alloc_free(k);
}

static void answer_join(struct bn_coordinator_club *k, const struct bn_group_out *o) {
    struct bn_coordinator_join *j = (struct bn_coordinator_join *)(uintptr_t)o->token;
    j->error = o->error;
    j->out = *o;
    j->group = o->with_members ? k->group : NULL;
    j->done(j);
}

static void answer_sync(const struct bn_group_out *o) {
    struct bn_coordinator_sync *s = (struct bn_coordinator_sync *)(uintptr_t)o->token;
    s->error = o->error;
    s->out = *o;
    s->done(s);
}

/* An answer may bring about the next request: what is put out for that is another list. */
void bn_coordinator_settle(struct bn_coordinator_club *k) {
    struct bn_coordinator *c = k->seat->c;
    enum bn_group_state state = bn_group_state(k->group);
    if (state != k->state_was) k->state_since_ms = bn_clock_wall_ms(c->deps->env->clock);
    k->state_was = state;
    bool store = false;
    struct bn_group_outs outs = c->outs;
    c->outs = (struct bn_group_outs){0};
    for (int32_t i = 0; i < outs.n; i++) {
        const struct bn_group_out *o = &outs.v[i];
        switch (o->kind) {
        case BN_GROUP_OUT_JOINED:
            answer_join(k, o);
            break;
        case BN_GROUP_OUT_SYNCED:
            answer_sync(o);
            break;
        case BN_GROUP_OUT_STORE:
            k->store = o->token;
            store = true;
            break;
        case BN_GROUP_OUT_RESERVE:
            k->reserve = o->generation;
            store = true;
            break;
        }
    }
    bn_group_outs_fini(&outs);
    if (store) bn_coordinator_store(k);
    int64_t now_ms = bn_coordinator_now_ms(c), due_ms = k->leftover ? now_ms : bn_group_due_ms(k->group);
    if (due_ms == INT64_MAX)
        bn_timer_stop(&k->timer);
    else
        bn_timer_start(&k->timer, due_ms > now_ms ? (uint64_t)(due_ms - now_ms) : 0);
}

/* ---- seats ---- */

struct bn_coordinator_seat *bn_coordinator_seat(struct bn_coordinator *c, int32_t partition) {
    BN_LIST_FOR (it, &c->seats) {
        struct bn_coordinator_seat *s = BN_CONTAINER_OF(it, struct bn_coordinator_seat, link);
        if (s->partition == partition) return s;
    }
    return NULL;
}

struct bn_partition *bn_coordinator_partition(const struct bn_coordinator_seat *s) {
    return bn_roster_find(s->c->roster, &s->topic_id, s->partition);
}

static void free_seat(struct bn_coordinator_seat *s) {
    bn_list_remove(&s->link);
    bn_map_fini(&s->groups);
    bn_coordinator_store_fini(s);
    bn_alloc_free(s);
}

void bn_coordinator_back(struct bn_coordinator_seat *s) {
    struct bn_coordinator *c = s->c;
    s->under_way--;
    if (!s->gone || s->under_way > 0) return;
    free_seat(s);
    if (c->stopping && bn_list_empty(&c->gone)) bn_alloc_free(c);
}

void bn_coordinator_vacate(struct bn_coordinator_seat *s, int16_t error) {
    struct bn_coordinator *c = s->c;
    s->gone = true;
    bn_list_remove(&s->link);
    bn_list_push_back(&c->gone, &s->link);
    if (!s->loaded) bn_coordinator_load_stop(s);
    size_t at;
    for (struct bn_map_entry *e; at = 0, (e = bn_map_next(&s->groups, &at)) != NULL;) {
        struct bn_coordinator_club *k = e->value;
        bn_group_stop(k->group, error, &c->outs);
        bn_coordinator_settle(k);
        bn_coordinator_club_free(k);
    }
    BN_INFO("coordinator", "[GroupCoordinator %d]: resigned from partition %d of %s at epoch %d",
            bn_roster_id(c->roster), s->partition, BN_COORDINATOR_TOPIC, s->leader_epoch);
    s->under_way++;
    bn_coordinator_back(s);
}

static void take_seat(struct bn_coordinator *c, const struct bn_image_topic *t, const struct bn_image_partition *p) {
    struct bn_coordinator_seat *s = bn_alloc_zero(1, sizeof *s);
    s->c = c;
    s->topic_id = t->id;
    s->partition = p->index;
    s->leader_epoch = p->leader_epoch;
    bn_map_init(&s->groups);
    bn_coordinator_store_init(s);
    bn_list_push_back(&c->seats, &s->link);
    bn_coordinator_load_start(s);
}

/* Under the very next epoch nobody else has coordinated between: what the seat knows still holds, and its members are
 * spared a reload whenever some follower dies. */
static bool goes_on(const struct bn_coordinator_seat *s, const struct bn_image_partition *p, int32_t self) {
    return p && p->leader == self && (p->leader_epoch == s->leader_epoch || p->leader_epoch == s->leader_epoch + 1);
}

/* Of a topic that was made anew under its name offsets may have been committed already, unless this delta makes it. */
static void forget_topics(struct bn_coordinator *c, const struct bn_image *image, const Bn__ImageDelta *delta) {
    struct bn_map names;
    bn_map_init(&names);
    for (size_t i = 0; i < delta->n_removed_topics; i++) {
        char *name = delta->removed_topics[i]->name;
        if (delta->reset && bn_image_topic(image, bn_slice_str(name))) continue;
        bn_map_put(&names, bn_slice_str(name), name);
    }
    BN_LIST_FOR (it, &c->seats) {
        struct bn_coordinator_seat *s = BN_CONTAINER_OF(it, struct bn_coordinator_seat, link);
        if (s->loaded && names.count > 0) bn_coordinator_topics_gone(s, &names);
    }
    bn_map_fini(&names);
}

void bn_coordinator_apply(struct bn_coordinator *c, const struct bn_image *image, const Bn__ImageDelta *delta) {
    const struct bn_image_topic *t = bn_image_topic(image, BN_SLICE_LIT(BN_COORDINATOR_TOPIC));
    int32_t self = bn_roster_id(c->roster);
    BN_LIST_FOR (it, &c->seats) {
        struct bn_coordinator_seat *s = BN_CONTAINER_OF(it, struct bn_coordinator_seat, link);
        const struct bn_image_partition *p = t && bn_uuid_eq(&t->id, &s->topic_id) ? bn_image_partition(t, s->partition)
                                                                                   : NULL;
        if (goes_on(s, p, self))
            s->leader_epoch = p->leader_epoch;
        else
            bn_coordinator_vacate(s, KE_NOT_COORDINATOR);
    }
    for (int32_t i = 0; t && i < t->partition_count; i++) {
        const struct bn_image_partition *p = &t->partitions[i];
        bool mine = p->leader == self && bn_roster_find(c->roster, &t->id, p->index);
        if (mine && !bn_coordinator_seat(c, p->index)) take_seat(c, t, p);
    }
    if (delta) forget_topics(c, image, delta);
}

bool bn_coordinator_is_certain(const struct bn_coordinator_seat *s, int32_t session_ms) {
    const struct bn_partition *p = bn_coordinator_partition(s);
    int64_t now_ms = (int64_t)bn_loop_fresh_ms(s->c->deps->shard->loop);
    return p && bn_partition_heard_ms(p) >= now_ms - session_ms / 2;
}

/* One that was deposed without hearing of it must not keep those waiting for ever that find it loading. */
int16_t bn_coordinator_check(struct bn_coordinator *c, int32_t partition, struct bn_coordinator_seat **out) {
    BN_ON_SHARD(c->deps->shard);
    *out = bn_coordinator_seat(c, partition);
    if (!*out) return KE_NOT_COORDINATOR;
    if ((*out)->loaded) return KE_NONE;
    bool certain = bn_coordinator_is_certain(*out, c->deps->group.session_min_ms);
    return certain ? KE_COORDINATOR_LOAD_IN_PROGRESS : KE_NOT_COORDINATOR;
}

/* ---- requests ---- */

static void refuse_join(struct bn_coordinator_join *j, int16_t error) {
    j->error = error;
    j->group = NULL;
    j->out = (struct bn_group_out){.kind = BN_GROUP_OUT_JOINED, .error = error, .generation = -1};
    j->out.leader = BN_SLICE_LIT("");
    j->out.member_id = j->in.member_id;
    j->done(j);
}

void bn_coordinator_join(struct bn_coordinator *c, int32_t partition, struct bn_slice group,
                         struct bn_coordinator_join *j) {
    struct bn_coordinator_seat *s;
    int16_t error = bn_coordinator_check(c, partition, &s);
    struct bn_coordinator_club *k = error == KE_NONE ? bn_coordinator_club(s, group) : NULL;
    bool timeout_fits = j->in.session_ms >= c->deps->group.session_min_ms &&
                        j->in.session_ms <= c->deps->group.session_max_ms;
    if (error == KE_NONE && !k && !timeout_fits) error = KE_INVALID_SESSION_TIMEOUT;
    if (error == KE_NONE && !k && j->in.member_id.len > 0) error = KE_UNKNOWN_MEMBER_ID;
    if (error != KE_NONE) {
        refuse_join(j, error);
        return;
    }
    if (!k) k = bn_coordinator_club_make(s, group);
    j->in.token = (uint64_t)(uintptr_t)j;
    bn_group_join(k->group, bn_coordinator_now_ms(c), &j->in, &c->outs);
    bn_coordinator_settle(k);
}

void bn_coordinator_sync(struct bn_coordinator *c, int32_t partition, struct bn_slice group,
                         struct bn_coordinator_sync *s) {
    struct bn_coordinator_seat *seat;
    int16_t error = bn_coordinator_check(c, partition, &seat);
    struct bn_coordinator_club *k = error == KE_NONE ? bn_coordinator_club(seat, group) : NULL;
    if (error == KE_COORDINATOR_LOAD_IN_PROGRESS) error = KE_REBALANCE_IN_PROGRESS; /* as Kafka does: join again */
    if (error == KE_NONE && !k) error = KE_UNKNOWN_MEMBER_ID;
    /* What is answered from memory. An assignment that is stored first is answered by that, or refused by it. */
    bool stable = error == KE_NONE && bn_group_state(k->group) == BN_GROUP_STABLE;
    if (stable && !bn_coordinator_is_certain(seat, bn_group_session_ms(k->group, s->in.member_id)))
        error = KE_NOT_COORDINATOR;
    if (error != KE_NONE) {
        s->error = error;
        s->out = (struct bn_group_out){.kind = BN_GROUP_OUT_SYNCED, .error = error, .assignment = BN_SLICE_LIT("")};
        s->done(s);
        return;
    }
    s->in.token = (uint64_t)(uintptr_t)s;
    bn_group_sync(k->group, bn_coordinator_now_ms(c), &s->in, &c->outs);
    bn_coordinator_settle(k);
}

int16_t bn_coordinator_heartbeat(struct bn_coordinator *c, int32_t partition, struct bn_slice group, int32_t generation,
                                 struct bn_slice member_id, struct bn_slice instance_id) {
    struct bn_coordinator_seat *s;
    int16_t error = bn_coordinator_check(c, partition, &s);
    if (error == KE_COORDINATOR_LOAD_IN_PROGRESS) return KE_NONE; /* as Kafka does: nothing is lost meanwhile */
    if (error != KE_NONE) return error;
    struct bn_coordinator_club *k = bn_coordinator_club(s, group);
    int32_t session_ms = k ? bn_group_session_ms(k->group, member_id) : c->deps->group.session_min_ms;
    error = k ? bn_group_heartbeat(k->group, bn_coordinator_now_ms(c), generation, member_id, instance_id)
              : KE_UNKNOWN_MEMBER_ID;
    /* Counted all the same: if this is the coordinator after all, the member has lost nothing but a round trip. */
    return bn_coordinator_is_certain(s, session_ms) ? error : KE_NOT_COORDINATOR;
}

int16_t bn_coordinator_leave(struct bn_coordinator *c, int32_t partition, struct bn_slice group,
                             struct bn_coordinator_leaver *leavers, int32_t count) {
    struct bn_coordinator_seat *s;
    int16_t error = bn_coordinator_check(c, partition, &s);
    if (error != KE_NONE) return error;
    struct bn_coordinator_club *k = bn_coordinator_club(s, group);
    for (int32_t i = 0; i < count; i++) {
        leavers[i].error = KE_UNKNOWN_MEMBER_ID;
        if (!k) continue;
        leavers[i].error = bn_group_leave(k->group, bn_coordinator_now_ms(c), leavers[i].member_id,
                                          leavers[i].instance_id, &c->outs);
        bn_coordinator_settle(k);
    }
    return KE_NONE;
}

int16_t bn_coordinator_offsets(struct bn_coordinator *c, int32_t partition, struct bn_slice group,
                               const struct bn_offsets **out) {
    struct bn_coordinator_seat *s;
    int16_t error = bn_coordinator_check(c, partition, &s);
    const struct bn_coordinator_club *k = error == KE_NONE ? bn_coordinator_club(s, group) : NULL;
    *out = k ? &k->offsets : NULL;
    return error;
}

int16_t bn_coordinator_group(struct bn_coordinator *c, int32_t partition, struct bn_slice group,
                             const struct bn_group **out) {
    struct bn_coordinator_seat *s;
    int16_t error = bn_coordinator_check(c, partition, &s);
    const struct bn_coordinator_club *k = error == KE_NONE ? bn_coordinator_club(s, group) : NULL;
    *out = k ? k->group : NULL;
    return error;
}

int16_t bn_coordinator_each(struct bn_coordinator *c, void (*fn)(void *arg, const struct bn_group *g), void *arg) {
    BN_ON_SHARD(c->deps->shard);
    int16_t error = KE_NONE;
    BN_LIST_FOR (it, &c->seats) {
        const struct bn_coordinator_seat *s = BN_CONTAINER_OF(it, struct bn_coordinator_seat, link);
        if (!s->loaded) error = KE_COORDINATOR_LOAD_IN_PROGRESS;
        size_t at = 0;
        for (struct bn_map_entry *e; s->loaded && (e = bn_map_next(&s->groups, &at)) != NULL;)
            fn(arg, ((const struct bn_coordinator_club *)e->value)->group);
    }
    return error;
}

/* ---- life ---- */

static void expiry_due(struct bn_timer *t) {
    struct bn_coordinator *c = BN_CONTAINER_OF(t, struct bn_coordinator, expiry_timer);
    BN_LIST_FOR (it, &c->seats) {
        struct bn_coordinator_seat *s = BN_CONTAINER_OF(it, struct bn_coordinator_seat, link);
        if (s->loaded) bn_coordinator_expire(s);
    }
    bn_timer_start(t, (uint64_t)c->deps->retention_check_ms);
}

struct bn_coordinator *bn_coordinator_new(const struct bn_coordinator_deps *deps, struct bn_roster *roster) {
    struct bn_coordinator *c = bn_alloc_zero(1, sizeof *c);
    c->deps = deps;
    c->roster = roster;
    bn_list_init(&c->seats);
    bn_list_init(&c->gone);
    bn_list_init(&c->line);
    bn_timer_init(&c->expiry_timer, deps->shard->loop, expiry_due);
    bn_timer_start(&c->expiry_timer, (uint64_t)deps->retention_check_ms);
    return c;
}

void bn_coordinator_free(struct bn_coordinator *c) {
    if (!c) return;
    BN_LIST_FOR (it, &c->seats)
        bn_coordinator_vacate(BN_CONTAINER_OF(it, struct bn_coordinator_seat, link), KE_NOT_COORDINATOR);
    bn_timer_stop(&c->expiry_timer);
    bn_group_outs_fini(&c->outs);
    c->stopping = true;
    if (bn_list_empty(&c->gone)) bn_alloc_free(c);
}
