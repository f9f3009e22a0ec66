/* fetch_session.c: one Fetch request of a session (KIP-227), from its arrival to its answer.
 *
 * The connection's shard hands the request to the session's home, home looks at the lanes that have something, and the
 * answer is built where the connection is. Between hand-over and answer the request's arena is home's. A fetch that
 * finds too little parks at home, until a lane tells of something worth waking for, or its time is up.
 *
 *     arrive --> look --visits, gathered--> enough, urgent, or time is up --> finish --> reply
 *                 ^                           | else
 *                 +---- news, timer ------- parked
 *
 * What was found goes to the client only with the last look; the lanes keep what an earlier one gave as owed. */
#include "broker/api/fetch_session.h"

#include "broker/api/fetch_answer.h"
#include "common/base/alloc.h"
#include "common/base/check.h"

struct fetch;

struct visit { /* of one lane */
    struct bn_msg there, back;
    struct fetch *fetch;
    struct bn_session_lane *lane;
    int shard;
    struct bn_session_lane_change *first, *last; /* what the request changes there */
    struct bn_session_lane_visit v;
};

struct fetch {
    struct bn_request *request;
    struct bn_session_cache *cache; /* home's */
    struct bn_shard *home;
    int32_t id; /* of the session asked for; for the connection's shard */
    struct bn_msg there, back;
    /* home's, between there and back */
    struct bn_session_cache_entry *session; /* NULL once it is closed */
    struct bn_timer timer;
    struct visit *visits; /* by shard */
    int *order;           /* the shards of this look, in the order of the answer */
    int order_count, outstanding;
    int64_t listed; /* partitions that the request names */
    int64_t max_bytes;
    uint64_t deadline_ms;
    bool parked, again, last_try;
    /* the answer */
    bool refused; /* the arena did: close the connection */
    int16_t error;
    int32_t answer_id;
};

static const char TOO_MANY[] = "a Fetch names more partitions than its size allows";

static void look(struct fetch *f);

static bool by_id(const struct bn_request *r) { return r->header.api_version >= 13; }

static struct fetch *new_fetch(struct bn_request *r, int home) {
    size_t shards = (size_t)r->deps->shard_count;
    struct fetch *f = bn_arena_alloc(&r->arena, sizeof *f);
    if (!f) return NULL;
    f->request = r;
    f->home = r->deps->shards[home];
    f->cache = r->deps->sessions[home];
    f->max_bytes = bn_fetch_answer_max_bytes(r);
    f->visits = bn_arena_array(&r->arena, shards, sizeof *f->visits);
    f->order = bn_arena_array(&r->arena, shards, sizeof *f->order);
    return f->visits && f->order ? f : NULL;
}

/* ---- the answer, on the connection's shard ---- */

static bool tells(const struct bn_session_lane_result *item) { return item->news || item->read.bytes > 0; }

/* Neighbours of one topic share an entry, as in Kafka's answers; a topic may come more than once. */
static void fill(struct bn_request *r, struct kmsg_fetch_response *response, struct bn_session_lane_results *all) {
    size_t count = 0;
    for (struct bn_session_lane_results *it = all; it; it = it->next) count += (size_t)it->count;
    if (count == 0) return;
    r->arena.budget_bytes = SIZE_MAX; /* sized by the session, which is bounded */
    struct kmsg_fetch_response_partition *out = bn_arena_array(&r->arena, count, sizeof *out);
    struct kmsg_fetch_response_topic *topic = bn_arena_array(&r->arena, count, sizeof *topic);
    BN_ASSERT(out && topic);
    response->responses.v = topic--;
    for (struct bn_session_lane_results *it = all; it; it = it->next) {
        for (int i = 0; i < it->count; i++) {
            struct bn_session_lane_result *item = &it->items[i];
            if (!tells(item)) continue;
            if (response->responses.n == 0 || !bn_uuid_eq(&topic->topic_id, &item->key.topic_id)) {
                *++topic = kmsg_fetch_response_topic_default;
                topic->topic = item->name;
                topic->topic_id = item->key.topic_id;
                topic->partitions.v = out;
                response->responses.n++;
            }
            bn_fetch_answer_fill(r, response, &item->key.topic_id, item->key.partition, &item->read, out++);
            topic->partitions.n++;
        }
    }
}

