/* near_test.c: a mistyped word finds the one that was meant, and nonsense finds none. */
#include "tools/near.h"

#include "tests/unit/unit.h"

Suite *near_suite(void);
#include "tools/near.h"

static const struct {
    const char *word, *best; /* best NULL: none is near enough */
} cases[] = {
    {"topik", "topics"}, {"topics", "topics"}, {"lst", "list"},    {"describ", "describe"},   {"xyz", NULL},
    {"", NULL},          {"t", NULL},          {"firts", "first"}, {"completely-else", NULL},
};

START_TEST(finds) {
    static const char *const words[] = {"topics", "list", "describe", "first"};
    struct bn_near n;
    bn_near_init(&n, bn_slice_str(cases[_i].word));
    for (size_t i = 0; i < BN_ARRAY_LEN(words); i++) bn_near_try(&n, bn_slice_str(words[i]));
    if (cases[_i].best)
        ck_assert(bn_slice_eq_str(n.best, cases[_i].best));
    else
        ck_assert_ptr_null(n.best.ptr);
}
END_TEST

START_TEST(long_words_are_refused) {
    char word[200];
    memset(word, 'a', sizeof word);
    struct bn_near n;
    bn_near_init(&n, bn_slice_of(word, sizeof word));
    bn_near_try(&n, bn_slice_of(word, sizeof word - 1));
    ck_assert_ptr_null(n.best.ptr);
}
END_TEST

Suite *near_suite(void) {
    Suite *s = suite_create("tools/near");
    TCase *t = tcase_create("words");
    tcase_add_loop_test(t, finds, 0, (int)BN_ARRAY_LEN(cases));
    tcase_add_test(t, long_words_are_refused);
    suite_add_tcase(s, t);
    return s;
}
