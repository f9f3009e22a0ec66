/* groups_view_json.c: groups as one JSON object.
 */
#include "tools/groups_view.h"
#include "tools/jsonout.h"

/* null when negative */
static void add_count(struct bn_jsonout *j, const char *key, int64_t n) {
    if (n < 0)
        bn_jsonout_text(j, key, BN_SLICE_NULL);
    else
        bn_jsonout_number(j, key, n);
}

static void add_rows(struct bn_jsonout *j, const struct bn_groups_view_group *v) {
    int64_t total = 0;
    bn_jsonout_array(j, "partitions");
    for (size_t i = 0; i < v->row_count; i++) {
        const struct bn_groups_view_row *row = &v->rows[i];
        int64_t lag = bn_groups_view_lag(row);
        total += bn_max_i64(0, lag);
        bn_jsonout_object(j, NULL);
        bn_jsonout_text(j, "topic", row->topic);
        bn_jsonout_number(j, "partition", row->partition);
        add_count(j, "currentOffset", row->offset);
        add_count(j, "logEndOffset", row->end);
        add_count(j, "lag", lag);
        bn_jsonout_text(j, "consumerId", row->member ? row->member->id : BN_SLICE_NULL);
        bn_jsonout_text(j, "host", row->member ? row->member->host : BN_SLICE_NULL);
        bn_jsonout_text(j, "clientId", row->member ? row->member->client_id : BN_SLICE_NULL);
        bn_jsonout_end(j);
    }
    bn_jsonout_end(j);
    bn_jsonout_number(j, "lag", total);
}

static void add_members(struct bn_jsonout *j, const struct bn_groupask_group *g) {
    bn_jsonout_array(j, "members");
    for (size_t i = 0; i < g->count; i++) {
        const struct bn_groupask_member *m = &g->members[i];
        bn_jsonout_object(j, NULL);
        bn_jsonout_text(j, "consumerId", m->id);
        bn_jsonout_text(j, "groupInstanceId", m->instance_id);
        bn_jsonout_text(j, "host", m->host);
        bn_jsonout_text(j, "clientId", m->client_id);
        bn_jsonout_array(j, "assignment");
        for (size_t k = 0; k < m->count; k++) {
            bn_jsonout_object(j, NULL);
            bn_jsonout_text(j, "topic", m->places[k].topic);
            bn_jsonout_number(j, "partition", m->places[k].partition);
            bn_jsonout_end(j);
        }
        bn_jsonout_end(j);
        bn_jsonout_end(j);
    }
    bn_jsonout_end(j);
}

void bn_groups_view_json(struct bn_groups *g, const struct bn_groups_view_group *all, size_t count) {
    struct bn_jsonout j;
    bn_jsonout_init(&j);
    bn_jsonout_array(&j, "groups");
    for (size_t i = 0; i < count; i++) {
        const struct bn_groupask_group *group = &all[i].group;
        if (bn_slice_eq_str(group->state, "Dead")) {
            bn_groups_error(g, "Consumer group '%.*s' does not exist.", BN_SLICE_FMT(group->id));
            continue;
        }
        bn_jsonout_object(&j, NULL);
        bn_jsonout_text(&j, "group", group->id);
        bn_jsonout_text(&j, "state", group->state);
        bn_jsonout_text(&j, "protocolType", group->protocol_type);
        bn_jsonout_text(&j, "assignmentStrategy", group->protocol);
        bn_jsonout_number(&j, "coordinator", group->node);
        bn_jsonout_text(&j, "coordinatorAddress", bn_slice_str(group->address));
        if (g->view == BN_GROUPS_OFFSETS || g->view == BN_GROUPS_LAG) add_rows(&j, &all[i]);
        if (g->view == BN_GROUPS_MEMBERS) add_members(&j, group);
        if (g->view == BN_GROUPS_STATE) bn_jsonout_number(&j, "memberCount", (int64_t)group->count);
        bn_jsonout_end(&j);
    }
    bn_jsonout_print(&j);
}
