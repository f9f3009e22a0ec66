/* watch.c: reads and watches. Owns, for one reign, what is being read and what has changed meanwhile.
 *
 * ZooKeeper's watches are one-shot and cannot be taken back, so each of them points at the controller, which outlives
 * them all, and what it means is read off its path. Every reading arms its watch again, so nothing is missed: a change
 * during a reading marks it dirty, and it is read again after. Until the first, whole reading is done nothing is told;
 * what changed meanwhile is read right after. Notices of changed configs are notices.c's. */
#include "controller/watch.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/trace.h"
#include "common/zk/znode.h"
#include "common/zk/znode_path.h"
#include "controller/notices.h"
#include "controller/setup.h"

enum { PRODUCER_IDS_BUDGET = 1 << 16 };

struct topic { /* one name below /brokers/topics */
    char *name;
    struct bn_load *load; /* being read, or (before the first reading is told) read */
    bool dirty;           /* read again after that */
    bool listed;          /* by the list being worked on */
};

struct listing { /* one directory's list of children */
    bool reading, dirty;
};

struct bn_watch {
    struct bn_controller *c;
    bool stopped, told; /* told: ACTIVATED has been given */
    int refs;           /* one of the owner, one for each answer that is to come */
    int first_left;     /* readings that ACTIVATED waits for */
    struct bn_setup *setup;
    struct bn_load *brokers; /* the last one read; its facts are looked at */
    struct bn_load *brokers_loading;
    bool brokers_dirty;
    struct listing topic_list, marker_list;
    struct bn_notices *notices;
    struct bn_map topics;  /* struct topic */
    struct bn_map markers; /* name -> itself */
    struct bn_load *topic_configs, *broker_configs, *admitted;
    struct bn_event_activated state;
    struct bn_arena arena; /* what state points to, until it is told */
};

static void fired(void *controller, enum bn_zk_watch_kind kind, const char *path);
static void first_done(struct bn_watch *w);

static struct bn_zk *zk_of(struct bn_watch *w) { return w->c->zk; }
static void unref(struct bn_watch *w) {
    if (--w->refs > 0) return;
    struct bn_map_entry *e;
    for (size_t at = 0; (e = bn_map_next(&w->topics, &at));) {
        struct topic *t = e->value;
        bn_alloc_free(t->name);
        bn_alloc_free(t);
    }
    for (size_t at = 0; (e = bn_map_next(&w->markers, &at));) bn_alloc_free(e->value);
    bn_map_fini(&w->topics);
    bn_map_fini(&w->markers);
    bn_arena_fini(&w->arena);
    bn_alloc_free(w);
}

/* The reading as a whole failed. A closed session is the leadership's to tell. */
static void failed(struct bn_watch *w, const struct bn_load *l) {
    if (l->status == BN_CLOSED) return;
    bn_controller_give_up(w->c, l->error.text[0] ? l->error.text : bn_err_text(l->status));
}

static bool is_closed_or_failed(struct bn_watch *w, int status, const char *what) {
    if (status == BN_OK) return false;
    if (status != BN_CLOSED) {
        char why[160];
        snprintf(why, sizeof why, "read %s: %s", what, bn_err_text(status));
        bn_controller_give_up(w->c, why);
    }
    return true;
}

/* ---- brokers ---- */

static void brokers_read(void *arg, struct bn_load *l) {
    struct bn_watch *w = arg;
    w->brokers_loading = NULL;
    if (l->status != BN_OK) {
        failed(w, l);
        bn_load_free(l);
        return;
    }
    bn_load_free(w->brokers);
    w->brokers = l;
    if (!w->told) {
        first_done(w);
        return;
    }
    struct bn_event e = {.kind = BN_EVENT_BROKERS, .u.brokers = {l->brokers, l->count}};
    if (w->brokers_dirty) {
        w->brokers_dirty = false;
        w->brokers_loading = bn_load_brokers(zk_of(w), fired, w->c, brokers_read, w);
    }
    bn_controller_event(w->c, &e);
}

static void read_brokers(struct bn_watch *w) {
    if (w->brokers_loading || !w->told)
        w->brokers_dirty = true;
    else
        w->brokers_loading = bn_load_brokers(zk_of(w), fired, w->c, brokers_read, w);
}

/* ---- topics ---- */

static void topic_read(void *arg, struct bn_load *l);

static void read_topic(struct bn_watch *w, struct topic *t) {
    if (t->load || !w->told) {
        t->dirty = true;
        return;
    }
    t->dirty = false;
    t->load = bn_load_topic(zk_of(w), t->name, fired, w->c, topic_read, w);
    t->load->user = t;
}

