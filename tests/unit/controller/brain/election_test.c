/* election_test.c: who leads and who is in the ISR, case by case. */
#include "controller/brain/election.h"
#include "controller/brain/ids.h"
#include "tests/unit/unit.h"

#define IDS(...) ((struct bn_fact_ids){(int32_t[]){__VA_ARGS__}, (int32_t)BN_ARRAY_LEN(((int32_t[]){__VA_ARGS__}))})

struct world {
    const char *life; /* one letter per broker 0..: d dead, f fresh, l leaving, F fit, R ready */
};

static enum bn_election_life life(const void *arg, int32_t broker) {
    const char *at = strchr("dflFR", ((const struct world *)arg)->life[broker]);
    return (enum bn_election_life)(at - "dflFR");
}

static const struct {
    const char *what, *life;
    int replicas[3], isr[4]; /* -1 ends */
    int leader;              /* -2 = no state yet */
    bool bump, unclean;
    enum bn_election_why why;
    int new_leader, new_isr[4];
} CASES[] = {
    {"first state", "FdR", {0, 1, 2}, {-1}, -2, 0, 0, BN_ELECTION_INITIAL, 0, {0, 2, -1}},
    {"first state, nobody fit", "dfd", {0, 1, 2}, {-1}, -2, 0, 1, BN_ELECTION_NOTHING, -1, {-1}},
    {"all is well", "RRR", {0, 1, 2}, {0, 1, 2, -1}, 0, 0, 0, BN_ELECTION_NOTHING, 0, {0, 1, 2, -1}},
    {"a follower died", "RdR", {0, 1, 2}, {0, 1, 2, -1}, 0, 0, 0, BN_ELECTION_SHRINK, 0, {0, 2, -1}},
    {"a follower restarted", "RfR", {0, 1, 2}, {0, 1, 2, -1}, 0, 1, 0, BN_ELECTION_SHRINK, 0, {0, 2, -1}},
    {"the leader died", "dFF", {0, 1, 2}, {0, 1, 2, -1}, 0, 0, 0, BN_ELECTION_CLEAN, 1, {1, 2, -1}},
    {"one whose stream is up is preferred", "dFR", {0, 1, 2}, {0, 1, 2, -1}, 0, 0, 0, BN_ELECTION_CLEAN, 2, {1, 2, -1}},
    {"the leader restarted", "fFF", {0, 1, 2}, {0, 1, 2, -1}, 0, 1, 0, BN_ELECTION_CLEAN, 1, {1, 2, -1}},
    {"the lone leader restarted", "fdF", {0, 1, 2}, {0, -1}, 0, 1, 0, BN_ELECTION_BUMP, 0, {0, -1}},
    {"and was offline", "fdF", {0, 1, 2}, {0, -1}, -1, 1, 0, BN_ELECTION_CLEAN, 0, {0, -1}},
    {"the lone leader died", "dFF", {0, 1, 2}, {0, -1}, 0, 0, 0, BN_ELECTION_OFFLINE, -1, {0, -1}},
    {"unclean", "dFF", {0, 1, 2}, {0, -1}, 0, 0, 1, BN_ELECTION_UNCLEAN, 1, {1, -1}},
    {"unclean needs somebody fit", "dff", {0, 1, 2}, {0, -1}, -1, 0, 1, BN_ELECTION_NOTHING, -1, {0, -1}},
    {"all died at once", "ddd", {0, 1, 2}, {0, 1, -1}, 1, 0, 0, BN_ELECTION_OFFLINE, -1, {0, 1, -1}},
    {"one came back: the other may know more", "fdd", {0, 1, 2}, {0, 1, -1}, -1, 1, 0, BN_ELECTION_SHRINK, -1, {1, -1}},
    {"all restarted at once: the leader survives",
     "fff",
     {0, 1, 2},
     {0, 1, 2, -1},
     1,
     1,
     0,
     BN_ELECTION_SHRINK,
     1,
     {1, -1}},
    {"without a leader: the first assigned", "fff", {2, 1, 0}, {0, 1, -1}, -1, 1, 0, BN_ELECTION_CLEAN, 1, {1, -1}},
    {"a member returned in time", "FFd", {0, 1, 2}, {1, -1}, -1, 0, 0, BN_ELECTION_CLEAN, 1, {1, -1}},
    {"the leader shuts down", "lFR", {0, 1, 2}, {0, 1, 2, -1}, 0, 0, 0, BN_ELECTION_CLEAN, 2, {1, 2, -1}},
    {"a follower shuts down", "RlR", {0, 1, 2}, {0, 1, 2, -1}, 0, 0, 0, BN_ELECTION_SHRINK, 0, {0, 2, -1}},
    {"the last member shuts down", "lRR", {0, 1, 2}, {0, -1}, 0, 0, 1, BN_ELECTION_NOTHING, 0, {0, -1}},
    {"and the others with it", "lll", {0, 1, 2}, {0, 1, -1}, 0, 0, 0, BN_ELECTION_NOTHING, 0, {0, 1, -1}},
    {"it leads on without the dead", "ldf", {0, 1, 2}, {0, 1, 2, -1}, 0, 0, 0, BN_ELECTION_SHRINK, 0, {0, -1}},
    {"it is no candidate", "ldR", {0, 1, 2}, {0, 1, -1}, 1, 0, 0, BN_ELECTION_OFFLINE, -1, {0, 1, -1}},
    {"nor in a first ISR", "lFR", {0, 1, 2}, {-1}, -2, 0, 0, BN_ELECTION_INITIAL, 1, {1, 2, -1}},
    {"nor unclean", "ldd", {0, 1, 2}, {1, -1}, -1, 0, 1, BN_ELECTION_NOTHING, -1, {1, -1}},
    {"only the epoch", "RRR", {0, 1, 2}, {0, 1, -1}, 0, 1, 0, BN_ELECTION_BUMP, 0, {0, 1, -1}},
};

