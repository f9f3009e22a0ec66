/* suites.c: the suites of broker/image. */
#include "tests/unit/unit.h"

Suite *image_check_suite(void);
Suite *image_diff_suite(void);
Suite *image_suite(void);

const unit_suite_fn unit_suites[] = {image_suite, image_check_suite, image_diff_suite, NULL};
