/* dump_test.c: dump-log reads what is in files, whatever that is: real batches, damaged ones, noise, nothing. */
#include "tools/dump.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

Suite *dump_suite(void);

/* Writes a file below dir and gives its path (free it). */
static char *put(const char *dir, const char *name, const void *bytes, size_t len) {
    size_t room = strlen(dir) + strlen(name) + 2;
    char *path = malloc(room);
    (void)snprintf(path, room, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
    fclose(f);
    return path;
}

static void quiet(void) { /* every test is a process of its own */
    ck_assert_ptr_nonnull(freopen("/dev/null", "w", stdout));
    ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
}

static void build(struct bn_str *out, int64_t base, int count) {
    struct bn_batch_builder w;
    bn_batch_builder_init(&w);
    w.base_offset = base;
    for (int i = 0; i < count; i++)
        bn_batch_builder_add(&w, i, 1000 + i, BN_SLICE_LIT("k"), BN_SLICE_LIT("v"), 0, BN_SLICE_NULL);
    ck_assert_int_eq(bn_batch_builder_finish(&w, 0, 0, out), BN_OK);
    bn_batch_builder_fini(&w);
}

START_TEST(counts_what_is_wrong) {
    char *dir = unit_tmp_dir();
    struct bn_str log;
    bn_str_init(&log);
    build(&log, 0, 3);
    size_t first = log.len;
    build(&log, 3, 2);
    quiet();
    struct bn_dump d = {.program = "test", .deep = true, .print_data = true, .max_bytes = INT64_MAX};
    char *path = put(dir, "00000000000000000000.log", log.ptr, log.len);
    ck_assert(bn_dump_log(&d, path));
    ck_assert_int_eq(d.problems, 0);
    uint8_t index[16];
    bn_put_u32(index, 2);
    bn_put_u32(index + 4, 0);
    bn_put_u32(index + 8, 4);
    bn_put_u32(index + 12, (uint32_t)first);
    char *good = put(dir, "00000000000000000000.index", index, sizeof index);
    ck_assert(bn_dump_offset_index(&d, good));
    ck_assert_int_eq(d.problems, 0);
    bn_put_u32(index + 8, 3); /* 4 is the batch's last offset */
    free(put(dir, "00000000000000000000.index", index, sizeof index));
    ck_assert(bn_dump_offset_index(&d, good));
    ck_assert_int_eq(d.problems, 1);
    log.ptr[first + 70] ^= 1;
    free(put(dir, "00000000000000000000.log", log.ptr, log.len));
    (void)bn_dump_log(&d, path);
    ck_assert_int_ge(d.problems, 2);
    int64_t before = d.problems;
    free(put(dir, "00000000000000000000.log", log.ptr, first + 20)); /* a torn end */
    ck_assert(bn_dump_log(&d, path));
    ck_assert_int_eq(d.problems, before + 1);
    free(path);
    free(good);
    bn_str_fini(&log);
    unit_tmp_remove(dir);
}
END_TEST

START_TEST(survives_noise) {
    static bool (*const dumps[])(struct bn_dump *, const char *) = {
        bn_dump_log, bn_dump_offset_index, bn_dump_time_index, bn_dump_producers, bn_dump_aborted,
    };
    static const char *const names[] = {"7.log", "7.index", "7.timeindex", "7.snapshot", "7.txnindex"};
    char *dir = unit_tmp_dir();
    struct bn_str log;
    bn_str_init(&log);
    build(&log, 7, 4);
    quiet();
    srandom((unsigned)_i + 1);
    for (int round = 0; round < 200; round++) {
        struct bn_dump d = {.program = "test", .deep = true, .print_data = true, .max_bytes = INT64_MAX};
        d.json = round % 2;
        d.sanity_only = round % 5 == 0;
        uint8_t bytes[256];
        size_t len = (size_t)random() % sizeof bytes;
        for (size_t i = 0; i < len; i++) bytes[i] = (uint8_t)(random() % 4 ? random() : 0);
        if (round % 3 == 0) { /* a batch with a few bytes changed */
            len = bn_min_size(log.len, sizeof bytes);
            memcpy(bytes, log.ptr, len);
            for (int k = 0; k < 3; k++) bytes[(size_t)random() % len] = (uint8_t)random();
        }
        char *log_path = put(dir, names[0], bytes, len);
        char *path = put(dir, names[_i], bytes, len);
        (void)dumps[_i](&d, path);
        free(log_path);
        free(path);
    }
    bn_str_fini(&log);
    unit_tmp_remove(dir);
}
END_TEST

START_TEST(knows_base_offsets) {
    ck_assert_int_eq(bn_dump_base_offset("/a/b-0/00000000000000000135.log"), 135);
    ck_assert_int_eq(bn_dump_base_offset("7.log"), 7);
    ck_assert_int_eq(bn_dump_base_offset("x.log"), -1);
    ck_assert_int_eq(bn_dump_base_offset(""), -1);
}
END_TEST

Suite *dump_suite(void) {
    Suite *s = suite_create("tools/dump");
    TCase *t = tcase_create("files");
    tcase_add_test(t, counts_what_is_wrong);
    tcase_add_loop_test(t, survives_noise, 0, 5);
    tcase_add_test(t, knows_base_offsets);
    suite_add_tcase(s, t);
    return s;
}
