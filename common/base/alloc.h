/* alloc.h: memory that we size ourselves. Running out of it aborts; memory a peer can size comes from
 * a budgeted arena (arena.h), which may refuse. */
#ifndef BN_ALLOC_H
#define BN_ALLOC_H

#include "common/base/base.h"

void *bn_alloc(size_t size) __attribute__((malloc, returns_nonnull));   /* uninitialised */
void *bn_alloc_zero(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *bn_alloc_resize(void *ptr, size_t size) __attribute__((returns_nonnull));
char *bn_alloc_strdup(const char *s) __attribute__((malloc, returns_nonnull));
char *bn_alloc_strndup(const void *s, size_t len) __attribute__((malloc, returns_nonnull));
void bn_alloc_free(void *ptr); /* NULL is fine */
/* A printf into new memory. */
char *bn_alloc_printf(const char *fmt, ...) BN_PRINTF(1, 2) __attribute__((malloc, returns_nonnull));

#endif
