/* fetchset_test.c: a session is told what changed and nothing else; errors, ranges and sessions that are gone lead
 * where 3-replication 3.7 and 3.9 say; answers that no leader would give change nothing.
 */
#include "tests/unit/broker/replica/follow.h"

#include <stdio.h>

#include "common/base/arena.h"
#include "common/base/trace.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/kmsg.h"
#include "tests/unit/unit.h"

Suite *fetchset_suite(void);

enum { PARTITIONS = 4, SESSION = 77 };

/* A test runs on the shard, with the set of the fetcher for broker 2, which the image does not have: it never dials. */
struct here {
    struct world *world;
    struct bn_fetchset *set;
    struct kmsg_fetch_request q;
    struct kmsg_fetch_response r; /* of one topic */
    struct kmsg_fetch_response_topic topic;
    struct kmsg_fetch_response_partition partitions[16];
};

static struct bn_partition *partition(struct here *h, int32_t i) { return follow_partition(h->world, i); }

/* The request's partitions as text: "0@5 2@0", "-1" for a forgotten one. */
static const char *asked(struct here *h) {
    static char text[400];
    size_t at = 0;
    text[0] = '\0';
    if (!bn_fetchset_ask(h->set, &h->q)) return "nothing";
    for (int32_t i = 0; i < h->q.topics.n; i++) {
        for (int32_t k = 0; k < h->q.topics.v[i].partitions.n; k++) {
            const struct kmsg_fetch_request_partition *p = &h->q.topics.v[i].partitions.v[k];
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%d@%" PRId64, at ? " " : "", p->partition,
                                   p->fetch_offset);
        }
    }
    for (int32_t i = 0; i < h->q.forgotten_topics_data.n; i++) {
        const struct kmsg_fetch_request_forgotten_topic *t = &h->q.forgotten_topics_data.v[i];
        for (int32_t k = 0; k < t->partitions.n; k++)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s-%d", at ? " " : "", t->partitions.v[k]);
    }
    return text;
}

static void begin_answer(struct here *h, int32_t session) {
    h->r = kmsg_fetch_response_default;
    h->topic = kmsg_fetch_response_topic_default;
    h->r.session_id = session;
    h->r.responses.v = &h->topic;
    h->r.responses.n = 1;
    h->topic.topic_id = world_id;
    h->topic.partitions.v = h->partitions;
}

static struct kmsg_fetch_response_partition *add(struct here *h, int32_t index, int16_t error) {
    struct kmsg_fetch_response_partition *p = &h->partitions[h->topic.partitions.n++];
    *p = kmsg_fetch_response_partition_default;
    p->partition_index = index;
    p->error_code = error;
    return p;
}

static int answer(struct here *h) {
    struct bn_err e;
    return bn_fetchset_answer(h->set, &h->r, &e);
}

/* Answers with one record for each partition of the list, which ends with -1. */
static void give(struct here *h, int32_t session, const int32_t *indexes) {
    struct bn_str bytes[PARTITIONS];
    int n = 0;
    begin_answer(h, session);
    for (; indexes[n] >= 0; n++) {
        bn_str_init(&bytes[n]);
        follow_batch(&bytes[n], bn_log_end_offset(partition(h, indexes[n])->log), 1, 5);
        add(h, indexes[n], KE_NONE)->records.slice = bn_str_slice(&bytes[n]);
    }
    ck_assert_int_eq(answer(h), BN_OK);
    while (n-- > 0) bn_str_fini(&bytes[n]);
}

static void empty(struct here *h, int32_t session) {
    begin_answer(h, session);
    ck_assert_int_eq(answer(h), BN_OK);
}

struct testing {
    void (*fn)(struct here *h);
};

static void run(struct world *w, void *arg) {
    struct here h = {.world = w, .set = follow_partition(w, 0)->fetch.set};
    ck_assert_ptr_nonnull(h.set);
    ((struct testing *)arg)->fn(&h);
}

static void start(struct world *w) {
    world_start(w);
    for (int n = 1; n <= PARTITIONS; n++) /* one after the other: they are named in the order in which they opened */
        follow_decide(w, (struct follow_state){.leader = FOLLOW_LEADER, .leader_epoch = 5, .partitions = n});
}

static void test(void (*fn)(struct here *h)) {
    struct world w;
    start(&w);
    world_on_shard(&w, run, &(struct testing){fn});
    world_stop(&w);
}

/* ---- sessions ---- */

