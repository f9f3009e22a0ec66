/* replay_test.c: producer state is the newest believable snapshot and what follows; a snapshot of a history that is
 * gone is never used, nor comes back. */
#include "broker/log/replay.h"

#include "broker/log/log_int.h"
#include "tests/unit/broker/log/world.h"
#include "tests/unit/unit.h"

static void produce(struct world *w, int n) {
    for (int i = 0; i < n; i++) {
        struct bn_log_append a = world_append(
            w, &(struct batch_spec){
                   .count = 1, .value_bytes = 50, .producer_id = 3, .sequence = (int32_t)bn_log_end_offset(w->log)});
        ck_assert_int_eq(a.error, KE_NONE);
    }
}

static int replay(struct world *w, int64_t end, struct bn_producer_table *t, int64_t *snapshot) {
    struct bn_err e;
    uint8_t window[1024];
    struct bn_disk_entry *list = NULL;
    struct bn_replay r = {
        .place = &w->log->place,
        .name = "t-0",
        .segments = w->log->segments,
        .segment_count = w->log->segment_count,
        .end_offset = end,
        .window = bn_slice_of(window, sizeof window),
        .producers = t,
    };
    ck_assert_int_eq(w->disk->list(w->disk, "/data/t-0", &list, &r.list_count, NULL), 0);
    r.list = list;
    int rc = bn_replay_run(&r, &e);
    *snapshot = r.snapshot_offset;
    bn_alloc_free(list);
    return rc;
}

/* Goal: with every snapshot there is, then with fewer and fewer, the table is the same. */
START_TEST(test_any_snapshot) {
    struct world w;
    world_init(&w);
    w.open.config.segment_bytes = 700;
    world_open(&w, false, 0);
    produce(&w, 40);
    int64_t snapshot = -1, before = INT64_MAX;
    for (int rounds = 0; before >= 0; rounds++) {
        struct bn_producer_table t;
        bn_producer_init(&t);
        ck_assert_int_eq(replay(&w, bn_log_end_offset(w.log), &t, &snapshot), 0);
        const struct bn_producer *p = bn_producer_get(&t, 3);
        ck_assert_int_eq(p->batches[p->count - 1].last_sequence, 39);
        ck_assert_int_lt(snapshot, before);
        ck_assert(rounds > 0 || snapshot > 0);
        before = snapshot;
        bn_producer_fini(&t);
        if (snapshot < 0) break;
        char *path = bn_index_path(&w.log->place, snapshot, ".snapshot");
        world_write_file(&w, path, "no snapshot", 11);
        bn_alloc_free(path);
    }
    world_fini(&w);
}
END_TEST

START_TEST(test_snapshots_above_stay_away) {
    struct world w;
    struct bn_producer_table t;
    int64_t snapshot;
    world_init(&w);
    w.open.config.segment_bytes = 700;
    world_open(&w, false, 0);
    produce(&w, 40);
    bn_log_flush(w.log, NULL, NULL, NULL, NULL);
    int64_t newest = w.log->snapshot_offset, below = newest - 1;
    bn_producer_init(&t);
    ck_assert_int_eq(replay(&w, below, &t, &snapshot), 0);
    ck_assert(snapshot >= 0 && snapshot <= below);
    bn_memdisk_crash(w.mem, 0);
    char *path = bn_index_path(&w.log->place, newest, ".snapshot");
    ck_assert(!world_exists(&w, path));
    bn_alloc_free(path);
    bn_producer_fini(&t);
    world_fini(&w);
}
END_TEST

Suite *replay_suite(void);
Suite *replay_suite(void) {
    Suite *s = suite_create("replay");
    TCase *t = tcase_create("replay");
    tcase_add_test(t, test_any_snapshot);
    tcase_add_test(t, test_snapshots_above_stay_away);
    suite_add_tcase(s, t);
    return s;
}
