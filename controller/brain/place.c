/* place.c: replica placement as Kafka does it, so that operators find the layouts they know: the first replicas go
 * round the brokers from a drawn start; the others follow at a distance that shifts by one each round. With racks, the
 * brokers are arranged alternating by rack, and a rack gets its second replica only when every rack has one. */
#include "controller/brain/place.h"

#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/check.h"

static int32_t replica_index(int32_t first, int64_t shift, int64_t j, int32_t n) {
    return (int32_t)((first + 1 + (shift + j) % (n - 1)) % n);
}

static void assign_plain(const struct bn_place_request *r, int32_t *out) {
    int32_t n = r->broker_count;
    int64_t shift = r->shift;
    for (int32_t i = 0; i < r->partition_count; i++) {
        int32_t p = r->partition_first + i;
        if (p > 0 && p % n == 0) shift++;
        int32_t first = (int32_t)(((int64_t)p + r->start) % n);
        *out++ = r->brokers[first].id;
        for (int32_t j = 0; j < r->replication_factor - 1; j++)
            *out++ = r->brokers[replica_index(first, shift, j, n)].id;
    }
}

struct racked {
    int32_t id, rack; /* rack: its number in the order of names */
    const char *name;
    int32_t turn; /* how many brokers of the same rack come before it */
};

static int by_rack(const void *a, const void *b) {
    const struct racked *x = a, *y = b;
    int c = strcmp(x->name, y->name);
    return c ? c : (x->id > y->id) - (x->id < y->id);
}

static int by_turn(const void *a, const void *b) {
    const struct racked *x = a, *y = b;
    if (x->turn != y->turn) return x->turn < y->turn ? -1 : 1;
    return (x->rack > y->rack) - (x->rack < y->rack);
}

/* Arranges the brokers alternating by rack; returns how many racks there are. */
static int32_t arrange(const struct bn_place_request *r, struct racked *list) {
    for (int32_t i = 0; i < r->broker_count; i++) list[i] = (struct racked){r->brokers[i].id, 0, r->brokers[i].rack, 0};
    qsort(list, (size_t)r->broker_count, sizeof *list, by_rack);
    int32_t racks = 1;
    for (int32_t i = 1; i < r->broker_count; i++) {
        bool same = strcmp(list[i].name, list[i - 1].name) == 0;
        if (!same) racks++;
        list[i].rack = racks - 1;
        list[i].turn = same ? list[i - 1].turn + 1 : 0;
    }
    qsort(list, (size_t)r->broker_count, sizeof *list, by_turn);
    return racks;
}

static void assign_racked(const struct bn_place_request *r, int32_t *out) {
    int32_t n = r->broker_count;
    struct racked *list = bn_alloc((size_t)n * sizeof *list);
    bool *rack_used = bn_alloc((size_t)n * sizeof *rack_used), *used = bn_alloc((size_t)n * sizeof *used);
    int32_t racks = arrange(r, list);
    int64_t shift = r->shift;
    for (int32_t i = 0; i < r->partition_count; i++) {
        int32_t p = r->partition_first + i, racks_used = 1;
        if (p > 0 && p % n == 0) shift++;
        int32_t first = (int32_t)(((int64_t)p + r->start) % n);
        memset(rack_used, 0, (size_t)n * sizeof *rack_used);
        memset(used, 0, (size_t)n * sizeof *used);
        *out++ = list[first].id;
        used[first] = rack_used[list[first].rack] = true;
        int64_t k = 0;
        for (int32_t j = 0; j < r->replication_factor - 1; k++) {
            int32_t at = replica_index(first, shift * racks, k, n);
            if (used[at] || (rack_used[list[at].rack] && racks_used < racks)) continue;
            *out++ = list[at].id;
            racks_used += !rack_used[list[at].rack];
            used[at] = rack_used[list[at].rack] = true;
            j++;
        }
    }
    bn_alloc_free(list);
    bn_alloc_free(rack_used);
    bn_alloc_free(used);
}

void bn_place_assign(const struct bn_place_request *r, int32_t *out) {
    BN_ASSERT(r->replication_factor >= 1);
    BN_ASSERT(r->replication_factor <= r->broker_count);
    bool racked = true;
    for (int32_t i = 0; i < r->broker_count; i++) racked = racked && r->brokers[i].rack;
    if (racked)
        assign_racked(r, out);
    else
        assign_plain(r, out);
}
