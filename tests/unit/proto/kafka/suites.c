/* suites.c: the suites of proto/kafka. */
#include "tests/unit/proto/kafka/suites.h"

const unit_suite_fn unit_suites[] = {batch_suite,  codec_suite,  compress_suite, decode_suite, encode_suite,
                                     errors_suite, header_suite, legacy_suite,   plan_suite,   walk_suite,
                                     NULL};
