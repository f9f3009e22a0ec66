/* roster.c: the partitions of one shard, made and unmade as images say.
 *
 * A partition comes when an image gives this broker a replica of it: its log is opened on the pool (recovery may take
 * long), and each serves as soon as it is ready. It goes in one of three ways: the broker stops; its topic was deleted
 * (the image carries the evidence) and the directory is removed and told; or the image simply no longer has it here,
 * and the directory is renamed -stray and told, never removed (safety §3: absence is not deletion). A partition that
 * goes first waits for its log's opening, flush, truncation or cleaning; one that comes under the name of one that goes
 * waits for that.
 */
#include "broker/replica/roster.h"

#include "broker/log/topicid.h"
#include "broker/replica/fetchers.h"
#include "broker/replica/partition_int.h"
#include "broker/replica/proposals.h"
#include "common/base/alloc.h"
#include "common/base/map.h"
#include "common/base/trace.h"
#include "proto/kafka/errors.h"

enum { OPEN_AGAIN_MS = 20 };

struct bn_roster {
    struct bn_roster_deps deps;
    struct bn_map partitions; /* struct bn_partition_key -> struct bn_partition */
    struct bn_image *image;   /* never NULL */
    struct bn_fetchers *fetchers;
    struct bn_timer retention_timer;
    struct bn_proposals *proposals;
    struct bn_pause pause;
    bool swept; /* directories found at start have been held against a full image */
    int shard_count;
    /* Stopping. */
    bool stopping, clean;
    size_t busy; /* openings, and partitions on their way out */
    void (*stopped)(void *arg, bool clean);
    void *stopped_arg;
};

static struct bn_slice key_of(const struct bn_partition_key *k) { return bn_slice_of(k, sizeof *k); }

int bn_roster_shard_of(const struct bn_uuid *topic_id, int32_t partition, int shard_count) {
    uint32_t spread = ((uint32_t)topic_id->bytes[12] << 24) | ((uint32_t)topic_id->bytes[13] << 16) |
                      ((uint32_t)topic_id->bytes[14] << 8) | topic_id->bytes[15];
    return (int)((spread + (uint32_t)partition) % (uint32_t)shard_count);
}

struct bn_partition *bn_roster_find(struct bn_roster *r, const struct bn_uuid *topic_id, int32_t partition) {
    BN_ON_SHARD(r->deps.shard);
    struct bn_partition_key k = {*topic_id, partition};
    return bn_map_get(&r->partitions, key_of(&k));
}

void bn_roster_each(struct bn_roster *r, void (*fn)(struct bn_partition *p, void *arg), void *arg) {
    BN_ON_SHARD(r->deps.shard);
    size_t at = 0;
    for (struct bn_map_entry *it; (it = bn_map_next(&r->partitions, &at)) != NULL;) fn(it->value, arg);
}

const struct bn_env *bn_roster_env(const struct bn_roster *r) { return r->deps.env; }
int32_t bn_roster_id(const struct bn_roster *r) { return r->deps.broker_id; }

struct bn_image *bn_roster_image(struct bn_roster *r) {
    return r->image;
}

/* ---- closing and removing ---- */

struct leave { /* a partition on its way out */
    struct bn_job job;
    struct bn_roster *roster;
    struct bn_partition *partition; /* owned */
    int status;
};

static void busy_done(struct bn_roster *r) {
    r->busy--;
    if (r->stopping && r->busy == 0) {
        void (*stopped)(void *, bool) = r->stopped;
        void *arg = r->stopped_arg;
        bool clean = r->clean;
        bn_timer_stop(&r->retention_timer);
        bn_proposals_free(r->proposals);
        bn_pause_fini(&r->pause);
        bn_map_fini(&r->partitions);
        bn_image_unref(r->image);
        bn_alloc_free(r);
        stopped(arg, clean);
    }
}

/* A directory that could not be opened may be that of a former topic of this name, of which nothing proves that it was
 * deleted. */
