/* world.c: one shard with a roster over real log directories. Nothing sleeps: answers come by semaphore, and what the
 * pool does in the background is awaited by asking the shard again until a deadline.
 */
#include "tests/unit/broker/replica/world.h"

#include <dirent.h>
#include <sched.h>

#include "broker/replica/partition_int.h"
#include "common/base/alloc.h"
#include "proto/kafka/batch.h"
#include "tests/unit/unit.h"

const struct bn_uuid world_id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

struct call {
    struct bn_msg msg;
    struct world *world;
    void (*fn)(struct world *, void *);
    void *arg;
    sem_t done;
};

static void run_call(struct bn_msg *m) {
    struct call *c = BN_CONTAINER_OF(m, struct call, msg);
    c->fn(c->world, c->arg);
    sem_post(&c->done);
}

void world_on_shard(struct world *w, void (*fn)(struct world *w, void *arg), void *arg) {
    struct call c = {.msg.run = run_call, .world = w, .fn = fn, .arg = arg};
    sem_init(&c.done, 0, 0);
    bn_shard_post(w->shard, &c.msg);
    while (sem_wait(&c.done) != 0) continue;
    sem_destroy(&c.done);
}

static void topic_config(void *arg, const struct bn_image *image, const char *topic, struct bn_log_config *out,
                         int32_t *min_insync) {
    struct world *w = arg;
    bn_log_config_defaults(out);
    if (w->config_looks++ > 0 && w->later_max_message_bytes) out->max_message_bytes = w->later_max_message_bytes;
    if (w->compact) {
        out->compact = true;
        out->delete = false;
        out->segment_bytes = 1000;
        out->dirty_ratio_min = 0;
    }
    *min_insync = w->min_insync;
}

static void deleted(void *arg, const struct bn_uuid *id, const char *topic, int32_t partition) {
    struct world *w = arg;
    ck_assert(bn_uuid_eq(id, &world_id));
    ck_assert_str_eq(topic, "t");
    ck_assert_int_lt(w->deleted_count, WORLD_DELETED_MAX);
    w->deleted[w->deleted_count++] = partition;
}

/* On the shard, as the reply is. */
static void alter_partition(void *arg, struct bn_shard *shard, const Bn__AlterPartitionRequest *request,
                            void (*reply)(void *reply_arg, const Bn__AlterPartitionReply *answer), void *reply_arg) {
    struct world *w = arg;
    ck_assert_ptr_eq(shard, w->shard);
    ck_assert_ptr_null(w->alter_reply); /* one at a time */
    size_t size = bn__alter_partition_request__get_packed_size(request);
    uint8_t *bytes = bn_alloc(size);
    bn__alter_partition_request__pack(request, bytes);
    if (w->altering) bn__alter_partition_request__free_unpacked(w->altering, NULL);
    w->altering = bn__alter_partition_request__unpack(NULL, size, bytes);
    bn_alloc_free(bytes);
    w->alter_count++;
    w->alter_reply = reply;
    w->alter_arg = reply_arg;
}

static void make_roster(struct world *w, void *arg) {
    struct bn_roster_deps deps = {
        .env = bn_env_real(),
        .shard = w->shard,
        .pool = w->pool,
        .logdirs = w->logdirs,
        .broker_id = WORLD_BROKER,
        .retention_check_ms = 300000,
        .delete_delay_ms = 60000,
        .inter_broker = "PLAINTEXT",
        .lag_max_ms = 30000,
        .pause_max_ms = 60000,
        .fetch_wait_max_ms = 500,
        .fetch_min_bytes = 1,
        .fetch_max_bytes = 1 << 20,
        .fetch_response_bytes = 10 << 20,
        .fetch_backoff_ms = 1000,
        .fetch_timeout_ms = 30000,
        .alter_partition = alter_partition,
        .topic_config = topic_config,
        .deleted = deleted,
        .arg = w,
    };
    w->roster = bn_roster_new(&deps);
}

