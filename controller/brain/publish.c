/* publish.c: makes deltas and images out of the committed model. One delta per step, so that the order of deltas is the
 * order in which ZooKeeper took the decisions; sequence numbers have no gap, whoever listens. An image is the whole
 * model as of the last delta. Both borrow from the model: they are the last outputs of a step. */
#include "controller/brain/publish.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "controller/brain/config.h"

void bn_publish_removed(struct bn_model *m, const struct bn_model_topic *t) {
    m->removed = bn_alloc_resize(m->removed, (size_t)(m->removed_count + 1) * sizeof *m->removed);
    m->removed[m->removed_count++] = (struct bn_output_removed){bn_alloc_strdup(t->name), t->id, t->partition_count};
}

static struct bn_output_partition tell_partition(const struct bn_model_partition *p) {
    struct bn_output_partition out = {.fact = bn_model_partition_fact(p)};
    out.is_new = p->state.version == 0 && p->state.leader_epoch == 0;
    return out;
}

static struct bn_fact_broker tell_broker(const struct bn_model_broker *b) {
    return (struct bn_fact_broker){b->id, b->epoch, b->incarnation, b->rack, b->endpoints, b->endpoint_count};
}

static void add_brokers(struct bn_model *m, struct bn_output_delta *d, bool all) {
    struct bn_fact_broker *brokers = bn_model_scratch(m, (size_t)m->broker_count, sizeof *brokers);
    int32_t *removed = bn_model_scratch(m, (size_t)m->broker_count, sizeof *removed);
    for (int32_t i = 0; i < m->broker_count; i++) {
        struct bn_model_broker *b = m->brokers[i];
        if (!all && !b->changed) continue;
        if (b->registered)
            brokers[d->broker_count++] = tell_broker(b);
        else if (!all)
            removed[d->removed_broker_count++] = b->id;
        if (!all) b->changed = false;
    }
    d->brokers = brokers;
    d->removed_brokers = removed;
}

static void add_configs(struct bn_model *m, struct bn_output_delta *d, bool all) {
    struct bn_fact_config *configs = bn_model_scratch(m, m->configs.count, sizeof *configs);
    size_t at = 0;
    for (struct bn_map_entry *e; (e = bn_map_next(&m->configs, &at));) {
        struct bn_model_config *c = e->value;
        if (all ? c->entry_count > 0 : c->changed) configs[d->config_count++] = bn_config_fact(c);
        if (!all) c->changed = false;
    }
    d->configs = configs;
}

/* The changed partitions, by topic, topics in the order of their first change. */
static void add_changed(struct bn_model *m, struct bn_output_delta *d) {
    int32_t total = 0, topics = 0;
    BN_LIST_FOR (it, &m->changed) total++;
    struct bn_output_topic *list = bn_model_scratch(m, (size_t)total, sizeof *list);
    struct bn_model_topic **source = bn_model_scratch(m, (size_t)total, sizeof(struct bn_model_topic *));
    BN_LIST_FOR (it, &m->changed) {
        struct bn_model_topic *t = BN_CONTAINER_OF(it, struct bn_model_partition, changed)->topic;
        if (t->delta_at < 0) {
            t->delta_at = topics;
            source[topics] = t;
            list[topics++] = (struct bn_output_topic){t->name, t->id, NULL, 0};
        }
        list[t->delta_at].partition_count++;
    }
    struct bn_output_partition **fill = bn_model_scratch(m, (size_t)topics, sizeof(struct bn_output_partition *));
    for (int32_t i = 0; i < topics; i++) {
        list[i].partitions = fill[i] = bn_model_scratch(m, (size_t)list[i].partition_count, sizeof **fill);
    }
    struct bn_list *node;
    while ((node = bn_list_pop_front(&m->changed))) {
        const struct bn_model_partition *p = BN_CONTAINER_OF(node, struct bn_model_partition, changed);
        *fill[p->topic->delta_at]++ = tell_partition(p);
    }
    for (int32_t i = 0; i < topics; i++) source[i]->delta_at = -1;
    d->topics = list;
    d->topic_count = topics;
}

