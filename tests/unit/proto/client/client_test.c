/* client_test.c: a client on a loop against the fake broker: it greets, pipelines and keeps frames; and whatever a
 * broker does wrong, each call hears once what became of it and the owner hears why it ended. */
#include "proto/client/client.h"

#include "common/sys/sock.h"
#include "proto/kafka/kapi.h"
#include "proto/kafka/kmsg.h"
#include "tests/unit/proto/client/fake.h"
#include "tests/unit/proto/client/suites.h"

#include <unistd.h>

enum { TURN_MS = 100, TIMEOUT_MS = 10000, SOON_MS = 50, CALLS = 10 };

struct world {
    struct bn_loop *loop;
    struct fake *fake;
    struct bn_client *client;
    int ready, closed, answered, freed_at;
    int status[CALLS]; /* by order of arrival */
    struct bn_err closed_why;
    char why[256];       /* the last failed call's */
    struct bn_buf *held; /* frame of the last answer */
    struct bn_slice records;
    int brokers;
};

static void on_ready(void *arg) { ((struct world *)arg)->ready++; }

static void on_closed(void *arg, const struct bn_err *e) {
    struct world *w = arg;
    w->closed++;
    w->closed_why = *e;
}

static void turn(struct world *w) { bn_loop_turn(w->loop, TURN_MS); }

static void connect_to(struct world *w, int port, uint64_t timeout_ms) {
    struct bn_client_conf conf = {.host = "127.0.0.1",
                                  .port = port,
                                  .client_id = "tester",
                                  .connect_timeout_ms = timeout_ms,
                                  .calls_max = CALLS,
                                  .on_ready = on_ready,
                                  .on_closed = on_closed,
                                  .arg = w};
    struct bn_err e;
    w->client = bn_client_connect(w->loop, &conf, &e);
    ck_assert_ptr_nonnull(w->client);
}

static void open_world(struct world *w, enum fake_manner manner, size_t fetch_bytes) {
    *w = (struct world){.freed_at = -1};
    w->loop = bn_loop_new();
    w->fake = fake_start(manner, 1, fetch_bytes);
    connect_to(w, fake_port(w->fake), TIMEOUT_MS);
    ck_assert(!bn_client_is_ready(w->client));
    while (!w->ready && !w->closed) turn(w);
}

static void close_world(struct world *w) {
    bn_client_free(w->client);
    bn_buf_unref(w->held);
    if (w->fake) fake_stop(w->fake);
    bn_loop_free(w->loop);
}

static void answered(void *arg, const struct bn_client_answer *a) {
    struct world *w = arg;
    w->status[w->answered++] = a->status;
    snprintf(w->why, sizeof w->why, "%s", a->why);
    if (a->status == 0 && w->freed_at != w->answered)
        w->brokers = ((const struct kmsg_metadata_response *)a->response)->brokers.n;
    if (w->freed_at == w->answered) {
        bn_client_free(w->client);
        w->client = NULL;
    }
}

static int ask_metadata(struct world *w, uint64_t timeout_ms, int version) {
    struct kmsg_metadata_request q = kmsg_metadata_request_default;
    struct bn_client_call call = {.api_key = KAPI_METADATA,
                                  .version = version,
                                  .request = &q,
                                  .timeout_ms = timeout_ms,
                                  .cb = answered,
                                  .arg = w};
    return bn_client_call(w->client, &call);
}

START_TEST(pipelines_calls) {
    struct world w;
    open_world(&w, FAKE_GOOD, 0);
    ck_assert_int_eq(w.ready, 1);
    ck_assert(bn_client_is_ready(w.client));
    ck_assert_int_eq(bn_client_version(w.client, KAPI_METADATA), 12);
    ck_assert_int_eq(bn_client_version(w.client, KAPI_FETCH), 17);         /* it has more */
    ck_assert_int_eq(bn_client_version(w.client, KAPI_DELETE_GROUPS), -1); /* it has only newer ones */
    ck_assert_int_eq(bn_client_version(w.client, KAPI_PRODUCE), -1);
    ck_assert_int_eq(bn_client_version(w.client, 999), -1);
    ck_assert_int_eq(bn_client_version(w.client, -1), -1);
    ck_assert_int_eq(ask_metadata(&w, 0, 13), BN_NOTFOUND);
    for (int i = 0; i < CALLS; i++) ck_assert_int_eq(ask_metadata(&w, TIMEOUT_MS, i % 2 ? BN_CLIENT_NEWEST : i), 0);
    ck_assert_int_eq(ask_metadata(&w, 0, BN_CLIENT_NEWEST), BN_FULL);
    ck_assert_int_eq(w.answered, 0); /* never inside the call */
    while (w.answered < CALLS) turn(&w);
    for (int i = 0; i < CALLS; i++) ck_assert_int_eq(w.status[i], 0);
    ck_assert_int_eq(w.brokers, 1);
    ck_assert_int_eq(fake_requests(w.fake), CALLS);
    w.answered = 0;
    ck_assert_int_eq(ask_metadata(&w, TIMEOUT_MS, BN_CLIENT_NEWEST), 0);
    while (!w.answered) turn(&w);
    ck_assert_int_eq(w.closed, 0);
    close_world(&w);
}
END_TEST

