/* image.h: the metadata image: what the controller has decided, as this broker knows it. An image is immutable and
 * shared (reference counted): applying a delta makes a new one that shares every unchanged topic with the old. Pure: no
 * I/O. Any thread may read one that it holds a reference to. */
#ifndef BN_IMAGE_H
#define BN_IMAGE_H

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/map.h"
#include "common/base/slice.h"
#include "common/base/uuid.h"
#include "proto/rpc/cluster.pb-c.h"

struct bn_image_endpoint {
    char *listener, *security_protocol, *host;
    int32_t port;
};
struct bn_image_broker {
    int32_t id;
    int64_t epoch, incarnation;
    char *rack; /* NULL = none */
    struct bn_image_endpoint *endpoints;
    int endpoint_count;
};
struct bn_image_partition {
    int32_t index, leader, leader_epoch, partition_epoch;
    int32_t *replicas, *isr, *adding, *removing; /* one allocation; the last two while replicas are being moved */
    int replica_count, isr_count, adding_count, removing_count;
    bool is_new;
};
struct bn_image_topic {
    struct bn_shared shared;
    char *name;
    struct bn_uuid id;
    struct bn_image_partition *partitions; /* by index, dense; an index not told yet has leader -1 and no replicas */
    int32_t partition_count;
};
struct bn_image_config { /* overrides of one entity */
    struct bn_shared shared;
    char *key; /* "topics/orders" */
    char *type, *name;
    char **keys, **values;
    int count;
};
struct bn_image {
    struct bn_shared shared;
    int32_t controller_epoch, controller_id;
    int64_t sequence, for_incarnation;
    bool partial; /* more pieces of this step are to come: not to be acted on */
    char *cluster_id;
    struct bn_image_broker **brokers; /* live ones, by ascending id */
    int broker_count;
    struct bn_map by_name, by_id; /* struct bn_image_topic * */
    struct bn_map configs;        /* key "topics/orders"; struct bn_image_config * */
};

struct bn_image *bn_image_empty(void);
static inline void bn_image_ref(struct bn_image *i) { bn_shared_ref(&i->shared); }
static inline void bn_image_unref(struct bn_image *i) { bn_shared_unref(i ? &i->shared : NULL); }

/* old may be NULL only if the delta resets. Gives the new image; old is as it was. A step may come in pieces of the
 * same sequence, all but the last with `more`: then the image between them is partial. BN_STALE: an older controller
 * epoch, or a gap in the sequence (the stream must be closed and begun anew). BN_BAD: malformed (ids, counts, empty
 * names); nothing is applied. */
int bn_image_apply(struct bn_image *old, const Bn__ImageDelta *delta, struct bn_image **out,
                   struct bn_err *e) BN_MUST_CHECK;

struct bn_image_topic *bn_image_topic(const struct bn_image *i, struct bn_slice name); /* NULL */
struct bn_image_topic *bn_image_topic_by_id(const struct bn_image *i, const struct bn_uuid *id);
const struct bn_image_partition *bn_image_partition(const struct bn_image_topic *t, int32_t index); /* NULL */
const struct bn_image_broker *bn_image_broker(const struct bn_image *i, int32_t id);
const struct bn_image_endpoint *bn_image_endpoint(const struct bn_image_broker *b, const char *listener); /* NULL */
const struct bn_image_config *bn_image_config(const struct bn_image *i, const char *type, struct bn_slice name);
bool bn_image_has_replica(const struct bn_image_partition *p, int32_t broker);

/* What changed for one broker between two images (old NULL = nothing): for each partition with a replica here that is
 * new or whose state moved, and for each that is gone. gone_topics of the delta are the evidence for deletion:
 * `deleted` is true only for those. */
struct bn_image_change {
    struct bn_image_topic *topic; /* borrowed: of the new image, or of the old one when gone */
    const struct bn_image_partition *partition;
    enum { BN_IMAGE_SERVE, BN_IMAGE_GONE, BN_IMAGE_DELETED } kind;
};
typedef void (*bn_image_change_fn)(void *arg, const struct bn_image_change *change);
void bn_image_diff(const struct bn_image *old, const struct bn_image *now, const Bn__ImageDelta *delta, int32_t broker,
                   bn_image_change_fn fn, void *arg);

#endif
