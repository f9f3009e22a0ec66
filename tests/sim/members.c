/* members.c: members of consumer groups, as a Kafka client is one: finds the coordinator, joins, syncs (the leader
 * deals the partitions out in ranges), sends heartbeats, reads and commits offsets, leaves. Each has a connection of
 * its own, since a join may wait long for its answer, and one request at a time on it. Now and then one leaves, or
 * dies without a word and comes back: half of them as static members, under the same instance id. Or it does not ask
 * for so long that it is given up, and goes on as if nothing had been. */
#include "common/base/bytes.h"
#include "common/base/check.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/kapi.h"
#include "proto/kafka/kmsg.h"
#include "tests/sim/clients.h"
#include "tests/sim/groups.h"

enum { AGAIN_MS = 150, BEAT_MS = 900, CONNECT_MS = 3000, JOIN_MS = 2 * SIM_GROUP_REBALANCE_MS };

static void later(struct sim_world *w, struct sim_member *m, uint32_t ms) {
    m->next_ms = w->now_ms + 1 + sim_below(w, ms);
}

static void copy_id(char *to, struct bn_slice id) {
    size_t len = id.len < SIM_ID_LEN - 1 ? id.len : SIM_ID_LEN - 1;
    if (len) memcpy(to, id.ptr, len);
    to[len] = '\0';
}

/* ---- errors ---- */

/* Nobody hears any more what becomes of its request. */
static void give_up(struct sim_world *w, struct sim_member *m) {
    if (m->asking && m->nameless) m->stray_ms = w->now_ms;
    m->asking = m->nameless = false;
}

static void lose_coordinator(struct sim_world *w, struct sim_member *m) {
    give_up(w, m);
    bn_client_free(m->client);
    m->client = NULL;
    m->broker = -1;
    later(w, m, AGAIN_MS);
}

static void join_anew(struct sim_world *w, struct sim_member *m, bool forget_id) {
    m->phase = SIM_MEMBER_JOINS;
    m->parts = 0;
    if (forget_id) m->id[0] = '\0';
    later(w, m, AGAIN_MS);
}

/* As Kafka's clients take it, whatever they asked. */
static void take_error(struct sim_world *w, struct sim_member *m, int error) {
    switch (error) {
    case KE_NOT_COORDINATOR:
    case KE_COORDINATOR_NOT_AVAILABLE:
        lose_coordinator(w, m);
        break;
    case KE_COORDINATOR_LOAD_IN_PROGRESS:
        later(w, m, AGAIN_MS);
        break;
    case KE_UNKNOWN_MEMBER_ID:
    case KE_FENCED_INSTANCE_ID:
        join_anew(w, m, true);
        break;
    default:
        join_anew(w, m, false);
    }
}

/* True when the answer is one, and names no error. */
static bool is_good(struct sim_world *w, struct sim_member *m, const struct bn_client_answer *a, const char *what,
                    int error) {
    if (a->status)
        give_up(w, m);
    else if (error == KE_FENCED_INSTANCE_ID && !m->nameless)
        sim_invariant_fenced(w, m);
    m->asking = m->nameless = false;
    if (a->status == 0 && error == KE_NONE) return true;
    sim_event(w, "member %d of %s, generation %d: its %s fails: %s", m->number, m->group->name, m->generation, what,
              a->status ? a->why : bn_errors_name((int16_t)error));
    if (a->status)
        m->broker = -1; /* the connection ends: on_closed comes next */
    else
        take_error(w, m, error);
    return false;
}

static bool call(struct sim_world *w, struct sim_member *m, int key, void *request,
                 void (*cb)(void *arg, const struct bn_client_answer *a)) {
    struct bn_client_call c = {.api_key = key,
                               .version = BN_CLIENT_NEWEST,
                               .request = request,
                               .timeout_ms = key == KAPI_JOIN_GROUP ? JOIN_MS : SIM_CALL_MS,
                               .cb = cb,
                               .arg = m};
    m->sent = ++w->groups->moment;
    m->asking = bn_client_call(m->client, &c) == BN_OK;
    return m->asking;
}

static struct bn_slice instance_of(const struct sim_member *m) {
    return m->instance[0] ? bn_slice_str(m->instance) : BN_SLICE_NULL;
}

/* ---- the coordinator ---- */