static void topic_broken(const struct bn_load *l) {
    BN_ERROR("controller", "topic %s is left as it is: %s", l->topic.name, l->error.text);
}

static void topic_read(void *arg, struct bn_load *l) {
    struct bn_watch *w = arg;
    struct topic *t = l->user;
    bool usable = l->status == BN_OK;
    if (l->status == BN_BAD || l->status == BN_FULL)
        topic_broken(l);
    else if (!usable && l->status != BN_NOTFOUND)
        failed(w, l);
    if (w->stopped) return; /* gave up: the load went with it */
    if (!w->told) {
        if (usable || l->status == BN_NOTFOUND || l->status == BN_BAD || l->status == BN_FULL) first_done(w);
        return; /* kept in t->load until it is told */
    }
    t->load = NULL;
    if (t->dirty) read_topic(w, t);
    if (usable) {
        struct bn_event e = {.kind = BN_EVENT_TOPIC, .u.topic = l->topic};
        bn_controller_event(w->c, &e);
    }
    bn_load_free(l);
}

static struct topic *topic_new(struct bn_watch *w, const char *name) {
    struct topic *t = bn_alloc_zero(1, sizeof *t);
    t->name = bn_alloc_strdup(name);
    bn_map_put(&w->topics, bn_slice_str(t->name), t);
    return t;
}

static void topic_gone(struct bn_watch *w, struct topic *t) {
    struct bn_event e = {.kind = BN_EVENT_TOPIC_GONE, .u.name = t->name};
    bn_map_remove(&w->topics, bn_slice_str(t->name));
    bn_load_free(t->load);
    bn_controller_event(w->c, &e);
    bn_alloc_free(t->name);
    bn_alloc_free(t);
}

static void drop_unlisted(struct bn_watch *w) {
    for (;;) {
        struct topic *found = NULL;
        struct bn_map_entry *e;
        for (size_t at = 0; (e = bn_map_next(&w->topics, &at)) && !found;) {
            if (!((struct topic *)e->value)->listed) found = e->value;
        }
        if (!found || w->stopped) return;
        topic_gone(w, found);
    }
}

static void read_topic_list(struct bn_watch *w);

static void topics_listed(void *arg, int status, char **names, int count) {
    struct bn_watch *w = arg;
    w->topic_list.reading = false;
    if (w->stopped || is_closed_or_failed(w, status, BN_ZNODE_TOPICS)) {
        unref(w);
        return;
    }
    struct bn_map_entry *e;
    for (size_t at = 0; (e = bn_map_next(&w->topics, &at));) ((struct topic *)e->value)->listed = false;
    for (int i = 0; i < count; i++) {
        if (!bn_znode_path_topic_ok(bn_slice_str(names[i]))) {
            BN_WARN("controller", "%s/%s is no topic's name", BN_ZNODE_TOPICS, names[i]);
            continue;
        }
        struct topic *t = bn_map_get(&w->topics, bn_slice_str(names[i]));
        bool is_new = !t;
        if (is_new) t = topic_new(w, names[i]);
        t->listed = true;
        if (is_new && !w->told) {
            w->first_left++;
            t->load = bn_load_topic(zk_of(w), t->name, fired, w->c, topic_read, w);
            t->load->user = t;
        } else if (is_new) {
            read_topic(w, t);
        }
    }
    if (w->told)
        drop_unlisted(w);
    else
        first_done(w);
    if (!w->stopped && w->told && w->topic_list.dirty) read_topic_list(w);
    unref(w);
}

static void read_list(struct bn_watch *w, struct listing *l, const char *path, bn_zk_children_cb cb) {
    l->dirty = l->reading;
    if (l->reading) return;
    l->reading = true;
    w->refs++;
    zk_of(w)->ops->children(zk_of(w), path, fired, w->c, cb, w);
}

static void read_topic_list(struct bn_watch *w) { read_list(w, &w->topic_list, BN_ZNODE_TOPICS, topics_listed); }

/* ---- delete markers ---- */

static void read_marker_list(struct bn_watch *w);

static void markers_listed(void *arg, int status, char **names, int count) {
    struct bn_watch *w = arg;
    w->marker_list.reading = false;
    if (w->stopped || is_closed_or_failed(w, status, BN_ZNODE_DELETES)) {
        unref(w);
        return;
    }
    struct bn_map old = w->markers;
    bn_map_init(&w->markers);
    for (int i = 0; i < count; i++) {
        char *name = bn_alloc_strdup(names[i]);
        bn_map_put(&w->markers, bn_slice_str(name), name);
    }
    if (!w->told) first_done(w);
    for (int i = 0; i < count && !w->stopped && w->told; i++) {
        if (bn_map_get(&old, bn_slice_str(names[i]))) continue;
        struct bn_event e = {.kind = BN_EVENT_DELETE_MARKER, .u.name = names[i]};
        bn_controller_event(w->c, &e);
    }
    struct bn_map_entry *e;
    for (size_t at = 0; (e = bn_map_next(&old, &at));) bn_alloc_free(e->value);
    bn_map_fini(&old);
    if (!w->stopped && w->told && w->marker_list.dirty) read_marker_list(w);
    unref(w);
}

