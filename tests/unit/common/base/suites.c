/* suites.c: the suites of common/base. */
#include "tests/unit/unit.h"

Suite *chain_suite(void);
Suite *map_suite(void);

const unit_suite_fn unit_suites[] = {chain_suite, map_suite, NULL};
