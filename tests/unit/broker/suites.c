/* suites.c: the suites of broker/. */
#include "tests/unit/unit.h"

Suite *broker_suite(void);
Suite *checkpointer_suite(void);
Suite *cleaner_suite(void);
Suite *coordination_suite(void);
Suite *live_conf_suite(void);
Suite *round_suite(void);
Suite *settings_suite(void);
Suite *shutdown_suite(void);

const unit_suite_fn unit_suites[] = {settings_suite,     round_suite,        broker_suite,
                                     shutdown_suite,     checkpointer_suite, live_conf_suite,
                                     coordination_suite, cleaner_suite,      NULL};
