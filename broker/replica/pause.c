/* pause.c: a broker that was stopped beyond its session and runs again still believes that it leads, and the requests
 * that came meanwhile wait at its sockets, before ZooKeeper's or the controller's word can. Epochs keep what it does
 * then from harm (safety §6), but not its answers: an idempotent producer that has gone on at the new leader, and is
 * told by the old one that its sequence is wrong, gives up. So after a pause appends wait for a moment, in which the
 * news arrives; where there is none, as after a laptop's sleep, leading goes on.
 *
 * A timer says that the loop runs. Whoever asks before it could compares himself: a loop that wakes up takes readiness
 * before timers, and may have been stopped in the midst of a turn, so that he needs the time anew. */
#include "broker/replica/pause.h"

#include "common/base/trace.h"

enum { HOLD_MS = 1000 };

static void look(struct bn_pause *s) {
    uint64_t now_ms = bn_loop_now_ms(s->loop);
    uint64_t since_ms = now_ms - s->seen_ms;
    s->seen_ms = now_ms;
    if (since_ms <= s->max_ms || s->holding) return;
    BN_WARN("pause", "This process did not run for %" PRIu64 " ms: what it leads waits for news", since_ms);
    s->holding = true;
    bn_timer_start(&s->end, HOLD_MS);
}

static void tick(struct bn_timer *t) {
    struct bn_pause *s = BN_CONTAINER_OF(t, struct bn_pause, tick);
    look(s);
    bn_timer_start(t, s->max_ms / 4 + 1);
}

static void end(struct bn_timer *t) {
    struct bn_pause *s = BN_CONTAINER_OF(t, struct bn_pause, end);
    s->holding = false;
    s->over(s->arg);
}

void bn_pause_init(struct bn_pause *s, struct bn_loop *loop, uint64_t max_ms, void (*over)(void *arg), void *arg) {
    *s = (struct bn_pause){.loop = loop, .max_ms = max_ms, .over = over, .arg = arg, .seen_ms = bn_loop_now_ms(loop)};
    bn_timer_init(&s->tick, loop, tick);
    bn_timer_init(&s->end, loop, end);
    if (max_ms > 0) bn_timer_start(&s->tick, max_ms / 4 + 1);
}

void bn_pause_fini(struct bn_pause *s) {
    bn_timer_stop(&s->tick);
    bn_timer_stop(&s->end);
}

bool bn_pause_holds(struct bn_pause *s) {
    if (s->max_ms == 0) return false;
    if (bn_loop_fresh_ms(s->loop) - s->seen_ms > s->max_ms) look(s);
    return s->holding;
}
