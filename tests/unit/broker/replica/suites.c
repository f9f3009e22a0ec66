/* suites.c: the suites of broker/replica. */
#include "tests/unit/unit.h"

Suite *partition_suite(void);
Suite *roster_suite(void);
Suite *survey_suite(void);

const unit_suite_fn unit_suites[] = {partition_suite, roster_suite, survey_suite, NULL};
