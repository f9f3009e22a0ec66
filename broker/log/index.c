/* index.c: the file of fixed-size, ascending entries that both kinds of index are made of, read and written with pread
 * and pwrite; nothing is mapped. New entries wait in a small buffer, so that an append costs no system call for its
 * index: what a crash takes with it lies behind the recovery point, where indexes are rebuilt anyway. Invariant:
 * entries [0, written) are in the file, [written, count) in `pending`. It does not know what is indexed. */
#include "broker/log/index.h"

#include <stdio.h>

#include "common/base/alloc.h"
#include "common/base/bytes.h"
#include "common/base/check.h"

static uint32_t entry_size(const struct bn_index *x) { return bn_index_entry_size(x->kind); }

char *bn_index_path(const struct bn_index_place *place, int64_t base_offset, const char *suffix) {
    return bn_alloc_printf("%s/%020" PRId64 "%s%s", place->dir, base_offset, suffix,
                           place->suffix ? place->suffix : "");
}

void bn_index_init(struct bn_index *x, const struct bn_index_place *place, int64_t base_offset,
                   enum bn_index_kind kind) {
    *x = (struct bn_index){.place = place, .base_offset = base_offset, .kind = kind};
}

void bn_index_fini(struct bn_index *x) {
    bn_file_unref(x->file);
    bn_alloc_free(x->pending);
    x->file = NULL;
    x->pending = NULL;
}

/* The file, opened if need be; *out is NULL when it is absent and !create. */
static int file_of(struct bn_index *x, bool create, struct bn_file **out) {
    int rc = 0;
    if (!x->file) {
        char *path = bn_index_path(x->place, x->base_offset, x->kind == BN_INDEX_TIME ? ".timeindex" : ".index");
        rc = x->place->disk->open(x->place->disk, path, BN_DISK_WRITE | (create ? BN_DISK_CREATE : 0), &x->file, NULL);
        bn_alloc_free(path);
        if (rc) x->file = NULL;
        if (rc == BN_NOTFOUND && !create) rc = 0;
    }
    *out = x->file;
    return rc == 0 || (rc == BN_NOROOM && create) ? rc : BN_IO;
}

int bn_index_file(struct bn_index *x, struct bn_file **out) { return file_of(x, true, out); }

static int64_t key_of(const struct bn_index *x, enum bn_index_key key, const uint8_t *entry) {
    if (key == BN_INDEX_BY_TIME) return (int64_t)bn_get_u64(entry);
    if (key == BN_INDEX_BY_POSITION) return bn_get_u32(entry + 4);
    return bn_index_relative(x->kind, entry);
}

int bn_index_load(struct bn_index *x) {
    if (x->loaded) return 0;
    struct bn_file *f;
    int rc = file_of(x, false, &f);
    if (rc) return rc;
    int64_t size = 0;
    if (f && x->place->disk->size(f, &size, NULL) != 0) return BN_IO;
    uint32_t n = (uint32_t)bn_min_i64(size / entry_size(x), INT32_MAX / BN_INDEX_ENTRY_MAX);
    x->loaded = true;
    x->count = x->written = n;
    /* Kafka preallocates indexes; after a crash of its process the tail is zeroes. No entry but the first can have
     * relative offset 0, so the end of the real ones is found by halving. */
    uint8_t entry[BN_INDEX_ENTRY_MAX];
    uint32_t low = 0, high = n; /* entries below low are real, from high on they are not */
    for (uint32_t mid = n ? n - 1 : 0; rc == 0 && low < high; mid = low + (high - low) / 2) {
        rc = bn_index_get(x, mid, entry);
        bool real = false;
        for (uint32_t i = 0; i < entry_size(x); i++) real |= entry[i] != 0;
        if (real)
            low = mid + 1;
        else
            high = mid;
    }
    x->count = x->written = low;
    if (rc) x->loaded = false;
    return rc;
}

int bn_index_write(struct bn_index *x) {
    int rc = bn_index_load(x);
    if (rc) return rc;
    struct bn_file *f;
    rc = file_of(x, true, &f);
    if (rc) return rc;
    uint32_t size = entry_size(x);
    if (x->count > x->written) {
        struct iovec iov = {x->pending, (size_t)(x->count - x->written) * size};
        rc = x->place->disk->pwritev(f, &iov, 1, (int64_t)x->written * size, NULL);
        if (rc) return rc;
        x->written = x->count;
    }
    int64_t have = 0, want = (int64_t)x->count * size;
    if (x->place->disk->size(f, &have, NULL) != 0) return BN_IO;
    if (have != want && x->place->disk->truncate(f, want, NULL) != 0) return BN_IO;
    return 0;
}

