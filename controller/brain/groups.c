/* groups.c: the rebalance state of consumer groups. Owns the names of all groups and the requests that wait.
 *
 * The fence: a request counts only while the committed state of its partition of __consumer_offsets has this broker as
 * the leader under exactly this leader epoch, and no write of that state is in flight. Why that is exact, without a
 * check of the state's version in the multi: nobody but us writes that znode, all our multis go through one session in
 * the order in which they are sent, and each fails when /controller_epoch has moved. An election that is planned after
 * a group's multi was sent is committed behind it, so that a coordinator that reads after its own election reads that
 * write; one planned before has ended when we look. A lost connection changes nothing: what was sent on the old one is
 * in order before all that is sent on the new one, or never happens. What is retried is judged anew. (A check of the
 * version would also fail for every change of the ISR.)
 *
 * A request goes through stages, each of which may take several multis and ends before the next begins:
 *
 *   LOOK   reads what we do not know of the groups' znodes (once for each group and reign, and after a trouble), and
 *          always the present state of one of which only `reserved` is to change
 *   PARTS  members that do not fit the group's znode go to parts of names that are not in use
 *   ROOTS  the groups' own znodes: from here on it counts
 *   REST   parts that are not named any more, and what is removed
 *
 * Only the ROOTS of a large group decide, in one operation: before that its new parts mean nothing, after it its old
 * ones don't. Any trouble (a lost answer, a node that is there or is not, a version) ends in LOOK again: every
 * operation may be done twice, and the last state wins. Per partition one request is under way, in the order of their
 * coming; so the writes of a group keep their order. */
#include "controller/brain/groups.h"

#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/javahash.h"
#include "controller/brain/group_fact.h"

enum {
    BUSY_MAX = 16,    /* requests under way */
    LOOK_MAX = 64,    /* groups in one reading */
    ATTEMPTS_MAX = 8, /* of a request that always meets trouble */
    ITEMS_MAX = 1000, /* of a request */
    WAIT = -2,        /* no error: what is to be judged is in flight */
};

struct group_entry { /* what we know of /consumers/<group> */
    char *name;
    int32_t hash;
    int32_t holds; /* requests that name it */
    bool there;    /* the znode exists */
    bool known;    /* that, and the rest, is as it says; else it must be read */
    bool shared;   /* something that is not ours stands below it */
    struct bn_fact_group_part *parts;
    int32_t part_count;
};

enum stage { LOOK, PARTS, ROOTS, REST, END };

struct item {
    struct group_entry *entry;
    bool reserve_only, removed;
    bool merged;      /* reserve_only: group is what it shall be */
    bool looking;     /* in the reading under way */
    int32_t reserved; /* reserve_only */
    int32_t version;  /* of a merged one; -1 = any */
    struct bn_fact_group group;
};

struct bn_groups_write {
    struct bn_list node;  /* in model.group_writes */
    uint64_t token, slot; /* slot: the partition, as a key of model.group_busy */
    int32_t broker, partition, leader_epoch, count, flights, attempts;
    int64_t broker_epoch;
    enum stage stage; /* the next one; with flights, it is the one before that is under way */
    bool started, trouble;
    struct bn_arena arena;
    struct item *items;
};

struct group_read {
    struct bn_list node; /* in model.group_reads */
    struct bn_event_group_read e;
    char *after;
};

/* --- names --- */

static struct group_entry *entry_make(struct bn_model *m, const char *name) {
    struct group_entry *n = bn_map_get(&m->groups, bn_slice_str(name));
    if (n) return n;
    n = bn_alloc_zero(1, sizeof *n);
    n->name = bn_alloc_strdup(name);
    n->hash = bn_javahash(bn_slice_str(name));
    n->known = true;
    bn_map_put(&m->groups, bn_slice_str(n->name), n);
    return n;
}

static void entry_free(struct group_entry *n) {
    bn_alloc_free(n->parts);
    bn_alloc_free(n->name);
    bn_alloc_free(n);
}

static void entry_release(struct bn_model *m, struct group_entry *n) {
    if (--n->holds > 0 || n->there || !n->known) return;
    bn_map_remove(&m->groups, bn_slice_str(n->name));
    entry_free(n);
}

static void entry_parts(struct group_entry *n, const struct bn_fact_group_part *parts, int32_t count) {
    bn_alloc_free(n->parts);
    n->parts = bn_alloc_zero((size_t)count + 1, sizeof *n->parts);
    n->part_count = count;
    for (int32_t i = 0; i < count; i++) n->parts[i] = parts[i];
}

