/* fetch_session_test.c: KIP-227's forms and errors, what an incremental answer has, what wakes a parked one, and that
 * only what is dirty is looked at. On one shard and on three. */
#include "tests/unit/broker/api/session_client.h"
#include "tests/unit/unit.h"

Suite *fetch_session_suite(void);

static const int shard_counts[] = {1, 3};

static int reads(const struct fake_world *w) {
    int sum = 0;
    for (int i = 0; i < FAKE_PARTITIONS; i++) sum += w->roster.partitions[i].reads;
    return sum;
}

/* A full answer has everything; what follows has only what is new, and looks at nothing else. */
START_TEST(test_only_what_is_new) {
    struct fake_world w;
    struct session_client c;
    fake_world_init_sessions(&w, shard_counts[_i], 10, 9, 9);
    session_client_init(&c, &w, 9);
    for (int i = 0; i < 9; i++) w.roster.partitions[i].end = 2;
    session_client_ask(&c);
    ck_assert_int_gt(c.id, 0);
    ck_assert_int_eq(c.answer.error_code, KE_NONE);
    ck_assert_int_eq(session_client_count(&c), 9);
    for (int i = 0; i < 9; i++) session_client_list(&c, i, 2);
    session_client_ask(&c);
    ck_assert_int_eq(session_client_count(&c), 0);
    int before = reads(&w);
    session_client_ask(&c);
    session_client_ask(&c);
    ck_assert_int_eq(session_client_count(&c), 0);
    ck_assert_int_eq(reads(&w), before);
    fake_world_grow(&w, 4, 3);
    fake_world_settle(&w);
    session_client_ask(&c);
    ck_assert_int_eq(session_client_count(&c), 1);
    ck_assert_uint_eq(session_client_records(&c, 4), 1);
    ck_assert_int_eq(session_client_find(&c, 4)->high_watermark, 3);
    ck_assert_int_eq(reads(&w), before + 1);
    session_client_ask(&c); /* not listed anew: the same again, as Kafka's */
    ck_assert_uint_eq(session_client_records(&c, 4), 1);
    fake_world_fini(&w);
}
END_TEST

START_TEST(test_errors) {
    struct fake_world w;
    struct session_client c;
    fake_world_init_sessions(&w, shard_counts[_i], 10, 3, 3);
    session_client_init(&c, &w, 3);
    session_client_ask(&c);
    int32_t id = c.id;
    ck_assert_int_eq(c.epoch, 1);
    static const struct {
        int id_off, epoch, version;
        int error;
    } cases[] = {
        {3, 1, 13, KE_FETCH_SESSION_ID_NOT_FOUND},   {0, 2, 13, KE_INVALID_FETCH_SESSION_EPOCH},
        {0, -5, 13, KE_INVALID_FETCH_SESSION_EPOCH}, {0, 1, 12, KE_FETCH_SESSION_TOPIC_ID_ERROR},
        {0, 2, 12, KE_INVALID_FETCH_SESSION_EPOCH},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        c.id = id > INT32_MAX - 9 ? id - cases[i].id_off : id + cases[i].id_off;
        c.epoch = cases[i].epoch;
        c.version = cases[i].version;
        session_client_ask(&c);
        ck_assert_int_eq(c.answer.error_code, cases[i].error);
        ck_assert_int_eq(c.answer.session_id, 0);
        ck_assert_int_eq(session_client_count(&c), 0);
    }
    c.version = 13;
    c.id = 0;
    c.epoch = 7; /* no session has id 0 */
    session_client_ask(&c);
    ck_assert_int_eq(c.answer.error_code, KE_FETCH_SESSION_ID_NOT_FOUND);
    c.id = id; /* none of them harmed it */
    c.epoch = 1;
    session_client_ask(&c);
    ck_assert_int_eq(c.answer.error_code, KE_NONE);
    ck_assert_int_eq(c.id, id);
    fake_world_fini(&w);
}
END_TEST