static bool is_own(const struct bn_partition *p) {
    struct bn_log_open at = {.dir = NULL};
    struct bn_uuid id;
    if (bn_logdirs_place(p->deps->logdirs, p->topic, p->key.index, false, &at, NULL) != BN_OK) return false;
    const struct bn_index_place place = {.disk = p->deps->env->disk, .dir = at.dir};
    return bn_topicid_read(&place, &id, NULL) == BN_OK && bn_uuid_eq(&id, &p->key.topic_id);
}

static void leave_run(struct bn_job *job) { /* pool thread */
    struct leave *l = BN_CONTAINER_OF(job, struct leave, job);
    struct bn_partition *p = l->partition;
    struct bn_err e = BN_ERR_NONE;
    bool proven = p->fate == BN_PARTITION_GOES_DELETED && (p->log || is_own(p));
    if (p->log && p->fate == BN_PARTITION_GOES_DELETED) {
        bn_log_abandon(p->log);
    } else if (p->log) {
        l->status = bn_log_close(p->log, &e);
        if (l->status != BN_OK) BN_ERROR("roster", "[Partition %s-%d] close: %s", p->topic, p->key.index, e.text);
    }
    p->log = NULL;
    if (p->fate == BN_PARTITION_STOPS || p->homeless) return;
    int rc = bn_logdirs_remove(l->roster->deps.logdirs, p->topic, p->key.index, !proven,
                               l->roster->deps.delete_delay_ms, l->roster->deps.pool, &e);
    if (rc != BN_OK && rc != BN_NOTFOUND) {
        l->status = rc;
        BN_ERROR("roster", "[Partition %s-%d] could not %s its directory: %s", p->topic, p->key.index,
                 proven ? "remove" : "set aside", e.text);
    }
}

static void leave_done(struct bn_job *job) {
    struct leave *l = BN_CONTAINER_OF(job, struct leave, job);
    struct bn_partition *p = l->partition;
    struct bn_roster *r = l->roster;
    if (l->status != BN_OK) r->clean = false;
    if (p->fate == BN_PARTITION_GOES_DELETED && l->status == BN_OK) {
        BN_INFO("roster", "[Partition %s-%d] deleted", p->topic, p->key.index);
        r->deps.deleted(r->deps.arg, &p->key.topic_id, p->topic, p->key.index);
    } else if (p->fate == BN_PARTITION_GOES_STRAY) {
        BN_WARN("roster",
                "[Partition %s-%d] is not this broker's any more, and nothing says it was deleted: set aside as -stray",
                p->topic, p->key.index);
    }
    bn_partition_free(p);
    bn_alloc_free(l);
    busy_done(r);
}

static void leave_now(struct bn_partition *p) { /* counted as busy already */
    struct leave *l = bn_alloc_zero(1, sizeof *l);
    l->roster = p->roster;
    l->partition = p;
    l->job.run = leave_run;
    l->job.done = leave_done;
    l->job.reply_to = p->roster->deps.shard->mailbox;
    bn_pool_submit(p->roster->deps.pool, &l->job);
}

static bool is_busy(const struct bn_partition *p) {
    return p->opening || p->flushing || p->cutting || (p->log && bn_log_compacting(p->log));
}

/* Takes the partition off the map; its log is closed once it is neither being opened nor flushed nor truncated nor
 * cleaned. */
static void let_go(struct bn_partition *p, int fate) {
    struct bn_roster *r = p->roster;
    bn_map_remove(&r->partitions, key_of(&p->key));
    p->fate = fate;
    r->busy++; /* from now on: the roster outlives what the partition waits for */
    p->role = BN_PARTITION_OFFLINE;
    bn_fetchers_place(r->fetchers, p);
    bn_timer_stop(&p->flush_timer);
    bn_proposals_leave(p);
    bn_partition_refuse(p, fate == BN_PARTITION_STOPS ? KE_NOT_LEADER_OR_FOLLOWER : KE_UNKNOWN_TOPIC_OR_PARTITION);
    bn_partition_disappoint(p);
    if (p->log) bn_log_compact_call_off(p->log);
    if (!is_busy(p)) leave_now(p);
}

/* ---- opening ---- */

