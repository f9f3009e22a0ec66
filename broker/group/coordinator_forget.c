/* coordinator_forget.c: what nobody needs any more (6-groups 6.8): offsets that are old, offsets of topics that were
 * deleted, and groups in which neither members nor offsets are left. Each is forgotten here, by a tombstone in
 * __consumer_offsets, and a group in its znode, too. Nobody waits for the tombstones: one that is lost brings back what
 * the next look takes for old again. */
#include "broker/group/coordinator_int.h"
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "proto/kafka/batch.h"

enum { BATCH_MAX = 1000 }; /* tombstones; a batch must fit into max.message.bytes */

/* Which offsets are to go. */
struct sieve {
    bool (*drops)(const struct sieve *s, const struct bn_coordinator_club *k, const struct bn_offsets_entry *e);
    int64_t now_ms;             /* wall clock */
    const struct bn_map *names; /* topics; the values are their names */
};

struct tombstones { /* of one group, on their way into batches */
    struct bn_coordinator_club *club;
    const struct sieve *sieve;
    struct bn_batch_builder builder;
    int64_t now_ms;
    size_t dropped;
};

static void send(struct tombstones *t) {
    if (t->builder.count > 0)
        bn_coordinator_append(t->club->seat, &t->builder);
    else
        bn_batch_builder_fini(&t->builder);
}

static void add_record(struct tombstones *t, const struct bn_str *key) {
    if (t->builder.count == BATCH_MAX) {
        send(t);
        bn_batch_builder_init(&t->builder);
    }
    bn_batch_builder_add(&t->builder, t->builder.count, t->now_ms, bn_str_slice(key), BN_SLICE_NULL, 0, BN_SLICE_NULL);
}

static void add(struct tombstones *t, const struct bn_offsets_entry *e) {
    struct bn_str key;
    bn_str_init(&key);
    bn_grecord_write_offset_key(&key, bn_group_id(t->club->group), e->topic, e->partition);
    add_record(t, &key);
    bn_str_fini(&key);
    t->dropped++;
}

static bool drop_coming(void *arg, const struct bn_offsets_entry *e) {
    struct tombstones *t = arg;
    bool drops = t->sieve->drops(t->sieve, t->club, e);
    if (drops) add(t, e);
    return drops;
}

/* Those that are there, and those whose commits are under way, which stand in the log before these tombstones. */
static void drop_offsets(struct tombstones *t) {
    struct bn_coordinator_club *k = t->club;
    const struct bn_offsets_entry **dropped = bn_alloc((bn_offsets_count(&k->offsets) + 1) * sizeof(void *));
    size_t count = 0, at = 0;
    for (const struct bn_offsets_entry *e; (e = bn_offsets_next(&k->offsets, &at)) != NULL;)
        if (t->sieve->drops(t->sieve, k, e)) dropped[count++] = e;
    for (size_t i = 0; i < count; i++) {
        add(t, dropped[i]);
        bn_offsets_remove(&k->offsets, dropped[i]->topic, dropped[i]->partition);
    }
    bn_alloc_free(dropped);
    bn_coordinator_disown(k, drop_coming, t);
}

static bool may_go(const struct bn_coordinator_club *k) {
    return bn_group_state(k->group) == BN_GROUP_EMPTY && bn_group_size(k->group) == 0 && bn_list_empty(&k->writings) &&
           bn_offsets_count(&k->offsets) == 0;
}

/* True when the group is gone with its offsets: the club is freed. */
static bool sift(struct bn_coordinator_club *k, const struct sieve *sieve) {
    struct tombstones t = {.club = k, .sieve = sieve, .now_ms = sieve->now_ms};
    bn_batch_builder_init(&t.builder);
    drop_offsets(&t);
    /* A topic that goes takes groups along that were only of it; not one that happens to be empty for a moment, and
     * would begin again with its first generation. */
    bool gone = may_go(k) && (t.dropped > 0 || !sieve->names);
    if (gone && bn_group_generation(k->group) > 0) { /* else it has no record */
        struct bn_str key;
        bn_str_init(&key);
        bn_grecord_write_group_key(&key, bn_group_id(k->group));
        add_record(&t, &key);
        bn_str_fini(&key);
    }
    send(&t);
    if (!gone) return false;
    if (k->has_znode) bn_coordinator_unstore(k->seat, bn_group_id(k->group));
    bn_coordinator_club_free(k);
    return true;
}

