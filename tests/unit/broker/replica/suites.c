/* suites.c: the suites of broker/replica. */
#include "tests/unit/unit.h"

Suite *cleaning_suite(void);
Suite *closest_suite(void);
Suite *fetcher_suite(void);
Suite *fetchers_suite(void);
Suite *fetchset_suite(void);
Suite *isr_suite(void);
Suite *isr_heard_suite(void);
Suite *partition_suite(void);
Suite *partition_follow_suite(void);
Suite *partition_lead_suite(void);
Suite *partition_serve_suite(void);
Suite *partition_trim_suite(void);
Suite *pause_suite(void);
Suite *proposals_suite(void);
Suite *roster_suite(void);
Suite *survey_suite(void);

const unit_suite_fn unit_suites[] = {
    cleaning_suite,
    closest_suite,
    fetcher_suite,
    fetchers_suite,
    fetchset_suite,
    isr_suite,
    isr_heard_suite,
    partition_suite,
    partition_follow_suite,
    partition_lead_suite,
    partition_serve_suite,
    pause_suite,
    proposals_suite,
    roster_suite,
    survey_suite,
    partition_trim_suite,
    NULL,
};
