/* suites.c: the suites of common/zk. */
#include "tests/unit/unit.h"

Suite *zk_suite(void);

const unit_suite_fn unit_suites[] = {zk_suite, NULL};
