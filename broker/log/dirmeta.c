/* dirmeta.c: meta.properties, in Kafka's ZooKeeper form (version 0): the id of the cluster and of the broker that a
 * directory belongs to. Written once; a directory of another cluster or broker is the caller's to refuse. */
#include "broker/log/dirmeta.h"

#include <stdio.h>

#include "common/base/alloc.h"

enum { FILE_BYTES_MAX = 64 << 10 };

static struct bn_slice trim(struct bn_slice s) {
    while (s.len && (*s.ptr == ' ' || *s.ptr == '\t')) s = bn_slice_of(s.ptr + 1, s.len - 1);
    while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t' || s.ptr[s.len - 1] == '\r')) s.len--;
    return s;
}

static int take(struct bn_slice key, struct bn_slice value, int64_t *version, struct bn_dirmeta *out,
                struct bn_err *e) {
    int64_t id;
    if (bn_slice_eq_str(key, "version")) {
        if (!bn_slice_to_i64(value, version)) return bn_err_set(e, BN_BAD, "version is no number");
    } else if (bn_slice_eq_str(key, "cluster.id")) {
        if (value.len >= sizeof out->cluster_id) return bn_err_set(e, BN_BAD, "cluster.id is too long");
        memcpy(out->cluster_id, value.ptr, value.len);
        out->cluster_id[value.len] = '\0';
    } else if (bn_slice_eq_str(key, "broker.id")) {
        if (!bn_slice_to_i64(value, &id) || id < 0 || id > INT32_MAX)
            return bn_err_set(e, BN_BAD, "broker.id is no id");
        out->broker_id = (int)id;
    }
    return 0; /* other keys are a newer Kafka's */
}

int bn_dirmeta_parse(struct bn_slice text, struct bn_dirmeta *out, struct bn_err *e) {
    *out = (struct bn_dirmeta){.broker_id = -1};
    int64_t version = -1;
    const uint8_t *end = text.ptr + text.len;
    for (const uint8_t *at = text.ptr; at < end;) {
        const uint8_t *eol = memchr(at, '\n', (size_t)(end - at));
        if (!eol) eol = end;
        struct bn_slice line = trim(bn_slice_of(at, (size_t)(eol - at)));
        at = eol + 1;
        if (line.len == 0 || *line.ptr == '#' || *line.ptr == '!') continue;
        const uint8_t *equals = memchr(line.ptr, '=', line.len);
        if (!equals) return bn_err_set(e, BN_BAD, "a line without '='");
        size_t key_len = (size_t)(equals - line.ptr);
        int rc = take(trim(bn_slice_of(line.ptr, key_len)), trim(bn_slice_of(equals + 1, line.len - key_len - 1)),
                      &version, out, e);
        if (rc) return rc;
    }
    if (version == 1) return bn_err_set(e, BN_BAD, "version 1 is a KRaft broker's: its data must not be opened here");
    if (version != 0) return bn_err_set(e, BN_BAD, "unknown or missing version");
    return 0;
}

int bn_dirmeta_read(const struct bn_disk *disk, const char *dir, struct bn_dirmeta *out, bool *there,
                    struct bn_err *e) {
    char *path = bn_alloc_printf("%s/meta.properties", dir);
    uint8_t *bytes = NULL;
    size_t len = 0;
    *out = (struct bn_dirmeta){.broker_id = -1};
    *there = false;
    int rc = bn_disk_read_all(disk, path, FILE_BYTES_MAX, &bytes, &len, e);
    if (rc == BN_NOTFOUND) {
        rc = 0;
    } else if (rc == 0) {
        *there = true;
        rc = bn_dirmeta_parse(bn_slice_of(bytes, len), out, e);
        if (rc && e) bn_err_wrap(e, "%s", path);
    }
    bn_alloc_free(bytes);
    bn_alloc_free(path);
    return rc;
}

int bn_dirmeta_write(const struct bn_disk *disk, const char *dir, const struct bn_dirmeta *m, struct bn_err *e) {
    char *path = bn_alloc_printf("%s/meta.properties", dir);
    char *text = bn_alloc_printf("#\ncluster.id=%s\nversion=0\nbroker.id=%d\n", m->cluster_id, m->broker_id);
    int rc = bn_disk_write_atomic(disk, path, text, strlen(text), e);
    bn_alloc_free(text);
    bn_alloc_free(path);
    return rc;
}
