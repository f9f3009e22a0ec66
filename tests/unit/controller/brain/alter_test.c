/* alter_test.c: AlterPartition's decision table, row by row. */
#include "controller/brain/alter.h"
#include "tests/unit/controller/brain/bench.h"

#define IDS(...) ((struct bn_fact_ids){(int32_t[]){__VA_ARGS__}, (int32_t)BN_ARRAY_LEN(((int32_t[]){__VA_ARGS__}))})

/* The partition: leader 1 at epoch 5, partition epoch 7, ISR 1,2 of replicas 1,2,3; broker 4 is dead, 3 lives. */
static void prepare(struct bench *b) {
    bench_init(b, 3);
    bench_create(b, "t", "0:1,2,3,4");
    struct bn_model_partition *p = bench_partition(b, "t", 0);
    struct bn_fact_state s = {.version = 7, .leader = 1, .leader_epoch = 5, .controller_epoch = 1, .isr = IDS(1, 2)};
    bn_model_partition_commit(p, &s);
}

START_TEST(table) {
    static const struct {
        const char *what;
        int broker, leader_epoch, partition_epoch, isr[4], shift; /* shift: added to member 3's broker epoch */
        bool recovering;
        int error;
        bool write;
    } CASES[] = {
        {"row 3: a newer leader epoch", 1, 6, 7, {1, 2, 0}, 0, 0, BN_KERR_NOT_CONTROLLER, 0},
        {"row 3: a newer partition epoch", 1, 5, 8, {1, 2, 0}, 0, 0, BN_KERR_NOT_CONTROLLER, 0},
        {"row 4: an older leader epoch", 1, 4, 7, {1, 0}, 0, 0, BN_KERR_FENCED_LEADER_EPOCH, 0},
        {"row 4 before row 5", 1, 4, 7, {1, 2, 0}, 0, 0, BN_KERR_FENCED_LEADER_EPOCH, 0},
        {"row 5: done already", 1, 5, 7, {1, 2, 0}, 0, 0, BN_KERR_NONE, 0},
        {"row 5: in another order", 1, 5, 7, {2, 1, 0}, 0, 0, BN_KERR_NONE, 0},
        {"row 5 before row 6", 1, 5, 6, {1, 2, 0}, 0, 0, BN_KERR_NONE, 0},
        {"row 6: an older partition epoch", 1, 5, 6, {1, 0}, 0, 0, BN_KERR_INVALID_UPDATE_VERSION, 0},
        {"row 7: recovering with others", 1, 5, 7, {1, 2, 0}, 0, 1, BN_KERR_INVALID_REQUEST, 0},
        {"row 7: recovering again", 1, 5, 7, {1, 0}, 0, 1, BN_KERR_INVALID_REQUEST, 0},
        {"not the leader", 2, 5, 7, {1, 0}, 0, 0, BN_KERR_INVALID_REQUEST, 0},
        {"the leader leaves it to a member", 1, 5, 7, {2, 0}, 0, 0, BN_KERR_NONE, 1},
        {"the leader leaves it to another", 1, 5, 7, {2, 3}, 0, 0, BN_KERR_INVALID_REQUEST, 0},
        {"the leader leaves it to nobody", 1, 5, 7, {0}, 0, 0, BN_KERR_INVALID_REQUEST, 0},
        {"a stranger", 1, 5, 7, {1, 9, 0}, 0, 0, BN_KERR_INVALID_REQUEST, 0},
        {"twice", 1, 5, 7, {1, 1, 0}, 0, 0, BN_KERR_INVALID_REQUEST, 0},
        {"row 8: a dead member", 1, 5, 7, {1, 2, 4}, 0, 0, BN_KERR_INELIGIBLE_REPLICA, 0},
        {"row 8: an older life", 1, 5, 7, {1, 2, 3}, -1, 0, BN_KERR_INELIGIBLE_REPLICA, 0},
        {"row 9: shrink", 1, 5, 7, {1, 0}, 0, 0, BN_KERR_NONE, 1},
        {"row 9: grow", 1, 5, 7, {1, 2, 3}, 0, 0, BN_KERR_NONE, 1},
    };
    struct bench b;
    prepare(&b);
    for (size_t i = 0; i < BN_ARRAY_LEN(CASES); i++) {
        int32_t isr[4];
        int64_t epochs[4];
        struct bn_fact_ids ids = {isr, 0};
        for (; CASES[i].isr[ids.count]; ids.count++) {
            isr[ids.count] = CASES[i].isr[ids.count];
            epochs[ids.count] = bench_epoch(&b, isr[ids.count]) + (isr[ids.count] == 3 ? CASES[i].shift : 0);
        }
        struct bn_alter_proposal a = {CASES[i].broker, CASES[i].leader_epoch, CASES[i].partition_epoch, ids,
                                      epochs,          CASES[i].recovering};
        bool write;
        int error = bn_alter_decide(b.model, bench_partition(&b, "t", 0), &a, &write);
        ck_assert_msg(error == CASES[i].error && write == CASES[i].write, "%s: error %d", CASES[i].what, error);
    }
    bench_fini(&b);
}
END_TEST

/* Without epochs members may stay and leave, but nobody is added on trust. */
START_TEST(epochs_not_known) {
    struct bench b;
    bool write;
    prepare(&b);
    struct bn_alter_proposal a = {1, 5, 7, IDS(1, 2, 3), NULL, false};
    ck_assert_int_eq(bn_alter_decide(b.model, bench_partition(&b, "t", 0), &a, &write), BN_KERR_INELIGIBLE_REPLICA);
    a.isr = IDS(1);
    ck_assert_int_eq(bn_alter_decide(b.model, bench_partition(&b, "t", 0), &a, &write), BN_KERR_NONE);
    ck_assert(write);
    bench_fini(&b);
}
END_TEST

START_TEST(unknown_topics_and_brokers) {
    struct bench b;
    bench_init(&b, 1);
    struct bn_event_alter_item items[2] = {{.partition = 0, .isr = IDS(1)}, {.partition = 5, .isr = IDS(1)}};
    struct bn_event e = {.kind = BN_EVENT_ALTER_PARTITION};
    bench_create(&b, "t", "0:1");
    items[1].topic_id = bn_model_topic(b.model, "t")->id;
    e.u.alter_partition = (struct bn_event_alter_partition){9, 1, bench_epoch(&b, 1), items, 2};
    bench_feed(&b, &e);
    ck_assert(bench_said(&b, "partition 0 error 100"));
    ck_assert(bench_said(&b, "partition 5 error 3"));
    e.u.alter_partition.broker_epoch++;
    bench_feed(&b, &e);
    ck_assert(bench_said(&b, "alter-partition error 77"));
    e.u.alter_partition.broker_epoch--;
    e.u.alter_partition.item_count = 0;
    bench_feed(&b, &e);
    ck_assert(bench_said(&b, "alter-partition error 0"));
    bench_fini(&b);
}
END_TEST

Suite *alter_suite(void);
Suite *alter_suite(void) {
    Suite *s = suite_create("alter");
    TCase *c = tcase_create("alter");
    tcase_add_test(c, table);
    tcase_add_test(c, epochs_not_known);
    tcase_add_test(c, unknown_topics_and_brokers);
    suite_add_tcase(s, c);
    return s;
}
