/* group_runner.c: the language of the groups' transcripts (script.h). Usage: group_runner [--all] group_*.txt; with
 * --all it fails unless every event was played in every state (group_cover.c).
 *
 * A line may begin with a time in milliseconds; what is due before it happens then, and stands below the line before,
 * each with its time. '-' is no id.
 *
 *   group [delay=MS] [max=N] [min_session=MS] [max_session=MS]      another group begins, at time 0
 *   join TOKEN ID [as=NEW_ID] [instance=I] [v=VERSION] [session=MS] [rebalance=MS] [type=T] PROTOCOL[:METADATA]...
 *   sync TOKEN ID GENERATION [instance=I] [type=T] [protocol=P] [FOR:ASSIGNMENT...]
 *   beat ID GENERATION [instance=I]      leave ID [instance=I]      commit ID GENERATION [instance=I]
 *   hold   go               stores and reservations wait from now on; end well at once (so it begins)
 *   stored [ERROR] [token=N]   reserved [ERROR]      the newest that waits ends, or that with this token
 *   lost                    what waits is written, and nobody hears of it
 *   stop   move             the coordinator goes; another one takes over with what is stored
 *   show   tick             the members; time is told though nothing is due */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "proto/kafka/errors.h"
#include "tests/script/group_cover.h"
#include "tests/script/group_print.h"
#include "tests/script/group_store.h"
#include "tests/script/script.h"

struct runner {
    struct bn_str *text;
    struct bn_group_settings settings;
    struct bn_group *group;
    struct bn_group_outs outs;
    struct group_store store; /* what stands there */
    int64_t now_ms;
    bool hold;
    uint64_t waits_store; /* 0 = none */
    int32_t waits_reserve;
    char was[128]; /* the line that was last told of the group */
};

static struct bn_slice slice_of(const char *s) { return bn_slice_str(strcmp(s, "-") == 0 ? "" : s); }
static struct bn_slice option(const struct script_line *l, const char *name) {
    return bn_slice_str(script_option(l, name));
}
static int32_t number(const struct script_line *l, const char *name, int32_t otherwise) {
    const char *s = script_option(l, name);
    return s ? (int32_t)strtol(s, NULL, 10) : otherwise;
}
static int32_t int_at(const struct script_line *l, int at) { return (int32_t)strtol(script_word(l, at), NULL, 10); }

static int16_t error_at(const struct script_line *l, int at) {
    for (int16_t e = -1; e < 120; e++)
        if (at < l->count && strcmp(bn_errors_name(e), script_word(l, at)) == 0) return e;
    return KE_NONE;
}

/* ---- the shell ---- */

static void take(struct runner *r);

static void end_store(struct runner *r, int16_t error, uint64_t token) {
    if (!token) return;
    if (token == r->waits_store) r->waits_store = 0;
    if (error == KE_NONE && bn_group_state(r->group) != BN_GROUP_DEAD) group_store_write(&r->store, r->group, r->text);
    group_cover_note(bn_group_state(r->group), bn_group_state(r->group) == BN_GROUP_DEAD ? "late_stored"
                                               : error == KE_NONE                        ? "stored"
                                                                                         : "stored_error");
    bn_group_stored(r->group, r->now_ms, token, error, &r->outs);
    take(r);
}

static void end_reserve(struct runner *r, int16_t error) {
    int32_t up_to = r->waits_reserve;
    if (!up_to) return;
    r->waits_reserve = 0;
    if (error == KE_NONE && up_to > r->store.reserved) r->store.reserved = up_to;
    group_cover_note(bn_group_state(r->group), bn_group_state(r->group) == BN_GROUP_DEAD ? "late_reserved"
                                               : error == KE_NONE                        ? "reserved"
                                                                                         : "reserved_error");
    bn_group_reserved(r->group, r->now_ms, up_to, error, &r->outs);
    take(r);
}

static void tell_state(struct runner *r) {
    char now[sizeof r->was];
    const struct bn_group *g = r->group;
    int n = snprintf(now, sizeof now, "%s, generation %d, members %d", bn_group_state_name(bn_group_state(g)),
                     bn_group_generation(g), bn_group_size(g));
    if (g->pending.count) snprintf(now + n, sizeof now - (size_t)n, ", expected %zu", g->pending.count);
    if (strcmp(now, r->was) == 0) return;
    snprintf(r->was, sizeof r->was, "%s", now);
    bn_str_addf(r->text, "  = %s\n", now);
}

static void take(struct runner *r) {
    for (int32_t i = 0; i < r->outs.n; i++) {
        const struct bn_group_out *o = &r->outs.v[i];
        group_print_out(r->text, r->group, o);
        if (o->kind == BN_GROUP_OUT_STORE) r->waits_store = o->token;
        if (o->kind == BN_GROUP_OUT_RESERVE) r->waits_reserve = o->generation;
    }
    bn_group_outs_clear(&r->outs);
    tell_state(r);
    if (!r->hold) end_reserve(r, KE_NONE);
    if (!r->hold) end_store(r, KE_NONE, r->waits_store);
}

