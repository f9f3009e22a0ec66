/* suites.c: the suites of controller/brain. */
#include "tests/unit/unit.h"

Suite *step_suite(void);

const unit_suite_fn unit_suites[] = {step_suite, NULL};