struct opening {
    struct bn_job job;
    struct bn_timer again;
    struct bn_partition *partition;
    bool too_early; /* the directory's last user has not left it yet */
    struct bn_log_open open;
    struct bn_log *log;
    int64_t high_watermark;
};

/* A recovery that cut the log below its checkpointed recovery point says so on disk before anything is appended over
 * the cut: else a power cut could bring the old tail back with valid checksums (safety §3). */
static int lower_recovery_point(struct opening *o, struct bn_err *e) {
    struct bn_partition *p = o->partition;
    int64_t point = bn_log_recovery_point(o->log);
    if (point >= o->open.recovery_point) return BN_OK;
    const struct bn_logdir_point lower = {
        .topic = p->topic,
        .partition = p->key.index,
        .tenure = o->open.tenure,
        .recovery_point = point,
        .log_start_offset = INT64_MAX,
    };
    int rc = bn_logdirs_cut(p->deps->logdirs, &lower, e);
    if (rc == BN_OK) return BN_OK;
    bn_log_abandon(o->log);
    o->log = NULL;
    return BN_IO;
}

static void opening_run(struct bn_job *job) { /* pool thread */
    struct opening *o = BN_CONTAINER_OF(job, struct opening, job);
    struct bn_partition *p = o->partition;
    const struct bn_roster_deps *deps = p->deps;
    struct bn_err e = BN_ERR_NONE;
    for (int attempt = 0; attempt < 2; attempt++) {
        int rc = bn_logdirs_place(deps->logdirs, p->topic, p->key.index, true, &o->open, &e);
        if (rc == BN_OK) rc = bn_log_open(&o->open, &o->log, &e);
        if (rc == BN_OK) rc = lower_recovery_point(o, &e);
        if (rc == BN_OK) break;
        o->too_early = rc == BN_AGAIN;
        if (o->too_early) return;
        if (rc != BN_STALE) {
            BN_ERROR("roster", "[Partition %s-%d] open: %s", p->topic, p->key.index, e.text);
            return;
        }
        /* The directory belongs to another topic of this name. */
        BN_WARN("roster", "[Partition %s-%d] %s: set aside as -stray", p->topic, p->key.index, e.text);
        if (bn_logdirs_remove(deps->logdirs, p->topic, p->key.index, true, 0, deps->pool, &e) != BN_OK) return;
    }
    o->high_watermark = bn_logdirs_high_watermark(deps->logdirs, p->topic, p->key.index);
}

static void open_again(struct bn_timer *t) {
    struct opening *o = BN_CONTAINER_OF(t, struct opening, again);
    o->too_early = false;
    bn_pool_submit(o->partition->deps->pool, &o->job);
}

static void opening_done(struct bn_job *job) {
    struct opening *o = BN_CONTAINER_OF(job, struct opening, job);
    struct bn_partition *p = o->partition;
    struct bn_roster *r = p->roster;
    if (o->too_early && p->fate == BN_PARTITION_STAYS) {
        bn_timer_start(&o->again, OPEN_AGAIN_MS);
        return;
    }
    p->opening = false;
    /* What could not be opened was not recovered: the next start must not take it for closed cleanly. */
    if (!o->log && !o->too_early) r->clean = false;
    if (p->fate != BN_PARTITION_STAYS) {
        p->homeless = o->too_early;
        p->log = o->log;
        leave_now(p);
    } else {
        /* It was opened with the configuration of then, and may have been given another one meanwhile. */
        struct bn_log_config config;
        int32_t min_insync = 1;
        r->deps.topic_config(r->deps.arg, r->image, p->topic, &config, &min_insync);
        if (o->log) bn_log_reconfigure(o->log, &config);
        p->tenure = o->open.tenure;
        bn_partition_opened(p, o->log, o->high_watermark);
    }
    bn_alloc_free(o);
    busy_done(r);
}

static void partition_idle(struct bn_partition *p) {
    if (!is_busy(p)) leave_now(p);
}

static void partition_changed(struct bn_partition *p) { bn_fetchers_place(p->roster->fetchers, p); }

