/* suites.c: the suites of tools. */
#include "tests/unit/unit.h"

Suite *options_suite(void);
Suite *topic_rules_suite(void);

const unit_suite_fn unit_suites[] = {options_suite, topic_rules_suite, NULL};
