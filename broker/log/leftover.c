/* leftover.c: brings a partition's directory back to plain segments before they are opened. A compaction writes
 * .cleaned files, renames them to .swap when they are whole, removes what they replace, and renames them to their final
 * names; wherever it stopped, this finishes it (a whole .swap) or undoes it (any .cleaned). Nothing else is touched. */
#include "broker/log/leftover.h"

#include "broker/log/recover.h"
#include "broker/log/scan.h"
#include "common/base/alloc.h"
#include "common/base/slice.h"

static bool ends_with(const char *name, const char *suffix) {
    size_t n = strlen(name), m = strlen(suffix);
    return n > m && strcmp(name + n - m, suffix) == 0;
}

/* The 20 digits at the front of any segment file's name; -1 when it is none. */
static int64_t base_of(const char *name) {
    int64_t base;
    const char *dot = strchr(name, '.');
    return dot && bn_recover_parse_name(name, dot, &base) ? base : -1;
}

static int remove_file(const struct bn_index_place *place, const char *name, struct bn_err *e) {
    char *path = bn_alloc_printf("%s/%s", place->dir, name);
    int rc = place->disk->unlink(place->disk, path, e);
    bn_alloc_free(path);
    return rc == BN_NOTFOUND ? 0 : rc;
}

/* Where the batches of a swap file end. */
static int next_offset_of(const struct bn_index_place *place, const char *name, int64_t base, int64_t *next,
                          struct bn_err *e) {
    char *path = bn_alloc_printf("%s/%s", place->dir, name);
    struct bn_file *f;
    int64_t size = 0;
    int rc = place->disk->open(place->disk, path, BN_DISK_READ, &f, e);
    bn_alloc_free(path);
    if (rc) return rc;
    rc = place->disk->size(f, &size, e);
    uint8_t window[4096];
    struct bn_scan scan;
    struct bn_batch b;
    bn_scan_init(&scan, f, 0, size, bn_slice_of(window, sizeof window));
    *next = base + 1;
    while (rc == 0 && bn_scan_next(&scan, &b) == 1) *next = bn_batch_next_offset(&b);
    bn_file_unref(f);
    return rc;
}

struct swaps {
    int64_t cleaned_from;       /* smallest base of a .cleaned file */
    int64_t first, next, count; /* what the whole .swap files cover */
};

/* Swap files that are not whole go before the .cleaned ones, which say so: we may be killed in between. */
static int undo(const struct bn_index_place *place, const struct bn_disk_entry *list, size_t n, int64_t cleaned_from,
                struct bn_err *e) {
    bool any = false;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (!ends_with(list[i].name, ".swap") || base_of(list[i].name) < cleaned_from) continue;
        any = true;
        rc = remove_file(place, list[i].name, e);
    }
    return rc == 0 && any ? place->disk->sync_dir(place->disk, place->dir, e) : rc;
}

/* First pass: .deleted and .cleaned go; the swap files that stay are measured. */
static int first_pass(const struct bn_index_place *place, const struct bn_disk_entry *list, size_t n, struct swaps *s,
                      struct bn_err *e) {
    for (size_t i = 0; i < n; i++)
        if (ends_with(list[i].name, ".cleaned") && base_of(list[i].name) >= 0)
            s->cleaned_from = bn_min_i64(s->cleaned_from, base_of(list[i].name));
    int rc = undo(place, list, n, s->cleaned_from, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        const char *name = list[i].name;
        int64_t base = base_of(name);
        if (base < 0) continue;
        bool swap = ends_with(name, ".swap") && base < s->cleaned_from;
        if (ends_with(name, ".deleted") || ends_with(name, ".cleaned")) {
            rc = remove_file(place, name, e);
        } else if (swap && !ends_with(name, ".log.swap")) {
            s->count++; /* of one whose .log has its name already */
        } else if (swap) {
            int64_t next;
            rc = next_offset_of(place, name, base, &next, e);
            s->first = bn_min_i64(s->first, base);
            s->next = bn_max_i64(s->next, next);
            s->count++;
        }
    }
    return rc;
}

/* Second pass: what the swap files replace goes, then they get their names. */
static int second_pass(const struct bn_index_place *place, const struct bn_disk_entry *list, size_t n,
                       const struct swaps *s, struct bn_err *e) {
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        const char *name = list[i].name;
        int64_t base = base_of(name);
        bool segment = ends_with(name, ".log") || ends_with(name, "index");
        if (segment && base >= s->first && base < s->next) rc = remove_file(place, name, e);
    }
    for (size_t i = 0; rc == 0 && i < n; i++) {
        const char *name = list[i].name;
        if (!ends_with(name, ".swap") || base_of(name) < 0 || base_of(name) >= s->cleaned_from) continue;
        char *from = bn_alloc_printf("%s/%s", place->dir, name);
        char *to = bn_alloc_strndup(from, strlen(from) - strlen(".swap"));
        rc = place->disk->rename(place->disk, from, to, e);
        bn_alloc_free(from);
        bn_alloc_free(to);
    }
    return rc ? rc : place->disk->sync_dir(place->disk, place->dir, e);
}

int bn_leftover_clean(const struct bn_index_place *place, struct bn_err *e) {
    struct bn_disk_entry *list = NULL;
    size_t n = 0;
    int rc = place->disk->list(place->disk, place->dir, &list, &n, e);
    if (rc) return rc;
    struct swaps s = {.cleaned_from = INT64_MAX, .first = INT64_MAX, .next = -1};
    rc = first_pass(place, list, n, &s, e);
    if (rc == 0 && s.count > 0) rc = second_pass(place, list, n, &s, e);
    bn_alloc_free(list);
    return rc;
}
