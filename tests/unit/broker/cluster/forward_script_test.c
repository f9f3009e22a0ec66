/* forward_script_test.c: questions to a scripted controller: each answered once, whatever happens to the call; more of
 * them than a connection takes; producer ids across blocks; and from the thread of another shard. */
#include <stdatomic.h>

#include "broker/cluster/forward.h"
#include "common/base/alloc.h"
#include "proto/kafka/errors.h"
#include "tests/unit/broker/cluster/script.h"

static struct world w;
static struct script s;
static void setup(void) { script_begin(&s, &w); }
static void teardown(void) {
    script_close(&s);
    world_close(&w);
}

static struct tally { int came, fine, error; } tally;

static void on_reply(void *arg, int16_t error, struct bn_slice body) {
    struct tally *t = arg;
    t->came++;
    if (error == 0 && bn_slice_eq_str(body, "done")) t->fine++;
    if (error) t->error = error;
}

static void ask(struct bn_slice body, uint32_t timeout_ms) {
    bn_forward_admin(w.brokers[0].agent, w.shard, 19, 7, body, BN_SLICE_LIT("me"), false, timeout_ms, on_reply, &tally);
}

/* ---- admin requests ---- */

static const struct script_rule troubles[] = {
    {.mode = SCRIPT_ANSWER},
    {.mode = SCRIPT_REFUSE, .error = 41, .times = 2},
    {.mode = SCRIPT_FAIL, .times = 2},
    {.mode = SCRIPT_DROP, .times = 2},
};

START_TEST(a_question_is_asked_until_it_is_answered) {
    tally = (struct tally){0};
    s.rules[SCRIPT_ADMIN] = troubles[_i];
    ask(BN_SLICE_LIT("x"), 10000);
    WORLD_UNTIL(&w, tally.came);
    ck_assert_int_eq(tally.fine, 1);
    ck_assert_int_eq(s.rules[SCRIPT_ADMIN].calls, _i == 0 ? 1 : 3);
    ck_assert_uint_eq(s.defaults_seen, 2);
    world_pass(&w, 30);
    ck_assert_int_eq(tally.came, 1);
}
END_TEST

START_TEST(other_errors_are_the_answer) {
    tally = (struct tally){0};
    s.rules[SCRIPT_ADMIN] = (struct script_rule){.mode = SCRIPT_REFUSE, .error = KE_INVALID_REQUEST};
    ask(BN_SLICE_LIT("x"), 10000);
    WORLD_UNTIL(&w, tally.came);
    ck_assert_int_eq(tally.error, KE_INVALID_REQUEST);
    ck_assert_int_eq(s.rules[SCRIPT_ADMIN].calls, 1);
}
END_TEST

/* The deadline passes while the call is under way; its end, of any kind, then brings nothing more. */
START_TEST(a_deadline_answers_once) {
    tally = (struct tally){0};
    s.rules[SCRIPT_ADMIN].mode = SCRIPT_HOLD;
    ask(BN_SLICE_LIT("x"), 30);
    WORLD_UNTIL(&w, tally.came);
    ck_assert_int_eq(tally.error, KE_REQUEST_TIMED_OUT);
    ck_assert_int_eq(s.held_count, 1);
    if (_i == 0) script_release(&s);
    if (_i == 1) script_hang_up(&s);
    if (_i == 2) world_stop_broker(&w, 0);
    world_pass(&w, 300);
    ck_assert_int_eq(tally.came, 1);
    ck_assert_int_eq(s.rules[SCRIPT_ADMIN].calls, 1);
}
END_TEST

START_TEST(a_question_moves_to_the_next_controller) {
    static struct script next;
    tally = (struct tally){0};
    s.rules[SCRIPT_ADMIN].mode = SCRIPT_HOLD;
    ask(BN_SLICE_LIT("x"), 10000);
    WORLD_UNTIL(&w, s.held_count == 1);
    script_vanish(&s);
    script_open(&next, &w);
    script_appear(&next);
    WORLD_UNTIL(&w, tally.came);
    ck_assert_int_eq(tally.fine, 1);
    ck_assert_int_eq(next.rules[SCRIPT_ADMIN].calls, 1);
    script_release(&s);
    world_pass(&w, 20);
    ck_assert_int_eq(tally.came, 1);
    script_close(&next);
}
END_TEST

START_TEST(thousands_at_once) {
    enum { N = 10000 };
    tally = (struct tally){0};
    if (_i == 1) s.rules[SCRIPT_ADMIN] = (struct script_rule){.mode = SCRIPT_DROP, .times = 1};
    for (int i = 0; i < N; i++) ask(BN_SLICE_LIT("x"), 30000);
    WORLD_UNTIL(&w, tally.came == N);
    ck_assert_int_eq(tally.fine, N);
    ck_assert_int_eq(s.peer_count, 1 + _i);
}
END_TEST

