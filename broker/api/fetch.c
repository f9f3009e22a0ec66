/* fetch.c: Fetch 4-17. What belongs to a session is handed to fetch_session.c; here is the fetch without one (an
 * answer's session id is 0).
 *
 * Every partition is read at once on its own shard; what it gives is ranges of files, so reading costs a look-up. If
 * that is less than min_bytes, the request parks: it registers a wish with every partition and reads anew when one of
 * them moves, or the wait is over.
 *
 *     reading --gather--> enough, an error, or time is up --> answer
 *        ^                        | else
 *        |                     watching --first notify or timer--> unwatching --gather--+
 *        +------------------------------------------------------------------------------+
 */
#include "broker/api/api.h"
#include "broker/api/fetch_answer.h"
#include "broker/api/fetch_session.h"
#include "broker/api/scatter.h"

#include <stdatomic.h>

#include "common/base/check.h"

struct fetch;

struct fetch_part {
    struct bn_scatter_part scatter; /* first: scatter.h */
    struct bn_partition_read read;
    struct bn_partition_interest interest;
    struct fetch *fetch;
    int32_t partition_max_bytes;
    struct kmsg_fetch_response_partition *answer;
};

struct fetch {
    struct bn_scatter scatter;
    struct kmsg_fetch_response response;
    struct bn_timer timer;
    struct bn_msg wake;
    _Atomic bool woken; /* a wake message is under way, or the timer has rung */
    bool watching;      /* the watches are all registered; only then may they be taken back */
    bool wake_early;    /* woken while they were still being registered */
    bool last_try;      /* the wait is over: answer whatever there is */
    bool again;         /* it was parked: what is read now is no news of how far a follower is */
    int64_t max_bytes;  /* asked for, at most fetch.max.bytes */
    int64_t left_bytes; /* of max_bytes, when one shard reads all partitions in order */
    uint64_t deadline_ms;
};

static void read_all(struct fetch *f);

/* ---- reading ---- */

static void read_part(struct bn_scatter_part *part, struct bn_partition *partition) {
    struct fetch_part *p = BN_CONTAINER_OF(part, struct fetch_part, scatter);
    struct fetch *f = p->fetch;
    bool in_order = f->scatter.request->deps->shard_count == 1;
    int64_t max_bytes = p->partition_max_bytes;
    if (in_order) max_bytes = bn_min_i64(max_bytes, f->left_bytes);
    bool first = !in_order || f->left_bytes == f->max_bytes;
    p->read.max_bytes = (size_t)bn_max_i64(max_bytes, 0);
    p->read.whole_first = first;
    p->read.progress = !f->again;
    if (!partition)
        p->read.error = KE_NOT_LEADER_OR_FOLLOWER;
    else
        bn_partition_read(partition, &p->read);
    if (in_order) f->left_bytes -= (int64_t)p->read.bytes;
    bn_scatter_done(part);
}

/* ---- watching ---- */

static void wake(struct fetch *f) {
    if (!atomic_exchange(&f->woken, true)) bn_shard_post(f->scatter.request->shard, &f->wake);
}

static void moved(struct bn_partition_interest *i, bool wakes) {
    if (wakes) wake(BN_CONTAINER_OF(i, struct fetch_part, interest)->fetch);
}

static void watch_part(struct bn_scatter_part *part, struct bn_partition *partition) {
    struct fetch_part *p = BN_CONTAINER_OF(part, struct fetch_part, scatter);
    p->interest.moved = moved;
    p->interest.follower = p->read.replica_id >= 0;
    p->interest.any_replica = p->read.any_replica;
    p->interest.seen = p->read.readable_end; /* what is below was not enough */
    bn_list_init(&p->interest.link);
    if (partition)
        bn_partition_interest_add(partition, &p->interest);
    else
        wake(p->fetch);
    bn_scatter_done(part);
}

static void unwatch_part(struct bn_scatter_part *part, struct bn_partition *partition) {
    (void)partition; /* it may be gone: then it has told and forgotten the interest */
    bn_partition_interest_drop(&BN_CONTAINER_OF(part, struct fetch_part, scatter)->interest);
    bn_scatter_done(part);
}

static void gather_unwatched(struct bn_scatter *s) { read_all(BN_CONTAINER_OF(s, struct fetch, scatter)); }

static void stop_watching(struct fetch *f) {
    f->watching = false;
    bn_timer_stop(&f->timer);
    f->scatter.run = unwatch_part;
    f->scatter.gather = gather_unwatched;
    BN_ASSERT(bn_scatter_run(&f->scatter)); /* its lanes are there since the first run */
}

