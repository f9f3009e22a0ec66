/* suites.c: the suites of broker/cluster. */
#include "tests/unit/unit.h"

Suite *agent_suite(void);
Suite *forward_once_suite(void);
Suite *forward_script_suite(void);
Suite *forward_suite(void);
Suite *register_suite(void);
Suite *uplink_suite(void);

const unit_suite_fn unit_suites[] = {agent_suite,          register_suite,     uplink_suite, forward_suite,
                                     forward_script_suite, forward_once_suite, NULL};
