/* compact_pass_test.c: goal: a pass that is called off leaves nothing behind, one that would change nothing writes
 * nothing, one whose rate is bounded takes its time, and transactions whose end is not known are not decided. The model
 * of what is left of a log is compact_test.c's. */
#include "broker/log/compact_pass.h"

#include "broker/log/log_int.h"
#include "tests/unit/broker/log/world.h"
#include "tests/unit/unit.h"

struct fixture {
    struct world w;
    struct bn_compact_pass pass;
    atomic_bool called_off;
};

static void open_log(struct fixture *f) {
    world_init(&f->w);
    f->w.open.config.segment_bytes = 600;
    f->w.open.config.compact = true;
    world_open(&f->w, false, 0);
}

/* A pass over all but the active segment. */
static void begin(struct fixture *f) {
    const struct bn_log *l = f->w.log;
    uint32_t n = l->segment_count - 1;
    ck_assert_uint_gt(n, 1);
    f->called_off = false;
    f->pass = (struct bn_compact_pass){
        .clock = &f->w.clock,
        .place = {.disk = f->w.disk, .dir = bn_alloc_strdup("/data/t-0")},
        .segments = bn_alloc_zero(n, sizeof *f->pass.segments),
        .count = n,
        .room = {600, 1 << 20, 4096},
        .upto = l->segments[n]->base_offset,
        .map_bytes = 1 << 16,
        .map_load = 0.9,
        .buffer_bytes = 4096,
        .called_off = &f->called_off,
    };
    for (uint32_t i = 0; i < n; i++)
        f->pass.segments[i] = (struct bn_compact_plan_segment){
            l->segments[i]->base_offset, l->segments[i + 1]->base_offset, l->segments[i]->size, -1, -1};
    bn_compact_sift_init(&f->pass.sift);
}

static void fini(struct fixture *f) {
    bn_compact_pass_fini(&f->pass);
    world_fini(&f->w);
}

static void put(struct fixture *f, int count, int64_t producer_id, int32_t sequence, int16_t attributes) {
    struct batch_spec s = {.count = count,
                           .value_bytes = 50,
                           .timestamp = 1000,
                           .producer_id = producer_id,
                           .sequence = sequence,
                           .attributes = attributes};
    ck_assert_int_eq(world_append(&f->w, &s).error, KE_NONE);
}

START_TEST(test_called_off) {
    struct fixture f;
    struct bn_err e = BN_ERR_NONE;
    open_log(&f);
    for (int i = 0; i < 20; i++) put(&f, 2, 0, 0, 0);
    begin(&f);
    f.called_off = true;
    ck_assert_int_eq(bn_compact_pass_index(&f.pass, &e), BN_STALE);
    f.called_off = false;
    bn_compact_map_fini(&f.pass.map);
    ck_assert_int_eq(bn_compact_pass_index(&f.pass, &e), 0);
    f.called_off = true;
    ck_assert_int_eq(bn_compact_pass_write(&f.pass, &e), BN_STALE);
    ck_assert(!world_exists(&f.w, "/data/t-0/00000000000000000000.log.cleaned"));
    fini(&f);
}
END_TEST

START_TEST(test_unchanged) {
    struct fixture f;
    struct bn_err e = BN_ERR_NONE;
    open_log(&f);
    for (int i = 0; i < 20; i++) put(&f, 2, 0, 0, 0);
    begin(&f);
    f.pass.dirty_from = f.pass.segments[f.pass.count - 1].base; /* the last one's own records */
    f.pass.count--;                                             /* and without it: nothing is known of any key */
    f.pass.dirty_from = f.pass.upto;
    f.pass.room.segment_bytes = 1;
    ck_assert_int_eq(bn_compact_pass_index(&f.pass, &e), 0);
    while (!bn_compact_pass_over(&f.pass)) {
        ck_assert_int_eq(bn_compact_pass_write(&f.pass, &e), 0);
        ck_assert(!f.pass.changed);
    }
    ck_assert_int_eq(f.pass.bytes_before, f.pass.bytes_after);
    ck_assert(!world_exists(&f.w, "/data/t-0/00000000000000000000.log.cleaned"));
    fini(&f);
}
END_TEST

/* A producer's transaction begins in the second segment and does not end. */
START_TEST(test_undecided) {
    struct fixture f;
    struct bn_err e = BN_ERR_NONE;
    open_log(&f);
    for (int i = 0; i < 6; i++) put(&f, 2, 0, 0, 0);
    put(&f, 1, 9, 0, BN_BATCH_TRANSACTIONAL);
    for (int i = 0; i < 12; i++) put(&f, 2, 0, 0, 0);
    begin(&f);
    ck_assert_int_eq(bn_compact_pass_index(&f.pass, &e), 0);
    ck_assert_int_eq(f.pass.end, 12);
    ck_assert_uint_eq(f.pass.aborted_count, 0);
    while (!bn_compact_pass_over(&f.pass)) {
        ck_assert_int_eq(bn_compact_pass_write(&f.pass, &e), 0);
        if (f.pass.changed) ck_assert_int_eq(bn_compact_pass_swap(&f.pass, &e), 0);
    }
    fini(&f);
}
END_TEST

static int64_t ticking(const struct bn_clock *c) { return BN_CONTAINER_OF(c, struct world, clock)->now_ms; }
static uint64_t ticking_mono(const struct bn_clock *c) {
    return (uint64_t)BN_CONTAINER_OF((struct bn_clock *)(uintptr_t)c, struct world, clock)->now_ms++;
}

/* The clock of this test goes on by 1 ms whenever it is asked. */
START_TEST(test_rate) {
    struct fixture f;
    struct bn_err e = BN_ERR_NONE;
    open_log(&f);
    for (int i = 0; i < 20; i++) put(&f, 2, 0, 0, 0);
    begin(&f);
    f.w.clock = (struct bn_clock){.mono_ms = ticking_mono, .wall_ms = ticking};
    f.pass.bytes_per_second = 200000;
    ck_assert_int_eq(bn_compact_pass_index(&f.pass, &e), 0);
    ck_assert_int_ge((int64_t)(f.w.clock.mono_ms(&f.w.clock) - f.pass.started_ms), f.pass.bytes_read * 1000 / 200000);
    fini(&f);
}
END_TEST

Suite *compact_pass_suite(void);
Suite *compact_pass_suite(void) {
    Suite *s = suite_create("compact_pass");
    TCase *t = tcase_create("all");
    tcase_add_test(t, test_called_off);
    tcase_add_test(t, test_unchanged);
    tcase_add_test(t, test_undecided);
    tcase_add_test(t, test_rate);
    suite_add_tcase(s, t);
    return s;
}
