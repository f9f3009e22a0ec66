/* groups_reset.c: changes what groups without members have committed: which partitions, to where, and the doing of it.
 * Without --execute nothing is changed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/sys/clock.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/kmsg.h"
#include "tools/admin.h"
#include "tools/ends.h"
#include "tools/groups.h"
#include "tools/jsonout.h"
#include "tools/resetplan.h"
#include "tools/when.h"

struct reset {
    struct bn_groups *g;
    const struct kmsg_metadata_response *all;
    int64_t number;           /* --to-offset, --shift-by */
    int64_t time_ms;          /* --to-datetime, --by-duration */
    struct bn_resetplan plan; /* --from-file */
    struct bn_resetplan done; /* what came of it */
};

/* One group's. */
struct target {
    struct bn_slice group;
    struct bn_groupask_place *places, *committed;
    size_t count, committed_count;
    struct bn_ends_place *starts, *ends; /* of the places, as far as they were asked for */
};

static bool has(const struct reset *r, const char *name) { return bn_options_has(r->g->options, name); }

static struct bn_arena *arena_of(const struct reset *r) { return bn_session_arena(r->g->ask.session); }

/* ---- offsets of logs ---- */

/* Asks for the offsets of all places at a time; NULL after telling. */
static struct bn_ends_place *ask_ends(struct reset *r, const struct target *t, int64_t time) {
    struct bn_ends_place *out = bn_arena_array(arena_of(r), t->count + 1, sizeof *out);
    if (!out) return NULL;
    for (size_t i = 0; i < t->count; i++) out[i] = bn_ends_place(r->all, t->places[i].topic, t->places[i].partition);
    if (!bn_ends_ask(r->g->ask.session, out, t->count, time)) return NULL;
    for (size_t i = 0; i < t->count; i++) {
        if (out[i].error == KE_NONE) continue;
        bn_groups_failed(r->g, out[i].error);
        return NULL;
    }
    return out;
}

static bool move_to(struct reset *r, struct target *t, int64_t time) {
    const struct bn_ends_place *at = ask_ends(r, t, time);
    for (size_t i = 0; at && i < t->count; i++)
        t->places[i].offset = bn_ends_find(at, t->count, t->places[i].topic, t->places[i].partition)->offset;
    return at != NULL;
}

static bool move_to_time(struct reset *r, struct target *t) {
    const struct bn_ends_place *ends = NULL;
    if (!move_to(r, t, r->time_ms)) return false;
    for (size_t i = 0; i < t->count; i++) {
        struct bn_groupask_place *p = &t->places[i];
        if (p->offset >= 0) continue;
        fflush(stdout);
        fprintf(r->g->json ? stderr : stdout,
                "\nWarn: Partition %d from topic %.*s is empty. Falling back to latest known offset.\n", p->partition,
                BN_SLICE_FMT(p->topic));
        if (!ends && !(ends = ask_ends(r, t, BN_ENDS_LATEST))) return false;
        p->offset = bn_ends_find(ends, t->count, p->topic, p->partition)->offset;
    }
    return true;
}

static void clamp(struct bn_groupask_place *p, int64_t bound, const char *than) {
    fprintf(stderr,
            "WARN New offset (%" PRId64 ") is %s offset for topic partition %.*s-%d. Value will be set to %" PRId64
            "\n",
            p->offset, than, BN_SLICE_FMT(p->topic), p->partition, bound);
    p->offset = bound;
}

/* Brings the offsets into what the logs hold. */
static bool keep_in_range(struct reset *r, struct target *t) {
    const struct bn_ends_place *starts = ask_ends(r, t, BN_ENDS_EARLIEST);
    const struct bn_ends_place *ends = starts ? ask_ends(r, t, BN_ENDS_LATEST) : NULL;
    for (size_t i = 0; ends && i < t->count; i++) {
        struct bn_groupask_place *p = &t->places[i];
        int64_t end = bn_ends_find(ends, t->count, p->topic, p->partition)->offset;
        int64_t start = bn_ends_find(starts, t->count, p->topic, p->partition)->offset;
        if (p->offset > end)
            clamp(p, end, "higher than latest");
        else if (p->offset < start)
            clamp(p, start, "lower than earliest");
    }
    return ends != NULL;
}

/* ---- the ways ---- */

static const struct bn_groupask_place *committed_of(const struct target *t, const struct bn_groupask_place *place) {
    return t->committed_count > 0
               ? bsearch(place, t->committed, t->committed_count, sizeof *place, bn_groupask_by_place)
               : NULL;
}