static void start(struct world *w) {
    struct bn_err e = BN_ERR_NONE;
    const char *paths[] = {w->dir};
    ck_assert_msg(bn_logdirs_open(bn_env_real(), paths, 1, &w->logdirs, &e) == BN_OK, "%s", e.text);
    ck_assert_int_eq(bn_logdirs_claim(w->logdirs, WORLD_BROKER, "cluster-id", &e), BN_OK);
    w->pool = bn_pool_new(2);
    w->shard = bn_shard_new(0);
    bn_shard_start(w->shard);
    w->image = bn_image_empty();
    w->deleted_count = 0;
    world_on_shard(w, make_roster, NULL);
}

void world_start(struct world *w) {
    *w = (struct world){.dir = unit_tmp_dir(), .min_insync = 1};
    start(w);
}

static sem_t roster_stopped;

static void on_stopped(void *arg, bool clean) {
    ((struct world *)arg)->stopped_clean = clean;
    sem_post(&roster_stopped);
}

static void stop_roster(struct world *w, void *arg) { bn_roster_stop(w->roster, on_stopped, w); }

static void stop(struct world *w) {
    sem_init(&roster_stopped, 0, 0);
    world_on_shard(w, stop_roster, NULL);
    while (sem_wait(&roster_stopped) != 0) continue;
    bn_pool_free(w->pool);
    bn_shard_stop(w->shard);
    bn_shard_free(w->shard);
    bn_logdirs_close(w->logdirs, w->stopped_clean, 7);
    if (w->alter_reply) w->alter_reply(w->alter_arg, NULL); /* it comes in any case, and finds nobody */
    if (w->altering) bn__alter_partition_request__free_unpacked(w->altering, NULL);
    w->altering = NULL;
    w->alter_reply = NULL;
    w->alter_count = 0;
    bn_image_unref(w->image);
}

void world_restart(struct world *w) {
    stop(w);
    start(w);
}

void world_stop(struct world *w) {
    stop(w);
    unit_tmp_remove(w->dir);
}

/* ---- images ---- */

static void apply(struct world *w, void *arg) {
    const Bn__ImageDelta *delta = arg;
    struct bn_image *now = NULL;
    struct bn_err e = BN_ERR_NONE;
    ck_assert_msg(bn_image_apply(w->image, delta, &now, &e) == BN_OK, "%s", e.text);
    bn_roster_apply(w->roster, now, delta, 1);
    bn_image_unref(w->image);
    w->image = now;
}

static void begin_delta(struct world *w, Bn__ImageDelta *d) {
    bn__image_delta__init(d);
    d->controller_epoch = 1;
    d->sequence = w->image->sequence + 1;
    d->reset = w->image->controller_epoch != 1;
    d->cluster_id = (char *)(uintptr_t) "cluster-id";
}

void world_decide(struct world *w, struct world_state state) {
    Bn__Partition partition = BN__PARTITION__INIT;
    partition.leader = state.leader;
    partition.leader_epoch = state.leader_epoch;
    partition.partition_epoch = state.partition_epoch;
    partition.replicas = state.replicas;
    partition.n_replicas = (size_t)state.replica_count;
    partition.isr = state.isr;
    partition.n_isr = (size_t)state.isr_count;
    Bn__Partition *partitions[] = {&partition};
    Bn__Topic topic = BN__TOPIC__INIT;
    topic.name = (char *)(uintptr_t) "t";
    topic.id = (ProtobufCBinaryData){sizeof world_id.bytes, (uint8_t *)(uintptr_t)world_id.bytes};
    topic.partitions = partitions;
    topic.n_partitions = 1;
    Bn__Topic *topics[] = {&topic};
    Bn__ImageDelta delta;
    begin_delta(w, &delta);
    delta.topics = topics;
    delta.n_topics = 1;
    world_on_shard(w, apply, &delta);
}

