/* crowd_house.c: the coordinators, each the shell of one group as broker/group/coordinator*.c is: one write at a time,
 * of the group as it stands when the write begins, said again when no answer comes; and what they write to, which
 * refuses whoever is not the last that was elected. Also the log of commits. */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "proto/kafka/errors.h"
#include "tests/unit/broker/group/crowd.h"

static struct bn_slice text(const char *s) { return bn_slice_str(s); }

static void settle(struct crowd *w, struct crowd_house *h);

/* ---- answers ---- */

static struct crowd_event *answer(struct crowd *w, int client, uint32_t request, enum crowd_what what, int16_t error) {
    struct crowd_event *e = crowd_push(w, CROWD_ANSWERED, crowd_delay(w));
    e->what = what;
    e->client = client;
    e->request = request;
    e->error = error;
    return e;
}

static void take_answer(struct crowd *w, struct crowd_house *h, const struct bn_group_out *o) {
    if (o->token == 0 || o->token >= w->next_token) crowd_fail(w, "an answer to nothing");
    if (w->tokens[o->token].answered) crowd_fail(w, "a request was answered twice");
    w->tokens[o->token].answered = true;
    bool is_join = o->kind == BN_GROUP_OUT_JOINED;
    char mask[32];
    snprintf(mask, sizeof mask, "%.*s", BN_SLICE_FMT(o->assignment));
    uint32_t partitions = (uint32_t)strtoul(mask, NULL, 16);
    const struct crowd_client *c = &w->clients[w->tokens[o->token].client];
    if (!is_join && o->error == KE_NONE && w->tokens[o->token].request == c->request)
        crowd_check_given(w, c, bn_group_generation(h->group), partitions);
    if (is_join && o->error == KE_NONE) crowd_check_joined(w, h, o);
    if (w->tokens[o->token].mute || (!w->calm && crowd_below(w, 50) == 0)) return;
    struct crowd_event *e = answer(w, w->tokens[o->token].client, w->tokens[o->token].request,
                                   is_join ? CROWD_JOIN : CROWD_SYNC, o->error);
    e->generation = o->generation;
    if (is_join) {
        snprintf(e->id, sizeof e->id, "%.*s", BN_SLICE_FMT(o->member_id));
        if (o->with_members && !o->skip_assignment) e->plan = crowd_assign(w, h->group);
    } else {
        e->partitions = partitions;
    }
}

static void take(struct crowd *w, struct crowd_house *h) {
    for (int32_t i = 0; i < w->outs.n; i++) {
        const struct bn_group_out *o = &w->outs.v[i];
        if (o->kind == BN_GROUP_OUT_STORE)
            h->store = o->token;
        else if (o->kind == BN_GROUP_OUT_RESERVE)
            h->reserve = o->generation;
        else
            take_answer(w, h, o);
    }
    bn_group_outs_clear(&w->outs);
}

/* ---- writing ---- */

static void push_of(struct crowd *w, const struct crowd_house *h, int kind, int64_t in_ms) {
    crowd_push(w, kind, in_ms)->house = (int)(h - w->houses);
}

static int64_t writing_delay(struct crowd *w) {
    if (w->calm) return 1 + crowd_below(w, 5);
    return crowd_below(w, 8) ? crowd_below(w, 50) : crowd_below(w, 4000);
}

static void pack(struct crowd *w, struct crowd_house *h) {
    if (h->writing || (!h->store && !h->reserve)) return;
    h->writing_store = h->store;
    h->writing_reserve = h->reserve;
    h->reserve_only = h->store == 0;
    h->store = 0;
    h->reserve = 0;
    h->writing = true;
    h->applied = false;
    if (h->reserve_only) {
        h->packed.reserved = h->writing_reserve;
    } else {
        group_store_fini(&h->packed);
        group_store_write(&h->packed, h->group, NULL);
        h->packed.reserved = (int32_t)bn_max_i64(h->packed.reserved, h->writing_reserve);
    }
    push_of(w, h, CROWD_WRITES, writing_delay(w));
}

static void apply(struct crowd *w, struct crowd_house *h) {
    int32_t reserved = (int32_t)bn_max_i64(w->stored.reserved, h->packed.reserved);
    if (!h->reserve_only) group_store_copy(&w->stored, &h->packed);
    w->stored.reserved = reserved;
    h->applied = true;
}