int bn_index_add(struct bn_index *x, const uint8_t *entry) {
    int rc = bn_index_load(x);
    if (rc) return rc;
    uint32_t size = entry_size(x);
    if (x->count - x->written == BN_INDEX_PENDING_MAX) {
        rc = bn_index_write(x);
        if (rc) return rc;
    }
    if (!x->pending) x->pending = bn_alloc((size_t)BN_INDEX_PENDING_MAX * size);
    memcpy(x->pending + (size_t)(x->count - x->written) * size, entry, size);
    x->count++;
    return 0;
}

int bn_index_get(struct bn_index *x, uint32_t i, uint8_t *entry) {
    int rc = bn_index_load(x);
    if (rc) return rc;
    BN_ASSERT(i < x->count);
    uint32_t size = entry_size(x);
    if (i >= x->written) {
        memcpy(entry, x->pending + (size_t)(i - x->written) * size, size);
        return 0;
    }
    struct bn_file *f;
    rc = file_of(x, false, &f);
    if (rc) return rc;
    if (!f) return BN_IO;
    return x->place->disk->pread(f, entry, size, (int64_t)i * size, NULL) == (ssize_t)size ? 0 : BN_IO;
}

int bn_index_floor(struct bn_index *x, enum bn_index_key key, int64_t target, int64_t *i, uint8_t *entry) {
    int rc = bn_index_load(x);
    if (rc) return rc;
    uint32_t size = entry_size(x), low = 0, high = x->count; /* answer is low - 1 */
    enum { BLOCK = 128 };
    /* Halve by single entries until a block is left, which is read at once. */
    while (rc == 0 && high - low > BLOCK) {
        uint32_t mid = low + (high - low) / 2;
        rc = bn_index_get(x, mid, entry);
        if (rc) return rc;
        if (key_of(x, key, entry) <= target)
            low = mid + 1;
        else
            high = mid;
    }
    /* `low - 1` may be the answer: it belongs to the block. */
    uint32_t from = low ? low - 1 : 0;
    uint8_t block[(BLOCK + 1) * BN_INDEX_ENTRY_MAX];
    uint32_t in_file = high < x->written ? high : x->written;
    struct bn_file *f = NULL;
    if (from < in_file) {
        rc = file_of(x, false, &f);
        size_t len = (size_t)(in_file - from) * size;
        if (rc || !f || x->place->disk->pread(f, block, len, (int64_t)from * size, NULL) != (ssize_t)len) return BN_IO;
    }
    *i = -1;
    for (uint32_t at = from; at < high; at++) {
        const uint8_t *p = at < in_file ? block + (size_t)(at - from) * size
                                        : x->pending + (size_t)(at - x->written) * size;
        if (key_of(x, key, p) > target) break;
        *i = at;
        memcpy(entry, p, size);
    }
    return 0;
}

int bn_index_forget(struct bn_index *x, uint32_t count) {
    int rc = bn_index_load(x);
    if (rc) return rc;
    if (count < x->written) x->written = count;
    if (count < x->count) x->count = count;
    return 0;
}

int bn_index_cut(struct bn_index *x, uint32_t count) {
    int rc = bn_index_forget(x, count);
    return rc ? rc : bn_index_write(x);
}

int bn_index_rest(struct bn_index *x) {
    int rc = x->loaded && x->count > x->written ? bn_index_write(x) : 0;
    if (rc) return rc;
    bn_file_unref(x->file);
    bn_alloc_free(x->pending);
    x->file = NULL;
    x->pending = NULL;
    return 0;
}

void bn_index_put_position(uint8_t entry[8], int64_t base_offset, int64_t offset, int64_t position) {
    bn_put_u32(entry, (uint32_t)(offset - base_offset));
    bn_put_u32(entry + 4, (uint32_t)position);
}

int64_t bn_index_position(const uint8_t entry[8]) { return bn_get_u32(entry + 4); }
