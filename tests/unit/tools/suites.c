/* suites.c: the suites of tools. */
#include "tests/unit/unit.h"

Suite *dump_suite(void);
Suite *groupask_suite(void);
Suite *grouplines_suite(void);
Suite *jsonout_suite(void);
Suite *near_suite(void);
Suite *options_suite(void);
Suite *pattern_suite(void);
Suite *places_suite(void);
Suite *resetplan_suite(void);
Suite *topic_rules_suite(void);
Suite *when_suite(void);

const unit_suite_fn unit_suites[] = {dump_suite,      groupask_suite,    grouplines_suite, jsonout_suite,
                                     near_suite,      options_suite,     pattern_suite,    places_suite,
                                     resetplan_suite, topic_rules_suite, when_suite,       NULL};
