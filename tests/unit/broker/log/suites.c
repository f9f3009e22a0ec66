/* suites.c: the suites of broker/log. */
#include "tests/unit/unit.h"

Suite *append_suite(void);
Suite *checkpoint_suite(void);
Suite *compact_suite(void);
Suite *compact_map_suite(void);
Suite *compact_pass_suite(void);
Suite *compact_plan_suite(void);
Suite *compact_reader_suite(void);
Suite *compact_sift_suite(void);
Suite *dirmeta_suite(void);
Suite *epochs_suite(void);
Suite *findtime_suite(void);
Suite *flush_suite(void);
Suite *follow_suite(void);
Suite *index_suite(void);
Suite *leftover_suite(void);
Suite *log_suite(void);
Suite *logdirs_place_suite(void);
Suite *logdirs_point_suite(void);
Suite *logdirs_suite(void);
Suite *logread_suite(void);
Suite *partdir_suite(void);
Suite *producer_suite(void);
Suite *recover_suite(void);
Suite *relearn_suite(void);
Suite *replay_suite(void);
Suite *retain_suite(void);
Suite *scan_suite(void);
Suite *segment_suite(void);
Suite *timeindex_suite(void);
Suite *topicid_suite(void);
Suite *truncate_suite(void);
Suite *validate_suite(void);

const unit_suite_fn unit_suites[] = {append_suite,
                                     checkpoint_suite,
                                     compact_suite,
                                     compact_map_suite,
                                     compact_pass_suite,
                                     compact_plan_suite,
                                     compact_reader_suite,
                                     compact_sift_suite,
                                     dirmeta_suite,
                                     epochs_suite,
                                     findtime_suite,
                                     flush_suite,
                                     follow_suite,
                                     index_suite,
                                     leftover_suite,
                                     log_suite,
                                     logdirs_suite,
                                     logdirs_place_suite,
                                     logdirs_point_suite,
                                     logread_suite,
                                     partdir_suite,
                                     producer_suite,
                                     recover_suite,
                                     relearn_suite,
                                     replay_suite,
                                     retain_suite,
                                     scan_suite,
                                     segment_suite,
                                     timeindex_suite,
                                     topicid_suite,
                                     truncate_suite,
                                     validate_suite,
                                     NULL};
