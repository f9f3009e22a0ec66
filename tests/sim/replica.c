/* replica.c: the model of a broker's replicas. Follows images as broker/replica/roster.c and partition.c do: takes a
 * replica up when an image gives it one, stamps what it appends with the leader epoch of the decision that made it
 * leader, answers acks=all once the ISR is itself alone, removes a directory on the evidence of a tombstone only (else
 * it is set aside as stray), and confirms every removed topic. Followers do not fetch yet. */
#include "tests/sim/replica.h"

#include "broker/cluster/forward.h"
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "tests/sim/observer.h"
#include "tests/sim/plant.h"

struct sim_disk {
    struct sim_replica **dirs;
    int32_t count;
};

struct sim_replicas {
    struct sim_world *w;
    struct sim_proc *proc;
    struct sim_disk *disk;
    struct bn_image *image;
    bool swept;
};

/* ---- the disk ---- */

struct sim_disk *sim_disk_new(void) {
    struct sim_disk *d = bn_alloc_zero(1, sizeof *d);
    return d;
}

static void replica_free(struct sim_replica *r) {
    bn_alloc_free(r->batches);
    bn_alloc_free(r->parked);
    bn_alloc_free(r);
}

void sim_disk_free(struct sim_disk *d) {
    for (int32_t i = 0; i < d->count; i++) replica_free(d->dirs[i]);
    bn_alloc_free(d->dirs);
    bn_alloc_free(d);
}

struct sim_replica *sim_disk_find(struct sim_disk *d, const struct bn_uuid *id, int32_t index) {
    for (int32_t i = 0; i < d->count; i++) {
        struct sim_replica *r = d->dirs[i];
        if (!r->stray && r->index == index && bn_uuid_eq(&r->topic_id, id)) return r;
    }
    return NULL;
}

static struct sim_replica *find_named(struct sim_disk *d, const char *name, int32_t index) {
    for (int32_t i = 0; i < d->count; i++) {
        struct sim_replica *r = d->dirs[i];
        if (!r->stray && r->index == index && strcmp(r->name, name) == 0) return r;
    }
    return NULL;
}

static void forget_dir(struct sim_disk *d, struct sim_replica *r) {
    for (int32_t i = 0; i < d->count; i++) {
        if (d->dirs[i] != r) continue;
        d->dirs[i] = d->dirs[--d->count];
        break;
    }
    replica_free(r);
}

static struct sim_partition *recorded(struct sim_world *w, const struct sim_replica *r) {
    struct sim_topic *t = sim_observer_topic(w->observer, &r->topic_id);
    BN_ASSERT(t);
    return &t->partitions[r->index];
}

static void set_volatile(struct sim_replica *r) {
    r->old_epoch = r->leader_epoch;
    r->old_leads = r->known && r->leads;
    r->known = r->leads = false;
    r->parked_count = 0;
    r->high_watermark = 0;
    r->leader_epoch = -1;
}

void sim_disk_crash(struct sim_world *w, struct sim_disk *d, bool power) {
    for (int32_t i = 0; i < d->count; i++) {
        struct sim_replica *r = d->dirs[i];
        set_volatile(r);
        if (!power || r->synced == r->end) continue;
        r->end = r->synced + sim_below(w, (uint32_t)(r->end - r->synced + 1));
        r->synced = r->end;
        if (!r->stray) sim_observer_excuse(recorded(w, r), r->end);
    }
}

/* ---- a replica ---- */

static bool is_alone(const struct sim_replica *r, int32_t me) { return r->isr_count == 1 && r->isr[0] == me; }

static void acknowledge(struct sim_replicas *s, struct sim_replica *r, int64_t offset, int64_t id) {
    sim_observer_acked(recorded(s->w, r), r->leader_epoch, offset, id);
    sim_event(s->w, "broker %d acknowledges batch %d at %s-%d offset %d", s->proc->id, (int)id, r->name, r->index,
              (int)offset);
}

