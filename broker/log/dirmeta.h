/* dirmeta.h: meta.properties of a log directory: whose data it holds. Private to broker/log. */
#ifndef BN_DIRMETA_H
#define BN_DIRMETA_H

#include "common/base/err.h"
#include "common/base/slice.h"
#include "common/sys/disk.h"

struct bn_dirmeta {
    char cluster_id[128]; /* "" = not there */
    int broker_id;        /* -1 = not there */
};

/* BN_BAD: malformed, or of a version that this broker must not touch. */
int bn_dirmeta_parse(struct bn_slice text, struct bn_dirmeta *out, struct bn_err *e) BN_MUST_CHECK;
/* Absent: nothing is set, 0, and *there is false. */
int bn_dirmeta_read(const struct bn_disk *disk, const char *dir, struct bn_dirmeta *out, bool *there,
                    struct bn_err *e) BN_MUST_CHECK;
int bn_dirmeta_write(const struct bn_disk *disk, const char *dir, const struct bn_dirmeta *m,
                     struct bn_err *e) BN_MUST_CHECK;

#endif
