/* errors.h: Kafka's wire error codes, from errors.def rows: X(NAME, code, "sentence", retriable). */
#ifndef BN_ERRORS_H
#define BN_ERRORS_H

#include "common/base/base.h"

enum kafka_error {
#define X(name, code, text, retriable) KE_##name = code,
#include "proto/kafka/errors.def"
#undef X
};

const char *bn_errors_name(int code); /* "NOT_LEADER_OR_FOLLOWER"; "UNKNOWN_SERVER_ERROR" when not a code */
const char *bn_errors_text(int code);
bool bn_errors_retriable(int code); /* as Kafka's Java client sees it */

#endif
