/* fetch_session_shards_test.c: sessions when several things happen at once: requests and connections that come and go
 * meanwhile, other connections' shards, and partitions that move in the middle of a visit. */
#include <semaphore.h>

#include "tests/unit/broker/api/session_client.h"
#include "tests/unit/unit.h"

Suite *fetch_session_shards_suite(void);

static const int shard_counts[] = {1, 3};

/* A second request while one is under way is refused, whatever connection it comes by, and harms nothing. */
START_TEST(test_two_at_once) {
    struct fake_world w;
    struct session_client c, other;
    fake_world_init_sessions(&w, shard_counts[_i], 10, 3, 3);
    session_client_init(&c, &w, 3);
    session_client_ask(&c);
    other = c;
    other.shard = w.shard_count - 1;
    c.wait_ms = 60000;
    session_client_send(&c);
    ck_assert(!session_client_take(&c));
    if (other.shard == 0) { /* its answer comes after the first one's, as on any connection */
        other.epoch++;
        session_client_send(&other);
    } else {
        for (int i = 0; i < 2; i++) {
            other.epoch = 1 + i;
            other.id = c.id;
            session_client_ask(&other);
            ck_assert_int_eq(other.answer.error_code, KE_INVALID_FETCH_SESSION_EPOCH);
        }
    }
    fake_world_grow(&w, 1, 1);
    while (!session_client_take(&c)) continue;
    fake_world_fini(&w);
}
END_TEST

/* A session that ends under a parked request: that is answered, the next one refused; lanes and wishes are gone. */
START_TEST(test_closed_while_parked) {
    struct fake_world w;
    struct session_client c, other;
    fake_world_init_sessions(&w, 3, 10, 6, 6);
    session_client_init(&c, &w, 6);
    session_client_ask(&c);
    other = c;
    c.wait_ms = 60000;
    session_client_send(&c);
    ck_assert(!session_client_take(&c));
    other.shard = 2;
    other.epoch = -1;
    session_client_list(&other, 0, 0);
    session_client_ask(&other);
    ck_assert_int_eq(other.answer.error_code, KE_NONE);
    ck_assert(session_client_take(&c));
    ck_assert_int_eq(c.answer.error_code, KE_NONE);
    ck_assert_int_eq(session_client_count(&c), 0);
    c.epoch++;
    session_client_ask(&c);
    ck_assert_int_eq(c.answer.error_code, KE_FETCH_SESSION_ID_NOT_FOUND);
    fake_world_settle(&w);
    for (int i = 0; i < 6; i++) ck_assert(bn_list_empty(&w.roster.partitions[i].interests));
    fake_world_fini(&w);
}
END_TEST

static void hang_up(struct fake_world *w, void *arg) {
    struct fake *f = fake_world_conn(w, *(int *)arg);
    bn_api_closed(f->api, fake_conn(f));
}

/* The connection ends under a parked request: the request ends too, the session stays. */
START_TEST(test_connection_ends) {
    struct fake_world w;
    struct session_client c;
    for (int shard = 0; shard < 3; shard += 2) {
        fake_world_init_sessions(&w, 3, 10, 6, 6);
        session_client_init(&c, &w, 6);
        session_client_ask(&c);
        c.shard = shard;
        c.wait_ms = 60000;
        session_client_send(&c);
        ck_assert(!session_client_take(&c));
        fake_world_run_on(&w, shard, hang_up, &shard);
        fake_world_settle(&w);
        ck_assert_int_eq(bn_api_open_count(fake_world_conn(&w, shard)->api), 0);
        c.epoch++;
        c.wait_ms = 0;
        c.shard = 1;
        session_client_ask(&c);
        ck_assert_int_eq(c.answer.error_code, KE_NONE);
        fake_world_fini(&w);
    }
}
END_TEST

/* A session is used from wherever its client connects. */
START_TEST(test_hand_over) {
    struct fake_world w;
    struct session_client c;
    fake_world_init_sessions(&w, 3, 10, 9, 9);
    session_client_init(&c, &w, 9);
    c.shard = 1;
    session_client_ask(&c);
    ck_assert_int_eq(bn_session_cache_home(c.id, 3), 1);
    int64_t ends[9] = {0};
    for (int round = 0; round < 30; round++) {
        c.shard = round % 3;
        int p = (round * 5) % 9;
        fake_world_grow(&w, p, ++ends[p]);
        fake_world_settle(&w);
        session_client_ask(&c);
        ck_assert_int_eq(c.answer.error_code, KE_NONE);
        ck_assert_uint_eq(session_client_records(&c, p), 1);
        ck_assert_int_eq(session_client_count(&c), 1);
        session_client_list(&c, p, ends[p]);
    }
    fake_world_fini(&w);
}
END_TEST

