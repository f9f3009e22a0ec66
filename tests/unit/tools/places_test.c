/* places_test.c: the JSON files of partitions that people write by hand, right and wrong. */
#include "tools/places.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

Suite *places_suite(void);

static const struct {
    const char *text;
    bool offsets;
    int count; /* -1: refused */
} files[] = {
    {"{\"partitions\":[{\"topic\":\"a\",\"partition\":0,\"offset\":5},{\"topic\":\"a\",\"partition\":1,\"offset\":-1}],"
     "\"version\":1}",
     true, 2},
    {"{\"partitions\":[{\"topic\":\"a\",\"partition\":0}]}", false, 1},
    {"{\"partitions\":[]}", false, 0},
    {"{\"partitions\":[{\"topic\":\"a\",\"partition\":0}]}", true, -1},
    {"{\"partitions\":[{\"topic\":\"a\",\"partition\":0},{\"topic\":\"a\",\"partition\":0}]}", false, -1},
    {"{\"partitions\":[{\"topic\":\"a\",\"partition\":-1}]}", false, -1},
    {"{\"partitions\":[{\"topic\":\"a\",\"partition\":4294967296}]}", false, -1},
    {"{\"partitions\":[{\"topic\":1,\"partition\":0}]}", false, -1},
    {"{\"partitions\":[7]}", false, -1},
    {"{\"partitions\":{}}", false, -1},
    {"{\"version\":1}", true, -1},
    {"{\"partitions\":[],\"version\":2}", true, -1},
    {"[]", false, -1},
    {"nothing", false, -1},
    {"", false, -1},
    {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", false, -1},
};

START_TEST(file) {
    char *dir = unit_tmp_dir(), path[4096];
    (void)snprintf(path, sizeof path, "%s/places.json", dir);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(files[_i].text, f);
    fclose(f);
    struct bn_places p = {NULL, 0};
    bool ok = bn_places_read(&p, "test", path, files[_i].offsets, "no partitions");
    ck_assert_int_eq(ok, files[_i].count >= 0);
    if (ok) ck_assert_uint_eq(p.count, (size_t)files[_i].count);
    bn_places_fini(&p);
    unit_tmp_remove(dir);
}
END_TEST

Suite *places_suite(void) {
    Suite *s = suite_create("tools/places");
    TCase *t = tcase_create("files");
    tcase_add_loop_test(t, file, 0, (int)BN_ARRAY_LEN(files));
    suite_add_tcase(s, t);
    return s;
}