static void read_marker_list(struct bn_watch *w) { read_list(w, &w->marker_list, BN_ZNODE_DELETES, markers_listed); }

/* ---- the watches ---- */

static bool below(const char *path, const char *parent, const char **child) {
    size_t len = strlen(parent);
    if (strncmp(path, parent, len) != 0) return false;
    if (path[len] != '\0' && path[len] != '/') return false;
    *child = path[len] ? path + len + 1 : "";
    return true;
}

static void fired(void *controller, enum bn_zk_watch_kind kind, const char *path) {
    struct bn_controller *c = controller;
    struct bn_watch *w = c->watch;
    const char *child;
    (void)kind;
    if (!w || w->stopped) return;
    if (below(path, BN_ZNODE_BROKER_IDS, &child)) {
        read_brokers(w);
    } else if (below(path, BN_ZNODE_TOPICS, &child)) {
        struct topic *t = *child ? bn_map_get(&w->topics, bn_slice_str(child)) : NULL;
        if (t)
            read_topic(w, t);
        else if (!*child && w->told)
            read_topic_list(w);
        else if (!*child)
            w->topic_list.dirty = true;
    } else if (below(path, BN_ZNODE_DELETES, &child)) {
        if (w->told)
            read_marker_list(w);
        else
            w->marker_list.dirty = true;
    } else if (below(path, BN_ZNODE_CONFIG_CHANGES, &child)) {
        if (w->notices) bn_notices_changed(w->notices);
    }
}

/* ---- the first reading ---- */

static void *take(struct bn_watch *w, size_t count, size_t size) {
    void *p = bn_arena_array(&w->arena, count + 1, size);
    BN_ASSERT(p); /* its budget is none: we sized it by what we hold already */
    return p;
}

static void fill_topics(struct bn_watch *w) {
    struct bn_fact_topic *topics = take(w, w->topics.count, sizeof *topics);
    struct bn_map_entry *e;
    for (size_t at = 0; (e = bn_map_next(&w->topics, &at));) {
        const struct topic *t = e->value;
        if (t->load->status == BN_OK) topics[w->state.topic_count++] = t->load->topic;
    }
    w->state.topics = topics;
}

static void fill_rest(struct bn_watch *w) {
    struct bn_event_activated *s = &w->state;
    s->controller_id = w->c->config.id;
    s->controller_epoch = w->c->epoch;
    s->cluster_id = w->c->cluster_id;
    s->brokers = w->brokers->brokers;
    s->broker_count = w->brokers->count;
    struct bn_event_admitted *admitted = take(w, (size_t)w->admitted->count, sizeof *admitted);
    for (int32_t i = 0; i < w->admitted->count; i++) {
        admitted[i] = (struct bn_event_admitted){w->admitted->numbers[i].id, w->admitted->numbers[i].value};
    }
    s->admitted = admitted;
    s->admitted_count = w->admitted->count;
    size_t a = (size_t)w->topic_configs->count, b = (size_t)w->broker_configs->count;
    struct bn_fact_config *configs = take(w, a + b, sizeof *configs);
    if (a) memcpy(configs, w->topic_configs->configs, a * sizeof *configs);
    if (b) memcpy(configs + a, w->broker_configs->configs, b * sizeof *configs);
    s->configs = configs;
    s->config_count = (int32_t)(a + b);
    const char **markers = take(w, w->markers.count, sizeof *markers);
    struct bn_map_entry *e;
    for (size_t at = 0; (e = bn_map_next(&w->markers, &at));) markers[s->delete_marker_count++] = e->value;
    s->delete_markers = markers;
}

/* What fired during the first reading. */
static void catch_up(struct bn_watch *w) {
    struct bn_map_entry *e;
    for (size_t at = 0; (e = bn_map_next(&w->topics, &at));) {
        struct topic *t = e->value;
        bn_load_free(t->load);
        t->load = NULL;
        if (t->dirty) read_topic(w, t);
    }
    if (w->brokers_dirty) {
        w->brokers_dirty = false;
        read_brokers(w);
    }
    if (w->topic_list.dirty) read_topic_list(w);
    if (w->marker_list.dirty) read_marker_list(w);
    bn_notices_go(w->notices);
}

