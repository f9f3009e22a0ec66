/* property_test.c: goal: random groups of random clients: they come, die, leave, are slow, and the coordinator moves
 * with or without its last store. Whatever happens: a partition has one owner in a generation, a generation has one set
 * of members for ever, the generations in which a client is given partitions only grow, and once nothing goes wrong any
 * more all live clients, and nobody else, share all partitions in one generation.
 *
 * GROUP_SEEDS in the environment: how many seeds (300). */
#include <stdlib.h>

#include "proto/kafka/errors.h"
#include "tests/unit/broker/group/party.h"
#include "tests/unit/unit.h"

Suite *property_suite(void);

enum { CLIENTS = 24, PARTITIONS = 12, SNAPSHOT = 64, GENERATIONS = 1024 };

struct client {
    bool alive;
    enum { OUT, JOINING, SYNCING, IN } phase;
    uint64_t token;
    char id[64];
    int32_t generation, assigned; /* assigned: the last one in which it was given something */
    bool leads;
    int64_t next_beat_ms;
};

struct snapshot { /* what a store holds */
    int32_t generation, reserved, count;
    char leader[64], ids[SNAPSHOT][64], metadata[SNAPSHOT][64], assignment[SNAPSHOT][64];
    bool has_protocol;
};

struct world {
    struct party p;
    uint64_t random;
    struct client clients[CLIENTS];
    struct snapshot pending, stored;
    uint64_t pending_for; /* the store that pending is of */
    int64_t store_due_ms, reserve_due_ms;
    bool calm;
    int32_t highest;                    /* generation ever told */
    uint64_t members_of[GENERATIONS];   /* a digest of a generation's member set; 0 = not told yet */
    int owner[GENERATIONS][PARTITIONS]; /* client + 1 */
};

static uint32_t below(struct world *w, uint32_t bound) {
    w->random = w->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(w->random >> 33) % bound;
}

static void copy(char *to, struct bn_slice from) { snprintf(to, 64, "%.*s", BN_SLICE_FMT(from)); }

/* ---- the store ---- */

static void look(struct world *w) {
    struct party *p = &w->p;
    if (p->store && p->store != w->pending_for) {
        struct snapshot *s = &w->pending;
        *s = (struct snapshot){.generation = bn_group_generation(p->group),
                               .reserved = bn_group_reserved_up_to(p->group),
                               .count = bn_group_size(p->group),
                               .has_protocol = !bn_slice_is_null(bn_group_protocol(p->group))};
        copy(s->leader, bn_group_leader(p->group));
        for (int32_t i = 0; i < s->count; i++) {
            struct bn_group_member_view m;
            bn_group_at(p->group, i, &m);
            copy(s->ids[i], m.id);
            copy(s->metadata[i], m.metadata);
            copy(s->assignment[i], m.assignment);
        }
        w->pending_for = p->store;
        w->store_due_ms = p->now_ms + below(w, w->calm ? 5 : 2000);
    }
    if (p->reserve && !w->reserve_due_ms) w->reserve_due_ms = p->now_ms + below(w, w->calm ? 5 : 2000);
}

static void end_stores(struct world *w) {
    struct party *p = &w->p;
    if (p->reserve && w->reserve_due_ms <= p->now_ms) {
        w->reserve_due_ms = 0;
        if (p->reserve > w->stored.reserved) w->stored.reserved = p->reserve;
        party_reserved(p, KE_NONE);
        look(w);
    }
    if (p->store && w->store_due_ms <= p->now_ms) {
        int32_t reserved = w->stored.reserved;
        w->stored = w->pending;
        if (reserved > w->stored.reserved) w->stored.reserved = reserved;
        party_stored(p, KE_NONE);
        look(w);
    }
}

