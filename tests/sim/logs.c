/* logs.c: reads logs off the brokers' disks without the product's help, batch by batch, and knows which partitions of
 * running brokers are open. A log of a running broker ends where that broker says: its files may hold more for a while
 * (a truncation reaches them late). */
#include "tests/sim/logs.h"

#include "broker/log/log_int.h"
#include "broker/log/topicid.h"
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "proto/kafka/batch.h"
#include "tests/sim/observer.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static struct bn_list *replicas(void) {
    static struct bn_list all;
    if (!all.next) bn_list_init(&all);
    return &all;
}

/* ---- bytes ---- */

static uint64_t hash(struct bn_slice s, uint64_t seed) {
    return XXH3_64bits_withSeed(s.ptr, s.len, seed + bn_slice_is_null(s));
}

static struct sim_record summary(const struct bn_batch *b, const struct bn_record *r) {
    int64_t place[2] = {r->offset - b->base_offset, r->timestamp};
    uint64_t digest = hash(bn_slice_of(place, sizeof place), (uint64_t)r->header_count);
    return (struct sim_record){hash(r->key, 1), hash(r->headers, hash(r->value, hash(r->key, digest))), r->timestamp,
                               bn_slice_is_null(r->value)};
}

/* A batch's name is in each of its records: the value, or that of a tombstone's header. */
static int64_t name_of(const struct bn_record *r) {
    struct bn_slice left = r->headers, key, value = r->value;
    if (bn_slice_is_null(value) && (r->header_count != 1 || bn_batch_next_header(&left, &key, &value) != BN_OK))
        return -1;
    return value.len == 8 ? (int64_t)bn_get_u64(value.ptr) : -1;
}

/* What its records say; with keys: of all of them, else of the first. */
static void look_inside(const struct bn_batch *b, struct sim_batch *out) {
    struct bn_batch_iter it;
    struct bn_record r;
    bool first = true;
    int rc = bn_batch_iter_init(&it, b, 1 << 16);
    while (rc == BN_OK && bn_batch_iter_next(&it, &r) == 1) {
        if (first) out->id = name_of(&r);
        if (bn_slice_is_null(r.key)) break;
        first = false;
        BN_ASSERT(r.offset >= b->base_offset && r.offset < b->base_offset + SIM_RECORDS);
        out->kept |= 1u << (r.offset - b->base_offset);
        out->sum += summary(b, &r).digest;
    }
    bn_batch_iter_fini(&it);
}

const struct sim_record *sim_logs_records(struct bn_slice bytes) {
    struct bn_batch b;
    struct bn_batch_iter it;
    struct bn_record r;
    struct sim_record *list = NULL;
    if (bn_batch_peek(bytes, &b) != BN_OK) return NULL;
    int rc = bn_batch_iter_init(&it, &b, 1 << 16);
    while (rc == BN_OK && bn_batch_iter_next(&it, &r) == 1 && !bn_slice_is_null(r.key)) {
        if (!list) list = bn_alloc_zero(SIM_RECORDS, sizeof *list);
        list[r.offset - b.base_offset] = summary(&b, &r);
    }
    bn_batch_iter_fini(&it);
    return list;
}

