/* checkpoint.c: reads Kafka's small checkpoint files strictly: a file that is not whole is not believed at all. What
 * the lines mean is the caller's; writing is common/sys/disk's write-sync-rename. */
#include "broker/log/checkpoint.h"

#include "common/base/alloc.h"

static bool next_line(struct bn_slice *text, struct bn_slice *line) {
    if (text->len == 0) return false;
    const uint8_t *end = memchr(text->ptr, '\n', text->len);
    size_t len = end ? (size_t)(end - text->ptr) : text->len;
    *line = bn_slice_of(text->ptr, len);
    size_t used = end ? len + 1 : len;
    *text = bn_slice_of(text->ptr + used, text->len - used);
    if (line->len && line->ptr[line->len - 1] == '\r') line->len--;
    return true;
}

/* Words are separated by single spaces; -1 when there are too many. */
static int split(struct bn_slice line, struct bn_slice *words) {
    int count = 0;
    for (;;) {
        const uint8_t *space = line.len ? memchr(line.ptr, ' ', line.len) : NULL;
        size_t len = space ? (size_t)(space - line.ptr) : line.len;
        if (count == BN_CHECKPOINT_WORDS_MAX) return -1;
        words[count++] = bn_slice_of(line.ptr, len);
        if (!space) return count;
        line = bn_slice_of(space + 1, line.len - len - 1);
    }
}

int bn_checkpoint_parse(struct bn_slice text, int (*line)(void *arg, struct bn_slice *words, int count), void *arg,
                        struct bn_err *e) {
    struct bn_slice at, words[BN_CHECKPOINT_WORDS_MAX];
    if (text.len == 0) return 0;
    int64_t version = -1, expected = -1, found = 0;
    if (!next_line(&text, &at) || !bn_slice_to_i64(at, &version) || version != 0)
        return bn_err_set(e, BN_BAD, "unknown version of a checkpoint file");
    if (!next_line(&text, &at) || !bn_slice_to_i64(at, &expected) || expected < 0)
        return bn_err_set(e, BN_BAD, "no count in line 2");
    while (next_line(&text, &at)) {
        int count = split(at, words);
        if (count < 0 || line(arg, words, count) != 0)
            return bn_err_set(e, BN_BAD, "malformed line %" PRId64, found + 3);
        found++;
    }
    if (found != expected)
        return bn_err_set(e, BN_BAD, "%" PRId64 " entries announced, %" PRId64 " found", expected, found);
    return 0;
}

int bn_checkpoint_read(const struct bn_disk *disk, const char *path,
                       int (*line)(void *arg, struct bn_slice *words, int count), void *arg, struct bn_err *e) {
    uint8_t *bytes = NULL;
    size_t len = 0;
    int rc = bn_disk_read_all(disk, path, BN_CHECKPOINT_BYTES_MAX, &bytes, &len, e);
    if (rc == BN_NOTFOUND) return 0;
    if (rc) return rc;
    rc = bn_checkpoint_parse(bn_slice_of(bytes, len), line, arg, e);
    bn_alloc_free(bytes);
    if (rc && e) bn_err_wrap(e, "%s", path);
    return rc;
}