void bn_groups_listed(struct bn_model *m, const struct bn_event_groups *e) {
    for (int32_t i = 0; i < e->count; i++) {
        struct group_entry *n = entry_make(m, e->names[i]);
        n->there = true;
        n->known = false;
    }
    m->groups_listed = true;
}

/* --- the fence --- */

static int judge(const struct bn_model *m, int32_t broker, int64_t broker_epoch, int32_t partition,
                 int32_t leader_epoch) {
    const struct bn_model_broker *b = bn_model_broker(m, broker);
    if (!b || !b->registered || b->epoch != broker_epoch) return BN_KERR_STALE_BROKER_EPOCH;
    const struct bn_model_topic *t = bn_model_topic(m, BN_GROUPS_TOPIC);
    const struct bn_model_partition *p = t && t->kind == BN_MODEL_LIVE ? bn_model_partition(t, partition) : NULL;
    if (!p || !p->has_state) return BN_KERR_NOT_COORDINATOR;
    if (leader_epoch > p->state.leader_epoch) return BN_KERR_NOT_CONTROLLER; /* a newer controller elected it */
    if (leader_epoch < p->state.leader_epoch || p->state.leader != broker) return BN_KERR_NOT_COORDINATOR;
    return p->busy || !m->groups_listed ? WAIT : BN_KERR_NONE;
}

static bool is_of(const struct bn_model *m, const struct group_entry *n, int32_t partition) {
    const struct bn_model_topic *t = bn_model_topic(m, BN_GROUPS_TOPIC);
    return t && t->partition_count > 0 && bn_javahash_partition(n->hash, t->partition_count) == partition;
}

static int judge_write(const struct bn_model *m, const struct bn_groups_write *w) {
    int error = judge(m, w->broker, w->broker_epoch, w->partition, w->leader_epoch);
    for (int32_t i = 0; i < w->count && error == BN_KERR_NONE; i++)
        if (!is_of(m, w->items[i].entry, w->partition)) error = BN_KERR_NOT_COORDINATOR;
    return error;
}

/* --- requests --- */

static void reply(struct bn_model *m, uint64_t token, int kind, int error) {
    struct bn_output *o = bn_output_add(m->out, BN_OUTPUT_REPLY);
    o->u.reply.token = token;
    o->u.reply.kind = kind;
    o->u.reply.error = (int16_t)error;
}

static void write_free(struct bn_groups_write *w) {
    bn_list_remove(&w->node);
    bn_arena_fini(&w->arena);
    bn_alloc_free(w->items);
    bn_alloc_free(w);
}

static void end(struct bn_model *m, struct bn_groups_write *w, int error) {
    if (w->started) bn_map_remove(&m->group_busy, bn_map_key_u64(&w->slot));
    for (int32_t i = 0; i < w->count; i++) entry_release(m, w->items[i].entry);
    reply(m, w->token, BN_OUTPUT_REPLY_GROUP_WRITE, error);
    write_free(w);
}

static int acceptable(const struct bn_event_group_write *e) {
    if (e->item_count > ITEMS_MAX) return BN_KERR_INVALID_REQUEST;
    for (int32_t i = 0; i < e->item_count; i++)
        if (!e->items[i].removed && !bn_group_fact_fits(&e->items[i].group)) return BN_KERR_MESSAGE_TOO_LARGE;
    return BN_KERR_NONE;
}

void bn_groups_request(struct bn_model *m, const struct bn_event_group_write *e) {
    int error = acceptable(e);
    if (error) {
        reply(m, e->token, BN_OUTPUT_REPLY_GROUP_WRITE, error);
        return;
    }
    struct bn_groups_write *w = bn_alloc_zero(1, sizeof *w);
    w->token = e->token;
    w->slot = (uint32_t)e->partition;
    w->broker = e->broker;
    w->broker_epoch = e->broker_epoch;
    w->partition = e->partition;
    w->leader_epoch = e->leader_epoch;
    w->count = e->item_count;
    bn_arena_init(&w->arena, SIZE_MAX); /* bounded by the connection's own budget */
    w->items = bn_alloc_zero((size_t)w->count + 1, sizeof *w->items);
    for (int32_t i = 0; i < w->count; i++) {
        const struct bn_event_group_item *in = &e->items[i];
        struct group_entry *n = entry_make(m, in->group.name);
        n->holds++;
        w->items[i] = (struct item){.entry = n,
                                    .reserve_only = in->reserve_only,
                                    .removed = in->removed,
                                    .reserved = in->group.reserved,
                                    .version = -1,
                                    .group = {.name = n->name, .reserved = in->group.reserved}};
        if (in->reserve_only || in->removed) continue;
        w->items[i].group = bn_group_fact_copy(&w->arena, &in->group);
        w->items[i].group.part_count = 0;
    }
    bn_list_push_back(&m->group_writes, &w->node);
}

