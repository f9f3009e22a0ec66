/* invariants_compact.c: the invariants of logs where compaction takes records away: what it may take, and what the
 * others still ask of a compacted topic. A record is known by its leader epoch and offset, as the observer has it from
 * its append; what is found of it anywhere must be that, byte for byte.
 *
 * A record may be gone when a later one has its key (below the high watermark, and older than min.compaction.lag.ms);
 * or when it, or a later one of its key, is a tombstone that has been there for delete.retention.ms. A follower that
 * was away for longer may then still have what it deleted: Kafka promises no more. Owns nothing. */
#include "broker/log/log_int.h"
#include "common/base/alloc.h"
#include "tests/sim/observer.h"

struct sim_newest {
    uint64_t key;
    int64_t offset;
};

static bool has(const struct sim_batch *b, int32_t i) { return i < SIM_RECORDS && b->kept >> i & 1; }

/* 3. The same offsets, producer and sequence; fewer records, but those as they were. Its tombstones stay for
 * delete.retention.ms at least. */
bool sim_invariant_is_rest(const struct sim_world *w, const struct sim_batch *own, const struct sim_batch *b) {
    uint64_t sum = 0;
    int64_t appended_ms = bn_clock_wall_ms(&w->clock) - (int64_t)(w->now_ms - own->appended_ms);
    if (b->next != own->next || b->producer_id != own->producer_id || b->producer_epoch != own->producer_epoch ||
        b->sequence != own->sequence || b->kept & ~own->kept)
        return false;
    for (int32_t i = 0; i < SIM_RECORDS; i++)
        if (has(b, i)) sum += own->records[i].digest;
    return sum == b->sum && (b->horizon < 0 || b->horizon >= appended_ms + w->delete_retention_ms);
}

/* ---- the newest of each key ---- */

static void find_newest(struct sim_log *l) {
    if (l->newest) return;
    l->newest = bn_alloc_zero(1, sizeof *l->newest);
    for (int32_t n = l->count - 1; n >= 0; n--) {
        const struct sim_batch *b = &l->batches[n];
        for (int32_t i = SIM_RECORDS - 1; b->kept && i >= 0; i--) {
            if (!has(b, i) || !b->records) continue;
            int32_t k = 0;
            while (k < l->newest_count && l->newest[k].key != b->records[i].key) k++;
            if (k < l->newest_count) continue;
            l->newest = bn_alloc_resize(l->newest, (size_t)(k + 1) * sizeof *l->newest);
            l->newest[l->newest_count++] = (struct sim_newest){b->records[i].key, b->base + i};
        }
    }
}

static int64_t newest(struct sim_log *l, uint64_t key) {
    find_newest(l);
    for (int32_t k = 0; k < l->newest_count; k++)
        if (l->newest[k].key == key) return l->newest[k].offset;
    return -1;
}

/* The log had a tombstone of the key there or above, and may have let it go. */
static bool was_deleted(const struct sim_world *w, const struct sim_partition *p, const struct sim_log *l, uint64_t key,
                        int64_t from) {
    for (int32_t i = p->tombstone_count - 1; i >= 0; i--) {
        const struct sim_tombstone *t = &p->tombstones[i];
        if (t->key == key && t->offset >= from && sim_logs_epoch_at(l, t->offset) == t->epoch &&
            w->now_ms >= t->appended_ms + (uint64_t)w->delete_retention_ms)
            return true;
    }
    return false;
}

/* 2. The last acknowledged value of each key is there, or a later one. */
bool sim_invariant_holds_keys(const struct sim_world *w, const struct sim_partition *p, struct sim_log *l,
                              const struct sim_ack *a) {
    const struct sim_batch *own = sim_observer_batch(p, a->epoch, a->base), *b = sim_logs_at(l, a->base);
    if (!own || sim_logs_epoch_at(l, a->base) != a->epoch) return false;
    for (int32_t i = 0; i < SIM_RECORDS; i++) {
        if (!has(own, i) || (b && has(b, i))) continue;
        uint64_t key = own->records[i].key;
        if (newest(l, key) < own->base + i && !was_deleted(w, p, l, key, own->base + i)) return false;
    }
    return true;
}

static bool was_read(const struct sim_partition *p, uint64_t key, int64_t from) {
    for (int32_t n = p->seen_count - 1; n >= 0 && p->seen[n].base + SIM_RECORDS > from; n--) {
        const struct sim_seen *b = &p->seen[n];
        const struct sim_batch *own = sim_observer_batch(p, b->epoch, b->base);
        for (int32_t i = 0; i < SIM_RECORDS; i++)
            if (b->kept >> i & 1 && b->base + i >= from && own->records[i].key == key) return true;
    }
    return false;
}

bool sim_invariant_read_keys(const struct sim_world *w, const struct sim_partition *p, const struct sim_ack *a,
                             const struct sim_log *leaders) {
    const struct sim_batch *own = sim_observer_batch(p, a->epoch, a->base);
    for (int32_t i = 0; own && i < SIM_RECORDS; i++) {
        if (!has(own, i)) continue;
        uint64_t key = own->records[i].key;
        if (!was_read(p, key, a->base + i) && !was_deleted(w, p, leaders, key, a->base + i)) return false;
    }
    return own != NULL;
}

static bool knows_newest(const struct sim_world *w, const struct sim_partition *p, struct sim_log *a,
                         struct sim_log *b) {
    find_newest(a);
    for (int32_t k = 0; k < a->newest_count; k++) {
        int64_t offset = newest(b, a->newest[k].key);
        if (offset < a->newest[k].offset && !was_deleted(w, p, b, a->newest[k].key, offset)) return false;
    }
    return true;
}

