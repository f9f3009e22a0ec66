/* isr_test.c: goal: the rules of 3-replication 3.2 to 3.4 hold case by case; and whatever a controller, a network and
 * followers do, the watermark never passes what the committed ISR has, and a healed partition is whole again.
 */
#include "broker/replica/isr.h"

#include <stdlib.h>
#include <string.h>

#include "proto/kafka/errors.h"
#include "tests/unit/unit.h"

Suite *isr_suite(void);

enum { LAG_MS = 30000, BROKERS = 4 };

/* ---- a leader's world: brokers 1 (the leader) to 3; epoch of broker b is live[b] ---- */

struct fixture {
    struct bn_isr isr;
    struct bn_isr_view v;
    int64_t live[BROKERS];
};

static int64_t live_epoch(void *arg, int32_t id) {
    const struct fixture *f = arg;
    return id < BROKERS ? f->live[id] : -1;
}

static const int32_t all[] = {1, 2, 3};

static enum bn_isr_news decide(struct fixture *f, int32_t leader_epoch, int32_t partition_epoch, const int32_t *isr,
                               int count) {
    struct bn_isr_state d = {leader_epoch, partition_epoch, all, isr, 3, count};
    return bn_isr_decided(&f->isr, &d, f->v.now_ms);
}

/* Leads epoch 5, version 7, from offset 100 with watermark 90; `count` of brokers 1, 2, 3 are in the ISR. */
static void begin(struct fixture *f, int count) {
    *f = (struct fixture){.live = {-1, 11, 12, 13}};
    f->v = (struct bn_isr_view){.now_ms = 1000, .lag_max_ms = LAG_MS, .leader_end = 100, .high_watermark = 90};
    f->v.live_epoch = live_epoch;
    f->v.arg = f;
    bn_isr_init(&f->isr, 1);
    ck_assert_int_eq(decide(f, 5, 7, all, count), BN_ISR_NEW_EPOCH);
    bn_isr_lead(&f->isr, f->v.leader_end, f->v.now_ms);
}

static bool fetch(struct fixture *f, int32_t id, int64_t offset) {
    struct bn_isr_fetch in = {id, f->live[id], offset, 0};
    ck_assert_int_eq(bn_isr_admit(&f->isr, &f->v, &in), BN_ISR_FINE);
    return bn_isr_fetched(&f->isr, &f->v, &in);
}

static struct bn_isr_follower *who(struct fixture *f, int32_t id) {
    for (int i = 0; i < f->isr.follower_count; i++)
        if (f->isr.followers[i].id == id) return &f->isr.followers[i];
    ck_abort_msg("no follower %d", id);
}

static void check_proposal(const struct bn_isr *s, int count, const int32_t *ids, const int64_t *epochs) {
    int32_t got[8];
    int64_t got_epochs[8];
    ck_assert_int_eq(bn_isr_proposal(s, got, got_epochs), count);
    for (int i = 0; i < count; i++) {
        ck_assert_int_eq(got[i], ids[i]);
        ck_assert_int_eq(got_epochs[i], epochs[i]);
    }
}

/* A new leader knows of nobody; when every member has fetched, the watermark is the least of them. */
START_TEST(test_watermark_waits_for_members) {
    struct fixture f;
    begin(&f, 3);
    ck_assert_int_eq(bn_isr_watermark(&f.isr, &f.v, 1), 90);
    ck_assert(fetch(&f, 2, 100));
    ck_assert_int_eq(bn_isr_watermark(&f.isr, &f.v, 1), 90);
    ck_assert(fetch(&f, 3, 95));
    ck_assert_int_eq(bn_isr_watermark(&f.isr, &f.v, 1), 95);
    ck_assert(!fetch(&f, 3, 95));
    ck_assert(fetch(&f, 3, 100));
    ck_assert_int_eq(bn_isr_watermark(&f.isr, &f.v, 1), 100);
    f.v.high_watermark = 100;
    fetch(&f, 3, 80); /* it truncated: what is committed stays so */
    ck_assert_int_eq(bn_isr_watermark(&f.isr, &f.v, 1), 100);
    bn_isr_fini(&f.isr);
}
END_TEST

