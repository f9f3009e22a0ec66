/* fetch_session_random_test.c: goal: what a client puts together from incremental answers is the whole truth, and every
 * answer has exactly what KIP-227 says. Method: random appends, watermarks, start offsets, errors, replicas that come
 * and go, and requests of an honest client from any connection, against a model that looks at every partition every
 * time. */
#include <stdlib.h>

#include "tests/unit/broker/api/session_client.h"
#include "tests/unit/unit.h"

Suite *fetch_session_random_suite(void);

enum { PARTITIONS = 12, TOLD = 14, STEPS = 150, SEEDS_ALONE = 40, SEEDS_SPREAD = 6 };

struct view { /* of one partition, as the client has it */
    bool asked;
    int64_t offset;
    int64_t high_watermark, start; /* -1: an error, or never told */
};

struct play {
    struct fake_world w;
    struct session_client c;
    struct view views[TOLD];
    bool follower, open;
    uint64_t seed;
    char what[200]; /* for failures */
};

static uint64_t lot(struct play *p, uint64_t below) {
    p->seed ^= p->seed << 13;
    p->seed ^= p->seed >> 7;
    p->seed ^= p->seed << 17;
    return p->seed % below;
}

/* ---- the world moves ---- */

static void move(struct play *p) {
    int i = (int)lot(p, PARTITIONS);
    struct bn_partition *at = &p->w.roster.partitions[i];
    switch (lot(p, 8)) {
    case 0:
        fake_world_fail(&p->w, i, at->error ? KE_NONE : KE_NOT_LEADER_OR_FOLLOWER);
        break;
    case 1:
        fake_world_place(&p->w, i, at->absent);
        break;
    case 2:
        at->start++;
        fake_world_commit(&p->w, i, at->high_watermark);
        break;
    case 3:
    case 4:
        if (at->high_watermark < at->end) fake_world_commit(&p->w, i, at->high_watermark + 1);
        break;
    default:
        fake_world_grow(&p->w, i, at->end + 1 + (int64_t)lot(p, 3));
    }
}

/* ---- the naive model ---- */

static int16_t error_of(const struct play *p, int i) {
    if (i >= PARTITIONS || p->w.roster.partitions[i].absent) return KE_NOT_LEADER_OR_FOLLOWER;
    return p->w.roster.partitions[i].error;
}

static int64_t readable(const struct play *p, int i) {
    const struct bn_partition *at = &p->w.roster.partitions[i];
    return p->follower ? at->end : at->high_watermark;
}

static bool has_news(const struct play *p, int i) {
    const struct view *v = &p->views[i];
    const struct bn_partition *at = &p->w.roster.partitions[i];
    if (!v->asked) return false;
    if (error_of(p, i) != KE_NONE) return true;
    return v->high_watermark != at->high_watermark || v->start != at->start || v->offset < readable(p, i);
}

/* The answer has what the model says, and nothing else; the client takes it up. */
static void check_answer(struct play *p) {
    ck_assert_msg(p->c.answer.error_code == KE_NONE, "%s: error %d", p->what, p->c.answer.error_code);
    int count = 0;
    for (int i = 0; i < TOLD; i++) {
        const struct kmsg_fetch_response_partition *out = session_client_find(&p->c, i);
        struct view *v = &p->views[i];
        ck_assert_msg((out != NULL) == has_news(p, i), "%s: partition %d is%s told", p->what, i, out ? "" : " not");
        if (!out) continue;
        count++;
        ck_assert_int_eq(out->error_code, error_of(p, i));
        v->high_watermark = v->start = -1;
        if (out->error_code != KE_NONE) continue;
        int64_t got = (int64_t)(out->records.slice.len / FAKE_RECORD_BYTES);
        ck_assert_msg(v->offset + got == bn_max_i64(v->offset, readable(p, i)), "%s: partition %d: %d records", p->what,
                      i, (int)got);
        v->high_watermark = out->high_watermark;
        v->start = out->log_start_offset;
        ck_assert_int_eq(v->high_watermark, p->w.roster.partitions[i].high_watermark);
        ck_assert_int_eq(v->start, p->w.roster.partitions[i].start);
    }
    ck_assert_int_eq(session_client_count(&p->c), count); /* and none twice */
}

/* ---- the client ---- */

static void list(struct play *p, int i, int64_t offset) {
    struct view *v = &p->views[i];
    if (!v->asked) v->high_watermark = v->start = -1;
    v->asked = true;
    v->offset = offset;
    session_client_list(&p->c, i, offset);
}

