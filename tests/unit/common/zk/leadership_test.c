/* leadership_test.c: several candidates over the fake, event by event. First the cases that the recipe is made of,
 * each as the lines that its callbacks wrote; then thousands of random worlds with cuts, lost answers, expiries,
 * takeovers and resignations, held against the invariants: the epoch never goes back, each epoch has one leader, and
 * when the faults stop exactly one is active and the others follow it. */
#include "common/zk/leadership.h"

#include <stdio.h>

#include "common/base/alloc.h"
#include "common/base/trace.h"
#include "common/zk/fake.h"
#include "common/zk/znode_path.h"
#include "tests/unit/unit.h"

#define CANDIDATES 3

struct candidate {
    struct bn_zk *zk;
    struct bn_leadership *l;
    int id;
    bool active, connected, closed, resigning;
    int32_t epoch;
    int followed; /* brokerid of the last on_other */
    int64_t czxid;
};

static struct bn_fake_zk *fake;
static struct candidate c[CANDIDATES];
static struct bn_str lines;
static int leader_of_epoch[4000];

static void describe(void *arg, struct bn_str *out) {
    struct candidate *me = arg;
    struct bn_znode_controller data = {
        .brokerid = me->id, .timestamp_ms = 1, .kraft_epoch = -1, .host = "h", .port = 1, .life_port = 2};
    bn_znode_controller_encode(out, &data);
}

static void on_elected(void *arg, int32_t epoch, int32_t version) {
    struct candidate *me = arg;
    ck_assert(!me->active && bn_leadership_active(me->l));
    ck_assert_int_eq(epoch, version); /* as long as nobody else writes the epoch */
    ck_assert_int_lt(epoch, (int)BN_ARRAY_LEN(leader_of_epoch));
    ck_assert_msg(leader_of_epoch[epoch] == 0, "epoch %d has two leaders", epoch);
    leader_of_epoch[epoch] = me->id;
    me->active = true;
    me->epoch = epoch;
    bn_str_addf(&lines, "%d elected %d\n", me->id, (int)epoch);
}

static void on_lost(void *arg) {
    struct candidate *me = arg;
    ck_assert(me->active);
    me->active = false;
    bn_str_addf(&lines, "%d lost\n", me->id);
}

static void on_other(void *arg, const struct bn_leadership_other *other) {
    struct candidate *me = arg;
    ck_assert(!me->active);
    me->followed = other->controller.brokerid;
    me->czxid = other->czxid;
    bn_str_addf(&lines, "%d follows %d\n", me->id, me->followed);
}

static void on_state(void *arg, enum bn_zk_state state) {
    struct candidate *me = arg;
    me->connected = state == BN_ZK_CONNECTED;
    bn_leadership_zk_state(me->l, state);
}

static void setup(void) {
    bn_trace_set_level(BN_TRACE_FATAL); /* thousands of elections */
    fake = bn_fake_new(NULL, NULL);
    bn_str_init(&lines);
    memset(leader_of_epoch, 0, sizeof leader_of_epoch);
    for (int i = 0; i < CANDIDATES; i++) {
        c[i] = (struct candidate){.id = i + 1};
        struct bn_zk_config config = {
            .connect = "h:1", .session_timeout_ms = 1, .state_cb = on_state, .state_arg = &c[i]};
        ck_assert_int_eq(bn_fake_open(fake, &config, &c[i].zk, NULL), BN_OK);
        struct bn_leadership_config lc = {.zk = c[i].zk,
                                          .arg = &c[i],
                                          .describe = describe,
                                          .on_elected = on_elected,
                                          .on_lost = on_lost,
                                          .on_other = on_other};
        c[i].l = bn_leadership_new(&lc);
    }
}

static void settle(void) {
    for (int n = 0; bn_fake_step(fake); n++) ck_assert_msg(n < 100000, "never quiet; so far:\n%s", lines.ptr);
}

static void expect(const char *want) {
    settle();
    ck_assert_str_eq(lines.ptr, want);
    bn_str_clear(&lines);
}

static void closed(void *arg, int status) {
    (void)status;
    ((struct candidate *)arg)->closed = true;
}

static void teardown(void) {
    for (int i = 0; i < CANDIDATES; i++)
        if (!c[i].closed) c[i].zk->ops->close(c[i].zk, closed, &c[i]);
    settle();
    for (int i = 0; i < CANDIDATES; i++) bn_leadership_free(c[i].l);
    bn_fake_free(fake);
    bn_str_fini(&lines);
}