/* Below min.insync.replicas (at most the replication factor) it stands still, whoever has what. */
START_TEST(test_watermark_is_frozen_below_min) {
    static const struct {
        int members, min_insync;
        int64_t expected;
    } cases[] = {{1, 1, 100}, {1, 2, 90}, {2, 2, 100}, {2, 3, 90}, {3, 3, 100}, {3, 9, 100}};
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct fixture f;
        begin(&f, cases[i].members);
        fetch(&f, 2, 100);
        fetch(&f, 3, 100);
        ck_assert_int_eq(bn_isr_watermark(&f.isr, &f.v, cases[i].min_insync), cases[i].expected);
        bn_isr_fini(&f.isr);
    }
}
END_TEST

/* Somebody outside who is caught up and registered as he fetched is waited for; one of another life is not. */
START_TEST(test_watermark_waits_for_who_joins) {
    static const struct {
        int64_t live, end, late_ms, expected;
    } cases[] = {
        {13, 100, 0, 100},         {13, 98, 0, 98},  {13, 98, LAG_MS, 98},
        {13, 98, LAG_MS + 1, 100}, {14, 98, 0, 100}, {-1, 98, 0, 100},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct fixture f;
        begin(&f, 2);
        fetch(&f, 2, 100);
        f.v.leader_end = cases[i].end;
        fetch(&f, 3, cases[i].end);
        f.v.leader_end = 100;
        f.v.now_ms += cases[i].late_ms;
        f.live[3] = cases[i].live;
        ck_assert_int_eq(bn_isr_watermark(&f.isr, &f.v, 1), cases[i].expected);
        bn_isr_fini(&f.isr);
    }
}
END_TEST

/* When was the last moment at which a follower had everything? (3.3) */
START_TEST(test_caught_up) {
    struct fixture f;
    begin(&f, 2);
    ck_assert_int_eq(who(&f, 2)->caught_up_ms, 1000); /* a member's grace */
    ck_assert_int_eq(who(&f, 3)->caught_up_ms, BN_ISR_NEVER);
    f.v.now_ms = 2000;
    fetch(&f, 3, 99);
    ck_assert_int_eq(who(&f, 3)->caught_up_ms, BN_ISR_NEVER);
    f.v.now_ms = 3000;
    f.v.leader_end = 110;
    fetch(&f, 3, 100); /* the end of its fetch before */
    ck_assert_int_eq(who(&f, 3)->caught_up_ms, 2000);
    f.v.now_ms = 4000;
    fetch(&f, 3, 110);
    ck_assert_int_eq(who(&f, 3)->caught_up_ms, 4000);
    f.v.now_ms = 90000; /* nothing came since: it still has everything, and had when something comes */
    ck_assert(bn_isr_caught_up(who(&f, 3), &f.v));
    bn_isr_appended(&f.isr, 110, f.v.now_ms);
    f.v.leader_end = 111;
    ck_assert_int_eq(who(&f, 3)->caught_up_ms, 90000);
    ck_assert_int_eq(who(&f, 2)->caught_up_ms, 1000);
    ck_assert(bn_isr_caught_up(who(&f, 3), &f.v));
    bn_isr_fini(&f.isr);
}
END_TEST

START_TEST(test_shrink) {
    static const int64_t epochs[] = {-1, 12};
    struct fixture f;
    begin(&f, 3);
    f.v.now_ms = 1000 + LAG_MS;
    fetch(&f, 2, 100);
    ck_assert(!bn_isr_shrink(&f.isr, &f.v)); /* the grace of a new epoch */
    f.v.now_ms++;
    ck_assert(bn_isr_shrink(&f.isr, &f.v));
    check_proposal(&f.isr, 2, all, epochs);
    ck_assert(!bn_isr_shrink(&f.isr, &f.v)); /* one at a time */
    ck_assert_int_eq(f.isr.member_count, 3);
    ck_assert_int_eq(bn_isr_watermark(&f.isr, &f.v, 1), 90); /* it still counts */
    ck_assert_int_eq(decide(&f, 5, 8, all, 2), BN_ISR_NEW_STATE);
    ck_assert_int_eq(f.isr.change, BN_ISR_SETTLED);
    ck_assert_int_eq(bn_isr_watermark(&f.isr, &f.v, 1), 100);
    bn_isr_fini(&f.isr);
}
END_TEST

