/* suites.c: the suites of common/conf. */
#include "tests/unit/unit.h"

Suite *conf_suite(void);
Suite *conf_check_suite(void);
Suite *conf_value_suite(void);
Suite *endpoint_suite(void);
Suite *props_suite(void);
Suite *topic_conf_suite(void);

const unit_suite_fn unit_suites[] = {conf_suite,  conf_check_suite, conf_value_suite, endpoint_suite,
                                     props_suite, topic_conf_suite, NULL};
