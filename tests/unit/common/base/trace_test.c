/* trace_test.c: lines have the shape people grep for, cannot be forged by a newline, follow a rotated file, and
 * a noisy site is told to be quiet. */
#include "common/base/trace.h"

#include <pthread.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "tests/unit/unit.h"

static char *dir;
static char path[512], rotated[512];

static void setup(void) {
    dir = unit_tmp_dir();
    snprintf(path, sizeof path, "%s/server.log", dir);
    snprintf(rotated, sizeof rotated, "%s/server.log.1", dir);
    ck_assert_int_eq(bn_trace_open(path, false), 0);
    bn_trace_set_level(BN_TRACE_INFO);
}

static void teardown(void) {
    bn_trace_open(NULL, true);
    unit_tmp_remove(dir);
}

/* The nth line of a file, or "". */
static const char *line_of(const char *file, int nth) {
    static char line[8192];
    FILE *f = fopen(file, "r");
    ck_assert_ptr_nonnull(f);
    line[0] = '\0';
    for (int i = 0; i <= nth; i++) {
        if (!fgets(line, sizeof line, f)) line[0] = '\0';
    }
    fclose(f);
    return line;
}

static void expect_match(const char *text, const char *pattern) {
    regex_t re;
    ck_assert_int_eq(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
    ck_assert_msg(regexec(&re, text, 0, NULL, 0) == 0, "%s does not match %s", text, pattern);
    regfree(&re);
}

START_TEST(test_lines) {
    char big[9000];
    BN_INFO("broker", "[KafkaServer id=%d] started", 1);
    BN_DEBUG("broker", "not shown");
    BN_WARN("net", "forged\nline\r");
    memset(big, 'b', sizeof big);
    big[sizeof big - 1] = '\0';
    BN_ERROR("log", "%s", big);
    bn_trace(BN_TRACE_FATAL, "log", "%s", "");
    static const char stamp[] = "^\\[[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2},[0-9]{3}\\] ";
    char pattern[256];
    snprintf(pattern, sizeof pattern, "%sINFO \\[KafkaServer id=1\\] started \\(broker\\)\n$", stamp);
    expect_match(line_of(path, 0), pattern);
    snprintf(pattern, sizeof pattern, "%sWARN forged line  \\(net\\)\n$", stamp);
    expect_match(line_of(path, 1), pattern);
    ck_assert_uint_le(strlen(line_of(path, 2)), 4096);
    expect_match(line_of(path, 2), "ERROR bbb.*bbb \\(log\\)\n$");
    expect_match(line_of(path, 3), "FATAL  \\(log\\)\n$");
    ck_assert_str_eq(line_of(path, 4), "");
    bn_trace_set_level(BN_TRACE_DEBUG);
    ck_assert_str_eq(bn_trace_level_name(bn_trace_level()), "DEBUG");
    ck_assert(bn_trace_on(BN_TRACE_DEBUG));
    BN_DEBUG("broker", "shown");
    expect_match(line_of(path, 4), "DEBUG shown");
}
END_TEST

START_TEST(test_reopening) {
    BN_INFO("a", "old");
    ck_assert_int_eq(rename(path, rotated), 0);
    BN_INFO("a", "still old");
    bn_trace_reopen();
    BN_INFO("a", "new");
    expect_match(line_of(rotated, 1), "still old");
    expect_match(line_of(path, 0), "new");
    ck_assert_int_eq(bn_trace_open("/no/such/directory/x.log", false), BN_IO);
}
END_TEST

static void *write_lines(void *arg) {
    (void)arg;
    for (int i = 0; i < 500; i++) BN_INFO("t", "%0200d", i);
    return NULL;
}

START_TEST(test_threads_do_not_mix_lines) {
    pthread_t t[3];
    for (int i = 0; i < 3; i++) pthread_create(&t[i], NULL, write_lines, NULL);
    for (int i = 0; i < 3; i++) pthread_join(t[i], NULL);
    FILE *f = fopen(path, "r");
    char line[1024];
    int count = 0;
    size_t len = 0;
    while (fgets(line, sizeof line, f)) {
        if (!len) len = strlen(line);
        ck_assert_uint_eq(strlen(line), len);
        count++;
    }
    fclose(f);
    ck_assert_int_eq(count, 1500);
}
END_TEST

START_TEST(test_noisy_sites) {
    struct bn_trace_site site = {0};
    uint32_t suppressed;
    int allowed = 0;
    for (int i = 0; i < 100; i++) allowed += bn_trace_allow(&site, 5, &suppressed);
    ck_assert(allowed == 5 || allowed == 10); /* two windows if the clock just turned */
    /* As if the window before had been another: the next one tells what was swallowed. */
    uint32_t swallowed = site.suppressed;
    site.window = 1;
    ck_assert(bn_trace_allow(&site, 5, &suppressed));
    ck_assert_uint_eq(suppressed, swallowed);
    ck_assert(bn_trace_allow(&site, 5, &suppressed));
    ck_assert_uint_eq(suppressed, 0);
}
END_TEST

Suite *trace_suite(void);
Suite *trace_suite(void) {
    Suite *s = suite_create("trace");
    TCase *t = tcase_create("trace");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_lines);
    tcase_add_test(t, test_reopening);
    tcase_add_test(t, test_threads_do_not_mix_lines);
    tcase_add_test(t, test_noisy_sites);
    suite_add_tcase(s, t);
    return s;
}
