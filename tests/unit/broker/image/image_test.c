/* image_test.c: images against a naive model. Random deltas (brokers, topics made, changed, removed and made again,
 * configs; whole or in pieces; resets) are applied to both and everything is compared through the public look-ups,
 * while older images must stay what they were. Then versions: what follows and what does not. */
#include "broker/image/image.h"

#include "tests/unit/broker/image/delta.h"

enum { BROKERS = 5, TOPICS = 6, PARTITIONS = 4, KEEP = 8 };

struct model {
    int64_t broker_epoch[BROKERS]; /* -1 = not there */
    struct model_topic {
        uint8_t id; /* 0 = not there */
        struct {
            bool told, moving;
            int32_t epoch;
            char replicas[4];
        } partitions[PARTITIONS];
        int32_t count;
    } topics[TOPICS];
    int config[TOPICS]; /* -1 = none */
};

static const char *topic_names[TOPICS] = {"a", "orders", "o.rders", "T_1", "x-y", "__consumer_offsets"};

static uint32_t rng(uint64_t *s) {
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return (uint32_t)(*s >> 20);
}

static void clear(struct model *m) {
    *m = (struct model){0};
    for (int i = 0; i < BROKERS; i++) m->broker_epoch[i] = -1;
    for (int i = 0; i < TOPICS; i++) m->config[i] = -1;
}

static void change_topic(struct model *m, struct delta *b, uint64_t *seed, int t, uint8_t *next_id) {
    struct model_topic *mt = &m->topics[t];
    if (mt->id && rng(seed) % 4 == 0) {
        delta_removed(b, topic_names[t], mt->id);
        *mt = (struct model_topic){0};
        if (rng(seed) % 2) return; /* else made again in the same delta */
    } else if (mt->id && rng(seed) % 16 == 0) {
        *mt = (struct model_topic){0}; /* replaced by another id, without a word */
    }
    if (!mt->id) mt->id = (*next_id)++;
    if (*next_id == 0) *next_id = 1;
    Bn__Topic *told = delta_topic(b, topic_names[t], mt->id);
    for (int32_t p = 0; p < PARTITIONS; p++) {
        if (rng(seed) % 3 == 0) continue;
        mt->partitions[p].told = true;
        mt->partitions[p].epoch = (int32_t)(rng(seed) % 100);
        int n = 1 + (int)(rng(seed) % 3);
        for (int i = 0; i < n; i++) mt->partitions[p].replicas[i] = (char)('0' + (i + p) % BROKERS);
        mt->partitions[p].replicas[n] = '\0';
        Bn__Partition *x = delta_partition(b, told, p, mt->partitions[p].epoch, mt->partitions[p].replicas);
        mt->partitions[p].moving = rng(seed) % 4 == 0;
        if (mt->partitions[p].moving) { /* a new one at the end for the first two */
            x->n_adding = 1;
            x->adding = x->replicas + n - 1;
            x->n_removing = (size_t)bn_min_i64(n, 2);
            x->removing = x->replicas;
        }
        if (p >= mt->count) mt->count = p + 1;
    }
}

static void change(struct model *m, struct delta *b, uint64_t *seed, uint8_t *next_id) {
    for (int i = 0; i < BROKERS; i++) {
        uint32_t what = rng(seed) % 6;
        if (what == 0) {
            m->broker_epoch[i] = rng(seed);
            delta_broker(b, i, m->broker_epoch[i]);
        } else if (what == 1) {
            m->broker_epoch[i] = -1;
            delta_remove_broker(b, i);
        }
    }
    for (int t = 0; t < TOPICS; t++) {
        if (rng(seed) % 3 == 0) change_topic(m, b, seed, t, next_id);
        uint32_t what = rng(seed) % 8;
        if (what > 1) continue;
        m->config[t] = what ? (int)(rng(seed) % 1000) : -1;
        char value[16];
        snprintf(value, sizeof value, "%d", m->config[t]);
        delta_config(b, "topics", topic_names[t], what ? value : NULL);
    }
}

