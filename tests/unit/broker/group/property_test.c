/* property_test.c: goal: whatever happens to a group of up to a hundred consumers (they come, die, leave, pause, their
 * requests and answers are late, lost or doubled, static ones come back, coordinators move, are deposed without knowing
 * it, write slowly, fail to, or do not hear that they have): a partition has one owner in a generation; a generation
 * has one set of members, for ever, and only grows; nobody waits for ever; the newest process of an instance is not
 * fenced; committed offsets do not go back; and once nothing goes wrong any more all live clients, and nobody else,
 * share all partitions in one generation. The world is crowd.h.
 *
 * In the environment: GROUP_SEEDS: how many seeds (1000); GROUP_SEED: only this one, and tell all that happens. */
#include <stdlib.h>

#include "common/base/alloc.h"
#include "tests/unit/broker/group/crowd.h"
#include "tests/unit/unit.h"

Suite *property_suite(void);

static struct crowd_client *anybody(struct crowd *w) { /* alive; NULL */
    int at = (int)crowd_below(w, CROWD_MAX);
    for (int i = 0; i < CROWD_MAX; i++) {
        struct crowd_client *c = &w->clients[(at + i) % CROWD_MAX];
        if (c->alive) return c;
    }
    return NULL;
}

static int alive(const struct crowd *w) {
    int n = 0;
    for (int i = 0; i < CROWD_MAX; i++) n += w->clients[i].alive;
    return n;
}

static bool has_process(const struct crowd *w, int instance) {
    for (int i = 0; i < CROWD_MAX; i++)
        if (w->clients[i].alive && w->clients[i].instance == instance) return true;
    return false;
}

static void one_more(struct crowd *w) {
    int instance = (int)crowd_below(w, CROWD_INSTANCES);
    bool is_static = crowd_below(w, 3) == 0 && !has_process(w, instance);
    crowd_start(w, is_static ? instance : -1);
}

/* Another process takes the place of a static member's, which is dead, or does not know that it should be. */
static void bounce(struct crowd *w, struct crowd_client *c) {
    int instance = c->instance;
    if (instance < 0) return;
    if (crowd_below(w, 3)) crowd_kill(w, c);
    crowd_start(w, instance);
}

static void disturb(struct crowd *w) {
    struct crowd_client *c = anybody(w);
    uint32_t what = crowd_below(w, 16);
    if (!c || what < 4) {
        if (alive(w) < w->size) one_more(w);
    } else if (what < 6) {
        crowd_kill(w, c);
    } else if (what < 8) {
        if (c->phase == CROWD_IN) crowd_leave(w, c);
    } else if (what < 11) {
        bounce(w, c);
    } else if (what < 13) {
        if (c->phase == CROWD_IN) crowd_rejoin(w, c);
    } else if (what < 14) {
        c->paused_until_ms = w->now_ms + crowd_below(w, 20000);
    } else if (what < 15 || crowd_below(w, 2)) {
        crowd_move(w, crowd_below(w, 2));
    } else { /* most of them at once */
        for (int i = 0; i < CROWD_MAX; i++)
            if (w->clients[i].alive && crowd_below(w, 4)) crowd_kill(w, &w->clients[i]);
    }
}

static void run_seed(struct crowd *w, uint64_t seed, bool told) {
    crowd_begin(w, seed, told);
    for (int i = 0; i < w->size; i++) one_more(w);
    for (int i = 0; i < 60; i++) {
        disturb(w);
        crowd_run(w, crowd_below(w, 4) ? crowd_below(w, 1000) : crowd_below(w, 8000));
    }
    w->calm = true;
    crowd_run(w, 60000);
    for (int i = 0; w->cut_short && i < CROWD_MAX; i++)
        if (w->clients[i].alive && bn_slice_eq_str(bn_group_leader(w->houses[w->house].group), w->clients[i].id))
            crowd_rejoin(w, &w->clients[i]);
    crowd_run(w, 60000);
    crowd_check_settled(w);
}

START_TEST(test_seeds) {
    const char *one = getenv("GROUP_SEED"), *many = getenv("GROUP_SEEDS");
    uint64_t first = one ? strtoull(one, NULL, 10) : 1;
    uint64_t last = one ? first : many ? strtoull(many, NULL, 10) : 1000;
    struct crowd *w = bn_alloc_zero(1, sizeof *w);
    long rounds = 0, syncs = 0, moves = 0, commits = 0;
    for (uint64_t seed = first; seed <= last; seed++) {
        run_seed(w, seed, one != NULL);
        rounds += w->rounds;
        syncs += w->syncs;
        moves += w->moves;
        commits += w->commits;
        crowd_end(w);
    }
    bn_alloc_free(w);
    if (one || many)
        fprintf(stderr, "%ld rounds, %ld assignments, %ld coordinators, %ld commits\n", rounds, syncs, moves, commits);
    ck_assert_int_gt(rounds, 0);
    ck_assert_int_gt(commits, 0);
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