static void start_all(void) {
    for (int i = 0; i < CANDIDATES; i++) bn_leadership_start(c[i].l);
    expect("1 elected 1\n2 follows 1\n3 follows 1\n");
}

static const char *server_text(const char *path) {
    static char text[300];
    struct bn_slice data;
    if (bn_fake_peek(fake, path, &data, NULL) != BN_OK) return NULL;
    snprintf(text, sizeof text, "%.*s", BN_SLICE_FMT(data));
    return text;
}

/* Goal: the first makes /controller_epoch and becomes active with epoch 1; the others learn who and where. */
START_TEST(test_first) {
    start_all();
    ck_assert_str_eq(server_text("/controller_epoch"), "1");
    ck_assert_str_eq(server_text("/controller"),
                     "{\"version\":2,\"brokerid\":1,\"timestamp\":\"1\",\"kraftControllerEpoch\":-1,\"host\":\"h\","
                     "\"port\":1,\"life_port\":2}");
    ck_assert_int_eq(bn_leadership_epoch(c[0].l), 1);
    ck_assert_int_eq(bn_leadership_epoch_version(c[0].l), 1);
    ck_assert_int_eq(bn_leadership_epoch(c[1].l), 0);
}
END_TEST

/* Goal: an expired leader stops at once when it learns of it; a standby took over before; it follows afterwards. */
START_TEST(test_expiry) {
    start_all();
    bn_fake_disconnect(c[0].zk, false);
    expect("");
    ck_assert(bn_leadership_active(c[0].l)); /* a lost connection alone does not end it */
    bn_fake_expire(c[0].zk);
    expect("2 elected 2\n3 follows 2\n");
    bn_fake_reconnect(c[0].zk);
    expect("1 lost\n1 follows 2\n");
}
END_TEST

/* Goal: a reconnect in time changes nothing. */
START_TEST(test_reconnect) {
    start_all();
    bn_fake_disconnect(c[0].zk, false);
    bn_fake_disconnect(c[1].zk, false);
    settle();
    bn_fake_reconnect(c[0].zk);
    bn_fake_reconnect(c[1].zk);
    expect("");
    ck_assert(bn_leadership_active(c[0].l));
}
END_TEST

/* Goal: a lost answer to the election is settled by reading: once it had happened, once it had not. */
START_TEST(test_lost_answer) {
    start_all();
    for (int i = 0; i < 2; i++) {
        struct bn_zk_stat stat;
        ck_assert_int_eq(bn_fake_peek(fake, "/controller", NULL, &stat), BN_OK);
        if (i == 0)
            bn_fake_lose_next_answer(c[1].zk);
        else
            bn_fake_lose_next_request(c[1].zk);
        c[0].active ? bn_fake_expire(c[0].zk) : bn_fake_expire(c[1].zk);
        if (i == 1) bn_fake_lose_next_request(c[0].zk);
        settle();
        bn_str_clear(&lines);
        int active = c[0].active + c[1].active + c[2].active;
        ck_assert_int_eq(active, 1);
    }
}
END_TEST

/* Goal: exactly that: 2's election happens, its answer is lost, 2 finds out that it won. */
START_TEST(test_lost_answer_won) {
    start_all();
    bn_fake_lose_next_answer(c[1].zk);
    bn_fake_expire(c[0].zk);
    settle();
    ck_assert(c[1].active);
    ck_assert_int_eq(c[1].epoch, 2);
    ck_assert_str_eq(server_text("/controller_epoch"), "2");
}
END_TEST

/* Goal: of two standbys that take over from a dead leader the second fails and follows; the victim, alive after all,
 * is fenced. */
START_TEST(test_take_over) {
    start_all();
    bn_fake_disconnect(c[0].zk, false);
    bn_leadership_take_over(c[1].l, c[1].czxid);
    bn_leadership_take_over(c[2].l, c[2].czxid);
    expect("2 elected 2\n3 follows 2\n");
    bn_leadership_take_over(c[2].l, 12345); /* some other registration */
    expect("");
    bn_fake_reconnect(c[0].zk);
    expect("1 lost\n1 follows 2\n");
}
END_TEST

/* Goal: a takeover aimed at a leader that was replaced meanwhile does nothing to its successor. */
START_TEST(test_take_over_late) {
    start_all();
    int64_t dead = c[2].czxid;
    bn_fake_disconnect(c[2].zk, false); /* 3 does not see what follows */
    bn_fake_expire(c[0].zk);
    expect("1 lost\n2 elected 2\n1 follows 2\n");
    bn_leadership_take_over(c[2].l, dead);
    bn_fake_reconnect(c[2].zk);
    expect("3 follows 2\n");
    ck_assert(c[1].active);
}
END_TEST

