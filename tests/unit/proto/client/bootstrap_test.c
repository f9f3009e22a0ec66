/* bootstrap_test.c: a command's view of a cluster of fake brokers: it finds one that answers, then the one it needs,
 * and says whom it asked what when that fails. */
#include "proto/client/bootstrap.h"

#include <unistd.h>

#include "common/base/alloc.h"
#include "common/sys/sock.h"
#include "proto/kafka/kapi.h"
#include "proto/kafka/kmsg.h"
#include "tests/unit/proto/client/fake.h"
#include "tests/unit/proto/client/suites.h"

enum { TIMEOUT_MS = 10000, SOON_MS = 60 };

/* A port on which nobody listens. */
static int dead_port(void) {
    int fd = bn_sock_listen("127.0.0.1", 0, 1, NULL), port = bn_sock_port(fd);
    close(fd);
    return port;
}

static struct bn_bootstrap *open_cluster(const char *fmt, int first, int second) {
    char servers[128];
    struct bn_err e = BN_ERR_NONE;
    snprintf(servers, sizeof servers, fmt, first, second);
    struct bn_bootstrap *b = bn_bootstrap_new(servers, "tester", &e);
    ck_assert_msg(b != NULL, "%s", e.text);
    return b;
}

START_TEST(reads_server_lists) {
    static const char *const good[] = {"a", "a:1", " a:1 , b:65535", "[::1]:9092,[::1]", "a,,b,"};
    static const char *const bad[] = {"", ",", " ", ":9092", "a:", "a:0", "a:65536", "a:x", "a:1,b:-1", "[]:1"};
    struct bn_err e;
    for (size_t i = 0; i < BN_ARRAY_LEN(good); i++) {
        struct bn_bootstrap *b = bn_bootstrap_new(good[i], "tester", &e);
        ck_assert_msg(b != NULL, "'%s'", good[i]);
        bn_bootstrap_free(b);
    }
    for (size_t i = 0; i < BN_ARRAY_LEN(bad); i++) {
        ck_assert_msg(bn_bootstrap_new(bad[i], "tester", &e) == NULL, "'%s'", bad[i]);
        ck_assert_int_eq(e.code, BN_BAD);
    }
    bn_bootstrap_free(NULL);
}
END_TEST

START_TEST(asks_whoever_answers) {
    struct fake *f = fake_start(FAKE_GOOD, 7, 0);
    struct bn_bootstrap *b = open_cluster("127.0.0.1:%d, 127.0.0.1:%d", dead_port(), fake_port(f));
    struct kmsg_metadata_response *r, *first = NULL;
    struct bn_err e;
    for (int i = 0; i < 3; i++) {
        ck_assert_msg(bn_bootstrap_metadata(b, NULL, -1, TIMEOUT_MS, &r, &e) == 0, "%s", e.text);
        if (!first) first = r;
        ck_assert_int_eq(r->brokers.n, 1);
    }
    ck_assert_int_eq(first->brokers.v[0].node_id, 7); /* earlier answers stay */
    ck_assert(bn_slice_eq_str(first->brokers.v[0].host, "127.0.0.1"));
    ck_assert_int_eq(bn_bootstrap_version(b, BN_BOOTSTRAP_ANY, KAPI_METADATA, TIMEOUT_MS, &e), 12);
    ck_assert_int_eq(bn_bootstrap_version(b, 7, KAPI_PRODUCE, TIMEOUT_MS, &e), BN_NOTFOUND);
    ck_assert_msg(strstr(e.text, "Produce: not served") != NULL, "%s", e.text);
    bn_bootstrap_forget(b);
    ck_assert_int_eq(bn_bootstrap_metadata(b, NULL, 0, TIMEOUT_MS, &r, &e), 0);
    bn_bootstrap_free(b);
    fake_stop(f);
}
END_TEST

START_TEST(finds_leaders_and_coordinators) {
    static const enum fake_manner manners[] = {FAKE_GOOD, FAKE_OLD, FAKE_LOADING};
    for (size_t i = 0; i < BN_ARRAY_LEN(manners); i++) {
        struct fake *first = fake_start(manners[i], 1, 0), *second = fake_start(FAKE_GOOD, 2, 0);
        fake_add_node(first, 2, fake_port(second));
        struct bn_bootstrap *b = open_cluster("127.0.0.1:%d", fake_port(first), 0);
        struct bn_err e = BN_ERR_NONE;
        int32_t broker = -5;
        void *r;
        ck_assert_msg(bn_bootstrap_leader(b, BN_SLICE_LIT("led"), 0, TIMEOUT_MS, &broker, &e) == 0, "%s", e.text);
        ck_assert_int_eq(broker, 2);
        struct kmsg_metadata_request q = kmsg_metadata_request_default;
        ck_assert_int_eq(fake_requests(second), 0);
        ck_assert_int_eq(bn_bootstrap_call_broker(b, 2, KAPI_METADATA, &q, TIMEOUT_MS, &r, &e), 0);
        ck_assert_int_eq(fake_requests(second), 1);
        ck_assert_int_eq(bn_bootstrap_coordinator(b, BN_BOOTSTRAP_GROUP, BN_SLICE_LIT("g"), TIMEOUT_MS, &broker, &e),
                         0);
        ck_assert_int_eq(broker, 2);

        ck_assert_int_eq(bn_bootstrap_leader(b, BN_SLICE_LIT("led"), 9, TIMEOUT_MS, &broker, &e), BN_NOTFOUND);
        ck_assert_msg(strstr(e.text, "Metadata: led: UNKNOWN_TOPIC_OR_PARTITION") != NULL, "%s", e.text);
        ck_assert_int_eq(bn_bootstrap_leader(b, BN_SLICE_LIT("none"), 0, TIMEOUT_MS, &broker, &e), BN_NOTFOUND);
        ck_assert_int_eq(bn_bootstrap_leader(b, BN_SLICE_LIT("lost"), 0, TIMEOUT_MS, &broker, &e), BN_AGAIN);
        ck_assert_msg(strstr(e.text, "LEADER_NOT_AVAILABLE") != NULL, "%s", e.text);
        ck_assert_int_eq(bn_bootstrap_call_broker(b, 3, KAPI_METADATA, &q, TIMEOUT_MS, &r, &e), BN_NOTFOUND);
        ck_assert_msg(strstr(e.text, "no broker 3") != NULL, "%s", e.text);
        bn_bootstrap_free(b);
        fake_stop(first);
        fake_stop(second);
    }
}
END_TEST

