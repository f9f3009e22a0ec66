/* logs.c: reads logs off the brokers' disks without the product's help, batch by batch, and knows which partitions of
 * running brokers are open. A log of a running broker ends where that broker says: its files may hold more for a while
 * (a truncation reaches them late). */
#include "tests/sim/logs.h"

#include "broker/log/topicid.h"
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "proto/kafka/batch.h"
#include "tests/sim/observer.h"

static struct bn_list *replicas(void) {
    static struct bn_list all;
    if (!all.next) bn_list_init(&all);
    return &all;
}

/* ---- bytes ---- */

static int64_t name_of(const struct bn_batch *b) {
    struct bn_batch_iter it;
    struct bn_record r;
    int64_t id = -1;
    if (bn_batch_iter_init(&it, b, 1 << 16) == BN_OK && bn_batch_iter_next(&it, &r) == 1 && r.value.len == 8)
        id = (int64_t)bn_get_u64(r.value.ptr);
    bn_batch_iter_fini(&it);
    return id;
}

bool sim_logs_batch(struct bn_slice bytes, struct sim_batch *out) {
    struct bn_batch b;
    if (bn_batch_peek(bytes, &b) != BN_OK || !bn_batch_crc_ok(&b)) return false;
    *out = (struct sim_batch){.base = b.base_offset,
                              .next = bn_batch_next_offset(&b),
                              .id = name_of(&b),
                              .producer_id = b.producer_id,
                              .epoch = b.leader_epoch,
                              .sequence = b.base_sequence,
                              .length = BN_BATCH_OVERHEAD + b.length,
                              .producer_epoch = b.producer_epoch,
                              .crc = b.crc};
    return true;
}

static bool read_segment(const struct bn_disk *d, const char *path, struct sim_log *out) {
    uint8_t *bytes = NULL;
    size_t len = 0;
    if (bn_disk_read_all(d, path, 1 << 22, &bytes, &len, NULL) != 0) return false;
    struct bn_slice left = bn_slice_of(bytes, len);
    struct sim_batch b;
    while (sim_logs_batch(left, &b) && b.base >= out->end) {
        if ((out->count & 31) == 0)
            out->batches = bn_alloc_resize(out->batches, (size_t)(out->count + 32) * sizeof *out->batches);
        out->batches[out->count++] = b;
        out->end = b.next;
        left = bn_slice_of(left.ptr + b.length, left.len - (size_t)b.length);
    }
    bn_alloc_free(bytes);
    return left.len == 0;
}

static void read_dir(const struct bn_disk *d, const struct sim_topic *t, int32_t index, struct sim_log *out) {
    char dir[64], path[400];
    struct bn_disk_entry *list = NULL;
    struct bn_uuid id;
    size_t count = 0;
    snprintf(dir, sizeof dir, "/data/%s-%d", t->name, index);
    struct bn_index_place place = {.disk = d, .dir = dir};
    if (bn_topicid_read(&place, &id, NULL) != 0 || !bn_uuid_eq(&id, &t->id)) return;
    if (d->list(d, dir, &list, &count, NULL) != 0) return;
    out->there = true;
    bool whole = true;
    for (size_t i = 0; i < count && whole; i++) {
        size_t len = strlen(list[i].name);
        if (len != 24 || strcmp(list[i].name + 20, ".log") != 0) continue;
        int64_t base = 0;
        if (!bn_slice_to_i64(bn_slice_of(list[i].name, 20), &base)) continue;
        if (out->count == 0) out->start = out->end = base;
        if (base != out->end) break;
        snprintf(path, sizeof path, "%s/%s", dir, list[i].name);
        whole = read_segment(d, path, out);
    }
    bn_alloc_free(list);
}

void sim_logs_read(struct sim_world *w, int broker, const struct sim_topic *t, int32_t index, struct sim_log *out) {
    *out = (struct sim_log){0};
    read_dir(bn_memdisk_disk(sim_disk_memory(w->disks[broker])), t, index, out);
    const struct sim_replica *r = w->brokers[broker] ? sim_logs_replica(w->brokers[broker], t, index) : NULL;
    if (!r || !r->log) return;
    int64_t end = bn_log_end_offset(r->log), start = bn_log_start_offset(r->log);
    while (out->count && out->batches[out->count - 1].next > end) out->count--;
    int32_t skip = 0;
    while (skip < out->count && out->batches[skip].base < start) skip++;
    if (skip) memmove(out->batches, out->batches + skip, (size_t)(out->count -= skip) * sizeof *out->batches);
    out->start = start;
    out->end = end;
}