/* Goal: a takeover whose multi never arrived, or whose answer was lost, is tried again: nobody would ask once more. */
START_TEST(test_take_over_lost) {
    start_all();
    bn_fake_disconnect(c[0].zk, false);
    bn_fake_disconnect(c[2].zk, false);
    if (_i == 0)
        bn_fake_lose_next_request(c[1].zk);
    else
        bn_fake_lose_next_answer(c[1].zk);
    bn_leadership_take_over(c[1].l, c[1].czxid);
    expect("2 elected 2\n");
    bn_fake_reconnect(c[0].zk);
    bn_fake_reconnect(c[2].zk);
    settle();
    bn_str_clear(&lines);
}
END_TEST

static void resigned(void *arg, int status);

/* Goal: /controller_epoch was read just before an election and /controller just after it: the takeover fails at the old
 * version, reads it anew and goes on. */
START_TEST(test_take_over_with_an_old_epoch) {
    bn_leadership_start(c[0].l);
    expect("1 elected 1\n");
    c[0].resigning = true;
    bn_leadership_resign(c[0].l, resigned, &c[0]);
    expect("1 resigned 0\n");
    bn_leadership_start(c[1].l);
    ck_assert(bn_fake_step_client(c[1].zk)); /* the server answers the first of its two reads */
    bn_leadership_start(c[0].l);
    while (bn_fake_step_client(c[0].zk)) continue;
    expect("1 elected 2\n2 follows 1\n");
    bn_fake_disconnect(c[0].zk, false);
    bn_leadership_take_over(c[1].l, c[1].czxid);
    expect("2 elected 3\n");
    bn_fake_reconnect(c[0].zk);
    expect("1 lost\n1 follows 2\n");
}
END_TEST

static void resigned(void *arg, int status) {
    struct candidate *me = arg;
    me->resigning = false;
    me->active = false;
    bn_str_addf(&lines, "%d resigned %d\n", me->id, status);
}

/* Goal: resigning frees /controller for the others, also when its answer is lost; a candidate can come back. */
START_TEST(test_resign) {
    start_all();
    bn_leadership_resign(c[0].l, NULL, NULL);
    bn_leadership_resign(c[0].l, resigned, &c[0]); /* the later one is called */
    expect("1 resigned 0\n2 elected 2\n3 follows 2\n");
    bn_leadership_start(c[0].l);
    expect("1 follows 2\n");
    bn_fake_lose_next_answer(c[1].zk);
    bn_leadership_resign(c[1].l, resigned, &c[1]);
    settle();
    ck_assert_ptr_nonnull(strstr(lines.ptr, "2 resigned"));
    ck_assert(c[0].active + c[2].active == 1 && !c[1].active);
    bn_str_clear(&lines);
    int standby = c[0].active ? 2 : 0;
    bn_leadership_resign(c[standby].l, resigned, &c[standby]);
    ck_assert_int_eq(c[standby].resigning, false); /* called back at once */
}
END_TEST

static void done(void *arg, int status) {
    ck_assert_int_eq(status, BN_OK);
    *(bool *)arg = true;
}

/* Goal: /controller deleted by hand, as people do to move the controller, leads to a new election with the next epoch.
 * */
START_TEST(test_deleted_by_hand) {
    start_all();
    bool removed = false;
    c[2].zk->ops->remove(c[2].zk, "/controller", -1, done, &removed);
    settle();
    ck_assert(removed);
    ck_assert_ptr_nonnull(strstr(lines.ptr, "1 lost\n"));
    ck_assert_int_eq(c[0].active + c[1].active + c[2].active, 1);
    ck_assert_str_eq(server_text("/controller_epoch"), "2");
}
END_TEST

static void wrote(void *arg, int status, const struct bn_zk_stat *stat) {
    (void)stat;
    done(arg, status);
}

/* Goal: garbage in either znode is reported and waited out, not acted on. */
START_TEST(test_garbage) {
    start_all();
    bool written = false;
    c[2].zk->ops->set(c[2].zk, "/controller", BN_SLICE_LIT("{}"), -1, wrote, &written);
    settle();
    ck_assert(written && c[0].active); /* still its ephemeral, still its epoch */
    c[2].zk->ops->set(c[2].zk, "/controller_epoch", BN_SLICE_LIT("many"), -1, wrote, &written);
    bn_fake_disconnect(c[0].zk, false);
    settle();
    bn_fake_reconnect(c[0].zk);
    settle();
    ck_assert(!c[0].active);
    c[2].zk->ops->set(c[2].zk, "/controller_epoch", BN_SLICE_LIT("3"), -1, wrote, &written);
    settle();
    for (int i = 0; i < CANDIDATES; i++) bn_leadership_poke(c[i].l);
    settle();
    ck_assert(c[0].active);
    ck_assert_int_eq(c[0].epoch, 4);
}
END_TEST