bool sim_invariant_same_keys(const struct sim_world *w, const struct sim_partition *p, struct sim_log *a,
                             struct sim_log *b) {
    return knows_newest(w, p, a, b) && knows_newest(w, p, b, a);
}

static int64_t remembered(const struct sim_replica *r, int64_t producer_id) {
    const struct bn_producer *p = bn_producer_get(&r->log->producers, producer_id);
    return p && p->count ? p->batches[p->count - 1].last_offset : -1;
}

/* Is it of the log's history, and after `next`? */
static bool comes_later(const struct sim_log *l, const struct sim_batch *b, int32_t epoch, int64_t next) {
    return b->next > next && sim_logs_epoch_at(l, b->base) == epoch;
}

void sim_invariant_folds_all(struct sim_world *w, const struct sim_replica *r, const struct sim_log *l) {
    const struct sim_partition *p = &r->topic->partitions[r->index];
    for (int32_t e = 0; e < p->epoch_count; e++)
        for (int32_t n = 0; n < p->epochs[e].count; n++) {
            const struct sim_batch *b = &p->epochs[e].batches[n];
            if (b->producer_id < 0 || !comes_later(l, b, e, remembered(r, b->producer_id) + 1)) continue;
            sim_violated(w, "ProducerFold", "%s-%d: %s remembers offset %d of producer %d, whose batch %d was at %d",
                         r->topic->name, r->index, r->proc->name, (int)remembered(r, b->producer_id),
                         (int)b->producer_id, (int)b->id, (int)b->base);
        }
}

/* ---- a cleaning ---- */

static BN_NORETURN void wrong(struct sim_world *w, const struct sim_replica *r, const char *what, int64_t offset) {
    sim_violated(
        w, "Compacted", "%s-%d: %s cleans %s at offset %d; the high watermark has been at %d, the log ends at %d",
        r->topic->name, r->index, r->proc->name, what, (int)offset, (int)r->committed, (int)bn_log_end_offset(r->log));
}

/* Has the key a later record in this log that counts already? */
static bool is_superseded(struct sim_world *w, const struct sim_replica *r, const struct sim_log *l, uint64_t key,
                          int64_t offset) {
    int64_t settled_ms = bn_clock_wall_ms(&w->clock) - w->compaction_lag_ms;
    for (int32_t n = l->count - 1; n >= 0 && l->batches[n].next > offset; n--) {
        const struct sim_batch *b = &l->batches[n];
        for (int32_t i = 0; i < SIM_RECORDS; i++) {
            bool later = has(b, i) && b->base + i > offset && b->base + i < r->committed;
            if (later && b->records[i].key == key && b->records[i].timestamp <= settled_ms) return true;
        }
    }
    return false;
}

static bool is_left(const struct sim_log *l, uint64_t key, int64_t below) {
    for (int32_t n = 0; n < l->count && l->batches[n].base < below; n++)
        for (int32_t i = 0; i < SIM_RECORDS && l->batches[n].base + i < below; i++)
            if (has(&l->batches[n], i) && l->batches[n].records[i].key == key) return true;
    return false;
}

static void record_goes(struct sim_world *w, const struct sim_replica *r, const struct sim_batch *b, int32_t i,
                        const struct sim_log *before, const struct sim_log *after) {
    uint64_t key = b->records[i].key;
    if (is_superseded(w, r, before, key, b->base + i)) return;
    if (!b->records[i].tombstone) wrong(w, r, "the newest value of a key away,", b->base + i);
    if (b->horizon < 0 || b->horizon > bn_clock_wall_ms(&w->clock))
        wrong(w, r, "a tombstone away too early,", b->base + i);
    if (is_left(after, key, b->base + i)) wrong(w, r, "a tombstone away, and leaves what it deletes,", b->base + i);
}

/* It has to stay, if only its header: for its place, its epoch, or its producer's sequence. */
static bool must_stay(const struct sim_replica *r, const struct sim_log *l, int32_t n) {
    const struct sim_batch *b = &l->batches[n];
    bool last = b->producer_id >= 0 && remembered(r, b->producer_id) == b->next - 1;
    return n == 0 || n + 1 == l->count || l->batches[n - 1].epoch != b->epoch || last;
}

void sim_invariant_cleaned(struct sim_world *w, const struct sim_replica *r, const struct sim_log *before,
                           const struct sim_log *after) {
    int32_t k = 0;
    sim_event(w, "%s has cleaned %s-%d: %d batches are left of %d", r->proc->name, r->topic->name, r->index,
              after->count, before->count);
    for (int32_t n = 0; n < before->count; n++) {
        const struct sim_batch *b = &before->batches[n], *left = &after->batches[k];
        if (k == after->count || left->base != b->base) left = NULL;
        k += left != NULL;
        bool same = left && left->epoch == b->epoch && left->next == b->next;
        if (left && !same) wrong(w, r, "a batch into another one,", b->base);
        if (left && left->crc == b->crc) continue;
        if (left) sim_invariant_epoch_offset_unique(w, r->topic, r->index, left, "a cleaned segment");
        if (b->next > r->committed) wrong(w, r, "what is not committed,", b->base);
        if (!left && must_stay(r, before, n)) wrong(w, r, "a batch away that has to stay,", b->base);
        for (int32_t i = 0; i < SIM_RECORDS; i++)
            if (has(b, i) && !(left && has(left, i))) record_goes(w, r, b, i, before, after);
    }
    if (k != after->count || after->end != before->end) wrong(w, r, "a log into another one,", after->end);
}
