/* zk_check.c: `barnabas zk check`: do the znodes agree with each other, and with what every registered broker answers?
 * Reads only. A cluster that is changing meanwhile may show what is gone a moment later: what counts is what stays.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/arena.h"
#include "common/zk/znode.h"
#include "common/zk/znode_path.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/kmsg.h"
#include "tools/jsonout.h"
#include "tools/session.h"
#include "tools/zk_audit.h"

enum { AUDIT_BUDGET = 256 << 20, BROKERS_MAX = 10000 };

struct audit {
    struct bn_zk_sync *z;
    struct bn_arena arena;
    int32_t brokers[BROKERS_MAX];
    int broker_count, topic_count, partition_count, findings;
    int32_t controller_epoch;
    struct bn_str bootstrap; /* "host:port,…" of the brokers */
    struct bn_jsonout *json; /* NULL: text */
    struct leaders {         /* of the znodes, to hold the brokers against */
        const char *topic;
        int32_t partition, leader, epoch;
        bool seen;
    } * leaders;
    size_t leader_count;
};

static void find(struct audit *a, const char *fmt, ...) BN_PRINTF(2, 3);
static void find(struct audit *a, const char *fmt, ...) {
    char text[512];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    a->findings++;
    if (a->json)
        bn_jsonout_text(a->json, NULL, bn_slice_str(text));
    else
        printf("%s\n", text);
}

static bool is_broker(const struct audit *a, int32_t id) {
    for (int i = 0; i < a->broker_count; i++) {
        if (a->brokers[i] == id) return true;
    }
    return false;
}

static bool in(const struct bn_znode_ids *ids, int32_t id) {
    for (int32_t i = 0; i < ids->count; i++) {
        if (ids->ids[i] == id) return true;
    }
    return false;
}

/* A node's data; BN_NOTFOUND is left to the caller. */
static int read_node(struct audit *a, const char *path, struct bn_str *data, struct bn_zk_stat *stat,
                     struct bn_err *e) {
    bn_str_init(data);
    int rc = bn_zk_sync_get(a->z, path, data, stat, e);
    if (rc != BN_OK) bn_str_fini(data);
    return rc;
}

/* ---- brokers ---- */

static int check_broker(struct audit *a, const char *name, struct bn_err *e) {
    struct bn_str data;
    struct bn_zk_stat stat;
    struct bn_znode_path p;
    struct bn_znode_broker b;
    int64_t id;
    if (!bn_slice_to_i64(bn_slice_str(name), &id) || id < 0 || id > INT32_MAX || a->broker_count == BROKERS_MAX)
        return find(a, "/brokers/ids/%s: its name is no broker id", name), BN_OK;
    int rc = read_node(a, bn_znode_path_broker(&p, (int32_t)id), &data, &stat, e);
    if (rc == BN_NOTFOUND) return BN_OK; /* gone since the list was read */
    if (rc != BN_OK) return rc;
    a->brokers[a->broker_count++] = (int32_t)id;
    if (stat.ephemeral_owner == 0) find(a, "%s is not ephemeral: it will outlive its broker", p.text);
    if (bn_znode_broker_decode(bn_str_slice(&data), &a->arena, &b, e) != BN_OK)
        find(a, "%s: %s", p.text, e->text);
    else if (b.endpoint_count > 0)
        bn_str_addf(&a->bootstrap, "%s%s:%d", a->bootstrap.len ? "," : "", b.endpoints[0].host, b.endpoints[0].port);
    bn_str_fini(&data);
    rc = read_node(a, bn_znode_path_incarnation(&p, (int32_t)id), &data, &stat, e);
    if (rc == BN_OK) bn_str_fini(&data);
    return rc == BN_NOTFOUND ? BN_OK : rc; /* an Apache Kafka broker has none */
}

static int check_brokers(struct audit *a, struct bn_err *e) {
    char **names = NULL;
    int count = 0, rc = bn_zk_sync_children(a->z, BN_ZNODE_BROKER_IDS, &names, &count, e);
    for (int i = 0; i < count; i++) {
        if (rc == BN_OK) rc = check_broker(a, names[i], e);
        bn_alloc_free(names[i]);
    }
    bn_alloc_free(names);
    if (rc == BN_OK && a->broker_count == 0) find(a, "/brokers/ids is empty: no broker is registered");
    return rc == BN_NOTFOUND
               ? bn_err_set(e, rc, "there is no /brokers/ids: is the chroot, for instance /kafka, missing?")
               : rc;
}