static void on_closed(void *arg, const struct bn_err *e) {
    struct sim_member *m = arg;
    (void)e;
    lose_coordinator(sim_here, m);
}

static void on_found(void *arg, const struct bn_client_answer *a) {
    struct sim_member *m = arg;
    const struct kmsg_find_coordinator_response *r = a->response;
    m->finding = false;
    later(sim_here, m, AGAIN_MS);
    if (a->status || r->coordinators.n != 1 || r->coordinators.v[0].error_code) return;
    m->broker = r->coordinators.v[0].node_id - 1;
    m->next_ms = 0;
}

static void find(struct sim_world *w, struct sim_member *m) {
    struct bn_client *to = sim_clients_of(w, (int)sim_below(w, (uint32_t)w->broker_count));
    struct kmsg_find_coordinator_request r = kmsg_find_coordinator_request_default;
    struct bn_slice key = bn_slice_str(m->group->name);
    r.coordinator_keys = (typeof(r.coordinator_keys)){&key, 1};
    struct bn_client_call c = {.api_key = KAPI_FIND_COORDINATOR,
                               .version = BN_CLIENT_NEWEST,
                               .request = &r,
                               .timeout_ms = SIM_CALL_MS,
                               .cb = on_found,
                               .arg = m};
    later(w, m, AGAIN_MS);
    m->finding = to && bn_client_call(to, &c) == BN_OK;
}

/* True when it may ask its coordinator. */
static bool is_connected(struct sim_world *w, struct sim_member *m) {
    if (m->client) return bn_client_is_ready(m->client);
    if (m->finding) return false;
    if (m->broker < 0) {
        find(w, m);
        return false;
    }
    char name[8];
    snprintf(name, sizeof name, "m%d", m->number);
    struct bn_client_conf conf = {.host = "127.0.0.1",
                                  .port = SIM_PORT_BROKER + m->broker + 1,
                                  .client_id = name,
                                  .connect_timeout_ms = CONNECT_MS,
                                  .on_closed = on_closed,
                                  .arg = m};
    m->client = bn_client_connect(w->users->shards[0]->loop, &conf, NULL);
    return false;
}

/* ---- joining ---- */

static void on_joined(void *arg, const struct bn_client_answer *a) {
    struct sim_world *w = sim_here;
    struct sim_member *m = arg;
    const struct kmsg_join_group_response *r = a->response;
    if (a->status == 0 && r->error_code == KE_MEMBER_ID_REQUIRED) {
        m->asking = m->nameless = false;
        copy_id(m->id, r->member_id);
        return;
    }
    if (!is_good(w, m, a, "join", a->status ? 0 : r->error_code)) return;
    char leader[SIM_ID_LEN];
    copy_id(m->id, r->member_id);
    copy_id(leader, r->leader);
    m->generation = r->generation_id;
    m->other_count = 0;
    for (int32_t i = 0; i < r->members.n && i < SIM_GROUP_IDS; i++)
        copy_id(m->others[m->other_count++], r->members.v[i].member_id);
    m->leads = strcmp(leader, m->id) == 0 && !r->skip_assignment;
    sim_event(w, "member %d of %s is in generation %d as %s; %s leads, of %d", m->number, m->group->name, m->generation,
              m->id, leader, m->other_count);
    struct sim_joined j = {m->generation, leader, m->id, (const char(*)[SIM_ID_LEN])m->others, m->other_count};
    sim_invariant_joined(w, m->group, &j);
    m->phase = SIM_MEMBER_SYNCS;
}

static void join(struct sim_world *w, struct sim_member *m) {
    struct kmsg_join_group_request_protocol p = kmsg_join_group_request_protocol_default;
    struct kmsg_join_group_request r = kmsg_join_group_request_default;
    p.name = BN_SLICE_LIT("range");
    p.metadata = BN_SLICE_LIT("whatever");
    r.group_id = bn_slice_str(m->group->name);
    r.session_timeout_ms = SIM_GROUP_SESSION_MS;
    r.rebalance_timeout_ms = SIM_GROUP_REBALANCE_MS;
    r.member_id = bn_slice_str(m->id);
    r.group_instance_id = instance_of(m);
    r.protocol_type = BN_SLICE_LIT("consumer");
    r.protocols = (typeof(r.protocols)){&p, 1};
    m->parts = 0;
    m->nameless = call(w, m, KAPI_JOIN_GROUP, &r, on_joined) && !m->id[0];
}