/* More bytes than a connection may have queued: they wait, and the stream goes on. */
START_TEST(more_than_a_connection_takes) {
    enum { N = 40, SIZE = 3 << 20 };
    tally = (struct tally){0};
    uint8_t *body = bn_alloc_zero(1, SIZE);
    for (int i = 0; i < N; i++) ask(bn_slice_of(body, SIZE), 30000);
    WORLD_UNTIL(&w, s.rules[SCRIPT_ADMIN].calls > 0);
    script_send_image(&s, 1);
    WORLD_UNTIL(&w, tally.came == N);
    ck_assert_int_eq(tally.fine, N);
    ck_assert_int_eq(s.peer_count, 1);
    ck_assert_int_eq(s.applied, 1);
    bn_alloc_free(body);
}
END_TEST

/* ---- producer ids ---- */

enum { IDS = 500 };
static struct {
    int came, refused;
    bool seen[IDS * 4];
} ids;

static void on_id(void *arg, int16_t error, int64_t id) {
    (void)arg;
    ids.came++;
    if (error) {
        ck_assert_int_eq(error, KE_COORDINATOR_LOAD_IN_PROGRESS);
        ids.refused++;
        return;
    }
    ck_assert_int_ge(id, 0);
    ck_assert_int_lt(id, IDS * 4);
    ck_assert(!ids.seen[id]);
    ids.seen[id] = true;
}

static void ask_ids(int n) {
    for (int i = 0; i < n; i++) bn_forward_producer_id(w.brokers[0].agent, w.shard, on_id, NULL);
}

START_TEST(ids_go_on_across_blocks) {
    memset(&ids, 0, sizeof ids);
    s.rules[SCRIPT_IDS] = troubles[_i];
    ask_ids(IDS);
    WORLD_UNTIL(&w, ids.came == IDS);
    ck_assert_int_eq(ids.refused, 0);
    for (int i = 0; i < IDS; i++) ck_assert(ids.seen[i]); /* none is wasted either */
    ck_assert_int_le(s.rules[SCRIPT_IDS].calls, IDS / SCRIPT_ID_BLOCK + 4);
}
END_TEST

START_TEST(no_ids_in_time) {
    memset(&ids, 0, sizeof ids);
    s.rules[SCRIPT_IDS] = (struct script_rule){.mode = SCRIPT_HOLD, .times = 1};
    uint64_t began = bn_loop_now_ms(w.shard->loop);
    ask_ids(20);
    WORLD_UNTIL(&w, ids.came == 20);
    ck_assert_int_eq(ids.refused, 20);
    ck_assert_uint_ge(bn_loop_now_ms(w.shard->loop) - began, 900);
    script_release(&s); /* the block comes late: it is used */
    ask_ids(20);
    WORLD_UNTIL(&w, ids.came == 40);
    ck_assert_int_eq(ids.refused, 20);
    for (int i = 0; i < 20; i++) ck_assert(ids.seen[i]);
}
END_TEST

/* ---- confirmations ---- */

START_TEST(a_deletion_is_told_until_it_is_heard) {
    static const struct script_rule rules[] = {{.mode = SCRIPT_REFUSE, .error = 41, .times = 2},
                                               {.mode = SCRIPT_REFUSE, .error = 77, .times = 2},
                                               {.mode = SCRIPT_FAIL, .times = 2},
                                               {.mode = SCRIPT_DROP, .times = 2}};
    static const struct bn_uuid id = {{1, 2, 3}};
    s.rules[SCRIPT_DELETED] = rules[_i];
    bn_forward_deleted(w.brokers[0].agent, &id, "gone", _i == 0 ? -1 : 3);
    WORLD_UNTIL(&w, s.rules[SCRIPT_DELETED].calls == 3);
    ck_assert_str_eq(s.deleted_topic, "gone");
    ck_assert_int_eq(s.deleted_partition, _i == 0 ? -1 : 3);
    world_pass(&w, 250);
    ck_assert_int_eq(s.rules[SCRIPT_DELETED].calls, 3);
}
END_TEST

START_TEST(an_unheard_deletion_ends_with_the_broker) {
    static const struct bn_uuid id = {{1}};
    s.rules[SCRIPT_DELETED].mode = _i == 0 ? SCRIPT_FAIL : SCRIPT_HOLD;
    for (int i = 0; i < 20; i++) bn_forward_deleted(w.brokers[0].agent, &id, "gone", i);
    world_pass(&w, 20);
    world_stop_broker(&w, 0);
}
END_TEST

