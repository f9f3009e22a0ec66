/* consumers.c: consumers, each at one partition for a while. What a consumer has read once was committed: it must be
 * kept as an acknowledged batch is. At the end, one of them reads all there is. */
#include "common/base/alloc.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/kapi.h"
#include "proto/kafka/kmsg.h"
#include "tests/sim/clients.h"

static void read_batches(struct sim_world *w, struct sim_consumer *c, struct bn_slice bytes, int64_t high_watermark) {
    struct sim_batch b;
    while (sim_logs_batch(bytes, &b)) {
        sim_invariant_read(w, c->topic, c->index, &b, c->position, high_watermark);
        c->position = b.next > c->position ? b.next : c->position;
        w->clients->reads++;
        bytes = bn_slice_of(bytes.ptr + b.length, bytes.len - (size_t)b.length);
    }
}

static void on_fetched(void *arg, const struct bn_client_answer *a) {
    struct sim_world *w = sim_here;
    struct sim_consumer *c = arg;
    const struct kmsg_fetch_response *r = a->response;
    c->asking = false;
    if (a->status || r->error_code || r->responses.n != 1) return;
    const struct kmsg_fetch_response_partition *got = &r->responses.v[0].partitions.v[0];
    /* A follower may lag behind what its leader has shown: then the leader is asked (KIP-392). */
    bool leads = c->led && sim_observer_leads(w, c->topic, c->index, c->broker);
    if (got->error_code == KE_OFFSET_OUT_OF_RANGE && leads) {
        if (!sim_observer_lossy(c->topic, c->index))
            sim_violated(w, "AckKept", "%s-%d: a consumer that has read up to offset %d hears that there is no such",
                         c->topic->name, c->index, (int)c->position);
        c->position = 0;
    }
    if (got->error_code == KE_NONE) read_batches(w, c, got->records.slice, got->high_watermark);
}

static void fetch(struct sim_world *w, struct sim_consumer *c, struct bn_client *from) {
    const struct sim_partition *p = &c->topic->partitions[c->index];
    const struct sim_state *state = &p->states[p->state_count - 1];
    struct kmsg_fetch_request_partition part = kmsg_fetch_request_partition_default;
    struct kmsg_fetch_request_topic topic = kmsg_fetch_request_topic_default;
    struct kmsg_fetch_request r = kmsg_fetch_request_default;
    part.partition = c->index;
    part.fetch_offset = c->position;
    /* As a client with fresh metadata: a leader that has been deposed and does not know it must not answer. */
    part.current_leader_epoch = state->leader_epoch;
    part.partition_max_bytes = w->healing ? 1 << 20 : 200;
    topic.topic = bn_slice_str(c->topic->name);
    topic.topic_id = c->topic->id;
    topic.partitions = (typeof(topic.partitions)){&part, 1};
    r.topics = (typeof(r.topics)){&topic, 1};
    r.replica_id = -1;
    r.session_epoch = -1;
    r.max_wait_ms = w->healing ? 0 : (int32_t)sim_below(w, 600);
    r.min_bytes = 1;
    r.max_bytes = 1 << 20;
    struct bn_client_call call = {.api_key = KAPI_FETCH,
                                  .version = BN_CLIENT_NEWEST,
                                  .request = &r,
                                  .timeout_ms = SIM_CALL_MS,
                                  .cb = on_fetched,
                                  .arg = c};
    c->asking = bn_client_call(from, &call) == BN_OK;
}

static void ask_leader(struct sim_world *w, struct sim_consumer *c) {
    int leader = sim_clients_leader(w, c->topic, c->index);
    c->broker = leader;
    c->led = leader >= 0 && sim_observer_leads(w, c->topic, c->index, leader);
    struct bn_client *from = leader >= 0 ? sim_clients_of(w, leader) : NULL;
    if (from) fetch(w, c, from);
}

void sim_consumers_step(struct sim_world *w, struct sim_consumer *c) {
    if (c->asking) return;
    bool moves = !c->topic || sim_chance(w, 15) || !sim_observer_is_current(w->observer, c->topic);
    if (moves) {
        int n = (int)sim_below(w, SIM_NAMES);
        c->topic = w->observer->current[n];
        c->index = (int32_t)sim_below(w, SIM_PARTITIONS);
        c->position = 0;
    }
    if (c->topic && c->topic->partitions[c->index].state_count) ask_leader(w, c);
}

/* ---- at the end ---- */

static const char *read_rest(struct sim_world *w, struct sim_consumer *c) {
    const struct sim_partition *p = &c->topic->partitions[c->index];
    int leader = p->states[p->state_count - 1].leader - 1;
    if (leader >= 0 && c->position >= sim_logs_end(w, leader, c->topic, c->index)) {
        sim_invariant_all_read(w, c->topic, c->index);
        w->clients->next_index++;
        c->topic = NULL;
    } else if (!c->asking) {
        ask_leader(w, c);
    }
    return "a consumer still reads";
}

const char *sim_clients_read_all(struct sim_world *w) {
    struct sim_clients *k = w->clients;
    struct sim_consumer *c = &k->consumers[0];
    if (k->next_name == SIM_TOPICS) return NULL;
    struct sim_topic *t = w->observer->current[k->next_name];
    if (!t || k->next_index == SIM_PARTITIONS || !t->partitions[k->next_index].state_count) {
        k->next_name++;
        k->next_index = 0;
        return "a consumer still reads";
    }
    if (c->topic != t || c->index != k->next_index || !w->clients->reading) {
        if (c->asking) return "a consumer waits for an answer";
        c->topic = t;
        c->index = k->next_index;
        c->position = 0;
        k->reading = true;
        sim_observer_forget_reads(&t->partitions[c->index]);
    }
    struct sim_where before = sim_enter(w, w->users, w->users->shards[0]);
    const char *what = read_rest(w, c);
    if (!c->topic) k->reading = false;
    sim_leave(w, before);
    return what;
}
