/* fake_tree_test.c: a failed multi leaves no trace, whatever its ops did before the one that failed. */
#include "common/zk/fake_tree.h"

#include "common/base/alloc.h"
#include "common/base/str.h"
#include "tests/unit/unit.h"

static struct bn_fake_tree tree;
static struct bn_str changes;

static void changed(void *arg, enum bn_zk_watch_kind kind, const char *path) {
    (void)arg;
    bn_str_addf(&changes, "%d%s ", (int)kind, path);
}

static int multi(int count, const struct bn_zk_op *ops) {
    struct bn_zk_call *c = bn_zk_call_new(BN_ZK_CALL_MULTI, "", NULL);
    c->ops = bn_alloc_zero((size_t)count, sizeof *ops);
    c->results = bn_alloc_zero((size_t)count, sizeof *c->results);
    memcpy(c->ops, ops, (size_t)count * sizeof *ops);
    c->op_count = count;
    bn_fake_tree_apply(&tree, c, 42);
    int status = c->status;
    c->op_count = 0; /* the paths are literals */
    bn_zk_call_free(c);
    return status;
}

#define CREATE(p, f) {.kind = BN_ZK_OP_CREATE, .path = p, .flags = f}
#define SET(p, d) {.kind = BN_ZK_OP_SET, .path = p, .data = BN_SLICE_LIT(d), .version = -1}
#define DELETE(p) {.kind = BN_ZK_OP_DELETE, .path = p, .version = -1}
#define FAIL {.kind = BN_ZK_OP_CHECK, .path = "/none", .version = -1}

START_TEST(test_undo) {
    bn_str_init(&changes);
    bn_fake_tree_init(&tree);
    tree.changed = changed;
    struct bn_zk_op make[] = {CREATE("/a", 0), CREATE("/a/e", BN_ZK_EPHEMERAL), SET("/a", "one")};
    ck_assert_int_eq(multi(3, make), BN_OK);
    ck_assert_str_eq(changes.ptr, "0/a 3/ 0/a/e 3/a 2/a ");
    bn_str_clear(&changes);
    struct bn_zk_stat before, after;
    struct bn_slice data;
    ck_assert_int_eq(bn_fake_tree_peek(&tree, "/a", NULL, &before), BN_OK);
    struct bn_zk_op fail[] = {
        SET("/a", "two"),  DELETE("/a/e"),   CREATE("/a/e", 0),   SET("/a/e", "x"), DELETE("/a/e"),
        CREATE("/a/b", 0), SET("/a", "3"), CREATE("/a/b/c", 0), FAIL,
    };
    ck_assert_int_eq(multi(BN_ARRAY_LEN(fail), fail), BN_NOTFOUND);
    ck_assert_str_eq(changes.ptr, "");
    ck_assert_int_eq(bn_fake_tree_peek(&tree, "/a", &data, &after), BN_OK);
    ck_assert(bn_slice_eq_str(data, "one"));
    ck_assert_mem_eq(&before, &after, sizeof before);
    ck_assert_int_eq(bn_fake_tree_peek(&tree, "/a/e", NULL, &after), BN_OK);
    ck_assert_int_eq(after.ephemeral_owner, 42);
    ck_assert_int_eq(bn_fake_tree_peek(&tree, "/a/b", NULL, NULL), BN_NOTFOUND);
    bn_fake_tree_end_session(&tree, 41);
    ck_assert_int_eq(bn_fake_tree_peek(&tree, "/a/e", NULL, NULL), BN_OK);
    bn_fake_tree_end_session(&tree, 42);
    ck_assert_int_eq(bn_fake_tree_peek(&tree, "/a/e", NULL, NULL), BN_NOTFOUND);
    bn_fake_tree_fini(&tree);
    bn_str_fini(&changes);
}
END_TEST

Suite *fake_tree_suite(void);
Suite *fake_tree_suite(void) {
    Suite *s = suite_create("fake_tree");
    TCase *tc = tcase_create("multi");
    tcase_add_test(tc, test_undo);
    suite_add_tcase(s, tc);
    return s;
}