START_TEST(speaks_with_old_brokers) {
    struct world w;
    open_world(&w, FAKE_OLD, 0);
    ck_assert_int_eq(w.ready, 1);
    ck_assert_int_eq(bn_client_version(w.client, KAPI_METADATA), 1);
    ck_assert_int_eq(bn_client_version(w.client, KAPI_FETCH), -1);
    ck_assert_int_eq(ask_metadata(&w, TIMEOUT_MS, BN_CLIENT_NEWEST), 0);
    while (!w.answered) turn(&w);
    ck_assert_int_eq(w.status[0], 0);
    close_world(&w);
}
END_TEST

static void fetched(void *arg, const struct bn_client_answer *a) {
    struct world *w = arg;
    ck_assert_int_eq(a->status, 0);
    const struct kmsg_fetch_response *r = a->response;
    w->records = r->responses.v[0].partitions.v[0].records.slice;
    bn_buf_unref(w->held);
    w->held = a->frame;
    bn_buf_ref(w->held);
    w->answered++;
}

static void check_records(const struct world *w, size_t len) {
    ck_assert_uint_eq(w->records.len, len);
    for (size_t i = 0; i < len; i++)
        if (w->records.ptr[i] != i % 251) ck_abort_msg("byte %zu is wrong", i);
}

/* Records lie in the frame, which outlives the answer and even the client. */
START_TEST(lends_records_from_the_frame) {
    static const size_t sizes[] = {10, 70000, 3000000};
    for (size_t i = 0; i < BN_ARRAY_LEN(sizes); i++) {
        struct world w;
        open_world(&w, FAKE_GOOD, sizes[i]);
        for (int n = 1; n <= 4; n++) {
            struct kmsg_fetch_request q = kmsg_fetch_request_default;
            struct bn_client_call call = {
                .api_key = KAPI_FETCH, .version = 12, .request = &q, .cb = fetched, .arg = &w};
            ck_assert_int_eq(bn_client_call(w.client, &call), 0);
            while (w.answered < n) turn(&w);
            ck_assert(w.records.ptr >= w.held->data);
            ck_assert(w.records.ptr + w.records.len <= w.held->data + w.held->capacity);
            check_records(&w, sizes[i]);
        }
        bn_client_free(w.client);
        w.client = NULL;
        check_records(&w, sizes[i]);
        close_world(&w);
    }
}
END_TEST

START_TEST(reads_byte_by_byte) {
    struct world w;
    open_world(&w, FAKE_TRICKLING, 0);
    for (int i = 0; i < 3; i++) ck_assert_int_eq(ask_metadata(&w, TIMEOUT_MS, BN_CLIENT_NEWEST), 0);
    while (w.answered < 3) turn(&w);
    ck_assert_int_eq(w.status[0] | w.status[1] | w.status[2], 0);
    close_world(&w);
}
END_TEST

/* Whatever goes wrong after the greeting: both calls hear of it, then the owner, once. */
START_TEST(ends_when_the_broker_errs) {
    static const struct {
        enum fake_manner manner;
        int first, second;
        const char *why;
    } table[] = {
        {FAKE_CLOSES, BN_LOST, BN_LOST, "closed"},
        {FAKE_CONFUSED, BN_LOST, BN_LOST, "correlation id"},
        {FAKE_SWOLLEN, BN_LOST, BN_LOST, "2147483647 bytes"},
        {FAKE_STUNTED, BN_LOST, BN_LOST, "3 bytes"},
        {FAKE_BABBLING, BN_BAD, BN_LOST, "Metadata"},
        {FAKE_TALKATIVE, 0, BN_LOST, "correlation id"},
        {FAKE_HASTY, BN_LOST, BN_LOST, "closed"},
        {FAKE_MUTE, BN_LOST, BN_LOST, "no answer"},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(table); i++) {
        struct world w;
        open_world(&w, table[i].manner, 0);
        ck_assert_int_eq(w.ready, 1);
        uint64_t timeout_ms = table[i].manner == FAKE_MUTE ? SOON_MS : TIMEOUT_MS;
        ck_assert_int_eq(ask_metadata(&w, timeout_ms, BN_CLIENT_NEWEST), 0);
        ck_assert_int_eq(ask_metadata(&w, TIMEOUT_MS, BN_CLIENT_NEWEST), 0);
        while (!w.closed) turn(&w);
        ck_assert_int_eq(w.answered, 2);
        ck_assert_msg(w.status[0] == table[i].first && w.status[1] == table[i].second, "row %zu: %d %d", i, w.status[0],
                      w.status[1]);
        char peer[64];
        snprintf(peer, sizeof peer, "127.0.0.1:%d: ", fake_port(w.fake));
        ck_assert_msg(strstr(w.closed_why.text, table[i].why) != NULL, "row %zu: %s", i, w.closed_why.text);
        ck_assert_msg(strncmp(w.closed_why.text, peer, strlen(peer)) == 0, "%s", w.closed_why.text);
        ck_assert_msg(strstr(w.why, "Metadata v12: ") != NULL, "%s", w.why);
        ck_assert_int_eq(ask_metadata(&w, 0, BN_CLIENT_NEWEST), BN_CLOSED);
        ck_assert(!bn_client_is_ready(w.client));
        close_world(&w);
    }
}
END_TEST