/* Who may join: at or above the watermark and the epoch's start, in the life that is registered. */
START_TEST(test_expand) {
    static const struct {
        int64_t offset, high_watermark, live;
        bool joins;
    } cases[] = {
        {100, 100, 13, true},  {99, 100, 13, false},  {99, 90, 13, false /* of an epoch before */},
        {100, 90, 13, true},   {100, 100, 14, false}, {100, 100, -1, false},
        {101, 102, 13, false},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct fixture f;
        begin(&f, 2);
        f.v.leader_end = 110;
        f.v.high_watermark = cases[i].high_watermark;
        fetch(&f, 2, 110);
        ck_assert(!bn_isr_expand(&f.isr, &f.v, 2));
        fetch(&f, 3, cases[i].offset);
        f.live[3] = cases[i].live;
        ck_assert(!bn_isr_expand(&f.isr, &f.v, 2));
        ck_assert_int_eq(bn_isr_expand(&f.isr, &f.v, 3), cases[i].joins);
        if (cases[i].joins) {
            static const int64_t epochs[] = {-1, 12, 13};
            check_proposal(&f.isr, 3, all, epochs);
            ck_assert_int_eq(f.isr.member_count, 2); /* min.insync is held against what is committed */
            f.v.now_ms += 2 * LAG_MS;
            ck_assert_int_eq(bn_isr_watermark(&f.isr, &f.v, 1), cases[i].offset); /* the watermark against both */
        }
        bn_isr_fini(&f.isr);
    }
}
END_TEST

/* Without a fetch just now (a refusal's time is over, a broker was registered): only who is certain to follow still. */
START_TEST(test_expand_later) {
    struct fixture f;
    begin(&f, 1);
    fetch(&f, 2, 100);
    f.v.leader_end = 101;
    f.v.now_ms += LAG_MS + 1;
    fetch(&f, 3, 101);
    f.live[3] = 14;
    f.v.high_watermark = 100;
    ck_assert(!bn_isr_expand(&f.isr, &f.v, -1));
    f.live[3] = 13;
    ck_assert(bn_isr_expand(&f.isr, &f.v, -1));
    ck_assert(who(&f, 3)->proposed && !who(&f, 2)->proposed);
    bn_isr_fini(&f.isr);
}
END_TEST

/* A proposal says the same whenever it is said: the incarnation meant is the one that had caught up. */
START_TEST(test_proposal_keeps_its_words) {
    static const int64_t epochs[] = {-1, 12, 13};
    struct fixture f;
    begin(&f, 2);
    fetch(&f, 2, 100);
    fetch(&f, 3, 100);
    ck_assert(bn_isr_expand(&f.isr, &f.v, 3));
    f.live[3] = 99;
    fetch(&f, 3, 20); /* it restarted and had lost its tail */
    check_proposal(&f.isr, 3, all, epochs);
    ck_assert_int_eq(bn_isr_watermark(&f.isr, &f.v, 1), 90);
    bn_isr_fini(&f.isr);
}
END_TEST

/* Progress is an incarnation's: an older one is told off, a newer one starts again. */
START_TEST(test_incarnations) {
    static const struct {
        int32_t follower;
        int64_t known, live, told;
        enum bn_isr_verdict expected;
    } cases[] = {
        {2, 12, 12, 12, BN_ISR_FINE}, {2, 12, 12, 11, BN_ISR_STALE},    {2, -1, 12, 11, BN_ISR_STALE},
        {2, 12, 12, 13, BN_ISR_FINE}, {2, 14, 12, 13, BN_ISR_STALE},    {2, 12, -1, 12, BN_ISR_FINE},
        {2, 12, 12, -1, BN_ISR_FINE}, {9, -1, 12, 12, BN_ISR_STRANGER},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct fixture f;
        begin(&f, 2);
        f.live[2] = cases[i].live;
        who(&f, 2)->broker_epoch = cases[i].known;
        struct bn_isr_fetch in = {cases[i].follower, cases[i].told, 100, 0};
        ck_assert_int_eq(bn_isr_admit(&f.isr, &f.v, &in), cases[i].expected);
        bn_isr_fini(&f.isr);
    }
    struct fixture f;
    begin(&f, 2);
    fetch(&f, 2, 100);
    struct bn_isr_fetch unnamed = {2, -1, 90, 0};
    ck_assert(!bn_isr_fetched(&f.isr, &f.v, &unnamed));
    ck_assert_int_eq(who(&f, 2)->end, 100);
    f.live[2] = 22;
    fetch(&f, 2, 60);
    ck_assert_int_eq(who(&f, 2)->end, 60);
    ck_assert_int_eq(who(&f, 2)->caught_up_ms, BN_ISR_NEVER);
    bn_isr_fini(&f.isr);
}
END_TEST

