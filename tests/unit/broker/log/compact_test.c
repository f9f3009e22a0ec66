/* compact_test.c: whatever is written and whenever it is cleaned, a reader finds the last value of each key, at the
 * offset it always had, and a power cut at any call of the disk leaves either the old segments or the new ones. */
#include "broker/log/compact.h"

#include <limits.h>
#include <stdio.h>

#include "tests/unit/broker/log/world.h"
#include "tests/unit/unit.h"

enum { KEYS = 12, RECORDS_MAX = 6000, PRODUCERS = 3, HORIZON_MS = 500 };

struct written { /* what the model knows of one record */
    int key;     /* -1: no key */
    int64_t timestamp;
    bool tombstone;
    char value[24];
    int64_t seen_ms; /* a tombstone: when a cleaning first left it standing; -1 = not yet */
};

struct life {
    struct world w;
    uint64_t seed;
    int32_t sequence[PRODUCERS];
    struct written *written; /* by offset */
    int64_t checkpoint;      /* recovery point on disk */
    int64_t cleaned;         /* the cleaner's checkpoint */
    int ends, status;
    int64_t tombstone_left_ms;
};

static uint32_t draw(struct life *f, uint32_t below) {
    f->seed = f->seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(f->seed >> 33) % below;
}

static void life_init(struct life *f, uint64_t seed) {
    *f = (struct life){.seed = seed};
    world_init(&f->w);
    f->written = bn_alloc_zero(RECORDS_MAX, sizeof *f->written);
    struct bn_log_config *c = &f->w.open.config;
    c->segment_bytes = 1500;
    c->index_interval_bytes = 200;
    c->compact = true;
    c->delete = false;
    c->delete_retention_ms = HORIZON_MS;
    c->dirty_ratio_min = 0;
    world_open(&f->w, false, 0);
}

static void life_fini(struct life *f) {
    bn_alloc_free(f->written);
    world_fini(&f->w);
}

static int codec_of(struct life *f) {
    static const int codecs[] = {BN_CODEC_NONE, BN_CODEC_NONE, BN_CODEC_LZ4,
                                 BN_CODEC_ZSTD, BN_CODEC_GZIP, BN_CODEC_SNAPPY};
    return codecs[draw(f, BN_ARRAY_LEN(codecs))];
}

/* One batch of random keys; false when the disk has failed. */
static bool produce(struct life *f, int32_t epoch) {
    struct bn_batch_builder b;
    struct bn_str bytes;
    int count = 1 + (int)draw(f, 6);
    int64_t base = bn_log_end_offset(f->w.log);
    uint32_t who = draw(f, PRODUCERS + 1);
    bn_str_init(&bytes);
    bn_batch_builder_init(&b);
    if (who < PRODUCERS) {
        b.producer_id = 100 + who;
        b.producer_epoch = 0;
        b.base_sequence = f->sequence[who];
    }
    ck_assert_int_lt(base + count, RECORDS_MAX);
    for (int i = 0; i < count; i++) {
        struct written *r = &f->written[base + i];
        char key[16];
        int n = snprintf(key, sizeof key, "k%d", r->key = (int)draw(f, KEYS));
        *r = (struct written){.key = r->key, .timestamp = f->w.now_ms + (int64_t)draw(f, 50), .seen_ms = -1};
        r->tombstone = draw(f, 5) == 0;
        snprintf(r->value, sizeof r->value, "v%" PRId64, base + i);
        struct bn_slice value = r->tombstone ? BN_SLICE_NULL : bn_slice_str(r->value);
        bn_batch_builder_add(&b, i, r->timestamp, bn_slice_of(key, (size_t)n), value, 0, BN_SLICE_NULL);
    }
    ck_assert_int_eq(bn_batch_builder_finish(&b, codec_of(f), 1, &bytes), 0);
    bn_batch_builder_fini(&b);
    struct bn_log_append a = world_append_bytes(&f->w, &bytes, epoch, false, false);
    bn_str_fini(&bytes);
    if (a.error == KE_KAFKA_STORAGE_ERROR) return false;
    ck_assert_msg(a.error == KE_NONE, "%d %s", a.error, a.message);
    if (who < PRODUCERS) f->sequence[who] += count;
    return true;
}

