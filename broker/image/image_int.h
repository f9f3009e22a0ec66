/* image_int.h: what image.c's files share. */
#ifndef BN_IMAGE_INT_H
#define BN_IMAGE_INT_H

#include "broker/image/image.h"

enum {
    BN_IMAGE_NAME_MAX = 249,           /* of a topic, as Kafka has it */
    BN_IMAGE_REPLICAS_MAX = 1024,      /* of one partition */
    BN_IMAGE_PARTITIONS_MAX = 1 << 20, /* of one topic */
    BN_IMAGE_UNTOLD_MAX = 1 << 18,     /* partitions that a delta makes room for without telling of them */
};

/* 0 or BN_BAD. old (NULL: none) is only asked how many partitions it has already. */
int bn_image_check_delta(const struct bn_image *old, const Bn__ImageDelta *d, struct bn_err *e) BN_MUST_CHECK;

#endif