/* --- LOOK --- */

static bool must_look(const struct item *item) {
    return !item->entry->known || (item->reserve_only && !item->merged && item->entry->there);
}

int32_t bn_groups_reading(const struct bn_groups_write *w) {
    int32_t count = 0;
    for (int32_t i = 0; i < w->count; i++) count += w->items[i].looking;
    return count;
}

void bn_groups_names(struct bn_model *m, const struct bn_groups_write *w, struct bn_output_read_item *items) {
    for (int32_t i = 0, at = 0; i < w->count; i++) {
        if (!w->items[i].looking) continue;
        items[at++] = (struct bn_output_read_item){
            .kind = BN_OUTPUT_READ_GROUP, .partition = -1, .name = bn_model_text(m, w->items[i].entry->name)};
    }
}

static void look(struct bn_model *m, struct bn_groups_write *w) {
    int32_t count = 0;
    for (int32_t i = 0; i < w->count; i++) {
        w->items[i].looking = count < LOOK_MAX && must_look(&w->items[i]);
        count += w->items[i].looking;
    }
    if (count == 0) {
        w->stage = PARTS;
        return;
    }
    struct bn_flight *f = bn_flight_new(m, BN_FLIGHT_GROUPS, NULL);
    f->groups = w;
    w->flights++;
    bn_flight_read(m, f);
}

/* Only `reserved` of what stands there changes, and never down. */
static void merge(struct bn_groups_write *w, struct item *item, const struct bn_event_read_result *r) {
    item->group = r->has_group ? bn_group_fact_copy(&w->arena, &r->group) : (struct bn_fact_group){0};
    item->group.name = item->entry->name;
    if (item->group.reserved < item->reserved) item->group.reserved = item->reserved;
    item->version = r->found ? r->version : -1;
    item->merged = true;
}

void bn_groups_read(struct bn_model *m, struct bn_flight *f, const struct bn_event_read_done *e) {
    struct bn_groups_write *w = f->groups;
    (void)m;
    for (int32_t i = 0, at = 0; i < w->count; i++) {
        struct item *item = &w->items[i];
        if (!item->looking) continue;
        BN_ASSERT(at < e->result_count);
        const struct bn_event_read_result *r = &e->results[at++];
        item->looking = false;
        item->entry->known = true;
        item->entry->there = r->found;
        item->entry->shared = r->found && r->shared;
        entry_parts(item->entry, r->parts, r->found ? r->part_count : 0);
        if (item->reserve_only) merge(w, item, r);
    }
    w->flights--;
}

/* --- PARTS, ROOTS, REST --- */

static struct bn_output_op *add(struct bn_model *m, struct bn_groups_write *w, struct bn_flight **f,
                                enum bn_output_op_kind kind, const struct bn_fact_group *g, size_t size) {
    size_t room = size + 3 * strlen(g->name) + 64;
    if (*f && !bn_flight_has_room(*f, 1, room)) {
        bn_flight_send(m, *f);
        *f = NULL;
    }
    if (!*f) {
        *f = bn_flight_new(m, BN_FLIGHT_GROUPS, NULL);
        (*f)->groups = w;
        w->flights++;
    }
    struct bn_output_op *op = bn_flight_op(m, *f, kind, NULL, room);
    op->u.group = *g; /* lives in the request, which outlives the flight */
    return op;
}

static int32_t free_number(const struct group_entry *n, int32_t generation) {
    int32_t number = 0;
    for (int32_t i = 0; i < n->part_count; i++)
        if (n->parts[i].generation == generation && n->parts[i].number >= number && number < INT32_MAX - 128)
            number = n->parts[i].number + 1;
    return number;
}