static struct bn_fact_ids until_minus(const int *list, int32_t *room, int max) {
    struct bn_fact_ids out = {room, 0};
    while (out.count < max && list[out.count] >= 0) {
        room[out.count] = list[out.count];
        out.count++;
    }
    return out;
}

START_TEST(cases) {
    for (size_t i = 0; i < BN_ARRAY_LEN(CASES); i++) {
        int32_t replicas[3], isr[4], want[4], room[8];
        struct world w = {CASES[i].life};
        struct bn_election_view view = {life, &w};
        struct bn_fact_state state = {.leader = CASES[i].leader, .isr = until_minus(CASES[i].isr, isr, 4)};
        struct bn_election_in in = {until_minus(CASES[i].replicas, replicas, 3), CASES[i].leader == -2 ? NULL : &state,
                                    CASES[i].bump, CASES[i].unclean, false};
        struct bn_election_out out = {.isr = room};
        bn_election_run(&in, &view, &out);
        ck_assert_msg(out.why == CASES[i].why, "%s: why is %d", CASES[i].what, (int)out.why);
        ck_assert_msg(out.leader == CASES[i].new_leader, "%s: leader is %d", CASES[i].what, out.leader);
        struct bn_fact_ids expected = until_minus(CASES[i].new_isr, want, 4);
        ck_assert_msg(bn_ids_eq((struct bn_fact_ids){out.isr, out.isr_count}, expected), "%s: ISR", CASES[i].what);
        ck_assert_int_eq(out.recovering, out.why == BN_ELECTION_UNCLEAN);
    }
}
END_TEST

/* The preferred leader is taken when it may lead; otherwise nothing changes. */
START_TEST(preferred) {
    static const struct {
        const char *life;
        int isr[4];
        enum bn_election_why why;
        int leader;
    } rows[] = {
        {"RRR", {1, 0, -1}, BN_ELECTION_CLEAN, 0},   {"RRR", {1, 2, -1}, BN_ELECTION_NOTHING, 1},
        {"lRR", {1, 2, -1}, BN_ELECTION_NOTHING, 1}, {"dRR", {1, 0, -1}, BN_ELECTION_SHRINK, 1},
        {"FdR", {1, 0, -1}, BN_ELECTION_CLEAN, 0},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(rows); i++) {
        int32_t isr[4], room[8];
        struct world w = {rows[i].life};
        struct bn_election_view view = {life, &w};
        struct bn_fact_state state = {.leader = 1, .isr = until_minus(rows[i].isr, isr, 4)};
        struct bn_election_in in = {IDS(0, 1, 2), &state, false, false, true};
        struct bn_election_out out = {.isr = room};
        bn_election_run(&in, &view, &out);
        ck_assert_msg(out.why == rows[i].why && out.leader == rows[i].leader, "case %zu", i);
    }
}
END_TEST

START_TEST(recovering_lasts_over_clean_elections) {
    struct world w = {"dR"};
    struct bn_election_view view = {life, &w};
    struct bn_fact_state state = {.leader = 0, .isr = IDS(0, 1), .recovering = true};
    struct bn_election_in in = {IDS(0, 1), &state, false, false, false};
    int32_t room[4];
    struct bn_election_out out = {.isr = room};
    bn_election_run(&in, &view, &out);
    ck_assert(out.recovering);
    w.life = "dR";
    state.isr = IDS(0);
    in.unclean = false;
    bn_election_run(&in, &view, &out);
    ck_assert(out.only_unclean);
}
END_TEST

Suite *election_suite(void);
Suite *election_suite(void) {
    Suite *s = suite_create("election");
    TCase *c = tcase_create("election");
    tcase_add_test(c, cases);
    tcase_add_test(c, preferred);
    tcase_add_test(c, recovering_lasts_over_clean_elections);
    suite_add_tcase(s, c);
    return s;
}
