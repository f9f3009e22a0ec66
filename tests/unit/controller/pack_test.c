/* pack_test.c: deltas of any size arrive whole: cut into pieces, packed, unpacked and applied, the image has
 * everything, no piece is too large, and the evidence is in the last. */
#include "controller/pack.h"

#include "broker/image/image.h"
#include "common/base/alloc.h"
#include "tests/unit/unit.h"

struct receiver {
    struct bn_image *image;
    int pieces;
    bool ended;
    size_t removed_in_last;
};

static void take(void *arg, const Bn__ImageDelta *piece) {
    struct receiver *r = arg;
    size_t size = bn__image_delta__get_packed_size(piece);
    ck_assert(!r->ended);
    ck_assert_uint_le(size, BN_PACK_PIECE_MAX + 100000);
    uint8_t *bytes = bn_alloc(size);
    bn__image_delta__pack(piece, bytes);
    Bn__ImageDelta *m = bn__image_delta__unpack(NULL, size, bytes);
    ck_assert_ptr_nonnull(m);
    struct bn_image *next = NULL;
    struct bn_err e = BN_ERR_NONE;
    ck_assert_msg(bn_image_apply(r->image, m, &next, &e) == 0, "%s", e.text);
    bn_image_unref(r->image);
    r->image = next;
    r->pieces++;
    r->ended = !m->more;
    r->removed_in_last = m->n_removed_topics;
    ck_assert(m->more ? m->n_removed_topics == 0 : true);
    bn__image_delta__free_unpacked(m, NULL);
    bn_alloc_free(bytes);
}

static const struct {
    int32_t topics, partitions, brokers, configs, removed;
    int pieces_min;
} rows[] = {
    {0, 0, 0, 0, 0, 1},     {1, 1, 1, 1, 1, 1},       {3, 0, 2, 0, 0, 1},
    {1, 60000, 3, 1, 2, 2}, {500, 300, 5, 500, 3, 2}, {2, 2000, 1, 0, 0, 1},
};

START_TEST(whole) {
    static const int32_t ids[] = {1, 2, 3};
    struct bn_output_topic *topics = bn_alloc_zero((size_t)rows[_i].topics, sizeof *topics);
    struct bn_fact_broker *brokers = bn_alloc_zero((size_t)rows[_i].brokers, sizeof *brokers);
    struct bn_fact_config *configs = bn_alloc_zero((size_t)rows[_i].configs, sizeof *configs);
    struct bn_output_removed *removed = bn_alloc_zero((size_t)rows[_i].removed, sizeof *removed);
    struct bn_fact_endpoint endpoint = {"PLAINTEXT", "PLAINTEXT", "h", 1};
    struct bn_fact_pair pair = {"k", "v"};
    char(*names)[24] = bn_alloc_zero(2000, sizeof *names);
    for (int32_t i = 0; i < 2000; i++) snprintf(names[i], sizeof *names, "topic-%d", i);
    for (int32_t i = 0; i < rows[_i].topics; i++) {
        struct bn_output_partition *ps = bn_alloc_zero((size_t)rows[_i].partitions, sizeof *ps);
        for (int32_t p = 0; p < rows[_i].partitions; p++) {
            ps[p].fact = (struct bn_fact_partition){.index = p, .replicas = {ids, 3}, .has_state = true};
            ps[p].fact.state = (struct bn_fact_state){
                .leader = p % 3, .leader_epoch = p, .version = p, .isr = {ids, 2}};
        }
        topics[i] = (struct bn_output_topic){names[i], {{1, (uint8_t)i, (uint8_t)(i >> 8)}}, ps, rows[_i].partitions};
    }
    for (int32_t i = 0; i < rows[_i].brokers; i++) brokers[i] = (struct bn_fact_broker){i, i, i, NULL, &endpoint, 1};
    for (int32_t i = 0; i < rows[_i].configs; i++) configs[i] = (struct bn_fact_config){"topics", names[i], &pair, 1};
    for (int32_t i = 0; i < rows[_i].removed; i++)
        removed[i] = (struct bn_output_removed){names[1000 + i], {{9, (uint8_t)i}}, 1};
    struct bn_output_delta d = {.reset = true,
                                .controller_epoch = 3,
                                .sequence = 5,
                                .for_incarnation = 8,
                                .cluster_id = "c",
                                .brokers = brokers,
                                .broker_count = rows[_i].brokers,
                                .topics = topics,
                                .topic_count = rows[_i].topics,
                                .configs = configs,
                                .config_count = rows[_i].configs,
                                .removed_topics = removed,
                                .removed_topic_count = rows[_i].removed};
    struct receiver r = {0};
    bn_pack_delta(&d, take, &r);
    ck_assert(r.ended);
    ck_assert_int_ge(r.pieces, rows[_i].pieces_min);
    ck_assert_uint_eq(r.removed_in_last, (size_t)rows[_i].removed);
    ck_assert_uint_eq(r.image->by_name.count, (size_t)rows[_i].topics);
    ck_assert_uint_eq(r.image->configs.count, (size_t)rows[_i].configs);
    ck_assert_int_eq(r.image->broker_count, rows[_i].brokers);
    ck_assert_int_eq(r.image->for_incarnation, 8);
    for (int32_t i = 0; i < rows[_i].topics; i++) {
        const struct bn_image_topic *t = bn_image_topic(r.image, bn_slice_str(names[i]));
        ck_assert_int_eq(t->partition_count, rows[_i].partitions);
        for (int32_t p = 0; p < t->partition_count; p++) {
            ck_assert_int_eq(t->partitions[p].leader_epoch, p);
            ck_assert_int_eq(t->partitions[p].replica_count, 3);
        }
        bn_alloc_free((void *)(uintptr_t)topics[i].partitions);
    }
    bn_image_unref(r.image);
    bn_alloc_free(topics);
    bn_alloc_free(brokers);
    bn_alloc_free(configs);
    bn_alloc_free(removed);
    bn_alloc_free(names);
}
END_TEST

Suite *pack_suite(void);
Suite *pack_suite(void) {
    Suite *s = suite_create("pack");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 30);
    tcase_add_loop_test(t, whole, 0, (int)BN_ARRAY_LEN(rows));
    suite_add_tcase(s, t);
    return s;
}
