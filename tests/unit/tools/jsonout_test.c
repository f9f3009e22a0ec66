/* jsonout_test.c: what is printed is JSON, whatever bytes names hold. */
#include "tools/jsonout.h"

#include "tests/unit/unit.h"

Suite *jsonout_suite(void);

static const struct {
    const char *text;
    size_t len;
    const char *json;
} texts[] = {
    {"plain", 5, "\"plain\""},
    {"a\"b\\", 4, "\"a\\\"b\\\\\""},
    {"\n\t\r", 3, "\"\\n\\t\\r\""},
    {"\x01\x7f", 2, "\"\\u0001\\u007f\""},
    {"\xc3\xa9", 2, "\"\xc3\xa9\""},
    {"\xc3", 1, "\"\\ufffd\""},
    {"\xc0\x80", 2, "\"\\ufffd\\ufffd\""},
    {"\xed\xa0\x80", 3, "\"\\ufffd\\ufffd\\ufffd\""},
    {NULL, 0, "null"},
    {"", 0, "\"\""},
};

START_TEST(escapes) {
    struct bn_jsonout j;
    bn_jsonout_init(&j);
    bn_jsonout_text(&j, "k", bn_slice_of(texts[_i].text, texts[_i].len));
    bn_jsonout_end(&j);
    char expected[64];
    (void)snprintf(expected, sizeof expected, "{\"k\":%s}", texts[_i].json);
    ck_assert_str_eq(j.text.ptr, expected);
    bn_str_fini(&j.text);
}
END_TEST

START_TEST(nests) {
    struct bn_jsonout j;
    static const int32_t ids[] = {3, 1};
    bn_jsonout_init(&j);
    bn_jsonout_array(&j, "a");
    bn_jsonout_object(&j, NULL);
    bn_jsonout_number(&j, "n", -5);
    bn_jsonout_bool(&j, "b", true);
    bn_jsonout_end(&j);
    bn_jsonout_object(&j, NULL);
    bn_jsonout_end(&j);
    bn_jsonout_end(&j);
    bn_jsonout_ids(&j, "ids", ids, 2);
    bn_jsonout_array(&j, "none");
    bn_jsonout_end(&j);
    bn_jsonout_end(&j);
    ck_assert_str_eq(j.text.ptr, "{\"a\":[{\"n\":-5,\"b\":true},{}],\"ids\":[3,1],\"none\":[]}");
    bn_str_fini(&j.text);
}
END_TEST

Suite *jsonout_suite(void) {
    Suite *s = suite_create("tools/jsonout");
    TCase *t = tcase_create("json");
    tcase_add_loop_test(t, escapes, 0, (int)BN_ARRAY_LEN(texts));
    tcase_add_test(t, nests);
    suite_add_tcase(s, t);
    return s;
}
