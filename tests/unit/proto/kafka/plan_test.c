/* Goal: the generated tables keep the promises of plan.h, in every plan reachable from every message. */
#include "proto/kafka/kapi.h"
#include "proto/kafka/kmsg.h"
#include "proto/kafka/plan.h"
#include "tests/unit/proto/kafka/suites.h"

enum { DEPTH_MAX = 6 };

static void check_plan(const struct bn_plan *p, bool flexible, int depth);

static void check_op(const struct bn_plan *p, const struct bn_plan_op *op, bool flexible, int depth) {
    bool has_sub = op->kind == BN_PLAN_STRUCT || op->kind == BN_PLAN_STRUCT_PTR || op->element == BN_PLAN_STRUCT;
    ck_assert(op->kind <= BN_PLAN_ARRAY);
    ck_assert(op->offset < p->desc->size);
    ck_assert_int_eq((op->flags & BN_PLAN_FLEX) != 0, flexible);
    ck_assert_int_eq(op->sub != NULL, has_sub);
    if (op->kind == BN_PLAN_ARRAY) ck_assert_int_gt(op->min_size, 0);
    if (op->kind == BN_PLAN_ARRAY && op->element <= BN_PLAN_UUID) {
        ck_assert_uint_eq(op->min_size, bn_plan_scalar_size(op->element)); /* decode.c reads that much per element */
    }
    if (has_sub) {
        ck_assert_uint_eq(op->size, op->sub->desc->size);
        ck_assert_int_eq(op->min_size, op->sub->min_size);
        check_plan(op->sub, flexible, depth + 1);
    }
}

static void check_plan(const struct bn_plan *p, bool flexible, int depth) {
    ck_assert_int_le(depth, DEPTH_MAX);
    ck_assert_int_eq(p->flexible, flexible);
    for (int i = 0; i < p->op_count; i++) check_op(p, &p->ops[i], flexible, depth);
    for (int i = 0; i < p->tag_count; i++) {
        check_op(p, &p->tagged[i], flexible, depth);
        if (i > 0) ck_assert_int_gt(p->tagged[i].tag, p->tagged[i - 1].tag);
    }
    for (int i = 0; i < p->absent_count; i++) ck_assert_int_eq(p->absent[i].flags & BN_PLAN_IGNORABLE, 0);
    if (p->tag_count) ck_assert(flexible && p->sparse);
    if (p->fixed_size) ck_assert_int_eq(p->fixed_size, p->min_size);
}

START_TEST(all_plans) {
    for (int key = 0; key < KAPI_KEYS; key++) {
        const struct bn_codec_desc *both[] = {bn_plan_requests[key], bn_plan_responses[key]};
        for (int i = 0; i < 2 && both[i]; i++) {
            for (int v = both[i]->min_version; v <= both[i]->max_version; v++) {
                check_plan(bn_plan_of(both[i], v), bn_codec_is_flexible(both[i], v), 1);
            }
        }
    }
}
END_TEST

static bool is_default(const struct bn_plan *p, const char *field, const void *message) {
    for (int i = 0; i < p->op_count; i++) {
        if (strcmp(p->desc->fields[p->ops[i].field], field) == 0) {
            return bn_plan_is_default(&p->ops[i], message, p->desc->defaults);
        }
    }
    ck_abort_msg("no field %s", field);
}

START_TEST(defaults) {
    struct kmsg_fetch_request r = kmsg_fetch_request_default;
    const struct bn_plan *p = kmsg_fetch_request_desc.whole;
    for (int i = 0; i < p->op_count; i++) ck_assert(bn_plan_is_default(&p->ops[i], (uint8_t *)&r, p->desc->defaults));
    r.cluster_id = BN_SLICE_LIT("");
    r.replica_state.replica_epoch = 0;
    r.session_epoch = 0;
    r.topics.n = 1;
    r.rack_id = BN_SLICE_NULL;
    ck_assert(!is_default(p, "cluster_id", &r));
    ck_assert(!is_default(p, "replica_state", &r));
    ck_assert(!is_default(p, "session_epoch", &r));
    ck_assert(!is_default(p, "topics", &r));
    ck_assert(!is_default(p, "rack_id", &r));
    ck_assert(is_default(p, "max_bytes", &r));
}
END_TEST

Suite *plan_suite(void) {
    Suite *s = suite_create("plan");
    TCase *t = tcase_create("plan");
    tcase_add_test(t, all_plans);
    tcase_add_test(t, defaults);
    suite_add_tcase(s, t);
    return s;
}