static void gather_watching(struct bn_scatter *s) {
    struct fetch *f = BN_CONTAINER_OF(s, struct fetch, scatter);
    f->watching = true;
    if (f->wake_early) stop_watching(f);
}

static void on_wake(struct bn_msg *m) {
    struct fetch *f = BN_CONTAINER_OF(m, struct fetch, wake);
    if (f->watching)
        stop_watching(f);
    else
        f->wake_early = true;
}

static void on_timer(struct bn_timer *t) {
    struct fetch *f = BN_CONTAINER_OF(t, struct fetch, timer);
    f->last_try = true;
    wake(f);
}

/* Nobody waits for the answer any more. While reading, woken is set: then nothing has to be done. */
static void on_abandoned(void *arg) { wake(arg); }

static void park(struct fetch *f) {
    struct bn_request *r = f->scatter.request;
    f->again = true;
    r->abandoned = on_abandoned;
    r->abandoned_arg = f;
    uint64_t now_ms = bn_loop_now_ms(r->shard->loop);
    atomic_store(&f->woken, false);
    f->wake_early = false;
    f->scatter.run = watch_part;
    f->scatter.gather = gather_watching;
    bn_timer_start(&f->timer, f->deadline_ms > now_ms ? f->deadline_ms - now_ms : 0);
    BN_ASSERT(bn_scatter_run(&f->scatter));
}

/* ---- answering ---- */

/* Partitions read side by side were each given all of max_bytes: those past it, in the order asked, wait for the next
 * request. */
static int64_t trim(struct fetch *f) {
    struct fetch_part *parts = f->scatter.parts;
    int64_t total = 0;
    for (int i = 0; i < f->scatter.count; i++) {
        int64_t bytes = (int64_t)parts[i].read.bytes;
        if (total > 0 && total + bytes > f->max_bytes) {
            bn_chain_fini(&parts[i].read.records);
            bn_chain_init(&parts[i].read.records);
        } else {
            total += bytes;
        }
    }
    return total;
}

static void answer(struct fetch *f) {
    struct bn_request *r = f->scatter.request;
    struct fetch_part *parts = f->scatter.parts;
    bn_timer_stop(&f->timer);
    for (int i = 0; i < f->scatter.count; i++) {
        bn_fetch_answer_fill(r, &f->response, &parts[i].scatter.topic_id, parts[i].scatter.partition, &parts[i].read,
                             parts[i].answer);
    }
    /* Encoding moves the chains' content into the reply. */
    bn_request_reply(r, &f->response);
}

static void gather_read(struct bn_scatter *s) {
    struct fetch *f = BN_CONTAINER_OF(s, struct fetch, scatter);
    struct bn_request *r = s->request;
    const struct kmsg_fetch_request *q = r->message;
    struct fetch_part *parts = s->parts;
    bool error = s->count == 0;
    for (int i = 0; i < s->count; i++) error = error || bn_fetch_answer_urgent(&parts[i].read);
    int64_t total = trim(f);
    bool over = f->last_try || bn_loop_now_ms(r->shard->loop) >= f->deadline_ms;
    if (error || over || total >= q->min_bytes || !r->conn)
        answer(f);
    else
        park(f);
}

static void read_all(struct fetch *f) {
    struct fetch_part *parts = f->scatter.parts;
    for (int i = 0; i < f->scatter.count; i++) {
        bn_chain_fini(&parts[i].read.records);
        bn_chain_init(&parts[i].read.records);
        if (!parts[i].scatter.skip) parts[i].read.bytes = 0;
    }
    f->left_bytes = f->max_bytes;
    f->scatter.run = read_part;
    f->scatter.gather = gather_read;
    BN_ASSERT(bn_scatter_run(&f->scatter));
}

/* ---- taking the request apart ---- */

