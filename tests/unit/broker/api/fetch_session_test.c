/* fetch_session_test.c: KIP-227's forms and errors, what an incremental answer has, what wakes a parked one, and that
 * only what is dirty is looked at. On one shard and on three. */
#include <semaphore.h>

#include "tests/unit/broker/api/session_client.h"
#include "tests/unit/unit.h"

Suite *fetch_session_suite(void);

static const int shard_counts[] = {1, 3};

static int reads(const struct fake_world *w) {
    int sum = 0;
    for (int i = 0; i < FAKE_PARTITIONS; i++) sum += w->roster.partitions[i].reads;
    return sum;
}

static size_t records(const struct session_client *c, int32_t partition) {
    const struct kmsg_fetch_response_partition *p = session_client_find(c, partition);
    return p ? p->records.slice.len / FAKE_RECORD_BYTES : 0;
}

struct finding {
    int32_t id;
    struct bn_session_cache_entry *found;
};

static void find(struct fake_world *w, void *arg) {
    struct finding *f = arg;
    f->found = bn_session_cache_find(w->sessions[bn_session_cache_home(f->id, w->shard_count)], f->id);
}

static struct bn_session_cache_entry *entry(struct fake_world *w, int32_t id) {
    struct finding f = {.id = id};
    fake_world_run_on(w, bn_session_cache_home(id, w->shard_count), find, &f);
    return f.found;
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
    ck_assert_uint_eq(records(&c, 4), 1);
    ck_assert_int_eq(session_client_find(&c, 4)->high_watermark, 3);
    ck_assert_int_eq(reads(&w), before + 1);
    session_client_ask(&c); /* not listed anew: the same again, as Kafka's */
    ck_assert_uint_eq(records(&c, 4), 1);
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
    ck_assert_ptr_null(entry(&w, first));
    c.epoch = -1;
    for (int i = 0; i < 3; i++) session_client_list(&c, i, 0);
    session_client_ask(&c);
    ck_assert_int_eq(c.id, 0);
    ck_assert_int_eq(session_client_count(&c), 3);
    ck_assert_ptr_null(entry(&w, second));
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
    ck_assert_int_eq(entry(&w, id)->size, 3);
    for (int i = 0; i < 4; i++) c.forgotten[c.forgotten_count++] = i;
    c.wait_ms = 60000;
    session_client_ask(&c);
    ck_assert_int_eq(c.answer.error_code, KE_NONE);
    ck_assert_int_eq(c.id, 0);
    ck_assert_int_eq(session_client_count(&c), 0);
    ck_assert_ptr_null(entry(&w, id));
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
    ck_assert_uint_eq(records(&c, 1), 2);
    ck_assert_uint_eq(records(&c, 2), 1);
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
    ck_assert_uint_eq(records(&c, 2), 5);
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
    ck_assert_uint_eq(records(&c, 2), 2);
    ck_assert_uint_eq(records(&c, 1), 0);
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
    ck_assert_uint_eq(records(&c, 1), 1);
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
        ck_assert_uint_eq(records(&c, 2), 0);
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
    entry(&w, c.id)->epoch = c.epoch = INT32_MAX;
    session_client_ask(&c);
    ck_assert_int_eq(c.answer.error_code, KE_NONE);
    ck_assert_int_eq(c.epoch, 1);
    session_client_ask(&c);
    ck_assert_int_eq(c.answer.error_code, KE_NONE);
    fake_world_fini(&w);
}
END_TEST

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
        ck_assert_uint_eq(records(&c, p), 1);
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
            got[i] += (int64_t)records(&c, i);
            if (records(&c, i) > 0) session_client_list(&c, i, got[i]);
            all = all && got[i] == BUSY_END;
        }
    }
    fake_world_fini(&w);
}
END_TEST

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
    ck_assert_uint_eq(records(&c, 1), 1);
    sem_destroy(&h.go);
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
            total += records(&c, i);
            turns[i] += records(&c, i) > 0;
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
    ck_assert_ptr_null(entry(&w, c.id));
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
    tcase_add_loop_test(t, test_two_at_once, 0, 2);
    tcase_add_test(t, test_closed_while_parked);
    tcase_add_test(t, test_connection_ends);
    tcase_add_test(t, test_hand_over);
    tcase_add_loop_test(t, test_busy, 0, 2);
    tcase_add_test(t, test_stale_news);
    tcase_add_loop_test(t, test_everybody_has_a_turn, 0, 2);
    tcase_add_loop_test(t, test_by_name, 0, 2);
    tcase_add_test(t, test_no_room);
    suite_add_tcase(s, t);
    return s;
}