/* Decisions: newer ones end what stands, older and known ones change nothing, another assignment is taken up. */
START_TEST(test_decisions) {
    struct fixture f;
    begin(&f, 3);
    fetch(&f, 2, 100);
    ck_assert_int_eq(decide(&f, 4, 99, all, 1), BN_ISR_OLD);
    ck_assert_int_eq(decide(&f, 5, 7, all, 1), BN_ISR_KNOWN);
    ck_assert_int_eq(decide(&f, 5, 6, all, 1), BN_ISR_KNOWN);
    ck_assert_int_eq(f.isr.member_count, 3);
    struct bn_isr_state moved = {5, 7, (const int32_t[]){1, 2, 5}, all, 3, 3};
    ck_assert_int_eq(bn_isr_decided(&f.isr, &moved, f.v.now_ms), BN_ISR_KNOWN);
    ck_assert(who(&f, 5)->assigned && !who(&f, 3)->assigned && who(&f, 3)->member);
    ck_assert_int_eq(who(&f, 2)->end, 100);
    moved.partition_epoch = 8;
    moved.isr_count = 2;
    ck_assert_int_eq(bn_isr_decided(&f.isr, &moved, f.v.now_ms), BN_ISR_NEW_STATE);
    ck_assert_int_eq(f.isr.follower_count, 2);
    ck_assert_int_eq(decide(&f, 6, 9, all, 3), BN_ISR_NEW_EPOCH);
    ck_assert_int_eq(who(&f, 2)->end, -1);
    ck_assert_int_eq(f.isr.epoch_start, -1);
    bn_isr_fini(&f.isr);
}
END_TEST