/* Gets there, or not; and nobody may hear which. */
static void write(struct crowd *w, struct crowd_house *h) {
    int16_t error = KE_NONE;
    if (h->applied) return;
    if (h->epoch != w->store_epoch)
        error = KE_NOT_COORDINATOR;
    else if (!w->calm && crowd_below(w, 100) == 0)
        error = KE_UNKNOWN_SERVER_ERROR;
    else if (!w->calm && crowd_below(w, 30) == 0)
        error = KE_REQUEST_TIMED_OUT;
    else
        apply(w, h);
    if (!w->calm && h->applied && crowd_below(w, 20) == 0) error = KE_REQUEST_TIMED_OUT;
    struct crowd_event *e = crowd_push(w, CROWD_WRITTEN, writing_delay(w));
    e->house = (int)(h - w->houses);
    e->error = error;
}

static void written(struct crowd *w, struct crowd_house *h, int16_t error) {
    uint64_t store = h->writing_store;
    int32_t reserve = h->writing_reserve;
    h->writing = false;
    if (error == KE_REQUEST_TIMED_OUT) { /* the same is said again */
        if (!h->store) h->store = store;
        if (reserve > h->reserve) h->reserve = reserve;
        push_of(w, h, CROWD_PACKS, 100);
        return;
    }
    crowd_tell(w, "coordinator %d: store %d reserve %d: %s, as generation %d%s", (int)(h - w->houses), (int)store,
               reserve, bn_errors_name(error), h->packed.generation, h->packed.leader ? "" : ", not settled");
    if (reserve) bn_group_reserved(h->group, w->now_ms, reserve, error, &w->outs);
    if (store) bn_group_stored(h->group, w->now_ms, store, error, &w->outs);
    settle(w, h);
}

/* What a call put out is done, and the next tick is asked for. */
static void settle(struct crowd *w, struct crowd_house *h) {
    take(w, h);
    if (!h->writing && (h->store || h->reserve)) push_of(w, h, CROWD_PACKS, crowd_below(w, 3) ? 0 : writing_delay(w));
    int64_t due_ms = bn_group_due_ms(h->group);
    if (due_ms < h->tick_ms) {
        h->tick_ms = due_ms;
        push_of(w, h, CROWD_TICKS, bn_max_i64(due_ms - w->now_ms, 0));
    }
    crowd_check_house(w, h);
}

/* ---- requests ---- */

static uint64_t token_of(struct crowd *w, const struct crowd_event *e) {
    if (w->next_token == CROWD_TOKENS) crowd_fail(w, "too many requests");
    uint64_t token = w->next_token++;
    w->tokens[token].client = e->client;
    w->tokens[token].house = e->house;
    w->tokens[token].request = e->request;
    w->tokens[token].since_ms = w->now_ms;
    w->tokens[token].mute = e->twice;
    return token;
}

/* Whoever comes last without an id is its instance's process from then on. */
static void take_instance(struct crowd *w, struct crowd_client *c) {
    for (int i = 0; i < CROWD_MAX; i++)
        if (w->clients[i].instance == c->instance) w->clients[i].newest = false;
    c->newest = true;
}

static void join(struct crowd *w, struct crowd_house *h, struct crowd_client *c, const struct crowd_event *e) {
    if (c->instance >= 0 && !e->id[0]) take_instance(w, c);
    char instance[16], fresh[CROWD_ID], metadata[64];
    uint64_t token = token_of(w, e);
    snprintf(instance, sizeof instance, "i%d", c->instance);
    snprintf(fresh, sizeof fresh, "%d-%d", c->instance < 0 ? (int)c->process : -c->instance, (int)token);
    if (w->cooperative)
        snprintf(metadata, sizeof metadata, "%d.%x", e->said_in, e->partitions);
    else
        snprintf(metadata, sizeof metadata, "0.0.%d", e->request % 5 == 0);
    const struct bn_group_protocol protocols[] = {{BN_SLICE_LIT("sticky"), text(metadata)}};
    const struct bn_group_join j = {.token = token,
                                    .member_id = text(e->id),
                                    .instance_id = c->instance < 0 ? BN_SLICE_NULL : text(instance),
                                    .new_id = text(fresh),
                                    .client_id = BN_SLICE_LIT("client"),
                                    .client_host = BN_SLICE_LIT("/127.0.0.1"),
                                    .session_ms = c->session_ms,
                                    .rebalance_ms = c->rebalance_ms,
                                    .protocol_type = BN_SLICE_LIT("consumer"),
                                    .protocols = protocols,
                                    .protocol_count = 1,
                                    .id_required = c->version >= 4,
                                    .can_skip = c->version >= 9};
    bn_group_join(h->group, w->now_ms, &j, &w->outs);
    settle(w, h); /* what is put out may borrow the new id */
}

