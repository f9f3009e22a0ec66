/* when_test.c: times and durations as people write them; expected values are those of Java's own classes. */
#include "tools/when.h"

#include "tests/unit/unit.h"

Suite *when_suite(void);

static const struct {
    const char *text;
    int64_t ms;
    bool bad;
} datetimes[] = {
    {"1970-01-01T00:00:00.000", 0, false},
    {"1970-01-01T00:00:00.000Z", 0, false},
    {"2020-02-29T23:59:59.999", 1583020799999, false},
    {"2020-01-01T00:00:00.000+08:00", 1577808000000, false},
    {"2020-01-01T00:00:00.000+0800", 1577808000000, false},
    {"2020-01-01T00:00:00.000-05", 1577854800000, false},
    {"2020-01-01T00:00:00", 1577836800000, false},
    {"2020-01-01T00:00:00.5", 1577836800500, false},
    {"2020-01-01T00:00:00.123456", 1577836800123, false},
    {"1969-12-31T23:59:59.999", -1, false},
    {"0000-01-01T00:00:00.000", -62167219200000, false},
    {"9999-12-31T23:59:59.999", 253402300799999, false},
    {"2019-02-29T00:00:00.000", 0, true},
    {"1900-02-29T00:00:00.000", 0, true},
    {"2020-13-01T00:00:00.000", 0, true},
    {"2020-00-01T00:00:00.000", 0, true},
    {"2020-01-00T00:00:00.000", 0, true},
    {"2020-01-01", 0, true},
    {"2020-01-01T", 0, true},
    {"2020-01-01T24:00:00.000", 0, true},
    {"2020-01-01T00:60:00.000", 0, true},
    {"2020-01-01T00:00:00.", 0, true},
    {"2020-01-01T00:00:00.000X", 0, true},
    {"2020-01-01T00:00:00.000+8", 0, true},
    {"2020-01-01T00:00:00.000+08:", 0, true},
    {"2020-01-01T00:00:00.000ZZ", 0, true},
    {"yesterday", 0, true},
    {"", 0, true},
};

START_TEST(datetime) {
    int64_t ms = 0;
    ck_assert_int_eq(bn_when_datetime(datetimes[_i].text, &ms), !datetimes[_i].bad);
    if (!datetimes[_i].bad) ck_assert_int_eq(ms, datetimes[_i].ms);
}
END_TEST

static const struct {
    const char *text;
    int64_t ms;
    bool bad;
} durations[] = {
    {"P1D", 86400000, false},
    {"PT0S", 0, false},
    {"PT1H30M", 5400000, false},
    {"P2DT3H4M", 183840000, false},
    {"pt20.345s", 20345, false},
    {"PT-6H3M", -21420000, false},
    {"-PT6H", -21600000, false},
    {"-PT-6H+3M", 21420000, false},
    {"PT36H", 129600000, false},
    {"P", 0, true},
    {"PT", 0, true},
    {"P1", 0, true},
    {"P1H", 0, true},
    {"PT1D", 0, true},
    {"PT1S1M", 0, true},
    {"PT1M1M", 0, true},
    {"PT1.5H", 0, true},
    {"PT1.S", 0, true},
    {"P1DT", 0, true},
    {"5h", 0, true},
    {"PT9999999999999999999S", 0, true},
    {"P999999999999999D", 0, true},
    {"", 0, true},
    {"-", 0, true},
};

START_TEST(duration) {
    int64_t ms = 0;
    ck_assert_int_eq(bn_when_duration(durations[_i].text, &ms), !durations[_i].bad);
    if (!durations[_i].bad) ck_assert_int_eq(ms, durations[_i].ms);
}
END_TEST

Suite *when_suite(void) {
    Suite *s = suite_create("tools/when");
    TCase *t = tcase_create("times");
    tcase_add_loop_test(t, datetime, 0, (int)BN_ARRAY_LEN(datetimes));
    tcase_add_loop_test(t, duration, 0, (int)BN_ARRAY_LEN(durations));
    suite_add_tcase(s, t);
    return s;
}