static void advance(struct sim_replicas *s, struct sim_replica *r) {
    if (!is_alone(r, s->proc->id)) return;
    r->high_watermark = r->end;
    for (int32_t i = 0; i < r->parked_count; i++) acknowledge(s, r, r->parked[i].offset, r->parked[i].id);
    r->parked_count = 0;
}

static struct sim_append stamp(const struct sim_replicas *s, const struct sim_replica *r) {
    int32_t epoch = sim_planted == SIM_PLANT_STALE_STAMP && r->old_epoch >= 0 ? r->old_epoch : r->leader_epoch;
    return (struct sim_append){
        .broker = s->proc->id, .leader_epoch = epoch, .incarnation = r->incarnation, .offset = r->end};
}

static void decide(struct sim_replicas *s, struct sim_replica *r, const struct bn_image_partition *p) {
    if (r->known && p->leader_epoch < r->leader_epoch) return; /* an older decision never undoes a newer one */
    if (r->known && p->leader_epoch == r->leader_epoch && p->partition_epoch < r->partition_epoch) return;
    bool new_epoch = !r->known || p->leader_epoch != r->leader_epoch;
    if (new_epoch) r->parked_count = 0;
    r->known = true;
    r->leads = p->leader == s->proc->id;
    if (!r->leads) r->old_epoch = -1;
    if (r->leads && r->old_epoch < 0) r->old_epoch = p->leader_epoch;
    r->leader_epoch = p->leader_epoch;
    r->partition_epoch = p->partition_epoch;
    r->incarnation = s->image->for_incarnation;
    r->isr_count = p->isr_count;
    memcpy(r->isr, p->isr, (size_t)p->isr_count * sizeof *r->isr);
    if (!r->leads) {
        r->parked_count = 0;
        return;
    }
    struct sim_topic *t = sim_observer_topic(s->w->observer, &r->topic_id);
    struct sim_append a = {s->proc->id, p->leader_epoch, r->incarnation, 0, 0};
    sim_invariant_no_resume(s->w, t, r->index, &a);
    if (new_epoch) {
        sim_event(s->w, "broker %d leads %s-%d at epoch %d from offset %d", s->proc->id, r->name, r->index,
                  r->leader_epoch, (int)r->end);
        /* A newer election may be over already: then this one was deposed before it began. */
        if (r->leader_epoch == t->partitions[r->index].epoch_count - 1)
            sim_invariant_ack_kept(s->w, t, r->index, r, "its new leader");
    }
    advance(s, r);
}

bool sim_replicas_append(struct sim_replicas *s, const char *name, int32_t index, bool acks_all, int64_t id) {
    struct sim_replica *r = find_named(s->disk, name, index);
    if (!r || !r->known || !r->leads) return false;
    struct sim_append a = stamp(s, r);
    a.id = id;
    struct sim_topic *t = sim_observer_topic(s->w->observer, &r->topic_id);
    sim_invariant_no_resume(s->w, t, index, &a);
    sim_invariant_one_leader(s->w, t, index, &a);
    sim_invariant_epoch_offset_unique(s->w, t, index, &a);
    r->batches = bn_alloc_resize(r->batches, (size_t)(r->end + 1) * sizeof *r->batches);
    r->batches[r->end++] = (struct sim_batch){a.leader_epoch, id};
    if (sim_chance(s->w, 3)) r->synced = r->end;
    if (is_alone(r, s->proc->id)) r->high_watermark = r->end;
    sim_event(s->w, "broker %d appends batch %d to %s-%d at offset %d, epoch %d%s", s->proc->id, (int)id, name, index,
              (int)a.offset, a.leader_epoch, acks_all ? ", acks=all" : "");
    if (acks_all && (is_alone(r, s->proc->id) || sim_planted == SIM_PLANT_ACK_EARLY)) {
        acknowledge(s, r, a.offset, id);
    } else if (acks_all) {
        r->parked = bn_alloc_resize(r->parked, (size_t)(r->parked_count + 1) * sizeof *r->parked);
        r->parked[r->parked_count++] = (struct sim_parked){a.offset, id};
    }
    return true;
}