void world_remove(struct world *w, bool evidence, bool evidence_only) {
    Bn__RemovedTopic gone = BN__REMOVED_TOPIC__INIT;
    gone.name = (char *)(uintptr_t) "t";
    gone.partition_count = 1;
    gone.id = (ProtobufCBinaryData){sizeof world_id.bytes, (uint8_t *)(uintptr_t)world_id.bytes};
    Bn__RemovedTopic *removed[] = {&gone};
    Bn__ImageDelta delta;
    begin_delta(w, &delta);
    if (!evidence) delta.reset = true; /* a full image that simply lacks the topic */
    delta.removed_topics = removed;
    delta.n_removed_topics = evidence || evidence_only ? 1 : 0;
    world_on_shard(w, apply, &delta);
}

static void look_open(struct world *w, void *arg) {
    struct bn_partition *p = bn_roster_find(w->roster, &world_id, 0);
    *(bool *)arg = p && !p->opening;
}

void world_await_open(struct world *w) {
    bool open = false;
    uint64_t deadline_ms = bn_clock_mono_ms(bn_clock_real()) + 10000;
    while (!open) {
        ck_assert_msg(bn_clock_mono_ms(bn_clock_real()) < deadline_ms, "the log was not opened in 10 s");
        sched_yield();
        world_on_shard(w, look_open, &open);
    }
}

/* ---- what clients do ---- */

static void append_done(struct bn_partition_append *a) {
    sem_post(&BN_CONTAINER_OF(a, struct world_append, append)->done);
}

static void do_append(struct world *w, void *arg) {
    struct bn_partition *p = bn_roster_find(w->roster, &world_id, 0);
    ck_assert_ptr_nonnull(p);
    bn_partition_append(p, arg);
}

void world_append_start(struct world *w, int count, int16_t acks, int32_t timeout_ms, struct world_append *a) {
    struct bn_batch_builder builder;
    bn_str_init(&a->bytes);
    bn_batch_builder_init(&builder);
    if (a->producer_id > 0) {
        builder.producer_id = a->producer_id;
        builder.producer_epoch = 0;
        builder.base_sequence = a->sequence;
    }
    int64_t now_ms = bn_clock_wall_ms(bn_clock_real());
    for (int i = 0; i < count; i++)
        bn_batch_builder_add(&builder, i, now_ms, w->compact ? BN_SLICE_LIT("key") : BN_SLICE_NULL,
                             BN_SLICE_LIT("value"), 0, BN_SLICE_NULL);
    ck_assert_int_eq(bn_batch_builder_finish(&builder, BN_CODEC_NONE, 0, &a->bytes), BN_OK);
    bn_batch_builder_fini(&builder);
    a->append = (struct bn_partition_append){.acks = acks, .timeout_ms = timeout_ms, .done = append_done};
    a->append.log.bytes = (uint8_t *)a->bytes.ptr;
    a->append.log.len = a->bytes.len;
    a->append.log.now_ms = now_ms;
    sem_init(&a->done, 0, 0);
    world_on_shard(w, do_append, &a->append);
}

bool world_append_is_done(struct world_append *a) {
    if (sem_trywait(&a->done) != 0) return false;
    sem_post(&a->done);
    return true;
}

int16_t world_append_end(struct world_append *a) {
    while (sem_wait(&a->done) != 0) continue;
    bn_str_fini(&a->bytes);
    return a->append.log.error;
}

int16_t world_append(struct world *w, int count, int16_t acks, int32_t timeout_ms, struct bn_partition_append *out) {
    struct world_append a = {.producer_id = -1};
    world_append_start(w, count, acks, timeout_ms, &a);
    int16_t error = world_append_end(&a);
    if (out) *out = a.append;
    return error;
}

static void do_read(struct world *w, void *arg) {
    struct bn_partition *p = bn_roster_find(w->roster, &world_id, 0);
    ck_assert_ptr_nonnull(p);
    bn_partition_read(p, arg);
}