static void join(struct bn_roster *r, const struct bn_image_topic *t, const struct bn_image_partition *state) {
    struct bn_partition *p = bn_partition_new(&r->deps, t, state);
    p->roster = r;
    p->proposals = r->proposals;
    p->pause = &r->pause;
    p->idle = partition_idle;
    p->changed = partition_changed;
    bn_map_put(&r->partitions, key_of(&p->key), p);
    struct opening *o = bn_alloc_zero(1, sizeof *o);
    o->partition = p;
    o->open.env = r->deps.env;
    o->open.topic_id = t->id;
    o->open.pool = r->deps.pool;
    o->open.mailbox = r->deps.shard->mailbox;
    int32_t min_insync = 1;
    r->deps.topic_config(r->deps.arg, r->image, t->name, &o->open.config, &min_insync);
    bn_timer_init(&o->again, r->deps.shard->loop, open_again);
    o->job.run = opening_run;
    o->job.done = opening_done;
    o->job.reply_to = r->deps.shard->mailbox;
    p->opening = true;
    bn_partition_decide(p, state);
    bn_partition_configure(p, &o->open.config, min_insync);
    r->busy++;
    bn_pool_submit(r->deps.pool, &o->job);
}

/* ---- images ---- */

static bool is_mine(const struct bn_roster *r, const struct bn_uuid *topic_id, int32_t partition) {
    return bn_roster_shard_of(topic_id, partition, r->shard_count) == r->deps.shard->index;
}

static void on_change(void *arg, const struct bn_image_change *c) {
    struct bn_roster *r = arg;
    if (!is_mine(r, &c->topic->id, c->partition->index)) return;
    struct bn_partition *p = bn_roster_find(r, &c->topic->id, c->partition->index);
    if (c->kind == BN_IMAGE_SERVE) {
        if (p)
            bn_partition_decide(p, c->partition);
        else
            join(r, c->topic, c->partition);
    } else if (p) {
        let_go(p, c->kind == BN_IMAGE_DELETED ? BN_PARTITION_GOES_DELETED : BN_PARTITION_GOES_STRAY);
    }
}

static bool evidence_for(const Bn__ImageDelta *delta, const struct bn_uuid *topic_id) {
    for (size_t i = 0; i < delta->n_removed_topics; i++) {
        const Bn__RemovedTopic *gone = delta->removed_topics[i];
        if (gone->id.len == 16 && memcmp(gone->id.data, topic_id->bytes, 16) == 0) return true;
    }
    return false;
}

/* Directories that were found at start and that the first full image does not give to this broker. */
static void sweep(struct bn_roster *r, const Bn__ImageDelta *delta) {
    const struct bn_logdir_found *found = NULL;
    int count = bn_logdirs_found(r->deps.logdirs, &found);
    for (int i = 0; i < count; i++) {
        if (!is_mine(r, &found[i].topic_id, found[i].partition)) continue;
        struct bn_image_topic *t = bn_image_topic(r->image, bn_slice_str(found[i].topic));
        const struct bn_image_partition *state = t ? bn_image_partition(t, found[i].partition) : NULL;
        bool nameless = bn_uuid_is_zero(&found[i].topic_id);
        if (state && bn_image_has_replica(state, r->deps.broker_id) &&
            (nameless || bn_uuid_eq(&t->id, &found[i].topic_id)))
            continue;
        if (state && bn_image_has_replica(state, r->deps.broker_id))
            continue; /* opening finds the other id and sets it aside */
        bool proven = evidence_for(delta, &found[i].topic_id);
        if (!bn_logdirs_hold(r->deps.logdirs, found[i].topic, found[i].partition)) {
            /* Another shard is ahead and has a new topic of this name: that has set the old one aside. */
            if (proven) r->deps.deleted(r->deps.arg, &found[i].topic_id, found[i].topic, found[i].partition);
            continue;
        }
        struct bn_partition *p = bn_alloc_zero(1, sizeof *p);
        p->deps = &r->deps;
        p->roster = r;
        p->key = (struct bn_partition_key){found[i].topic_id, found[i].partition};
        p->topic = bn_alloc_strdup(found[i].topic);
        bn_list_init(&p->interests);
        bn_partition_lead_init(p);
        bn_fetchset_part_init(&p->fetch);
        p->fate = proven ? BN_PARTITION_GOES_DELETED : BN_PARTITION_GOES_STRAY;
        r->busy++;
        leave_now(p);
    }
}