/* What each answer to a proposal leads to. */
START_TEST(test_answers) {
    static const struct {
        int32_t partition_epoch; /* of the proposal that is answered */
        bool heard;
        int16_t error;
        int32_t state_leader_epoch, state_partition_epoch; /* 0 = no state */
        enum bn_isr_outcome expected;
        bool stands;
    } cases[] = {
        {7, true, KE_NONE, 5, 8, BN_ISR_ADOPTED, false},
        {7, true, KE_NONE, 0, 0, BN_ISR_AWAITING, true},
        {7, false, KE_NONE, 5, 8, BN_ISR_AGAIN, true},
        {7, true, KE_NOT_CONTROLLER, 0, 0, BN_ISR_AGAIN, true},
        {7, true, KE_STALE_BROKER_EPOCH, 0, 0, BN_ISR_AGAIN, true},
        {7, true, KE_REQUEST_TIMED_OUT, 5, 7, BN_ISR_AGAIN, true},
        {7, true, KE_UNKNOWN_SERVER_ERROR, 0, 0, BN_ISR_AGAIN, true},
        {7, true, KE_INELIGIBLE_REPLICA, 5, 7, BN_ISR_REVERTED, false},
        {7, true, KE_OPERATION_NOT_ATTEMPTED, 0, 0, BN_ISR_REVERTED, false},
        {7, true, KE_INVALID_REQUEST, 5, 7, BN_ISR_REVERTED, false},
        {7, true, KE_INVALID_UPDATE_VERSION, 5, 9, BN_ISR_ADOPTED, false},
        {7, true, KE_INVALID_UPDATE_VERSION, 0, 0, BN_ISR_AWAITING, true},
        {7, true, KE_FENCED_LEADER_EPOCH, 6, 9, BN_ISR_AWAITING, true},
        {7, true, KE_NEW_LEADER_ELECTED, 6, 9, BN_ISR_AWAITING, true},
        {7, true, KE_UNKNOWN_TOPIC_OR_PARTITION, 0, 0, BN_ISR_AWAITING, true},
        {7, true, KE_UNKNOWN_TOPIC_ID, 0, 0, BN_ISR_AWAITING, true},
        {6, true, KE_INELIGIBLE_REPLICA, 5, 7, BN_ISR_MOOT, true},
        {6, false, KE_NONE, 0, 0, BN_ISR_MOOT, true},
        {6, true, KE_NONE, 5, 8, BN_ISR_ADOPTED, false},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct fixture f;
        begin(&f, 2);
        fetch(&f, 2, 100);
        fetch(&f, 3, 100);
        ck_assert(bn_isr_expand(&f.isr, &f.v, 3));
        struct bn_isr_state state = {cases[i].state_leader_epoch, cases[i].state_partition_epoch, NULL, all, 0, 3};
        struct bn_isr_answer a = {5, cases[i].partition_epoch, cases[i].heard, cases[i].error, NULL};
        if (cases[i].state_leader_epoch) a.state = &state;
        ck_assert_msg(bn_isr_answered(&f.isr, &a, f.v.now_ms) == cases[i].expected, "case %zu", i);
        ck_assert_msg((f.isr.change != BN_ISR_SETTLED) == cases[i].stands, "case %zu", i);
        ck_assert_int_eq(f.isr.member_count, cases[i].expected == BN_ISR_ADOPTED ? 3 : 2);
        if (cases[i].expected == BN_ISR_REVERTED) { /* not at once again; but others may join meanwhile */
            ck_assert(!bn_isr_expand(&f.isr, &f.v, 3));
            ck_assert(bn_isr_holds(&f.isr, f.v.now_ms));
            f.v.now_ms += 1000;
            ck_assert(!bn_isr_holds(&f.isr, f.v.now_ms));
            ck_assert(bn_isr_expand(&f.isr, &f.v, 3));
            ck_assert_int_eq(bn_isr_answered(&f.isr, &a, f.v.now_ms), BN_ISR_REVERTED);
            f.v.now_ms += 1999; /* each refusal makes the next wait longer */
            ck_assert(!bn_isr_expand(&f.isr, &f.v, 3));
            f.v.now_ms += 1;
            ck_assert(bn_isr_expand(&f.isr, &f.v, 3));
        }
        bn_isr_fini(&f.isr);
    }
}
END_TEST

/* ---- the property ----
 *
 * A leader of epoch 5 with two followers, a controller that commits under the rules of its alter.c, and a network that
 * loses answers: a lost call is carried out later or never, but before whatever is said after it. Followers restart,
 * now and then with less than they had; the controller takes a restarted one out of the ISR before it may fetch. The
 * committed ISR may reach the leader by the answer or by a delta, late. */

struct call {
    bool said, lost;
    int32_t partition_epoch;
    int32_t ids[BROKERS];
    int64_t epochs[BROKERS];
    int count;
};

struct cluster {
    struct fixture f;
    unsigned seed;
    int64_t end[BROKERS]; /* of the followers' logs */
    bool up[BROKERS];     /* it fetches */
    int32_t version;      /* the controller's */
    int32_t isr[BROKERS];
    int isr_count;
    struct call old, call; /* one whose answer was lost, and the last one said */
    bool said, carried;    /* call is under way; and the controller is done with it */
    struct bn_isr_answer answer;
    struct bn_isr_state answer_state;
    int32_t answer_isr[BROKERS];
    struct call words;      /* what was said last, to compare */
    int64_t epoch[BROKERS]; /* registered at the controller; the leader's image (f.live) may be behind */
    int64_t next_epoch;
};

static int pick(struct cluster *c, int n) { return rand_r(&c->seed) % n; }

static bool in(const int32_t *ids, int count, int32_t id) {
    for (int i = 0; i < count; i++)
        if (ids[i] == id) return true;
    return false;
}