static void flush(struct life *f) {
    bn_log_flush(f->w.log, NULL, NULL, NULL, NULL);
    f->checkpoint = bn_log_recovery_point(f->w.log);
}

static void ended(struct bn_log_compaction *c, int status) {
    struct life *f = c->arg;
    f->ends++;
    f->status = status;
}

static struct bn_log_compaction clean(struct life *f, size_t map_bytes, int64_t high_watermark) {
    struct bn_log_compaction c = {
        .high_watermark = high_watermark,
        .now_ms = f->w.now_ms,
        .map_bytes = map_bytes,
        .map_load = 0.9,
        .done = ended,
        .arg = f,
    };
    int before = f->ends;
    bn_log_compact(f->w.log, &c);
    ck_assert_int_eq(f->ends, before + 1);
    ck_assert(!bn_log_compacting(f->w.log));
    return c;
}

static struct bn_slice read_all(struct life *f, struct bn_str *out) {
    bn_str_clear(out);
    ck_assert_int_eq(world_read(&f->w, 0, INT64_MAX, SIZE_MAX, true, out), 0);
    return bn_str_slice(out);
}

/* Every record that the log still has is the one that was written there; marks found[]. Batches ascend, and end where
 * the log ends. */
static int64_t collect(struct life *f, bool *found) {
    struct bn_str all;
    struct bn_batch b;
    int64_t next = 0, horizonless = 0;
    bn_str_init(&all);
    for (struct bn_slice left = read_all(f, &all); left.len;
         left = bn_slice_of(left.ptr + b.bytes.len, left.len - b.bytes.len)) {
        struct bn_batch_iter it;
        struct bn_record r;
        int64_t newest = -1;
        int rc;
        ck_assert_int_eq(bn_batch_peek(left, &b), 0);
        ck_assert(bn_batch_crc_ok(&b));
        ck_assert_int_ge(b.base_offset, next);
        next = bn_batch_next_offset(&b);
        ck_assert_int_eq(bn_batch_iter_init(&it, &b, 1 << 20), 0);
        while ((rc = bn_batch_iter_next(&it, &r)) == 1) {
            const struct written *x = &f->written[r.offset];
            char key[16];
            snprintf(key, sizeof key, "k%d", x->key);
            ck_assert(bn_slice_eq(r.key, bn_slice_str(key)));
            ck_assert_int_eq(r.timestamp, x->timestamp);
            ck_assert_int_eq(bn_slice_is_null(r.value), x->tombstone);
            if (!x->tombstone) ck_assert(bn_slice_eq(r.value, bn_slice_str(x->value)));
            newest = bn_max_i64(newest, r.timestamp);
            found[r.offset] = true;
        }
        ck_assert_int_eq(rc, 0);
        if (b.record_count) ck_assert_int_eq(newest, b.max_timestamp);
        horizonless += !(b.attributes & BN_BATCH_DELETE_HORIZON);
        bn_batch_iter_fini(&it);
    }
    ck_assert_int_eq(next, bn_log_end_offset(f->w.log));
    bn_str_fini(&all);
    return horizonless;
}

/* Holds the log against the model: nothing at or above `cleaned` is missing; below, the newest of each key is there
 * unless it is a tombstone that was left standing for long enough. exact: below `cleaned` nothing else is there. */
static void check(struct life *f, int64_t cleaned, bool exact) {
    int64_t end = bn_log_end_offset(f->w.log), newest[KEYS];
    bool *found = bn_alloc_zero(RECORDS_MAX, sizeof *found);
    collect(f, found);
    for (int k = 0; k < KEYS; k++) newest[k] = -1;
    for (int64_t o = 0; o < end; o++) newest[f->written[o].key] = o;
    for (int64_t o = 0; o < end; o++) {
        struct written *r = &f->written[o];
        bool last = newest[r->key] == o;
        if (o >= cleaned) {
            ck_assert_msg(found[o], "offset %" PRId64 " is gone", o);
        } else if (last && !r->tombstone) {
            ck_assert_msg(found[o], "the last value of key %d at %" PRId64 " is gone", r->key, o);
        } else if (last && !found[o]) {
            ck_assert_msg(r->seen_ms >= 0 && f->w.now_ms >= r->seen_ms + HORIZON_MS, "tombstone %" PRId64 " went early",
                          o);
        } else if (!last && exact) {
            bool superseded_below = newest[r->key] < cleaned;
            ck_assert_msg(!found[o] || !superseded_below, "offset %" PRId64 " of key %d is there still", o, r->key);
        }
        if (r->tombstone && o < cleaned && found[o] && r->seen_ms < 0) r->seen_ms = f->w.now_ms;
    }
    bn_alloc_free(found);
}

