/* mailbox.c: many senders, one owner. The queue is a stack that senders push to and the owner takes whole and
 * turns round, which keeps the order of every sender. Only the sender that finds it empty wakes the owner:
 * the others' messages go with the same wake-up. The owner posting to itself wakes nobody, it defers.
 *
 * A sender touches the mailbox after its message may already have run (it has yet to wake the owner), so a
 * mailbox outlives its senders' threads: stop all of them, then free. */
#include "common/sys/mailbox.h"

#include <stdatomic.h>
#include <uv.h>

#include "common/base/alloc.h"
#include "common/base/check.h"

struct bn_mailbox {
    uv_async_t async;
    struct bn_loop *loop;
    struct bn_task drain_later;
    _Atomic(struct bn_msg *) newest;
};

void bn_mailbox_drain(struct bn_mailbox *mb) {
    struct bn_msg *m = atomic_exchange_explicit(&mb->newest, NULL, memory_order_acquire);
    struct bn_msg *oldest = NULL;
    while (m) {
        struct bn_msg *next = m->next;
        m->next = oldest;
        oldest = m;
        m = next;
    }
    while (oldest) {
        m = oldest;
        oldest = m->next; /* read first: m belongs to run */
        m->next = NULL;
        m->run(m);
    }
}

static void async_cb(uv_async_t *a) { bn_mailbox_drain(a->data); }
static void drain_task(struct bn_task *t) { bn_mailbox_drain(BN_CONTAINER_OF(t, struct bn_mailbox, drain_later)); }

struct bn_mailbox *bn_mailbox_new(struct bn_loop *l) {
    struct bn_mailbox *mb = bn_alloc_zero(1, sizeof *mb);
    mb->loop = l;
    atomic_init(&mb->newest, NULL);
    bn_task_init(&mb->drain_later, drain_task);
    BN_ASSERT(uv_async_init(bn_loop_uv(l), &mb->async, async_cb) == 0);
    mb->async.data = mb;
    return mb;
}

static void free_cb(uv_handle_t *h) { bn_alloc_free(h->data); }

void bn_mailbox_free(struct bn_mailbox *mb) {
    if (!mb) return;
    while (atomic_load(&mb->newest)) bn_mailbox_drain(mb);
    bn_task_cancel(&mb->drain_later);
    uv_close((uv_handle_t *)&mb->async, free_cb);
}

void bn_mailbox_post(struct bn_mailbox *mb, struct bn_msg *m) {
    struct bn_msg *before = atomic_load_explicit(&mb->newest, memory_order_relaxed);
    do {
        m->next = before;
    } while (!atomic_compare_exchange_weak_explicit(&mb->newest, &before, m, memory_order_release,
                                                    memory_order_relaxed));
    if (before) return;
    if (bn_loop_is_here(mb->loop)) bn_loop_defer(mb->loop, &mb->drain_later);
    else uv_async_send(&mb->async);
}
