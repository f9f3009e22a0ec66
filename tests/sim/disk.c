/* disk.c: the door to a broker's disk. Owns one memory disk for each broker, which outlives its processes, and a door
 * for each life, that can shut in the middle of what the process does: from the call on at which it is killed nothing
 * is written any more, so that a kill falls between any two calls. Killed, it leaves everything it wrote; a power cut
 * takes what was not synced, or a part of it. */
#include "broker/log/topicid.h"
#include "common/base/alloc.h"
#include "common/base/check.h"
#include "tests/sim/logs.h"
#include "tests/sim/observer.h"
#include "tests/sim/plant.h"

struct sim_disk {
    struct bn_memdisk *memory;
};

struct door {
    struct bn_disk calls; /* first */
    const struct bn_disk *real;
    struct sim_proc *proc;
};

struct sim_disk *sim_disk_new(void) {
    struct sim_disk *d = bn_alloc_zero(1, sizeof *d);
    d->memory = bn_memdisk_new();
    const struct bn_disk *disk = bn_memdisk_disk(d->memory);
    BN_ASSERT(disk->mkdir(disk, "/data", NULL) == 0 && disk->sync_dir(disk, "/", NULL) == 0);
    return d;
}

struct bn_memdisk *sim_disk_memory(struct sim_disk *d) {
    return d->memory;
}

static const struct door *door_of(const struct bn_disk *d) { return BN_CONTAINER_OF(d, const struct door, calls); }

static int dead(struct bn_err *e) { return bn_err_set(e, BN_IO, "the process is dead"); }

/* Is this the life's last call, or later? A call that changes something counts towards its end. */
static bool is_over(const struct bn_disk *d, bool changes) {
    struct sim_proc *p = door_of(d)->proc;
    if (p->cleaning) sim_world_midway(sim_here);
    if (changes && p->doom_in && --p->doom_in == 0) p->doomed = true;
    return p->doomed || p->state == SIM_DEAD || p->state == SIM_ENDED;
}

static const struct bn_disk *real_of(const struct bn_disk *d) { return door_of(d)->real; }

enum call { OPENS, MAKES, READS, WRITES, SYNCS, NAMES };

/* 0, or what this call fails with. What fails by chance may be right the next time. */
static int ails(const struct bn_disk *d, enum call call, struct bn_err *e) {
    struct sim_world *w = sim_here;
    const struct sim_proc *p = door_of(d)->proc;
    if (p->sick_ms <= w->now_ms || !sim_chance(w, p->ill == SIM_BROKEN ? 6 : 2)) return 0;
    bool full = p->ill == SIM_FULL && (call == MAKES || call == WRITES);
    bool files = p->ill == SIM_NO_FILES && (call == OPENS || call == MAKES);
    if (full || files) return bn_err_set(e, BN_NOROOM, full ? "the disk is full" : "no descriptor is left");
    return p->ill == SIM_BROKEN ? bn_err_set(e, BN_IO, "the disk fails") : 0;
}

/* Planted: the file that was truncated last, whose next sync does nothing; and that of a cleaning, which is not synced.
 */
static const struct bn_file *cut, *cleaned;

static int door_open(const struct bn_disk *d, const char *path, int flags, struct bn_file **out, struct bn_err *e) {
    if (is_over(d, flags & (BN_DISK_CREATE | BN_DISK_TRUNCATE))) return dead(e);
    int rc = ails(d, flags & BN_DISK_CREATE ? MAKES : OPENS, e);
    if (rc) return rc;
    rc = real_of(d)->open(real_of(d), path, flags, out, e);
    if (rc == 0) (*out)->disk = d;
    if (rc == 0 && flags & BN_DISK_CREATE && strstr(path, ".log.cleaned")) cleaned = *out;
    return rc;
}

static ssize_t door_pread(struct bn_file *f, void *ptr, size_t len, int64_t offset, struct bn_err *e) {
    if (is_over(f->disk, false)) return dead(e);
    int rc = ails(f->disk, READS, e);
    return rc ? rc : real_of(f->disk)->pread(f, ptr, len, offset, e);
}

static int door_pwritev(struct bn_file *f, const struct iovec *iov, int iov_count, int64_t offset, struct bn_err *e) {
    if (is_over(f->disk, true)) return dead(e);
    int rc = ails(f->disk, WRITES, e);
    if (rc == 0) return real_of(f->disk)->pwritev(f, iov, iov_count, offset, e);
    struct iovec part = {iov->iov_base, sim_below(sim_here, (uint32_t)iov->iov_len)}; /* so far it got */
    (void)real_of(f->disk)->pwritev(f, &part, 1, offset, NULL);
    return rc;
}

static int door_datasync(struct bn_file *f, struct bn_err *e) {
    bool lies = (sim_planted == SIM_PLANT_CUT_UNSYNCED && f == cut) ||
                (sim_planted == SIM_PLANT_CLEANED_UNSYNCED && f == cleaned);
    cut = NULL;
    if (is_over(f->disk, true)) return dead(e);
    int rc = ails(f->disk, SYNCS, e);
    if (rc) return rc;
    return lies ? 0 : real_of(f->disk)->datasync(f, e);
}