static void send_parts(struct bn_model *m, struct bn_groups_write *w, struct item *item, struct bn_flight **f) {
    struct bn_fact_group *g = &item->group;
    struct bn_fact_group_part *parts = bn_arena_array(&w->arena, (size_t)g->member_count + 1, sizeof *parts);
    int32_t number = free_number(item->entry, g->generation), count = 0;
    if (!item->entry->there) add(m, w, f, BN_OUTPUT_OP_MAKE_GROUP, g, 0);
    for (int32_t at = 0, n; at < g->member_count; at += n, count++) {
        n = bn_group_fact_cut(g, at);
        parts[count] = (struct bn_fact_group_part){g->generation, number + count};
        struct bn_fact_group part = *g;
        part.members = g->members + at;
        part.member_count = n;
        part.parts = &parts[count];
        part.part_count = 1;
        size_t size = 64;
        for (int32_t i = 0; i < n; i++) size += bn_group_fact_member_bytes(&part.members[i]);
        add(m, w, f, BN_OUTPUT_OP_CREATE_GROUP_PART, &part, size);
    }
    g->parts = parts;
    g->part_count = count;
}

/* One that merged parts which stand there already keeps them. */
static void all_parts(struct bn_model *m, struct bn_groups_write *w) {
    struct bn_flight *f = NULL;
    for (int32_t i = 0; i < w->count; i++) {
        struct item *item = &w->items[i];
        bool keeps = item->merged && item->group.member_count == 0;
        if (item->removed || keeps) continue;
        item->group.part_count = 0; /* of the attempt before */
        if (bn_group_fact_bytes(&item->group) > BN_GROUP_FACT_NODE_MAX) send_parts(m, w, item, &f);
    }
    if (f) bn_flight_send(m, f);
}

static void all_roots(struct bn_model *m, struct bn_groups_write *w) {
    struct bn_flight *f = NULL;
    for (int32_t i = 0; i < w->count; i++) {
        struct item *item = &w->items[i];
        struct bn_fact_group *g = &item->group;
        const struct group_entry *n = item->entry;
        if (item->removed) {
            if (!n->there) continue;
            bool last = n->part_count == 0 && !n->shared;
            add(m, w, &f, last ? BN_OUTPUT_OP_DELETE_GROUP : BN_OUTPUT_OP_CLEAR_GROUP, g, 0);
            continue;
        }
        size_t size = g->part_count ? bn_group_fact_head_bytes(g) : bn_group_fact_bytes(g);
        struct bn_output_op *op = add(m, w, &f, n->there ? BN_OUTPUT_OP_SET_GROUP : BN_OUTPUT_OP_CREATE_GROUP, g, size);
        op->version = item->version;
    }
    if (f) bn_flight_send(m, f);
}

static bool has_part(const struct bn_fact_group *g, struct bn_fact_group_part part) {
    for (int32_t i = 0; i < g->part_count; i++)
        if (g->parts[i].generation == part.generation && g->parts[i].number == part.number) return true;
    return false;
}

static void all_rest(struct bn_model *m, struct bn_groups_write *w) {
    struct bn_flight *f = NULL;
    for (int32_t i = 0; i < w->count; i++) {
        const struct item *item = &w->items[i];
        const struct group_entry *n = item->entry;
        for (int32_t at = 0; at < n->part_count; at++) {
            if (!item->removed && has_part(&item->group, n->parts[at])) continue;
            struct bn_fact_group part = item->group;
            struct bn_fact_group_part *which = bn_arena_array(&w->arena, 1, sizeof *which);
            *which = n->parts[at];
            part.parts = which;
            part.part_count = 1;
            add(m, w, &f, BN_OUTPUT_OP_DELETE_GROUP_PART, &part, 0);
        }
        if (item->removed && n->there && n->part_count && !n->shared)
            add(m, w, &f, BN_OUTPUT_OP_DELETE_GROUP, &item->group, 0);
    }
    if (f) bn_flight_send(m, f);
}

/* --- going on --- */

/* All that the stage before `stage` sent has been done. */
static void landed(struct bn_groups_write *w) {
    for (int32_t i = 0; i < w->count; i++) {
        struct item *item = &w->items[i];
        struct group_entry *n = item->entry;
        if (w->stage == ROOTS) { /* after PARTS */
            if (!item->removed && item->group.part_count) n->there = true;
        } else if (w->stage == REST) { /* after ROOTS */
            n->there = item->removed ? n->there && (n->part_count || n->shared) : true;
        } else if (w->stage == END) { /* after REST */
            if (item->removed && n->part_count) n->there = n->shared;
            entry_parts(n, item->group.parts, item->removed ? 0 : item->group.part_count);
        }
    }
}

static void start_over(struct bn_groups_write *w) {
    w->trouble = false;
    w->attempts++;
    w->stage = LOOK;
    for (int32_t i = 0; i < w->count; i++) {
        struct item *item = &w->items[i];
        item->entry->known = false;
        if (!item->merged) continue;
        item->merged = false;
        item->version = -1;
    }
}

