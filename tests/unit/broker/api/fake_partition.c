/* fake_partition.c: stands in for broker/replica at link time. */
#include "tests/unit/broker/api/fake_partition.h"

#include <check.h>
#include <semaphore.h>

#include "broker/replica/survey.h"
#include "common/base/alloc.h"
#include "common/base/check.h"

struct bn_partition *bn_roster_find(struct bn_roster *r, const struct bn_uuid *topic_id, int32_t partition) {
    if (!r || topic_id->bytes[0] != 7 || partition < 0 || partition >= r->count) return NULL;
    return r->partitions[partition].absent ? NULL : &r->partitions[partition];
}

int bn_roster_shard_of(const struct bn_uuid *topic_id, int32_t partition, int shard_count) {
    return (int)((uint32_t)partition % (uint32_t)shard_count);
}

void bn_partition_append(struct bn_partition *p, struct bn_partition_append *a) {
    p->appends++;
    a->log.error = p->error;
    if (p->error == KE_INVALID_RECORD) {
        a->log.bad = bn_alloc_zero(2, sizeof *a->log.bad);
        a->log.bad_count = 2;
        for (int32_t i = 0; i < 2; i++) {
            a->log.bad[i].index = 3 + 2 * i;
            snprintf(a->log.bad[i].message, sizeof a->log.bad[i].message, "no key, %d", (int)i);
        }
    }
    snprintf(a->log.message, sizeof a->log.message, "%s", p->error ? "what is wrong" : "");
    a->log.base_offset = p->end;
    a->log.append_time_ms = -1;
    a->log_start_offset = 0;
    p->seen = *a;
    if (p->park)
        p->parked = a;
    else
        a->done(a);
}

static int64_t readable_end(const struct bn_partition *p, bool follower) {
    return follower || p->high_watermark < 0 ? p->end : p->high_watermark;
}

void bn_partition_read(struct bn_partition *p, struct bn_partition_read *r) {
    p->reads++;
    p->read = *r;
    r->error = p->error;
    r->leader_id = p->leader;
    r->leader_epoch = p->leader_epoch;
    r->diverging_epoch = -1;
    r->diverging_end = -1;
    r->preferred = -1;
    r->bytes = 0;
    r->high_watermark = r->last_stable_offset = r->log_start_offset = r->readable_end = -1;
    if (p->error) return;
    r->high_watermark = r->last_stable_offset = readable_end(p, false);
    r->readable_end = readable_end(p, r->replica_id >= 0);
    r->log_start_offset = p->start;
    if (r->last_fetched_epoch >= 0 && p->diverging_end > 0) {
        r->diverging_epoch = 2;
        r->diverging_end = p->diverging_end;
        return;
    }
    if (r->rack.len > 0 && p->closer > 0) r->preferred = p->closer;
    if (r->offset >= r->readable_end || r->preferred >= 0) return;
    size_t want = (size_t)(r->readable_end - r->offset) * FAKE_RECORD_BYTES;
    if (want > r->max_bytes) want = r->whole_first ? bn_max_size(r->max_bytes, FAKE_RECORD_BYTES) : r->max_bytes;
    want -= want % FAKE_RECORD_BYTES;
    r->bytes = want;
    if (want > 0) memset(bn_chain_reserve(&r->records, want), 'r', want);
}

void bn_partition_interest_add(struct bn_partition *p, struct bn_partition_interest *i) {
    bn_list_push_back(&p->interests, &i->link);
    if (p->error || readable_end(p, i->follower) > i->seen) i->moved(i, true);
}

void bn_partition_interest_drop(struct bn_partition_interest *i) { bn_list_remove(&i->link); }

void bn_partition_offsets(struct bn_partition *p, struct bn_partition_offsets *q) {
    q->error = p->error;
    q->found = (struct bn_log_found){q->timestamp == -1 ? p->end : 0, -1, 5};
}

void bn_partition_epoch_end(struct bn_partition *p, struct bn_partition_epoch_end *q) {
    q->error = p->error;
    q->found_epoch = q->epoch > 5 ? -1 : q->epoch;
    q->end_offset = q->epoch > 5 ? -1 : p->end;
    if (q->current_leader_epoch >= 0 && q->current_leader_epoch != 5)
        q->error = q->current_leader_epoch < 5 ? KE_FENCED_LEADER_EPOCH : KE_UNKNOWN_LEADER_EPOCH;
}

void bn_partition_trim(struct bn_partition *p, struct bn_partition_trim *t) {
    if (t->offset < 0) t->offset = p->end;
    t->error = t->offset > p->end ? KE_OFFSET_OUT_OF_RANGE : p->error;
    t->low_watermark = t->error ? -1 : t->offset;
    t->done(t);
}