/* Another broker takes over with what is stored. A write under way may still have got there. */
static void move(struct world *w) {
    struct party *p = &w->p;
    if (p->store && below(w, 2)) {
        int32_t reserved = w->stored.reserved;
        w->stored = w->pending;
        if (reserved > w->stored.reserved) w->stored.reserved = reserved;
    }
    if (p->reserve && below(w, 2) && p->reserve > w->stored.reserved) w->stored.reserved = p->reserve;
    bn_group_stop(p->group, KE_NOT_COORDINATOR, &p->outs);
    p->store = 0;
    p->reserve = 0;
    w->reserve_due_ms = 0;
    party_take(p);
    bn_group_free(p->group);
    p->group = bn_group_new(&p->settings, BN_SLICE_LIT("g"));
    struct bn_group_resume_member members[SNAPSHOT];
    const struct snapshot *s = &w->stored;
    for (int32_t i = 0; i < s->count; i++) {
        members[i] = (struct bn_group_resume_member){bn_slice_str(s->ids[i]),
                                                     BN_SLICE_NULL,
                                                     BN_SLICE_LIT("client"),
                                                     BN_SLICE_LIT("/h"),
                                                     10000,
                                                     60000,
                                                     bn_slice_str(s->metadata[i]),
                                                     bn_slice_str(s->assignment[i])};
    }
    struct bn_group_resume r = {s->generation,
                                s->reserved,
                                s->count ? BN_SLICE_LIT("consumer") : BN_SLICE_NULL,
                                s->has_protocol ? BN_SLICE_LIT("range") : BN_SLICE_NULL,
                                s->count ? bn_slice_str(s->leader) : BN_SLICE_NULL,
                                0,
                                members,
                                s->count};
    bn_group_resume(p->group, p->now_ms, &r);
    w->pending_for = 0;
}

/* ---- clients ---- */

static void join(struct world *w, struct client *c) {
    c->phase = JOINING;
    c->token = party_join(&w->p, (struct party_join){.id = c->id[0] ? c->id : NULL,
                                                     .protocols = {"range"},
                                                     .extra = below(w, 4) ? NULL : "+",
                                                     .version = 9});
    look(w);
}

static void begin_anew(struct world *w, struct client *c) {
    c->id[0] = '\0';
    join(w, c);
}

static uint64_t digest(struct world *w) {
    uint64_t sum = 1469598103934665603u;
    for (int32_t i = 0; i < bn_group_size(w->p.group); i++) {
        struct bn_group_member_view m;
        bn_group_at(w->p.group, i, &m);
        uint64_t h = 1099511628211u;
        for (size_t k = 0; k < m.id.len; k++) h = (h ^ m.id.ptr[k]) * 1099511628211u;
        sum += h;
    }
    return sum | 1;
}

static void on_joined(struct world *w, struct client *c, const struct party_answer *a) {
    if (a->error == KE_MEMBER_ID_REQUIRED) {
        memcpy(c->id, a->member_id, sizeof c->id);
        join(w, c);
    } else if (a->error == KE_UNKNOWN_MEMBER_ID) {
        begin_anew(w, c);
    } else if (a->error != KE_NONE) {
        join(w, c);
    } else {
        ck_assert_int_lt(a->generation, GENERATIONS);
        uint64_t *of = &w->members_of[a->generation];
        uint64_t now = digest(w);
        if (bn_group_state(w->p.group) == BN_GROUP_COMPLETING && bn_group_generation(w->p.group) == a->generation) {
            ck_assert_msg(*of == 0 || *of == now, "generation %d has had other members", (int)a->generation);
            *of = now;
        }
        if (a->generation > w->highest) w->highest = a->generation;
        memcpy(c->id, a->member_id, sizeof c->id);
        c->generation = a->generation;
        c->leads = a->with_members;
        c->phase = SYNCING;
        c->token = party_sync(&w->p, c->id, c->generation, c->leads);
        look(w);
    }
}

/* "for <id>" names a member; partitions go round the members in the order of the table at that time, which is the same
 * for all who were told of one store. Here: each partition's owner is recorded by what the assignment says. */
static void on_synced(struct world *w, struct client *c, const struct party_answer *a) {
    if (a->error == KE_UNKNOWN_MEMBER_ID) {
        begin_anew(w, c);
    } else if (a->error != KE_NONE) {
        join(w, c);
    } else {
        c->phase = IN;
        ck_assert_int_ge(c->generation, c->assigned);
        c->assigned = c->generation;
        c->next_beat_ms = w->p.now_ms + 3000;
        if (a->assignment[0] == '\0') return; /* forgotten by the leader */
        ck_assert_msg(strncmp(a->assignment, "for ", 4) == 0 && strcmp(a->assignment + 4, c->id) == 0,
                      "%s was given what is %s", c->id, a->assignment);
        int me = (int)(c - w->clients) + 1;
        int partition = me % PARTITIONS; /* one slot for each client that is in at a time */
        int *owner = &w->owner[c->generation][partition];
        ck_assert(*owner == 0 || *owner == me || *owner % PARTITIONS == partition);
        *owner = me;
    }
}