/* Strings the visits' results together; they are home's no more. */
static struct bn_session_lane_results *take_results(struct fetch *f) {
    struct bn_session_lane_results *all = NULL, **end = &all;
    for (int i = 0; i < f->order_count; i++) {
        struct bn_session_lane_visit *v = &f->visits[f->order[i]].v;
        if (!v->results) continue;
        *end = v->results;
        end = &v->results->next;
        v->results = NULL;
    }
    f->order_count = 0;
    return all;
}

static void reply(struct fetch *f) {
    struct bn_request *r = f->request;
    struct bn_session_lane_results *all = take_results(f);
    if (f->refused) {
        bn_request_close(r, TOO_MANY);
    } else {
        struct kmsg_fetch_response response = kmsg_fetch_response_default;
        response.error_code = f->error;
        response.session_id = f->error ? 0 : f->answer_id;
        if (!f->error) fill(r, &response, all);
        bn_request_reply(r, &response); /* f is gone with it */
    }
    bn_session_lane_drop(all);
}

static void run_back(struct bn_msg *m) { reply(BN_CONTAINER_OF(m, struct fetch, back)); }

/* ---- at home ---- */

/* Versions without ids tell names. A topic that has just gone has none here: the session will end for it. */
static void name_results(struct fetch *f) {
    struct bn_request *r = f->request;
    const struct bn_image *image = r->deps->image(r->deps->arg, f->home);
    r->arena.budget_bytes = SIZE_MAX;
    for (int k = 0; k < f->order_count; k++) {
        struct bn_session_lane_results *all = f->visits[f->order[k]].v.results;
        for (int i = 0; all && i < all->count; i++) {
            struct bn_session_lane_result *item = &all->items[i];
            if (i > 0 && bn_uuid_eq(&item->key.topic_id, &all->items[i - 1].key.topic_id)) {
                item->name = all->items[i - 1].name;
                continue;
            }
            const struct bn_image_topic *topic = bn_image_topic_by_id(image, &item->key.topic_id);
            const char *copy = topic ? bn_arena_copy(&r->arena, bn_slice_str(topic->name)) : "";
            item->name = bn_slice_str(copy);
        }
    }
}

static void finish(struct fetch *f, int16_t error) {
    struct bn_request *r = f->request;
    struct bn_session_cache_entry *s = f->session;
    bn_timer_stop(&f->timer);
    f->parked = false;
    f->error = error;
    f->session = NULL;
    if (s) {
        s->fetch = NULL;
        s->answered_ms = (int64_t)bn_loop_now_ms(f->home->loop);
        for (int i = 0; i < r->deps->shard_count; i++) s->lanes[i].answered = true;
    }
    if (!error && !by_id(r)) name_results(f);
    if (f->home == r->shard)
        reply(f);
    else
        bn_shard_post(r->shard, &f->back);
}

/* The session was closed under this request. That is no fault of the request: it is answered with what it has, the next
 * one finds no session. */
static void closed(void *fetch) {
    struct fetch *f = fetch;
    f->session = NULL;
    if (!f->parked) return; /* the lanes being visited come back first */
    bn_session_lane_drop(take_results(f));
    finish(f, KE_NONE);
}

/* Each lane was given its share of max_bytes, but gives at least one batch: what is too much, in the order of the
 * answer, waits for the next request. It stays dirty, because its records are still there. */
static int64_t trim(struct fetch *f) {
    int64_t total = 0;
    for (int k = 0; k < f->order_count; k++) {
        struct bn_session_lane_results *all = f->visits[f->order[k]].v.results;
        for (int i = 0; all && i < all->count; i++) {
            struct bn_partition_read *read = &all->items[i].read;
            if (total > 0 && total + (int64_t)read->bytes > f->max_bytes) {
                bn_chain_fini(&read->records);
                bn_chain_init(&read->records);
                read->bytes = 0;
            }
            total += (int64_t)read->bytes;
        }
    }
    return total;
}

/* Counts the session's partitions anew; false when it has none, and is closed. */
static bool recount(struct fetch *f) {
    struct bn_session_cache_entry *s = f->session;
    int64_t size = 0;
    for (int i = 0; i < f->request->deps->shard_count; i++) size += s->lanes[i].slot_count;
    bn_session_cache_resize(s, size);
    if (size > 0) return true;
    f->session = NULL;
    s->fetch = NULL;
    f->answer_id = 0;
    bn_session_cache_close(s);
    return false;
}