/* ---- ISR proposals ---- */

struct proposal {
    struct sim_replicas *replicas;
    struct bn_uuid topic_id;
    int32_t index;
};

/* Only an answer moves the ISR: without one nothing is known, and a delta will tell. */
static void on_altered(void *arg, const Bn__AlterPartitionReply *answer) {
    struct proposal *k = arg;
    struct sim_replicas *s = k->replicas;
    bool usable = answer && answer->error == 0 && answer->n_results == 1 && answer->results[0]->error == 0;
    struct sim_replica *r =
        usable && s->proc->state == SIM_RUNNING ? sim_disk_find(s->disk, &k->topic_id, k->index) : NULL;
    const Bn__Partition *p = usable ? answer->results[0]->state : NULL;
    bn_alloc_free(k);
    if (!r || !p || !r->leads || p->leader_epoch != r->leader_epoch || p->partition_epoch <= r->partition_epoch) return;
    sim_event(s->w, "broker %d hears that its ISR of %s-%d is accepted", s->proc->id, r->name, r->index);
    r->partition_epoch = p->partition_epoch;
    r->isr_count = (int)p->n_isr;
    memcpy(r->isr, p->isr, p->n_isr * sizeof *r->isr);
    advance(s, r);
}

bool sim_replicas_shrink(struct sim_replicas *s, const char *name, int32_t index) {
    struct sim_replica *r = find_named(s->disk, name, index);
    if (!r || !r->known || !r->leads || r->isr_count < 2) return false;
    int32_t alone = s->proc->id;
    Bn__AlterPartitionItem item = BN__ALTER_PARTITION_ITEM__INIT;
    Bn__AlterPartitionItem *items[] = {&item};
    Bn__AlterPartitionRequest request = BN__ALTER_PARTITION_REQUEST__INIT;
    item.topic_id = (ProtobufCBinaryData){16, r->topic_id.bytes};
    item.partition = index;
    item.leader_epoch = r->leader_epoch;
    item.partition_epoch = r->partition_epoch;
    item.isr = &alone;
    item.n_isr = 1;
    request.items = items;
    request.n_items = 1;
    struct proposal *k = bn_alloc(sizeof *k);
    *k = (struct proposal){s, r->topic_id, index};
    sim_event(s->w, "broker %d proposes itself as the ISR of %s-%d at version %d", alone, name, index,
              r->partition_epoch);
    struct sim_proc *before = sim_enter(s->w, s->proc);
    bn_forward_alter_partition(s->proc->agent, s->proc->shard, &request, on_altered, k);
    sim_leave(s->w, before);
    if (sim_planted == SIM_PLANT_HASTY) {
        r->isr_count = 1;
        r->isr[0] = alone;
        advance(s, r);
    }
    return true;
}

/* ---- images ---- */

static void remove_dir(struct sim_replicas *s, struct sim_replica *r, bool proven) {
    if (!proven && sim_planted != SIM_PLANT_UNPROVEN) {
        sim_event(s->w, "broker %d sets %s-%d aside as stray", s->proc->id, r->name, r->index);
        r->stray = true;
        r->known = r->leads = false;
        return;
    }
    sim_event(s->w, "broker %d removes %s-%d", s->proc->id, r->name, r->index);
    sim_invariant_delete_evidence(s->w, s->proc->id, sim_observer_topic(s->w->observer, &r->topic_id), r->index);
    bn_forward_deleted(s->proc->agent, &r->topic_id, r->name, r->index);
    forget_dir(s->disk, r);
}