/* Whatever is appended now comes back as done within the call or later, but frees no club. */
static void sift_all(struct bn_coordinator_seat *s, const struct sieve *sieve) {
    struct bn_coordinator_club **clubs = bn_alloc((s->groups.count + 1) * sizeof(void *));
    size_t count = 0, at = 0;
    for (struct bn_map_entry *e; (e = bn_map_next(&s->groups, &at)) != NULL;) clubs[count++] = e->value;
    for (size_t i = 0; i < count; i++) (void)sift(clubs[i], sieve);
    bn_alloc_free(clubs);
}

static int64_t wall_ms(const struct bn_coordinator_seat *s) { return bn_clock_wall_ms(s->c->deps->env->clock); }

/* ---- a group, by an administrator ---- */

static bool any(const struct sieve *s, const struct bn_coordinator_club *k, const struct bn_offsets_entry *e) {
    return true;
}

void bn_coordinator_forget(struct bn_coordinator_club *k) {
    const struct sieve sieve = {.drops = any, .now_ms = wall_ms(k->seat)};
    (void)sift(k, &sieve);
}

/* ---- what is left without offsets ---- */

static bool none(const struct sieve *s, const struct bn_coordinator_club *k, const struct bn_offsets_entry *e) {
    return false;
}

void bn_coordinator_forget_spent(struct bn_coordinator_club *k) {
    const struct sieve sieve = {.drops = none, .now_ms = wall_ms(k->seat)};
    k->leftover = false;
    (void)sift(k, &sieve);
}

/* ---- what is old ---- */

/* From when on an offset grows old; INT64_MAX: not while things are as they are. */
static int64_t since_ms(const struct bn_coordinator_club *k, const struct bn_offsets_entry *e) {
    struct bn_slice type = bn_group_protocol_type(k->group);
    if (bn_slice_is_null(type)) return e->committed.commit_ms; /* a simple consumer's */
    switch (bn_group_state(k->group)) {
    case BN_GROUP_EMPTY: /* not before its own time: an administrator may have set it meanwhile */
        return bn_max_i64(k->state_since_ms, e->committed.commit_ms);
    case BN_GROUP_STABLE: /* of topics that its consumers do not read any more (KIP-211) */
        if (!bn_slice_eq_str(type, "consumer") || bn_group_subscribes(k->group, e->topic)) return INT64_MAX;
        return e->committed.commit_ms;
    default:
        return INT64_MAX;
    }
}

static bool is_old(const struct sieve *s, const struct bn_coordinator_club *k, const struct bn_offsets_entry *e) {
    int64_t from_ms = since_ms(k, e);
    if (!bn_list_empty(&k->writings) || from_ms == INT64_MAX) return false; /* a commit under way may be a newer one */
    if (e->committed.expire_ms >= 0) return e->committed.expire_ms <= s->now_ms;
    return s->now_ms - from_ms >= k->seat->c->deps->retention_ms;
}

void bn_coordinator_expire(struct bn_coordinator_seat *s) {
    const struct sieve sieve = {.drops = is_old, .now_ms = wall_ms(s)};
    sift_all(s, &sieve);
}

/* ---- topics that were deleted ---- */

static bool is_of(const struct sieve *s, const struct bn_coordinator_club *k, const struct bn_offsets_entry *e) {
    return bn_map_get(s->names, e->topic) != NULL;
}

void bn_coordinator_topics_gone(struct bn_coordinator_seat *s, const struct bn_map *names) {
    const struct sieve sieve = {.drops = is_of, .now_ms = wall_ms(s), .names = names};
    sift_all(s, &sieve);
}