static void gathered(struct fetch *f) {
    const struct kmsg_fetch_request *q = f->request->message;
    bool goes_on = f->session && recount(f), urgent = false, woken = false;
    int64_t total = trim(f);
    for (int k = 0; k < f->order_count; k++) urgent = urgent || f->visits[f->order[k]].v.urgent;
    uint64_t now_ms = bn_loop_now_ms(f->home->loop);
    if (!goes_on || urgent || f->last_try || now_ms >= f->deadline_ms || total >= q->min_bytes) {
        finish(f, KE_NONE);
        return;
    }
    for (int i = 0; i < f->request->deps->shard_count; i++) woken = woken || f->session->lanes[i].woken;
    f->again = true;
    if (woken) {
        look(f);
        return;
    }
    f->parked = true;
    bn_timer_start(&f->timer, f->deadline_ms - now_ms);
}

static void ended(struct fetch *f) {
    if (--f->outstanding == 0) gathered(f);
}

/* ---- visiting lanes ---- */

static void visited(struct visit *at) {
    struct fetch *f = at->fetch;
    if (f->session) {
        struct bn_session_cache_lane *lane = &f->session->lanes[at->shard];
        /* News that came before this were told before the visit, which has looked at them. On a clean lane they would
         * stand for ever, because it is not visited. */
        lane->woken = false;
        lane->dirty = at->v.dirty;
        lane->slot_count = at->v.slot_count;
    }
    ended(f);
}

static void run_visit_back(struct bn_msg *m) { visited(BN_CONTAINER_OF(m, struct visit, back)); }

static void run_visit_there(struct bn_msg *m) {
    struct visit *at = BN_CONTAINER_OF(m, struct visit, there);
    bn_session_lane_visit(at->lane, &at->v);
    bn_shard_post(at->fetch->home, &at->back);
}

static void prepare_visit(struct fetch *f, int shard, struct bn_session_cache_lane *lane) {
    struct bn_request *r = f->request;
    const struct kmsg_fetch_request *q = r->message;
    struct visit *at = &f->visits[shard];
    at->there.run = run_visit_there;
    at->back.run = run_visit_back;
    at->fetch = f;
    at->lane = lane->lane;
    at->shard = shard;
    at->v = (struct bn_session_lane_visit){
        .changes = f->again ? NULL : at->first,
        .confirmed = lane->answered,
        .progress = !f->again,
        .read_committed = q->isolation_level == 1,
        .by_id = by_id(r),
        .any_replica = bn_fetch_answer_any_replica(r),
        .rack = q->rack_id,
        .listener = r->listener,
        .replica_id = bn_fetch_answer_replica(r),
        .replica_epoch = r->header.api_version >= 15 ? q->replica_state.replica_epoch : -1,
        .heard_ms = f->session->answered_ms,
    };
    lane->dirty = lane->woken = lane->answered = false;
    f->order[f->order_count++] = shard;
}

/* Which lanes: those that are dirty, and those that the request changes. The first is drawn by lot, so that no pattern
 * of answers that are too full can starve a partition. */
static void choose(struct fetch *f) {
    struct bn_session_cache_entry *s = f->session;
    int shards = f->request->deps->shard_count;
    s->lot = s->lot * 1664525u + 1013904223u;
    int start = (int)((s->lot >> 16) % (uint32_t)shards);
    for (int k = 0; k < shards; k++) {
        int i = (start + k) % shards;
        bool changes = !f->again && f->visits[i].first;
        if (changes && !f->visits[i].first->forget) (void)bn_session_cache_lane(s, i);
        struct bn_session_cache_lane *lane = &s->lanes[i];
        if (!lane->lane) continue;
        if (lane->dirty || changes)
            prepare_visit(f, i, lane);
        else if (s->follower) /* that it asks again vouches for all that it asked for before */
            bn_session_lane_heard(lane->lane, s->answered_ms);
    }
}

static void look(struct fetch *f) {
    BN_ASSERT(f->outstanding == 0);
    bn_timer_stop(&f->timer); /* else it would look again while this one is under way */
    f->parked = false;
    bn_session_lane_drop(take_results(f));
    choose(f);
    f->outstanding = 1 + f->order_count; /* one is this function's own */
    int count = f->order_count;
    struct visit *mine = NULL;
    for (int k = 0; k < count; k++) { /* other shards first: they work meanwhile */
        struct visit *at = &f->visits[f->order[k]];
        at->v.max_bytes = f->max_bytes / count;
        if (f->request->deps->shards[at->shard] == f->home)
            mine = at;
        else
            bn_shard_post(f->request->deps->shards[at->shard], &at->there);
    }
    if (mine) {
        bn_session_lane_visit(mine->lane, &mine->v);
        visited(mine);
    }
    ended(f);
}

