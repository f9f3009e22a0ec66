/* list_test.c: order, removal while iterating, and nodes that are in no list. */
#include "common/base/list.h"

#include "tests/unit/unit.h"

struct item {
    int value;
    struct bn_list link;
};

START_TEST(test_order_and_removal) {
    struct bn_list list;
    struct item items[6];
    bn_list_init(&list);
    ck_assert(bn_list_empty(&list));
    ck_assert_ptr_null(bn_list_pop_front(&list));
    for (int i = 0; i < 6; i++) {
        items[i].value = i;
        bn_list_init(&items[i].link);
        bn_list_remove(&items[i].link); /* in no list: nothing happens */
    }
    for (int i = 1; i < 5; i++) bn_list_push_back(&list, &items[i].link);
    bn_list_push_front(&list, &items[0].link);
    bn_list_insert_before(&items[2].link, &items[5].link);
    static const int want[] = {0, 1, 5, 2, 3, 4};
    int at = 0;
    BN_LIST_FOR(it, &list) {
        struct item *item = BN_CONTAINER_OF(it, struct item, link);
        ck_assert_int_eq(item->value, want[at++]);
        if (item->value % 2) bn_list_remove(it);
    }
    ck_assert_int_eq(at, 6);
    for (int i = 0; i < 3; i++) {
        struct bn_list *link = bn_list_pop_front(&list);
        struct item *item = BN_CONTAINER_OF(link, struct item, link);
        ck_assert_int_eq(item->value, 2 * i);
    }
    ck_assert(bn_list_empty(&list));
}
END_TEST

Suite *list_suite(void);
Suite *list_suite(void) {
    Suite *s = suite_create("list");
    TCase *t = tcase_create("list");
    tcase_add_test(t, test_order_and_removal);
    suite_add_tcase(s, t);
    return s;
}
