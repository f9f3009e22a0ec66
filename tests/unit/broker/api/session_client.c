/* session_client.c: a client that uses fetch sessions, for tests. */
#include "tests/unit/broker/api/session_client.h"

#include <check.h>

void session_client_init(struct session_client *c, struct fake_world *w, int count) {
    *c = (struct session_client){.world = w,
                                 .version = 13,
                                 .replica = -1,
                                 .min_bytes = 1,
                                 .max_bytes = 1 << 20,
                                 .last_fetched_epoch = -1,
                                 .topic = "t",
                                 .topic_byte = 7};
    for (int i = 0; i < count; i++) session_client_list(c, i, 0);
}

void session_client_list(struct session_client *c, int32_t partition, int64_t offset) {
    ck_assert_int_lt(c->listed_count, SESSION_CLIENT_PARTS);
    c->listed[c->listed_count].partition = partition;
    c->listed[c->listed_count++].offset = offset;
}

void session_client_send(struct session_client *c) {
    struct kmsg_fetch_request q = kmsg_fetch_request_default;
    struct kmsg_fetch_request_topic t = kmsg_fetch_request_topic_default;
    struct kmsg_fetch_request_forgotten_topic gone = kmsg_fetch_request_forgotten_topic_default;
    struct kmsg_fetch_request_partition parts[SESSION_CLIENT_PARTS];
    if (c->version < 15)
        q.replica_id = c->replica;
    else
        q.replica_state.replica_id = c->replica;
    q.max_wait_ms = c->wait_ms;
    q.min_bytes = c->min_bytes;
    q.max_bytes = c->max_bytes;
    q.session_id = c->id;
    q.session_epoch = c->epoch;
    t.topic = gone.topic = bn_slice_str(c->topic);
    memset(t.topic_id.bytes, c->topic_byte, 16);
    gone.topic_id = t.topic_id;
    for (int i = 0; i < c->listed_count; i++) {
        parts[i] = kmsg_fetch_request_partition_default;
        parts[i].partition = c->listed[i].partition;
        parts[i].fetch_offset = c->listed[i].offset;
        parts[i].partition_max_bytes = 1 << 20;
        if (c->version >= 12) parts[i].last_fetched_epoch = c->last_fetched_epoch;
    }
    t.partitions.v = parts;
    t.partitions.n = c->listed_count;
    q.topics.v = &t;
    q.topics.n = c->listed_count > 0;
    gone.partitions.v = c->forgotten;
    gone.partitions.n = c->forgotten_count;
    q.forgotten_topics_data.v = &gone;
    q.forgotten_topics_data.n = c->forgotten_count > 0;
    fake_world_send_on(c->world, c->shard, SESSION_CLIENT_FETCH, c->version, &q);
}

static void count_bytes(struct fake_world *w, void *arg) {
    const struct session_client *c = *(struct session_client **)arg;
    *(void **)arg = fake_world_conn(w, c->shard)->out.size_bytes > 0 ? w : NULL;
}

bool session_client_take(struct session_client *c) {
    fake_world_settle(c->world);
    void *arrived = c;
    fake_world_run_on(c->world, c->shard, count_bytes, &arrived);
    if (!arrived) return false;
    fake_take(fake_world_conn(c->world, c->shard), SESSION_CLIENT_FETCH, c->version, &c->answer);
    return true;
}

void session_client_ask(struct session_client *c) {
    session_client_send(c);
    while (!session_client_take(c)) continue;
    c->id = c->answer.session_id;
    c->epoch = c->id == 0 ? 0 : c->epoch == INT32_MAX ? 1 : c->epoch + 1;
    c->listed_count = c->forgotten_count = 0;
}

const struct kmsg_fetch_response_partition *session_client_find(const struct session_client *c, int32_t partition) {
    for (int32_t i = 0; i < c->answer.responses.n; i++) {
        const struct kmsg_fetch_response_topic *t = &c->answer.responses.v[i];
        for (int32_t k = 0; k < t->partitions.n; k++) {
            if (t->partitions.v[k].partition_index == partition) return &t->partitions.v[k];
        }
    }
    return NULL;
}

int session_client_count(const struct session_client *c) {
    int count = 0;
    for (int32_t i = 0; i < c->answer.responses.n; i++) count += c->answer.responses.v[i].partitions.n;
    return count;
}

size_t session_client_records(const struct session_client *c, int32_t partition) {
    const struct kmsg_fetch_response_partition *p = session_client_find(c, partition);
    return p ? p->records.slice.len / FAKE_RECORD_BYTES : 0;
}

struct finding {
    int32_t id;
    struct bn_session_cache_entry *found;
};

static void find(struct fake_world *w, void *arg) {
    struct finding *f = arg;
    f->found = bn_session_cache_find(w->sessions[bn_session_cache_home(f->id, w->shard_count)], f->id);
}

struct bn_session_cache_entry *session_client_entry(struct fake_world *w, int32_t id) {
    struct finding f = {.id = id};
    fake_world_run_on(w, bn_session_cache_home(id, w->shard_count), find, &f);
    return f.found;
}
