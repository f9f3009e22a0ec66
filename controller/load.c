/* load.c: reads in ZooKeeper what belongs together. Owns each load until bn_load_free.
 *
 * A load counts its outstanding answers; done runs when the last has come, so callbacks never find it freed. Nothing is
 * retried here: reads survive a reconnect inside the client. A single broken znode spoils a load of one thing (BN_BAD),
 * but in a load of many it is left out and told, since one bad entry must not keep the controller from its work.
 *
 * Broker and incarnation are written in one multi, so they belong together exactly if the incarnation's mzxid is the
 * broker's czxid. A newer incarnation means that the broker read is already gone; an older one, that a stranger
 * registered without it. */
#include "controller/load.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/trace.h"
#include "common/zk/znode.h"
#include "common/zk/znode_path.h"
#include "controller/config_rules.h"

enum { BUDGET = 256 << 20 };

struct item { /* one node of a load; in its arena */
    struct bn_load *load;
    int32_t index;
    const char *type, *name;
};

static struct bn_load *load_new(struct bn_zk *zk, bn_load_done done, void *arg) {
    struct bn_load *l = bn_alloc_zero(1, sizeof *l);
    l->zk = zk;
    l->done = done;
    l->arg = arg;
    bn_arena_init(&l->arena, BUDGET);
    return l;
}

static void destroy(struct bn_load *l) {
    bn_arena_fini(&l->arena);
    bn_alloc_free(l);
}

void bn_load_free(struct bn_load *l) {
    if (!l) return;
    l->cancelled = true;
    if (l->outstanding == 0) destroy(l);
}

/* Every callback ends with this. */
static void came(struct bn_load *l) {
    if (--l->outstanding > 0) return;
    if (l->cancelled)
        destroy(l);
    else
        l->done(l->arg, l);
}

static void fail(struct bn_load *l, int status, const char *what) {
    if (l->status == BN_OK) l->status = bn_err_set(&l->error, status, "read %s: %s", what, bn_err_text(status));
}

static void *take(struct bn_load *l, size_t count, size_t size) {
    void *p = bn_arena_array(&l->arena, count ? count : 1, size);
    if (!p) fail(l, BN_FULL, "too much at once");
    return p;
}

static struct item *item_new(struct bn_load *l, int32_t index) {
    struct item *i = take(l, 1, sizeof *i);
    if (i) *i = (struct item){.load = l, .index = index};
    return i;
}

static void get(struct bn_load *l, const char *path, bool watched, bn_zk_get_cb cb, void *arg) {
    l->outstanding++;
    l->zk->ops->get(l->zk, path, watched ? l->watch : NULL, l->watch_arg, cb, arg);
}

/* ---- a topic ---- */

static struct bn_fact_ids ids_of(struct bn_znode_ids z) { return (struct bn_fact_ids){z.ids, z.count}; }

static void on_state(void *arg, int status, struct bn_slice data, const struct bn_zk_stat *stat) {
    struct item *i = arg;
    struct bn_load *l = i->load;
    struct bn_fact_partition *p = (struct bn_fact_partition *)&l->topic.partitions[i->index];
    struct bn_znode_state z;
    if (status == BN_OK) status = bn_znode_state_decode(data, &l->arena, &z, &l->error);
    if (status == BN_OK) {
        p->has_state = true;
        p->state = (struct bn_fact_state){.version = stat->version,
                                          .leader = z.leader,
                                          .leader_epoch = z.leader_epoch,
                                          .controller_epoch = z.controller_epoch,
                                          .isr = ids_of(z.isr),
                                          .recovering = z.recovery_state == 1,
                                          .elr = ids_of(z.elr)};
    } else if (status != BN_NOTFOUND) {
        fail(l, status, "a partition's state");
    }
    came(l);
}

static void on_partitions_node(void *arg, int status, struct bn_slice data, const struct bn_zk_stat *stat) {
    struct bn_load *l = arg;
    struct bn_znode_topic_partitions z;
    (void)stat;
    l->topic.has_partitions_node = status == BN_OK;
    if (status == BN_OK && bn_znode_topic_partitions_decode(data, &l->arena, &z, NULL) == BN_OK) {
        l->topic.has_second_id = z.has_id;
        l->topic.second_id = z.id;
    }
    if (status != BN_OK && status != BN_NOTFOUND) fail(l, status, "a topic's partitions");
    came(l);
}

