/* calls_group.c: GroupWrite and GroupRead between protobuf-c's structs and facts. Owns nothing; copies nothing that the
 * callee does not keep. */
#include "controller/calls_group.h"

#include "common/base/check.h"
#include "common/zk/znode_path.h"

static struct bn_slice slice_of(ProtobufCBinaryData b) { return bn_slice_of(b.len ? b.data : (uint8_t *)"", b.len); }

static void *take(struct bn_arena *a, size_t count, size_t size) {
    void *p = bn_arena_array(a, count + 1, size);
    BN_ASSERT(p);
    return p;
}

static const char *name_of(ProtobufCBinaryData name, struct bn_arena *a) { /* NULL: none that can be */
    return bn_znode_path_group_ok(slice_of(name)) ? bn_arena_copy(a, slice_of(name)) : NULL;
}

static struct bn_fact_group_member member_of(const Bn__GroupMember *m) {
    return (struct bn_fact_group_member){.member_id = slice_of(m->member_id),
                                         .instance_id = m->is_static ? slice_of(m->instance_id) : BN_SLICE_NULL,
                                         .client_id = slice_of(m->client_id),
                                         .client_host = slice_of(m->client_host),
                                         .metadata = slice_of(m->metadata),
                                         .assignment = slice_of(m->assignment),
                                         .session_timeout_ms = m->session_timeout_ms,
                                         .rebalance_timeout_ms = m->rebalance_timeout_ms};
}

/* What cannot be read back is refused. */
static bool fill(const Bn__GroupState *in, struct bn_arena *a, struct bn_event_group_item *out) {
    struct bn_fact_group_member *members = take(a, in->n_members, sizeof *members);
    bool ok = in->generation >= 0 && in->reserved >= (in->reserve_only ? 0 : in->generation) &&
              in->state_since_ms >= 0 && in->n_members <= INT32_MAX;
    for (size_t i = 0; ok && i < in->n_members; i++) {
        members[i] = member_of(in->members[i]);
        ok = members[i].member_id.len > 0 && members[i].session_timeout_ms >= 0 && members[i].rebalance_timeout_ms >= 0;
    }
    out->reserve_only = in->reserve_only;
    out->group = (struct bn_fact_group){.name = name_of(in->group_id, a),
                                        .generation = in->generation,
                                        .reserved = in->reserved,
                                        .protocol_type = slice_of(in->protocol_type),
                                        .protocol = slice_of(in->protocol),
                                        .leader = slice_of(in->leader),
                                        .timestamp_ms = in->state_since_ms,
                                        .members = members,
                                        .member_count = ok ? (int32_t)in->n_members : 0};
    return ok && out->group.name;
}

bool bn_calls_group_event(const Bn__GroupWriteRequest *in, struct bn_arena *a, struct bn_event_group_write *out) {
    if (in->n_groups > INT32_MAX / 2 || in->n_removed > INT32_MAX / 2) return false;
    struct bn_event_group_item *items = take(a, in->n_groups + in->n_removed, sizeof *items);
    *out = (struct bn_event_group_write){.broker = in->broker_id,
                                         .broker_epoch = in->broker_epoch,
                                         .partition = in->offsets_partition,
                                         .leader_epoch = in->leader_epoch,
                                         .items = items,
                                         .item_count = (int32_t)(in->n_groups + in->n_removed)};
    for (size_t i = 0; i < in->n_groups; i++)
        if (!fill(in->groups[i], a, &items[i])) return false;
    for (size_t i = 0; i < in->n_removed; i++) {
        struct bn_event_group_item *item = &items[in->n_groups + i];
        item->removed = true;
        item->group.name = name_of(in->removed[i], a);
        if (!item->group.name) return false;
    }
    return true;
}

static ProtobufCBinaryData data_of(struct bn_slice s) {
    return (ProtobufCBinaryData){s.len, (uint8_t *)(uintptr_t)s.ptr};
}

static void pack_member(const struct bn_fact_group_member *in, Bn__GroupMember *out) {
    bn__group_member__init(out);
    out->member_id = data_of(in->member_id);
    out->instance_id = data_of(in->instance_id);
    out->is_static = !bn_slice_is_null(in->instance_id);
    out->client_id = data_of(in->client_id);
    out->client_host = data_of(in->client_host);
    out->session_timeout_ms = in->session_timeout_ms;
    out->rebalance_timeout_ms = in->rebalance_timeout_ms;
    out->metadata = data_of(in->metadata);
    out->assignment = data_of(in->assignment);
}

static void pack_group(const struct bn_fact_group *in, struct bn_arena *a, Bn__GroupState *out) {
    bn__group_state__init(out);
    out->group_id = data_of(bn_slice_str(in->name));
    out->generation = in->generation;
    out->reserved = in->reserved;
    out->protocol_type = data_of(in->protocol_type);
    out->protocol = data_of(in->protocol);
    out->leader = data_of(in->leader);
    out->state_since_ms = in->timestamp_ms;
    out->n_members = (size_t)in->member_count;
    out->members = take(a, out->n_members, sizeof(Bn__GroupMember *));
    Bn__GroupMember *rows = take(a, out->n_members, sizeof *rows);
    for (size_t i = 0; i < out->n_members; i++) {
        pack_member(&in->members[i], &rows[i]);
        out->members[i] = &rows[i];
    }
}

void bn_calls_group_answer(const struct bn_group_read *r, ProtobufCClosure closure, void *data) {
    Bn__GroupReadReply m = BN__GROUP_READ_REPLY__INIT;
    struct bn_arena a;
    bn_arena_init(&a, SIZE_MAX / 2);
    m.n_groups = (size_t)r->count;
    m.groups = take(&a, m.n_groups, sizeof(Bn__GroupState *));
    Bn__GroupState *rows = take(&a, m.n_groups, sizeof *rows);
    for (size_t i = 0; i < m.n_groups; i++) {
        pack_group(&r->groups[i], &a, &rows[i]);
        m.groups[i] = &rows[i];
    }
    m.more = r->more;
    closure(&m.base, data);
    bn_arena_fini(&a);
}