/* An unknown broker is looked up first. */
START_TEST(looks_brokers_up) {
    struct fake *first = fake_start(FAKE_GOOD, 1, 0), *second = fake_start(FAKE_GOOD, 2, 0);
    fake_add_node(first, 2, fake_port(second));
    struct bn_bootstrap *b = open_cluster("127.0.0.1:%d", fake_port(first), 0);
    struct kmsg_metadata_request q = kmsg_metadata_request_default;
    struct bn_err e;
    void *r;
    ck_assert_int_eq(bn_bootstrap_call_broker(b, 2, KAPI_METADATA, &q, TIMEOUT_MS, &r, &e), 0);
    ck_assert_int_eq(fake_requests(second), 1);
    char peer[64];
    snprintf(peer, sizeof peer, "127.0.0.1:%d", fake_port(second));
    ck_assert_str_eq(bn_bootstrap_peer(b), peer);
    bn_bootstrap_free(b);
    fake_stop(first);
    fake_stop(second);
}
END_TEST

START_TEST(says_who_failed) {
    int dead = dead_port(), dead_too = dead_port();
    struct bn_bootstrap *b = open_cluster("127.0.0.1:%d,127.0.0.1:%d", dead, dead_too);
    struct kmsg_metadata_request q = kmsg_metadata_request_default;
    struct bn_err e = BN_ERR_NONE;
    char text[64];
    void *r = &q;
    ck_assert_int_eq(bn_bootstrap_call_any(b, KAPI_METADATA, &q, TIMEOUT_MS, &r, &e), BN_CLOSED);
    ck_assert_ptr_null(r);
    snprintf(text, sizeof text, "127.0.0.1:%d: ", dead);
    ck_assert_msg(strstr(e.text, text) != NULL, "%s", e.text);
    snprintf(text, sizeof text, "127.0.0.1:%d: ", dead_too);
    ck_assert_msg(strstr(e.text, text) != NULL, "%s", e.text);
    ck_assert_int_eq(bn_bootstrap_call_any(b, KAPI_METADATA, &q, TIMEOUT_MS, &r, NULL), BN_CLOSED);
    bn_bootstrap_free(b);

    struct fake *f = fake_start(FAKE_MUTE, 1, 0);
    b = open_cluster("127.0.0.1:%d", fake_port(f), 0);
    ck_assert_int_eq(bn_bootstrap_call_any(b, KAPI_METADATA, &q, SOON_MS, &r, &e), BN_LOST);
    snprintf(text, sizeof text, "127.0.0.1:%d: Metadata v12: no answer in ", fake_port(f));
    ck_assert_msg(strncmp(e.text, text, strlen(text)) == 0, "%s", e.text);
    ck_assert_int_eq(fake_requests(f), 1); /* never asked twice */
    bn_bootstrap_free(b);
    fake_stop(f);

    f = fake_start(FAKE_SILENT, 1, 0); /* its share of the time passes, the next one answers */
    struct fake *good = fake_start(FAKE_GOOD, 2, 0);
    b = open_cluster("127.0.0.1:%d,127.0.0.1:%d", fake_port(f), fake_port(good));
    ck_assert_msg(bn_bootstrap_call_any(b, KAPI_METADATA, &q, SOON_MS * 10, &r, &e) == 0, "%s", e.text);
    bn_bootstrap_free(b);
    fake_stop(f);
    fake_stop(good);
}
END_TEST

/* A connection that ended between two calls is made anew. */
START_TEST(comes_back) {
    struct fake *f = fake_start(FAKE_CLOSES, 1, 0);
    struct bn_bootstrap *b = open_cluster("127.0.0.1:%d", fake_port(f), 0);
    struct kmsg_metadata_request q = kmsg_metadata_request_default;
    struct bn_err e;
    void *r;
    for (int i = 1; i <= 3; i++) {
        ck_assert_int_eq(bn_bootstrap_call_any(b, KAPI_METADATA, &q, TIMEOUT_MS, &r, &e), BN_LOST);
        ck_assert_int_eq(fake_requests(f), i);
    }
    bn_bootstrap_free(b);
    fake_stop(f);
}
END_TEST

Suite *bootstrap_suite(void) {
    Suite *s = suite_create("bootstrap");
    TCase *c = tcase_create("bootstrap");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, reads_server_lists);
    tcase_add_test(c, asks_whoever_answers);
    tcase_add_test(c, finds_leaders_and_coordinators);
    tcase_add_test(c, looks_brokers_up);
    tcase_add_test(c, says_who_failed);
    tcase_add_test(c, comes_back);
    suite_add_tcase(s, c);
    return s;
}
