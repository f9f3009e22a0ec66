/* plant.c: the names of the planted bugs, and those that sit where images are applied. */
#include "tests/sim/plant.h"

#include "broker/image/image.h"
#include "common/base/alloc.h"
#include "tests/sim/world.h"

enum sim_plant sim_planted;

static const char *const names[] = {
#define X(name, text, what) [SIM_PLANT_##name] = text,
    SIM_PLANT_MAP(X)
#undef X
};
static const char *const texts[] = {
#define X(name, text, what) [SIM_PLANT_##name] = what,
    SIM_PLANT_MAP(X)
#undef X
};

const char *sim_plant_name(enum sim_plant p) { return names[p]; }
const char *sim_plant_text(enum sim_plant p) { return texts[p]; }

enum sim_pace sim_plant_pace(enum sim_plant p) {
    switch (p) {
    case SIM_PLANT_ANY_INCARNATION:
    case SIM_PLANT_CLEAN_LIE:
    case SIM_PLANT_CUT_UNSYNCED:
    case SIM_PLANT_FENCE_ANYBODY:
    case SIM_PLANT_HALF_ROUND:
    case SIM_PLANT_KEEPS_HAPPY:
    case SIM_PLANT_NO_CUT:
    case SIM_PLANT_NO_EPOCH_CHECK:
    case SIM_PLANT_OLD_COMMITS:
    case SIM_PLANT_PARKED_SURVIVE:
    case SIM_PLANT_POINT_STAYS:
    case SIM_PLANT_SILENCE_ENDS:
    case SIM_PLANT_UNRECORDED:
        return SIM_PACE_SLOW;
    default:
        return SIM_PACE_QUICK;
    }
}

void sim_plant_seeds(enum sim_plant p, uint64_t *first, uint64_t *step) {
    *first = p >= SIM_PLANT_BLOCK_REUSED ? SIM_GROUPED_OF : 1;
    *step = p >= SIM_PLANT_CLEAN_BEYOND ? SIM_GROUPED_OF : 1;
}

enum sim_plant sim_plant_find(const char *name) {
    enum sim_plant p = 0;
    while (p < SIM_PLANT_COUNT && strcmp(names[p], name) != 0) p++;
    return p;
}

/* ---- at the wire: the linker puts this in bn_image_apply's place ---- */

int __real_bn_image_apply(struct bn_image *old, const Bn__ImageDelta *delta, struct bn_image **out, struct bn_err *e);
int __wrap_bn_image_apply(struct bn_image *old, const Bn__ImageDelta *delta, struct bn_image **out, struct bn_err *e);

static uint8_t *kept; /* packed: the last full image that somebody got */
static size_t kept_len;

static int apply_old(struct bn_image *old, const Bn__ImageDelta *delta, struct bn_image **out, struct bn_err *e) {
    Bn__ImageDelta *m = bn__image_delta__unpack(NULL, kept_len, kept);
    m->controller_epoch = delta->controller_epoch;
    m->sequence = delta->sequence;
    m->for_incarnation = delta->for_incarnation;
    int rc = __real_bn_image_apply(old, m, out, e);
    bn__image_delta__free_unpacked(m, NULL);
    return rc;
}

int __wrap_bn_image_apply(struct bn_image *old, const Bn__ImageDelta *delta, struct bn_image **out, struct bn_err *e) {
    if (sim_planted == SIM_PLANT_LOST_DELTA && !delta->reset && sim_chance(sim_here, 10)) {
        Bn__ImageDelta empty = *delta;
        empty.n_topics = empty.n_brokers = empty.n_removed_brokers = 0;
        return __real_bn_image_apply(old, &empty, out, e);
    }
    if (sim_planted != SIM_PLANT_OLD_IMAGE || !delta->reset) return __real_bn_image_apply(old, delta, out, e);
    if (kept && sim_chance(sim_here, 3)) return apply_old(old, delta, out, e);
    kept_len = bn__image_delta__get_packed_size(delta);
    kept = bn_alloc_resize(kept, kept_len);
    bn__image_delta__pack(delta, kept);
    return __real_bn_image_apply(old, delta, out, e);
}

/* ---- at the taps ---- */

void sim_plant_append(const struct bn_log *l, struct bn_log_append *a) {
    int32_t latest = bn_log_latest_epoch(l);
    if (sim_planted == SIM_PLANT_STALE_STAMP && a->leader_epoch > 0 && latest == a->leader_epoch) a->leader_epoch--;
}

void sim_plant_appended(struct bn_log_append *a) {
    if (sim_planted == SIM_PLANT_DUPLICATE_EARLY && a->duplicate) a->last_offset = -1;
}