void sim_logs_free(struct sim_log *l) { bn_alloc_free(l->batches); }

const struct sim_batch *sim_logs_at(const struct sim_log *l, int64_t base) {
    int32_t low = 0, high = l->count;
    while (low < high) {
        int32_t mid = low + (high - low) / 2;
        if (l->batches[mid].base < base)
            low = mid + 1;
        else
            high = mid;
    }
    return low < l->count && l->batches[low].base == base ? &l->batches[low] : NULL;
}

int64_t sim_logs_end(struct sim_world *w, int broker, const struct sim_topic *t, int32_t index) {
    const struct sim_replica *r = w->brokers[broker] ? sim_logs_replica(w->brokers[broker], t, index) : NULL;
    if (r && r->log) return bn_log_end_offset(r->log);
    struct sim_log l;
    sim_logs_read(w, broker, t, index, &l);
    sim_logs_free(&l);
    return l.there ? l.end : -1;
}

/* ---- the open ones ---- */

struct sim_replica *sim_logs_replica(const struct sim_proc *p, const struct sim_topic *t, int32_t index) {
    BN_LIST_FOR (n, replicas()) {
        struct sim_replica *r = BN_CONTAINER_OF(n, struct sim_replica, link);
        if (r->proc == p && r->topic == t && r->index == index) return r;
    }
    return NULL;
}

struct sim_replica *sim_logs_of_log(const struct sim_proc *p, const struct bn_log *l) {
    BN_LIST_FOR (n, replicas()) {
        struct sim_replica *r = BN_CONTAINER_OF(n, struct sim_replica, link);
        if (r->proc == p && r->log == l) return r;
    }
    return NULL;
}

void sim_logs_opened(struct sim_proc *p, struct bn_partition *partition, struct bn_log *log) {
    struct sim_replica *r = bn_alloc_zero(1, sizeof *r);
    *r = (struct sim_replica){.proc = p,
                              .shard = sim_here->shard,
                              .partition = partition,
                              .log = log,
                              .topic = sim_observer_topic(sim_here->observer, &partition->key.topic_id),
                              .index = partition->key.index,
                              .high_watermark = -1,
                              .leader_epoch = -1};
    BN_ASSERT(r->topic);
    bn_list_init(&r->link);
    bn_list_push_back(replicas(), &r->link);
    sim_event(sim_here, "%s has opened %s-%d: offsets %d to %d", p->name, r->topic->name, r->index,
              (int)bn_log_start_offset(log), (int)bn_log_end_offset(log));
}

static void forget(struct sim_replica *r) {
    bn_list_remove(&r->link);
    bn_alloc_free(r);
}

void sim_logs_left(struct sim_proc *p, const struct bn_log *l) {
    BN_LIST_FOR (n, replicas()) {
        struct sim_replica *r = BN_CONTAINER_OF(n, struct sim_replica, link);
        if (r->proc == p && r->log == l) forget(r);
    }
}

void sim_logs_proc_gone(struct sim_proc *p) {
    BN_LIST_FOR (n, replicas()) {
        struct sim_replica *r = BN_CONTAINER_OF(n, struct sim_replica, link);
        if (r->proc == p) forget(r);
    }
}

static void look(struct sim_world *w, struct sim_replica *r) {
    const struct bn_partition *p = r->partition;
    bool leads = p->role == BN_PARTITION_LEADER;
    bool same = r->leads && leads && r->leader_epoch == p->leader_epoch;
    if (p->high_watermark == r->high_watermark && (same || !leads) && leads == r->leads) return;
    int64_t before = same ? r->high_watermark : -1;
    bool begins = leads && !same;
    r->high_watermark = p->high_watermark;
    r->leader_epoch = p->leader_epoch;
    r->leads = leads;
    if (begins) sim_invariant_led(w, r);
    if (leads) sim_invariant_hw_covered(w, r, before);
}

void sim_logs_look(struct sim_proc *p, const struct bn_shard *shard) {
    BN_LIST_FOR (n, replicas()) {
        struct sim_replica *r = BN_CONTAINER_OF(n, struct sim_replica, link);
        if (r->proc == p && r->shard == shard && r->log) look(sim_here, r);
    }
}