static struct sim_replica *make_dir(struct sim_replicas *s, const struct bn_image_topic *t, int32_t index) {
    struct sim_replica *other = find_named(s->disk, t->name, index);
    if (other) remove_dir(s, other, false); /* another topic of that name */
    struct sim_replica *r = bn_alloc_zero(1, sizeof *r);
    snprintf(r->name, sizeof r->name, "%s", t->name);
    r->topic_id = t->id;
    r->index = index;
    r->leader_epoch = r->old_epoch = -1;
    s->disk->dirs =
        bn_alloc_resize(s->disk->dirs, (size_t)(s->disk->count + 1) * sizeof(struct sim_replica *));
    s->disk->dirs[s->disk->count++] = r;
    return r;
}

static void on_change(void *arg, const struct bn_image_change *c) {
    struct sim_replicas *s = arg;
    struct sim_replica *r = sim_disk_find(s->disk, &c->topic->id, c->partition->index);
    if (c->kind == BN_IMAGE_SERVE) {
        if (!r) r = make_dir(s, c->topic, c->partition->index);
        decide(s, r, c->partition);
    } else if (r) {
        remove_dir(s, r, c->kind == BN_IMAGE_DELETED);
    }
}

static bool has_evidence(const Bn__ImageDelta *delta, const struct bn_uuid *id) {
    for (size_t i = 0; i < delta->n_removed_topics; i++)
        if (memcmp(delta->removed_topics[i]->id.data, id->bytes, 16) == 0) return true;
    return false;
}

/* The directories found at start that the first image does not give to this broker. */
static void sweep(struct sim_replicas *s, const Bn__ImageDelta *delta) {
    for (int32_t i = s->disk->count - 1; i >= 0; i--) {
        struct sim_replica *r = s->disk->dirs[i];
        const struct bn_image_topic *t = bn_image_topic_by_id(s->image, &r->topic_id);
        const struct bn_image_partition *p = t ? bn_image_partition(t, r->index) : NULL;
        bool mine = p && bn_image_has_replica(p, s->proc->id);
        if (!r->stray && !mine) remove_dir(s, r, has_evidence(delta, &r->topic_id));
    }
}

static bool has_dir(const struct sim_replicas *s, const struct bn_uuid *id) {
    for (int32_t i = 0; i < s->disk->count; i++)
        if (!s->disk->dirs[i]->stray && bn_uuid_eq(&s->disk->dirs[i]->topic_id, id)) return true;
    return false;
}

void sim_replicas_image(struct sim_replicas *s, struct bn_image *now, const Bn__ImageDelta *delta) {
    struct bn_image *old = s->image;
    bool absent[64] = {false};
    BN_ASSERT(delta->n_removed_topics <= 64);
    for (size_t i = 0; i < delta->n_removed_topics; i++) {
        struct bn_uuid id;
        memcpy(id.bytes, delta->removed_topics[i]->id.data, 16);
        absent[i] = !has_dir(s, &id);
    }
    bn_image_ref(now);
    s->image = now;
    bn_image_diff(old, now, delta, s->proc->id, on_change, s);
    if (!s->swept) sweep(s, delta);
    s->swept = true;
    for (size_t i = 0; i < delta->n_removed_topics; i++) {
        struct bn_uuid id;
        memcpy(id.bytes, delta->removed_topics[i]->id.data, 16);
        if (absent[i]) bn_forward_deleted(s->proc->agent, &id, delta->removed_topics[i]->name, -1);
    }
    bn_image_unref(old);
}

struct bn_image *sim_replicas_current(const struct sim_replicas *s) {
    return s->image;
}

struct sim_replicas *sim_replicas_new(struct sim_world *w, struct sim_proc *p, struct sim_disk *d) {
    struct sim_replicas *s = bn_alloc_zero(1, sizeof *s);
    *s = (struct sim_replicas){.w = w, .proc = p, .disk = d, .image = bn_image_empty()};
    for (int32_t i = 0; i < d->count && sim_planted == SIM_PLANT_RESUME; i++) {
        struct sim_replica *r = d->dirs[i];
        r->known = r->leads = r->old_leads;
        r->leader_epoch = r->old_epoch;
    }
    return s;
}

void sim_replicas_free(struct sim_replicas *s) {
    bn_image_unref(s->image);
    bn_alloc_free(s);
}
