/* suites.h: the suites of proto/kafka, each named after the file it tests. */
#ifndef KAFKA_SUITES_H
#define KAFKA_SUITES_H

#include "tests/unit/unit.h"

Suite *batch_suite(void);
Suite *codec_suite(void);
Suite *compress_suite(void);
Suite *decode_suite(void);
Suite *encode_suite(void);
Suite *errors_suite(void);
Suite *header_suite(void);
Suite *legacy_suite(void);
Suite *plan_suite(void);
Suite *walk_suite(void);

#endif
