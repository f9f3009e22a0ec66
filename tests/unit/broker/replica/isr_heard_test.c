/* isr_heard_test.c: goal: a leader knows for how long each follower has certainly followed it (safety §5), whatever lay
 * at its sockets while it did not run; and one whose log has failed leaves the ISR to those who may lead.
 */
#include "broker/replica/isr.h"

#include "proto/kafka/errors.h"
#include "tests/unit/unit.h"

Suite *isr_heard_suite(void);

static int64_t live_epoch(void *arg, int32_t id) { return 10; }

static const int32_t all[] = {1, 2, 3};

static void decide(struct bn_isr *s, int32_t leader_epoch, int32_t partition_epoch, int isr_count, int64_t now_ms) {
    struct bn_isr_state d = {leader_epoch, partition_epoch, all, all, 3, isr_count};
    ck_assert_int_ne(bn_isr_decided(s, &d, now_ms), BN_ISR_OLD);
}

static void fetch(struct bn_isr *s, int32_t id, int64_t now_ms) {
    struct bn_isr_view v = {now_ms, 30000, 100, 90, live_epoch, NULL};
    struct bn_isr_fetch in = {id, 10, 100, 0};
    (void)bn_isr_fetched(s, &v, &in);
}

static int64_t heard_ms(const struct bn_isr *s, int32_t id) {
    for (int i = 0; i < s->follower_count; i++)
        if (s->followers[i].id == id) return s->followers[i].heard_ms;
    ck_abort_msg("no follower %d", id);
}

/* A follower is heard of when it comes in, and as of a fetch when the next one comes: that one was sent after the
 * answer to the first, whenever it is read. */
START_TEST(test_heard) {
    struct bn_isr s;
    bn_isr_init(&s, 1);
    decide(&s, 5, 7, 2, 1000);
    bn_isr_lead(&s, 100, 1000);
    ck_assert_int_eq(heard_ms(&s, 2), 1000);
    ck_assert_int_eq(heard_ms(&s, 3), BN_ISR_NEVER);
    fetch(&s, 2, 2000);
    ck_assert_int_eq(heard_ms(&s, 2), 1000);
    fetch(&s, 2, 500000); /* this process did not run meanwhile */
    ck_assert_int_eq(heard_ms(&s, 2), 2000);
    fetch(&s, 2, 500005);
    ck_assert_int_eq(heard_ms(&s, 2), 500000);
    decide(&s, 5, 8, 3, 500010);
    ck_assert_int_eq(heard_ms(&s, 2), 500000);
    ck_assert_int_eq(heard_ms(&s, 3), 500010);
    decide(&s, 6, 9, 2,
           500020); /* of a new epoch: what they did before, under another leader perhaps, counts no more */
    ck_assert_int_eq(heard_ms(&s, 2), 500020);
    ck_assert_int_eq(heard_ms(&s, 3), BN_ISR_NEVER);
    bn_isr_lead(&s, 100, 500030);
    ck_assert_int_eq(heard_ms(&s, 2), 500030);
    ck_assert_int_eq(heard_ms(&s, 3), BN_ISR_NEVER);
    bn_isr_fini(&s);
}
END_TEST

/* Only who may be in the ISR, as far as is known, can be elected: a proposal that stands counts. */
START_TEST(test_may_be_member) {
    struct bn_isr s;
    struct bn_isr_view v = {1000, 30000, 100, 90, live_epoch, NULL};
    bn_isr_init(&s, 1);
    decide(&s, 5, 7, 2, 1000);
    bn_isr_lead(&s, 100, 1000);
    ck_assert(bn_isr_may_be_member(&s, &s.followers[0]));
    ck_assert(!bn_isr_may_be_member(&s, &s.followers[1]));
    fetch(&s, 3, 1000);
    ck_assert(bn_isr_expand(&s, &v, 3));
    ck_assert(bn_isr_may_be_member(&s, &s.followers[1]));
    bn_isr_fini(&s);
}
END_TEST

/* To the other members, by one proposal at a time; refused, it asks again a moment later. */
START_TEST(test_resign) {
    struct bn_isr s;
    int32_t ids[3];
    int64_t epochs[3];
    bn_isr_init(&s, 1);
    decide(&s, 5, 7, 1, 1000);
    ck_assert(!bn_isr_resign(&s, 1000)); /* there is nobody else */
    ck_assert_int_eq(s.change, BN_ISR_SETTLED);
    decide(&s, 5, 8, 3, 1000);
    ck_assert(bn_isr_resign(&s, 1000));
    ck_assert_int_eq(bn_isr_proposal(&s, ids, epochs), 2);
    ck_assert(ids[0] == 2 && ids[1] == 3 && epochs[0] == -1 && epochs[1] == -1);
    ck_assert(!bn_isr_resign(&s, 1000));
    const struct bn_isr_answer refused = {5, 8, true, KE_INELIGIBLE_REPLICA, NULL};
    ck_assert_int_eq(bn_isr_answered(&s, &refused, 1000), BN_ISR_REVERTED);
    ck_assert(!bn_isr_resign(&s, 1000) && bn_isr_holds(&s, 1000));
    ck_assert(bn_isr_resign(&s, 2000));
    bn_isr_fini(&s);
}
END_TEST

Suite *isr_heard_suite(void) {
    Suite *s = suite_create("isr_heard");
    TCase *t = tcase_create("isr_heard");
    tcase_add_test(t, test_heard);
    tcase_add_test(t, test_may_be_member);
    tcase_add_test(t, test_resign);
    suite_add_tcase(s, t);
    return s;
}
