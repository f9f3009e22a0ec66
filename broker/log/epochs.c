/* epochs.c: the table of leader epochs of one log, in memory; its text is Kafka's checkpoint format. It grows by one
 * entry per election, so it is a plain array searched from the end. It neither reads nor writes files. */
#include "broker/log/epochs.h"

#include "broker/log/checkpoint.h"
#include "common/base/alloc.h"

void bn_epochs_init(struct bn_epochs *t) { *t = (struct bn_epochs){NULL, 0, 0}; }

void bn_epochs_fini(struct bn_epochs *t) {
    bn_alloc_free(t->entries);
    bn_epochs_init(t);
}

bool bn_epochs_assign(struct bn_epochs *t, int32_t epoch, int64_t start_offset) {
    if (epoch < 0 || start_offset < 0) return false;
    if (t->count) {
        const struct bn_epochs_entry *last = &t->entries[t->count - 1];
        if (last->epoch == epoch && last->start_offset <= start_offset) return false;
    }
    /* What contradicts the newest knowledge goes. */
    while (t->count &&
           (t->entries[t->count - 1].epoch >= epoch || t->entries[t->count - 1].start_offset >= start_offset))
        t->count--;
    if (t->count == t->capacity) {
        t->capacity = t->capacity ? t->capacity * 2 : 4;
        t->entries = bn_alloc_resize(t->entries, t->capacity * sizeof *t->entries);
    }
    t->entries[t->count++] = (struct bn_epochs_entry){start_offset, epoch};
    return true;
}

bool bn_epochs_truncate_end(struct bn_epochs *t, int64_t end_offset) {
    uint32_t before = t->count;
    while (t->count && t->entries[t->count - 1].start_offset >= end_offset) t->count--;
    return t->count != before;
}

bool bn_epochs_truncate_start(struct bn_epochs *t, int64_t start_offset) {
    uint32_t covering = 0; /* the last entry that starts at or below */
    if (t->count == 0 || t->entries[0].start_offset >= start_offset) return false;
    while (covering + 1 < t->count && t->entries[covering + 1].start_offset <= start_offset) covering++;
    memmove(t->entries, t->entries + covering, (t->count - covering) * sizeof *t->entries);
    t->count -= covering;
    t->entries[0].start_offset = start_offset;
    return true;
}

int32_t bn_epochs_latest(const struct bn_epochs *t) { return t->count ? t->entries[t->count - 1].epoch : -1; }

int32_t bn_epochs_of(const struct bn_epochs *t, int64_t offset) {
    for (uint32_t i = t->count; i-- > 0;)
        if (t->entries[i].start_offset <= offset) return t->entries[i].epoch;
    return -1;
}

void bn_epochs_end_of(const struct bn_epochs *t, int32_t epoch, int64_t log_end, int32_t *found, int64_t *end_offset) {
    *found = -1;
    *end_offset = -1;
    if (epoch < 0 || t->count == 0 || epoch > bn_epochs_latest(t)) return;
    if (epoch == bn_epochs_latest(t)) {
        *found = epoch;
        *end_offset = log_end;
        return;
    }
    uint32_t next = 0; /* the first entry of a higher epoch: there is one */
    while (t->entries[next].epoch <= epoch) next++;
    *found = next ? t->entries[next - 1].epoch : epoch;
    *end_offset = t->entries[next].start_offset;
}

void bn_epochs_format(const struct bn_epochs *t, struct bn_str *out) {
    bn_str_addf(out, "0\n%u\n", t->count);
    for (uint32_t i = 0; i < t->count; i++)
        bn_str_addf(out, "%" PRId32 " %" PRId64 "\n", t->entries[i].epoch, t->entries[i].start_offset);
}

static int parse_line(void *arg, struct bn_slice *words, int count) {
    struct bn_epochs *t = arg;
    int64_t epoch, start;
    if (count != 2 || !bn_slice_to_i64(words[0], &epoch) || !bn_slice_to_i64(words[1], &start)) return BN_BAD;
    if (epoch < 0 || epoch > INT32_MAX || start < 0) return BN_BAD;
    bn_epochs_assign(t, (int32_t)epoch, start);
    return 0;
}

int bn_epochs_parse(struct bn_epochs *t, struct bn_slice text, struct bn_err *e) {
    t->count = 0;
    int rc = bn_checkpoint_parse(text, parse_line, t, e);
    if (rc) t->count = 0;
    return rc;
}