static int check_controller(struct audit *a, struct bn_err *e) {
    struct bn_str data;
    struct bn_zk_stat stat;
    int rc = read_node(a, BN_ZNODE_CONTROLLER, &data, &stat, e);
    if (rc == BN_NOTFOUND) find(a, "/controller is absent: no controller is active");
    if (rc == BN_OK) bn_str_fini(&data);
    if (rc != BN_OK && rc != BN_NOTFOUND) return rc;
    rc = read_node(a, BN_ZNODE_CONTROLLER_EPOCH, &data, &stat, e);
    struct bn_znode_controller_epoch epoch = {0};
    if (rc == BN_OK) {
        if (bn_znode_controller_epoch_decode(bn_str_slice(&data), &a->arena, &epoch, e) != BN_OK)
            find(a, "/controller_epoch: %s", e->text);
        a->controller_epoch = epoch.epoch;
        bn_str_fini(&data);
    }
    return rc == BN_NOTFOUND ? BN_OK : rc;
}

/* ---- topics ---- */

static void check_state(struct audit *a, const char *topic, const struct bn_znode_partition *p,
                        const struct bn_znode_state *s) {
    int32_t id = p->id;
    for (int32_t i = 0; i < s->isr.count; i++) {
        if (!in(&p->replicas, s->isr.ids[i]))
            find(a, "%s-%d: broker %d is in the ISR and no replica", topic, id, s->isr.ids[i]);
    }
    if (s->controller_epoch > a->controller_epoch)
        find(a, "%s-%d: written by controller epoch %d, and /controller_epoch is %d", topic, id, s->controller_epoch,
             a->controller_epoch);
    if (s->leader == BN_ZNODE_NO_LEADER) {
        find(a, "%s-%d has no leader", topic, id);
    } else {
        if (!in(&s->isr, s->leader)) find(a, "%s-%d: leader %d is not in the ISR", topic, id, s->leader);
        if (!is_broker(a, s->leader)) find(a, "%s-%d: leader %d is not registered", topic, id, s->leader);
    }
    if (s->isr.count < p->replicas.count - p->adding.count)
        find(a, "%s-%d: %d of %d replicas are in sync", topic, id, s->isr.count, p->replicas.count);
}

static int check_partition(struct audit *a, const char *topic, const struct bn_znode_partition *p, struct bn_err *e) {
    struct bn_str data;
    struct bn_zk_stat stat;
    struct bn_znode_path path;
    struct bn_znode_state s;
    a->partition_count++;
    int rc = read_node(a, bn_znode_path_state(&path, bn_slice_str(topic), p->id), &data, &stat, e);
    if (rc == BN_NOTFOUND)
        return find(a, "%s-%d has no state: the controller has not made it yet", topic, p->id), BN_OK;
    if (rc != BN_OK) return rc;
    if (bn_znode_state_decode(bn_str_slice(&data), &a->arena, &s, e) != BN_OK) {
        find(a, "%s: %s", path.text, e->text);
    } else {
        check_state(a, topic, p, &s);
        a->leaders = bn_alloc_resize(a->leaders, (a->leader_count + 1) * sizeof *a->leaders);
        a->leaders[a->leader_count++] = (struct leaders){bn_arena_copy(&a->arena, bn_slice_str(topic)), p->id, s.leader,
                                                         s.leader_epoch, false};
    }
    bn_str_fini(&data);
    return BN_OK;
}

static int check_topic(struct audit *a, const char *topic, struct bn_err *e) {
    struct bn_str data;
    struct bn_zk_stat stat;
    struct bn_znode_path path;
    struct bn_znode_topic t;
    const char *where = bn_znode_path_topic(&path, bn_slice_str(topic));
    int rc = where ? read_node(a, where, &data, &stat, e) : BN_NOTFOUND;
    if (rc == BN_NOTFOUND) return BN_OK;
    if (rc != BN_OK) return rc;
    a->topic_count++;
    rc = bn_znode_topic_decode(bn_str_slice(&data), &a->arena, &t, e);
    bn_str_fini(&data);
    if (rc != BN_OK) return find(a, "%s: %s", path.text, e->text), BN_OK;
    for (int32_t i = 0; i < t.partition_count && rc == BN_OK; i++) {
        const struct bn_znode_partition *p = &t.partitions[i];
        for (int32_t k = 0; k < p->replicas.count; k++) {
            if (!is_broker(a, p->replicas.ids[k]))
                find(a, "%s-%d: replica %d is not registered", topic, p->id, p->replicas.ids[k]);
        }
        rc = check_partition(a, topic, p, e);
    }
    return rc;
}

static int check_topics(struct audit *a, struct bn_err *e) {
    char **names = NULL;
    int count = 0, rc = bn_zk_sync_children(a->z, BN_ZNODE_TOPICS, &names, &count, e);
    for (int i = 0; i < count; i++) {
        if (rc == BN_OK) rc = check_topic(a, names[i], e);
        bn_alloc_free(names[i]);
    }
    bn_alloc_free(names);
    return rc == BN_NOTFOUND ? BN_OK : rc;
}

