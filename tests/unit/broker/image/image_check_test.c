/* image_check_test.c: hostile deltas are refused as a whole, and leave the image that they were for as it was. */
#include "broker/image/image.h"
#include "broker/image/image_int.h"
#include "common/base/alloc.h"
#include "tests/unit/broker/image/delta.h"

static Bn__Partition *one(struct delta *b) { return delta_partition(b, delta_topic(b, "t", 9), 0, 0, "12"); }

static void fine(struct delta *b) { one(b); }
static void negative_sequence(struct delta *b) { b->d->sequence = -1; }
static void negative_epoch(struct delta *b) { b->d->controller_epoch = -1; }
static void no_name(struct delta *b) { delta_topic(b, "", 1); }
static void dots(struct delta *b) { delta_topic(b, "..", 1); }
static void slash(struct delta *b) { delta_topic(b, "a/b", 1); }
static void long_name(struct delta *b) {
    char name[251];
    memset(name, 'n', 250);
    name[250] = '\0';
    delta_topic(b, name, 1);
}
static void short_id(struct delta *b) { delta_topic(b, "t", 1)->id.len = 15; }
static void no_id(struct delta *b) { delta_topic(b, "t", 1)->id = (ProtobufCBinaryData){0, NULL}; }
static void twice(struct delta *b) {
    delta_topic(b, "t", 1);
    delta_topic(b, "t", 2);
}
static void id_twice(struct delta *b) {
    delta_topic(b, "t", 1);
    delta_topic(b, "u", 1);
}
static void removed_without_id(struct delta *b) {
    delta_removed(b, "t", 1);
    b->d->removed_topics[0]->id.len = 0;
}
static void negative_index(struct delta *b) { one(b)->index = -1; }
static void huge_index(struct delta *b) { one(b)->index = INT32_MAX; }
static void holes(struct delta *b) { /* each alone would do, together they take too much room */
    for (uint8_t i = 1; i < 20; i++) {
        char name[8];
        snprintf(name, sizeof name, "t%d", i);
        delta_partition(b, delta_topic(b, name, i), 20000, 0, "1");
    }
}
static void no_such_leader(struct delta *b) { one(b)->leader = -2; }
static void negative_leader_epoch(struct delta *b) { one(b)->leader_epoch = -1; }
static void negative_replica(struct delta *b) { one(b)->replicas[1] = -7; }
static void replica_twice(struct delta *b) { one(b)->replicas[1] = 1; }
static void many_replicas(struct delta *b) {
    Bn__Partition *p = one(b);
    p->n_replicas = BN_IMAGE_REPLICAS_MAX + 1;
    p->replicas = delta_take(b, p->n_replicas * sizeof *p->replicas);
    for (size_t i = 0; i < p->n_replicas; i++) p->replicas[i] = (int32_t)i;
}
static void negative_broker(struct delta *b) { delta_broker(b, -1, 0); }
static void broker_twice(struct delta *b) {
    delta_broker(b, 1, 0);
    delta_broker(b, 1, 0);
}
static void bad_port(struct delta *b) { delta_broker(b, 1, 0)->endpoints[0]->port = 65536; }
static void nameless_listener(struct delta *b) { delta_broker(b, 1, 0)->endpoints[0]->listener = (char *)""; }
static void config_type(struct delta *b) { delta_config(b, "to/pics", "t", "1"); }
static void config_name(struct delta *b) { delta_config(b, "topics", "", "1"); }
static void config_key(struct delta *b) { delta_config(b, "topics", "t", "1")->entries[0]->name = (char *)""; }

static const struct {
    void (*make)(struct delta *b);
    int expected;
} rows[] = {
    {fine, BN_OK},
    {negative_sequence, BN_BAD},
    {negative_epoch, BN_BAD},
    {no_name, BN_BAD},
    {dots, BN_BAD},
    {slash, BN_BAD},
    {long_name, BN_BAD},
    {short_id, BN_BAD},
    {no_id, BN_BAD},
    {twice, BN_BAD},
    {id_twice, BN_BAD},
    {removed_without_id, BN_BAD},
    {negative_index, BN_BAD},
    {huge_index, BN_BAD},
    {holes, BN_BAD},
    {no_such_leader, BN_BAD},
    {negative_leader_epoch, BN_BAD},
    {negative_replica, BN_BAD},
    {replica_twice, BN_BAD},
    {many_replicas, BN_BAD},
    {negative_broker, BN_BAD},
    {broker_twice, BN_BAD},
    {bad_port, BN_BAD},
    {nameless_listener, BN_BAD},
    {config_type, BN_BAD},
    {config_name, BN_BAD},
    {config_key, BN_BAD},
};

START_TEST(refused_as_a_whole) {
    struct delta b;
    delta_init(&b, 1, 0, true);
    delta_partition(&b, delta_topic(&b, "before", 100), 0, 0, "12");
    struct bn_image *before = NULL, *after = NULL;
    ck_assert_int_eq(bn_image_apply(NULL, b.d, &before, NULL), 0);
    delta_fini(&b);
    delta_init(&b, 1, 1, false);
    delta_broker(&b, 77, 1);
    rows[_i].make(&b);
    struct bn_err e = BN_ERR_NONE;
    int rc = bn_image_apply(before, b.d, &after, &e);
    ck_assert_msg(rc == rows[_i].expected, "row %d: %d %s", _i, rc, e.text);
    ck_assert_int_eq(e.code, rc);
    ck_assert_int_eq(after != NULL, rc == BN_OK);
    ck_assert_ptr_null(bn_image_broker(before, 77));
    ck_assert_uint_eq(before->by_name.count, 1);
    delta_fini(&b);
    bn_image_unref(after);
    bn_image_unref(before);
}
END_TEST

START_TEST(one_high_partition_of_a_known_topic_is_no_hole) {
    struct delta b;
    delta_init(&b, 1, 0, true);
    delta_partition(&b, delta_topic(&b, "big", 1), 200000, 0, "1");
    struct bn_image *i = NULL, *next = NULL;
    ck_assert_int_eq(bn_image_apply(NULL, b.d, &i, NULL), 0);
    delta_fini(&b);
    for (int64_t n = 1; n < 4; n++) {
        delta_init(&b, 1, n, false);
        delta_partition(&b, delta_topic(&b, "big", 1), 200000, (int32_t)n, "1");
        delta_partition(&b, delta_topic(&b, "other", 2), 100000, (int32_t)n, "1");
        ck_assert_int_eq(bn_image_apply(i, b.d, &next, NULL), 0);
        delta_fini(&b);
        bn_image_unref(i);
        i = next;
    }
    bn_image_unref(i);
}
END_TEST

Suite *image_check_suite(void);
Suite *image_check_suite(void) {
    Suite *s = suite_create("image_check");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, refused_as_a_whole, 0, (int)BN_ARRAY_LEN(rows));
    tcase_add_test(t, one_high_partition_of_a_known_topic_is_no_hole);
    suite_add_tcase(s, t);
    return s;
}