static bool move_to_current(struct reset *r, struct target *t) {
    if (!move_to(r, t, BN_ENDS_LATEST)) return false;
    for (size_t i = 0; i < t->count; i++) {
        const struct bn_groupask_place *was = committed_of(t, &t->places[i]);
        if (was) t->places[i].offset = was->offset;
    }
    return true;
}

/* False after telling; *misuse: as a mistake of the command line. */
static bool shift(struct reset *r, struct target *t, bool *misuse) {
    for (size_t i = 0; i < t->count; i++) {
        const struct bn_groupask_place *was = committed_of(t, &t->places[i]);
        if (!was) {
            fflush(stdout);
            fprintf(stderr, "Cannot shift offset for partition %.*s-%d since there is no current committed offset\n",
                    BN_SLICE_FMT(t->places[i].topic), t->places[i].partition);
            *misuse = true;
            return false;
        }
        if (__builtin_add_overflow(was->offset, r->number, &t->places[i].offset))
            t->places[i].offset = r->number < 0 ? INT64_MIN : INT64_MAX;
    }
    return keep_in_range(r, t);
}

static bool follow_plan(struct reset *r, struct target *t) {
    t->places = bn_arena_array(arena_of(r), r->plan.count + 1, sizeof *t->places);
    t->count = 0;
    for (size_t i = 0; t->places && i < r->plan.count; i++) {
        if (bn_slice_eq(r->plan.rows[i].group, t->group)) t->places[t->count++] = r->plan.rows[i].place;
    }
    if (t->count == 0) {
        bn_groups_error(r->g, "No reset plan for group %.*s found", BN_SLICE_FMT(t->group));
        return true;
    }
    qsort(t->places, t->count, sizeof *t->places, bn_groupask_by_place);
    return keep_in_range(r, t);
}

/* Gives every place its new offset. False after telling. */
static bool find_offsets(struct reset *r, struct target *t, bool *misuse) {
    if (has(r, "from-file")) return follow_plan(r, t);
    if (has(r, "to-earliest")) return move_to(r, t, BN_ENDS_EARLIEST);
    if (has(r, "to-latest")) return move_to(r, t, BN_ENDS_LATEST);
    if (has(r, "to-current")) return move_to_current(r, t);
    if (has(r, "shift-by")) return shift(r, t, misuse);
    if (!has(r, "to-offset")) return move_to_time(r, t);
    for (size_t i = 0; i < t->count; i++) t->places[i].offset = r->number;
    return keep_in_range(r, t);
}

/* ---- a group ---- */

static void keep(struct reset *r, const struct target *t) {
    for (size_t i = 0; i < t->count; i++)
        r->done.rows[r->done.count++] = (struct bn_resetplan_row){t->group, t->places[i]};
}

/* The partitions of a group that are to be reset, and what it has committed. False after telling. */
static bool find_places(struct reset *r, struct target *t, bool *misuse) {
    int code = bn_groupask_offsets(&r->g->ask, t->group, &t->committed, &t->committed_count);
    if (code != KE_NONE) return bn_groups_failed(r->g, code), false;
    if (has(r, "from-file")) return true;
    if (has(r, "all-topics")) {
        t->places = bn_arena_array(arena_of(r), t->committed_count + 1, sizeof *t->places);
        t->count = t->places ? t->committed_count : 0;
        if (t->count > 0) memcpy(t->places, t->committed, t->count * sizeof *t->places);
        return t->places != NULL;
    }
    if (!bn_groups_topics(r->g, r->all, &t->places, &t->count)) {
        *misuse = true;
        return false;
    }
    for (size_t i = 0; i < t->count; i++) {
        if (t->places[i].partition >= 0) continue;
        bn_groups_failed(r->g, KE_UNKNOWN_TOPIC_OR_PARTITION);
        bn_admin_suggest_topic(r->g->ask.session, t->places[i].topic);
        return false;
    }
    return true;
}

/* False: nothing more is to be done. */
static bool reset_one(struct reset *r, struct bn_slice group, bool *misuse) {
    struct target t = {.group = group};
    struct bn_groupask_group description;
    int code = bn_groupask_describe(&r->g->ask, group, &description);
    if (code != KE_NONE) return bn_groups_failed(r->g, code), false;
    if (!bn_slice_eq_str(description.state, "Empty") && !bn_slice_eq_str(description.state, "Dead")) {
        bn_groups_error(r->g,
                        "Assignments can only be reset if the group '%.*s' is inactive, but the current state is %.*s.",
                        BN_SLICE_FMT(group), BN_SLICE_FMT(description.state));
        return true;
    }
    if (!find_places(r, &t, misuse) || !find_offsets(r, &t, misuse)) return r->g->failed = true, false;
    if (has(r, "execute") && t.count > 0) {
        code = bn_groupask_commit(&r->g->ask, group, t.places, t.count);
        if (code != KE_NONE) return bn_groups_failed(r->g, code), false;
    }
    struct bn_resetplan_row *rows = bn_arena_array(arena_of(r), r->done.count + t.count + 1, sizeof *rows);
    if (!rows) return r->g->failed = true, false;
    if (r->done.count > 0) memcpy(rows, r->done.rows, r->done.count * sizeof *rows);
    r->done.rows = rows;
    keep(r, &t);
    return true;
}