static void begin(struct play *p) {
    p->c.epoch = 0;
    if (!p->open) p->c.id = 0;
    for (int i = 0; i < TOLD; i++) p->views[i].asked = false;
    for (int i = 0; i < TOLD; i++) {
        if (lot(p, 3) > 0 || i == 0) list(p, i, p->views[i].offset);
    }
}

static void go_on(struct play *p) {
    for (int i = 0; i < TOLD; i++) {
        struct view *v = &p->views[i];
        uint64_t draw = lot(p, 12);
        if (v->asked && i < PARTITIONS && draw < 6) { /* what was read is read */
            list(p, i, lot(p, 9) ? bn_max_i64(v->offset, readable(p, i)) : v->offset / 2);
        } else if (v->asked && draw == 6 && i > 0) {
            p->c.forgotten[p->c.forgotten_count++] = i;
            v->asked = false;
        } else if (!v->asked && draw == 7) {
            list(p, i, v->offset);
        }
    }
}

static bool wrong(struct play *p) {
    struct session_client other = p->c;
    other.listed_count = other.forgotten_count = 0;
    session_client_list(&other, 3, 5);
    other.epoch += 1 + (int32_t)lot(p, 5);
    session_client_ask(&other);
    return other.answer.error_code == KE_INVALID_FETCH_SESSION_EPOCH;
}

/* Waits for more than there is; the world moves until that has come. */
static void wait_parked(struct play *p) {
    p->c.wait_ms = 60000;
    p->c.min_bytes = (int32_t)(1 + lot(p, 4)) * FAKE_RECORD_BYTES;
    session_client_send(&p->c);
    for (int moves = 0; !session_client_take(&p->c); moves++) {
        ck_assert_msg(moves < 2000, "%s: never answered", p->what);
        move(p);
    }
    p->c.epoch++;
    p->c.id = p->c.answer.session_id;
    p->c.listed_count = p->c.forgotten_count = 0;
    p->c.wait_ms = 0;
    p->c.min_bytes = 1;
}

static void step(struct play *p) {
    p->c.shard = (int)lot(p, (uint64_t)p->w.shard_count);
    for (uint64_t moves = lot(p, 4); moves > 0; moves--) move(p);
    fake_world_settle(&p->w);
    if (!p->open || lot(p, 25) == 0)
        begin(p);
    else
        go_on(p);
    if (p->open && p->c.epoch > 0 && lot(p, 20) == 0) ck_assert(wrong(p));
    if (p->c.epoch > 0 && lot(p, 3) == 0)
        wait_parked(p);
    else
        session_client_ask(&p->c);
    p->open = p->c.id > 0;
    ck_assert_msg(p->open, "%s: no session", p->what);
    check_answer(p);
}

static void run_play(uint64_t seed, int shards) {
    struct play p = {.seed = seed * 0x9E3779B97F4A7C15u + 1, .follower = seed % 2};
    fake_world_init_sessions(&p.w, shards, 10, TOLD, PARTITIONS);
    session_client_init(&p.c, &p.w, 0);
    if (p.follower) p.c.replica = 2;
    for (int i = 0; i < PARTITIONS; i++) p.w.roster.partitions[i].high_watermark = 0;
    for (int i = 0; i < STEPS; i++) {
        (void)snprintf(p.what, sizeof p.what, "seed %d, %d shards, step %d, epoch %d", (int)seed, shards, i, p.c.epoch);
        step(&p);
    }
    fake_world_fini(&p.w);
    for (int i = 0; i < PARTITIONS; i++) ck_assert(bn_list_empty(&p.w.roster.partitions[i].interests));
}

/* BN_SEEDS=n plays so many. */
static int seeds(int usual) {
    const char *told = getenv("BN_SEEDS");
    return told ? (int)strtol(told, NULL, 10) : usual;
}

START_TEST(test_one_shard) {
    for (int i = 0; i < seeds(SEEDS_ALONE); i++) run_play((uint64_t)i, 1);
}
END_TEST

START_TEST(test_three_shards) {
    for (int i = 0; i < seeds(SEEDS_SPREAD); i++) run_play((uint64_t)i, 3);
}
END_TEST

Suite *fetch_session_random_suite(void) {
    Suite *s = suite_create("fetch_session_random");
    TCase *t = tcase_create("fetch_session_random");
    tcase_set_timeout(t, 600);
    tcase_add_test(t, test_one_shard);
    tcase_add_test(t, test_three_shards);
    suite_add_tcase(s, t);
    return s;
}