enum { BUSY_END = 3000 };

struct grower { /* lets a partition grow, again and again, while everything else runs; and cries wolf in between */
    struct bn_msg msg;
    struct fake_world *w;
    int partition, tells;
};

static void tell_all(struct bn_partition *p) {
    BN_LIST_FOR (it, &p->interests) {
        struct bn_partition_interest *i = BN_CONTAINER_OF(it, struct bn_partition_interest, link);
        i->moved(i, true);
    }
}

static void grow_again(struct bn_msg *m) {
    struct grower *g = BN_CONTAINER_OF(m, struct grower, msg);
    struct bn_partition *p = &g->w->roster.partitions[g->partition];
    p->end += ++g->tells % 2;
    tell_all(p);
    if (p->end < BUSY_END) bn_shard_post(g->w->shards[g->partition % g->w->shard_count], m);
}

/* Partitions move at any moment, in the middle of visits too: nothing is lost, and nobody turns in circles. */
START_TEST(test_busy) {
    struct fake_world w;
    struct session_client c;
    int64_t got[6] = {0};
    fake_world_init_sessions(&w, shard_counts[_i], 10, 6, 6);
    session_client_init(&c, &w, 6);
    c.shard = w.shard_count / 2; /* a home that turns by itself */
    session_client_ask(&c);
    struct grower growers[6];
    for (int i = 0; i < 6; i++) {
        growers[i] = (struct grower){.msg.run = grow_again, .w = &w, .partition = i};
        bn_shard_post(w.shards[i % w.shard_count], &growers[i].msg);
    }
    c.wait_ms = 60000;
    for (bool all = false; !all;) {
        c.shard = (c.shard + 1) % w.shard_count;
        c.min_bytes = (1 + c.epoch % 3) * FAKE_RECORD_BYTES;
        int64_t left = 0;
        for (int i = 0; i < 6; i++) left += BUSY_END - got[i];
        if (left * FAKE_RECORD_BYTES < c.min_bytes) c.min_bytes = 1;
        session_client_ask(&c);
        ck_assert_int_eq(c.answer.error_code, KE_NONE);
        all = true;
        for (int i = 0; i < 6; i++) {
            got[i] += (int64_t)session_client_records(&c, i);
            if (session_client_records(&c, i) > 0) session_client_list(&c, i, got[i]);
            all = all && got[i] == BUSY_END;
        }
    }
    fake_world_fini(&w);
}
END_TEST

static void nothing(struct fake_world *w, void *arg) {}

struct holding {
    struct bn_msg msg;
    struct fake_world *w;
    sem_t go;
};

static void hold_and_tell(struct bn_msg *m) {
    struct holding *h = BN_CONTAINER_OF(m, struct holding, msg);
    while (sem_wait(&h->go) != 0) continue;
    tell_all(&h->w->roster.partitions[1]);
}

/* A lane tells of something while a visit is on its way to it, and the visit finds nothing: home must not take the news
 * for a reason to look again, for ever. */
START_TEST(test_stale_news) {
    struct fake_world w;
    struct session_client c;
    fake_world_init_sessions(&w, 3, 10, 6, 6);
    session_client_init(&c, &w, 6);
    session_client_ask(&c);
    session_client_ask(&c);
    struct holding h = {.msg.run = hold_and_tell, .w = &w};
    sem_init(&h.go, 0, 0);
    bn_shard_post(w.shards[1], &h.msg);
    c.wait_ms = 60000;
    session_client_list(&c, 1, 0);
    session_client_send(&c); /* home is shard 0: the visit lies behind the holding */
    sem_post(&h.go);
    ck_assert(!session_client_take(&c));
    fake_world_grow(&w, 1, 1);
    ck_assert(session_client_take(&c));
    ck_assert_uint_eq(session_client_records(&c, 1), 1);
    sem_destroy(&h.go);
    fake_world_fini(&w);
}
END_TEST