/* A fetch at any offset gets the next batch that ends at or above it. */
static void check_reads(struct life *f) {
    struct bn_str all, one;
    struct bn_batch b, got;
    int64_t from = 0;
    bn_str_init(&all);
    bn_str_init(&one);
    for (struct bn_slice left = read_all(f, &all); left.len;
         left = bn_slice_of(left.ptr + b.bytes.len, left.len - b.bytes.len)) {
        ck_assert_int_eq(bn_batch_peek(left, &b), 0);
        for (; from <= bn_batch_last_offset(&b); from++) {
            bn_str_clear(&one);
            ck_assert_int_eq(world_read(&f->w, from, INT64_MAX, 1, true, &one), 0);
            ck_assert_int_eq(bn_batch_peek(bn_str_slice(&one), &got), 0);
            ck_assert_int_eq(got.base_offset, b.base_offset);
        }
    }
    bn_str_fini(&all);
    bn_str_fini(&one);
}

/* What the log answers about times is what its records say. */
static void check_times(struct life *f) {
    bool *found = bn_alloc_zero(RECORDS_MAX, sizeof *found);
    int64_t end = bn_log_end_offset(f->w.log), newest = -1;
    struct bn_log_found got;
    collect(f, found);
    for (int64_t o = 0; o < end; o++)
        if (found[o]) newest = bn_max_i64(newest, f->written[o].timestamp);
    ck_assert_int_eq(bn_log_find_max_time(f->w.log, &got), 0);
    ck_assert_int_eq(got.timestamp, newest);
    for (int i = 0; i < 20 && newest > 0; i++) {
        int64_t t = newest - (int64_t)draw(f, 3000), first = -1;
        for (int64_t o = 0; o < end && first < 0; o++)
            if (found[o] && f->written[o].timestamp >= t) first = o;
        ck_assert_int_eq(bn_log_find_time(f->w.log, t, INT64_MAX, &got), 0);
        ck_assert_int_eq(got.offset, first);
    }
    bn_alloc_free(found);
}

static void reopen(struct life *f, bool cleanly) {
    if (cleanly)
        world_close(&f->w);
    else
        world_abandon(&f->w);
    f->w.open.cleaned_to = f->cleaned;
    world_open(&f->w, cleanly, f->checkpoint);
    f->cleaned = bn_min_i64(f->cleaned, bn_log_end_offset(f->w.log));
}

/* A producer goes on with its sequence wherever its last batch went. */
static void check_producers(struct life *f) {
    for (uint32_t who = 0; who < PRODUCERS; who++) {
        const struct bn_producer *p = bn_producer_get(&f->w.log->producers, 100 + who);
        if (f->sequence[who] == 0) continue;
        ck_assert_ptr_nonnull(p);
        ck_assert_int_eq(p->batches[p->count - 1].last_sequence, f->sequence[who] - 1);
    }
}

/* Goal: the model holds through a long life of writes, cleanings with maps large and tiny, restarts, and time. */
START_TEST(test_model) {
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct life f;
        life_init(&f, seed * 77);
        int64_t advanced = 0;
        for (int round = 0; round < 25; round++) {
            for (uint32_t i = draw(&f, 20); i > 0; i--) produce(&f, 1 + round / 6);
            f.w.now_ms += draw(&f, 400);
            flush(&f);
            if (draw(&f, 3) > 0) {
                int64_t watermark = bn_log_end_offset(f.w.log) - draw(&f, 30);
                bool tiny = draw(&f, 3) == 0;
                struct bn_log_compaction c = clean(&f, tiny ? 24 * 6 : 1 << 16, bn_max_i64(watermark, 0));
                ck_assert_int_eq(f.status, BN_OK);
                ck_assert_int_ge(bn_log_cleaned_to(f.w.log), f.cleaned);
                ck_assert(bn_log_cleaned_to(f.w.log) <= bn_max_i64(watermark, f.cleaned));
                f.cleaned = bn_log_cleaned_to(f.w.log);
                advanced += c.advanced;
                check(&f, f.cleaned, true);
                check_reads(&f);
                check_times(&f);
            }
            if (draw(&f, 4) == 0) reopen(&f, draw(&f, 2));
            bn_log_retain(f.w.log, bn_log_end_offset(f.w.log), f.w.now_ms, NULL);
            check(&f, f.cleaned, false);
            check_producers(&f);
        }
        ck_assert_int_gt(advanced, 5);
        life_fini(&f);
    }
}
END_TEST