static void free_first(struct bn_watch *w) {
    bn_load_free(w->topic_configs);
    bn_load_free(w->broker_configs);
    bn_load_free(w->admitted);
    w->topic_configs = w->broker_configs = w->admitted = NULL;
    bn_arena_reset(&w->arena);
}

static void first_done(struct bn_watch *w) {
    if (--w->first_left > 0) return;
    fill_topics(w);
    fill_rest(w);
    w->told = true;
    w->refs++; /* telling may end the reign */
    bn_controller_loaded(w->c, &w->state);
    if (!w->stopped) {
        catch_up(w);
        free_first(w);
    }
    unref(w);
}

static void first_load(void *arg, struct bn_load *l) {
    struct bn_watch *w = arg;
    if (l->status != BN_OK)
        failed(w, l);
    else
        first_done(w);
}

static void first_producer_ids(void *arg, int status, struct bn_slice data, const struct bn_zk_stat *stat) {
    struct bn_watch *w = arg;
    struct bn_znode_producer_ids z;
    struct bn_err e = BN_ERR_NONE;
    if (!w->stopped && !is_closed_or_failed(w, status, BN_ZNODE_PRODUCER_IDS)) {
        struct bn_arena arena;
        bn_arena_init(&arena, PRODUCER_IDS_BUDGET);
        if (bn_znode_producer_ids_decode(data, &arena, &z, &e) != BN_OK) {
            bn_controller_give_up(w->c, e.text);
        } else {
            w->state.producer_ids = (struct bn_fact_producer_ids){stat->version, z.broker, z.first, z.last};
            first_done(w);
        }
        bn_arena_fini(&arena);
    }
    unref(w);
}

static void notices_listed(void *arg) { first_done(arg); }

static void set_up(void *arg, int status, const char *cluster_id, const char *why) {
    struct bn_watch *w = arg;
    w->setup = NULL;
    if (status != BN_OK) {
        if (status != BN_CLOSED) bn_controller_give_up(w->c, why);
        return;
    }
    bn_alloc_free(w->c->cluster_id);
    w->c->cluster_id = bn_alloc_strdup(cluster_id);
    w->first_left = 8;
    w->brokers_loading = bn_load_brokers(zk_of(w), fired, w->c, brokers_read, w);
    w->topic_configs = bn_load_configs(zk_of(w), "topics", first_load, w);
    w->broker_configs = bn_load_configs(zk_of(w), "brokers", first_load, w);
    w->admitted = bn_load_admitted(zk_of(w), first_load, w);
    read_topic_list(w);
    read_marker_list(w);
    w->notices = bn_notices_start(w->c, fired, notices_listed, w);
    w->refs++;
    zk_of(w)->ops->get(zk_of(w), BN_ZNODE_PRODUCER_IDS, NULL, NULL, first_producer_ids, w);
}

struct bn_watch *bn_watch_start(struct bn_controller *c) {
    struct bn_watch *w = bn_alloc_zero(1, sizeof *w);
    w->c = c;
    w->refs = 1;
    bn_map_init(&w->topics);
    bn_map_init(&w->markers);
    bn_arena_init(&w->arena, SIZE_MAX / 2);
    w->setup = bn_setup_start(c->zk, c->config.env, set_up, w);
    return w;
}

void bn_watch_stop(struct bn_watch *w) {
    if (!w) return;
    w->stopped = true;
    bn_notices_stop(w->notices);
    if (w->setup) bn_setup_cancel(w->setup);
    bn_load_free(w->brokers);
    bn_load_free(w->brokers_loading);
    free_first(w);
    struct bn_map_entry *e;
    for (size_t at = 0; (e = bn_map_next(&w->topics, &at));) {
        bn_load_free(((struct topic *)e->value)->load);
        ((struct topic *)e->value)->load = NULL;
    }
    w->brokers = w->brokers_loading = NULL;
    w->notices = NULL;
    unref(w);
}

const struct bn_load_life *bn_watch_life(struct bn_watch *w, int32_t broker, int64_t incarnation) {
    for (int32_t i = 0; w && w->brokers && i < w->brokers->count; i++) {
        const struct bn_fact_broker *b = &w->brokers->brokers[i];
        if (b->id == broker && b->incarnation == incarnation && w->brokers->lives[i].host) return &w->brokers->lives[i];
    }
    return NULL;
}

int32_t bn_watch_brokers(struct bn_watch *w, const struct bn_fact_broker **out) {
    *out = w && w->brokers ? w->brokers->brokers : NULL;
    return *out ? w->brokers->count : 0;
}