static void read_states(struct bn_load *l, const struct bn_znode_topic *z) {
    struct bn_fact_partition *ps = take(l, (size_t)z->partition_count, sizeof *ps);
    if (!ps) return;
    l->topic.partitions = ps;
    l->topic.partition_count = z->partition_count;
    struct bn_slice name = bn_slice_str(l->topic.name);
    struct bn_znode_path path;
    get(l, bn_znode_path_topic_partitions(&path, name), false, on_partitions_node, l);
    for (int32_t n = 0; n < z->partition_count; n++) {
        const struct bn_znode_partition *from = &z->partitions[n];
        ps[n] = (struct bn_fact_partition){.index = from->id,
                                           .replicas = ids_of(from->replicas),
                                           .adding = ids_of(from->adding),
                                           .removing = ids_of(from->removing)};
        struct item *i = item_new(l, n);
        if (i) get(l, bn_znode_path_state(&path, name, from->id), false, on_state, i);
    }
}

static void on_topic(void *arg, int status, struct bn_slice data, const struct bn_zk_stat *stat) {
    struct bn_load *l = arg;
    struct bn_znode_topic z;
    if (status == BN_OK) status = bn_znode_topic_decode(data, &l->arena, &z, &l->error);
    if (status != BN_OK) {
        l->status = status;
    } else if (!l->cancelled) {
        l->topic.version = stat->version;
        l->topic.czxid = stat->czxid;
        l->topic.has_id = z.has_id;
        l->topic.id = z.id;
        read_states(l, &z);
    }
    came(l);
}

struct bn_load *bn_load_topic(struct bn_zk *zk, const char *name, bn_zk_watch_cb watch, void *watch_arg,
                              bn_load_done done, void *arg) {
    struct bn_load *l = load_new(zk, done, arg);
    l->watch = watch;
    l->watch_arg = watch_arg;
    l->topic.name = bn_arena_copy(&l->arena, bn_slice_str(name));
    struct bn_znode_path path;
    get(l, bn_znode_path_topic(&path, bn_slice_str(name)), true, on_topic, l);
    return l;
}

/* ---- the brokers ---- */

struct broker_item {
    struct bn_load *load;
    struct bn_fact_broker fact;
    struct bn_load_life life;
    int64_t czxid;
    bool there;
};

static void collect_broker(struct broker_item *i) {
    struct bn_load *l = i->load;
    if (!i->there) return;
    l->brokers[l->count] = i->fact;
    l->lives[l->count++] = i->life;
}

/* Comes after the broker's own node, since answers come in order. */
static void on_incarnation(void *arg, int status, struct bn_slice data, const struct bn_zk_stat *stat) {
    struct broker_item *i = arg;
    struct bn_load *l = i->load;
    if (status != BN_OK && status != BN_NOTFOUND) fail(l, status, "an incarnation");
    if (i->there && status == BN_OK && stat->mzxid > i->czxid) i->there = false; /* gone already; a newer one comes */
    if (i->there && status == BN_OK && stat->mzxid == i->czxid) {
        struct bn_znode_incarnation z;
        struct bn_err e = BN_ERR_NONE;
        i->fact.incarnation = stat->version;
        if (bn_znode_incarnation_decode(data, &l->arena, &z, &e) == BN_OK) {
            i->life = (struct bn_load_life){z.boot_id, z.host, z.port, z.machine};
        } else {
            BN_WARN("controller", "incarnation of broker %d: %s", i->fact.id, e.text);
        }
    }
    collect_broker(i);
    came(l);
}

