/* append_test.c: offsets, duplicates, and several batches at once. */
#include "broker/log/append.h"
#include "tests/unit/broker/log/world.h"
#include "tests/unit/unit.h"

static struct bn_log_append produce(struct world *w, int32_t sequence, int count) {
    return world_append(w,
                        &(struct batch_spec){
                            .count = count, .value_bytes = 4, .timestamp = 50, .producer_id = 9, .sequence = sequence});
}

START_TEST(test_idempotence) {
    struct world w;
    world_init(&w);
    world_open(&w, false, 0);
    world_put(&w, 5);
    for (int round = 0; round < 2; round++) {
        struct bn_log_append a = produce(&w, 0, 3);
        ck_assert_int_eq(a.error, KE_NONE);
        ck_assert_int_eq(a.duplicate, round);
        ck_assert(a.base_offset == 5 && a.last_offset == 7);
        ck_assert_int_eq(bn_log_end_offset(w.log), 8);
    }
    struct bn_log_append a = produce(&w, 4, 1);
    ck_assert_int_eq(a.error, KE_OUT_OF_ORDER_SEQUENCE_NUMBER);
    /* The state survives a clean stop, and a crash. */
    for (int clean = 1; clean >= 0; clean--) {
        bn_log_flush(w.log, NULL, NULL, NULL, NULL);
        if (clean)
            world_close(&w);
        else
            world_abandon(&w);
        world_open(&w, clean, 0);
        a = produce(&w, 0, 3);
        ck_assert(a.error == KE_NONE && a.duplicate && a.base_offset == 5);
        a = produce(&w, 7, 1);
        ck_assert_int_eq(a.error, KE_OUT_OF_ORDER_SEQUENCE_NUMBER);
    }
    a = produce(&w, 3, 2);
    ck_assert(a.error == KE_NONE && !a.duplicate && a.base_offset == 8);
    world_check_all(&w);
    world_fini(&w);
}
END_TEST

START_TEST(test_internal_batches) {
    struct world w;
    struct bn_str s;
    world_init(&w);
    world_open(&w, false, 0);
    bn_str_init(&s);
    world_batch(&(struct batch_spec){.count = 2}, &s);
    world_batch(&(struct batch_spec){.count = 3}, &s);
    struct bn_log_append a = world_append_bytes(&w, &s, 4, true, false);
    ck_assert_msg(a.error == 0, "%s", a.message);
    ck_assert(a.base_offset == 0 && a.last_offset == 4);
    bn_str_add_slice(&w.sent, bn_str_slice(&s));
    world_check_all(&w);
    ck_assert_int_eq(bn_log_latest_epoch(w.log), 4);
    bn_str_fini(&s);
    world_fini(&w);
}
END_TEST

START_TEST(test_larger_than_a_segment) {
    struct world w;
    world_init(&w);
    w.open.config.segment_bytes = 300;
    world_open(&w, false, 0);
    struct bn_log_append a = world_append(&w, &(struct batch_spec){.count = 1, .value_bytes = 400});
    ck_assert_int_eq(a.error, KE_RECORD_LIST_TOO_LARGE);
    a = world_append(&w, &(struct batch_spec){.count = 1, .value_bytes = 100});
    ck_assert_int_eq(a.error, KE_NONE);
    world_fini(&w);
}
END_TEST

START_TEST(test_index_full_rolls) {
    struct world w;
    world_init(&w);
    w.open.config.index_interval_bytes = 0;
    w.open.config.segment_index_bytes = 80; /* ten offset entries, six of time less one spare */
    world_open(&w, false, 0);
    for (int i = 0; i < 60; i++) {
        w.now_ms++;
        world_put(&w, 1);
    }
    world_check_all(&w);
    struct bn_disk_entry *list;
    size_t n, logs = 0;
    ck_assert_int_eq(w.disk->list(w.disk, "/data/t-0", &list, &n, NULL), 0);
    for (size_t i = 0; i < n; i++) logs += strstr(list[i].name, ".log") != NULL;
    bn_alloc_free(list);
    ck_assert_uint_ge(logs, 8);
    world_fini(&w);
}
END_TEST

/* Goal: a disk that is full, at whatever byte, refuses a batch and no more: what was there is served, the next batch
 * succeeds once there is room, and nothing of the refused one is ever found, not even after a kill. */
START_TEST(test_no_room) {
    int refused = 0;
    for (int room = 0; room < 1000; room += 13) {
        struct world w;
        world_init(&w);
        w.open.config.segment_bytes = 500;
        w.open.config.index_interval_bytes = 0;
        world_open(&w, false, 0);
        for (int i = 0; i < 3; i++) world_put(&w, 1);
        bn_memdisk_set_room(w.mem, room);
        for (int i = 0; i < 8; i++) {
            struct bn_log_append a = world_append(&w, &(struct batch_spec){.count = 1, .value_bytes = 100});
            ck_assert(a.error == KE_NONE || a.error == KE_KAFKA_STORAGE_ERROR);
            refused += a.error != KE_NONE;
        }
        ck_assert(!bn_log_failed(w.log));
        world_check_all(&w);
        bn_memdisk_set_room(w.mem, -1);
        world_put(&w, 1); /* shorter than what was refused */
        int64_t end = bn_log_end_offset(w.log);
        world_check_all(&w);
        world_abandon(&w);
        world_open(&w, false, 0);
        ck_assert_int_eq(bn_log_end_offset(w.log), end);
        world_check_all(&w);
        world_check_fold(&w);
        world_fini(&w);
    }
    ck_assert_int_gt(refused, 50);
}
END_TEST

START_TEST(test_epochs) {
    struct world w;
    int32_t found;
    int64_t end;
    world_init(&w);
    world_open(&w, false, 0);
    bn_log_assign_epoch(w.log, 2, 0);
    world_append_epoch(&w, &(struct batch_spec){.count = 4}, 2);
    world_append_epoch(&w, &(struct batch_spec){.count = 4}, 5);
    bn_log_end_of_epoch(w.log, 2, &found, &end);
    ck_assert(found == 2 && end == 4);
    bn_log_end_of_epoch(w.log, 5, &found, &end);
    ck_assert(found == 5 && end == 8);
    ck_assert_int_eq(bn_log_epoch_of(w.log, 3), 2);
    world_close(&w);
    size_t len;
    char *text = world_read_file(&w, "/data/t-0/leader-epoch-checkpoint", &len);
    ck_assert_str_eq(text, "0\n2\n2 0\n5 4\n");
    bn_alloc_free(text);
    world_open(&w, true, 0);
    ck_assert_int_eq(bn_log_latest_epoch(w.log), 5);
    world_fini(&w);
}
END_TEST

Suite *append_suite(void);
Suite *append_suite(void) {
    Suite *s = suite_create("append");
    TCase *t = tcase_create("append");
    tcase_add_test(t, test_idempotence);
    tcase_add_test(t, test_internal_batches);
    tcase_add_test(t, test_larger_than_a_segment);
    tcase_add_test(t, test_index_full_rolls);
    tcase_add_test(t, test_no_room);
    tcase_add_test(t, test_epochs);
    suite_add_tcase(s, t);
    return s;
}