/* ---- what administrators ask ---- */

void bn_survey_size(const struct bn_partition *p, struct bn_survey_size *out) {
    *out = (struct bn_survey_size){.dir_index = p->error ? -1 : 0, .size_bytes = p->end * FAKE_RECORD_BYTES};
}

int16_t bn_survey_producers(const struct bn_partition *p, struct bn_log_producer **out, int *count) {
    *count = (int)p->end;
    *out = bn_alloc_zero((size_t)*count + 1, sizeof **out);
    for (int i = 0; i < *count; i++) {
        (*out)[i] = (struct bn_log_producer){.id = 1000 + i,
                                             .last_timestamp = 5,
                                             .txn_start_offset = -1,
                                             .epoch = 2,
                                             .last_sequence = 9,
                                             .coordinator_epoch = -1};
    }
    return p->error;
}

int bn_logdirs_count(const struct bn_logdirs *d) { return 2; }
const char *bn_logdirs_path(const struct bn_logdirs *d, int dir_index) { return dir_index == 0 ? "/tmp" : "/gone"; }
bool bn_logdirs_online(const struct bn_logdirs *d, int dir_index) { return dir_index == 0; }

/* ---- the world ---- */

struct step {
    struct bn_msg msg;
    struct fake_world *world;
    void (*run)(struct fake_world *w, void *arg);
    void *arg;
    int shard;
    sem_t done;
};

static void run_step(struct bn_msg *m) {
    struct step *s = BN_CONTAINER_OF(m, struct step, msg);
    struct fake_world *w = s->world;
    s->run(w, s->arg);
    if (s->shard == 0)
        bn_loop_stop(w->shard->loop);
    else
        sem_post(&s->done);
}

void fake_world_run_on(struct fake_world *w, int shard, void (*run)(struct fake_world *w, void *arg), void *arg) {
    struct step s = {.msg.run = run_step, .world = w, .run = run, .arg = arg, .shard = shard};
    sem_init(&s.done, 0, 0);
    bn_shard_post(w->shards[shard], &s.msg);
    if (shard == 0) {
        bn_shard_run_here(w->shard);
    } else {
        while (sem_wait(&s.done) != 0) continue;
    }
    sem_destroy(&s.done);
}

struct fake *fake_world_conn(struct fake_world *w, int shard) {
    return shard == 0 ? &w->fake : &w->others[shard - 1];
}

struct sending {
    int shard, api_key, version;
    void *message;
};

static void do_send(struct fake_world *w, void *arg) {
    struct sending *s = arg;
    fake_send(fake_world_conn(w, s->shard), s->api_key, s->version, s->message);
}

void fake_world_send_on(struct fake_world *w, int shard, int api_key, int version, void *message) {
    struct sending s = {shard, api_key, version, message};
    fake_world_run_on(w, shard, do_send, &s);
}

void fake_world_send(struct fake_world *w, int api_key, int version, void *message) {
    fake_world_send_on(w, 0, api_key, version, message);
}

struct waiting {
    int shard, count;
    bool over;
};

static void do_look(struct fake_world *w, void *arg) {
    struct waiting *a = arg;
    const struct fake *f = fake_world_conn(w, a->shard);
    a->over = f->answers + f->closes >= a->count;
}

static void do_nothing(struct fake_world *w, void *arg) {}

void fake_world_await_on(struct fake_world *w, int shard, int answers_and_closes) {
    struct waiting a = {.shard = shard, .count = answers_and_closes};
    while (!a.over) {
        fake_world_run_on(w, 0, do_nothing, NULL); /* home's loop has to turn, too */
        fake_world_run_on(w, shard, do_look, &a);
    }
}

void fake_world_await(struct fake_world *w, int answers_and_closes) { fake_world_await_on(w, 0, answers_and_closes); }

/* A message and its answer may lie behind one another: as many rounds as a chain of them is long. */
void fake_world_settle(struct fake_world *w) {
    for (int round = 0; round < 6; round++) {
        for (int i = w->shard_count - 1; i >= 0; i--) fake_world_run_on(w, i, do_nothing, NULL);
    }
}

struct touching {
    int partition;
    int64_t number;
};

static void tell(struct bn_partition *p, bool appended, bool committed) {
    BN_LIST_FOR (it, &p->interests) {
        struct bn_partition_interest *i = BN_CONTAINER_OF(it, struct bn_partition_interest, link);
        bool wake = i->follower ? appended : committed;
        if (wake || committed) i->moved(i, wake);
    }
}

