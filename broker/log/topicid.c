/* topicid.c: partition.metadata: two lines, "version: 0" and "topic_id: <22 characters>". It is written before the
 * first append and never changed: a directory of another topic of the same name is found out by it. */
#include "broker/log/topicid.h"

#include "common/base/alloc.h"
#include "common/base/slice.h"

enum { FILE_BYTES_MAX = 4096 };

static bool find(struct bn_slice text, struct bn_uuid *id) {
    static const char key[] = "topic_id: ";
    const size_t key_len = sizeof key - 1;
    for (const uint8_t *at = text.ptr, *end = at + text.len; at < end;) {
        const uint8_t *eol = memchr(at, '\n', (size_t)(end - at));
        if (!eol) eol = end;
        size_t len = (size_t)(eol - at);
        if (len >= key_len && memcmp(at, key, key_len) == 0)
            return bn_uuid_parse(bn_slice_of(at + key_len, len - key_len), id);
        at = eol + 1;
    }
    return false;
}

int bn_topicid_read(const struct bn_index_place *place, struct bn_uuid *out, struct bn_err *e) {
    char *path = bn_alloc_printf("%s/partition.metadata", place->dir);
    uint8_t *bytes = NULL;
    size_t len = 0;
    int rc = bn_disk_read_all(place->disk, path, FILE_BYTES_MAX, &bytes, &len, e);
    if (rc == 0 && !find(bn_slice_of(bytes, len), out)) rc = bn_err_set(e, BN_BAD, "%s: malformed", path);
    bn_alloc_free(bytes);
    bn_alloc_free(path);
    return rc;
}

int bn_topicid_settle(const struct bn_index_place *place, const struct bn_uuid *want, struct bn_err *e) {
    if (bn_uuid_is_zero(want)) return 0;
    struct bn_uuid there;
    char text[BN_UUID_TEXT_LEN + 1], other[BN_UUID_TEXT_LEN + 1];
    bn_uuid_format(want, text);
    int rc = bn_topicid_read(place, &there, e);
    if (rc == BN_NOTFOUND) {
        char *path = bn_alloc_printf("%s/partition.metadata", place->dir);
        char *file = bn_alloc_printf("version: 0\ntopic_id: %s", text);
        rc = bn_disk_write_atomic(place->disk, path, file, strlen(file), e);
        bn_alloc_free(file);
        bn_alloc_free(path);
        return rc;
    }
    if (rc || bn_uuid_eq(&there, want)) return rc;
    bn_uuid_format(&there, other);
    return bn_err_set(e, BN_STALE, "%s belongs to topic id %s, not %s", place->dir, other, text);
}
