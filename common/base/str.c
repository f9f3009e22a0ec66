/* str.c: a growing, NUL-terminated string. An empty one that never grew points to a shared empty text, so
 * that making one costs nothing; capacity 0 tells it apart. Otherwise capacity > len. */
#include "common/base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/check.h"

static char empty_text[1]; /* never written */

void bn_str_init(struct bn_str *s) { *s = (struct bn_str){empty_text, 0, 0}; }

void bn_str_fini(struct bn_str *s) {
    if (s->capacity) bn_alloc_free(s->ptr);
    bn_str_init(s);
}

void bn_str_clear(struct bn_str *s) {
    s->len = 0;
    if (s->capacity) s->ptr[0] = '\0';
}

static void make_room(struct bn_str *s, size_t len) {
    BN_ASSERT(len < SIZE_MAX / 4 && s->len < SIZE_MAX / 4);
    size_t need = s->len + len + 1;
    if (need <= s->capacity) return;
    size_t capacity = bn_max_size(need, bn_max_size(s->capacity * 2, 32));
    s->ptr = bn_alloc_resize(s->capacity ? s->ptr : NULL, capacity);
    s->capacity = capacity;
    s->ptr[s->len] = '\0';
}

char *bn_str_reserve(struct bn_str *s, size_t len) {
    make_room(s, len);
    return s->ptr + s->len;
}

void bn_str_add(struct bn_str *s, const char *text) { bn_str_add_slice(s, bn_slice_str(text)); }

void bn_str_add_slice(struct bn_str *s, struct bn_slice text) {
    if (text.len == 0) return;
    make_room(s, text.len);
    memcpy(s->ptr + s->len, text.ptr, text.len);
    s->len += text.len;
    s->ptr[s->len] = '\0';
}

void bn_str_addf(struct bn_str *s, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    BN_ASSERT(n >= 0);
    make_room(s, (size_t)n);
    va_start(ap, fmt);
    vsnprintf(s->ptr + s->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    s->len += (size_t)n;
}

char *bn_str_take(struct bn_str *s) {
    if (!s->capacity) return bn_alloc_strdup("");
    char *text = s->ptr;
    bn_str_init(s);
    return text;
}