/* Goal: what compaction left can be told from what a power cut took: after a cleaning the log opens whole though its
 * topic no longer says that it was compacted, with the epochs it had. */
START_TEST(test_policy_changes) {
    struct life f;
    life_init(&f, 4);
    for (int i = 0; i < 60; i++) produce(&f, 1 + i / 15);
    flush(&f);
    clean(&f, 1 << 16, bn_log_end_offset(f.w.log));
    f.cleaned = bn_log_cleaned_to(f.w.log);
    ck_assert_int_gt(f.cleaned, 0);
    int64_t end = bn_log_end_offset(f.w.log), ends[5];
    int32_t ignored;
    for (int32_t e = 1; e <= 4; e++) bn_log_end_of_epoch(f.w.log, e, &ignored, &ends[e]);
    world_abandon(&f.w);
    f.w.open.config.compact = false;
    f.w.disk->unlink(f.w.disk, "/data/t-0/leader-epoch-checkpoint", NULL);
    world_open(&f.w, false, 0);
    ck_assert_int_eq(bn_log_end_offset(f.w.log), end);
    for (int32_t e = 1; e <= 4; e++) {
        int64_t now;
        bn_log_end_of_epoch(f.w.log, e, &ignored, &now);
        ck_assert_int_eq(now, ends[e]);
    }
    check(&f, f.cleaned, true);
    world_check_fold(&f.w);
    life_fini(&f);
}
END_TEST

/* Goal: from any call of the disk on all fail, then the power goes or the process dies: the log that comes back has
 * every last value, and can be cleaned and appended to. */
START_TEST(test_power_cuts) {
    enum bn_memdisk_call call = (enum bn_memdisk_call)_i;
    bool failed = true;
    for (int nth = 1; failed && nth < 400; nth += 1 + nth / 16) {
        for (uint64_t crash = 0; crash < 4; crash++) {
            struct life f;
            life_init(&f, 900 + (uint64_t)nth);
            for (int i = 0; i < 50; i++) produce(&f, 1);
            flush(&f);
            if (crash % 2 == 1) { /* a second cleaning over the results of a first */
                clean(&f, 1 << 16, bn_log_end_offset(f.w.log));
                f.cleaned = bn_log_cleaned_to(f.w.log);
                for (int i = 0; i < 30; i++) produce(&f, 2);
                flush(&f);
            }
            int64_t end = bn_log_end_offset(f.w.log);
            int before = bn_memdisk_calls(f.w.mem, call);
            bn_memdisk_fail(f.w.mem, call, nth, INT_MAX);
            clean(&f, crash == 2 ? 24 * 8 : 1 << 16, end);
            failed = bn_memdisk_calls(f.w.mem, call) - before >= nth;
            bn_memdisk_fail(f.w.mem, call, 1, 0);
            if (crash < 3) bn_memdisk_crash(f.w.mem, crash); /* else only the process dies: names stay in between */
            reopen(&f, false);
            ck_assert_int_eq(bn_log_end_offset(f.w.log), end);
            check(&f, end, false); /* the map may have covered anything below the end */
            check_reads(&f);
            check_producers(&f);
            ck_assert(!world_exists(&f.w, "/data/t-0/00000000000000000000.log.swap"));
            ck_assert(!world_exists(&f.w, "/data/t-0/00000000000000000000.log.cleaned"));
            for (int i = 0; i < 20; i++) ck_assert(produce(&f, 3));
            flush(&f);
            clean(&f, 1 << 16, bn_log_end_offset(f.w.log));
            ck_assert_int_eq(f.status, BN_OK);
            f.cleaned = bn_log_cleaned_to(f.w.log);
            check(&f, f.cleaned, true);
            check_times(&f);
            life_fini(&f);
        }
    }
    ck_assert(!failed); /* all of it was tried */
}
END_TEST