/* (id, -1) closes and gives none; (id, 0) closes and gives another; both are full. */
START_TEST(test_closing_forms) {
    struct fake_world w;
    struct session_client c;
    fake_world_init_sessions(&w, shard_counts[_i], 10, 3, 3);
    session_client_init(&c, &w, 3);
    session_client_ask(&c);
    int32_t first = c.id;
    c.epoch = 0;
    for (int i = 0; i < 3; i++) session_client_list(&c, i, 0);
    session_client_ask(&c);
    int32_t second = c.id;
    ck_assert_int_ne(first, second);
    ck_assert_int_gt(second, 0);
    ck_assert_int_eq(session_client_count(&c), 3);
    ck_assert_ptr_null(session_client_entry(&w, first));
    c.epoch = -1;
    for (int i = 0; i < 3; i++) session_client_list(&c, i, 0);
    session_client_ask(&c);
    ck_assert_int_eq(c.id, 0);
    ck_assert_int_eq(session_client_count(&c), 3);
    ck_assert_ptr_null(session_client_entry(&w, second));
    c.id = second;
    c.epoch = 1;
    session_client_ask(&c);
    ck_assert_int_eq(c.answer.error_code, KE_FETCH_SESSION_ID_NOT_FOUND);
    c.id = 0;
    c.epoch = -1;
    session_client_list(&c, 0, 0);
    session_client_ask(&c);
    ck_assert_int_eq(c.id, 0);
    for (int i = 0; i < w.shard_count; i++) ck_assert_int_eq(bn_session_cache_count(w.sessions[i]), 0);
    fake_world_fini(&w);
}
END_TEST

/* What is forgotten is not told any more; without any partition the session is over. */
START_TEST(test_forgetting) {
    struct fake_world w;
    struct session_client c;
    fake_world_init_sessions(&w, shard_counts[_i], 10, 4, 4);
    session_client_init(&c, &w, 4);
    session_client_ask(&c);
    int32_t id = c.id;
    c.forgotten[0] = 1;
    c.forgotten[1] = 33; /* never heard of */
    c.forgotten_count = 2;
    session_client_ask(&c);
    ck_assert_int_eq(c.id, id);
    for (int i = 0; i < 4; i++) fake_world_grow(&w, i, 1);
    fake_world_settle(&w);
    session_client_ask(&c);
    ck_assert_int_eq(session_client_count(&c), 3);
    ck_assert_ptr_null(session_client_find(&c, 1));
    ck_assert_int_eq(session_client_entry(&w, id)->size, 3);
    for (int i = 0; i < 4; i++) c.forgotten[c.forgotten_count++] = i;
    c.wait_ms = 60000;
    session_client_ask(&c);
    ck_assert_int_eq(c.answer.error_code, KE_NONE);
    ck_assert_int_eq(c.id, 0);
    ck_assert_int_eq(session_client_count(&c), 0);
    ck_assert_ptr_null(session_client_entry(&w, id));
    for (int i = 0; i < 4; i++) ck_assert(bn_list_empty(&w.roster.partitions[i].interests));
    fake_world_fini(&w);
}
END_TEST

/* Nothing there: waits, and is woken by what can be read; too little does not end the wait, nor is it lost. */
START_TEST(test_waits_and_wakes) {
    struct fake_world w;
    struct session_client c;
    fake_world_init_sessions(&w, shard_counts[_i], 10, 3, 3);
    session_client_init(&c, &w, 3);
    session_client_ask(&c);
    c.wait_ms = 60000;
    c.min_bytes = 3 * FAKE_RECORD_BYTES;
    session_client_send(&c);
    ck_assert(!session_client_take(&c));
    fake_world_grow(&w, 1, 1);
    ck_assert(!session_client_take(&c));
    fake_world_grow(&w, 2, 1);
    ck_assert(!session_client_take(&c));
    fake_world_grow(&w, 1, 2);
    ck_assert(session_client_take(&c));
    ck_assert_int_eq(session_client_count(&c), 2);
    ck_assert_uint_eq(session_client_records(&c, 1), 2);
    ck_assert_uint_eq(session_client_records(&c, 2), 1);
    fake_world_fini(&w);
}
END_TEST

