/* model_state_test.c: states are copied and compared in every field. */
#include "tests/unit/controller/brain/bench.h"

START_TEST(every_field_counts) {
    static const int32_t ISR[] = {2, 5}, TURNED[] = {5, 2}, ELR[] = {7};
    struct bn_fact_state fact = {.version = 1,
                                 .leader = 2,
                                 .leader_epoch = 3,
                                 .controller_epoch = 4,
                                 .isr = {ISR, 2},
                                 .recovering = true,
                                 .elr = {ELR, 1}};
    struct bn_model_state own = {.version = 0};
    bn_model_state_set(&own, &fact);
    ck_assert(bn_model_state_eq(&own, &fact));
    struct bn_fact_state again = bn_model_state_fact(&own);
    ck_assert(bn_model_state_eq(&own, &again));
    for (int i = 0; i < 7; i++) {
        struct bn_fact_state other = fact;
        if (i == 0) other.version++;
        if (i == 1) other.leader++;
        if (i == 2) other.leader_epoch++;
        if (i == 3) other.controller_epoch++;
        if (i == 4) other.isr.ids = TURNED;
        if (i == 5) other.recovering = false;
        if (i == 6) other.elr.count = 0;
        ck_assert_msg(!bn_model_state_eq(&own, &other), "field %d", i);
    }
    bn_model_state_free(&own);
}
END_TEST

Suite *model_state_suite(void);
Suite *model_state_suite(void) {
    Suite *s = suite_create("model_state");
    TCase *c = tcase_create("model_state");
    tcase_add_test(c, every_field_counts);
    suite_add_tcase(s, c);
    return s;
}