/* Goal: a damaged batch makes the log uncleanable, once, and changes nothing. */
START_TEST(test_damage) {
    struct life f;
    struct bn_log_dirt dirt;
    life_init(&f, 8);
    for (int i = 0; i < 60; i++) produce(&f, 1);
    flush(&f);
    bn_log_dirt(f.w.log, bn_log_end_offset(f.w.log), f.w.now_ms, &dirt);
    ck_assert(dirt.wanted && dirt.ratio > 0.99 && dirt.dirty_bytes > 0);
    ck_assert(bn_memdisk_rot(f.w.mem, "/data/t-0/00000000000000000000.log", 100, 0x10));
    clean(&f, 1 << 16, bn_log_end_offset(f.w.log));
    ck_assert_int_eq(f.status, BN_BAD);
    ck_assert_int_eq(bn_log_cleaned_to(f.w.log), 0);
    bn_log_dirt(f.w.log, bn_log_end_offset(f.w.log), f.w.now_ms, &dirt);
    ck_assert(!dirt.wanted);
    ck_assert(!world_exists(&f.w, "/data/t-0/00000000000000000000.log.cleaned"));
    ck_assert(!bn_log_failed(f.w.log));
    life_fini(&f);
}
END_TEST

static bool wanted(struct life *f) {
    struct bn_log_dirt dirt;
    bn_log_dirt(f->w.log, bn_log_end_offset(f->w.log), f->w.now_ms, &dirt);
    return dirt.wanted;
}

/* Goal: wherever in a cleaning the disk gets full, the log stays as it was, with nothing left behind, and is cleaned
 * when there is room again: not before a minute, later after each attempt in vain, at most after 16. */
START_TEST(test_no_room) {
    int full = 0, status = BN_NOROOM;
    for (int64_t room = 0; status != BN_OK; room = room * 5 / 4 + 1) {
        struct life f;
        life_init(&f, 21);
        for (int i = 0; i < 200; i++) produce(&f, 1);
        flush(&f);
        ck_assert(wanted(&f));
        bn_memdisk_set_room(f.w.mem, room);
        clean(&f, 1 << 16, bn_log_end_offset(f.w.log));
        status = f.status;
        for (int minutes = 1, again = 0; status == BN_NOROOM && again < 7;
             again++, minutes = 1 << (again < 4 ? again : 4)) {
            full++;
            ck_assert(!bn_log_failed(f.w.log));
            ck_assert(!wanted(&f));
            f.w.now_ms += minutes * 60 * 1000 - 1;
            ck_assert(!wanted(&f));
            f.w.now_ms++;
            ck_assert(wanted(&f));
            bn_memdisk_set_room(f.w.mem, 0); /* what was enough for nothing may be enough now: groups are in place */
            if (again == 6) break;
            clean(&f, 1 << 16, bn_log_end_offset(f.w.log));
            ck_assert_int_eq(f.status, BN_NOROOM);
        }
        /* Groups of segments that were done before may be in place. */
        check(&f, bn_log_end_offset(f.w.log), false);
        struct bn_disk_entry *list;
        size_t n;
        ck_assert_int_eq(f.w.disk->list(f.w.disk, "/data/t-0", &list, &n, NULL), 0);
        for (size_t i = 0; i < n; i++) ck_assert_ptr_null(strstr(list[i].name, ".cleaned"));
        bn_alloc_free(list);
        bn_memdisk_set_room(f.w.mem, -1);
        clean(&f, 1 << 16, bn_log_end_offset(f.w.log));
        ck_assert_int_eq(f.status, BN_OK);
        ck_assert_int_gt(bn_log_cleaned_to(f.w.log), 0);
        check(&f, bn_log_cleaned_to(f.w.log), true);
        check_reads(&f);
        life_fini(&f);
    }
    ck_assert_int_gt(full, 7 * 10);
}
END_TEST

