/* compact_reader.c: reads a segment forwards through one buffer, which grows to the largest batch in it and no further
 * than the file itself. */
#include "broker/log/compact_reader.h"

#include "common/base/alloc.h"

int bn_compact_reader_open(struct bn_compact_reader *r, const struct bn_index_place *place, int64_t base, int64_t size,
                           size_t buffer_bytes, struct bn_err *e) {
    *r = (struct bn_compact_reader){.size = size, .capacity = bn_max_size(buffer_bytes, BN_BATCH_HEADER)};
    char *path = bn_index_path(place, base, ".log");
    int rc = place->disk->open(place->disk, path, BN_DISK_READ, &r->file, e);
    if (rc) r->file = NULL;
    bn_alloc_free(path);
    if (rc == 0) r->bytes = bn_alloc(r->capacity);
    return rc;
}

void bn_compact_reader_close(struct bn_compact_reader *r) {
    bn_file_unref(r->file);
    bn_alloc_free(r->bytes);
    *r = (struct bn_compact_reader){0};
}

/* Makes room for `need` bytes from the current batch on, and reads as much as fits. */
static int fill(struct bn_compact_reader *r, size_t need) {
    memmove(r->bytes, r->bytes + r->from, r->have - r->from);
    r->have -= r->from;
    r->from = 0;
    if (need > r->capacity) {
        r->bytes = bn_alloc_resize(r->bytes, need);
        r->capacity = need;
    }
    size_t want = bn_min_size(r->capacity - r->have, (size_t)(r->size - r->position));
    ssize_t n = r->file->disk->pread(r->file, r->bytes + r->have, want, r->position, NULL);
    if (n < 0) return BN_IO;
    r->position += n;
    r->have += (size_t)n;
    return (size_t)n == want ? 0 : BN_BAD; /* shorter than it was */
}

int bn_compact_reader_next(struct bn_compact_reader *r, struct bn_batch *b) {
    for (;;) {
        int rc = bn_batch_peek(bn_slice_of(r->bytes + r->from, r->have - r->from), b);
        if (rc == 0) {
            r->from += b->bytes.len;
            return bn_batch_crc_ok(b) ? 1 : BN_BAD;
        }
        if (rc != BN_AGAIN) return BN_BAD;
        size_t left = r->have - r->from;
        if (left == 0 && r->position == r->size) return 0;
        size_t need = left > BN_BATCH_OVERHEAD ? (size_t)b->length + BN_BATCH_OVERHEAD : BN_BATCH_HEADER;
        /* What the file can't hold is not asked for. */
        if ((int64_t)(need - left) > r->size - r->position) return BN_BAD;
        rc = fill(r, need);
        if (rc) return rc;
    }
}
