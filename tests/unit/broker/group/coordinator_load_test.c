/* coordinator_load_test.c: goal: whoever takes over knows what was committed and who is in a group, and answers nothing
 * before. */
#include "proto/kafka/errors.h"
#include "tests/unit/broker/group/office.h"
#include "tests/unit/unit.h"

Suite *coordinator_load_suite(void);

struct found {
    int64_t offset;
    int32_t generation, size;
};

static bool find(struct office *o, void *arg) {
    struct found *f = arg;
    const struct bn_offsets *offsets = NULL;
    const struct bn_group *group = NULL;
    ck_assert_int_eq(bn_coordinator_offsets(o->coordinator, 0, BN_SLICE_LIT("g"), &offsets), KE_NONE);
    ck_assert_int_eq(bn_coordinator_group(o->coordinator, 0, BN_SLICE_LIT("g"), &group), KE_NONE);
    const struct bn_offsets_entry *e = offsets ? bn_offsets_get(offsets, BN_SLICE_LIT("t"), 0) : NULL;
    f->offset = e ? e->committed.offset : -1;
    f->generation = group ? bn_group_generation(group) : -1;
    f->size = group ? bn_group_size(group) : -1;
    return true;
}

START_TEST(test_takes_over) {
    struct office o;
    struct office_commitment c;
    struct office_join j;
    struct office_sync s;
    struct found f;
    office_open(&o);
    office_lead(&o, 4);
    office_await_loaded(&o);
    for (int64_t offset = 1; offset <= 20; offset++) office_offset(&o, &c, "g", offset);
    office_join(&o, &j, "g", "");
    office_turn(&o);
    office_sync(&o, &s, "g", &j);
    office_turn(&o);
    ck_assert_int_eq(s.answers, 1);
    office_lead(&o, -1);
    office_lead(&o, 6);
    office_await_loaded(&o);
    office_until(&o, find, &f);
    ck_assert_int_eq(f.offset, 20);
    ck_assert_int_eq(f.generation, j.generation);
    ck_assert_int_eq(f.size, 1);
    office_close(&o);
}
END_TEST

static bool is_loading(struct office *o, void *arg) {
    const struct bn_group *g;
    return bn_coordinator_group(o->coordinator, 0, BN_SLICE_LIT("g"), &g) == KE_COORDINATOR_LOAD_IN_PROGRESS;
}

/* Until the watermark has passed what stood in the log at the election nothing is answered: a second failover could
 * otherwise move an offset back. */
START_TEST(test_waits_for_the_watermark) {
    struct office o;
    struct office_commitment c;
    struct found f;
    office_open(&o);
    office_lead(&o, 4);
    office_await_loaded(&o);
    office_offset(&o, &c, "g", 1);
    o.roster.partition.hold = true;
    office_offset(&o, &c, "g", 2);
    office_lead(&o, -1);
    o.roster.partition.epoch_start = o.roster.partition.end;
    office_lead(&o, 6);
    for (int i = 0; i < 20; i++) office_turn(&o);
    office_until(&o, is_loading, NULL);
    office_commit(&o);
    office_await_loaded(&o);
    office_until(&o, find, &f);
    ck_assert_int_eq(f.offset, 2);
    office_close(&o);
}
END_TEST

Suite *coordinator_load_suite(void) {
    Suite *s = suite_create("coordinator_load");
    TCase *t = tcase_create("coordinator_load");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_takes_over);
    tcase_add_test(t, test_waits_for_the_watermark);
    suite_add_tcase(s, t);
    return s;
}
