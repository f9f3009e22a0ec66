/* image.c: makes images of deltas, and finds things in them.
 *
 * Owns what an image points to. Topics and configs are shared between an image and its successors, and never change
 * once they are in one; brokers are few, and copied. Each image's maps hold one reference for every topic (by_name;
 * by_id only borrows) and config. A delta is checked as a whole before anything of it is taken. */
#include "broker/image/image.h"

#include "broker/image/image_int.h"
#include "common/base/alloc.h"
#include "common/base/check.h"

/* ---- ends of life ---- */

static void broker_free(struct bn_image_broker *b) {
    for (int i = 0; i < b->endpoint_count; i++) {
        bn_alloc_free(b->endpoints[i].listener);
        bn_alloc_free(b->endpoints[i].security_protocol);
        bn_alloc_free(b->endpoints[i].host);
    }
    bn_alloc_free(b->endpoints);
    bn_alloc_free(b->rack);
    bn_alloc_free(b);
}

static void topic_release(struct bn_shared *s) {
    struct bn_image_topic *t = BN_CONTAINER_OF(s, struct bn_image_topic, shared);
    for (int32_t i = 0; i < t->partition_count; i++)
        bn_alloc_free(t->partitions[i].replicas); /* the others lie behind */
    bn_alloc_free(t->partitions);
    bn_alloc_free(t->name);
    bn_alloc_free(t);
}

static void config_release(struct bn_shared *s) {
    struct bn_image_config *c = BN_CONTAINER_OF(s, struct bn_image_config, shared);
    for (int i = 0; i < c->count; i++) {
        bn_alloc_free(c->keys[i]);
        bn_alloc_free(c->values[i]);
    }
    bn_alloc_free(c->keys);
    bn_alloc_free(c->values);
    bn_alloc_free(c->key);
    bn_alloc_free(c->type);
    bn_alloc_free(c);
}

static void image_release(struct bn_shared *s) {
    struct bn_image *i = BN_CONTAINER_OF(s, struct bn_image, shared);
    struct bn_map_entry *m;
    for (size_t at = 0; (m = bn_map_next(&i->by_name, &at));)
        bn_shared_unref(&((struct bn_image_topic *)m->value)->shared);
    for (size_t at = 0; (m = bn_map_next(&i->configs, &at));)
        bn_shared_unref(&((struct bn_image_config *)m->value)->shared);
    bn_map_fini(&i->by_name);
    bn_map_fini(&i->by_id);
    bn_map_fini(&i->configs);
    for (int b = 0; b < i->broker_count; b++) broker_free(i->brokers[b]);
    bn_alloc_free(i->brokers);
    bn_alloc_free(i->cluster_id);
    bn_alloc_free(i);
}

struct bn_image *bn_image_empty(void) {
    struct bn_image *i = bn_alloc_zero(1, sizeof *i);
    bn_shared_init(&i->shared, image_release);
    i->controller_id = -1;
    i->cluster_id = bn_alloc_strdup("");
    bn_map_init(&i->by_name);
    bn_map_init(&i->by_id);
    bn_map_init(&i->configs);
    return i;
}

/* ---- brokers ---- */

static struct bn_image_broker *broker_of(const Bn__Broker *in) {
    struct bn_image_broker *b = bn_alloc_zero(1, sizeof *b);
    b->id = in->id;
    b->epoch = in->epoch;
    b->incarnation = in->incarnation;
    b->rack = *in->rack ? bn_alloc_strdup(in->rack) : NULL;
    b->endpoints = bn_alloc_zero(in->n_endpoints, sizeof *b->endpoints);
    b->endpoint_count = (int)in->n_endpoints;
    for (size_t i = 0; i < in->n_endpoints; i++) {
        b->endpoints[i] = (struct bn_image_endpoint){
            .listener = bn_alloc_strdup(in->endpoints[i]->listener),
            .security_protocol = bn_alloc_strdup(in->endpoints[i]->security_protocol),
            .host = bn_alloc_strdup(in->endpoints[i]->host),
            .port = in->endpoints[i]->port,
        };
    }
    return b;
}

