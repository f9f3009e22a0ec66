/* suites.c: the suites of broker/log. */
#include "tests/unit/unit.h"

Suite *log_suite(void);
Suite *recover_suite(void);

const unit_suite_fn unit_suites[] = {log_suite, recover_suite, NULL};
