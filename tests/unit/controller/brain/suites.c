/* suites.c: the suites of controller/brain. */
#include "tests/unit/unit.h"

Suite *topic_admin_suite(void);
Suite *alter_suite(void);
Suite *blocks_suite(void);
Suite *config_suite(void);
Suite *config_alter_suite(void);
Suite *deletion_suite(void);
Suite *elect_suite(void);
Suite *election_suite(void);
Suite *flight_suite(void);
Suite *ids_suite(void);
Suite *leaving_suite(void);
Suite *liveness_suite(void);
Suite *model_suite(void);
Suite *model_partition_suite(void);
Suite *model_state_suite(void);
Suite *model_topic_suite(void);
Suite *output_suite(void);
Suite *partition_sm_suite(void);
Suite *place_suite(void);
Suite *publish_suite(void);
Suite *rebalance_suite(void);
Suite *request_suite(void);
Suite *step_suite(void);
Suite *topic_name_suite(void);
Suite *topics_suite(void);
Suite *group_fact_suite(void);
Suite *groups_suite(void);

const unit_suite_fn unit_suites[] = {topic_admin_suite,
                                     alter_suite,
                                     blocks_suite,
                                     config_suite,
                                     deletion_suite,
                                     election_suite,
                                     flight_suite,
                                     ids_suite,
                                     liveness_suite,
                                     model_suite,
                                     model_partition_suite,
                                     model_state_suite,
                                     model_topic_suite,
                                     output_suite,
                                     partition_sm_suite,
                                     place_suite,
                                     publish_suite,
                                     request_suite,
                                     step_suite,
                                     topic_name_suite,
                                     topics_suite,
                                     config_alter_suite,
                                     elect_suite,
                                     leaving_suite,
                                     rebalance_suite,
                                     group_fact_suite,
                                     groups_suite,
                                     NULL};