static struct bn_image_broker *broker_copy(const struct bn_image_broker *in) {
    struct bn_image_broker *b = bn_alloc(sizeof *b);
    *b = *in;
    b->rack = in->rack ? bn_alloc_strdup(in->rack) : NULL;
    b->endpoints = bn_alloc_zero((size_t)in->endpoint_count, sizeof *b->endpoints);
    for (int i = 0; i < in->endpoint_count; i++) {
        b->endpoints[i] = (struct bn_image_endpoint){
            .listener = bn_alloc_strdup(in->endpoints[i].listener),
            .security_protocol = bn_alloc_strdup(in->endpoints[i].security_protocol),
            .host = bn_alloc_strdup(in->endpoints[i].host),
            .port = in->endpoints[i].port,
        };
    }
    return b;
}

static int broker_at(const struct bn_image *i, int32_t id) { /* the first whose id is not smaller */
    int low = 0, high = i->broker_count;
    while (low < high) {
        int mid = low + (high - low) / 2;
        if (i->brokers[mid]->id < id)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static void remove_broker(struct bn_image *i, int32_t id) {
    int at = broker_at(i, id);
    if (at == i->broker_count || i->brokers[at]->id != id) return;
    broker_free(i->brokers[at]);
    i->broker_count--;
    memmove(i->brokers + at, i->brokers + at + 1, (size_t)(i->broker_count - at) * sizeof *i->brokers);
}

static void put_broker(struct bn_image *i, const Bn__Broker *in) { /* there is room */
    remove_broker(i, in->id);
    int at = broker_at(i, in->id);
    memmove(i->brokers + at + 1, i->brokers + at, (size_t)(i->broker_count - at) * sizeof *i->brokers);
    i->brokers[at] = broker_of(in);
    i->broker_count++;
}

/* ---- topics ---- */

static int32_t *lay(int32_t *at, const int32_t *ids, int count) {
    if (count) memcpy(at, ids, (size_t)count * sizeof *ids);
    return at;
}

/* p's lists, which are borrowed, become its own. */
static void own_ids(struct bn_image_partition *p) {
    int count = p->replica_count + p->isr_count + p->adding_count + p->removing_count;
    p->replicas = lay(bn_alloc((size_t)count * sizeof *p->replicas), p->replicas, p->replica_count);
    p->isr = lay(p->replicas + p->replica_count, p->isr, p->isr_count);
    p->adding = lay(p->isr + p->isr_count, p->adding, p->adding_count);
    p->removing = lay(p->adding + p->adding_count, p->removing, p->removing_count);
}

/* old (NULL: none) with what in tells on top. */
static struct bn_image_topic *topic_of(const struct bn_image_topic *old, const Bn__Topic *in) {
    struct bn_image_topic *t = bn_alloc_zero(1, sizeof *t);
    bn_shared_init(&t->shared, topic_release);
    t->name = bn_alloc_strdup(in->name);
    memcpy(t->id.bytes, in->id.data, 16);
    t->partition_count = old ? old->partition_count : 0;
    for (size_t i = 0; i < in->n_partitions; i++) {
        if (in->partitions[i]->index >= t->partition_count) t->partition_count = in->partitions[i]->index + 1;
    }
    t->partitions = bn_alloc_zero((size_t)t->partition_count, sizeof *t->partitions);
    for (int32_t i = 0; i < t->partition_count; i++)
        t->partitions[i] = (struct bn_image_partition){.index = i, .leader = -1};
    for (size_t i = 0; i < in->n_partitions; i++) {
        const Bn__Partition *from = in->partitions[i];
        struct bn_image_partition *p = &t->partitions[from->index];
        bn_alloc_free(p->replicas); /* told twice: the later one holds */
        *p = (struct bn_image_partition){.index = from->index,
                                         .leader = from->leader,
                                         .leader_epoch = from->leader_epoch,
                                         .partition_epoch = from->partition_epoch,
                                         .replicas = from->replicas,
                                         .isr = from->isr,
                                         .adding = from->adding,
                                         .removing = from->removing,
                                         .replica_count = (int)from->n_replicas,
                                         .isr_count = (int)from->n_isr,
                                         .adding_count = (int)from->n_adding,
                                         .removing_count = (int)from->n_removing,
                                         .is_new = from->is_new};
        own_ids(p);
    }
    for (int32_t i = 0; old && i < old->partition_count; i++) {
        if (t->partitions[i].replicas) continue;
        t->partitions[i] = old->partitions[i];
        if (t->partitions[i].replicas) own_ids(&t->partitions[i]);
    }
    return t;
}

static struct bn_slice id_key(const struct bn_image_topic *t) { return bn_slice_of(t->id.bytes, 16); }

static void drop_topic(struct bn_image *i, struct bn_image_topic *t) {
    bn_map_remove(&i->by_id, id_key(t));
    bn_map_remove(&i->by_name, bn_slice_str(t->name));
    bn_shared_unref(&t->shared);
}

static void put_topic(struct bn_image *i, const Bn__Topic *in) {
    struct bn_image_topic *old = bn_map_get(&i->by_name, bn_slice_str(in->name));
    struct bn_image_topic *named = bn_map_get(&i->by_id, bn_slice_of(in->id.data, 16));
    bool same = old && old == named;
    struct bn_image_topic *t = topic_of(same ? old : NULL, in);
    if (old) drop_topic(i, old);
    if (named && !same) drop_topic(i, named);
    bn_map_put(&i->by_name, bn_slice_str(t->name), t);
    bn_map_put(&i->by_id, id_key(t), t);
}

static void remove_topic(struct bn_image *i, const Bn__RemovedTopic *in) {
    struct bn_image_topic *t = bn_map_get(&i->by_id, bn_slice_of(in->id.data, 16));
    if (t && strcmp(t->name, in->name) == 0) drop_topic(i, t);
}

/* ---- configs ---- */

static void put_config(struct bn_image *i, const Bn__EntityConfig *in) {
    char *key = bn_alloc_printf("%s/%s", in->entity_type, in->entity_name);
    struct bn_image_config *old = bn_map_remove(&i->configs, bn_slice_str(key));
    if (old) bn_shared_unref(&old->shared);
    if (in->n_entries == 0) {
        bn_alloc_free(key);
        return;
    }
    struct bn_image_config *c = bn_alloc_zero(1, sizeof *c);
    bn_shared_init(&c->shared, config_release);
    c->key = key;
    c->type = bn_alloc_strdup(in->entity_type);
    c->name = key + strlen(in->entity_type) + 1;
    c->keys = bn_alloc_zero(in->n_entries, sizeof *c->keys);
    c->values = bn_alloc_zero(in->n_entries, sizeof *c->values);
    c->count = (int)in->n_entries;
    for (size_t n = 0; n < in->n_entries; n++) {
        c->keys[n] = bn_alloc_strdup(in->entries[n]->name);
        c->values[n] = bn_alloc_strdup(in->entries[n]->value);
    }
    bn_map_put(&i->configs, bn_slice_str(key), c);
}

/* ---- apply ---- */

static struct bn_map map_copy(const struct bn_map *m) {
    struct bn_map copy = *m;
    if (m->capacity == 0) return copy;
    copy.entries = bn_alloc(m->capacity * sizeof *m->entries);
    memcpy(copy.entries, m->entries, m->capacity * sizeof *m->entries);
    return copy;
}

static struct bn_image *image_copy(const struct bn_image *old) {
    struct bn_image *i = bn_alloc_zero(1, sizeof *i);
    bn_shared_init(&i->shared, image_release); /* not copied: others count on the old one meanwhile */
    i->controller_epoch = old->controller_epoch;
    i->controller_id = old->controller_id;
    i->sequence = old->sequence;
    i->for_incarnation = old->for_incarnation;
    i->partial = old->partial;
    i->cluster_id = bn_alloc_strdup(old->cluster_id);
    i->by_name = map_copy(&old->by_name);
    i->by_id = map_copy(&old->by_id);
    i->configs = map_copy(&old->configs);
    struct bn_map_entry *m;
    for (size_t at = 0; (m = bn_map_next(&i->by_name, &at));)
        bn_shared_ref(&((struct bn_image_topic *)m->value)->shared);
    for (size_t at = 0; (m = bn_map_next(&i->configs, &at));)
        bn_shared_ref(&((struct bn_image_config *)m->value)->shared);
    return i;
}

static void apply_brokers(struct bn_image *i, const struct bn_image *old, const Bn__ImageDelta *d) {
    size_t kept = old ? (size_t)old->broker_count : 0;
    i->brokers = bn_alloc_zero(kept + d->n_brokers, sizeof *i->brokers);
    for (size_t b = 0; b < kept; b++) i->brokers[i->broker_count++] = broker_copy(old->brokers[b]);
    for (size_t b = 0; b < d->n_removed_brokers; b++) remove_broker(i, d->removed_brokers[b]);
    for (size_t b = 0; b < d->n_brokers; b++) put_broker(i, d->brokers[b]);
}

static int check_version(const struct bn_image *old, const Bn__ImageDelta *d, struct bn_err *e) {
    if (d->reset && (!old || d->controller_epoch >= old->controller_epoch)) return BN_OK;
    BN_ASSERT(old);
    if (!d->reset && d->controller_epoch == old->controller_epoch &&
        d->sequence == old->sequence + (old->partial ? 0 : 1))
        return BN_OK;
    return bn_err_set(e, BN_STALE, "version (%d, %" PRId64 ") does not follow (%d, %" PRId64 "%s)", d->controller_epoch,
                      d->sequence, old->controller_epoch, old->sequence, old->partial ? ", partial" : "");
}

int bn_image_apply(struct bn_image *old, const Bn__ImageDelta *delta, struct bn_image **out, struct bn_err *e) {
    int rc = bn_image_check_delta(old, delta, e);
    if (!rc && !old && !delta->reset) rc = bn_err_set(e, BN_STALE, "a stream that does not start from nothing");
    if (!rc) rc = check_version(old, delta, e);
    if (rc) return rc;
    struct bn_image *i = delta->reset ? bn_image_empty() : image_copy(old);
    i->controller_epoch = delta->controller_epoch;
    i->sequence = delta->sequence;
    i->partial = delta->more;
    if (delta->reset) {
        i->controller_id = delta->controller_id;
        i->for_incarnation = delta->for_incarnation;
        bn_alloc_free(i->cluster_id);
        i->cluster_id = bn_alloc_strdup(delta->cluster_id);
    }
    apply_brokers(i, delta->reset ? NULL : old, delta);
    /* Removed first: a topic deleted and made again has one name and two ids. */
    for (size_t n = 0; n < delta->n_removed_topics; n++) remove_topic(i, delta->removed_topics[n]);
    for (size_t n = 0; n < delta->n_topics; n++) put_topic(i, delta->topics[n]);
    for (size_t n = 0; n < delta->n_configs; n++) put_config(i, delta->configs[n]);
    *out = i;
    return BN_OK;
}

/* ---- looking ---- */

struct bn_image_topic *bn_image_topic(const struct bn_image *i, struct bn_slice name) {
    return bn_map_get(&i->by_name, name);
}

struct bn_image_topic *bn_image_topic_by_id(const struct bn_image *i, const struct bn_uuid *id) {
    return bn_map_get(&i->by_id, bn_slice_of(id->bytes, 16));
}

const struct bn_image_partition *bn_image_partition(const struct bn_image_topic *t, int32_t index) {
    return index >= 0 && index < t->partition_count ? &t->partitions[index] : NULL;
}

const struct bn_image_broker *bn_image_broker(const struct bn_image *i, int32_t id) {
    int at = broker_at(i, id);
    return at < i->broker_count && i->brokers[at]->id == id ? i->brokers[at] : NULL;
}

const struct bn_image_endpoint *bn_image_endpoint(const struct bn_image_broker *b, const char *listener) {
    for (int i = 0; i < b->endpoint_count; i++) {
        if (strcmp(b->endpoints[i].listener, listener) == 0) return &b->endpoints[i];
    }
    return NULL;
}

const struct bn_image_config *bn_image_config(const struct bn_image *i, const char *type, struct bn_slice name) {
    char key[1024];
    size_t type_len = strlen(type);
    if (type_len > sizeof key - 1 || name.len > sizeof key - 1 - type_len) return NULL;
    memcpy(key, type, type_len);
    key[type_len] = '/';
    if (name.len) memcpy(key + type_len + 1, name.ptr, name.len);
    return bn_map_get(&i->configs, bn_slice_of(key, type_len + 1 + name.len));
}

bool bn_image_has_replica(const struct bn_image_partition *p, int32_t broker) {
    for (int i = 0; i < p->replica_count; i++) {
        if (p->replicas[i] == broker) return true;
    }
    return false;
}