static int door_truncate(struct bn_file *f, int64_t size, struct bn_err *e) {
    if (is_over(f->disk, true)) return dead(e);
    int rc = ails(f->disk, NAMES, e);
    if (rc) return rc;
    if (size > 0) cut = f;
    return real_of(f->disk)->truncate(f, size, e);
}

static int door_size(struct bn_file *f, int64_t *out, struct bn_err *e) {
    return is_over(f->disk, false) ? dead(e) : real_of(f->disk)->size(f, out, e);
}

static int door_allocate(struct bn_file *f, int64_t offset, int64_t len, struct bn_err *e) {
    return is_over(f->disk, false) ? dead(e) : real_of(f->disk)->allocate(f, offset, len, e);
}

/* A partition's directory begins to go: on evidence only. */
static void look_for_evidence(const struct bn_disk *d, const char *from, const char *to) {
    size_t len = strlen(to);
    struct bn_uuid id;
    struct bn_index_place place = {.disk = real_of(d), .dir = (char *)(uintptr_t)from};
    if (len < 7 || strcmp(to + len - 7, "-delete") != 0 || bn_topicid_read(&place, &id, NULL) != 0) return;
    struct sim_topic *t = sim_observer_topic(sim_here->observer, &id);
    sim_event(sim_here, "%s removes %s", door_of(d)->proc->name, from);
    sim_invariant_delete_evidence(sim_here, door_of(d)->proc->id, t, from);
}

static int door_rename(const struct bn_disk *d, const char *from, const char *to, struct bn_err *e) {
    if (is_over(d, true)) return dead(e);
    int rc = ails(d, NAMES, e);
    if (rc) return rc;
    look_for_evidence(d, from, to);
    return real_of(d)->rename(real_of(d), from, to, e);
}

static int door_unlink(const struct bn_disk *d, const char *path, struct bn_err *e) {
    if (is_over(d, true)) return dead(e);
    int rc = ails(d, NAMES, e);
    return rc ? rc : real_of(d)->unlink(real_of(d), path, e);
}

static int door_mkdir(const struct bn_disk *d, const char *path, struct bn_err *e) {
    if (is_over(d, true)) return dead(e);
    int rc = ails(d, MAKES, e);
    return rc ? rc : real_of(d)->mkdir(real_of(d), path, e);
}

static int door_rmdir(const struct bn_disk *d, const char *path, struct bn_err *e) {
    if (is_over(d, true)) return dead(e);
    int rc = ails(d, NAMES, e);
    return rc ? rc : real_of(d)->rmdir(real_of(d), path, e);
}

static int door_sync_dir(const struct bn_disk *d, const char *path, struct bn_err *e) {
    if (is_over(d, true)) return dead(e);
    int rc = ails(d, OPENS, e);
    return rc ? rc : real_of(d)->sync_dir(real_of(d), path, e);
}

static int door_list(const struct bn_disk *d, const char *path, struct bn_disk_entry **out, size_t *count,
                     struct bn_err *e) {
    if (is_over(d, false)) return dead(e);
    int rc = ails(d, OPENS, e);
    return rc ? rc : real_of(d)->list(real_of(d), path, out, count, e);
}

static int door_mtime_ms(const struct bn_disk *d, const char *path, int64_t *out, struct bn_err *e) {
    return is_over(d, false) ? dead(e) : real_of(d)->mtime_ms(real_of(d), path, out, e);
}

static int door_space(const struct bn_disk *d, const char *path, int64_t *total, int64_t *usable, struct bn_err *e) {
    return is_over(d, false) ? dead(e) : real_of(d)->space(real_of(d), path, total, usable, e);
}

const struct bn_disk *sim_disk_for(struct sim_disk *d, struct sim_proc *p) {
    static const struct bn_disk calls = {
        door_open,   door_pread, door_pwritev, door_datasync, door_truncate, door_size,     door_allocate, door_rename,
        door_unlink, door_mkdir, door_rmdir,   door_sync_dir, door_list,     door_mtime_ms, door_space,
    };
    struct door *door = bn_alloc_zero(1, sizeof *door);
    *door = (struct door){calls, bn_memdisk_disk(d->memory), p};
    return &door->calls;
}

void sim_disk_crash(struct sim_world *w, int broker, bool power) {
    if (!power) return;
    struct sim_observer *o = w->observer;
    int64_t held[SIM_TOPICS][SIM_PARTITIONS];
    for (int n = 0; n < SIM_TOPICS; n++)
        for (int32_t i = 0; i < SIM_PARTITIONS; i++)
            held[n][i] = o->last[n] ? sim_logs_end(w, broker, o->last[n], i) : -1;
    bn_memdisk_crash(w->disks[broker]->memory, sim_chance(w, 3) ? 0 : sim_random(w) | 1);
    for (int n = 0; n < SIM_TOPICS; n++)
        for (int32_t i = 0; i < SIM_PARTITIONS; i++) {
            int64_t end = o->last[n] ? sim_logs_end(w, broker, o->last[n], i) : -1;
            if (o->last[n]) sim_invariant_synced_kept(w, o->last[n], i, broker, end);
            if (end < held[n][i]) sim_observer_tail_lost(w, o->last[n], i, broker, end);
        }
}