static void add_all_topics(struct bn_model *m, struct bn_output_delta *d) {
    struct bn_output_topic *list = bn_model_scratch(m, m->topics.count, sizeof *list);
    struct bn_output_removed *removed = bn_model_scratch(m, m->topics.count, sizeof *removed);
    size_t at = 0;
    for (struct bn_map_entry *e; (e = bn_map_next(&m->topics, &at));) {
        const struct bn_model_topic *t = e->value;
        if (t->kind == BN_MODEL_MARKED && !bn_uuid_is_zero(&t->id))
            removed[d->removed_topic_count++] = (struct bn_output_removed){t->name, t->id, t->partition_count};
        if (t->kind != BN_MODEL_LIVE || !t->id_stands) continue;
        struct bn_output_partition *partitions = bn_model_scratch(m, (size_t)t->partition_count, sizeof *partitions);
        int32_t count = 0;
        for (int32_t i = 0; i < t->partition_count; i++)
            if (t->partitions[i]->has_state) partitions[count++] = tell_partition(t->partitions[i]);
        if (count) list[d->topic_count++] = (struct bn_output_topic){t->name, t->id, partitions, count};
    }
    d->topics = list;
    d->removed_topics = removed;
}

static struct bn_output_delta *begin(struct bn_model *m, enum bn_output_kind kind) {
    struct bn_output_delta *d = &bn_output_add(m->out, kind)->u.delta;
    d->controller_epoch = m->controller_epoch;
    d->controller_id = m->controller_id;
    d->sequence = m->sequence;
    d->cluster_id = m->cluster_id;
    return d;
}

static void make_image(struct bn_model *m, struct bn_model_broker *b) {
    struct bn_output_delta *d = begin(m, BN_OUTPUT_IMAGE);
    d->reset = true;
    d->token = b->stream;
    d->broker = b->id;
    d->for_incarnation = b->incarnation;
    add_brokers(m, d, true);
    add_configs(m, d, true);
    add_all_topics(m, d);
    b->stream_imaged = true;
    b->image_due = false;
}

static bool anything(const struct bn_model *m) {
    return m->brokers_changed || m->configs_changed || m->removed_count || !bn_list_empty(&m->changed);
}

static void make_delta(struct bn_model *m) {
    m->sequence++;
    bn_config_sweep(m);
    struct bn_output_delta *d = begin(m, BN_OUTPUT_DELTA);
    if (m->brokers_changed) add_brokers(m, d, false);
    if (m->configs_changed) add_configs(m, d, false);
    add_changed(m, d);
    struct bn_output_removed *removed = bn_model_scratch(m, (size_t)m->removed_count, sizeof *removed);
    for (int32_t i = 0; i < m->removed_count; i++) {
        removed[i] = m->removed[i];
        removed[i].name = bn_model_text(m, m->removed[i].name);
        bn_alloc_free((void *)(uintptr_t)m->removed[i].name);
    }
    d->removed_topics = removed;
    d->removed_topic_count = m->removed_count;
    m->removed_count = 0;
    m->brokers_changed = m->configs_changed = false;
}

void bn_publish_reset(struct bn_model *m) {
    while (!bn_list_empty(&m->changed)) bn_list_pop_front(&m->changed);
    for (int32_t i = 0; i < m->broker_count; i++) m->brokers[i]->changed = false;
    for (int32_t i = 0; i < m->removed_count; i++) bn_alloc_free((void *)(uintptr_t)m->removed[i].name);
    size_t at = 0;
    for (struct bn_map_entry *e; (e = bn_map_next(&m->configs, &at));)
        ((struct bn_model_config *)e->value)->changed = false;
    m->removed_count = 0;
    m->brokers_changed = m->configs_changed = false;
}

void bn_publish_settle(struct bn_model *m) {
    if (m->images_due) {
        /* A new beginning has a number of its own, and no delta: one of that number would tell less than the images. */
        m->sequence++;
        bn_publish_reset(m);
    } else if (anything(m)) {
        make_delta(m);
    }
    for (int32_t i = 0; i < m->broker_count; i++) {
        struct bn_model_broker *b = m->brokers[i];
        if (b->stream_up && (b->image_due || (m->images_due && b->stream_imaged))) make_image(m, b);
    }
    m->images_due = false;
}