/* ---- syncing ---- */

static void on_synced(void *arg, const struct bn_client_answer *a) {
    struct sim_world *w = sim_here;
    struct sim_member *m = arg;
    const struct kmsg_sync_group_response *r = a->response;
    if (!is_good(w, m, a, "sync", a->status ? 0 : r->error_code)) return;
    uint64_t hand = r->assignment.len == 9 ? bn_get_u64(r->assignment.ptr) : 0;
    m->parts = hand ? (uint8_t)r->assignment.ptr[8] : 0;
    m->phase = SIM_MEMBER_IN;
    sim_event(w, "member %d of %s has partitions %x of generation %d, by hand %d", m->number, m->group->name, m->parts,
              m->generation, (int)hand);
    sim_invariant_synced(w, m->group, m, hand);
}

/* In ranges: the members in the order in which they are told, each as many partitions as the others, or one more. */
static uint8_t range_of(const struct sim_member *m, int i) {
    int n = m->other_count, each = SIM_PARTITIONS / n, more = SIM_PARTITIONS % n;
    int first = i * each + (i < more ? i : more), count = each + (i < more);
    return (uint8_t)(((1u << count) - 1) << first);
}

static void sync(struct sim_world *w, struct sim_member *m) {
    struct kmsg_sync_group_request_assignment dealt[SIM_GROUP_IDS];
    struct kmsg_sync_group_request r = kmsg_sync_group_request_default;
    uint8_t bytes[SIM_GROUP_IDS][9];
    uint64_t hand = ++w->groups->hands;
    for (int i = 0; i < m->other_count; i++) {
        bn_put_u64(bytes[i], hand);
        bytes[i][8] = range_of(m, i);
        dealt[i] = kmsg_sync_group_request_assignment_default;
        dealt[i].member_id = bn_slice_str(m->others[i]);
        dealt[i].assignment = bn_slice_of(bytes[i], 9);
    }
    r.group_id = bn_slice_str(m->group->name);
    r.generation_id = m->generation;
    r.member_id = bn_slice_str(m->id);
    r.group_instance_id = instance_of(m);
    r.protocol_type = BN_SLICE_LIT("consumer");
    r.protocol_name = BN_SLICE_LIT("range");
    if (m->leads) r.assignments = (typeof(r.assignments)){dealt, m->other_count};
    call(w, m, KAPI_SYNC_GROUP, &r, on_synced);
}

/* ---- living ---- */

static void on_beat(void *arg, const struct bn_client_answer *a) {
    struct sim_world *w = sim_here;
    struct sim_member *m = arg;
    const struct kmsg_heartbeat_response *r = a->response;
    if (!is_good(w, m, a, "heartbeat", a->status ? 0 : r->error_code)) return;
    sim_invariant_kept_member(w, m->group, m);
    later(w, m, BEAT_MS);
}

static void beat(struct sim_world *w, struct sim_member *m) {
    struct kmsg_heartbeat_request r = kmsg_heartbeat_request_default;
    r.group_id = bn_slice_str(m->group->name);
    r.generation_id = m->generation;
    r.member_id = bn_slice_str(m->id);
    r.group_instance_id = instance_of(m);
    call(w, m, KAPI_HEARTBEAT, &r, on_beat);
}

static void on_committed(void *arg, const struct bn_client_answer *a) {
    struct sim_world *w = sim_here;
    struct sim_member *m = arg;
    const struct kmsg_offset_commit_response *r = a->response;
    int error = KE_NONE, at = 0;
    for (int32_t k = 0; k < SIM_PARTITIONS && a->status == 0; k++) {
        if (m->commits[k] < 0) continue;
        BN_ASSERT(r->topics.n == 1 && at < r->topics.v[0].partitions.n);
        int one = r->topics.v[0].partitions.v[at++].error_code;
        sim_invariant_commit_answered(w, m->group, m, k, one);
        if (one != KE_NONE) error = one;
    }
    if (is_good(w, m, a, "commit", error)) later(w, m, BEAT_MS);
}

