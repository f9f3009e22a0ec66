/* suites.c: the suites of broker/group. */
#include "tests/unit/unit.h"

Suite *group_suite(void);
Suite *group_join_suite(void);
Suite *group_member_suite(void);
Suite *group_rebalance_suite(void);
Suite *group_sync_suite(void);
Suite *property_suite(void);
Suite *coordinator_suite(void);
Suite *coordinator_commit_suite(void);
Suite *coordinator_forget_suite(void);
Suite *coordinator_load_suite(void);
Suite *coordinator_store_suite(void);
Suite *grecord_suite(void);
Suite *offsets_suite(void);

const unit_suite_fn unit_suites[] = {
    group_suite,
    group_join_suite,
    group_member_suite,
    group_rebalance_suite,
    group_sync_suite,
    property_suite,
    grecord_suite,
    coordinator_suite,
    coordinator_commit_suite,
    coordinator_forget_suite,
    coordinator_load_suite,
    coordinator_store_suite,
    offsets_suite,
    NULL,
};
