/* alloc.c: the heap, for memory whose size we decide. Failure aborts: there is no sensible way on, and an
 * allocation that could be made to fail from outside belongs in an arena. */
#include "common/base/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"

void *bn_alloc(size_t size) {
    void *p = malloc(size ? size : 1);
    BN_ASSERT(p != NULL);
    return p;
}

void *bn_alloc_zero(size_t count, size_t size) {
    bool empty = count == 0 || size == 0;
    void *p = calloc(empty ? 1 : count, empty ? 1 : size);
    BN_ASSERT(p != NULL);
    return p;
}

void *bn_alloc_resize(void *ptr, size_t size) {
    void *p = realloc(ptr, size ? size : 1);
    BN_ASSERT(p != NULL);
    return p;
}

char *bn_alloc_strdup(const char *s) { return bn_alloc_strndup(s, strlen(s)); }

char *bn_alloc_strndup(const void *s, size_t len) {
    BN_ASSERT(len < SIZE_MAX);
    char *p = bn_alloc(len + 1);
    if (len) memcpy(p, s, len);
    p[len] = '\0';
    return p;
}

void bn_alloc_free(void *ptr) { free(ptr); }

char *bn_alloc_printf(const char *fmt, ...) {
    va_list ap;
    char *p;
    va_start(ap, fmt);
    int n = vasprintf(&p, fmt, ap);
    va_end(ap);
    BN_ASSERT(n >= 0);
    return p;
}