static int16_t controller_takes(struct cluster *c, const struct call *call) {
    if (call->partition_epoch > c->version) ck_abort_msg("a version from the future");
    bool same = call->count == c->isr_count;
    for (int i = 0; i < call->count; i++) same = same && in(c->isr, c->isr_count, call->ids[i]);
    if (same) return KE_NONE;
    if (call->partition_epoch < c->version) return KE_INVALID_UPDATE_VERSION;
    for (int i = 0; i < call->count; i++) {
        int32_t id = call->ids[i];
        bool unnamed_member = call->epochs[i] == -1 && in(c->isr, c->isr_count, id);
        if (call->epochs[i] != c->epoch[id] && !unnamed_member) return KE_INELIGIBLE_REPLICA;
    }
    for (int i = 0; i < call->count; i++) { /* IsrGrowth: what joins has all that is committed */
        if (call->ids[i] != 1) ck_assert_int_ge(c->end[call->ids[i]], c->f.v.high_watermark);
        c->isr[i] = call->ids[i];
    }
    c->isr_count = call->count;
    c->version++;
    return KE_NONE;
}

static void settle_old(struct cluster *c) {
    if (c->old.lost && pick(c, 2)) (void)controller_takes(c, &c->old);
    c->old.lost = false;
}

static void say(struct cluster *c) {
    if (c->f.isr.change == BN_ISR_SETTLED || c->said) return;
    struct call now = {.said = true, .partition_epoch = c->f.isr.partition_epoch};
    now.count = bn_isr_proposal(&c->f.isr, now.ids, now.epochs);
    /* The same words under the same version, unless it was refused between. */
    if (c->words.said && c->words.partition_epoch == now.partition_epoch) {
        ck_assert_int_eq(c->words.count, now.count);
        ck_assert_int_eq(memcmp(c->words.ids, now.ids, (size_t)now.count * sizeof *now.ids), 0);
        ck_assert_int_eq(memcmp(c->words.epochs, now.epochs, (size_t)now.count * sizeof *now.epochs), 0);
    }
    c->words = c->call = now;
    for (int i = 0; i < now.count; i++)
        if (now.ids[i] == 1) c->call.epochs[i] = c->epoch[1];
    c->said = true;
}

/* The controller takes it up, or the answer will not come: then it may do so later. */
static void carry_out(struct cluster *c) {
    settle_old(c);
    c->answer = (struct bn_isr_answer){5, c->call.partition_epoch, false, 0, NULL};
    if (pick(c, 4) == 0) {
        c->old = c->call;
        c->old.lost = true;
    } else {
        c->answer.heard = true;
        c->answer.error = controller_takes(c, &c->call);
        memcpy(c->answer_isr, c->isr, sizeof c->isr);
        c->answer_state = (struct bn_isr_state){5, c->version, NULL, c->answer_isr, 0, c->isr_count};
        if (pick(c, 4)) c->answer.state = &c->answer_state;
    }
    c->carried = true;
}

/* One half of it, so that other things come between. */
static void reply(struct cluster *c) {
    if (!c->said) return;
    if (!c->carried) {
        carry_out(c);
        return;
    }
    c->said = c->carried = false;
    if (bn_isr_answered(&c->f.isr, &c->answer, c->f.v.now_ms) == BN_ISR_REVERTED) c->words.said = false;
}

static void delta(struct cluster *c) {
    memcpy(c->f.live, c->epoch, sizeof c->epoch);
    decide(&c->f, 5, c->version, c->isr, c->isr_count);
}

static void restart(struct cluster *c, int32_t id, bool loses) {
    settle_old(c);
    if (in(c->isr, c->isr_count, id)) {
        int kept = 0;
        for (int i = 0; i < c->isr_count; i++)
            if (c->isr[i] != id) c->isr[kept++] = c->isr[i];
        c->isr_count = kept;
        c->version++;
    }
    c->epoch[id] = c->next_epoch++;
    if (loses) c->end[id] = pick(c, (int)c->end[id] + 1);
}

static void look(struct cluster *c) {
    struct bn_isr_view *v = &c->f.v;
    int64_t to = bn_isr_watermark(&c->f.isr, v, 1);
    ck_assert_int_ge(to, v->high_watermark);
    v->high_watermark = to;
    /* HwCovered: of the ISR that is committed at the controller, now. */
    for (int i = 0; i < c->isr_count; i++)
        if (c->isr[i] != 1) ck_assert_int_le(v->high_watermark, c->end[c->isr[i]]);
}