/* Whether the removed topic's partition is here, in the image before or (as found at start, or on its way out since an
 * earlier controller told of the deletion) in a directory: then it is told as it goes. */
static bool is_here(const struct bn_roster *r, const struct bn_image_topic *known, const Bn__RemovedTopic *gone,
                    const struct bn_uuid *id, int32_t partition) {
    const struct bn_image_partition *p = known ? bn_image_partition(known, partition) : NULL;
    if (p && bn_image_has_replica(p, r->deps.broker_id)) return true;
    return bn_logdirs_has(r->deps.logdirs, gone->name, partition, id);
}

/* The controller waits for a word on every removed topic: of one with nothing here, the first shard says so, and of a
 * partition that is not here where others are (its controller went before it could tell of it). */
static void confirm_absent(struct bn_roster *r, const struct bn_image *old, const Bn__ImageDelta *delta) {
    if (r->deps.shard->index != 0) return;
    for (size_t i = 0; i < delta->n_removed_topics; i++) {
        const Bn__RemovedTopic *gone = delta->removed_topics[i];
        if (gone->id.len != sizeof(struct bn_uuid)) continue;
        struct bn_uuid id;
        memcpy(id.bytes, gone->id.data, sizeof id.bytes);
        const struct bn_image_topic *known = bn_image_topic_by_id(old, &id);
        bool any = false;
        for (int32_t n = 0; n < gone->partition_count && !any; n++) any = is_here(r, known, gone, &id, n);
        if (!any) r->deps.deleted(r->deps.arg, &id, gone->name, -1);
        for (int32_t n = 0; any && n < gone->partition_count; n++)
            if (!is_here(r, known, gone, &id, n)) r->deps.deleted(r->deps.arg, &id, gone->name, n);
    }
}

/* Whether the delta may have changed the topic's configuration: its own, or what the brokers' lays under it. */
static bool configures(const Bn__ImageDelta *delta, const char *topic) {
    for (size_t i = 0; i < delta->n_configs; i++) {
        const Bn__EntityConfig *c = delta->configs[i];
        if (strcmp(c->entity_type, "topics") != 0 || strcmp(c->entity_name, topic) == 0) return true;
    }
    return false;
}

static void reconfigure(struct bn_roster *r, const Bn__ImageDelta *delta, bool all) {
    size_t at = 0;
    for (struct bn_map_entry *it; (it = bn_map_next(&r->partitions, &at)) != NULL;) {
        struct bn_partition *p = it->value;
        if (!all && !configures(delta, p->topic)) continue;
        struct bn_log_config config;
        int32_t min_insync = 1;
        r->deps.topic_config(r->deps.arg, r->image, p->topic, &config, &min_insync);
        bn_partition_configure(p, &config, min_insync);
    }
}

void bn_roster_apply(struct bn_roster *r, struct bn_image *image, const Bn__ImageDelta *delta, int shard_count) {
    BN_ON_SHARD(r->deps.shard);
    if (r->stopping) return;
    r->shard_count = shard_count;
    struct bn_image *old = r->image;
    bn_image_ref(image);
    r->image = image;
    bn_fetchers_apply(r->fetchers, image);
    bn_image_diff(old, image, delta, r->deps.broker_id, on_change, r);
    /* A full image comes in pieces, of which this delta is the last: its configs may have been in another. */
    bool new_stream = delta->reset || image->controller_epoch != old->controller_epoch ||
                      image->sequence != old->sequence + 1;
    if (new_stream || delta->n_configs > 0) reconfigure(r, delta, new_stream);
    if (new_stream || delta->n_brokers > 0 || delta->n_removed_brokers > 0) bn_proposals_review(r->proposals);
    bool sweeping = !r->swept;
    r->swept = true;
    if (sweeping) sweep(r, delta);
    confirm_absent(r, old, delta);
    bn_image_unref(old);
}

/* ---- upkeep ---- */