/* The wait ends: whatever there is. */
START_TEST(test_wait_is_bounded) {
    struct fake_world w;
    struct session_client c;
    fake_world_init_sessions(&w, shard_counts[_i], 10, 3, 3);
    session_client_init(&c, &w, 3);
    session_client_ask(&c);
    c.wait_ms = 20;
    session_client_ask(&c);
    ck_assert_int_eq(session_client_count(&c), 0);
    ck_assert_int_gt(c.id, 0);
    fake_world_fini(&w);
}
END_TEST

/* A high watermark alone is news for a follower, but not worth waking it; it is not forgotten when the wait goes on. */
START_TEST(test_quiet_news) {
    struct fake_world w;
    struct session_client c;
    fake_world_init_sessions(&w, shard_counts[_i], 10, 3, 3);
    session_client_init(&c, &w, 3);
    c.replica = 2;
    for (int i = 0; i < 3; i++) w.roster.partitions[i].high_watermark = 0;
    for (int i = 0; i < 3; i++) w.roster.partitions[i].end = 5;
    session_client_ask(&c);
    ck_assert_uint_eq(session_client_records(&c, 2), 5);
    for (int i = 0; i < 3; i++) session_client_list(&c, i, 5);
    session_client_ask(&c);
    ck_assert_int_eq(session_client_count(&c), 0);
    c.wait_ms = 60000;
    c.min_bytes = 2 * FAKE_RECORD_BYTES;
    session_client_send(&c);
    fake_world_commit(&w, 1, 4);
    ck_assert(!session_client_take(&c));
    fake_world_grow(&w, 2, 6); /* looked at with it, and not enough */
    ck_assert(!session_client_take(&c));
    fake_world_grow(&w, 2, 7);
    ck_assert(session_client_take(&c));
    ck_assert_int_eq(session_client_count(&c), 2);
    ck_assert_uint_eq(session_client_records(&c, 2), 2);
    ck_assert_uint_eq(session_client_records(&c, 1), 0);
    ck_assert_int_eq(session_client_find(&c, 1)->high_watermark, 4);
    fake_world_fini(&w);
}
END_TEST

/* Errors are told at once and every time; when one goes, the offsets are told again even if they are as before. */
START_TEST(test_errors_of_partitions) {
    struct fake_world w;
    struct session_client c;
    fake_world_init_sessions(&w, shard_counts[_i], 10, 3, 3);
    session_client_init(&c, &w, 3);
    session_client_ask(&c);
    c.wait_ms = 60000;
    session_client_send(&c);
    ck_assert(!session_client_take(&c));
    fake_world_fail(&w, 1, KE_NOT_LEADER_OR_FOLLOWER);
    ck_assert(session_client_take(&c));
    c.epoch++;
    for (int round = 0; round < 3; round++) {
        ck_assert_int_eq(session_client_count(&c), 1);
        ck_assert_int_eq(session_client_find(&c, 1)->error_code, KE_NOT_LEADER_OR_FOLLOWER);
        session_client_ask(&c);
    }
    fake_world_fail(&w, 1, KE_NONE);
    c.wait_ms = 0;
    session_client_ask(&c);
    ck_assert_int_eq(session_client_count(&c), 1);
    ck_assert_int_eq(session_client_find(&c, 1)->error_code, KE_NONE);
    ck_assert_int_eq(session_client_find(&c, 1)->high_watermark, 0);
    session_client_ask(&c);
    session_client_ask(&c);
    ck_assert_int_eq(session_client_count(&c), 0);
    fake_world_fini(&w);
}
END_TEST

