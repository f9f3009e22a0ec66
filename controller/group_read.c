/* group_read.c: reads groups, some at a time, until the page is full. Owns what it read until it is freed.
 *
 * When brokers take over many partitions of __consumer_offsets, a page of each is asked for at once: a few of them are
 * read, so that neither memory nor what is under way to ZooKeeper grows with the number of partitions.
 *
 * A group in parts: the group's own znode names them. When one is missing, the group was written meanwhile (by a
 * coordinator that is none any more; it cannot be written after us) or spoiled: it is read once more from the start. */
#include "controller/group_read.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/zk/znode_path.h"
#include "controller/group_node.h"

enum { AT_ONCE = 16, TRIES = 2, BUDGET = 256 << 20 };

struct slot {
    struct reading *reading;
    const char *name;
    bool found, spoiled;
    int tries, outstanding;
    int32_t version;
    struct bn_fact_group group;
    struct bn_fact_group_member *members; /* of parts */
    int32_t member_count, member_capacity;
};

struct reading {
    struct bn_group_read out;        /* first */
    struct bn_group_read_line *line; /* NULL: not counted there any more */
    struct bn_list link;             /* in line->waiting */
    struct bn_zk *zk;
    void (*done)(void *arg, struct bn_group_read *);
    void *arg;
    const char **names;
    int32_t name_count, next;
    struct slot slots[AT_ONCE];
    int32_t slot_count, outstanding; /* slots */
    size_t bytes;
    bool freed, is_done;
    struct bn_arena arena;
};

static void read_some(struct reading *r);

static void destroy(struct reading *r) {
    for (int32_t i = 0; i < AT_ONCE; i++) bn_alloc_free(r->slots[i].members);
    bn_arena_fini(&r->arena);
    bn_alloc_free(r);
}

static void on_sync(void *arg, int status);

/* Whatever we have sent is before us anyway; and it makes done come later than the call that began this. */
static void begin(struct reading *r) {
    r->line->running++;
    r->zk->ops->sync(r->zk, "/", on_sync, r);
}

static void leave_line(struct reading *r) {
    struct bn_group_read_line *l = r->line;
    if (!l) return;
    r->line = NULL;
    l->running--;
    struct bn_list *next = bn_list_pop_front(&l->waiting);
    if (next) begin(BN_CONTAINER_OF(next, struct reading, link));
}

static void end(struct reading *r) {
    r->is_done = true;
    leave_line(r);
    if (r->freed)
        destroy(r);
    else
        r->done(r->arg, &r->out);
}

static void fail(struct reading *r, int status) {
    if (r->out.status == BN_OK) r->out.status = status;
}

/* ---- a page ---- */

static size_t weight(const struct bn_fact_group *g) {
    size_t sum = 64 + strlen(g->name) + g->protocol_type.len + g->protocol.len + g->leader.len;
    for (int32_t i = 0; i < g->member_count; i++) {
        const struct bn_fact_group_member *m = &g->members[i];
        sum += 64 + m->member_id.len + m->instance_id.len + m->client_id.len + m->client_host.len + m->metadata.len +
               m->assignment.len;
    }
    return sum;
}

/* False: the page is full without it. */
static bool take_slot(struct reading *r, struct slot *s) {
    if (!s->found) return true;
    struct bn_fact_group g = s->spoiled ? bn_group_node_lost(s->name, s->version) : s->group;
    if (!s->spoiled && g.part_count) {
        struct bn_fact_group_member *members = bn_arena_array(&r->arena, (size_t)s->member_count + 1, sizeof *members);
        if (!members) {
            fail(r, BN_FULL);
            return true;
        }
        if (s->member_count) memcpy(members, s->members, (size_t)s->member_count * sizeof *members);
        g.members = members;
        g.member_count = s->member_count;
    }
    size_t size = weight(&g);
    if (r->out.count && r->bytes + size > BN_GROUP_READ_BYTES_MAX) return false;
    r->bytes += size;
    r->out.groups[r->out.count++] = g;
    return true;
}

static void slots_came(struct reading *r) {
    if (--r->outstanding > 0) return;
    bool full = r->freed || r->out.status != BN_OK;
    for (int32_t i = 0; !full && i < r->slot_count; i++) {
        full = !take_slot(r, &r->slots[i]);
        if (full) break;
        r->next++;
        full = r->out.count == BN_GROUP_READ_GROUPS_MAX || r->bytes >= BN_GROUP_READ_BYTES_MAX;
    }
    r->out.more = r->next < r->name_count;
    if (full || r->out.status != BN_OK || !r->out.more)
        end(r);
    else
        read_some(r);
}

/* ---- one group ---- */

static void read_root(struct slot *s);

static void came(struct slot *s) {
    if (--s->outstanding > 0) return;
    if (s->spoiled && s->group.part_count && s->tries < TRIES && !s->reading->freed)
        read_root(s);
    else
        slots_came(s->reading);
}