static void compare_topic(const struct bn_image *i, const struct model_topic *mt, const char *name) {
    struct bn_image_topic *t = bn_image_topic(i, bn_slice_str(name));
    if (!mt->id) {
        ck_assert_ptr_null(t);
        return;
    }
    ck_assert_ptr_nonnull(t);
    ck_assert_str_eq(t->name, name);
    ck_assert_int_eq(t->id.bytes[7], mt->id);
    ck_assert_ptr_eq(bn_image_topic_by_id(i, &t->id), t);
    ck_assert_int_eq(t->partition_count, mt->count);
    ck_assert_ptr_null(bn_image_partition(t, mt->count));
    ck_assert_ptr_null(bn_image_partition(t, -1));
    for (int32_t p = 0; p < mt->count; p++) {
        const struct bn_image_partition *ip = bn_image_partition(t, p);
        ck_assert_int_eq(ip->index, p);
        size_t n = mt->partitions[p].told ? strlen(mt->partitions[p].replicas) : 0;
        ck_assert_int_eq(ip->replica_count, (int)n);
        ck_assert_int_eq(ip->isr_count, (int)n);
        ck_assert_int_eq(ip->leader, n ? mt->partitions[p].replicas[0] - '0' : -1);
        ck_assert_int_eq(ip->leader_epoch, n ? mt->partitions[p].epoch : 0);
        size_t moving = mt->partitions[p].moving;
        ck_assert_int_eq(ip->adding_count, (int)moving);
        ck_assert_int_eq(ip->removing_count, moving ? (int)bn_min_i64((int64_t)n, 2) : 0);
        if (moving) ck_assert_int_eq(ip->adding[0], ip->replicas[n - 1]);
        for (int r = 0; r < ip->removing_count; r++) ck_assert_int_eq(ip->removing[r], ip->replicas[r]);
        for (size_t r = 0; r < n; r++) {
            ck_assert_int_eq(ip->replicas[r], mt->partitions[p].replicas[r] - '0');
            ck_assert_int_eq(ip->isr[r], ip->replicas[r]);
            ck_assert(bn_image_has_replica(ip, ip->replicas[r]));
        }
    }
}

static void compare(const struct bn_image *i, const struct model *m) {
    int live = 0, topics = 0, configs = 0;
    for (int b = 0; b < BROKERS; b++) {
        const struct bn_image_broker *ib = bn_image_broker(i, b);
        ck_assert_int_eq(ib != NULL, m->broker_epoch[b] >= 0);
        if (!ib) continue;
        live++;
        ck_assert_int_eq(ib->epoch, m->broker_epoch[b]);
        ck_assert_int_eq(bn_image_endpoint(ib, "PLAINTEXT")->port, 9092 + b);
        ck_assert_ptr_null(bn_image_endpoint(ib, "SSL"));
    }
    ck_assert_int_eq(i->broker_count, live);
    for (int b = 1; b < live; b++) ck_assert_int_lt(i->brokers[b - 1]->id, i->brokers[b]->id);
    for (int t = 0; t < TOPICS; t++) {
        compare_topic(i, &m->topics[t], topic_names[t]);
        topics += m->topics[t].id != 0;
        const struct bn_image_config *c = bn_image_config(i, "topics", bn_slice_str(topic_names[t]));
        ck_assert_int_eq(c != NULL, m->config[t] >= 0);
        if (!c) continue;
        configs++;
        char value[16];
        snprintf(value, sizeof value, "%d", m->config[t]);
        ck_assert_str_eq(c->values[0], value);
        ck_assert_str_eq(c->name, topic_names[t]);
        ck_assert_str_eq(c->type, "topics");
    }
    ck_assert_uint_eq(i->by_name.count, (size_t)topics);
    ck_assert_uint_eq(i->by_id.count, (size_t)topics);
    ck_assert_uint_eq(i->configs.count, (size_t)configs);
}

START_TEST(random_deltas_against_model) {
    uint64_t seed = 0x9e3779b97f4a7c15u + (uint64_t)_i * 7919;
    struct model model, kept_models[KEEP];
    struct bn_image *image = NULL, *kept[KEEP] = {0};
    uint8_t next_id = 1;
    int64_t sequence = 0;
    clear(&model);
    for (int step = 0; step < 300; step++) {
        bool reset = !image || rng(&seed) % 20 == 0;
        if (reset) clear(&model);
        sequence = reset ? (int64_t)(rng(&seed) % 1000) : sequence + 1;
        int pieces = rng(&seed) % 4 == 0 ? 3 : 1;
        for (int piece = 0; piece < pieces; piece++) {
            struct delta b;
            delta_init(&b, 3, sequence, reset && piece == 0);
            b.d->more = piece + 1 < pieces;
            b.d->for_incarnation = 12;
            change(&model, &b, &seed, &next_id);
            struct bn_image *next = NULL;
            struct bn_err e = BN_ERR_NONE;
            int rc = bn_image_apply(image, b.d, &next, &e);
            ck_assert_msg(rc == 0, "%s", e.text);
            ck_assert_int_eq(next->partial, piece + 1 < pieces);
            ck_assert_int_eq(next->for_incarnation, 12);
            delta_fini(&b); /* nothing of it is borrowed */
            bn_image_unref(image);
            image = next;
            compare(image, &model);
        }
        int slot = step % KEEP;
        if (kept[slot]) compare(kept[slot], &kept_models[slot]); /* immutable */
        bn_image_unref(kept[slot]);
        bn_image_ref(image);
        kept[slot] = image;
        kept_models[slot] = model;
    }
    for (int k = 0; k < KEEP; k++) bn_image_unref(kept[k]);
    bn_image_unref(image);
}
END_TEST