/* A replica that goes is an error until it comes back; one that nobody knows is told as such. */
START_TEST(test_replicas_come_and_go) {
    struct fake_world w;
    struct session_client c;
    fake_world_init_sessions(&w, shard_counts[_i], 10, 3, 3);
    session_client_init(&c, &w, 2);
    session_client_list(&c, 5, 0);
    session_client_ask(&c);
    ck_assert_int_eq(session_client_find(&c, 5)->error_code, KE_UNKNOWN_TOPIC_OR_PARTITION);
    fake_world_place(&w, 1, false);
    c.wait_ms = 60000;
    session_client_ask(&c);
    ck_assert_int_eq(session_client_find(&c, 1)->error_code, KE_NOT_LEADER_OR_FOLLOWER);
    ck_assert_int_eq(session_client_count(&c), 2);
    fake_world_place(&w, 1, true);
    c.forgotten[c.forgotten_count++] = 5;
    c.wait_ms = 0;
    session_client_ask(&c);
    ck_assert_int_eq(session_client_find(&c, 1)->error_code, KE_NONE);
    session_client_ask(&c);
    c.wait_ms = 60000;
    session_client_send(&c);
    ck_assert(!session_client_take(&c));
    fake_world_grow(&w, 1, 1);
    ck_assert(session_client_take(&c));
    ck_assert_uint_eq(session_client_records(&c, 1), 1);
    fake_world_fini(&w);
    fake_world_init_sessions(&w, shard_counts[_i], 10, 3, 3);
    session_client_init(&c, &w, 2);
    c.topic_byte = 9;
    session_client_ask(&c);
    ck_assert_int_gt(c.id, 0);
    ck_assert_int_eq(session_client_find(&c, 1)->error_code, KE_UNKNOWN_TOPIC_ID);
    fake_world_fini(&w);
}
END_TEST

START_TEST(test_divergence) {
    struct fake_world w;
    struct session_client c;
    fake_world_init_sessions(&w, shard_counts[_i], 10, 3, 3);
    session_client_init(&c, &w, 3);
    c.replica = 2;
    session_client_ask(&c);
    w.roster.partitions[2].diverging_end = 3;
    w.roster.partitions[2].end = 9;
    session_client_list(&c, 2, 7);
    c.last_fetched_epoch = 4;
    c.wait_ms = 60000;
    for (int round = 0; round < 2; round++) {
        session_client_ask(&c);
        ck_assert_int_eq(session_client_count(&c), 1);
        ck_assert_int_eq(session_client_find(&c, 2)->diverging_epoch.epoch, 2);
        ck_assert_int_eq(session_client_find(&c, 2)->diverging_epoch.end_offset, 3);
        ck_assert_uint_eq(session_client_records(&c, 2), 0);
    }
    fake_world_fini(&w);
}
END_TEST

/* Epochs go from the largest number to 1. */
START_TEST(test_epochs_wrap) {
    struct fake_world w;
    struct session_client c;
    fake_world_init_sessions(&w, 1, 10, 3, 3);
    session_client_init(&c, &w, 3);
    session_client_ask(&c);
    session_client_entry(&w, c.id)->epoch = c.epoch = INT32_MAX;
    session_client_ask(&c);
    ck_assert_int_eq(c.answer.error_code, KE_NONE);
    ck_assert_int_eq(c.epoch, 1);
    session_client_ask(&c);
    ck_assert_int_eq(c.answer.error_code, KE_NONE);
    fake_world_fini(&w);
}
END_TEST

/* More than max_bytes everywhere: every partition has its turn, and one that was served goes to the end. */
START_TEST(test_everybody_has_a_turn) {
    struct fake_world w;
    struct session_client c;
    int turns[9] = {0};
    fake_world_init_sessions(&w, shard_counts[_i], 10, 9, 9);
    session_client_init(&c, &w, 9);
    c.max_bytes = FAKE_RECORD_BYTES + 1;
    for (int i = 0; i < 9; i++) w.roster.partitions[i].end = 1000;
    for (int round = 0; round < 270; round++) {
        session_client_ask(&c);
        size_t total = 0;
        for (int i = 0; i < 9; i++) {
            total += session_client_records(&c, i);
            turns[i] += session_client_records(&c, i) > 0;
        }
        ck_assert_uint_eq(total, 1);
    }
    for (int i = 0; i < 9; i++) ck_assert_int_ge(turns[i], shard_counts[_i] == 1 ? 30 : 5);
    fake_world_fini(&w);
}
END_TEST

