/* group_list.c: one reading of /consumers. It comes after the reign has begun, so that it delays nobody but groups, and
 * shows whatever an earlier controller wrote: that one's later writes fail. Only names are kept; groups that a person
 * makes by hand are seen by the next controller. Children that we would not have made are not groups of ours. */
#include "controller/group_list.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/zk/znode_path.h"

struct bn_group_list {
    struct bn_controller *c;
    bool came, stopped;
};

static void tell(struct bn_group_list *l, char **names, int count) {
    struct bn_arena a;
    bn_arena_init(&a, SIZE_MAX / 2);
    const char **groups = bn_arena_array(&a, (size_t)count + 1, sizeof *groups);
    struct bn_event e = {.kind = BN_EVENT_GROUPS, .u.groups.names = groups};
    struct bn_str name;
    bn_str_init(&name);
    for (int i = 0; i < count; i++) {
        bn_str_clear(&name);
        if (!bn_znode_path_group_name(&name, bn_slice_str(names[i]))) continue;
        groups[e.u.groups.count] = bn_arena_copy(&a, bn_str_slice(&name));
        BN_ASSERT(groups[e.u.groups.count]);
        e.u.groups.count++;
    }
    bn_str_fini(&name);
    bn_controller_event(l->c, &e);
    bn_arena_fini(&a);
}

static void on_children(void *arg, int status, char **names, int count) {
    struct bn_group_list *l = arg;
    l->came = true;
    if (l->stopped) {
        bn_alloc_free(l);
    } else if (status == BN_OK || status == BN_NOTFOUND) {
        tell(l, names, status == BN_OK ? count : 0);
    } else if (status != BN_CLOSED) {
        bn_controller_give_up(l->c, "the groups cannot be listed");
    }
}

struct bn_group_list *bn_group_list_start(struct bn_controller *c) {
    struct bn_group_list *l = bn_alloc_zero(1, sizeof *l);
    l->c = c;
    c->zk->ops->children(c->zk, BN_ZNODE_CONSUMERS, NULL, NULL, on_children, l);
    return l;
}

void bn_group_list_stop(struct bn_group_list *l) {
    if (!l) return;
    l->stopped = true;
    if (l->came) bn_alloc_free(l);
}
