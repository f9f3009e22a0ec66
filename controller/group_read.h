/* group_read.h: one page of groups, read from their znodes, for a coordinator that was elected. */
#ifndef BN_GROUP_READ_H
#define BN_GROUP_READ_H

#include "common/base/arena.h"
#include "common/base/list.h"
#include "common/zk/zk.h"
#include "controller/brain/fact.h"

enum { BN_GROUP_READ_GROUPS_MAX = 200, BN_GROUP_READ_BYTES_MAX = 1 << 20 }; /* of a page; one group may be larger */
enum { BN_GROUP_READ_PAGES_MAX = 8 };                                       /* of a line at once; others wait */

/* Readings in the order of their coming. It outlives those that were not freed. */
struct bn_group_read_line {
    struct bn_list waiting;
    int running;
};
void bn_group_read_line_init(struct bn_group_read_line *l);

struct bn_group_read {            /* what was read */
    int status;                   /* 0; else nothing is known */
    struct bn_fact_group *groups; /* with the members of their parts; in the order of the names; absent ones left out */
    int32_t count;
    bool more; /* not all of the names were looked at */
};

/* names are copied. done comes once, later, and then the reading lives until it is freed. */
struct bn_group_read *bn_group_read_start(struct bn_group_read_line *line, struct bn_zk *zk, const char *const *names,
                                          int32_t count, void (*done)(void *arg, struct bn_group_read *), void *arg);
void bn_group_read_free(struct bn_group_read *r); /* before done, too; NULL is fine */

#endif
