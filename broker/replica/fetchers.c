/* fetchers.c: a shard's fetchers. A partition is in the set of the one leader that it follows, or in none; a fetcher
 * whose last partition went is freed at the end of the turn, and its connection with it. */
#include "broker/replica/fetchers.h"

#include "broker/replica/partition_int.h"
#include "common/base/alloc.h"
#include "common/base/map.h"

struct row {
    uint64_t leader; /* the map's key */
    struct bn_fetcher *fetcher;
};

struct bn_fetchers {
    const struct bn_roster_deps *deps;
    struct bn_roster *roster;
    struct bn_map rows;
};

struct bn_fetchers *bn_fetchers_new(const struct bn_roster_deps *deps, struct bn_roster *roster) {
    struct bn_fetchers *fs = bn_alloc_zero(1, sizeof *fs);
    fs->deps = deps;
    fs->roster = roster;
    bn_map_init(&fs->rows);
    return fs;
}

void bn_fetchers_free(struct bn_fetchers *fs) {
    if (!fs) return;
    size_t at = 0;
    for (struct bn_map_entry *it; (it = bn_map_next(&fs->rows, &at)) != NULL;) {
        struct row *row = it->value;
        bn_fetcher_free(row->fetcher);
        bn_alloc_free(row);
    }
    bn_map_fini(&fs->rows);
    bn_alloc_free(fs);
}

static void on_idle(void *arg, struct bn_fetcher *f) {
    struct bn_fetchers *fs = arg;
    uint64_t leader = (uint64_t)bn_fetcher_leader(f);
    bn_alloc_free(bn_map_remove(&fs->rows, bn_map_key_u64(&leader)));
    bn_fetcher_free(f);
}

static struct bn_fetcher *fetcher_of(struct bn_fetchers *fs, int32_t leader) {
    uint64_t key = (uint64_t)leader;
    struct row *row = bn_map_get(&fs->rows, bn_map_key_u64(&key));
    if (row) return row->fetcher;
    row = bn_alloc(sizeof *row);
    row->leader = key;
    row->fetcher = bn_fetcher_new(fs->deps, fs->roster, leader, on_idle, fs);
    bn_fetcher_apply(row->fetcher, bn_roster_image(fs->roster));
    bn_map_put(&fs->rows, bn_map_key_u64(&row->leader), row);
    return row->fetcher;
}

void bn_fetchers_apply(struct bn_fetchers *fs, const struct bn_image *image) {
    size_t at = 0;
    for (struct bn_map_entry *it; (it = bn_map_next(&fs->rows, &at)) != NULL;)
        bn_fetcher_apply(((struct row *)it->value)->fetcher, image);
}

void bn_fetchers_place(struct bn_fetchers *fs, struct bn_partition *p) {
    bool follows = p->role == BN_PARTITION_FOLLOWER && p->fate == BN_PARTITION_STAYS && p->leader >= 0;
    struct bn_fetchset *before = p->fetch.set;
    if (before && (!follows || before->leader != p->leader)) {
        bn_fetchset_drop(p);
        bn_fetcher_poke(fetcher_of(fs, before->leader));
    }
    if (!follows) return;
    struct bn_fetcher *f = fetcher_of(fs, p->leader);
    bn_fetchset_put(bn_fetcher_set(f), p);
    bn_fetcher_poke(f);
}