static void sync(struct crowd *w, struct crowd_house *h, const struct crowd_client *c, const struct crowd_event *e) {
    static struct bn_group_assignment list[CROWD_MAX * 2];
    static char masks[CROWD_MAX * 2][16];
    char instance[16];
    snprintf(instance, sizeof instance, "i%d", c->instance);
    struct bn_group_sync s = {.token = token_of(w, e),
                              .generation = e->generation,
                              .member_id = text(e->id),
                              .instance_id = c->instance < 0 ? BN_SLICE_NULL : text(instance),
                              .assignments = list};
    for (int32_t i = 0; c->plan && i < c->plan->count; i++) {
        snprintf(masks[i], sizeof masks[i], "%x", c->plan->of[i].partitions);
        list[s.assignment_count++] = (struct bn_group_assignment){text(c->plan->of[i].id), text(masks[i])};
    }
    bn_group_sync(h->group, w->now_ms, &s, &w->outs);
    settle(w, h);
}

static void commit(struct crowd *w, const struct crowd_house *h, const struct crowd_client *c,
                   const struct crowd_event *e) {
    if (h->epoch != w->store_epoch || !e->partitions) return; /* its followers follow another: never visible */
    if (w->log_end == CROWD_LOG) crowd_fail(w, "too many commits");
    int64_t at = w->log_end++;
    w->log[at].by = crowd_key(c);
    w->log[at].partition = __builtin_ctz(e->partitions);
    w->log[at].generation = e->generation;
    w->commits++;
    crowd_check_commit(w, at);
    struct crowd_event *v = crowd_push(w, CROWD_VISIBLE, writing_delay(w));
    v->house = (int)(h - w->houses);
    v->request = (uint32_t)at;
}

static void tell(const struct crowd *w, const struct crowd_house *h, const char *what) {
    if (w->told)
        crowd_tell(w, "coordinator %d: %s: %s, generation %d, members %d, stored %d", (int)(h - w->houses), what,
                   bn_group_state_name(bn_group_state(h->group)), bn_group_generation(h->group),
                   bn_group_size(h->group), w->stored.generation);
}

static void arrived(struct crowd *w, struct crowd_event *e) {
    struct crowd_client *c = &w->clients[e->client];
    bool main = e->what == CROWD_JOIN || e->what == CROWD_SYNC;
    if (e->house < 0 || (main && e->request != c->request)) return; /* lost, or its connection is gone */
    struct crowd_house *h = &w->houses[e->house];
    char name[16];
    snprintf(name, sizeof name, "i%d", c->instance);
    struct bn_slice id = text(e->id), instance = c->instance < 0 ? BN_SLICE_NULL : text(name);
    int16_t error = KE_NOT_COORDINATOR;
    if (h->there && main) {
        if (e->what == CROWD_JOIN)
            join(w, h, c, e);
        else
            sync(w, h, c, e);
        crowd_tell(w, "client %d '%s'/%d: request %d arrives", e->client, e->id, c->instance, (int)e->what);
        tell(w, h, "now");
        return;
    }
    if (h->there && e->what == CROWD_LEAVE) {
        error = bn_group_leave(h->group, w->now_ms, id, instance, &w->outs);
    } else if (h->there && e->what == CROWD_BEAT) {
        error = bn_group_heartbeat(h->group, w->now_ms, e->generation, id, instance);
    } else if (h->there) {
        error = bn_group_may_commit(h->group, w->now_ms, e->generation, id, instance);
        if (error == KE_NONE) commit(w, h, c, e);
    }
    if (h->there) settle(w, h);
    struct crowd_event *a = answer(w, e->client, e->request, e->what, error);
    a->generation = e->generation;
    snprintf(a->id, sizeof a->id, "%s", e->id);
}

/* ---- offsets ---- */

static void put(struct crowd *w, struct crowd_house *h, int64_t at) {
    const struct bn_grecord_offset o = {
        .offset = at, .leader_epoch = -1, .metadata = BN_SLICE_LIT(""), .expire_ms = -1};
    bn_offsets_put(&h->offsets, BN_SLICE_LIT("t"), w->log[at].partition, &o, at);
}