static void commit(struct sim_world *w, struct sim_member *m) {
    struct kmsg_offset_commit_request_partition parts[SIM_PARTITIONS];
    struct kmsg_offset_commit_request_topic t = kmsg_offset_commit_request_topic_default;
    struct kmsg_offset_commit_request r = kmsg_offset_commit_request_default;
    int32_t count = 0;
    bool all = sim_chance(w, 2);
    for (int32_t k = 0; k < SIM_PARTITIONS; k++) {
        m->commits[k] = -1;
        if (!(m->parts >> k & 1) || (count && !all)) continue;
        parts[count] = kmsg_offset_commit_request_partition_default;
        parts[count].partition_index = k;
        parts[count].committed_offset = ++w->groups->offsets;
        parts[count].committed_metadata = BN_SLICE_LIT("");
        m->commits[k] = sim_invariant_commit_sent(w, m->group, k, parts[count++].committed_offset);
    }
    t.name = bn_slice_str(sim_observer_name(SIM_OFFSETS));
    t.partitions = (typeof(t.partitions)){parts, count};
    r.group_id = bn_slice_str(m->group->name);
    r.generation_id_or_member_epoch = m->generation;
    r.member_id = bn_slice_str(m->id);
    r.group_instance_id = instance_of(m);
    r.topics = (typeof(r.topics)){&t, 1};
    call(w, m, KAPI_OFFSET_COMMIT, &r, on_committed);
}

/* ---- leaving ---- */

static void on_left(void *arg, const struct bn_client_answer *a) {
    struct sim_member *m = arg;
    (void)a; /* whatever it says: a client that leaves does not wait */
    m->asking = false;
    m->phase = SIM_MEMBER_OUT;
    m->id[0] = '\0';
}

static void leave(struct sim_world *w, struct sim_member *m) {
    struct kmsg_leave_group_request_member one = kmsg_leave_group_request_member_default;
    struct kmsg_leave_group_request r = kmsg_leave_group_request_default;
    one.member_id = bn_slice_str(m->id);
    one.group_instance_id = instance_of(m);
    r.group_id = bn_slice_str(m->group->name);
    r.members = (typeof(r.members)){&one, 1};
    call(w, m, KAPI_LEAVE_GROUP, &r, on_left);
}

/* Without a word, wherever it stands. */
static void die(struct sim_world *w, struct sim_member *m) {
    sim_event(w, "member %d of %s dies", m->number, m->group->name);
    give_up(w, m);
    bn_client_free(m->client);
    m->client = NULL;
    m->phase = SIM_MEMBER_OUT;
    m->parts = 0;
    m->id[0] = '\0';
    later(w, m, sim_chance(w, 2) ? 300 : 3 * SIM_GROUP_SESSION_MS);
}

/* ---- what it wants ---- */

static void change_mind(struct sim_world *w, struct sim_member *m) {
    if (w->healing) {
        m->wants = true;
    } else if (sim_chance(w, 8)) {
        m->wants = !m->wants;
    } else if (m->phase != SIM_MEMBER_OUT && sim_chance(w, 6)) {
        die(w, m);
    } else if (m->phase == SIM_MEMBER_IN && sim_chance(w, 4)) {
        sim_event(w, "member %d of %s is busy for a while", m->number, m->group->name);
        later(w, m, 3 * SIM_GROUP_SESSION_MS);
    }
}

static void act(struct sim_world *w, struct sim_member *m) {
    switch (m->phase) {
    case SIM_MEMBER_OUT:
    case SIM_MEMBER_JOINS:
        join(w, m);
        m->phase = SIM_MEMBER_JOINS;
        break;
    case SIM_MEMBER_SYNCS:
        sync(w, m);
        break;
    case SIM_MEMBER_IN:
        if (m->parts && sim_chance(w, 2))
            commit(w, m);
        else
            beat(w, m);
        break;
    case SIM_MEMBER_LEAVES:
        leave(w, m);
        break;
    }
}

void sim_members_step(struct sim_world *w, struct sim_member *m) {
    if (sim_chance(w, w->healing ? 20 : 400)) change_mind(w, m);
    if (m->asking || m->next_ms > w->now_ms) return;
    if (m->phase == SIM_MEMBER_OUT && !m->wants) return;
    if (m->phase == SIM_MEMBER_IN && !m->wants) m->phase = SIM_MEMBER_LEAVES;
    if (is_connected(w, m)) act(w, m);
}