static void on_timer(struct bn_timer *t) {
    struct fetch *f = BN_CONTAINER_OF(t, struct fetch, timer);
    f->last_try = true;
    look(f);
}

void bn_fetch_session_news(struct bn_session_cache *cache, int32_t session_id, int lane, bool wake) {
    struct bn_session_cache_entry *s = bn_session_cache_find(cache, session_id);
    if (!s) return;
    s->lanes[lane].dirty = true;
    if (!wake) return;
    s->lanes[lane].woken = true;
    struct fetch *f = s->fetch;
    if (f && f->parked) look(f);
}

/* ---- a connection that ended ---- */

struct abandonment {
    struct bn_msg msg;
    struct bn_session_cache *cache;
    int32_t id;
    const void *fetch; /* only compared */
};

static void run_abandonment(struct bn_msg *m) {
    struct abandonment *a = BN_CONTAINER_OF(m, struct abandonment, msg);
    struct bn_session_cache_entry *s = bn_session_cache_find(a->cache, a->id);
    if (s && s->fetch && s->fetch == a->fetch) {
        struct fetch *f = s->fetch;
        f->last_try = true;
        if (f->parked) look(f);
    }
    bn_alloc_free(a);
}

static void on_abandoned(void *arg) {
    struct fetch *f = arg;
    struct abandonment *a = bn_alloc(sizeof *a);
    *a = (struct abandonment){.msg.run = run_abandonment, .cache = f->cache, .id = f->id, .fetch = f};
    bn_shard_post(f->home, &a->msg);
}

/* ---- what the request says ---- */

static struct bn_session_lane_change *add_change(struct fetch *f, const struct bn_uuid *topic_id, int32_t partition) {
    struct bn_request *r = f->request;
    struct bn_session_lane_change *c = bn_arena_alloc(&r->arena, sizeof *c);
    if (!c) {
        f->refused = true;
        return NULL;
    }
    c->key.topic_id = *topic_id;
    c->key.partition = partition;
    struct visit *at = &f->visits[bn_roster_shard_of(topic_id, partition, r->deps->shard_count)];
    if (at->last)
        at->last->next = c;
    else
        at->first = c;
    at->last = c;
    return c;
}

/* NULL: no topic of this name is known. */
static const struct bn_uuid *resolve(const struct fetch *f, const struct bn_uuid *id, struct bn_slice name) {
    const struct bn_request *r = f->request;
    if (by_id(r)) return id;
    const struct bn_image_topic *topic = bn_image_topic(r->deps->image(r->deps->arg, f->home), name);
    return topic ? &topic->id : NULL;
}

static bool read_listed(struct fetch *f) {
    const struct kmsg_fetch_request *q = f->request->message;
    for (int32_t i = 0; i < q->topics.n; i++) {
        const struct kmsg_fetch_request_topic *t = &q->topics.v[i];
        const struct bn_uuid *id = resolve(f, &t->topic_id, t->topic);
        if (!id) return false;
        for (int32_t k = 0; k < t->partitions.n; k++) {
            const struct kmsg_fetch_request_partition *in = &t->partitions.v[k];
            struct bn_session_lane_change *c = add_change(f, id, in->partition);
            if (!c) return false;
            c->max_bytes = in->partition_max_bytes;
            c->current_leader_epoch = in->current_leader_epoch;
            c->last_fetched_epoch = in->last_fetched_epoch;
            c->offset = in->fetch_offset;
            c->log_start_offset = in->log_start_offset;
            f->listed++;
        }
    }
    return true;
}

static bool read_forgotten(struct fetch *f) {
    const struct kmsg_fetch_request *q = f->request->message;
    for (int32_t i = 0; i < q->forgotten_topics_data.n; i++) {
        const struct kmsg_fetch_request_forgotten_topic *t = &q->forgotten_topics_data.v[i];
        const struct bn_uuid *id = resolve(f, &t->topic_id, t->topic);
        for (int32_t k = 0; id && k < t->partitions.n; k++) {
            struct bn_session_lane_change *c = add_change(f, id, t->partitions.v[k]);
            if (!c) return false;
            c->forget = true;
        }
    }
    return true;
}

/* False: a name that nobody knows (a session by names has known ones only), or the arena refuses. What is forgotten
 * goes after what is listed, as in Kafka. */
static bool read_changes(struct fetch *f) { return read_listed(f) && read_forgotten(f); }

