/* suites.c: the suites of controller. */
#include "tests/unit/unit.h"

Suite *admin_suite(void);
Suite *admin_config_suite(void);
Suite *calls_suite(void);
Suite *channel_suite(void);
Suite *config_rules_suite(void);
Suite *controller_suite(void);
Suite *effect_op_suite(void);
Suite *effect_suite(void);
Suite *load_suite(void);
Suite *notices_suite(void);
Suite *pack_suite(void);
Suite *probe_suite(void);
Suite *purge_suite(void);
Suite *reread_suite(void);
Suite *setup_suite(void);
Suite *standby_suite(void);
Suite *armory_suite(void);
Suite *elect_watch_suite(void);
Suite *watch_suite(void);
Suite *calls_group_suite(void);
Suite *group_list_suite(void);
Suite *group_node_suite(void);
Suite *group_read_suite(void);

const unit_suite_fn unit_suites[] = {setup_suite,
                                     load_suite,
                                     notices_suite,
                                     effect_op_suite,
                                     purge_suite,
                                     reread_suite,
                                     pack_suite,
                                     probe_suite,
                                     admin_suite,
                                     watch_suite,
                                     effect_suite,
                                     calls_suite,
                                     channel_suite,
                                     standby_suite,
                                     controller_suite,
                                     elect_watch_suite,
                                     armory_suite,
                                     admin_config_suite,
                                     config_rules_suite,
                                     calls_group_suite,
                                     group_list_suite,
                                     group_node_suite,
                                     group_read_suite,
                                     NULL};
