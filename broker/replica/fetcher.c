/* fetcher.c: the connection over which a shard's followers fetch from one leader's broker: one request at a time, as
 * Kafka's fetcher threads do. What is asked is fetchset.c's.
 *
 *   ADRIFT --address known--> RESOLVING (a name, on the pool) --> DIALING --greeted--> READY
 *     ^ ^                                                            |                   |
 *     | +--- 1, 2, 5, 10 ... 1000 ms, another address next ----------+-------------------+ lost, late, refused
 *     +--- the image moved the broker: at once
 *
 * A parked fetch must not keep news waiting. Three means, so that an idle cluster still asks once per
 * replica.fetch.wait.max.ms:
 *  - a fetch waits no longer than until the next partition's back-off ends, and hardly while one is being truncated;
 *  - what comes meanwhile from an image (a partition newly followed from this leader) gives the fetch under way a
 * moment to end, then drops the connection and asks anew over another: a fetch can't be called back;
 *  - an answer to a question that is no longer asked is not applied (bn_partition_fetched), and a leader from which
 *    nothing is followed any more is hung up on at once.
 *
 * A restarted broker fetches nothing before its registration is committed (safety §2), since only images make fetchers,
 * and the agent passes on none that is for another incarnation. */
#include "broker/replica/fetcher.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/trace.h"
#include "common/sys/resolve.h"
#include "proto/client/client.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/kapi.h"
#include "proto/kafka/kmsg.h"

enum {
    VERSION_MIN = 13, /* of Fetch: topic ids */
    CONNECT_MS = 10000,
    NUDGE_IDLE_MS = 5, /* the moment that a fetch under way has: shorter when it only waits for data */
    NUDGE_BUSY_MS = 20,
    NUDGE_EVERY_MS = 20, /* and one more for so many partitions, which are all named anew: */
    NUDGE_PARTITIONS = 64,
    CUT_WAIT_MS = 5, /* how long a fetch may wait for data while a truncation is under way */
    TELL_EVERY = 32, /* failures in a row */
};

static const uint16_t redial_ms[] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000};

enum state { ADRIFT, RESOLVING, DIALING, READY };

struct resolving { /* outlives the fetcher when it must */
    struct bn_job job;
    struct bn_fetcher *fetcher; /* NULL: nobody waits */
    char *host;
    int status;
    struct bn_resolved found;
    struct bn_err error;
};

struct bn_fetcher {
    const struct bn_roster_deps *deps;
    struct bn_fetchset set;
    void (*idle)(void *arg, struct bn_fetcher *f);
    void *arg;
    char name[96];

    char *host; /* of the leader's endpoint; NULL: the image has none */
    int port;
    int64_t broker_epoch;     /* ours */
    int64_t told_epoch;       /* ours, as the session knows it */
    struct bn_resolved found; /* count 0: not resolved */
    int next_address;

    enum state state;
    struct resolving *resolving;
    struct bn_client *client;
    bool calling;
    bool told;         /* that it is connected */
    uint32_t failures; /* in a row */
    uint64_t nudged_ms;
    struct bn_task step;
    struct bn_timer pause, nudge;
};

static void run_step(struct bn_task *t);

void bn_fetcher_poke(struct bn_fetcher *f) { bn_loop_defer(f->deps->shard->loop, &f->step); }
int32_t bn_fetcher_leader(const struct bn_fetcher *f) { return f->set.leader; }
struct bn_fetchset *bn_fetcher_set(struct bn_fetcher *f) {
    return &f->set;
}

/* ---- losing and keeping the connection ---- */

static void hang_up(struct bn_fetcher *f) {
    bn_client_free(f->client);
    f->client = NULL;
    f->calling = false;
    f->state = ADRIFT;
    bn_timer_stop(&f->nudge);
    bn_fetchset_renew(&f->set);
    f->set.session_id = 0;
}

