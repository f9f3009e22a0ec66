/* append.c: a leader's append: validated batches get offsets in place, are tested against what their producers wrote
 * before, and go to the active segment in one write. Nothing of the log's state changes before that write has
 * succeeded; if it fails, the log has failed: what lies behind its end is found by no one until recovery. Where only
 * room was missing, on disk or for descriptors, it is taken back, and the next append may succeed. */
#include "broker/log/append.h"

#include "broker/log/log_int.h"
#include "broker/log/validate.h"
#include "common/base/check.h"
#include "proto/kafka/errors.h"

struct totals {
    int64_t next_offset; /* behind the last record */
    int64_t max_timestamp;
};

bool bn_append_next_batch(struct bn_slice *left, struct bn_batch *b) {
    if (left->len == 0) return false;
    if (bn_batch_peek(*left, b) != 0) BN_UNREACHABLE();
    *left = bn_slice_of(left->ptr + b->bytes.len, left->len - b->bytes.len);
    return true;
}

static void assign(const struct bn_log *l, const struct bn_log_append *a, const struct bn_validate_out *v,
                   struct totals *t) {
    struct bn_slice left = bn_slice_of(v->bytes, v->len);
    struct bn_batch b;
    t->next_offset = l->end_offset;
    t->max_timestamp = -1;
    while (bn_append_next_batch(&left, &b)) {
        bn_batch_assign((uint8_t *)(uintptr_t)b.bytes.ptr, t->next_offset, a->leader_epoch);
        t->next_offset += b.last_offset_delta + INT64_C(1);
        t->max_timestamp = bn_max_i64(t->max_timestamp, b.max_timestamp);
    }
}

/* False: a has its answer, an error or the offsets of the original. */
static bool check_producers(const struct bn_log *l, struct bn_log_append *a, const struct bn_validate_out *v) {
    struct bn_slice left = bn_slice_of(v->bytes, v->len);
    struct bn_batch b;
    while (bn_append_next_batch(&left, &b)) {
        if (b.producer_id < 0) continue;
        const struct bn_producer *p = bn_producer_get(&l->producers, b.producer_id);
        const struct bn_producer_batch *old = a->internal ? NULL : bn_producer_duplicate(p, &b);
        if (old) {
            a->duplicate = true;
            a->base_offset = old->last_offset - old->offset_delta;
            a->last_offset = old->last_offset;
            if (l->config.log_append_time) a->append_time_ms = old->timestamp;
            return false;
        }
        struct bn_producer_verdict verdict;
        if (!bn_producer_check(p, &b, a->internal, l->name, &verdict))
            return bn_validate_refuse(a, verdict.error, "%s", verdict.message);
    }
    return true;
}

bool bn_append_must_roll(struct bn_log *l, const struct bn_append_next *n, int64_t now_ms) {
    struct bn_segment *s = bn_log_active(l);
    int64_t size = s->size + (int64_t)n->ahead;
    if (size + (int64_t)n->len > l->config.segment_bytes && size > 0) return true;
    if (n->next_offset - 1 - s->base_offset > INT32_MAX) return true;
    if (size == 0) return false;
    int64_t first = n->ahead_timestamp;
    if (s->size > 0 && bn_segment_first_timestamp(s, &first) != 0) first = -1; /* the write will tell */
    bool by_record = first >= 0 && n->max_timestamp >= 0;
    int64_t waited = by_record ? n->max_timestamp - first : now_ms - s->created_ms;
    if (waited > bn_log_segment_ms(l) - l->roll_jitter_ms) return true;
    return bn_segment_index_full(s, l->config.segment_index_bytes);
}

int bn_append_write(struct bn_log *l, struct bn_slice batches) {
    struct bn_segment *s = bn_log_active(l);
    if (l->config.preallocate) bn_segment_preallocate(s, l->config.segment_bytes);
    int rc = bn_segment_write(s, batches.ptr, batches.len, l->config.segment_bytes);
    if (rc) return bn_log_trouble(l, rc, "append");
    struct bn_batch b;
    while (bn_append_next_batch(&batches, &b)) {
        /* A follower's first batch may begin below the log's start. */
        if (b.leader_epoch > bn_epochs_latest(&l->epochs))
            bn_log_note_epoch(l, b.leader_epoch, bn_max_i64(b.base_offset, l->start_offset));
        bn_logread_mark(l, s, b.base_offset, s->size, true);
        if (bn_segment_note(s, &b, l->config.index_interval_bytes) != 0) return bn_log_fail(l, "write an index");
        bn_producer_fold(&l->producers, &b);
        l->end_offset = bn_batch_next_offset(&b);
    }
    l->used = true;
    return 0;
}

void bn_append_run(struct bn_log *l, struct bn_log_append *a) {
    a->error = KE_NONE;
    a->message[0] = '\0';
    a->bad = NULL;
    a->bad_count = 0;
    a->duplicate = false;
    a->base_offset = a->last_offset = -1;
    a->append_time_ms = -1;
    if (l->failed) {
        bn_validate_refuse(a, KE_KAFKA_STORAGE_ERROR, "The log of %s is offline", l->name);
        return;
    }
    if (l->cutting) { /* whoever becomes leader waits for it first */
        bn_validate_refuse(a, KE_NOT_LEADER_OR_FOLLOWER, "The log of %s is being truncated", l->name);
        return;
    }
    struct bn_validate_out v;
    struct totals t;
    if (!bn_validate_append(l, a, &v)) goto out;
    assign(l, a, &v, &t);
    if ((int64_t)v.len > l->config.segment_bytes) {
        bn_validate_refuse(
            a, KE_RECORD_LIST_TOO_LARGE,
            "Message batch size is %zu bytes in append to partition %s, which exceeds the maximum configured "
            "segment size of %" PRId64 ".",
            v.len, l->name, l->config.segment_bytes);
        goto out;
    }
    if (!check_producers(l, a, &v)) goto out;
    const struct bn_append_next next = {.len = v.len, .next_offset = t.next_offset, .max_timestamp = t.max_timestamp};
    if ((bn_append_must_roll(l, &next, a->now_ms) && bn_log_roll(l, a->now_ms) != 0) ||
        bn_append_write(l, bn_slice_of(v.bytes, v.len)) != 0) {
        bn_validate_refuse(a, KE_KAFKA_STORAGE_ERROR, "The log of %s %s", l->name,
                           l->failed ? "is offline" : "finds no room");
        goto out;
    }
    a->base_offset = t.next_offset;
    a->last_offset = t.next_offset - 1;
    struct bn_slice first = bn_slice_of(v.bytes, v.len);
    struct bn_batch b;
    if (bn_append_next_batch(&first, &b)) a->base_offset = b.base_offset;
    if (l->config.log_append_time) a->append_time_ms = a->now_ms;
out:
    bn_validate_fini(&v);
}