static void visible(struct crowd *w, struct crowd_house *h, int64_t at) {
    if (!h->there || h->epoch != w->store_epoch || w->log[at].gone) return;
    w->log[at].visible = true;
    put(w, h, at);
}

/* ---- coordinators come and go ---- */

static void stop(struct crowd *w, struct crowd_house *h, bool orderly) {
    if (!h->there) return;
    tell(w, h, orderly ? "stops" : "is killed");
    bn_group_stop(h->group, KE_NOT_COORDINATOR, &w->outs);
    if (!orderly) { /* killed: some connections are reset, the end of others is never heard */
        bn_group_outs_clear(&w->outs);
        for (uint64_t t = w->oldest_token; t < w->next_token; t++) {
            if (w->tokens[t].answered || &w->houses[w->tokens[t].house] != h) continue;
            w->tokens[t].answered = true;
            const struct crowd_client *c = &w->clients[w->tokens[t].client];
            enum crowd_what what = c->phase == CROWD_SYNCING ? CROWD_SYNC : CROWD_JOIN;
            if (crowd_below(w, 4))
                answer(w, w->tokens[t].client, w->tokens[t].request, what, KE_COORDINATOR_NOT_AVAILABLE);
        }
    }
    take(w, h);
    h->there = false;
}

void crowd_house_end(struct crowd *w, struct crowd_house *h) {
    if (h->there) {
        bn_group_stop(h->group, KE_NOT_COORDINATOR, &w->outs);
        bn_group_outs_clear(&w->outs);
    }
    bn_group_free(h->group);
    bn_offsets_fini(&h->offsets);
    group_store_fini(&h->packed);
}

void crowd_move(struct crowd *w, bool deposed) {
    if (w->house_count == CROWD_HOUSES) return;
    if (w->house >= 0) {
        struct crowd_house *old = &w->houses[w->house];
        if (old->writing && !old->applied && crowd_below(w, 2)) apply(w, old);
        if (deposed)
            push_of(w, old, CROWD_GOES, crowd_below(w, 10000));
        else
            stop(w, old, crowd_below(w, 2));
        int64_t kept = w->log_end; /* what was not below the high watermark may be lost */
        while (kept > 0 && !w->log[kept - 1].visible && crowd_below(w, 2)) w->log[--kept].gone = true;
        for (int64_t i = 0; i < kept; i++) w->log[i].visible |= !w->log[i].gone;
    }
    w->moves++;
    w->house = w->house_count++;
    struct crowd_house *h = &w->houses[w->house];
    h->epoch = ++w->store_epoch;
    h->tick_ms = INT64_MAX;
    bn_offsets_init(&h->offsets);
    push_of(w, h, CROWD_TAKES_OVER, w->calm ? 5 : crowd_below(w, 2000));
}

static void take_over(struct crowd *w, struct crowd_house *h) {
    if (h != &w->houses[w->house] || h->there) return;
    h->there = true;
    h->group = bn_group_new(&w->settings, BN_SLICE_LIT("g"));
    group_store_resume(&w->stored, h->group, w->now_ms);
    crowd_check_resumed(w, h);
    tell(w, h, "takes over");
    for (int64_t i = 0; i < w->log_end; i++)
        if (!w->log[i].gone) put(w, h, i);
    settle(w, h);
}

void crowd_house_event(struct crowd *w, struct crowd_event *e) {
    if (e->kind == CROWD_ARRIVES) {
        arrived(w, e);
        return;
    }
    struct crowd_house *h = &w->houses[e->house];
    if (e->kind == CROWD_TAKES_OVER) {
        take_over(w, h);
    } else if (e->kind == CROWD_WRITES) {
        write(w, h);
    } else if (!h->there) {
        return;
    } else if (e->kind == CROWD_PACKS) {
        pack(w, h);
    } else if (e->kind == CROWD_WRITTEN) {
        written(w, h, e->error);
    } else if (e->kind == CROWD_VISIBLE) {
        visible(w, h, e->request);
    } else if (e->kind == CROWD_GOES) {
        stop(w, h, true);
    } else if (e->kind == CROWD_TICKS && e->at_ms >= h->tick_ms) {
        h->tick_ms = INT64_MAX;
        bn_group_tick(h->group, w->now_ms, &w->outs);
        if (bn_group_due_ms(h->group) <= w->now_ms) crowd_fail(w, "a tick that asks for another one at once");
        settle(w, h);
    }
}
