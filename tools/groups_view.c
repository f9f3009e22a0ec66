/* groups_view.c: groups as Kafka's tool prints them (9-tools 9.4), column for column. Kafka 3.9 leaves out the name of
 * the topic in a member's assignment, which makes it useless: here it stands, as with other releases.
 */
#include "tools/groups_view.h"

#include <stdio.h>

static int width_of(size_t least, size_t len) { return (int)bn_max_size(least, len); }

int64_t bn_groups_view_lag(const struct bn_groups_view_row *row) {
    return row->offset < 0 || row->end < 0 ? -1 : bn_max_i64(0, row->end - row->offset);
}

static bool is(const struct bn_groups_view_group *v, const char *state) {
    return bn_slice_eq_str(v->group.state, state);
}

/* Tells what is special about a group's state. False when there is nothing to show of it. */
static bool tell_state(struct bn_groups *g, const struct bn_groups_view_group *v, size_t rows) {
    fflush(stdout);
    if (is(v, "Dead"))
        bn_groups_error(g, "Consumer group '%.*s' does not exist.", BN_SLICE_FMT(v->group.id));
    else if (is(v, "Empty"))
        fprintf(stderr, "\nConsumer group '%.*s' has no active members.\n", BN_SLICE_FMT(v->group.id));
    else if (!is(v, "Stable"))
        fprintf(stderr, "\nWarning: Consumer group '%.*s' is rebalancing.\n", BN_SLICE_FMT(v->group.id));
    return !is(v, "Dead") && rows > 0;
}

/* A number, or "-" when there is none. */
static const char *number(int64_t n, char out[24]) {
    (void)snprintf(out, 24, "%" PRId64, n);
    return n < 0 ? "-" : out;
}

static void print_offsets(const struct bn_groups_view_group *v) {
    const struct bn_slice none = BN_SLICE_LIT("-");
    int group = width_of(15, v->group.id.len), topic = 15, id = 15, host = 15;
    for (size_t i = 0; i < v->row_count; i++) {
        const struct bn_groupask_member *m = v->rows[i].member;
        topic = width_of((size_t)topic, v->rows[i].topic.len);
        if (m) id = width_of((size_t)id, m->id.len);
        if (m) host = width_of((size_t)host, m->host.len);
    }
    printf("\n%-*s %-*s %-10s %-15s %-15s %-15s %-*s %-*s %s", group, "GROUP", topic, "TOPIC", "PARTITION",
           "CURRENT-OFFSET", "LOG-END-OFFSET", "LAG", id, "CONSUMER-ID", host, "HOST", "CLIENT-ID");
    for (size_t i = 0; i < v->row_count; i++) {
        const struct bn_groups_view_row *row = &v->rows[i];
        const struct bn_groupask_member *m = row->member;
        char offset[24], end[24], lag[24];
        printf("\n%-*.*s %-*.*s %-10d %-15s %-15s %-15s %-*.*s %-*.*s %.*s", group, BN_SLICE_FMT(v->group.id), topic,
               BN_SLICE_FMT(row->topic), row->partition, number(row->offset, offset), number(row->end, end),
               number(bn_groups_view_lag(row), lag), id, BN_SLICE_FMT(m ? m->id : none), host,
               BN_SLICE_FMT(m ? m->host : none), BN_SLICE_FMT(m ? m->client_id : none));
    }
}

/* "t1(0,1), t2(3)". */
static void print_assignment(const struct bn_groupask_member *m) {
    if (m->count == 0) putchar('-');
    for (size_t i = 0; i < m->count; i++) {
        bool first = i == 0 || !bn_slice_eq(m->places[i - 1].topic, m->places[i].topic);
        if (first)
            printf("%s%.*s(%d", i ? "), " : "", BN_SLICE_FMT(m->places[i].topic), m->places[i].partition);
        else
            printf(",%d", m->places[i].partition);
        if (i + 1 == m->count) putchar(')');
    }
}

