/* deletion_test.c: no znode goes before the evidence is complete, in pieces and with the marker last. */
#include "controller/brain/deletion.h"
#include "tests/unit/controller/brain/bench.h"

static void mark(struct bench *b, const char *name) {
    char path[100];
    snprintf(path, sizeof path, "/admin/delete_topics/%s", name);
    brain_world_put(&b->zk, path);
    struct bn_event e = {.kind = BN_EVENT_DELETE_MARKER, .u.name = name};
    bench_feed(b, &e);
}

static void confirm(struct bench *b, int32_t broker, int64_t epoch, const struct bn_uuid *id) {
    struct bn_event e = {.kind = BN_EVENT_REPLICAS_DELETED};
    e.u.replicas_deleted = (struct bn_event_replicas_deleted){9, broker, epoch, *id, NULL, 0};
    bench_feed(b, &e);
}

START_TEST(large_topics_go_in_pieces) {
    struct bench b;
    struct bn_str assignment;
    bench_init(&b, 1);
    bn_str_init(&assignment);
    for (int i = 0; i < 450; i++) bn_str_addf(&assignment, "%s%d:1", i ? " " : "", i);
    bench_create(&b, "large", assignment.ptr);
    struct bn_uuid id = bn_model_topic(b.model, "large")->id;
    mark(&b, "large");
    ck_assert_int_eq(b.pending.count, 0);
    confirm(&b, 1, bench_epoch(&b, 1), &id);
    int pieces = 0;
    while (b.pending.count) {
        ck_assert_int_le(b.pending.items[0].op_count, BN_OUTPUT_OPS_MAX);
        bool marker = b.pending.items[0].ops[b.pending.items[0].op_count - 1].kind == BN_OUTPUT_OP_DELETE_MARKER;
        ck_assert_int_eq(marker, brain_world_find(&b.zk, "/brokers/topics/large/partitions/449/state") == NULL ||
                                     b.pending.items[0].ops[0].partition > 300 ||
                                     b.pending.items[0].ops[0].partition < 0);
        bench_end(&b, true, false);
        pieces++;
    }
    ck_assert_int_ge(pieces, 5);
    ck_assert_ptr_null(brain_world_find(&b.zk, "/brokers/topics/large"));
    ck_assert_ptr_null(brain_world_find(&b.zk, "/admin/delete_topics/large"));
    ck_assert_ptr_null(bn_model_topic(b.model, "large"));
    bn_str_fini(&assignment);
    bench_fini(&b);
}
END_TEST

START_TEST(only_the_present_life_confirms) {
    struct bench b;
    bench_init(&b, 2);
    bench_create(&b, "t", "0:1,2");
    struct bn_uuid id = bn_model_topic(b.model, "t")->id;
    mark(&b, "t");
    confirm(&b, 1, bench_epoch(&b, 1), &id);
    confirm(&b, 2, bench_epoch(&b, 2) - 1, &id);
    ck_assert(bench_said(&b, "ack error 77"));
    ck_assert_int_eq(b.pending.count, 0);
    confirm(&b, 3, 1, &id);
    confirm(&b, 2, bench_epoch(&b, 2), &id);
    ck_assert_int_eq(b.pending.count, 1);
    bench_drain(&b);
    ck_assert_ptr_null(bn_model_topic(b.model, "t"));
    bench_fini(&b);
}
END_TEST

/* Nobody was ever told of it: there is nothing to confirm. */
START_TEST(a_topic_without_states_goes_at_once) {
    struct bench b;
    bench_init(&b, 1);
    bench_create(&b, "t", "0:7");
    mark(&b, "t");
    bench_drain(&b);
    ck_assert_ptr_null(bn_model_topic(b.model, "t"));
    ck_assert_ptr_null(brain_world_find(&b.zk, "/brokers/topics/t"));
    bench_fini(&b);
}
END_TEST

START_TEST(a_lost_piece_ends_in_a_purge) {
    struct bench b;
    bench_init(&b, 1);
    bench_create(&b, "t", "0:1 1:1");
    struct bn_uuid id = bn_model_topic(b.model, "t")->id;
    mark(&b, "t");
    confirm(&b, 1, bench_epoch(&b, 1), &id);
    bench_end(&b, true, true);
    ck_assert(bench_said(&b, "PURGE"));
    bench_drain(&b);
    ck_assert_ptr_null(bn_model_topic(b.model, "t"));
    bench_fini(&b);
}
END_TEST

Suite *deletion_suite(void);
Suite *deletion_suite(void) {
    Suite *s = suite_create("deletion");
    TCase *c = tcase_create("deletion");
    tcase_add_test(c, large_topics_go_in_pieces);
    tcase_add_test(c, only_the_present_life_confirms);
    tcase_add_test(c, a_topic_without_states_goes_at_once);
    tcase_add_test(c, a_lost_piece_ends_in_a_purge);
    suite_add_tcase(s, c);
    return s;
}
