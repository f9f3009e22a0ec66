/* log_test.c: what is appended comes back, over rolls, restarts and failures; nothing is acknowledged after one. */
#include "tests/unit/broker/log/world.h"
#include "tests/unit/unit.h"

START_TEST(test_append_and_read) {
    struct world w;
    world_init(&w);
    world_open(&w, false, 0);
    ck_assert_int_eq(bn_log_end_offset(w.log), 0);
    for (int i = 1; i <= 20; i++) world_put(&w, i);
    ck_assert_int_eq(bn_log_end_offset(w.log), 210);
    ck_assert_int_eq(bn_log_size_bytes(w.log), (int64_t)w.sent.len);
    world_check_all(&w);
    world_close(&w);
    world_open(&w, true, 0);
    ck_assert_int_eq(bn_log_end_offset(w.log), 210);
    ck_assert_int_eq(bn_log_recovery_point(w.log), 210);
    world_check_all(&w);
    world_put(&w, 1);
    world_check_all(&w);
    world_fini(&w);
}
END_TEST

START_TEST(test_roll_by_size_and_names) {
    struct world w;
    world_init(&w);
    w.open.config.segment_bytes = 2000;
    w.open.config.index_interval_bytes = 200;
    world_open(&w, false, 0);
    for (int i = 0; i < 100; i++) world_put(&w, 3);
    ck_assert(world_exists(&w, "/data/t-0/00000000000000000000.log"));
    size_t len;
    char *snapshot = NULL;
    world_check_all(&w);
    struct bn_disk_entry *list;
    size_t n, logs = 0, snapshots = 0;
    ck_assert_int_eq(w.disk->list(w.disk, "/data/t-0", &list, &n, NULL), 0);
    for (size_t i = 0; i < n; i++) {
        logs += strstr(list[i].name, ".log") != NULL;
        snapshots += strstr(list[i].name, ".snapshot") != NULL;
    }
    bn_alloc_free(list);
    ck_assert_uint_gt(logs, 5);
    ck_assert_uint_eq(snapshots, logs - 1);
    world_close(&w);
    snapshot = world_read_file(&w, "/data/t-0/00000000000000000300.snapshot", &len);
    ck_assert_ptr_nonnull(snapshot);
    ck_assert_uint_eq(len, 10);
    bn_alloc_free(snapshot);
    world_open(&w, true, 0);
    ck_assert_int_eq(bn_log_end_offset(w.log), 300);
    world_check_all(&w);
    world_fini(&w);
}
END_TEST

/* The active segment is older than segment.ms by its records' times. */
START_TEST(test_roll_by_time) {
    struct world w;
    world_init(&w);
    w.open.config.segment_ms = 1000;
    world_open(&w, false, 0);
    world_append(&w, &(struct batch_spec){.count = 1, .timestamp = 5000});
    world_append(&w, &(struct batch_spec){.count = 1, .timestamp = 6000});
    ck_assert(!world_exists(&w, "/data/t-0/00000000000000000002.log"));
    world_append(&w, &(struct batch_spec){.count = 1, .timestamp = 6001});
    ck_assert(world_exists(&w, "/data/t-0/00000000000000000002.log"));
    world_check_all(&w);
    world_fini(&w);
}
END_TEST

START_TEST(test_failed_write_is_final) {
    struct world w;
    world_init(&w);
    world_open(&w, false, 0);
    world_put(&w, 5);
    bn_memdisk_fail(w.mem, BN_MEMDISK_PWRITEV, 1, 1);
    struct bn_log_append a = world_append(&w, &(struct batch_spec){.count = 5, .value_bytes = 100, .timestamp = 1});
    ck_assert_int_eq(a.error, KE_KAFKA_STORAGE_ERROR);
    ck_assert(bn_log_failed(w.log));
    ck_assert_int_eq(bn_log_end_offset(w.log), 5);
    a = world_append(&w, &(struct batch_spec){.count = 1, .timestamp = 1});
    ck_assert_int_eq(a.error, KE_KAFKA_STORAGE_ERROR);
    ck_assert_int_ne(bn_log_close(w.log, NULL), 0);
    w.log = NULL;
    world_open(&w, false, 0);
    ck_assert_int_eq(bn_log_end_offset(w.log), 5);
    world_check_all(&w);
    world_fini(&w);
}
END_TEST

START_TEST(test_start_offset) {
    struct world w;
    world_init(&w);
    world_open(&w, false, 0);
    for (int i = 0; i < 4; i++) world_put(&w, 5);
    ck_assert_int_eq(bn_log_set_start_offset(w.log, 21), BN_NOTFOUND);
    ck_assert_int_eq(bn_log_set_start_offset(w.log, 7), 0);
    ck_assert_int_eq(bn_log_start_offset(w.log), 7);
    struct bn_str out;
    bn_str_init(&out);
    ck_assert_int_eq(world_read(&w, 6, INT64_MAX, 1000, true, &out), BN_NOTFOUND);
    ck_assert_int_eq(world_read(&w, 7, INT64_MAX, 10000, true, &out), 0);
    struct bn_batch b;
    ck_assert_int_eq(bn_batch_peek(bn_str_slice(&out), &b), 0);
    ck_assert_int_eq(b.base_offset, 5);
    bn_str_fini(&out);
    world_fini(&w);
}
END_TEST

START_TEST(test_an_idle_log_has_nothing_open) {
    struct world w;
    world_init(&w);
    world_open(&w, false, 0);
    world_close(&w);
    int opens = bn_memdisk_calls(w.mem, BN_MEMDISK_OPEN);
    world_open(&w, true, 0);
    ck_assert_int_eq(bn_log_end_offset(w.log), 0);
    world_close(&w);
    /* Closing what nobody wrote to writes nothing. */
    int syncs = bn_memdisk_calls(w.mem, BN_MEMDISK_DATASYNC);
    world_open(&w, true, 0);
    world_close(&w);
    ck_assert_int_eq(bn_memdisk_calls(w.mem, BN_MEMDISK_DATASYNC), syncs);
    ck_assert_int_gt(bn_memdisk_calls(w.mem, BN_MEMDISK_OPEN), opens);
    world_fini(&w);
}
END_TEST

Suite *log_suite(void);
Suite *log_suite(void) {
    Suite *s = suite_create("log");
    TCase *t = tcase_create("log");
    tcase_add_test(t, test_append_and_read);
    tcase_add_test(t, test_roll_by_size_and_names);
    tcase_add_test(t, test_roll_by_time);
    tcase_add_test(t, test_failed_write_is_final);
    tcase_add_test(t, test_start_offset);
    tcase_add_test(t, test_an_idle_log_has_nothing_open);
    suite_add_tcase(s, t);
    return s;
}