static void do_release(struct fake_world *w, void *arg) {
    struct bn_partition *p = &w->roster.partitions[((struct touching *)arg)->partition];
    ck_assert_ptr_nonnull(p->parked);
    p->parked->done(p->parked);
    p->parked = NULL;
}

static void do_grow(struct fake_world *w, void *arg) {
    struct touching *t = arg;
    w->roster.partitions[t->partition].end = t->number;
    tell(&w->roster.partitions[t->partition], true, w->roster.partitions[t->partition].high_watermark < 0);
}

static void do_commit(struct fake_world *w, void *arg) {
    struct touching *t = arg;
    w->roster.partitions[t->partition].high_watermark = t->number;
    tell(&w->roster.partitions[t->partition], false, true);
}

static void do_fail(struct fake_world *w, void *arg) {
    struct touching *t = arg;
    w->roster.partitions[t->partition].error = (int16_t)t->number;
    tell(&w->roster.partitions[t->partition], true, true);
}

static void do_place(struct fake_world *w, void *arg) {
    struct touching *t = arg;
    struct bn_partition *p = &w->roster.partitions[t->partition];
    p->absent = t->number == 0;
    for (struct bn_list *it; p->absent && (it = bn_list_pop_front(&p->interests)) != NULL;) {
        struct bn_partition_interest *i = BN_CONTAINER_OF(it, struct bn_partition_interest, link);
        i->moved(i, true);
    }
}

static void touch(struct fake_world *w, void (*run)(struct fake_world *, void *), int partition, int64_t number) {
    struct touching t = {partition, number};
    fake_world_run_on(w, partition % w->shard_count, run, &t);
}

void fake_world_release(struct fake_world *w, int partition) { touch(w, do_release, partition, 0); }
void fake_world_grow(struct fake_world *w, int partition, int64_t end) { touch(w, do_grow, partition, end); }
void fake_world_commit(struct fake_world *w, int partition, int64_t high_watermark) {
    touch(w, do_commit, partition, high_watermark);
}
void fake_world_fail(struct fake_world *w, int partition, int16_t error) { touch(w, do_fail, partition, error); }
void fake_world_place(struct fake_world *w, int partition, bool here) { touch(w, do_place, partition, here); }

static void init(struct fake_world *w, int shards, int told, int here) {
    *w = (struct fake_world){.shard_count = shards};
    w->roster.count = here;
    for (int i = 0; i < FAKE_PARTITIONS; i++) {
        bn_list_init(&w->roster.partitions[i].interests);
        w->roster.partitions[i].high_watermark = -1;
    }
    for (int i = 0; i < shards; i++) {
        w->shards[i] = bn_shard_new(i);
        w->rosters[i] = &w->roster;
    }
    w->shard = w->shards[0];
    for (int i = 0; i < shards; i++) {
        struct fake *f = fake_world_conn(w, i);
        fake_init_on(f, w->shards[i]);
        f->deps.shards = w->shards;
        f->deps.rosters = w->rosters;
        f->deps.shard_count = shards;
        fake_topic(f, "t", 7, told, 1);
    }
}

void fake_world_init(struct fake_world *w) { init(w, 1, 3, 2); }

void fake_world_init_sessions(struct fake_world *w, int shards, int slots, int told, int here) {
    init(w, shards, told, here);
    for (int i = 0; i < shards; i++) {
        struct fake *f = fake_world_conn(w, i);
        w->sessions[i] = bn_session_cache_new(&f->deps, w->shards[i], bn_session_cache_share(slots, i, shards), 1000);
        f->deps.sessions = w->sessions;
    }
    for (int i = 1; i < shards; i++) bn_shard_start(w->shards[i]);
}

static void do_close(struct fake_world *w, void *arg) {
    struct fake *f = fake_world_conn(w, *(int *)arg);
    bn_api_closed(f->api, fake_conn(f));
}

void fake_world_fini(struct fake_world *w) {
    for (int i = 0; i < w->shard_count; i++) fake_world_run_on(w, i, do_close, &i);
    fake_world_settle(w);
    for (int i = w->shard_count - 1; i >= 0; i--) bn_shard_stop(w->shards[i]);
    for (int i = 0; i < w->shard_count; i++) bn_session_cache_free(w->sessions[i]);
    for (int i = 0; i < w->shard_count; i++) fake_fini(fake_world_conn(w, i));
    for (int i = 0; i < w->shard_count; i++) bn_shard_free(w->shards[i]);
}