START_TEST(an_unasked_answer_ends_it) {
    struct world w;
    open_world(&w, FAKE_TALKATIVE, 0);
    ck_assert_int_eq(ask_metadata(&w, TIMEOUT_MS, BN_CLIENT_NEWEST), 0);
    while (!w.closed) turn(&w);
    ck_assert_int_eq(w.answered, 1);
    ck_assert_int_eq(w.status[0], 0);
    ck_assert_ptr_nonnull(strstr(w.closed_why.text, "no request"));
    close_world(&w);
}
END_TEST

START_TEST(greeting_may_fail) {
    struct world w = {.freed_at = -1};
    w.loop = bn_loop_new();
    w.fake = fake_start(FAKE_SILENT, 1, 0);
    connect_to(&w, fake_port(w.fake), SOON_MS);
    ck_assert_int_eq(ask_metadata(&w, 0, BN_CLIENT_NEWEST), BN_AGAIN);
    while (!w.closed) turn(&w);
    ck_assert_int_eq(w.ready, 0);
    ck_assert_ptr_nonnull(strstr(w.closed_why.text, "no answer to ApiVersions in 50 ms"));
    close_world(&w);

    open_world(&w, FAKE_UNAUTHORISED, 0);
    ck_assert_int_eq(w.ready, 0);
    ck_assert_ptr_nonnull(strstr(w.closed_why.text, "CLUSTER_AUTHORIZATION_FAILED"));
    close_world(&w);

    int fd = bn_sock_listen("127.0.0.1", 0, 1, NULL), port = bn_sock_port(fd);
    close(fd); /* nobody is there now */
    w = (struct world){.loop = bn_loop_new()};
    connect_to(&w, port, TIMEOUT_MS);
    while (!w.closed) turn(&w);
    ck_assert_msg(strstr(w.closed_why.text, "refused") != NULL, "%s", w.closed_why.text);
    close_world(&w);
}
END_TEST

/* Freeing it in any callback, or with calls outstanding, is fine; nothing is told afterwards. */
START_TEST(may_be_freed_anywhere) {
    static const enum fake_manner manners[] = {FAKE_GOOD, FAKE_CLOSES, FAKE_BABBLING, FAKE_CONFUSED};
    for (size_t i = 0; i < BN_ARRAY_LEN(manners); i++) {
        struct world w;
        open_world(&w, manners[i], 0);
        for (int n = 0; n < 3; n++) ck_assert_int_eq(ask_metadata(&w, TIMEOUT_MS, BN_CLIENT_NEWEST), 0);
        w.freed_at = 1;
        while (w.client) turn(&w);
        for (int n = 0; n < 3; n++) bn_loop_turn(w.loop, 1);
        ck_assert_int_eq(w.answered, 1);
        ck_assert_int_eq(w.closed, 0);
        close_world(&w);
    }
    struct world w;
    open_world(&w, FAKE_MUTE, 0);
    ck_assert_int_eq(ask_metadata(&w, SOON_MS, BN_CLIENT_NEWEST), 0);
    ck_assert_int_eq(ask_metadata(&w, TIMEOUT_MS, BN_CLIENT_NEWEST), 0);
    w.freed_at = 1; /* in the timeout's callback */
    while (w.client) turn(&w);
    ck_assert_int_eq(w.answered, 1);
    close_world(&w);

    open_world(&w, FAKE_GOOD, 0);
    ck_assert_int_eq(ask_metadata(&w, SOON_MS, BN_CLIENT_NEWEST), 0); /* not even flushed */
    close_world(&w);
    ck_assert_int_eq(w.answered, 0);
}
END_TEST

Suite *client_suite(void) {
    Suite *s = suite_create("client");
    TCase *c = tcase_create("client");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, pipelines_calls);
    tcase_add_test(c, speaks_with_old_brokers);
    tcase_add_test(c, lends_records_from_the_frame);
    tcase_add_test(c, reads_byte_by_byte);
    tcase_add_test(c, ends_when_the_broker_errs);
    tcase_add_test(c, an_unasked_answer_ends_it);
    tcase_add_test(c, greeting_may_fail);
    tcase_add_test(c, may_be_freed_anywhere);
    suite_add_tcase(s, c);
    return s;
}