static void prepare_part(struct bn_request *r, struct fetch_part *p, const struct bn_image_topic *topic,
                         int16_t missing, const struct kmsg_fetch_request_partition *in) {
    const struct kmsg_fetch_request *q = r->message;
    p->scatter.partition = in->partition;
    p->partition_max_bytes = in->partition_max_bytes;
    bn_chain_init(&p->read.records);
    p->read.offset = in->fetch_offset;
    p->read.current_leader_epoch = in->current_leader_epoch;
    p->read.last_fetched_epoch = in->last_fetched_epoch;
    p->read.replica_log_start = in->log_start_offset;
    p->read.replica_id = bn_fetch_answer_replica(r);
    p->read.replica_epoch = r->header.api_version >= 15 ? q->replica_state.replica_epoch : -1;
    p->read.leader_id = p->read.leader_epoch = -1;
    p->read.diverging_epoch = -1;
    p->read.diverging_end = -1;
    p->read.read_committed = q->isolation_level == 1;
    p->read.any_replica = bn_fetch_answer_any_replica(r);
    p->read.rack = q->rack_id;
    p->read.listener = r->listener;
    p->read.preferred = -1;
    p->read.high_watermark = p->read.last_stable_offset = p->read.log_start_offset = -1;
    if (topic) p->scatter.topic_id = topic->id;
    if (!topic)
        p->read.error = missing;
    else if (!bn_image_partition(topic, in->partition))
        p->read.error = KE_UNKNOWN_TOPIC_OR_PARTITION;
    p->scatter.skip = p->read.error != KE_NONE;
}

static bool prepare(struct bn_request *r, struct fetch *f) {
    const struct kmsg_fetch_request *q = r->message;
    bool by_id = r->header.api_version >= 13;
    for (int32_t i = 0; i < q->topics.n; i++) f->scatter.count += q->topics.v[i].partitions.n;
    struct fetch_part *parts = f->scatter.parts = bn_arena_array(&r->arena, (size_t)f->scatter.count, sizeof *parts);
    f->response.responses.v = bn_arena_array(&r->arena, (size_t)q->topics.n, sizeof *f->response.responses.v);
    if (!parts || !f->response.responses.v) return false;
    f->response.responses.n = q->topics.n;
    struct bn_image *image = r->deps->image(r->deps->arg, r->shard);
    for (int32_t i = 0; i < q->topics.n; i++) {
        const struct kmsg_fetch_request_topic *t = &q->topics.v[i];
        struct kmsg_fetch_response_topic *out = &f->response.responses.v[i];
        const struct bn_image_topic *topic = by_id ? bn_image_topic_by_id(image, &t->topic_id)
                                                   : bn_image_topic(image, t->topic);
        out->topic = t->topic;
        out->topic_id = t->topic_id;
        out->partitions.n = t->partitions.n;
        out->partitions.v = bn_arena_array(&r->arena, (size_t)t->partitions.n, sizeof *out->partitions.v);
        if (!out->partitions.v) return false;
        for (int32_t k = 0; k < t->partitions.n; k++, parts++) {
            parts->fetch = f;
            parts->answer = &out->partitions.v[k];
            prepare_part(r, parts, topic, by_id ? KE_UNKNOWN_TOPIC_ID : KE_UNKNOWN_TOPIC_OR_PARTITION,
                         &t->partitions.v[k]);
        }
    }
    return true;
}

/* The five forms of KIP-227. True: the request is in a session's hands. */
static bool into_session(struct bn_request *r) {
    const struct kmsg_fetch_request *q = r->message;
    if (r->header.api_version < 7) return false;
    bool whole = q->session_epoch == 0 || q->session_epoch == -1;
    if (!whole) {
        bn_fetch_session_continue(r);
        return true;
    }
    if (q->session_id != 0) bn_fetch_session_end(r);
    return q->session_epoch == 0 && bn_fetch_session_begin(r);
}

void bn_api_fetch(struct bn_request *r) {
    if (into_session(r)) return;
    struct fetch *f = bn_arena_alloc(&r->arena, sizeof *f);
    if (!f) {
        bn_request_close(r, "a Fetch names more partitions than its size allows");
        return;
    }
    bn_codec_defaults(&kmsg_fetch_response_desc, &f->response);
    f->scatter = (struct bn_scatter){.request = r, .part_size = sizeof(struct fetch_part)};
    f->max_bytes = bn_fetch_answer_max_bytes(r);
    f->wake.run = on_wake;
    atomic_init(&f->woken, true); /* until it parks */
    bn_timer_init(&f->timer, r->shard->loop, on_timer);
    uint64_t wait_ms = bn_fetch_answer_wait_ms(r);
    f->deadline_ms = bn_loop_now_ms(r->shard->loop) + wait_ms;
    f->last_try = wait_ms == 0;
    if (!prepare(r, f)) {
        bn_request_close(r, "a Fetch names more partitions than its size allows");
        return;
    }
    f->scatter.run = read_part;
    f->scatter.gather = gather_read;
    f->left_bytes = f->max_bytes;
    if (!bn_scatter_run(&f->scatter)) bn_request_close(r, "a Fetch names more partitions than its size allows");
}