static void retention_due(struct bn_timer *t) {
    struct bn_roster *r = BN_CONTAINER_OF(t, struct bn_roster, retention_timer);
    int64_t now_ms = bn_clock_wall_ms(r->deps.env->clock);
    size_t at = 0;
    for (struct bn_map_entry *it; (it = bn_map_next(&r->partitions, &at)) != NULL;) {
        struct bn_partition *p = it->value;
        if (!p->log || p->role == BN_PARTITION_OFFLINE) continue;
        int gone = bn_log_retain(p->log, p->high_watermark, now_ms, r->deps.pool);
        if (gone > 0) bn_fetchers_place(r->fetchers, p); /* a leader knows where its followers' logs begin */
    }
    bn_timer_start(&r->retention_timer, (uint64_t)r->deps.retention_check_ms);
}

static void pause_over(void *arg) {
    struct bn_roster *r = arg;
    size_t at = 0;
    for (struct bn_map_entry *it; (it = bn_map_next(&r->partitions, &at)) != NULL;) {
        struct bn_partition *p = it->value;
        if (p->role == BN_PARTITION_LEADER) bn_partition_go_on(p);
    }
}

struct bn_roster *bn_roster_new(const struct bn_roster_deps *deps) {
    struct bn_roster *r = bn_alloc_zero(1, sizeof *r);
    r->deps = *deps;
    r->image = bn_image_empty();
    r->proposals = bn_proposals_new(&r->deps, r);
    bn_pause_init(&r->pause, deps->shard->loop, deps->pause_max_ms, pause_over, r);
    r->clean = true;
    r->shard_count = 1;
    bn_map_init(&r->partitions);
    r->fetchers = bn_fetchers_new(&r->deps, r);
    bn_timer_init(&r->retention_timer, deps->shard->loop, retention_due);
    bn_timer_start(&r->retention_timer, (uint64_t)bn_min_i64(30000, deps->retention_check_ms));
    return r;
}

/* What a checkpoint has to say of the partition, if it is not what was said last. */
static bool is_news(struct bn_partition *p) {
    const struct bn_logdir_point old = p->told;
    struct bn_logdir_point now = {
        .topic = p->topic,
        .partition = p->key.index,
        .tenure = p->tenure,
        .recovery_point = bn_log_recovery_point(p->log),
        .log_start_offset = bn_log_start_offset(p->log),
        .high_watermark = p->high_watermark,
        .has_log_start = bn_log_start_offset(p->log) > 0,
        .cleaned_to = bn_log_cleaned_to(p->log),
        .cuts = bn_log_cuts(p->log),
    };
    p->told = now;
    return !old.topic || old.recovery_point != now.recovery_point || old.log_start_offset != now.log_start_offset ||
           old.high_watermark != now.high_watermark || old.cuts != now.cuts || old.cleaned_to != now.cleaned_to;
}

void bn_roster_points(struct bn_roster *r, struct bn_logdir_point **points, size_t *count, size_t *capacity) {
    BN_ON_SHARD(r->deps.shard);
    size_t at = 0;
    for (struct bn_map_entry *it; (it = bn_map_next(&r->partitions, &at)) != NULL;) {
        struct bn_partition *p = it->value;
        if (!p->log || !is_news(p)) continue;
        if (*count == *capacity) {
            *capacity = *capacity ? *capacity * 2 : 64;
            *points = bn_alloc_resize(*points, *capacity * sizeof **points);
        }
        (*points)[*count] = p->told;
        (*points)[(*count)++].topic = bn_alloc_strdup(p->topic);
    }
}

void bn_roster_stop(struct bn_roster *r, void (*done)(void *arg, bool clean), void *arg) {
    BN_ON_SHARD(r->deps.shard);
    r->stopping = true;
    r->stopped = done;
    r->stopped_arg = arg;
    r->busy++; /* this function's own */
    size_t at = 0;
    struct bn_map_entry *it;
    while ((at = 0, it = bn_map_next(&r->partitions, &at)) != NULL) let_go(it->value, BN_PARTITION_STOPS);
    bn_fetchers_free(r->fetchers);
    r->fetchers = NULL;
    busy_done(r);
}
