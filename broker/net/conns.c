/* conns.c: owns the connections of one shard and what they compete for.
 *
 * Memory: a connection that needs a block while the budget is spent waits in `starving` (first come, first served)
 * and is not read meanwhile. So that half frames cannot block one another for ever, one connection at a time
 * (`overdraft`) may exceed the budget until it holds no half frame any more: the bound is the budget and one largest
 * request. A peer that stops in the middle of a frame while others wait is closed after stall_ms.
 *
 * Idleness: `all` is ordered by last activity, so that the sweep looks at the oldest ones only. A connection with a
 * request at work (a parked fetch) is not idle. */
#include "broker/net/conns.h"

#include <unistd.h>

#include "broker/net/conn_int.h"
#include "common/base/alloc.h"
#include "common/base/check.h"

enum { TRIM_SWEEPS = 8, WAKE_AT_ONCE = 16 };
static const size_t KEEP_BYTES = (size_t)64 << 20;

static struct bn_loop *loop_of(const struct bn_conns *set) { return set->config.shard->loop; }

static void on_room(void *arg) {
    struct bn_conns *set = arg;
    if (!bn_framepool_over(set->pool, 0)) set->overdraft_spent = false;
    if (!bn_list_empty(&set->starving)) bn_loop_defer(loop_of(set), &set->wake);
}

static void wake(struct bn_task *t) {
    struct bn_conns *set = BN_CONTAINER_OF(t, struct bn_conns, wake);
    bool over = bn_framepool_over(set->pool, 0);
    if (over && (set->overdraft || set->overdraft_spent)) return;
    for (int i = 0; i < WAKE_AT_ONCE && !bn_list_empty(&set->starving); i++) {
        struct bn_list *first = bn_list_pop_front(&set->starving);
        bn_conn_fed(BN_CONTAINER_OF(first, struct bn_conn, starving_link));
    }
    if (!bn_list_empty(&set->starving)) bn_loop_defer(loop_of(set), &set->wake);
}

bool bn_conns_allow(struct bn_conn *c, size_t more) {
    struct bn_conns *set = c->set;
    if (!bn_framepool_over(set->pool, more)) return true;
    if (!set->overdraft && !set->overdraft_spent) set->overdraft = c;
    if (set->overdraft == c) return true;
    c->starved = true;
    bn_list_push_back(&set->starving, &c->starving_link);
    return false;
}

void bn_conns_settled(struct bn_conn *c) {
    if (c->set->overdraft != c) return;
    c->set->overdraft = NULL;
    c->set->overdraft_spent = true;
    on_room(c->set);
}

void bn_conns_left(struct bn_conn *c) {
    bn_list_remove(&c->link);
    bn_list_remove(&c->starving_link);
    c->set->count--;
    bn_conns_settled(c);
}

/* Others starve: closes whoever sits on half a frame and sends nothing. */
static void sweep_stalled(struct bn_conns *set, uint64_t now_ms) {
    BN_LIST_FOR(it, &set->all) {
        struct bn_conn *c = BN_CONTAINER_OF(it, struct bn_conn, link);
        if (c->active_ms + set->config.stall_ms > now_ms) return;
        if (!c->in || c->starved || c->replies.count > 0) continue;
        bn_conn_close(c,
                      "it stopped in the middle of a request while others wait for memory (queued.max.request.bytes)");
    }
}

static void sweep_idle(struct bn_conns *set, uint64_t now_ms) {
    BN_LIST_FOR(it, &set->all) {
        struct bn_conn *c = BN_CONTAINER_OF(it, struct bn_conn, link);
        if (c->active_ms + set->config.idle_ms > now_ms) return;
        if (c->replies.count > 0) { /* at work: looked at again in a while */
            c->active_ms = now_ms;
            bn_list_remove(&c->link);
            bn_list_push_back(&set->all, &c->link);
        } else {
            bn_conn_drop(c);
        }
    }
}

static void sweep(struct bn_timer *t) {
    struct bn_conns *set = BN_CONTAINER_OF(t, struct bn_conns, sweep);
    uint64_t now_ms = bn_loop_now_ms(loop_of(set));
    if (!bn_list_empty(&set->starving)) sweep_stalled(set, now_ms);
    if (set->config.idle_ms) sweep_idle(set, now_ms);
    if (++set->sweeps % TRIM_SWEEPS == 0) bn_framepool_trim(set->pool);
    if (set->count > 0 || bn_framepool_kept_bytes(set->pool) > 0) bn_timer_start(t, set->config.sweep_ms);
}

struct bn_conns *bn_conns_new(const struct bn_conns_config *config) {
    struct bn_conns *set = bn_alloc_zero(1, sizeof *set);
    set->config = *config;
    struct bn_conns_config *k = &set->config;
    if (!k->budget_bytes) k->budget_bytes = (size_t)256 << 20;
    if (!k->output_max_bytes) k->output_max_bytes = (size_t)16 << 20;
    if (!k->flush_bytes) k->flush_bytes = (size_t)1 << 20;
    if (!k->in_flight_max) k->in_flight_max = 64;
    if (!k->sweep_ms) k->sweep_ms = 1000;
    if (!k->stall_ms) k->stall_ms = 10000;
    BN_ASSERT(k->request_max_bytes > 0);
    bn_list_init(&set->all);
    bn_list_init(&set->starving);
    bn_task_init(&set->wake, wake);
    bn_timer_init(&set->sweep, k->shard->loop, sweep);
    set->pool = bn_framepool_new(k->shard, k->budget_bytes, KEEP_BYTES, on_room, set);
    return set;
}

void bn_conns_add(struct bn_conns *set, int fd, const struct bn_conn_origin *origin) {
    BN_ON_SHARD(set->config.shard);
    if (set->closed) {
        (void)close(fd);
        return;
    }
    set->count++;
    if (!bn_timer_running(&set->sweep)) bn_timer_start(&set->sweep, set->config.sweep_ms);
    bn_conn_start(set, fd, origin);
}

void bn_conns_close_all(struct bn_conns *set) {
    BN_ON_SHARD(set->config.shard);
    set->closed = true;
    while (!bn_list_empty(&set->all)) bn_conn_drop(BN_CONTAINER_OF(set->all.next, struct bn_conn, link));
    bn_timer_stop(&set->sweep);
}

void bn_conns_free(struct bn_conns *set) {
    if (!set) return;
    BN_ASSERT(set->count == 0);
    bn_timer_stop(&set->sweep);
    bn_task_cancel(&set->wake);
    bn_buf_unref(set->spare);
    bn_framepool_free(set->pool);
    bn_alloc_free(set);
}

uint32_t bn_conns_count(const struct bn_conns *set) { return set->count; }
struct bn_framepool *bn_conns_pool(struct bn_conns *set) { return set->pool; }