static void incremental(struct here *h) {
    ck_assert_str_eq(asked(h), "0@0 1@0 2@0 3@0");
    ck_assert_int_eq(h->q.session_id, 0);
    ck_assert_int_eq(h->q.session_epoch, 0);
    ck_assert_int_eq(h->q.topics.n, 1);
    ck_assert_int_eq(h->q.topics.v[0].partitions.v[0].current_leader_epoch, 5);
    ck_assert_int_eq(h->q.topics.v[0].partitions.v[0].last_fetched_epoch, -1);
    ck_assert_int_eq(h->q.topics.v[0].partitions.v[0].log_start_offset, 0);
    give(h, SESSION, (int32_t[]){1, 3, -1});
    ck_assert_str_eq(asked(h), "1@1 3@1");
    ck_assert_int_eq(h->q.session_id, SESSION);
    ck_assert_int_eq(h->q.session_epoch, 1);
    ck_assert_int_eq(h->q.topics.v[0].partitions.v[0].last_fetched_epoch, 5);
    empty(h, SESSION);
    ck_assert_str_eq(asked(h), "");
    ck_assert_int_eq(h->q.session_epoch, 2);
    ck_assert(!bn_fetchset_pending(h->set));
    /* Only a watermark: nothing to say about it. */
    begin_answer(h, SESSION);
    add(h, 1, KE_NONE)->high_watermark = 1;
    ck_assert_int_eq(answer(h), BN_OK);
    ck_assert_int_eq(partition(h, 1)->high_watermark, 1);
    ck_assert_str_eq(asked(h), "");
    h->set->session_epoch = INT32_MAX; /* wraps to 1, never to 0 */
    empty(h, SESSION);
    ck_assert_int_eq(h->set->session_epoch, 1);
}

START_TEST(test_incremental) { test(incremental); }
END_TEST

/* No session given: everything each time, and who got data comes last. */
static void sessionless(struct here *h) {
    ck_assert_str_eq(asked(h), "0@0 1@0 2@0 3@0");
    give(h, 0, (int32_t[]){0, 1, -1});
    ck_assert_str_eq(asked(h), "2@0 3@0 0@1 1@1");
    ck_assert_int_eq(h->q.session_epoch, 0);
    give(h, 0, (int32_t[]){2, -1});
    ck_assert_str_eq(asked(h), "3@0 0@1 1@1 2@1");
    empty(h, 0);
    ck_assert_str_eq(asked(h), "3@0 0@1 1@1 2@1");
}

START_TEST(test_sessionless) { test(sessionless); }
END_TEST

static void session_gone(struct here *h) {
    static const int16_t errors[] = {KE_FETCH_SESSION_ID_NOT_FOUND, KE_INVALID_FETCH_SESSION_EPOCH,
                                     KE_FETCH_SESSION_TOPIC_ID_ERROR};
    for (size_t i = 0; i < BN_ARRAY_LEN(errors); i++) {
        (void)asked(h);
        empty(h, SESSION);
        ck_assert_str_eq(asked(h), "");
        begin_answer(h, 0);
        h->r.error_code = errors[i];
        ck_assert_int_eq(answer(h), BN_STALE);
        ck_assert_str_eq(asked(h), "0@0 1@0 2@0 3@0");
        ck_assert_int_eq(h->q.session_epoch, 0);
        ck_assert_int_eq(h->q.session_id, errors[i] == KE_FETCH_SESSION_ID_NOT_FOUND ? 0 : SESSION);
    }
    h->r.error_code = KE_UNKNOWN_SERVER_ERROR;
    ck_assert_int_eq(answer(h), BN_BAD);
}

START_TEST(test_session_gone) { test(session_gone); }
END_TEST

/* Dropped and back again between two requests: named, not forgotten. */
static void come_and_go(struct here *h) {
    (void)asked(h);
    empty(h, SESSION);
    bn_fetchset_drop(partition(h, 2));
    bn_fetchset_drop(partition(h, 3));
    ck_assert_uint_eq(h->set->count, 2);
    bn_fetchset_put(h->set, partition(h, 2));
    ck_assert_str_eq(asked(h), "2@0 -3");
    empty(h, SESSION);
    ck_assert_str_eq(asked(h), "");
    bn_fetchset_put(h->set, partition(h, 3));
    ck_assert(bn_fetchset_pending(h->set));
    ck_assert_str_eq(asked(h), "3@0");
}

START_TEST(test_come_and_go) { test(come_and_go); }
END_TEST

/* ---- errors ---- */

