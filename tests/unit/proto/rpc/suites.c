/* suites.c: the suites of proto/rpc. */
#include "tests/unit/unit.h"

Suite *rpc_suite(void);
Suite *rpc_frame_suite(void);

const unit_suite_fn unit_suites[] = {rpc_frame_suite, rpc_suite, NULL};