/* The connection ends, the last look is on its way, and then the wait would have been over: it rings for nobody. */
START_TEST(test_connection_ends_before_the_wait) {
    struct fake_world w;
    struct session_client c;
    fake_world_init_sessions(&w, 3, 10, 6, 6);
    session_client_init(&c, &w, 6);
    c.replica = 2;
    for (int i = 0; i < 6; i++) w.roster.partitions[i].high_watermark = 0;
    for (int i = 0; i < 6; i++) w.roster.partitions[i].end = 1;
    session_client_ask(&c);
    for (int i = 0; i < 6; i++) session_client_list(&c, i, 1);
    session_client_ask(&c);
    c.wait_ms = 30;
    session_client_send(&c);
    fake_world_commit(&w, 1, 1); /* quiet: there is something to look at, and it waits on */
    fake_world_run_on(&w, 0, nothing, NULL);
    struct holding h = {.msg.run = hold_and_tell, .w = &w};
    sem_init(&h.go, 0, 0);
    bn_shard_post(w.shards[1], &h.msg);
    int shard = 0;
    fake_world_run_on(&w, 0, hang_up, &shard);
    uint64_t from_ms = bn_clock_mono_ms(bn_env_real()->clock);
    while (bn_clock_mono_ms(bn_env_real()->clock) - from_ms < 60) fake_world_run_on(&w, 0, nothing, NULL);
    sem_post(&h.go);
    fake_world_settle(&w);
    ck_assert_int_eq(bn_api_open_count(w.fake.api), 0);
    sem_destroy(&h.go);
    fake_world_fini(&w);
}
END_TEST

struct vouchers { /* what the wishes registered with partition i say; 0: none */
    int64_t heard_ms[9];
    int32_t replica_id[9], leader_epoch[9];
};

static void do_hear(struct fake_world *w, void *arg) {
    struct vouchers *v = arg;
    *v = (struct vouchers){0};
    for (int i = 0; i < 9; i++) {
        BN_LIST_FOR (it, &w->roster.partitions[i].interests) {
            const struct bn_partition_interest *in = BN_CONTAINER_OF(it, struct bn_partition_interest, link);
            v->heard_ms[i] = in->heard_ms ? *in->heard_ms : 0;
            v->replica_id[i] = in->replica_id;
            v->leader_epoch[i] = in->leader_epoch;
        }
    }
}

/* A follower's fetch vouches, once the next has come, for every partition of its session, wherever that lives and
 * whether it is named or not; and no more for one that the next forgets. A consumer's vouches for none. */
START_TEST(test_vouches) {
    struct fake_world w;
    struct session_client c;
    struct vouchers v;
    fake_world_init_sessions(&w, shard_counts[_i], 10, 9, 9);
    session_client_init(&c, &w, 9);
    c.replica = 2;
    session_client_ask(&c);
    struct bn_session_cache_entry *s = session_client_entry(&w, c.id);
    int64_t answered_ms = s->answered_ms;
    fake_world_run_on(&w, 0, do_hear, &v);
    for (int i = 0; i < 9; i++) ck_assert_int_eq(v.heard_ms[i], INT64_MIN);
    for (int round = 0; round < 4; round++) { /* idle; one has something; one is named; one is forgotten */
        if (round == 1) fake_world_grow(&w, 4, 1);
        if (round == 2) session_client_list(&c, 4, 1);
        if (round == 3) c.forgotten[c.forgotten_count++] = 5;
        fake_world_settle(&w);
        s->answered_ms = answered_ms += 10; /* no waiting for the clock */
        session_client_ask(&c);
        fake_world_run_on(&w, 0, do_hear, &v);
        for (int i = 0; i < 9; i++) {
            bool forgotten = round == 3 && i == 5;
            ck_assert_int_eq(v.heard_ms[i], forgotten ? 0 : answered_ms);
            ck_assert_int_eq(v.replica_id[i], forgotten ? 0 : 2);
            ck_assert_int_eq(v.leader_epoch[i], forgotten ? 0 : -1);
        }
    }
    fake_world_fini(&w);
    fake_world_init_sessions(&w, shard_counts[_i], 10, 9, 9);
    session_client_init(&c, &w, 9);
    for (int round = 0; round < 2; round++) session_client_ask(&c);
    fake_world_run_on(&w, 0, do_hear, &v);
    for (int i = 0; i < 9; i++) ck_assert_int_eq(v.heard_ms[i], 0);
    fake_world_fini(&w);
}
END_TEST

Suite *fetch_session_shards_suite(void) {
    Suite *s = suite_create("fetch_session_shards");
    TCase *t = tcase_create("fetch_session_shards");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, test_two_at_once, 0, 2);
    tcase_add_test(t, test_closed_while_parked);
    tcase_add_test(t, test_connection_ends);
    tcase_add_test(t, test_hand_over);
    tcase_add_loop_test(t, test_busy, 0, 2);
    tcase_add_test(t, test_stale_news);
    tcase_add_test(t, test_connection_ends_before_the_wait);
    tcase_add_loop_test(t, test_vouches, 0, (int)BN_ARRAY_LEN(shard_counts));
    suite_add_tcase(s, t);
    return s;
}
