/* suites.c: the suites of tools. */
#include "tests/unit/unit.h"

Suite *options_suite(void);

const unit_suite_fn unit_suites[] = {options_suite, NULL};