static void describe_broker(struct broker_item *i, const struct bn_znode_broker *z) {
    struct bn_fact_endpoint *to = take(i->load, (size_t)z->endpoint_count, sizeof *to);
    if (!to) return;
    for (int32_t n = 0; n < z->endpoint_count; n++) {
        const struct bn_znode_endpoint *from = &z->endpoints[n];
        to[n] = (struct bn_fact_endpoint){from->listener, from->protocol, from->host, from->port};
    }
    i->fact.endpoints = to;
    i->fact.endpoint_count = z->endpoint_count;
    i->fact.rack = z->rack;
    i->there = true;
}

static void on_broker(void *arg, int status, struct bn_slice data, const struct bn_zk_stat *stat) {
    struct broker_item *i = arg;
    struct bn_load *l = i->load;
    if (status == BN_OK) {
        struct bn_znode_broker z;
        struct bn_err e = BN_ERR_NONE;
        i->czxid = i->fact.epoch = stat->czxid;
        int rc = bn_znode_broker_decode(data, &l->arena, &z, &e);
        if (rc == BN_OK)
            describe_broker(i, &z);
        else
            BN_ERROR("controller", "broker %d is left out: %s", i->fact.id, e.text);
    } else if (status != BN_NOTFOUND) {
        fail(l, status, "a broker");
    }
    came(l);
}

static void on_broker_names(void *arg, int status, char **names, int count) {
    struct bn_load *l = arg;
    if (status != BN_OK) fail(l, status, BN_ZNODE_BROKER_IDS);
    struct broker_item *items = status == BN_OK && !l->cancelled ? take(l, (size_t)count, sizeof *items) : NULL;
    l->brokers = items ? take(l, (size_t)count, sizeof *l->brokers) : NULL;
    l->lives = l->brokers ? take(l, (size_t)count, sizeof *l->lives) : NULL;
    for (int n = 0; l->lives && n < count; n++) {
        int32_t id = bn_znode_path_number(bn_slice_str(names[n]));
        if (id < 0) continue;
        items[n] = (struct broker_item){.load = l, .fact = {.id = id}, .life = {.port = -1}};
        struct bn_znode_path path;
        get(l, bn_znode_path_broker(&path, id), true, on_broker, &items[n]);
        get(l, bn_znode_path_incarnation(&path, id), false, on_incarnation, &items[n]);
    }
    came(l);
}

struct bn_load *bn_load_brokers(struct bn_zk *zk, bn_zk_watch_cb watch, void *watch_arg, bn_load_done done, void *arg) {
    struct bn_load *l = load_new(zk, done, arg);
    l->watch = watch;
    l->watch_arg = watch_arg;
    l->outstanding++;
    zk->ops->children(zk, BN_ZNODE_BROKER_IDS, watch, watch_arg, on_broker_names, l);
    return l;
}

bool bn_load_life_target(const struct bn_fact_broker *b, const struct bn_load_life *life, const char *machine,
                         struct bn_probe_target *out) {
    if (!life || !life->host || life->port <= 0) return false;
    bool ours = machine && life->machine && machine[0] && strcmp(machine, life->machine) == 0;
    *out = (struct bn_probe_target){b->id, b->incarnation, life->host, life->port, life->boot_id, ours};
    return true;
}

/* ---- configs ---- */

static void on_config(void *arg, int status, struct bn_slice data, const struct bn_zk_stat *stat) {
    struct item *i = arg;
    struct bn_load *l = i->load;
    struct bn_fact_config *c = &l->configs[i->index];
    struct bn_znode_config z = {0};
    struct bn_err e = BN_ERR_NONE;
    (void)stat;
    if (status == BN_OK && bn_znode_config_decode(data, &l->arena, &z, &e) != BN_OK) {
        BN_ERROR("controller", "the overrides of %s/%s are taken as none: %s", i->type, i->name, e.text);
        z.count = 0;
    } else if (status != BN_OK && status != BN_NOTFOUND) {
        fail(l, status, "a config");
    }
    struct bn_fact_pair *pairs = take(l, (size_t)z.count, sizeof *pairs);
    for (int32_t n = 0; pairs && n < z.count; n++)
        pairs[n] = (struct bn_fact_pair){z.entries[n].key, z.entries[n].value};
    *c = (struct bn_fact_config){i->type, i->name, pairs, pairs ? z.count : 0};
    bn_config_rules_warn(c);
    came(l);
}