/* What failed is tried again after a while that grows with every failure in a row. */
static void pause_for(struct bn_fetcher *f, const char *why) {
    size_t i = bn_min_size(f->failures, BN_ARRAY_LEN(redial_ms) - 1);
    if (f->failures % TELL_EVERY == 0) BN_WARN("fetcher", "%s %s", f->name, why);
    f->failures++;
    f->told = false;
    bn_timer_start(&f->pause, redial_ms[i]);
}

static void lose(struct bn_fetcher *f, const char *why) {
    bool greeted = f->state == READY;
    hang_up(f);
    if (!greeted && ++f->next_address < f->found.count) {
        bn_fetcher_poke(f); /* the name has another address */
        return;
    }
    if (!greeted) f->found.count = f->next_address = 0; /* looked up again, since it may have moved */
    pause_for(f, why);
}

static void pause_over(struct bn_timer *t) { bn_fetcher_poke(BN_CONTAINER_OF(t, struct bn_fetcher, pause)); }

static void on_closed(void *arg, const struct bn_err *e) { lose(arg, e->text); }

static void on_ready(void *arg) {
    struct bn_fetcher *f = arg;
    if (bn_client_version(f->client, KAPI_FETCH) < VERSION_MIN || bn_client_version(f->client, KAPI_LIST_OFFSETS) < 1) {
        lose(f, "the broker there serves no Fetch by topic id");
        return;
    }
    f->state = READY;
    if (!f->told) BN_INFO("fetcher", "%s connected to %s", f->name, bn_client_peer(f->client));
    f->told = true;
    bn_fetcher_poke(f);
}

/* ---- dialing ---- */

static void dial(struct bn_fetcher *f) {
    struct bn_err e = BN_ERR_NONE;
    char *client_id = bn_alloc_printf("broker-%d-fetcher-%d", f->deps->broker_id, f->deps->shard->index);
    const struct bn_client_conf conf = {
        .host = f->found.address[f->next_address],
        .port = f->port,
        .client_id = client_id,
        .connect_timeout_ms = bn_min_size(CONNECT_MS, f->deps->fetch_timeout_ms),
        .frame_max_bytes = INT32_MAX, /* a first batch comes whole, whatever its size; memory follows what arrives */
        .on_ready = on_ready,
        .on_closed = on_closed,
        .arg = f,
    };
    f->state = DIALING;
    f->client = bn_client_connect(f->deps->shard->loop, &conf, &e);
    bn_alloc_free(client_id);
    if (!f->client) lose(f, e.text);
}

static void resolve_run(struct bn_job *job) { /* pool thread */
    struct resolving *r = BN_CONTAINER_OF(job, struct resolving, job);
    r->status = bn_resolve_host(r->host, &r->found, &r->error);
}

static void resolve_done(struct bn_job *job) {
    struct resolving *r = BN_CONTAINER_OF(job, struct resolving, job);
    struct bn_fetcher *f = r->fetcher;
    if (f) {
        f->resolving = NULL;
        f->state = ADRIFT;
        f->found = r->found;
        f->next_address = 0;
        if (r->status)
            pause_for(f, r->error.text);
        else
            bn_fetcher_poke(f);
    }
    bn_alloc_free(r->host);
    bn_alloc_free(r);
}

static void find_address(struct bn_fetcher *f) {
    if (bn_resolve_is_number(f->host) && strlen(f->host) < BN_SOCK_NAME_MAX) {
        f->found.count = 1;
        memcpy(f->found.address[0], f->host, strlen(f->host) + 1);
        dial(f);
        return;
    }
    struct resolving *r = bn_alloc_zero(1, sizeof *r);
    r->fetcher = f;
    r->host = bn_alloc_strdup(f->host);
    r->job.run = resolve_run;
    r->job.done = resolve_done;
    r->job.reply_to = f->deps->shard->mailbox;
    f->resolving = r;
    f->state = RESOLVING;
    bn_pool_submit(f->deps->pool, &r->job);
}

static void stop_resolving(struct bn_fetcher *f) {
    if (f->resolving) f->resolving->fetcher = NULL;
    f->resolving = NULL;
    if (f->state == RESOLVING) f->state = ADRIFT;
}

/* ---- asking ---- */