/* ---- from another thread ---- */

enum { EACH = 400 };

static struct far {
    struct bn_shard *shard;
    struct bn_msg go;
    atomic_int came, asked, heard;
} far;

static void count_far(struct far *f) {
    ck_assert_ptr_eq(bn_shard_current(), f->shard);
    atomic_fetch_add(&f->came, 1);
}
static void far_reply(void *arg, int16_t error, struct bn_slice body) {
    struct far *f = arg;
    if (error == 0 && bn_slice_eq_str(body, "done")) atomic_fetch_add(&f->heard, 1);
    count_far(f);
}
static void far_id(void *arg, int16_t error, int64_t id) {
    struct far *f = arg;
    if (error == 0 && id >= 0) atomic_fetch_add(&f->heard, 1);
    count_far(f);
}
static void far_altered(void *arg, const Bn__AlterPartitionReply *m) {
    struct far *f = arg;
    if (m && m->error == 0) atomic_fetch_add(&f->heard, 1);
    count_far(f);
}

static void ask_from_there(struct bn_msg *m) {
    struct far *f = BN_CONTAINER_OF(m, struct far, go);
    void *agent = w.brokers[0].agent;
    static const struct bn_uuid id = {{9}};
    Bn__AlterPartitionRequest alter = BN__ALTER_PARTITION_REQUEST__INIT;
    for (int i = 0; i < EACH; i++) {
        char body[32];
        snprintf(body, sizeof body, "request %d", i);
        bn_forward_admin(agent, f->shard, 19, 7, bn_slice_str(body), BN_SLICE_LIT("far"), false, 20000, far_reply, f);
        bn_forward_producer_id(agent, f->shard, far_id, f);
        bn_forward_alter_partition(agent, f->shard, &alter, far_altered, f);
        bn_forward_deleted(agent, &id, "gone", i);
        atomic_fetch_add(&f->asked, 3);
    }
}

static void far_begin(void) {
    memset(&far, 0, sizeof far);
    far.shard = bn_shard_new(1);
    far.go.run = ask_from_there;
    bn_shard_start(far.shard);
    bn_shard_post(far.shard, &far.go);
}

static void far_end(void) {
    bn_shard_stop(far.shard);
    bn_shard_free(far.shard);
}

START_TEST(another_shard_asks) {
    far_begin();
    WORLD_UNTIL(&w, atomic_load(&far.came) == 3 * EACH && s.rules[SCRIPT_DELETED].calls == EACH);
    ck_assert_int_eq(atomic_load(&far.heard), 3 * EACH);
    far_end();
}
END_TEST

/* The agent stops, or its connection breaks, in the middle of it: everything is answered all the same. */
START_TEST(another_shard_asks_at_a_bad_moment) {
    far_begin();
    WORLD_UNTIL(&w, atomic_load(&far.came) > _i);
    if (_i % 2) {
        script_hang_up(&s);
        WORLD_UNTIL(&w, atomic_load(&far.came) == 3 * EACH);
    } else {
        /* Whoever may still ask is done before the agent is: the contract of bn_agent_stop. */
        WORLD_UNTIL(&w, atomic_load(&far.asked) == 3 * EACH);
        world_stop_broker(&w, 0);
        WORLD_UNTIL(&w, atomic_load(&far.came) == 3 * EACH);
    }
    far_end();
}
END_TEST

Suite *forward_script_suite(void);
Suite *forward_script_suite(void) {
    Suite *suite = suite_create("forward_script");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, a_question_is_asked_until_it_is_answered, 0, (int)BN_ARRAY_LEN(troubles));
    tcase_add_test(t, other_errors_are_the_answer);
    tcase_add_loop_test(t, a_deadline_answers_once, 0, 3);
    tcase_add_test(t, a_question_moves_to_the_next_controller);
    tcase_add_loop_test(t, thousands_at_once, 0, 2);
    tcase_add_test(t, more_than_a_connection_takes);
    tcase_add_loop_test(t, ids_go_on_across_blocks, 0, (int)BN_ARRAY_LEN(troubles));
    tcase_add_test(t, no_ids_in_time);
    tcase_add_loop_test(t, a_deletion_is_told_until_it_is_heard, 0, 4);
    tcase_add_loop_test(t, an_unheard_deletion_ends_with_the_broker, 0, 2);
    tcase_add_test(t, another_shard_asks);
    tcase_add_loop_test(t, another_shard_asks_at_a_bad_moment, 0, 6);
    suite_add_tcase(suite, t);
    return suite;
}
