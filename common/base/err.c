/* err.c: fills and wraps struct bn_err. An error's text is always NUL-terminated; one that is too long is
 * cut at the end, so that the outermost context (which comes first) is kept. Does not trace anything. */
#include "common/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"

const char *bn_err_text(int code) {
    switch (code) {
    case BN_OK:
        return "no error";
#define X(name, value, text)                                                                       \
    case value:                                                                                    \
        return text;
        BN_ERR_MAP(X)
#undef X
    default:
        return "unknown status";
    }
}

int bn_err_set(struct bn_err *e, int code, const char *fmt, ...) {
    BN_ASSERT(code < 0);
    if (!e) return code;
    e->code = code;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(e->text, sizeof e->text, fmt, ap);
    va_end(ap);
    return code;
}

int bn_err_errno(struct bn_err *e, int code, int errnum, const char *fmt, ...) {
    BN_ASSERT(code < 0);
    if (!e) return code;
    e->code = code;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(e->text, sizeof e->text, fmt, ap);
    va_end(ap);
    size_t len = strlen(e->text);
    char room[128];
    snprintf(e->text + len, sizeof e->text - len, ": %s", strerror_r(errnum, room, sizeof room));
    return code;
}

int bn_err_wrap(struct bn_err *e, const char *fmt, ...) {
    if (!e) return BN_IO;
    char inner[sizeof e->text];
    memcpy(inner, e->text, sizeof inner);
    inner[sizeof inner - 1] = '\0';
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(e->text, sizeof e->text, fmt, ap);
    va_end(ap);
    size_t len = strlen(e->text);
    snprintf(e->text + len, sizeof e->text - len, ": %s", inner);
    return e->code;
}