static void pass_until(struct runner *r, int64_t at_ms) {
    while (r->group && bn_group_due_ms(r->group) <= at_ms) {
        r->now_ms = bn_max_i64(r->now_ms, bn_group_due_ms(r->group));
        size_t len = r->text->len;
        bn_str_addf(r->text, "  at %d:\n", (int)r->now_ms);
        size_t told = r->text->len;
        group_cover_time(r->group, r->now_ms);
        bn_group_tick(r->group, r->now_ms, &r->outs);
        take(r);
        if (r->text->len != told) continue;
        r->text->ptr[len] = '\0'; /* nothing came of it */
        r->text->len = len;
    }
    r->now_ms = bn_max_i64(r->now_ms, at_ms);
}

/* ---- commands ---- */

static void leave_group(struct runner *r) {
    if (!r->group) return;
    if (bn_group_state(r->group) != BN_GROUP_DEAD) {
        bn_group_stop(r->group, KE_NOT_COORDINATOR, &r->outs);
        bn_group_outs_clear(&r->outs);
    }
    bn_group_free(r->group);
    r->group = NULL;
}

static void cmd_group(struct runner *r, const struct script_line *l) {
    leave_group(r);
    group_store_fini(&r->store);
    r->settings = (struct bn_group_settings){number(l, "min_session", 6000), number(l, "max_session", 1800000),
                                             number(l, "max", 100), number(l, "delay", 0)};
    r->group = bn_group_new(&r->settings, BN_SLICE_LIT("g"));
    r->now_ms = 0;
    r->hold = false;
    r->waits_store = 0;
    r->waits_reserve = 0;
    r->was[0] = '\0';
}

static void cmd_join(struct runner *r, const struct script_line *l) {
    static const char *const keys[] = {"as=", "instance=", "v=", "session=", "rebalance=", "type="};
    struct bn_group_protocol protocols[SCRIPT_WORDS];
    int32_t version = number(l, "v", 9);
    char fresh[32];
    snprintf(fresh, sizeof fresh, "m%.20s", script_word(l, 1));
    struct bn_slice as = option(l, "as"), type = option(l, "type");
    struct bn_group_join j = {.token = (uint64_t)int_at(l, 1),
                              .member_id = slice_of(script_word(l, 2)),
                              .instance_id = option(l, "instance"),
                              .new_id = bn_slice_is_null(as) ? bn_slice_str(fresh) : as,
                              .client_id = BN_SLICE_LIT("client"),
                              .client_host = BN_SLICE_LIT("/127.0.0.1"),
                              .session_ms = number(l, "session", 10000),
                              .rebalance_ms = number(l, "rebalance", 60000),
                              .protocol_type = bn_slice_is_null(type) ? BN_SLICE_LIT("consumer") : type,
                              .protocols = protocols,
                              .id_required = version >= 4,
                              .can_skip = version >= 9};
    for (int i = 3; i < l->count; i++) {
        char *w = l->words[i], *colon = strchr(w, ':');
        bool is_key = false;
        for (size_t k = 0; k < BN_ARRAY_LEN(keys); k++) is_key |= strncmp(w, keys[k], strlen(keys[k])) == 0;
        if (is_key) continue;
        if (colon) *colon = '\0';
        protocols[j.protocol_count++] = (struct bn_group_protocol){bn_slice_str(w),
                                                                   bn_slice_str(colon ? colon + 1 : "")};
    }
    group_cover_join(r->group, &j);
    bn_group_join(r->group, r->now_ms, &j, &r->outs);
    take(r);
}

static void cmd_sync(struct runner *r, const struct script_line *l) {
    struct bn_group_assignment list[SCRIPT_WORDS];
    struct bn_group_sync s = {.token = (uint64_t)int_at(l, 1),
                              .generation = int_at(l, 3),
                              .member_id = slice_of(script_word(l, 2)),
                              .instance_id = option(l, "instance"),
                              .protocol_type = option(l, "type"),
                              .protocol = option(l, "protocol"),
                              .assignments = list};
    for (int i = 4; i < l->count; i++) {
        char *colon = strchr(l->words[i], ':');
        if (!colon) continue;
        *colon = '\0';
        list[s.assignment_count++] = (struct bn_group_assignment){bn_slice_str(l->words[i]), bn_slice_str(colon + 1)};
    }
    group_cover_sync(r->group, &s);
    bn_group_sync(r->group, r->now_ms, &s, &r->outs);
    take(r);
}

static void tell_error(struct runner *r, int16_t error) { bn_str_addf(r->text, "  %s\n", bn_errors_name(error)); }

static void cmd_beat(struct runner *r, const struct script_line *l) {
    struct bn_slice id = slice_of(script_word(l, 1)), instance = option(l, "instance");
    group_cover_member(r->group, "beat", int_at(l, 2), id, instance);
    tell_error(r, bn_group_heartbeat(r->group, r->now_ms, int_at(l, 2), id, instance));
    take(r);
}

