/* suites.h: the suites of proto/client. */
#ifndef CLIENT_SUITES_H
#define CLIENT_SUITES_H

#include "tests/unit/unit.h"

Suite *answerbuf_suite(void);
Suite *bootstrap_suite(void);
Suite *client_suite(void);

#endif
