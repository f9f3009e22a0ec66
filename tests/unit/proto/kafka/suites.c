/* suites.c: the suites of proto/kafka. */
#include "tests/unit/proto/kafka/suites.h"

const unit_suite_fn unit_suites[] = {codec_suite, NULL};