static void send(struct bn_model *m, struct bn_groups_write *w) {
    enum stage now = w->stage;
    w->stage = now + 1;
    if (now == PARTS)
        all_parts(m, w);
    else if (now == ROOTS)
        all_roots(m, w);
    else
        all_rest(m, w);
    if (w->flights == 0) landed(w);
}

/* Nothing of w is in flight. May end it. What is left after ROOTS may be done by anybody. */
static void go_on(struct bn_model *m, struct bn_groups_write *w) {
    while (w->flights == 0) {
        if (w->trouble) start_over(w);
        int error = w->stage >= REST ? BN_KERR_NONE : judge_write(m, w);
        if (error == WAIT) return;
        if (error == BN_KERR_NONE && w->attempts > ATTEMPTS_MAX) error = BN_KERR_UNKNOWN_SERVER;
        if (error != BN_KERR_NONE || w->stage == END) {
            end(m, w, error);
            return;
        }
        if (w->stage == LOOK)
            look(m, w);
        else
            send(m, w);
    }
}

void bn_groups_done(struct bn_model *m, struct bn_flight *f, const struct bn_event_multi_done *e) {
    struct bn_groups_write *w = f->groups;
    (void)m;
    w->flights--;
    if (e->status != BN_OK) w->trouble = true;
    if (w->flights == 0 && !w->trouble) landed(w);
}

/* --- readings --- */

void bn_groups_request_read(struct bn_model *m, const struct bn_event_group_read *e) {
    struct group_read *r = bn_alloc_zero(1, sizeof *r);
    r->e = *e;
    r->after = bn_alloc_strdup(e->after);
    bn_list_push_back(&m->group_reads, &r->node);
}

static void read_free(struct group_read *r) {
    bn_list_remove(&r->node);
    bn_alloc_free(r->after);
    bn_alloc_free(r);
}

static int by_name(const void *a, const void *b) {
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

static void answer(struct bn_model *m, const struct group_read *r) {
    const char **names = bn_model_scratch(m, m->groups.count + 1, sizeof *names);
    int32_t count = 0;
    size_t at = 0;
    for (struct bn_map_entry *i; (i = bn_map_next(&m->groups, &at));) {
        const struct group_entry *n = i->value;
        if ((n->there || !n->known) && is_of(m, n, r->e.partition) && strcmp(n->name, r->after) > 0)
            names[count++] = n->name;
    }
    if (count) qsort(names, (size_t)count, sizeof *names, by_name);
    for (int32_t i = 0; i < count; i++) names[i] = bn_model_text(m, names[i]);
    reply(m, r->e.token, BN_OUTPUT_REPLY_GROUP_READ, BN_KERR_NONE);
    struct bn_output *o = &m->out->items[m->out->count - 1];
    o->u.reply.groups = names;
    o->u.reply.group_count = count;
}

static void read_turns(struct bn_model *m) {
    BN_LIST_FOR (it, &m->group_reads) {
        struct group_read *r = BN_CONTAINER_OF(it, struct group_read, node);
        int error = judge(m, r->e.broker, r->e.broker_epoch, r->e.partition, r->e.leader_epoch);
        if (error == WAIT) continue;
        if (error == BN_KERR_NONE)
            answer(m, r);
        else
            reply(m, r->e.token, BN_OUTPUT_REPLY_GROUP_READ, error);
        read_free(r);
    }
}

void bn_groups_turns(struct bn_model *m) {
    read_turns(m);
    BN_LIST_FOR (it, &m->group_writes) {
        struct bn_groups_write *w = BN_CONTAINER_OF(it, struct bn_groups_write, node);
        if (w->flights > 0) continue;
        if (!w->started) {
            if (m->group_busy.count >= BUSY_MAX || bn_map_get(&m->group_busy, bn_map_key_u64(&w->slot))) continue;
            w->started = true;
            bn_map_put(&m->group_busy, bn_map_key_u64(&w->slot), w);
        }
        go_on(m, w);
    }
}

void bn_groups_drop_all(struct bn_model *m) {
    BN_LIST_FOR (it, &m->group_reads) read_free(BN_CONTAINER_OF(it, struct group_read, node));
    BN_LIST_FOR (it, &m->group_writes) write_free(BN_CONTAINER_OF(it, struct bn_groups_write, node));
    size_t at = 0;
    for (struct bn_map_entry *e; (e = bn_map_next(&m->groups, &at));) entry_free(e->value);
    bn_map_fini(&m->groups);
    bn_map_fini(&m->group_busy);
}
