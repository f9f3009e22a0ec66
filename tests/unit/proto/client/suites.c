/* suites.c: the suites of proto/client. */
#include "tests/unit/proto/client/suites.h"

const unit_suite_fn unit_suites[] = {answerbuf_suite, bootstrap_suite, client_suite, NULL};