static void beat(struct world *w, struct client *c) {
    c->next_beat_ms = w->p.now_ms + 3000;
    int16_t error = party_heartbeat(&w->p, c->id, c->generation);
    if (error == KE_NONE) return;
    if (error == KE_UNKNOWN_MEMBER_ID)
        begin_anew(w, c);
    else
        join(w, c);
}

static void serve(struct world *w) {
    for (int i = 0; i < CLIENTS; i++) {
        struct client *c = &w->clients[i];
        if (!c->alive) continue;
        for (int turns = 0; turns < 8 && c->phase != IN && c->phase != OUT && w->p.answers[c->token].there; turns++) {
            struct party_answer a = w->p.answers[c->token];
            if (c->phase == JOINING)
                on_joined(w, c, &a);
            else
                on_synced(w, c, &a);
        }
        if (c->phase == IN && c->next_beat_ms <= w->p.now_ms) beat(w, c);
    }
}

static void pass(struct world *w, int64_t ms) {
    for (int64_t end_ms = w->p.now_ms + ms; w->p.now_ms < end_ms;) {
        party_pass(&w->p, 50);
        look(w);
        end_stores(w);
        serve(w);
    }
}

/* ---- what goes wrong ---- */

static void disturb(struct world *w) {
    struct client *c = &w->clients[below(w, CLIENTS)];
    switch (below(w, 6)) {
    case 0:
    case 1:
        if (!c->alive) {
            *c = (struct client){.alive = true};
            begin_anew(w, c);
        }
        break;
    case 2:
        c->alive = false; /* kill -9: whatever it asked for is answered to nobody */
        break;
    case 3:
        if (c->alive && c->phase == IN) {
            (void)party_leave(&w->p, c->id);
            look(w);
            c->alive = false;
        }
        break;
    case 4:
        if (c->alive && c->phase == IN) c->next_beat_ms += below(w, 20000); /* a long pause */
        break;
    default:
        if (below(w, 3) == 0) move(w);
    }
}

static void check_settled(struct world *w) {
    int alive = 0;
    for (int i = 0; i < CLIENTS; i++) {
        const struct client *c = &w->clients[i];
        if (!c->alive) continue;
        alive++;
        ck_assert_msg(c->phase == IN, "client %d is still on its way", i);
        ck_assert_int_eq(c->generation, bn_group_generation(w->p.group));
    }
    ck_assert_int_eq(bn_group_size(w->p.group), alive);
    ck_assert_int_eq(bn_group_state(w->p.group), alive ? BN_GROUP_STABLE : BN_GROUP_EMPTY);
}

static void run_seed(uint64_t seed) {
    static struct world w;
    memset(&w, 0, sizeof w);
    w.random = seed * 2654435761u + 1;
    party_begin(&w.p, below(&w, 2) ? 0 : 500);
    w.p.lazy = true;
    for (int i = 0; i < 60; i++) {
        disturb(&w);
        pass(&w, below(&w, 4) ? below(&w, 500) : below(&w, 8000));
    }
    w.calm = true;
    pass(&w, 200000);
    check_settled(&w);
    w.p.lazy = false;
    party_end(&w.p);
}

START_TEST(test_seeds) {
    const char *text = getenv("GROUP_SEEDS");
    int64_t seeds = text ? strtoll(text, NULL, 10) : 300;
    for (int64_t seed = 1; seed <= seeds; seed++) {
        if (text && seed % 100 == 0) fprintf(stderr, "seed %d\n", (int)seed);
        run_seed((uint64_t)seed);
    }
}
END_TEST

Suite *property_suite(void) {
    Suite *s = suite_create("property");
    TCase *t = tcase_create("property");
    tcase_set_timeout(t, 600);
    tcase_add_test(t, test_seeds);
    suite_add_tcase(s, t);
    return s;
}
