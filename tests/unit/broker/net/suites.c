/* suites.c: the suites of broker/net. */
#include "tests/unit/unit.h"

Suite *conn_suite(void);
Suite *conns_suite(void);
Suite *framepool_suite(void);
Suite *listener_suite(void);
Suite *reply_suite(void);

const unit_suite_fn unit_suites[] = {reply_suite, framepool_suite, conn_suite, conns_suite, listener_suite, NULL};