static void cmd_leave(struct runner *r, const struct script_line *l) {
    struct bn_slice id = slice_of(script_word(l, 1)), instance = option(l, "instance");
    group_cover_member(r->group, "leave", 0, id, instance);
    tell_error(r, bn_group_leave(r->group, r->now_ms, id, instance, &r->outs));
    take(r);
}

static void cmd_commit(struct runner *r, const struct script_line *l) {
    struct bn_slice id = slice_of(script_word(l, 1)), instance = option(l, "instance");
    group_cover_member(r->group, "commit", int_at(l, 2), id, instance);
    tell_error(r, bn_group_may_commit(r->group, r->now_ms, int_at(l, 2), id, instance));
    take(r);
}

static void cmd_hold(struct runner *r, const struct script_line *l) {
    (void)l;
    r->hold = true;
}

static void cmd_go(struct runner *r, const struct script_line *l) {
    (void)l;
    r->hold = false;
    take(r);
}

static void cmd_stored(struct runner *r, const struct script_line *l) {
    end_store(r, error_at(l, 1), (uint64_t)number(l, "token", (int32_t)r->waits_store));
}
static void cmd_reserved(struct runner *r, const struct script_line *l) { end_reserve(r, error_at(l, 1)); }

static void cmd_lost(struct runner *r, const struct script_line *l) {
    (void)l;
    if (r->waits_store) group_store_write(&r->store, r->group, r->text);
    if (r->waits_reserve > r->store.reserved) r->store.reserved = r->waits_reserve;
}

static void cmd_stop(struct runner *r, const struct script_line *l) {
    (void)l;
    group_cover_note(bn_group_state(r->group), "stop");
    bn_group_stop(r->group, KE_NOT_COORDINATOR, &r->outs);
    take(r);
}

static void cmd_move(struct runner *r, const struct script_line *l) {
    if (bn_group_state(r->group) != BN_GROUP_DEAD) cmd_stop(r, l);
    bn_group_free(r->group);
    r->group = bn_group_new(&r->settings, BN_SLICE_LIT("g"));
    r->waits_store = 0;
    r->waits_reserve = 0;
    group_store_resume(&r->store, r->group, r->now_ms);
    group_cover_note(bn_group_state(r->group), "resume");
    take(r);
}

static void cmd_show(struct runner *r, const struct script_line *l) {
    (void)l;
    group_print_members(r->text, r->group);
}

static void cmd_tick(struct runner *r, const struct script_line *l) {
    (void)l;
    group_cover_time(r->group, r->now_ms);
    bn_group_tick(r->group, r->now_ms, &r->outs);
    take(r);
}

static const struct {
    const char *name;
    void (*run)(struct runner *r, const struct script_line *l);
} COMMANDS[] = {
    {"group", cmd_group},   {"join", cmd_join}, {"sync", cmd_sync}, {"beat", cmd_beat},     {"leave", cmd_leave},
    {"commit", cmd_commit}, {"hold", cmd_hold}, {"go", cmd_go},     {"stored", cmd_stored}, {"reserved", cmd_reserved},
    {"lost", cmd_lost},     {"stop", cmd_stop}, {"move", cmd_move}, {"show", cmd_show},     {"tick", cmd_tick},
};

static bool has_time(const struct script_line *l) { return l->words[0][0] >= '0' && l->words[0][0] <= '9'; }

static bool before(void *state, const struct script_line *l) {
    if (has_time(l)) pass_until(state, strtoll(l->words[0], NULL, 10));
    return true;
}

static bool play(void *state, const struct script_line *l) {
    struct runner *r = state;
    struct script_line rest = {l->words + has_time(l), l->count - has_time(l)};
    for (size_t i = 0; i < BN_ARRAY_LEN(COMMANDS); i++) {
        if (strcmp(COMMANDS[i].name, script_word(&rest, 0)) != 0) continue;
        if (!r->group && COMMANDS[i].run != cmd_group) return false;
        COMMANDS[i].run(r, &rest);
        return true;
    }
    return false;
}

static void *begin(struct bn_str *text) {
    struct runner *r = bn_alloc_zero(1, sizeof *r);
    r->text = text;
    return r;
}

static void end(void *state) {
    struct runner *r = state;
    leave_group(r);
    group_store_fini(&r->store);
    bn_group_outs_fini(&r->outs);
    bn_alloc_free(r);
}

static const struct script_language GROUP = {begin, before, play, end};

int main(int argc, char **argv) {
    bool all = argc > 1 && strcmp(argv[1], "--all") == 0;
    bool fine = script_run(&GROUP, argc - 1 - all, argv + 1 + all);
    if (all) {
        fine = group_cover_full() && fine;
        group_cover_print();
    }
    return fine ? 0 : 1;
}
