/* fake_partition.c: stands in for broker/replica at link time. */
#include "tests/unit/broker/api/fake_partition.h"

#include <check.h>

#include "broker/replica/survey.h"
#include "common/base/alloc.h"
#include "common/base/check.h"

struct bn_partition *bn_roster_find(struct bn_roster *r, const struct bn_uuid *topic_id, int32_t partition) {
    ck_assert_int_eq(topic_id->bytes[0], 7);
    return r && partition < FAKE_PARTITIONS ? &r->partitions[partition] : NULL;
}

int bn_roster_shard_of(const struct bn_uuid *topic_id, int32_t partition, int shard_count) {
    return partition % shard_count;
}

void bn_partition_append(struct bn_partition *p, struct bn_partition_append *a) {
    p->appends++;
    a->log.error = p->error;
    a->log.bad_record = p->error == KE_INVALID_RECORD ? 3 : -1;
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

void bn_partition_read(struct bn_partition *p, struct bn_partition_read *r) {
    p->reads++;
    p->read = *r;
    r->error = p->error;
    r->leader_id = p->leader;
    r->leader_epoch = p->leader_epoch;
    r->diverging_epoch = -1;
    r->diverging_end = -1;
    r->high_watermark = r->last_stable_offset = r->readable_end = p->end;
    r->log_start_offset = 0;
    r->bytes = 0;
    if (r->last_fetched_epoch >= 0 && p->diverging_end > 0) {
        r->diverging_epoch = 2;
        r->diverging_end = p->diverging_end;
        return;
    }
    if (p->error || r->offset >= p->end) return;
    size_t want = (size_t)(p->end - r->offset) * FAKE_RECORD_BYTES;
    if (want > r->max_bytes) want = r->whole_first ? bn_max_size(r->max_bytes, FAKE_RECORD_BYTES) : r->max_bytes;
    r->bytes = want;
    if (want > 0) memset(bn_chain_reserve(&r->records, want), 'r', want);
}

void bn_partition_interest_add(struct bn_partition *p, struct bn_partition_interest *i) {
    bn_list_push_back(&p->interests, &i->link);
    if (p->end > i->seen) i->moved(i, true);
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
    int api_key, version;
    void *message;
    int partition;
    int64_t end;
    int await;
};

static void run_step(struct fake_world *w, struct step *s, void (*run)(struct bn_msg *)) {
    s->msg.run = run;
    s->world = w;
    bn_shard_post(w->shard, &s->msg);
    bn_shard_run_here(w->shard);
}

static void do_send(struct bn_msg *m) {
    struct step *s = BN_CONTAINER_OF(m, struct step, msg);
    fake_send(&s->world->fake, s->api_key, s->version, s->message);
    bn_loop_stop(s->world->shard->loop);
}

void fake_world_send(struct fake_world *w, int api_key, int version, void *message) {
    struct step s = {.api_key = api_key, .version = version, .message = message};
    run_step(w, &s, do_send);
}

static void do_await(struct bn_msg *m) {
    struct step *s = BN_CONTAINER_OF(m, struct step, msg);
    if (s->world->fake.answers + s->world->fake.closes >= s->await)
        bn_loop_stop(s->world->shard->loop);
    else
        bn_shard_post(s->world->shard, m);
}

void fake_world_await(struct fake_world *w, int answers_and_closes) {
    struct step s = {.await = answers_and_closes};
    run_step(w, &s, do_await);
}

static void do_release(struct bn_msg *m) {
    struct step *s = BN_CONTAINER_OF(m, struct step, msg);
    struct bn_partition *p = &s->world->roster.partitions[s->partition];
    ck_assert_ptr_nonnull(p->parked);
    p->parked->done(p->parked);
    p->parked = NULL;
    bn_loop_stop(s->world->shard->loop);
}

void fake_world_release(struct fake_world *w, int partition) {
    struct step s = {.partition = partition};
    run_step(w, &s, do_release);
}

static void do_grow(struct bn_msg *m) {
    struct step *s = BN_CONTAINER_OF(m, struct step, msg);
    struct bn_partition *p = &s->world->roster.partitions[s->partition];
    p->end = s->end;
    BN_LIST_FOR (it, &p->interests) {
        struct bn_partition_interest *i = BN_CONTAINER_OF(it, struct bn_partition_interest, link);
        i->moved(i, true);
    }
    bn_loop_stop(s->world->shard->loop);
}

void fake_world_grow(struct fake_world *w, int partition, int64_t end) {
    struct step s = {.partition = partition, .end = end};
    run_step(w, &s, do_grow);
}

void fake_world_init(struct fake_world *w) {
    *w = (struct fake_world){0};
    w->shard = bn_shard_new(0);
    fake_init_on(&w->fake, w->shard);
    w->shards[0] = w->shard;
    w->rosters[0] = &w->roster;
    w->fake.deps.shards = w->shards;
    w->fake.deps.rosters = w->rosters;
    w->fake.deps.shard_count = 1;
    for (int i = 0; i < FAKE_PARTITIONS; i++) bn_list_init(&w->roster.partitions[i].interests);
    fake_topic(&w->fake, "t", 7, 3, 1);
}

void fake_world_fini(struct fake_world *w) {
    fake_fini(&w->fake);
    bn_shard_free(w->shard);
}
