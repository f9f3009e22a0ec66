/* output_test.c: the list of outputs grows, clears and keeps its texts. */
#include "controller/brain/output.h"
#include "tests/unit/unit.h"

START_TEST(grows_and_clears) {
    struct bn_output_list l;
    bn_output_init(&l);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 100; i++) bn_output_note(&l, BN_OUTPUT_NOTE_WARN, "note %d", i);
        ck_assert_int_eq(l.count, 100);
        ck_assert_str_eq(l.items[57].u.note.text, "note 57");
        ck_assert_int_eq((int)l.items[0].kind, BN_OUTPUT_NOTE);
        bn_output_clear(&l);
        ck_assert_int_eq(l.count, 0);
    }
    bn_output_fini(&l);
}
END_TEST

START_TEST(long_notes_are_cut) {
    struct bn_output_list l;
    char text[3000];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    bn_output_init(&l);
    bn_output_note(&l, BN_OUTPUT_NOTE_INFO, "%s", text);
    ck_assert_uint_lt(strlen(l.items[0].u.note.text), 1100);
    bn_output_fini(&l);
}
END_TEST

START_TEST(every_op_has_its_verb) {
    static const struct {
        enum bn_output_op_kind kind;
        enum bn_output_verb verb;
    } cases[] = {
        {BN_OUTPUT_OP_TELL_CONFIG, BN_OUTPUT_CREATE},
        {BN_OUTPUT_OP_CREATE_GROUP_PART, BN_OUTPUT_CREATE},
        {BN_OUTPUT_OP_MAKE_GROUP, BN_OUTPUT_CREATE},
        {BN_OUTPUT_OP_CLEAR_GROUP, BN_OUTPUT_SET},
        {BN_OUTPUT_OP_SET_SEQID, BN_OUTPUT_SET},
        {BN_OUTPUT_OP_DELETE_BROKER, BN_OUTPUT_DELETE},
        {BN_OUTPUT_OP_DELETE_GROUP_PART, BN_OUTPUT_DELETE},
        {BN_OUTPUT_OP_CHECK_INCARNATION, BN_OUTPUT_CHECK},
    };
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) ck_assert_int_eq(bn_output_verb(cases[i].kind), cases[i].verb);
}
END_TEST

Suite *output_suite(void);
Suite *output_suite(void) {
    Suite *s = suite_create("output");
    TCase *c = tcase_create("output");
    tcase_add_test(c, grows_and_clears);
    tcase_add_test(c, long_notes_are_cut);
    tcase_add_test(c, every_op_has_its_verb);
    suite_add_tcase(s, c);
    return s;
}