static int check_pending(struct audit *a, struct bn_err *e) {
    char **names = NULL;
    int count = 0, rc = bn_zk_sync_children(a->z, BN_ZNODE_DELETES, &names, &count, e);
    for (int i = 0; i < count; i++) {
        find(a, "topic %s is still to be deleted", names[i]);
        bn_alloc_free(names[i]);
    }
    bn_alloc_free(names);
    return rc == BN_NOTFOUND ? BN_OK : rc;
}

/* ---- what brokers say ---- */

static struct leaders *known(struct audit *a, struct bn_slice topic, int32_t partition) {
    for (size_t i = 0; i < a->leader_count; i++) {
        if (a->leaders[i].partition == partition && bn_slice_eq_str(topic, a->leaders[i].topic)) return &a->leaders[i];
    }
    return NULL;
}

static void compare_topic(struct audit *a, int32_t broker, const struct kmsg_metadata_response_topic *t) {
    for (int32_t i = 0; i < t->partitions.n; i++) {
        const struct kmsg_metadata_response_partition *p = &t->partitions.v[i];
        struct leaders *l = known(a, t->name, p->partition_index);
        if (!l) {
            find(a, "broker %d knows %.*s-%d, which ZooKeeper does not", broker, BN_SLICE_FMT(t->name),
                 p->partition_index);
            continue;
        }
        l->seen = true;
        if (l->leader != p->leader_id || l->epoch != p->leader_epoch)
            find(a, "%s-%d: leader %d in epoch %d in ZooKeeper, %d in epoch %d to broker %d", l->topic, l->partition,
                 l->leader, l->epoch, p->leader_id, p->leader_epoch, broker);
    }
}

static void ask_broker(struct audit *a, struct bn_session *s, int32_t broker) {
    struct bn_err e = BN_ERR_NONE;
    struct kmsg_metadata_request q = kmsg_metadata_request_default;
    q.topics.n = -1;
    q.allow_auto_topic_creation = false;
    const struct kmsg_metadata_response *r = bn_session_try(s, broker, 3, &q, &e);
    if (!r) {
        find(a, "broker %d is registered and does not answer: %s", broker, e.text);
        return;
    }
    for (size_t i = 0; i < a->leader_count; i++) a->leaders[i].seen = false;
    for (int32_t i = 0; i < r->topics.n; i++) compare_topic(a, broker, &r->topics.v[i]);
    for (size_t i = 0; i < a->leader_count; i++) {
        if (!a->leaders[i].seen)
            find(a, "broker %d does not know %s-%d", broker, a->leaders[i].topic, a->leaders[i].partition);
    }
}

static void check_answers(struct audit *a) {
    if (a->bootstrap.len == 0) return;
    struct bn_session *s = bn_session_open("barnabas zk check", a->bootstrap.ptr);
    for (int i = 0; s && i < a->broker_count; i++) ask_broker(a, s, a->brokers[i]);
    if (s) bn_session_close(s);
}

static void summarize(struct audit *a) {
    if (a->json) {
        bn_jsonout_end(a->json);
        bn_jsonout_number(a->json, "brokers", a->broker_count);
        bn_jsonout_number(a->json, "topics", a->topic_count);
        bn_jsonout_number(a->json, "partitions", a->partition_count);
        bn_jsonout_print(a->json);
        return;
    }
    printf("checked %d broker%s, %d topic%s and %d partition%s: %d finding%s\n", a->broker_count,
           a->broker_count == 1 ? "" : "s", a->topic_count, a->topic_count == 1 ? "" : "s", a->partition_count,
           a->partition_count == 1 ? "" : "s", a->findings, a->findings == 1 ? "" : "s");
}

int bn_zk_check(struct bn_zk_sync *z, bool json, struct bn_err *e) {
    struct audit *a = bn_alloc_zero(1, sizeof *a);
    struct bn_jsonout j;
    a->z = z;
    bn_arena_init(&a->arena, AUDIT_BUDGET);
    bn_str_init(&a->bootstrap);
    bn_jsonout_init(&j);
    bn_jsonout_array(&j, "findings");
    a->json = json ? &j : NULL;
    int rc = check_brokers(a, e);
    if (rc == BN_OK) rc = check_controller(a, e);
    if (rc == BN_OK) rc = check_topics(a, e);
    if (rc == BN_OK) rc = check_pending(a, e);
    if (rc == BN_OK) check_answers(a);
    if (rc == BN_OK) summarize(a);
    if (!json || rc != BN_OK) bn_str_fini(&j.text);
    int found = a->findings;
    bn_str_fini(&a->bootstrap);
    bn_arena_fini(&a->arena);
    bn_alloc_free(a->leaders);
    bn_alloc_free(a);
    return rc == BN_OK ? found : rc;
}
