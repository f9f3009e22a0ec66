/* crowd.c: time, chance and what is on its way. */
#include "tests/unit/broker/group/crowd.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/base/alloc.h"
#include "common/base/check.h"

uint32_t crowd_below(struct crowd *w, uint32_t bound) {
    w->random = w->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(w->random >> 33) % bound;
}

void crowd_fail(const struct crowd *w, const char *fmt, ...) {
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    ck_abort_msg("seed %d at %d ms: %s (again: GROUP_SEED=%d)", (int)w->seed, (int)w->now_ms, text, (int)w->seed);
}

void crowd_tell(const struct crowd *w, const char *fmt, ...) {
    va_list args;
    if (!w->told) return;
    va_start(args, fmt);
    fprintf(stderr, "%7d ", (int)w->now_ms);
    vfprintf(stderr, fmt, args);
    fprintf(stderr, "\n");
    va_end(args);
}

int64_t crowd_delay(struct crowd *w) {
    if (w->calm || crowd_below(w, 16)) return 1 + crowd_below(w, 5);
    return crowd_below(w, 3000);
}

uint32_t crowd_key(const struct crowd_client *c) {
    return c->instance < 0 ? c->process : 0x80000000u | (uint32_t)c->instance;
}

/* ---- the queue ---- */

static bool sooner(const struct crowd_event *a, const struct crowd_event *b) {
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void swap(struct crowd *w, int a, int b) {
    struct crowd_event *e = w->queue[a];
    w->queue[a] = w->queue[b];
    w->queue[b] = e;
}

struct crowd_event *crowd_push(struct crowd *w, int kind, int64_t in_ms) {
    struct crowd_event *e = bn_alloc_zero(1, sizeof *e);
    e->kind = kind;
    e->at_ms = w->now_ms + in_ms;
    e->order = w->order++;
    if (w->queued == w->queue_capacity) {
        w->queue_capacity = w->queue_capacity ? w->queue_capacity * 2 : 256;
        w->queue = bn_alloc_resize(w->queue, (size_t)w->queue_capacity * sizeof(struct crowd_event *));
    }
    int at = w->queued++;
    w->queue[at] = e;
    for (; at > 0 && sooner(w->queue[at], w->queue[(at - 1) / 2]); at = (at - 1) / 2) swap(w, at, (at - 1) / 2);
    return e;
}

static struct crowd_event *pop(struct crowd *w) {
    struct crowd_event *e = w->queue[0];
    w->queue[0] = w->queue[--w->queued];
    for (int at = 0;;) {
        int next = at, left = 2 * at + 1, right = left + 1;
        if (left < w->queued && sooner(w->queue[left], w->queue[next])) next = left;
        if (right < w->queued && sooner(w->queue[right], w->queue[next])) next = right;
        if (next == at) return e;
        swap(w, at, next);
        at = next;
    }
}

static void drop(struct crowd_event *e) {
    bn_alloc_free(e->plan);
    bn_alloc_free(e);
}

void crowd_run(struct crowd *w, int64_t ms) {
    int64_t end_ms = w->now_ms + ms;
    while (w->queued && w->queue[0]->at_ms <= end_ms) {
        struct crowd_event *e = pop(w);
        w->now_ms = e->at_ms;
        switch (e->kind) {
        case CROWD_ANSWERED:
        case CROWD_TIMED_OUT:
        case CROWD_BEATS:
        case CROWD_TRIES:
            crowd_client_event(w, e);
            break;
        default:
            crowd_house_event(w, e);
        }
        drop(e);
    }
    w->now_ms = end_ms;
    crowd_check_waits(w);
}

/* ---- life ---- */

void crowd_begin(struct crowd *w, uint64_t seed, bool told) {
    static const int sizes[] = {2, 3, 4, 6, 8, 8, 12, 16, 24, 100};
    memset(w, 0, sizeof *w);
    w->seed = seed;
    w->told = told;
    w->random = seed * 2654435761u + 1;
    w->now_ms = 1000;
    w->next_token = w->oldest_token = 1;
    w->cooperative = crowd_below(w, 2);
    w->size = sizes[crowd_below(w, BN_ARRAY_LEN(sizes))];
    if (w->size == CROWD_MAX && seed % 2) w->size = 5;
    w->partitions = 1 + (int)crowd_below(w, CROWD_PARTITIONS);
    w->settings = (struct bn_group_settings){6000, 1800000, CROWD_MAX * 10, crowd_below(w, 2) ? 0 : 500};
    w->house = -1;
    crowd_move(w, false);
}

void crowd_end(struct crowd *w) {
    while (w->queued) drop(pop(w));
    for (int i = 0; i < w->house_count; i++) crowd_house_end(w, &w->houses[i]);
    for (int i = 0; i < CROWD_MAX; i++) bn_alloc_free(w->clients[i].plan);
    group_store_fini(&w->stored);
    bn_alloc_free(w->queue);
    bn_group_outs_fini(&w->outs);
}