/* Goal: a disk that fails is another matter: after it a log is cleaned no more. */
START_TEST(test_bad_disk) {
    struct life f;
    life_init(&f, 22);
    for (int i = 0; i < 60; i++) produce(&f, 1);
    flush(&f);
    bn_memdisk_fail(f.w.mem, BN_MEMDISK_PWRITEV, 1, 1);
    clean(&f, 1 << 16, bn_log_end_offset(f.w.log));
    ck_assert_int_eq(f.status, BN_IO);
    f.w.now_ms += 3600 * 1000;
    ck_assert(!wanted(&f));
    life_fini(&f);
}
END_TEST

/* Goal: nothing above the watermark, what is not synced, or an open transaction counts as stable. */
START_TEST(test_stable) {
    struct life f;
    struct bn_log_dirt dirt;
    life_init(&f, 15);
    for (int i = 0; i < 60; i++) produce(&f, 1);
    bn_log_dirt(f.w.log, bn_log_end_offset(f.w.log), f.w.now_ms, &dirt);
    ck_assert(!dirt.wanted); /* not synced */
    flush(&f);
    bn_log_dirt(f.w.log, 1, f.w.now_ms, &dirt);
    ck_assert(!dirt.wanted);
    bn_log_dirt(f.w.log, bn_log_end_offset(f.w.log), f.w.now_ms, &dirt);
    ck_assert(dirt.wanted);
    ck_assert_uint_gt(f.w.log->producers.map.count, 0);
    size_t at = 0;
    struct bn_map_entry *m = bn_map_next(&f.w.log->producers.map, &at);
    ((struct bn_producer *)m->value)->txn_first_offset = 2;
    bn_log_dirt(f.w.log, bn_log_end_offset(f.w.log), f.w.now_ms, &dirt);
    ck_assert(!dirt.wanted);
    clean(&f, 1 << 16, bn_log_end_offset(f.w.log));
    ck_assert_int_eq(bn_log_cleaned_to(f.w.log), 0);
    life_fini(&f);
}
END_TEST

/* Goal: a truncation into a gap leaves none at the log's end: what comes behind it outlives a kill. */
START_TEST(test_cut_into_a_gap) {
    int64_t gaps = 0;
    for (int64_t back = 1; back < 150; back++) {
        struct life f;
        life_init(&f, 4711);
        for (int i = 0; i < 120; i++) ck_assert(produce(&f, 1));
        flush(&f);
        clean(&f, 1 << 20, INT64_MAX);
        int64_t to = bn_log_cleaned_to(f.w.log) - back;
        ck_assert_int_gt(to, 0);
        bn_log_truncate(f.w.log, to, &(struct bn_log_cut){.lower = NULL});
        int64_t end = bn_log_end_offset(f.w.log);
        ck_assert_int_le(end, to);
        gaps += to - end;
        for (int i = 0; i < PRODUCERS; i++) {
            const struct bn_producer *p = bn_producer_get(&f.w.log->producers, 100 + i);
            f.sequence[i] = p && p->count ? p->batches[p->count - 1].last_sequence + 1 : 0;
        }
        ck_assert_int_eq(bn_log_roll(f.w.log, f.w.now_ms), 0);
        for (int i = 0; i < 10; i++) ck_assert(produce(&f, 2));
        end = bn_log_end_offset(f.w.log);
        world_abandon(&f.w);
        world_open(&f.w, false, 0); /* as of an old checkpoint */
        ck_assert_int_eq(bn_log_end_offset(f.w.log), end);
        life_fini(&f);
    }
    ck_assert_int_gt(gaps, 0);
}
END_TEST

Suite *compact_suite(void);
Suite *compact_suite(void) {
    Suite *s = suite_create("compact");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, test_model);
    tcase_add_test(t, test_policy_changes);
    tcase_add_loop_test(t, test_power_cuts, 0, BN_MEMDISK_CALLS);
    tcase_add_test(t, test_damage);
    tcase_add_test(t, test_no_room);
    tcase_add_test(t, test_bad_disk);
    tcase_add_test(t, test_stable);
    tcase_add_test(t, test_cut_into_a_gap);
    suite_add_tcase(s, t);
    return s;
}