static void print_members(const struct bn_groups *g, const struct bn_groups_view_group *v, bool rows) {
    int group = 15, id = 15, instance = 17, host = 15, client = 15;
    size_t count = rows ? v->group.count : 0;
    bool instances = false;
    for (size_t i = 0; i < count; i++) {
        const struct bn_groupask_member *m = &v->group.members[i];
        group = width_of((size_t)group, v->group.id.len);
        id = width_of((size_t)id, m->id.len);
        instance = width_of((size_t)instance, m->instance_id.len);
        host = width_of((size_t)host, m->host.len);
        client = width_of((size_t)client, m->client_id.len);
        instances |= m->instance_id.len > 0;
    }
    printf("\n%-*s %-*s ", group, "GROUP", id, "CONSUMER-ID");
    if (instances) printf("%-*s ", instance, "GROUP-INSTANCE-ID");
    printf("%-*s %-*s %-15s %s\n", host, "HOST", client, "CLIENT-ID", "#PARTITIONS", g->verbose ? "ASSIGNMENT" : "");
    for (size_t i = 0; i < count; i++) {
        const struct bn_groupask_member *m = &v->group.members[i];
        printf("%-*.*s %-*.*s ", group, BN_SLICE_FMT(v->group.id), id, BN_SLICE_FMT(m->id));
        if (instances) printf("%-*.*s ", instance, BN_SLICE_FMT(m->instance_id));
        printf("%-*.*s %-*.*s %-15zu ", host, BN_SLICE_FMT(m->host), client, BN_SLICE_FMT(m->client_id), m->count);
        if (g->verbose) print_assignment(m);
        putchar('\n');
    }
}

static void print_state(const struct bn_groups_view_group *v) {
    char coordinator[320];
    (void)snprintf(coordinator, sizeof coordinator, "%s  (%d)", v->group.address, v->group.node);
    int width = width_of(25, strlen(coordinator));
    printf("\n%-*s %-25s %-20s %-15s %s", width, "GROUP", "COORDINATOR (ID)", "ASSIGNMENT-STRATEGY", "STATE",
           "#MEMBERS");
    printf("\n%-*.*s %-25s %-20.*s %-15.*s %zu\n", width, BN_SLICE_FMT(v->group.id), coordinator,
           BN_SLICE_FMT(v->group.protocol), BN_SLICE_FMT(v->group.state), v->group.count);
}

/* A line per topic of a group: how many partitions, and how far behind all of them, and the worst, are. */
static void print_lag(const struct bn_groups_view_group *all, size_t count) {
    int group = 15, topic = 15;
    for (size_t i = 0; i < count; i++) {
        group = width_of((size_t)group, all[i].group.id.len);
        for (size_t k = 0; k < all[i].row_count; k++) topic = width_of((size_t)topic, all[i].rows[k].topic.len);
    }
    printf("%-*s %-*s %-10s %-15s %-15s %s\n", group, "GROUP", topic, "TOPIC", "PARTITIONS", "LAG", "WORST", "STATE");
    for (size_t i = 0; i < count; i++) {
        const struct bn_groups_view_group *v = &all[i];
        for (size_t k = 0; k < v->row_count;) {
            struct bn_slice name = v->rows[k].topic;
            int64_t lag = 0, worst = 0;
            int partitions = 0;
            for (; k < v->row_count && bn_slice_eq(v->rows[k].topic, name); k++, partitions++) {
                int64_t one = bn_groups_view_lag(&v->rows[k]);
                lag += bn_max_i64(0, one);
                worst = bn_max_i64(worst, one);
            }
            printf("%-*.*s %-*.*s %-10d %-15" PRId64 " %-15" PRId64 " %.*s\n", group, BN_SLICE_FMT(v->group.id), topic,
                   BN_SLICE_FMT(name), partitions, lag, worst, BN_SLICE_FMT(v->group.state));
        }
    }
}

void bn_groups_view_text(struct bn_groups *g, const struct bn_groups_view_group *all, size_t count) {
    bool any = false;
    if (g->view == BN_GROUPS_LAG) print_lag(all, count);
    for (size_t i = 0; i < count; i++) {
        const struct bn_groups_view_group *v = &all[i];
        if (g->view == BN_GROUPS_LAG) {
            if (is(v, "Dead")) (void)tell_state(g, v, 0);
        } else if (g->view == BN_GROUPS_MEMBERS) {
            bool rows = tell_state(g, v, v->group.count);
            print_members(g, v, rows);
        } else if (g->view == BN_GROUPS_STATE) {
            if (tell_state(g, v, 1)) print_state(v);
        } else if (tell_state(g, v, v->row_count)) {
            print_offsets(v);
            any = true;
        }
    }
    if (any) putchar('\n');
}
