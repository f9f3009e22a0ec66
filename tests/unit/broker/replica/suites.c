/* suites.c: the suites of broker/replica. */
#include "tests/unit/unit.h"

Suite *isr_suite(void);
Suite *partition_suite(void);
Suite *partition_lead_suite(void);
Suite *partition_serve_suite(void);
Suite *proposals_suite(void);
Suite *roster_suite(void);
Suite *survey_suite(void);

const unit_suite_fn unit_suites[] = {
    isr_suite,
    proposals_suite,
    partition_suite,
    partition_lead_suite,
    partition_serve_suite,
    roster_suite,
    survey_suite,
    NULL,
};