int16_t world_read(struct world *w, int64_t offset, int32_t current_epoch, struct bn_partition_read *out) {
    *out = (struct bn_partition_read){.offset = offset,
                                      .max_bytes = 1 << 20,
                                      .current_leader_epoch = current_epoch,
                                      .replica_id = -1,
                                      .replica_epoch = -1,
                                      .replica_log_start = -1,
                                      .last_fetched_epoch = -1,
                                      .whole_first = true};
    bn_chain_init(&out->records);
    world_on_shard(w, do_read, out);
    bn_chain_fini(&out->records);
    return out->error;
}

int16_t world_fetch(struct world *w, int32_t id, int64_t broker_epoch, int64_t offset, int32_t current_epoch,
                    struct bn_partition_read *out) {
    struct bn_partition_read r = {.offset = offset,
                                  .max_bytes = 1 << 20,
                                  .current_leader_epoch = current_epoch,
                                  .replica_id = id,
                                  .replica_epoch = broker_epoch,
                                  .replica_log_start = 0,
                                  .last_fetched_epoch = -1,
                                  .progress = true,
                                  .whole_first = true};
    bn_chain_init(&r.records);
    world_on_shard(w, do_read, &r);
    bn_chain_fini(&r.records);
    if (out) *out = r;
    return r.error;
}

void world_register(struct world *w, int32_t id, int64_t epoch) {
    Bn__Broker broker = BN__BROKER__INIT;
    broker.id = id;
    broker.epoch = epoch;
    Bn__Broker *brokers[] = {&broker};
    Bn__ImageDelta delta;
    begin_delta(w, &delta);
    if (epoch >= 0) {
        delta.brokers = brokers;
        delta.n_brokers = 1;
    } else {
        delta.removed_brokers = &id;
        delta.n_removed_brokers = 1;
    }
    world_on_shard(w, apply, &delta);
}

static void do_answer(struct world *w, void *arg) {
    void (*reply)(void *, const Bn__AlterPartitionReply *) = w->alter_reply;
    ck_assert_ptr_nonnull(reply);
    w->alter_reply = NULL;
    reply(w->alter_arg, arg);
}

void world_answer(struct world *w, int error, struct world_state state) {
    Bn__Partition partition = BN__PARTITION__INIT;
    Bn__AlterPartitionResult result = BN__ALTER_PARTITION_RESULT__INIT;
    Bn__AlterPartitionResult *results[] = {&result};
    Bn__AlterPartitionReply reply = BN__ALTER_PARTITION_REPLY__INIT;
    partition.leader = state.leader;
    partition.leader_epoch = state.leader_epoch;
    partition.partition_epoch = state.partition_epoch;
    partition.isr = state.isr;
    partition.n_isr = (size_t)state.isr_count;
    result.topic_id = (ProtobufCBinaryData){sizeof world_id.bytes, (uint8_t *)(uintptr_t)world_id.bytes};
    result.error = error;
    if (state.isr_count > 0) result.state = &partition;
    reply.controller_epoch = 1;
    reply.results = results;
    reply.n_results = 1;
    world_on_shard(w, do_answer, error < 0 ? NULL : &reply);
}

bool world_has(struct world *w, const char *prefix, const char *suffix) {
    DIR *dir = opendir(w->dir);
    ck_assert_ptr_nonnull(dir);
    bool found = false;
    for (struct dirent *it; (it = readdir(dir)) != NULL;) {
        size_t len = strlen(it->d_name), tail = strlen(suffix);
        if (strncmp(it->d_name, prefix, strlen(prefix)) != 0 || len < tail) continue;
        if (strcmp(it->d_name + len - tail, suffix) == 0) found = true;
    }
    closedir(dir);
    return found;
}

void world_await_entry(struct world *w, const char *prefix, const char *suffix) {
    uint64_t deadline_ms = bn_clock_mono_ms(bn_clock_real()) + 10000;
    while (!world_has(w, prefix, suffix)) {
        ck_assert_msg(bn_clock_mono_ms(bn_clock_real()) < deadline_ms, "no %s…%s in 10 s", prefix, suffix);
        sched_yield();
    }
}