static void add_members(struct slot *s, const struct bn_fact_group_member *members, int32_t count) {
    if (s->member_count + count > s->member_capacity) {
        s->member_capacity = (s->member_count + count) * 2;
        s->members = bn_alloc_resize(s->members, (size_t)s->member_capacity * sizeof *s->members);
    }
    for (int32_t i = 0; i < count; i++) s->members[s->member_count++] = members[i];
}

/* Answers come in the order of the calls: the members stay in theirs. */
static void on_part(void *arg, int status, struct bn_slice data, const struct bn_zk_stat *stat) {
    struct slot *s = arg;
    struct reading *r = s->reading;
    const struct bn_fact_group_member *members;
    int32_t count;
    (void)stat;
    if (status == BN_OK) status = bn_group_node_read_part(data, s->name, &r->arena, &members, &count);
    if (status == BN_OK)
        add_members(s, members, count);
    else if (status == BN_NOTFOUND || status == BN_BAD)
        s->spoiled = true;
    else
        fail(r, status);
    came(s);
}

static void read_parts(struct slot *s) {
    struct bn_zk *zk = s->reading->zk;
    for (int32_t i = 0; i < s->group.part_count; i++) {
        struct bn_znode_path path;
        const char *at = bn_znode_path_group_part(&path, bn_slice_str(s->name), s->group.parts[i].generation,
                                                  s->group.parts[i].number);
        BN_ASSERT(at);
        s->outstanding++;
        zk->ops->get(zk, at, NULL, NULL, on_part, s);
    }
}

static void on_root(void *arg, int status, struct bn_slice data, const struct bn_zk_stat *stat) {
    struct slot *s = arg;
    struct reading *r = s->reading;
    if (status == BN_OK) status = bn_group_node_read(data, s->name, &r->arena, &s->group);
    s->found = status == BN_OK || status == BN_BAD;
    s->spoiled = status == BN_BAD;
    if (stat) s->version = stat->version;
    if (status == BN_OK)
        read_parts(s);
    else if (!s->found && status != BN_NOTFOUND)
        fail(r, status);
    came(s);
}

static void read_root(struct slot *s) {
    struct bn_znode_path path;
    const char *at = bn_znode_path_group(&path, bn_slice_str(s->name));
    BN_ASSERT(at);
    s->tries++;
    s->outstanding = 1;
    s->member_count = 0;
    s->group = (struct bn_fact_group){0};
    s->reading->zk->ops->get(s->reading->zk, at, NULL, NULL, on_root, s);
}

static void read_some(struct reading *r) {
    r->slot_count = r->name_count - r->next < AT_ONCE ? r->name_count - r->next : AT_ONCE;
    r->outstanding = r->slot_count;
    for (int32_t i = 0; i < r->slot_count; i++) {
        struct slot *s = &r->slots[i];
        bn_alloc_free(s->members);
        *s = (struct slot){.reading = r, .name = r->names[r->next + i]};
        read_root(s);
    }
}

/* ---- life ---- */

static void on_sync(void *arg, int status) {
    struct reading *r = arg;
    if (status != BN_OK) fail(r, status);
    if (r->freed || status != BN_OK || r->name_count == 0)
        end(r);
    else
        read_some(r);
}

void bn_group_read_line_init(struct bn_group_read_line *l) {
    bn_list_init(&l->waiting);
    l->running = 0;
}

struct bn_group_read *bn_group_read_start(struct bn_group_read_line *line, struct bn_zk *zk, const char *const *names,
                                          int32_t count, void (*done)(void *arg, struct bn_group_read *), void *arg) {
    struct reading *r = bn_alloc_zero(1, sizeof *r);
    r->line = line;
    bn_list_init(&r->link);
    r->zk = zk;
    r->done = done;
    r->arg = arg;
    r->name_count = count;
    bn_arena_init(&r->arena, BUDGET);
    r->names = bn_arena_array(&r->arena, (size_t)count + 1, sizeof *r->names);
    r->out.groups = bn_arena_array(&r->arena, BN_GROUP_READ_GROUPS_MAX, sizeof *r->out.groups);
    BN_ASSERT(r->names && r->out.groups);
    for (int32_t i = 0; i < count; i++) {
        r->names[i] = bn_arena_copy(&r->arena, bn_slice_str(names[i]));
        BN_ASSERT(r->names[i]);
    }
    if (line->running < BN_GROUP_READ_PAGES_MAX)
        begin(r);
    else
        bn_list_push_back(&line->waiting, &r->link);
    return &r->out;
}

void bn_group_read_free(struct bn_group_read *out) {
    if (!out) return;
    struct reading *r = BN_CONTAINER_OF(out, struct reading, out);
    bool waits = !bn_list_empty(&r->link);
    r->freed = true;
    if (waits)
        bn_list_remove(&r->link);
    else
        leave_line(r);
    if (waits || r->is_done) destroy(r);
}