bool sim_logs_batch(struct bn_slice bytes, struct sim_batch *out) {
    struct bn_batch b;
    if (bn_batch_peek(bytes, &b) != BN_OK || !bn_batch_crc_ok(&b)) return false;
    *out = (struct sim_batch){.base = b.base_offset,
                              .next = bn_batch_next_offset(&b),
                              .id = -1,
                              .producer_id = b.producer_id,
                              .epoch = b.leader_epoch,
                              .sequence = b.base_sequence,
                              .length = BN_BATCH_OVERHEAD + b.length,
                              .producer_epoch = b.producer_epoch,
                              .crc = b.crc,
                              .horizon = b.attributes & BN_BATCH_DELETE_HORIZON ? b.base_timestamp : -1};
    look_inside(&b, out);
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

static bool ends_with(const char *name, const char *suffix) {
    size_t n = strlen(name), m = strlen(suffix);
    return n >= m && strcmp(name + n - m, suffix) == 0;
}

/* Whether the files of a cleaning that was killed, or that its disk ended, count: all are whole once none is .cleaned
 * any more. */
static bool swaps_count(const struct bn_disk_entry *list, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (ends_with(list[i].name, ".cleaned")) return false;
    return true;
}

/* Is it the .log of a segment, or the .log.swap of one that is not open? The latter replaces all that begins in it. */
static bool is_segment(const struct bn_disk_entry *list, size_t count, size_t i, bool swaps) {
    const char *name = list[i].name;
    if (strlen(name) == 29 && strcmp(name + 20, ".log.swap") == 0) return swaps;
    if (strlen(name) != 24 || strcmp(name + 20, ".log") != 0) return false;
    for (size_t k = i + 1; swaps && k < count && strncmp(list[k].name, name, 20) == 0; k++)
        if (strcmp(list[k].name + 20, ".log.swap") == 0) return false;
    return true;
}

static void read_dir(const struct bn_disk *d, const struct sim_topic *t, int32_t index, bool open,
                     struct sim_log *out) {
    char dir[64], path[400];
    struct bn_disk_entry *list = NULL;
    struct bn_uuid id;
    size_t count = 0;
    snprintf(dir, sizeof dir, "/data/%s-%d", t->name, index);
    struct bn_index_place place = {.disk = d, .dir = dir};
    if (bn_topicid_read(&place, &id, NULL) != 0 || !bn_uuid_eq(&id, &t->id)) return;
    if (d->list(d, dir, &list, &count, NULL) != 0) return;
    out->there = true;
    bool whole = true, swaps = !open && t->compacted && swaps_count(list, count);
    for (size_t i = 0; i < count && whole; i++) {
        int64_t base = 0;
        if (!is_segment(list, count, i, swaps) || !bn_slice_to_i64(bn_slice_of(list[i].name, 20), &base)) continue;
        if (out->count == 0) out->start = out->end = base;
        if (swaps && base < out->end) continue;
        if (base != out->end) break;
        snprintf(path, sizeof path, "%s/%s", dir, list[i].name);
        whole = read_segment(d, path, out);
    }
    bn_alloc_free(list);
}

/* A batch may have lost its name, and records, to a cleaning: the observer knows what it was. */
static void remember(const struct sim_topic *t, int32_t index, struct sim_log *out) {
    for (int32_t i = 0; i < out->count; i++) {
        struct sim_batch *b = &out->batches[i];
        const struct sim_batch *own = sim_observer_batch(&t->partitions[index], b->epoch, b->base);
        if (!own) continue;
        b->id = own->id;
        b->records = own->records;
        b->appended_ms = own->appended_ms;
    }
}

void sim_logs_read(struct sim_world *w, int broker, const struct sim_topic *t, int32_t index, struct sim_log *out) {
    *out = (struct sim_log){0};
    const struct sim_replica *r = w->brokers[broker] ? sim_logs_replica(w->brokers[broker], t, index) : NULL;
    bool open = r && r->log && !bn_log_failed(r->log); /* one that failed waits for its recovery, like a killed one's */
    read_dir(bn_memdisk_disk(sim_disk_memory(w->disks[broker])), t, index, open, out);
    if (t->compacted) remember(t, index, out);
    if (!r || !r->log) return;
    int64_t end = bn_log_end_offset(r->log), start = bn_log_start_offset(r->log);
    while (out->count && out->batches[out->count - 1].next > end) out->count--;
    int32_t skip = 0;
    while (skip < out->count && out->batches[skip].base < start) skip++;
    if (skip) memmove(out->batches, out->batches + skip, (size_t)(out->count -= skip) * sizeof *out->batches);
    out->start = start;
    out->end = end;
}

void sim_logs_free(struct sim_log *l) {
    bn_alloc_free(l->batches);
    bn_alloc_free(l->newest);
}

/* The first batch at or above. */
static int32_t lower_bound(const struct sim_log *l, int64_t base) {
    int32_t low = 0, high = l->count;
    while (low < high) {
        int32_t mid = low + (high - low) / 2;
        if (l->batches[mid].base < base)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* The first batch of each epoch stays, whatever is cleaned: an epoch holds until the next one's. */
int32_t sim_logs_epoch_at(const struct sim_log *l, int64_t offset) {
    int32_t at = lower_bound(l, offset + 1) - 1;
    return at >= 0 && offset < l->end ? l->batches[at].epoch : -1;
}

const struct sim_batch *sim_logs_at(const struct sim_log *l, int64_t base) {
    int32_t low = lower_bound(l, base);
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

struct sim_replica *sim_logs_of_dir(const struct sim_proc *p, const char *dir) {
    BN_LIST_FOR (n, replicas()) {
        struct sim_replica *r = BN_CONTAINER_OF(n, struct sim_replica, link);
        if (r->proc == p && r->log && strcmp(r->log->place.dir, dir) == 0) return r;
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
    r->topic->partitions[r->index].synced[r->proc->index] = r->log->recovery_point;
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
    r->committed = bn_max_i64(bn_min_i64(r->committed, bn_log_end_offset(r->log)), p->high_watermark);
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