static void errors(struct here *h) {
    static const int16_t list[] = {KE_NOT_LEADER_OR_FOLLOWER, KE_UNKNOWN_LEADER_EPOCH, KE_UNKNOWN_TOPIC_ID,
                                   KE_INCONSISTENT_TOPIC_ID,  KE_KAFKA_STORAGE_ERROR,  KE_UNKNOWN_SERVER_ERROR};
    uint64_t now_ms = bn_loop_now_ms(h->world->shard->loop), wait_ms = 2;
    for (size_t i = 0; i < 12; i++) {
        (void)asked(h);
        begin_answer(h, SESSION);
        add(h, 1, list[i % BN_ARRAY_LEN(list)]);
        ck_assert_int_eq(answer(h), BN_OK);
        ck_assert_uint_eq(bn_fetchset_due_ms(h->set), now_ms + bn_min_size(wait_ms, 1000));
        wait_ms *= 2;
        ck_assert_str_eq(asked(h), "-1"); /* else the leader would go on sending it */
        empty(h, SESSION);
        h->set->delayed.nodes[0]->key = now_ms; /* its time has come */
        ck_assert_str_eq(asked(h), "1@0");
    }
    give(h, SESSION, (int32_t[]){1, -1}); /* progress: the next failure starts again at 2 ms */
    (void)asked(h);
    begin_answer(h, SESSION);
    add(h, 1, KE_NOT_LEADER_OR_FOLLOWER);
    ck_assert_int_eq(answer(h), BN_OK);
    ck_assert_uint_eq(bn_fetchset_due_ms(h->set), now_ms + 2);
}

START_TEST(test_errors) { test(errors); }
END_TEST

static void fail_all(struct here *h) {
    (void)asked(h);
    begin_answer(h, SESSION);
    for (int i = 0; i < PARTITIONS; i++) add(h, i, KE_FENCED_LEADER_EPOCH);
    ck_assert_int_eq(answer(h), BN_OK);
    /* Fenced under the current epoch: a decision is on its way. */
    ck_assert_uint_eq(bn_fetchset_due_ms(h->set), bn_loop_now_ms(h->world->shard->loop) + 1000);
    ck_assert_str_eq(asked(h), "nothing");
}

static void decided(struct here *h) {
    ck_assert_uint_eq(bn_fetchset_due_ms(h->set), UINT64_MAX);
    ck_assert_str_eq(asked(h), "0@0 1@0 2@0 3@0");
    ck_assert_int_eq(h->q.topics.v[0].partitions.v[0].current_leader_epoch, 6);
}

START_TEST(test_decision_ends_back_off) {
    struct world w;
    start(&w);
    world_on_shard(&w, run, &(struct testing){fail_all});
    follow_decide(&w, (struct follow_state){.leader = FOLLOW_LEADER, .leader_epoch = 6, .partitions = PARTITIONS});
    world_on_shard(&w, run, &(struct testing){decided});
    world_stop(&w);
}
END_TEST

/* What a leader could send by mistake or malice. */
static void hostile(struct here *h) {
    static const int32_t none[] = {-1};
    (void)asked(h);
    give(h, SESSION, none);
    bn_fetchset_drop(partition(h, 3));
    struct bn_str bytes;
    bn_str_init(&bytes);
    follow_batch(&bytes, 0, 2, 5);
    begin_answer(h, SESSION);
    add(h, 3, KE_NONE)->records.slice = bn_str_slice(&bytes); /* not asked for */
    add(h, -1, KE_NONE)->records.slice = bn_str_slice(&bytes);
    add(h, INT32_MAX, KE_OFFSET_OUT_OF_RANGE);
    add(h, 0, KE_NONE)->records.slice = bn_str_slice(&bytes);
    add(h, 0, KE_NONE)->records.slice = bn_str_slice(&bytes); /* twice */
    struct kmsg_fetch_response_partition *p = add(h, 1, KE_NONE);
    p->high_watermark = INT64_MAX, p->log_start_offset = INT64_MAX, p->last_stable_offset = INT64_MIN;
    p = add(h, 2, KE_NONE);
    p->diverging_epoch.epoch = INT32_MAX, p->diverging_epoch.end_offset = INT64_MAX;
    p = add(h, 2, KE_NONE);
    p->high_watermark = INT64_MIN, p->log_start_offset = INT64_MIN;
    add(h, 1, -32768);
    add(h, 1, KE_OFFSET_OUT_OF_RANGE);
    ck_assert_int_eq(answer(h), BN_OK);
    ck_assert_int_eq(bn_log_end_offset(partition(h, 0)->log), 2);
    ck_assert_int_eq(bn_log_end_offset(partition(h, 3)->log), 0);
    ck_assert_int_eq(bn_log_start_offset(partition(h, 1)->log), 0);
    h->topic.topic_id.bytes[0] ^= 1;
    ck_assert_int_eq(answer(h), BN_OK);
    begin_answer(h, -5);
    h->topic.partitions.n = -1;
    ck_assert_int_eq(answer(h), BN_OK);
    bn_str_fini(&bytes);
}