/* ---- Random worlds ---- */

static uint64_t seed;
static uint32_t draw(uint32_t below) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % below;
}

static void fault(void) {
    struct candidate *who = &c[draw(CANDIDATES)];
    switch (draw(10)) {
    case 0:
        bn_fake_disconnect(who->zk, draw(2));
        break;
    case 1:
        bn_fake_reconnect(who->zk);
        break;
    case 2:
        bn_fake_expire(who->zk);
        break;
    case 3:
        bn_fake_lose_next_answer(who->zk);
        break;
    case 4:
        bn_fake_lose_next_request(who->zk);
        break;
    case 5:
        bn_leadership_take_over(who->l, who->czxid);
        break;
    case 6:
        if (who->resigning) break;
        who->resigning = true;
        bn_leadership_resign(who->l, resigned, who);
        break;
    case 7:
        if (!who->resigning) bn_leadership_start(who->l);
        break;
    case 8:
        who->zk->ops->remove(who->zk, "/controller", -1, NULL, NULL);
        break;
    default:
        break;
    }
}

static void check_world(void) {
    struct bn_zk_stat stat;
    if (bn_fake_peek(fake, "/controller_epoch", NULL, &stat) != BN_OK) return;
    int current = 0;
    for (int i = 0; i < CANDIDATES; i++) {
        int32_t version = bn_leadership_epoch_version(c[i].l);
        ck_assert_int_le(version, stat.version);
        current += bn_leadership_active(c[i].l) && version == stat.version;
    }
    ck_assert_int_le(current, 1); /* whose writes would pass the check */
}

static int heal(void) {
    for (int i = 0; i < CANDIDATES; i++) bn_fake_reconnect(c[i].zk);
    settle();
    for (int i = 0; i < CANDIDATES; i++) {
        ck_assert(!c[i].resigning);
        bn_leadership_start(c[i].l);
    }
    settle();
    /* A call that is to be lost may still be waiting for its victim, so a second look is fair. */
    for (int i = 0; i < CANDIDATES; i++) bn_leadership_poke(c[i].l);
    settle();
    int leader = 0;
    for (int i = 0; i < CANDIDATES; i++) {
        if (!c[i].active) continue;
        ck_assert_int_eq(leader, 0);
        leader = c[i].id;
    }
    return leader;
}

START_TEST(test_random) {
    for (int world = 0; world < 300; world++) {
        seed = (uint64_t)_i * 1000 + (uint64_t)world;
        setup();
        for (int i = 0; i < CANDIDATES; i++) bn_leadership_start(c[i].l);
        for (int n = 0; n < 400; n++) {
            if (draw(12) == 0) fault();
            if (!bn_fake_step_client(c[draw(CANDIDATES)].zk)) bn_fake_step(fake);
            check_world();
        }
        int leader = heal();
        ck_assert_msg(leader != 0, "seed %d/%d: nobody leads:\n%s", _i, world, lines.ptr);
        for (int i = 0; i < CANDIDATES; i++)
            if (c[i].id != leader)
                ck_assert_msg(c[i].followed == leader, "seed %d/%d: %d follows %d, not %d:\n%s", _i, world, c[i].id,
                              c[i].followed, leader, lines.ptr);
        teardown();
    }
}
END_TEST

Suite *leadership_suite(void);
Suite *leadership_suite(void) {
    Suite *s = suite_create("leadership");
    TCase *tc = tcase_create("recipe");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_first);
    tcase_add_test(tc, test_expiry);
    tcase_add_test(tc, test_reconnect);
    tcase_add_test(tc, test_lost_answer);
    tcase_add_test(tc, test_lost_answer_won);
    tcase_add_test(tc, test_take_over);
    tcase_add_test(tc, test_take_over_late);
    tcase_add_loop_test(tc, test_take_over_lost, 0, 2);
    tcase_add_test(tc, test_take_over_with_an_old_epoch);
    tcase_add_test(tc, test_resign);
    tcase_add_test(tc, test_deleted_by_hand);
    tcase_add_test(tc, test_garbage);
    suite_add_tcase(s, tc);
    TCase *random = tcase_create("random");
    tcase_set_timeout(random, 60);
    tcase_add_loop_test(random, test_random, 0, 8);
    suite_add_tcase(s, random);
    return s;
}