static void begin_looking(struct fetch *f, struct bn_session_cache_entry *s) {
    struct bn_request *r = f->request;
    const struct kmsg_fetch_request *q = r->message;
    uint64_t wait_ms = bn_fetch_answer_wait_ms(r);
    f->session = s;
    f->answer_id = s->id;
    s->fetch = f;
    s->closed = closed;
    for (int32_t i = 0; !s->by_id && i < q->topics.n; i++) {
        const struct bn_uuid *id = resolve(f, &q->topics.v[i].topic_id, q->topics.v[i].topic);
        bn_session_cache_name(s, id);
    }
    f->deadline_ms = bn_loop_now_ms(f->home->loop) + wait_ms;
    f->last_try = wait_ms == 0;
    look(f);
}

/* ---- the three ways in ---- */

bool bn_fetch_session_begin(struct bn_request *r) {
    if (!r->deps->sessions) return false;
    struct fetch *f = new_fetch(r, r->shard->index);
    if (!f || !read_listed(f) || f->listed == 0) return false;
    bool follower = bn_fetch_answer_replica(r) >= 0;
    struct bn_session_cache_entry *s = bn_session_cache_open(f->cache, follower, by_id(r), f->listed);
    if (!s) return false;
    f->id = s->id;
    bn_timer_init(&f->timer, f->home->loop, on_timer);
    r->abandoned = on_abandoned;
    r->abandoned_arg = f;
    begin_looking(f, s);
    return true;
}

/* KIP-227's checks, and what a session cannot go on with. */
static int16_t check(struct fetch *f, struct bn_session_cache_entry *s) {
    const struct kmsg_fetch_request *q = f->request->message;
    if (!s || s->follower != (bn_fetch_answer_replica(f->request) >= 0)) return KE_FETCH_SESSION_ID_NOT_FOUND;
    if (s->epoch != q->session_epoch || s->fetch) return KE_INVALID_FETCH_SESSION_EPOCH;
    if (s->by_id != by_id(f->request)) return KE_FETCH_SESSION_TOPIC_ID_ERROR;
    if (bn_session_cache_names_hold(s) && read_changes(f) && bn_session_cache_touch(s, f->listed)) return KE_NONE;
    if (!f->refused) bn_session_cache_close(s);
    return KE_FETCH_SESSION_ID_NOT_FOUND;
}

static void run_there(struct bn_msg *m) { /* at home */
    struct fetch *f = BN_CONTAINER_OF(m, struct fetch, there);
    bn_timer_init(&f->timer, f->home->loop, on_timer);
    struct bn_session_cache_entry *s = bn_session_cache_find(f->cache, f->id);
    int16_t error = check(f, s);
    if (error) {
        finish(f, error);
        return;
    }
    s->epoch = s->epoch == INT32_MAX ? 1 : s->epoch + 1;
    begin_looking(f, s);
}

void bn_fetch_session_continue(struct bn_request *r) {
    const struct kmsg_fetch_request *q = r->message;
    if (!r->deps->sessions) {
        struct kmsg_fetch_response response = kmsg_fetch_response_default;
        response.error_code = KE_FETCH_SESSION_ID_NOT_FOUND;
        bn_request_reply(r, &response);
        return;
    }
    struct fetch *f = new_fetch(r, bn_session_cache_home(q->session_id, r->deps->shard_count));
    if (!f) {
        bn_request_close(r, TOO_MANY);
        return;
    }
    f->id = q->session_id;
    f->there.run = run_there;
    f->back.run = run_back;
    r->abandoned = on_abandoned;
    r->abandoned_arg = f;
    if (f->home == r->shard)
        run_there(&f->there);
    else
        bn_shard_post(f->home, &f->there);
}

struct ending {
    struct bn_msg msg;
    struct bn_session_cache *cache;
    int32_t id;
};

static void run_ending(struct bn_msg *m) {
    struct ending *e = BN_CONTAINER_OF(m, struct ending, msg);
    struct bn_session_cache_entry *s = bn_session_cache_find(e->cache, e->id);
    if (s) bn_session_cache_close(s);
    bn_alloc_free(e);
}

void bn_fetch_session_end(struct bn_request *r) {
    const struct kmsg_fetch_request *q = r->message;
    if (!r->deps->sessions) return;
    int home = bn_session_cache_home(q->session_id, r->deps->shard_count);
    struct ending *e = bn_alloc(sizeof *e);
    *e = (struct ending){.msg.run = run_ending, .cache = r->deps->sessions[home], .id = q->session_id};
    if (r->deps->shards[home] == r->shard)
        run_ending(&e->msg);
    else
        bn_shard_post(r->deps->shards[home], &e->msg);
}