START_TEST(test_hostile) { test(hostile); }
END_TEST

/* ---- what people are told ---- */

static void damage(struct here *h, int kind, struct bn_str *bytes, struct kmsg_fetch_response_partition *p) {
    follow_batch(bytes, 0, 2, 5);
    if (kind == 0) bytes->ptr[bytes->len - 1] ^= 1;
    if (kind == 1) follow_batch(bytes, 1, 2, 5);
    if (kind == 2) bytes->ptr[16] = 1;
    if (kind == 3)
        p->diverging_epoch.epoch = 3, p->diverging_epoch.end_offset = 0;
    else
        p->records.slice = bn_str_slice(bytes);
    ck_assert_int_eq(answer(h), BN_OK);
}

/* Every kind of answer that is no use, a hundred times each, from a partition of its own. */
static void useless(struct here *h) {
    (void)asked(h);
    for (int round = 0; round < 100; round++) {
        for (int i = 0; i < PARTITIONS; i++) {
            struct bn_str bytes;
            bn_str_init(&bytes);
            begin_answer(h, SESSION);
            damage(h, i, &bytes, add(h, i, KE_NONE));
            bn_str_fini(&bytes);
            ck_assert_int_eq(bn_log_end_offset(partition(h, i)->log), 0);
        }
        for (uint32_t k = 0; k < h->set->delayed.count; k++) h->set->delayed.nodes[k]->key = 0; /* time passes */
        ck_assert_str_ne(asked(h), "nothing");
    }
}

static int lines_with(const char *path, const char *const *words) {
    char line[2048];
    int lines = 0;
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof line, f)) {
        bool all = true;
        for (int i = 0; words[i]; i++) all = all && strstr(line, words[i]);
        lines += all;
    }
    fclose(f);
    return lines;
}

/* What fails for ever is told once in a while: which partition, from whom, what is wrong, and what helps. */
START_TEST(test_told_once) {
    static const char *const told[PARTITIONS][6] = {
        {"WARN", "partition t-0 at offset 0", "broker 2", "a wrong checksum", "kafka-dump-log.sh", NULL},
        {"WARN", "partition t-1 at offset 0", "broker 2", "batches that overlap", "kafka-dump-log.sh", NULL},
        {"WARN", "partition t-2 at offset 0", "broker 2", "bytes that are no batch", "kafka-dump-log.sh", NULL},
        {"WARN", "partition t-3 at offset 0", "broker 2", "nothing is left here to truncate", "remove this", NULL},
    };
    static const char *const any[] = {"partition t-", NULL};
    struct world w;
    char *tmp = unit_tmp_dir();
    char path[300];
    snprintf(path, sizeof path, "%s/log", tmp);
    start(&w);
    ck_assert_int_eq(bn_trace_open(path, false), 0);
    world_on_shard(&w, run, &(struct testing){useless});
    bn_trace_open(NULL, true);
    for (int i = 0; i < PARTITIONS; i++) ck_assert_int_eq(lines_with(path, told[i]), 1);
    ck_assert_int_eq(lines_with(path, any), PARTITIONS);
    world_stop(&w);
    unit_tmp_remove(tmp);
}
END_TEST

/* ---- out of range ---- */

struct offsets_case {
    int64_t leaders_end, leaders_start; /* start -1: is not asked for */
    int64_t start, end;                 /* then; ours were 0 and 4 */
};

static const struct offsets_case cases[] = {
    {2, -1, 0, 2},     /* the leader's log is shorter: an unclean election */
    {100, 50, 50, 50}, /* all that we have is gone there */
    {100, 3, 0, 4},    /* in range after all */
    {0, -1, 0, 0},
};
static const struct offsets_case *now;

static const char *asked_offset(struct here *h, int64_t *timestamp) {
    static char text[40];
    struct kmsg_list_offsets_request q;
    if (!bn_fetchset_ask_offsets(h->set, &q)) return "nothing";
    ck_assert_int_eq(q.replica_id, WORLD_BROKER);
    ck_assert_int_eq(q.topics.n, 1);
    ck_assert_int_eq(q.topics.v[0].partitions.n, 1);
    ck_assert_int_eq(q.topics.v[0].partitions.v[0].current_leader_epoch, 5);
    *timestamp = q.topics.v[0].partitions.v[0].timestamp;
    snprintf(text, sizeof text, "%.*s-%d", BN_SLICE_FMT(q.topics.v[0].name),
             q.topics.v[0].partitions.v[0].partition_index);
    return text;
}