static int apply_version(struct bn_image **image, int32_t epoch, int64_t sequence, bool reset, bool more) {
    struct delta b;
    delta_init(&b, epoch, sequence, reset);
    b.d->more = more;
    struct bn_image *next = NULL;
    struct bn_err e = BN_ERR_NONE;
    int rc = bn_image_apply(*image, b.d, &next, &e);
    delta_fini(&b);
    if (rc) return rc;
    bn_image_unref(*image);
    *image = next;
    return 0;
}

START_TEST(versions) {
    struct bn_image *i = NULL;
    ck_assert_int_eq(apply_version(&i, 2, 5, false, false), BN_STALE); /* a stream must start from nothing */
    static const struct {
        int32_t epoch;
        int64_t sequence;
        bool reset, more;
        int expected;
    } rows[] = {
        {2, 5, true, false, 0},         {2, 6, false, false, 0},
        {2, 6, false, false, BN_STALE}, /* again */
        {2, 8, false, false, BN_STALE}, /* a gap */
        {1, 7, false, false, BN_STALE}, /* an older controller */
        {3, 7, false, false, BN_STALE}, /* a newer one must reset */
        {1, 7, true, false, BN_STALE},  {2, 7, false, true, 0},
        {2, 8, false, false, BN_STALE}, /* the pieces of 7 are not complete */
        {2, 7, false, true, 0},         {2, 7, false, false, 0},
        {2, 8, false, false, 0},        {2, 3, true, true, 0}, /* a new stream of the same controller may be anywhere */
        {2, 3, true, false, 0},                                /* and begin again in the middle */
        {4, 0, true, false, 0},         {4, 1, false, false, 0},
    };
    for (size_t r = 0; r < BN_ARRAY_LEN(rows); r++) {
        int rc = apply_version(&i, rows[r].epoch, rows[r].sequence, rows[r].reset, rows[r].more);
        ck_assert_msg(rc == rows[r].expected, "row %zu: %d", r, rc);
    }
    bn_image_unref(i);
}
END_TEST

START_TEST(unchanged_topics_are_shared) {
    struct delta b;
    delta_init(&b, 1, 0, true);
    delta_partition(&b, delta_topic(&b, "a", 1), 0, 0, "12");
    delta_partition(&b, delta_topic(&b, "b", 2), 0, 0, "12");
    struct bn_image *one = NULL, *two = NULL;
    ck_assert_int_eq(bn_image_apply(NULL, b.d, &one, NULL), 0);
    delta_fini(&b);
    delta_init(&b, 1, 1, false);
    delta_partition(&b, delta_topic(&b, "a", 1), 0, 1, "21");
    ck_assert_int_eq(bn_image_apply(one, b.d, &two, NULL), 0);
    delta_fini(&b);
    ck_assert_ptr_eq(bn_image_topic(one, BN_SLICE_LIT("b")), bn_image_topic(two, BN_SLICE_LIT("b")));
    ck_assert_ptr_ne(bn_image_topic(one, BN_SLICE_LIT("a")), bn_image_topic(two, BN_SLICE_LIT("a")));
    bn_image_unref(one);
    ck_assert_int_eq(bn_image_topic(two, BN_SLICE_LIT("b"))->partitions[0].replicas[1], 2);
    bn_image_unref(two);
}
END_TEST

Suite *image_suite(void);
Suite *image_suite(void) {
    Suite *s = suite_create("image");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 30);
    tcase_add_loop_test(t, random_deltas_against_model, 0, 12);
    tcase_add_test(t, versions);
    tcase_add_test(t, unchanged_topics_are_shared);
    suite_add_tcase(s, t);
    return s;
}
