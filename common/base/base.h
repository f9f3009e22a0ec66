/* base.h: the words every file uses. No I/O, no threads, nothing of Kafka. */
#ifndef BN_BASE_H
#define BN_BASE_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BN_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define BN_CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define BN_PRINTF(fmt_index, first) __attribute__((format(printf, fmt_index, first)))
#define BN_MUST_CHECK __attribute__((warn_unused_result))
#define BN_NORETURN __attribute__((noreturn))
#define BN_UNUSED __attribute__((unused))

static inline int64_t bn_min_i64(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t bn_max_i64(int64_t a, int64_t b) { return a > b ? a : b; }
static inline size_t bn_min_size(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t bn_max_size(size_t a, size_t b) { return a > b ? a : b; }

#endif