static void read_config(struct bn_load *l, int32_t index, const char *type, const char *name) {
    struct item *i = item_new(l, index);
    struct bn_znode_path path;
    const char *at = bn_znode_path_config(&path, type, bn_slice_str(name));
    if (!i) return;
    i->type = type;
    i->name = bn_arena_copy(&l->arena, bn_slice_str(name));
    l->configs[index] = (struct bn_fact_config){i->type, i->name, NULL, 0};
    if (i->name && at) get(l, at, false, on_config, i);
}

static void on_config_names(void *arg, int status, char **names, int count) {
    struct item *i = arg;
    struct bn_load *l = i->load;
    if (status != BN_OK && status != BN_NOTFOUND) fail(l, status, "the configs");
    l->configs = status == BN_OK && !l->cancelled ? take(l, (size_t)count, sizeof *l->configs) : NULL;
    if (l->configs) l->count = count;
    for (int n = 0; l->configs && n < count; n++) read_config(l, n, i->type, names[n]);
    came(l);
}

struct bn_load *bn_load_configs(struct bn_zk *zk, const char *type, bn_load_done done, void *arg) {
    struct bn_load *l = load_new(zk, done, arg);
    struct item *i = item_new(l, 0);
    BN_ASSERT(i);
    i->type = bn_arena_copy(&l->arena, bn_slice_str(type));
    struct bn_znode_path path;
    l->outstanding++;
    zk->ops->children(zk, bn_znode_path_child(&path, BN_ZNODE_CONFIG, bn_slice_str(type)), NULL, NULL, on_config_names,
                      i);
    return l;
}

struct bn_load *bn_load_config(struct bn_zk *zk, const char *type, const char *name, bn_load_done done, void *arg) {
    struct bn_load *l = load_new(zk, done, arg);
    l->configs = take(l, 1, sizeof *l->configs);
    l->count = 1;
    char *copy = bn_arena_copy(&l->arena, bn_slice_str(type));
    BN_ASSERT(l->configs && copy);
    read_config(l, 0, copy, name);
    BN_ASSERT(l->outstanding == 1); /* the caller has checked that both can stand in a path */
    return l;
}

/* ---- admitted incarnations ---- */

static void on_admitted(void *arg, int status, struct bn_slice data, const struct bn_zk_stat *stat) {
    struct item *i = arg;
    struct bn_load *l = i->load;
    struct bn_znode_admitted admitted;
    (void)stat;
    struct bn_err e = BN_ERR_NONE;
    if (status == BN_OK && bn_znode_admitted_decode(data, &l->arena, &admitted, &e) == BN_OK) {
        l->numbers[l->count++] = (struct bn_load_number){i->index, admitted.incarnation};
    } else if (status == BN_OK) {
        BN_ERROR("controller", "%s/%d is left out: %s", BN_ZNODE_ADMITTED, i->index, e.text);
    } else if (status != BN_NOTFOUND) {
        fail(l, status, BN_ZNODE_ADMITTED);
    }
    came(l);
}

static void on_admitted_names(void *arg, int status, char **names, int count) {
    struct bn_load *l = arg;
    if (status != BN_OK && status != BN_NOTFOUND) fail(l, status, BN_ZNODE_ADMITTED);
    l->numbers = status == BN_OK && !l->cancelled ? take(l, (size_t)count, sizeof *l->numbers) : NULL;
    for (int n = 0; l->numbers && n < count; n++) {
        int32_t id = bn_znode_path_number(bn_slice_str(names[n]));
        struct item *i = id < 0 ? NULL : item_new(l, id);
        struct bn_znode_path path;
        if (i) get(l, bn_znode_path_child(&path, BN_ZNODE_ADMITTED, bn_slice_str(names[n])), false, on_admitted, i);
    }
    came(l);
}

struct bn_load *bn_load_admitted(struct bn_zk *zk, bn_load_done done, void *arg) {
    struct bn_load *l = load_new(zk, done, arg);
    l->outstanding++;
    zk->ops->children(zk, BN_ZNODE_ADMITTED, NULL, NULL, on_admitted_names, l);
    return l;
}
