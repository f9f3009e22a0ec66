/* place_test.c: replica placement is Kafka's, with and without racks. */
#include "controller/brain/place.h"
#include "tests/unit/unit.h"

static void check(const struct bn_place_request *r, const int32_t *want) {
    int32_t got[64];
    bn_place_assign(r, got);
    for (int32_t i = 0; i < r->partition_count * r->replication_factor; i++) ck_assert_int_eq(got[i], want[i]);
}

/* The example in the comment of Kafka's AdminUtils: 10 partitions, 5 brokers, 3 replicas, from 0 without shift. */
START_TEST(without_racks) {
    static const struct bn_place_broker BROKERS[] = {
        {0, NULL}, {1, NULL}, {2, NULL}, {3, "only this one has"}, {4, NULL}};
    static const int32_t WANT[] = {0, 1, 2, 1, 2, 3, 2, 3, 4, 3, 4, 0, 4, 0, 1,
                                   0, 2, 3, 1, 3, 4, 2, 4, 0, 3, 0, 1, 4, 1, 2};
    check(&(struct bn_place_request){BROKERS, 5, 0, 10, 3, 0, 0}, WANT);
}
END_TEST

/* The example with racks: 0 and 3 share one, 2 and 4, 1 and 5; six partitions. */
START_TEST(with_racks) {
    static const struct bn_place_broker BROKERS[] = {{0, "rack1"}, {1, "rack3"}, {2, "rack3"},
                                                     {3, "rack2"}, {4, "rack2"}, {5, "rack1"}};
    static const int32_t WANT[] = {0, 3, 1, 3, 1, 5, 1, 5, 4, 5, 4, 2, 4, 2, 0, 2, 0, 3};
    check(&(struct bn_place_request){BROKERS, 6, 0, 6, 3, 0, 0}, WANT);
}
END_TEST

/* Whatever is drawn: replicas are distinct, leaders are spread evenly, and a rack repeats only when all are used. */
START_TEST(properties) {
    static const char *const RACKS[] = {"a", "b", "c"};
    for (int32_t n = 1; n <= 9; n++) {
        struct bn_place_broker brokers[9];
        for (int32_t i = 0; i < n; i++) brokers[i] = (struct bn_place_broker){10 + i, RACKS[(i * 7) % 3]};
        for (int32_t factor = 1; factor <= n; factor++) {
            int32_t out[9 * 2 * 9], leads[9] = {0};
            struct bn_place_request r = {brokers, n, 0, n * 2, factor, n - 1, n / 2};
            bn_place_assign(&r, out);
            for (int32_t p = 0; p < n * 2; p++) {
                int used[3] = {0}, racks = 0;
                leads[out[p * factor] - 10]++;
                for (int32_t i = 0; i < factor; i++) {
                    for (int32_t j = 0; j < i; j++) ck_assert_int_ne(out[p * factor + i], out[p * factor + j]);
                    racks += used[((out[p * factor + i] - 10) * 7) % 3]++ == 0;
                }
                int32_t available = n < 3 ? n : 3;
                ck_assert_int_eq(racks, factor < available ? factor : available);
            }
            for (int32_t i = 0; i < n; i++) ck_assert_int_eq(leads[i], 2);
        }
    }
}
END_TEST

Suite *place_suite(void);
Suite *place_suite(void) {
    Suite *s = suite_create("place");
    TCase *c = tcase_create("place");
    tcase_add_test(c, without_racks);
    tcase_add_test(c, with_racks);
    tcase_add_test(c, properties);
    suite_add_tcase(s, c);
    return s;
}