/* ---- printing ---- */

static void print_table(const struct bn_resetplan *done) {
    printf("\n%-30s %-30s %-10s %-15s", "GROUP", "TOPIC", "PARTITION", "NEW-OFFSET");
    for (size_t i = 0; i < done->count; i++) {
        const struct bn_resetplan_row *row = &done->rows[i];
        printf("\n%-30.*s %-30.*s %-10d %-15" PRId64, BN_SLICE_FMT(row->group), BN_SLICE_FMT(row->place.topic),
               row->place.partition, row->place.offset);
    }
    putchar('\n');
}

static void print_json(const struct bn_resetplan *done, bool executed) {
    struct bn_jsonout j;
    bn_jsonout_init(&j);
    bn_jsonout_bool(&j, "executed", executed);
    bn_jsonout_array(&j, "offsets");
    for (size_t i = 0; i < done->count; i++) {
        const struct bn_resetplan_row *row = &done->rows[i];
        bn_jsonout_object(&j, NULL);
        bn_jsonout_text(&j, "group", row->group);
        bn_jsonout_text(&j, "topic", row->place.topic);
        bn_jsonout_number(&j, "partition", row->place.partition);
        bn_jsonout_number(&j, "newOffset", row->place.offset);
        bn_jsonout_end(&j);
    }
    bn_jsonout_print(&j);
}

static void print_done(const struct reset *r) {
    bool one = !r->g->all && r->g->name_count == 1;
    if (has(r, "export")) {
        for (size_t i = 0; i < r->done.count; i++)
            bn_resetplan_print(one ? BN_SLICE_NULL : r->done.rows[i].group, &r->done.rows[i].place);
        if (r->g->kafka) putchar('\n');
    } else if (r->g->json) {
        print_json(&r->done, has(r, "execute"));
    } else {
        print_table(&r->done);
    }
}

/* ---- the command line ---- */

/* The numbers, times and the file that the options name. *misuse when what was told is a mistake of the command line.
 */
static bool read_way(struct reset *r, bool *misuse) {
    const struct bn_options *o = r->g->options;
    const char *datetime = bn_options_get(o, "to-datetime"), *duration = bn_options_get(o, "by-duration");
    const char *file = bn_options_get(o, "from-file");
    bool bad = false;
    r->number = bn_options_number(o, has(r, "shift-by") ? "shift-by" : "to-offset", 0, &bad);
    if (bad) return *misuse = true, false;
    if (datetime && !bn_when_datetime(datetime, &r->time_ms)) {
        if (strchr(datetime, 'T'))
            bn_groups_error(r->g,
                            "Executing consumer group command failed due to java.text.ParseException: Unparseable "
                            "date: \"%s\"",
                            datetime);
        else
            bn_groups_error(r->g, "Executing consumer group command failed due to java.text.ParseException: Error "
                                  "parsing timestamp. It does not contain a 'T' according to ISO8601 format");
        return false;
    }
    if (duration && !bn_when_duration(duration, &r->time_ms)) {
        bn_groups_error(r->g, "Executing consumer group command failed due to Text cannot be parsed to a Duration");
        return false;
    }
    if (duration) r->time_ms = bn_clock_wall_ms(bn_clock_real()) - r->time_ms;
    if (!file) return true;
    char *text = bn_admin_read_file(o->program, file);
    struct bn_slice only = !r->g->all && r->g->name_count == 1 ? bn_slice_str(r->g->names[0]) : BN_SLICE_NULL;
    bool ok = text && bn_resetplan_read(bn_slice_str(text), only, arena_of(r), o->program, &r->plan);
    bn_alloc_free(text);
    if (!ok) r->g->failed = true;
    return ok;
}

bool bn_groups_reset(struct bn_groups *g) {
    struct reset r = {.g = g};
    struct bn_slice *ids;
    size_t count;
    bool misuse = false;
    if (!read_way(&r, &misuse)) return !misuse;
    r.all = bn_session_metadata(g->ask.session);
    if (!r.all || !bn_groups_meant(g, &ids, &count)) return g->failed = true;
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) ok = reset_one(&r, ids[i], &misuse);
    if (ok) print_done(&r);
    return !misuse;
}