/* Before topic ids: a name that nobody knows gets no session, and a topic that goes ends it. */
START_TEST(test_by_name) {
    struct fake_world w;
    struct session_client c;
    fake_world_init_sessions(&w, shard_counts[_i], 10, 6, 6);
    session_client_init(&c, &w, 6);
    c.version = 11;
    session_client_ask(&c);
    ck_assert_int_gt(c.id, 0);
    ck_assert(bn_slice_eq_str(c.answer.responses.v[0].topic, "t"));
    fake_world_grow(&w, 3, 1);
    fake_world_settle(&w);
    session_client_ask(&c);
    ck_assert_int_eq(session_client_count(&c), 1);
    ck_assert(bn_slice_eq_str(c.answer.responses.v[0].topic, "t"));
    struct session_client stranger = c;
    stranger.topic = "unheard";
    session_client_list(&stranger, 0, 0);
    session_client_ask(&stranger);
    ck_assert_int_eq(stranger.answer.error_code, KE_FETCH_SESSION_ID_NOT_FOUND);
    ck_assert_ptr_null(session_client_entry(&w, c.id));
    session_client_list(&stranger, 0, 0);
    session_client_ask(&stranger);
    ck_assert_int_eq(stranger.answer.error_code, KE_NONE);
    ck_assert_int_eq(stranger.id, 0);
    ck_assert_int_eq(session_client_find(&stranger, 0)->error_code, KE_UNKNOWN_TOPIC_OR_PARTITION);
    c.id = c.epoch = 0;
    session_client_list(&c, 0, 0);
    session_client_ask(&c);
    ck_assert_int_gt(c.id, 0);
    static const uint8_t id[16] = {7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7};
    for (int i = 0; i < w.shard_count; i++) {
        struct fake *f = fake_world_conn(&w, i);
        (void)bn_map_remove(&f->image.by_id, bn_slice_of(id, 16)); /* and another of its name */
        fake_topic(f, "t", 8, 6, 1);
        f->image.sequence++;
    }
    session_client_ask(&c);
    ck_assert_int_eq(c.answer.error_code, KE_FETCH_SESSION_ID_NOT_FOUND);
    fake_world_fini(&w);
}
END_TEST

/* No slots, or no room for so many partitions: an answer all the same, without a session. */
START_TEST(test_no_room) {
    struct fake_world w;
    struct session_client c;
    fake_world_init_sessions(&w, 1, 0, 3, 3);
    session_client_init(&c, &w, 3);
    session_client_ask(&c);
    ck_assert_int_eq(c.id, 0);
    ck_assert_int_eq(session_client_count(&c), 3);
    fake_world_fini(&w);
    fake_world_init_sessions(&w, 1, 1000, 3, 3); /* of a thousand partitions in all */
    for (int i = 0; i < 17; i++) {
        session_client_init(&c, &w, 64);
        session_client_ask(&c);
        ck_assert_int_eq(c.id > 0, i < 15);
        ck_assert_int_le(bn_session_cache_partitions(w.sessions[0]), 1000);
    }
    session_client_init(&c, &w, 40);
    session_client_ask(&c);
    ck_assert_int_gt(c.id, 0);
    for (int i = 40; i < 60; i++) session_client_list(&c, i, 0);
    session_client_ask(&c);
    ck_assert_int_eq(c.answer.error_code, KE_FETCH_SESSION_ID_NOT_FOUND);
    ck_assert_int_eq(bn_session_cache_partitions(w.sessions[0]), 15 * 64);
    fake_world_fini(&w);
}
END_TEST

Suite *fetch_session_suite(void) {
    Suite *s = suite_create("fetch_session");
    TCase *t = tcase_create("fetch_session");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, test_only_what_is_new, 0, 2);
    tcase_add_loop_test(t, test_errors, 0, 2);
    tcase_add_loop_test(t, test_closing_forms, 0, 2);
    tcase_add_loop_test(t, test_forgetting, 0, 2);
    tcase_add_loop_test(t, test_waits_and_wakes, 0, 2);
    tcase_add_loop_test(t, test_wait_is_bounded, 0, 2);
    tcase_add_loop_test(t, test_quiet_news, 0, 2);
    tcase_add_loop_test(t, test_errors_of_partitions, 0, 2);
    tcase_add_loop_test(t, test_replicas_come_and_go, 0, 2);
    tcase_add_loop_test(t, test_divergence, 0, 2);
    tcase_add_test(t, test_epochs_wrap);
    tcase_add_loop_test(t, test_everybody_has_a_turn, 0, 2);
    tcase_add_loop_test(t, test_by_name, 0, 2);
    tcase_add_test(t, test_no_room);
    suite_add_tcase(s, t);
    return s;
}
