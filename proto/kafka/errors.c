/* errors.c: Kafka's wire error codes as a table. Owns nothing but the rows of errors.def; a code outside of it is
 * treated like UNKNOWN_SERVER_ERROR, as clients do. Codes ascend without a gap, so a code is an index. */
#include "proto/kafka/errors.h"

struct row {
    const char *name, *text;
    bool retriable;
};

static const struct row rows[] = {
#define X(name, code, text, retriable) {#name, text, retriable},
#include "proto/kafka/errors.def"
#undef X
};

/* Catches a gap or a row out of order in errors.def at compile time. */
enum position {
#define X(name, code, text, retriable) AT_##name,
#include "proto/kafka/errors.def"
#undef X
};
#define X(name, code, text, retriable) _Static_assert((int)AT_##name == (code) + 1, "errors.def: " #name);
#include "proto/kafka/errors.def"
#undef X

static const struct row *row_of(int code) {
    if (code < -1 || code >= (int)BN_ARRAY_LEN(rows) - 1) return &rows[0];
    return &rows[code + 1];
}

const char *bn_errors_name(int code) {
    return row_of(code)->name;
}

const char *bn_errors_text(int code) {
    return row_of(code)->text;
}

bool bn_errors_retriable(int code) {
    return row_of(code)->retriable;
}
