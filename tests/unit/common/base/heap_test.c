/* heap_test.c: against a plain array as its model, with removals from anywhere. */
#include "common/base/heap.h"

#include "tests/unit/unit.h"

enum { NODES = 300 };

START_TEST(test_against_model) {
    struct bn_heap h;
    struct bn_heap_node nodes[NODES];
    uint32_t seed = 11 + (uint32_t)_i, count = 0;
    bn_heap_init(&h);
    ck_assert_ptr_null(bn_heap_min(&h));
    for (int i = 0; i < NODES; i++) bn_heap_node_init(&nodes[i]);
    for (int step = 0; step < 4000; step++) {
        seed = seed * 1664525 + 1013904223;
        struct bn_heap_node *n = &nodes[(seed >> 16) % NODES];
        if (n->index == BN_HEAP_NOWHERE) {
            bn_heap_insert(&h, n, (seed >> 8) % 1000);
            count++;
        } else {
            bn_heap_remove(&h, n);
            bn_heap_remove(&h, n); /* safe when in none */
            count--;
        }
        ck_assert_uint_eq(h.count, count);
        uint64_t least = UINT64_MAX;
        for (int i = 0; i < NODES; i++) {
            if (nodes[i].index != BN_HEAP_NOWHERE && nodes[i].key < least) least = nodes[i].key;
        }
        if (count) ck_assert_uint_eq(bn_heap_min(&h)->key, least);
    }
    uint64_t before = 0;
    for (struct bn_heap_node *n; (n = bn_heap_min(&h));) {
        ck_assert_uint_ge(n->key, before);
        before = n->key;
        bn_heap_remove(&h, n);
    }
    bn_heap_fini(&h);
}
END_TEST

Suite *heap_suite(void);
Suite *heap_suite(void) {
    Suite *s = suite_create("heap");
    TCase *t = tcase_create("heap");
    tcase_add_loop_test(t, test_against_model, 0, 4);
    suite_add_tcase(s, t);
    return s;
}