/* False, and what is to be done is done: the call has no answer that can be used. */
static bool answered(struct bn_fetcher *f, const struct bn_client_answer *a) {
    f->calling = false;
    bn_timer_stop(&f->nudge);
    if (a->status == BN_OK) return true;
    if (a->status == BN_FULL) lose(f, a->why); /* else the connection ends, and says why */
    return false;
}

static void fetch_answered(void *arg, const struct bn_client_answer *a) {
    struct bn_fetcher *f = arg;
    struct bn_err e = BN_ERR_NONE;
    if (!answered(f, a)) return;
    int rc = bn_fetchset_answer(&f->set, a->response, &e);
    if (rc == BN_OK)
        f->failures = 0;
    else if (rc == BN_STALE && f->failures == 0)
        f->failures = 1; /* a session may be gone; not twice in a row */
    else
        pause_for(f, e.text);
    bn_fetcher_poke(f);
}

static void offsets_answered(void *arg, const struct bn_client_answer *a) {
    struct bn_fetcher *f = arg;
    if (!answered(f, a)) return;
    bn_fetchset_answer_offsets(&f->set, a->response);
    bn_fetcher_poke(f);
}

static void call(struct bn_fetcher *f, int api_key, void *request,
                 void (*cb)(void *arg, const struct bn_client_answer *answer)) {
    const struct bn_client_call what = {
        .api_key = api_key,
        .version = BN_CLIENT_NEWEST,
        .request = request,
        .timeout_ms = f->deps->fetch_timeout_ms,
        .cb = cb,
        .arg = f,
    };
    int rc = bn_client_call(f->client, &what);
    BN_ASSERT(rc == 0); /* ready, versions checked, one at a time */
    f->calling = true;
}

static uint64_t wait_ms(const struct bn_fetcher *f, uint64_t now_ms) {
    uint64_t due_ms = bn_fetchset_due_ms(&f->set);
    uint64_t ms = (uint64_t)bn_max_i64(f->deps->fetch_wait_max_ms, 0);
    if (due_ms != UINT64_MAX) ms = bn_min_size(ms, due_ms > now_ms ? due_ms - now_ms : 1);
    return bn_list_empty(&f->set.cutting) ? ms : bn_min_size(ms, CUT_WAIT_MS);
}

static void ask(struct bn_fetcher *f) {
    struct kmsg_list_offsets_request offsets;
    struct kmsg_fetch_request q;
    uint64_t now_ms = bn_loop_now_ms(f->deps->shard->loop);
    /* A leader counts what a session's partitions ask, and an idle one asks nothing: as another incarnation it says all
     * of them anew, or it would never be eligible again (KIP-903). */
    if (f->told_epoch != f->broker_epoch) bn_fetchset_renew(&f->set);
    f->told_epoch = f->broker_epoch;
    if (bn_fetchset_ask_offsets(&f->set, &offsets)) {
        call(f, KAPI_LIST_OFFSETS, &offsets, offsets_answered);
    } else if (bn_fetchset_ask(&f->set, &q)) {
        if (bn_client_version(f->client, KAPI_FETCH) >= 15) {
            q.replica_state.replica_id = f->deps->broker_id;
            q.replica_state.replica_epoch = f->broker_epoch;
        } else {
            q.replica_id = f->deps->broker_id;
        }
        q.max_wait_ms = (int32_t)wait_ms(f, now_ms);
        call(f, KAPI_FETCH, &q, fetch_answered);
    } else if (bn_fetchset_due_ms(&f->set) != UINT64_MAX) {
        uint64_t due_ms = bn_fetchset_due_ms(&f->set);
        bn_timer_start(&f->pause, due_ms > now_ms ? due_ms - now_ms : 1);
    }
}

/* The fetch under way had its moment. */
static void nudge_now(struct bn_timer *t) {
    struct bn_fetcher *f = BN_CONTAINER_OF(t, struct bn_fetcher, nudge);
    if (!f->calling || !bn_fetchset_pending(&f->set)) return;
    f->nudged_ms = bn_loop_now_ms(f->deps->shard->loop);
    hang_up(f);
    bn_fetcher_poke(f);
}

