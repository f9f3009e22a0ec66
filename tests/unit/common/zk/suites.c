/* suites.c: the suites of common/zk. */
#include "tests/unit/unit.h"

Suite *leadership_suite(void);
Suite *zk_suite(void);
Suite *znode_suite(void);
Suite *znode_path_suite(void);

const unit_suite_fn unit_suites[] = {leadership_suite, znode_suite, znode_path_suite, zk_suite, NULL};
