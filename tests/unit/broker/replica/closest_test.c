/* closest_test.c: goal: a consumer is sent to a follower only if that is in its rack, in sync and sure to have the
 * offset, and to the one that has most; never away from a leader in its own rack.
 */
#include "broker/replica/closest.h"

#include "tests/unit/unit.h"

Suite *closest_suite(void);

enum { SELF = 1, BROKERS = 5 };

/* Broker 1 leads; the racks of brokers 1 to 5. Broker 5 has no address on the consumers' listener. */
static const char *const racks[BROKERS] = {"a", "b", "b", "", "c"};

static struct bn_image *cluster(void) {
    Bn__Endpoint at[2], *own[] = {&at[0]}, *other[] = {&at[1]};
    Bn__Broker brokers[BROKERS], *pointers[BROKERS];
    for (int i = 0; i < 2; i++) {
        bn__endpoint__init(&at[i]);
        at[i].listener = (char *)(uintptr_t)(i ? "INTERNAL" : "PLAINTEXT");
        at[i].security_protocol = (char *)(uintptr_t) "PLAINTEXT";
        at[i].host = (char *)(uintptr_t) "127.0.0.1";
        at[i].port = 9092;
    }
    for (int i = 0; i < BROKERS; i++) {
        bn__broker__init(&brokers[i]);
        brokers[i].id = i + 1;
        brokers[i].epoch = 100 + i;
        brokers[i].rack = (char *)(uintptr_t)racks[i];
        brokers[i].endpoints = i == BROKERS - 1 ? other : own;
        brokers[i].n_endpoints = 1;
        pointers[i] = &brokers[i];
    }
    Bn__ImageDelta d = BN__IMAGE_DELTA__INIT;
    d.controller_epoch = 1;
    d.sequence = 1;
    d.reset = true;
    d.cluster_id = (char *)(uintptr_t) "cluster-id";
    d.brokers = pointers;
    d.n_brokers = BROKERS;
    struct bn_image *image = NULL;
    struct bn_err e = BN_ERR_NONE;
    ck_assert_msg(bn_image_apply(NULL, &d, &image, &e) == BN_OK, "%s", e.text);
    return image;
}

static const struct {
    const char *what, *rack;
    int64_t offset;
    struct bn_isr_follower two, three;
    int32_t expected;
} cases[] = {
    {"no rack told", "", 5, {.member = true, .end = 9}, {.member = true, .end = 9}, -1},
    {"the leader's own rack", "a", 5, {.member = true, .end = 9}, {.member = true, .end = 9}, -1},
    {"a rack that nobody is in", "z", 5, {.member = true, .end = 9}, {.member = true, .end = 9}, -1},
    {"the greatest end", "b", 5, {.member = true, .end = 9}, {.member = true, .end = 8}, 2},
    {"then who caught up last",
     "b",
     5,
     {.member = true, .end = 9, .caught_up_ms = 7},
     {.member = true, .end = 9, .caught_up_ms = 6},
     2},
    {"then the greater id", "b", 5, {.member = true, .end = 9}, {.member = true, .end = 9}, 3},
    {"in sync only", "b", 5, {.member = true, .end = 8}, {.end = 9}, 2},
    {"proposed is not in sync", "b", 5, {.proposed = true, .end = 9}, {.end = 9}, -1},
    {"exactly at its end", "b", 9, {.member = true, .end = 9}, {.member = true, .end = 8}, 2},
    {"beyond every end", "b", 10, {.member = true, .end = 9}, {.member = true, .end = 9}, -1},
    {"below its start",
     "b",
     5,
     {.member = true, .end = 9, .log_start = 6},
     {.member = true, .end = 8, .log_start = 5},
     3},
    {"nothing heard of it", "b", 0, {.member = true, .end = -1, .log_start = -1}, {.end = -1, .log_start = -1}, -1},
    {"not on this listener", "c", 5, {.member = true, .end = 9}, {.member = true, .end = 9}, -1},
};

START_TEST(test_choice) {
    struct bn_image *image = cluster();
    struct bn_isr_follower followers[] = {
        cases[_i].two, cases[_i].three, {.member = true, .end = 9}, {.member = true, .end = 9}};
    for (int32_t i = 0; i < 4; i++) followers[i].id = i + 2;
    const struct bn_isr s = {.self = SELF, .followers = followers, .follower_count = 4};
    const struct bn_closest_consumer c = {bn_slice_str(cases[_i].rack), "PLAINTEXT", cases[_i].offset};
    int32_t got = bn_closest_choose(&s, image, &c);
    ck_assert_msg(got == cases[_i].expected, "%s: %d", cases[_i].what, got);
    bn_image_unref(image);
}
END_TEST

/* Whoever is no longer registered can't be asked. */
START_TEST(test_unregistered) {
    struct bn_image *image = bn_image_empty();
    struct bn_isr_follower follower = {.id = 2, .member = true, .end = 9};
    const struct bn_isr s = {.self = SELF, .followers = &follower, .follower_count = 1};
    const struct bn_closest_consumer c = {BN_SLICE_LIT("b"), "PLAINTEXT", 5};
    ck_assert_int_eq(bn_closest_choose(&s, image, &c), -1);
    bn_image_unref(image);
}
END_TEST

Suite *closest_suite(void) {
    Suite *s = suite_create("closest");
    TCase *t = tcase_create("closest");
    tcase_add_loop_test(t, test_choice, 0, (int)BN_ARRAY_LEN(cases));
    tcase_add_test(t, test_unregistered);
    suite_add_tcase(s, t);
    return s;
}