static void plan_nudge(struct bn_fetcher *f) {
    if (!bn_fetchset_pending(&f->set) || bn_timer_running(&f->nudge)) return;
    uint64_t now_ms = bn_loop_now_ms(f->deps->shard->loop);
    uint64_t every_ms = NUDGE_EVERY_MS + f->set.count / NUDGE_PARTITIONS;
    uint64_t next_ms = f->nudged_ms ? f->nudged_ms + every_ms : 0;
    uint64_t ms = f->set.got_records ? NUDGE_BUSY_MS : NUDGE_IDLE_MS;
    bn_timer_start(&f->nudge, bn_max_size(ms, next_ms > now_ms ? next_ms - now_ms : 0));
}

static void run_step(struct bn_task *t) {
    struct bn_fetcher *f = BN_CONTAINER_OF(t, struct bn_fetcher, step);
    if (f->set.count == 0) {
        f->idle(f->arg, f);
        return;
    }
    if (f->state == READY && f->calling) {
        plan_nudge(f);
        return;
    }
    /* In READY a pause waits for the end of a back-off, or holds back after a refusal. */
    if (f->state == READY && bn_timer_running(&f->pause) && f->failures < 2 && bn_fetchset_pending(&f->set))
        bn_timer_stop(&f->pause);
    if (f->state == RESOLVING || f->state == DIALING || bn_timer_running(&f->pause)) return;
    if (f->state == READY)
        ask(f);
    else if (!f->host)
        return;
    else if (f->found.count > 0)
        dial(f);
    else
        find_address(f);
}

/* ---- life ---- */

struct bn_fetcher *bn_fetcher_new(const struct bn_roster_deps *deps, struct bn_roster *roster, int32_t leader,
                                  void (*idle)(void *arg, struct bn_fetcher *f), void *arg) {
    struct bn_fetcher *f = bn_alloc_zero(1, sizeof *f);
    f->deps = deps;
    f->idle = idle;
    f->arg = arg;
    f->broker_epoch = f->told_epoch = -1;
    snprintf(f->name, sizeof f->name, "[ReplicaFetcher replicaId=%d, leaderId=%d, fetcherId=%d]", deps->broker_id,
             leader, deps->shard->index);
    bn_fetchset_init(&f->set, deps, roster, leader);
    bn_task_init(&f->step, run_step);
    bn_timer_init(&f->pause, deps->shard->loop, pause_over);
    bn_timer_init(&f->nudge, deps->shard->loop, nudge_now);
    return f;
}

void bn_fetcher_free(struct bn_fetcher *f) {
    hang_up(f);
    stop_resolving(f);
    bn_timer_stop(&f->pause);
    bn_task_cancel(&f->step);
    bn_fetchset_fini(&f->set);
    bn_alloc_free(f->host);
    bn_alloc_free(f);
}

void bn_fetcher_apply(struct bn_fetcher *f, const struct bn_image *image) {
    const struct bn_image_broker *me = bn_image_broker(image, f->deps->broker_id);
    const struct bn_image_broker *leader = bn_image_broker(image, f->set.leader);
    const struct bn_image_endpoint *at = leader ? bn_image_endpoint(leader, f->deps->inter_broker) : NULL;
    f->broker_epoch = me ? me->epoch : -1;
    if (!at) { /* a connection that stands may go on: what is followed from whom is another decision */
        bn_alloc_free(f->host);
        f->host = NULL;
        f->found.count = f->next_address = 0;
        return;
    }
    if (f->host && f->port == at->port && strcmp(f->host, at->host) == 0) return;
    bool moved = f->host != NULL;
    bn_alloc_free(f->host);
    f->host = bn_alloc_strdup(at->host);
    f->port = at->port;
    f->found.count = f->next_address = 0;
    f->failures = 0;
    stop_resolving(f);
    bn_timer_stop(&f->pause);
    if (moved || f->state == DIALING) hang_up(f);
    bn_fetcher_poke(f);
}