static void answer_offset(struct here *h, int64_t offset) {
    struct kmsg_list_offsets_response r = kmsg_list_offsets_response_default;
    struct kmsg_list_offsets_response_topic t = kmsg_list_offsets_response_topic_default;
    struct kmsg_list_offsets_response_partition p = kmsg_list_offsets_response_partition_default;
    r.topics.v = &t, r.topics.n = 1;
    t.name = BN_SLICE_LIT("t");
    t.partitions.v = &p, t.partitions.n = 1;
    p.offset = offset;
    bn_fetchset_answer_offsets(h->set, &r);
}

static void out_of_range(struct here *h) {
    int64_t timestamp;
    for (int i = 0; i < 4; i++) {
        (void)asked(h);
        give(h, SESSION, (int32_t[]){0, -1});
    }
    (void)asked(h);
    begin_answer(h, SESSION);
    add(h, 0, KE_OFFSET_OUT_OF_RANGE);
    ck_assert_int_eq(answer(h), BN_OK);
    ck_assert(bn_fetchset_pending(h->set));
    ck_assert_str_eq(asked(h), "-0"); /* not fetched meanwhile */
    ck_assert_str_eq(asked_offset(h, &timestamp), "t-0");
    ck_assert_int_eq(timestamp, -1);
    answer_offset(h, now->leaders_end);
    if (now->leaders_start >= 0) {
        ck_assert_str_eq(asked_offset(h, &timestamp), "t-0");
        ck_assert_int_eq(timestamp, -2);
        answer_offset(h, now->leaders_start);
    }
    ck_assert_str_eq(asked_offset(h, &timestamp), "nothing");
}

static void after_out_of_range(struct here *h) {
    ck_assert_int_eq(bn_log_start_offset(partition(h, 0)->log), now->start);
    ck_assert_int_eq(bn_log_end_offset(partition(h, 0)->log), now->end);
    if (now->end == 4) h->set->delayed.nodes[0]->key = 0; /* it backs off, lest it ask for ever */
    empty(h, SESSION);
    char want[40];
    snprintf(want, sizeof want, "0@%" PRId64, now->end);
    ck_assert_str_eq(asked(h), want);
}

START_TEST(test_out_of_range) {
    struct world w;
    now = &cases[_i];
    start(&w);
    world_on_shard(&w, run, &(struct testing){out_of_range});
    follow_await_cut(&w);
    world_on_shard(&w, run, &(struct testing){after_out_of_range});
    world_stop(&w);
}
END_TEST

/* Not answered, or with an error: it is asked again, later. */
static void offsets_unanswered(struct here *h) {
    int64_t timestamp;
    struct kmsg_list_offsets_response r = kmsg_list_offsets_response_default;
    (void)asked(h);
    begin_answer(h, SESSION);
    add(h, 0, KE_OFFSET_OUT_OF_RANGE);
    ck_assert_int_eq(answer(h), BN_OK);
    ck_assert_str_eq(asked_offset(h, &timestamp), "t-0");
    bn_fetchset_answer_offsets(h->set, &r);
    ck_assert_uint_ne(bn_fetchset_due_ms(h->set), UINT64_MAX);
    ck_assert_str_eq(asked_offset(h, &timestamp), "nothing");
    h->set->delayed.nodes[0]->key = 0;
    ck_assert_str_eq(asked_offset(h, &timestamp), "t-0");
    answer_offset(h, -1);
    ck_assert_uint_ne(bn_fetchset_due_ms(h->set), UINT64_MAX);
}

START_TEST(test_offsets_unanswered) { test(offsets_unanswered); }
END_TEST

Suite *fetchset_suite(void) {
    Suite *s = suite_create("fetchset");
    TCase *t = tcase_create("fetchset");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_incremental);
    tcase_add_test(t, test_sessionless);
    tcase_add_test(t, test_session_gone);
    tcase_add_test(t, test_come_and_go);
    tcase_add_test(t, test_errors);
    tcase_add_test(t, test_decision_ends_back_off);
    tcase_add_test(t, test_hostile);
    tcase_add_test(t, test_told_once);
    tcase_add_loop_test(t, test_out_of_range, 0, (int)BN_ARRAY_LEN(cases));
    tcase_add_test(t, test_offsets_unanswered);
    suite_add_tcase(s, t);
    return s;
}