static void step(struct cluster *c) {
    struct bn_isr_view *v = &c->f.v;
    int32_t id = 2 + pick(c, 2);
    v->now_ms += pick(c, 3000);
    switch (pick(c, 12)) {
    case 0:
    case 1:
        bn_isr_appended(&c->f.isr, v->leader_end, v->now_ms);
        v->leader_end += 1 + pick(c, 5);
        break;
    case 2:
    case 3:
    case 4:
    case 5:
    case 6: { /* it fetches from where it is, and gets some of what is there */
        struct bn_isr_fetch f = {id, c->epoch[id], c->end[id], 0};
        if (!c->up[id] || bn_isr_admit(&c->f.isr, v, &f) != BN_ISR_FINE) break;
        bn_isr_fetched(&c->f.isr, v, &f);
        bn_isr_expand(&c->f.isr, v, id);
        if (v->leader_end > c->end[id]) c->end[id] += 1 + pick(c, (int)(v->leader_end - c->end[id]));
        break;
    }
    case 7:
        if (!bn_isr_shrink(&c->f.isr, v)) bn_isr_expand(&c->f.isr, v, -1);
        break;
    case 8:
        if (pick(c, 3) == 0) c->up[id] = !c->up[id];
        break;
    case 9:
        if (pick(c, 8) == 0) restart(c, id, pick(c, 2));
        break;
    case 10:
        delta(c);
        break;
    default:
        reply(c);
    }
    say(c);
    look(c);
}

/* Faults stop: within a bounded number of rounds all are in the ISR and everything is committed. */
static void heal(struct cluster *c) {
    struct bn_isr_view *v = &c->f.v;
    for (int round = 0; round < 30; round++) {
        v->now_ms += 2000;
        settle_old(c);
        for (int32_t id = 2; id <= 3; id++) {
            struct bn_isr_fetch f = {id, c->epoch[id], c->end[id], 0};
            if (bn_isr_admit(&c->f.isr, v, &f) != BN_ISR_FINE) continue;
            bn_isr_fetched(&c->f.isr, v, &f);
            bn_isr_expand(&c->f.isr, v, id);
            c->end[id] = v->leader_end;
        }
        say(c);
        reply(c);
        delta(c);
        look(c);
    }
    ck_assert_int_eq(c->isr_count, 3);
    ck_assert_int_eq(c->f.isr.member_count, 3);
    ck_assert_int_eq(v->high_watermark, v->leader_end);
}

START_TEST(test_random_worlds) {
    for (unsigned seed = 1; seed <= 600; seed++) {
        struct cluster c = {.seed = seed, .version = 7, .isr = {1, 2, 3}, .isr_count = 3, .next_epoch = 100};
        begin(&c.f, 3);
        memcpy(c.epoch, c.f.live, sizeof c.epoch);
        c.f.v.high_watermark = 90;
        for (int32_t id = 2; id <= 3; id++) {
            c.end[id] = 90 + pick(&c, 11);
            c.up[id] = true;
        }
        for (int i = 0; i < 300; i++) step(&c);
        heal(&c);
        bn_isr_fini(&c.f.isr);
    }
}
END_TEST

Suite *isr_suite(void) {
    Suite *s = suite_create("isr");
    TCase *t = tcase_create("isr");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_watermark_waits_for_members);
    tcase_add_test(t, test_watermark_is_frozen_below_min);
    tcase_add_test(t, test_watermark_waits_for_who_joins);
    tcase_add_test(t, test_caught_up);
    tcase_add_test(t, test_shrink);
    tcase_add_test(t, test_expand);
    tcase_add_test(t, test_expand_later);
    tcase_add_test(t, test_proposal_keeps_its_words);
    tcase_add_test(t, test_incarnations);
    tcase_add_test(t, test_decisions);
    tcase_add_test(t, test_answers);
    tcase_add_test(t, test_random_worlds);
    suite_add_tcase(s, t);
    return s;
}
