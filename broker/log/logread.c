/* logread.c: turns "from this offset, so many bytes, below that offset" into file ranges. Reads headers only, and no
 * more of them than lie between two index entries; ranges end at batch borders. It owns the marks: known starts of
 * batches, which save both look-ups for whoever reads on where it stopped or follows the tail. */
#include "broker/log/logread.h"

#include "broker/log/log_int.h"
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/trace.h"

void bn_logread_mark(struct bn_log *l, const struct bn_segment *s, int64_t offset, int64_t position, bool tail) {
    if (!l->marks) {
        l->marks = bn_alloc(sizeof *l->marks);
        bn_logread_forget(l);
    }
    struct bn_logread_marks *m = l->marks;
    struct bn_logread_mark *at = tail ? &m->tail[m->tail_next++ % BN_LOGREAD_TAIL]
                                      : &m->read[m->read_next++ % BN_LOGREAD_READ];
    *at = (struct bn_logread_mark){offset, s->base_offset, position};
}

void bn_logread_forget(struct bn_log *l) {
    if (!l->marks) return;
    memset(l->marks, 0, sizeof *l->marks);
    for (int i = 0; i < BN_LOGREAD_TAIL; i++) l->marks->tail[i].offset = -1;
    for (int i = 0; i < BN_LOGREAD_READ; i++) l->marks->read[i].offset = -1;
}

static void better(const struct bn_logread_mark *m, const struct bn_segment *s, int64_t offset,
                   const struct bn_logread_mark **best) {
    if (m->offset < 0 || m->offset > offset || m->segment_base != s->base_offset || m->position > s->size) return;
    if (!*best || m->offset > (*best)->offset) *best = m;
}

/* The mark in s nearest below or at offset, or NULL. */
static const struct bn_logread_mark *nearest(const struct bn_log *l, const struct bn_segment *s, int64_t offset) {
    const struct bn_logread_mark *best = NULL;
    if (!l->marks) return NULL;
    for (int i = 0; i < BN_LOGREAD_TAIL; i++) better(&l->marks->tail[i], s, offset, &best);
    for (int i = 0; i < BN_LOGREAD_READ; i++) better(&l->marks->read[i], s, offset, &best);
    return best;
}

/* The position in s of the first batch that ends at or above offset, and where that batch starts. */
static int locate(struct bn_log *l, struct bn_segment *s, int64_t offset, int64_t *position, int64_t *base_offset) {
    const struct bn_logread_mark *m = nearest(l, s, offset);
    if (m && m->offset == offset && m->position < s->size) {
        *position = m->position;
        *base_offset = offset;
        return 1;
    }
    struct bn_segment_spot spot;
    int rc = bn_segment_seek(s, offset, m && m->position < s->size ? m->position : 0, &spot);
    if (rc == 1) {
        *position = spot.position;
        *base_offset = spot.batch.base_offset;
    }
    return rc;
}

/* Cuts [start, *end) to what the budget allows, at a batch border. */
static int fit(struct bn_log *l, struct bn_segment *s, int64_t start, int64_t *end, const struct bn_log_range *w) {
    int64_t budget = w->max_bytes > w->bytes ? (int64_t)bn_min_size(w->max_bytes - w->bytes, INT32_MAX) : 0;
    if (*end - start <= budget) return 0;
    struct bn_segment_spot spot;
    int rc = bn_segment_cut(s, start + budget, start, &spot);
    if (rc < 0) return rc;
    *end = spot.position;
    if (*end > start) {
        bn_logread_mark(l, s, spot.batch.base_offset, *end, false);
    } else if (w->whole_first && w->bytes == 0) {
        *end = start + bn_scan_size(&spot.batch);
        bn_logread_mark(l, s, bn_batch_next_offset(&spot.batch), *end, false);
    }
    return 0;
}

/* One segment's share. 1 = go on with the next segment. */
static int take(struct bn_log *l, uint32_t i, struct bn_log_range *w, int64_t upper, struct bn_chain *out) {
    struct bn_segment *s = l->segments[i];
    if (s->size == 0) return 1;
    int64_t start = 0, base = 0, end = s->size, ignored;
    if (w->bytes == 0) {
        int rc = locate(l, s, w->offset, &start, &base);
        if (rc <= 0) return rc ? rc : 1;
        w->first_offset = base;
        if (base >= upper) return 0;
    }
    int64_t segment_end = bn_log_segment_end(l, i);
    if (upper < segment_end) {
        int rc = locate(l, s, upper, &end, &ignored);
        if (rc < 0) return rc;
        if (rc == 0) end = s->size;
    }
    if (end <= start) return 0;
    int64_t whole = end;
    int rc = fit(l, s, start, &end, w);
    if (rc < 0) return rc;
    if (end > whole) end = whole; /* never past upper, not even for a first batch */
    if (end == start) return 0;
    if (end == whole) bn_logread_mark(l, s, bn_min_i64(upper, segment_end), end, false);
    struct bn_file *f;
    if (bn_segment_file(s, &f) != 0) return BN_IO;
    bn_chain_append_file(out, &f->base, start, (size_t)(end - start));
    w->bytes += (size_t)(end - start);
    return end == s->size && segment_end < upper && w->bytes < w->max_bytes;
}

int bn_logread_range(struct bn_log *l, struct bn_log_range *w, struct bn_chain *out) {
    w->bytes = 0;
    w->first_offset = -1;
    if (w->offset < l->start_offset || w->offset > l->end_offset) return BN_NOTFOUND;
    int64_t upper = bn_min_i64(w->upper_offset, l->end_offset);
    if (w->offset >= upper || (w->max_bytes == 0 && !w->whole_first)) return 0;
    l->used = true;
    int rc = 1;
    for (uint32_t i = bn_log_segment_of(l, w->offset); rc == 1 && i < l->segment_count; i++)
        rc = take(l, i, w, upper, out);
    if (rc >= 0) return 0;
    BN_ERROR("log", "[Log partition=%s] cannot read at offset %" PRId64 ": %s", l->name, w->offset, bn_err_text(rc));
    return w->bytes ? 0 : BN_IO;
}
