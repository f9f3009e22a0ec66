/* image_check.c: whether a delta is well-formed (and how far it would stretch the image it is for), before anything is
 * taken from it. Owns nothing. protobuf-c checks the wire format only: absent strings are "", bytes have any length,
 * numbers any value, and a name may be repeated. */
#include "broker/image/image_int.h"

static bool has_duplicates(const int32_t *ids, size_t n) {
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            if (ids[i] == ids[j]) return true;
        }
    }
    return false;
}

static bool ids_ok(const int32_t *ids, size_t n) {
    if (n > BN_IMAGE_REPLICAS_MAX) return false;
    for (size_t i = 0; i < n; i++) {
        if (ids[i] < 0) return false;
    }
    return !has_duplicates(ids, n);
}

static bool name_ok(const char *name) {
    size_t len = strnlen(name, BN_IMAGE_NAME_MAX + 1);
    if (len == 0 || len > BN_IMAGE_NAME_MAX) return false;
    for (const char *c = name; *c; c++) {
        bool ok = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || *c == '.' ||
                  *c == '_' || *c == '-';
        if (!ok) return false;
    }
    return strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static int check_topic_key(const char *name, const ProtobufCBinaryData *id, struct bn_err *e) {
    if (!name_ok(name)) return bn_err_set(e, BN_BAD, "a topic with an illegal name");
    if (id->len != 16) return bn_err_set(e, BN_BAD, "topic %s: its id has %zu bytes", name, id->len);
    return BN_OK;
}

static int check_topic(const struct bn_image_topic *old, const Bn__Topic *t, size_t *untold, struct bn_err *e) {
    int rc = check_topic_key(t->name, &t->id, e);
    if (rc) return rc;
    int32_t top = -1;
    for (size_t i = 0; i < t->n_partitions; i++) {
        const Bn__Partition *p = t->partitions[i];
        if (p->index < 0 || p->index >= BN_IMAGE_PARTITIONS_MAX)
            return bn_err_set(e, BN_BAD, "%s-%d: index", t->name, p->index);
        if (p->leader < -1 || p->leader_epoch < 0 || p->partition_epoch < 0) {
            return bn_err_set(e, BN_BAD, "%s-%d: leader or epoch is negative", t->name, p->index);
        }
        if (!ids_ok(p->replicas, p->n_replicas) || !ids_ok(p->isr, p->n_isr)) {
            return bn_err_set(e, BN_BAD, "%s-%d: replicas or ISR", t->name, p->index);
        }
        if (!ids_ok(p->adding, p->n_adding) || !ids_ok(p->removing, p->n_removing)) {
            return bn_err_set(e, BN_BAD, "%s-%d: adding or removing replicas", t->name, p->index);
        }
        if (p->index > top) top = p->index;
    }
    size_t room = (size_t)(top + 1), known = bn_max_size(t->n_partitions, old ? (size_t)old->partition_count : 0);
    if (room > known) *untold += room - known;
    if (*untold > BN_IMAGE_UNTOLD_MAX)
        return bn_err_set(e, BN_BAD, "topic %s: partition %d of %zu told", t->name, top, t->n_partitions);
    return BN_OK;
}

static int check_topics(const struct bn_image *old, const Bn__ImageDelta *d, struct bn_err *e) {
    struct bn_map seen;
    bn_map_init(&seen);
    size_t untold = 0;
    int rc = BN_OK;
    for (size_t i = 0; i < d->n_topics && !rc; i++) {
        Bn__Topic *t = d->topics[i];
        rc = check_topic(old ? bn_image_topic(old, bn_slice_str(t->name)) : NULL, t, &untold, e);
        if (!rc && bn_map_put(&seen, bn_slice_str(t->name), t))
            rc = bn_err_set(e, BN_BAD, "topic %s comes twice", t->name);
        if (!rc && bn_map_put(&seen, bn_slice_of(t->id.data, 16), t))
            rc = bn_err_set(e, BN_BAD, "the id of %s comes twice", t->name);
    }
    for (size_t i = 0; i < d->n_removed_topics && !rc; i++) {
        rc = check_topic_key(d->removed_topics[i]->name, &d->removed_topics[i]->id, e);
    }
    bn_map_fini(&seen);
    return rc;
}

static int check_brokers(const Bn__ImageDelta *d, struct bn_err *e) {
    if (d->n_brokers > BN_IMAGE_REPLICAS_MAX) return bn_err_set(e, BN_BAD, "%zu brokers", d->n_brokers);
    for (size_t i = 0; i < d->n_brokers; i++) {
        const Bn__Broker *b = d->brokers[i];
        if (b->id < 0) return bn_err_set(e, BN_BAD, "broker %d", b->id);
        for (size_t j = 0; j < i; j++) {
            if (d->brokers[j]->id == b->id) return bn_err_set(e, BN_BAD, "broker %d comes twice", b->id);
        }
        for (size_t j = 0; j < b->n_endpoints; j++) {
            const Bn__Endpoint *p = b->endpoints[j];
            if (!*p->listener || p->port < 0 || p->port > 65535)
                return bn_err_set(e, BN_BAD, "broker %d: endpoint %zu", b->id, j);
        }
    }
    return BN_OK;
}

static int check_configs(const Bn__ImageDelta *d, struct bn_err *e) {
    for (size_t i = 0; i < d->n_configs; i++) {
        const Bn__EntityConfig *c = d->configs[i];
        if (!*c->entity_type || strchr(c->entity_type, '/') || !*c->entity_name)
            return bn_err_set(e, BN_BAD, "config %zu: entity", i);
        for (size_t j = 0; j < c->n_entries; j++) {
            if (!*c->entries[j]->name)
                return bn_err_set(e, BN_BAD, "config of %s: a key without a name", c->entity_name);
        }
    }
    return BN_OK;
}

int bn_image_check_delta(const struct bn_image *old, const Bn__ImageDelta *d, struct bn_err *e) {
    if (d->controller_epoch < 0 || d->sequence < 0)
        return bn_err_set(e, BN_BAD, "version (%d, %" PRId64 ")", d->controller_epoch, d->sequence);
    int rc = check_brokers(d, e);
    if (!rc) rc = check_topics(d->reset ? NULL : old, d, e);
    if (!rc) rc = check_configs(d, e);
    return rc;
}
