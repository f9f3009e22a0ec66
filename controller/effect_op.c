/* effect_op.c: the brain's operations as ZooKeeper's: which path, which data, which version. Pure; owns nothing. */
#include "common/base/check.h"
#include "common/zk/znode.h"
#include "common/zk/znode_path.h"
#include "controller/effect_int.h"
#include "controller/load.h"

static struct bn_znode_ids ids_of(struct bn_fact_ids in) {
    return (struct bn_znode_ids){(int32_t *)(uintptr_t)in.ids, in.count}; /* encoders only read */
}

static void *take(struct bn_arena *a, int32_t count, size_t size) {
    void *p = bn_arena_array(a, (size_t)count + 1, size);
    BN_ASSERT(p);
    return p;
}

static void encode_assignment(struct bn_str *out, struct bn_arena *a, const struct bn_output_assignment *in) {
    struct bn_znode_topic z = {
        .has_id = !bn_uuid_is_zero(&in->id), .id = in->id, .partition_count = in->partition_count};
    z.partitions = take(a, in->partition_count, sizeof *z.partitions);
    for (int32_t i = 0; i < in->partition_count; i++) {
        const struct bn_fact_partition *p = &in->partitions[i];
        z.partitions[i] = (struct bn_znode_partition){p->index, ids_of(p->replicas), ids_of(p->adding),
                                                      ids_of(p->removing)};
    }
    bn_znode_topic_encode(out, &z);
}

static void encode_config(struct bn_str *out, struct bn_arena *a, const struct bn_fact_config *in) {
    struct bn_znode_config z = {.count = in->entry_count};
    z.entries = take(a, in->entry_count, sizeof *z.entries);
    for (int32_t i = 0; i < in->entry_count; i++) {
        z.entries[i] = (struct bn_znode_pair){in->entries[i].name, in->entries[i].value};
    }
    bn_znode_config_encode(out, &z);
}

static void encode_state(struct bn_str *out, const struct bn_fact_state *in) {
    struct bn_znode_state z = {.controller_epoch = in->controller_epoch,
                               .leader = in->leader,
                               .leader_epoch = in->leader_epoch,
                               .isr = ids_of(in->isr),
                               .recovery_state = in->recovering ? 1 : 0,
                               .elr = ids_of(in->elr)};
    bn_znode_state_encode(out, &z);
}

static struct bn_znode_group_member *members_of(struct bn_arena *a, const struct bn_fact_group *in) {
    struct bn_znode_group_member *out = take(a, in->member_count, sizeof *out);
    for (int32_t i = 0; i < in->member_count; i++) {
        const struct bn_fact_group_member *m = &in->members[i];
        out[i] = (struct bn_znode_group_member){.member_id = m->member_id,
                                                .instance_id = m->instance_id,
                                                .client_id = m->client_id,
                                                .client_host = m->client_host,
                                                .session_timeout_ms = m->session_timeout_ms,
                                                .rebalance_timeout_ms = m->rebalance_timeout_ms,
                                                .metadata = m->metadata,
                                                .assignment = m->assignment};
    }
    return out;
}

static void encode_group(struct bn_str *out, struct bn_arena *a, const struct bn_fact_group *in) {
    struct bn_znode_group z = {.generation = in->generation,
                               .reserved = in->reserved,
                               .protocol_type = in->protocol_type,
                               .protocol = in->protocol,
                               .leader = in->leader,
                               .timestamp_ms = in->timestamp_ms,
                               .part_count = in->part_count};
    z.parts = take(a, in->part_count, sizeof *z.parts);
    for (int32_t i = 0; i < in->part_count; i++)
        z.parts[i] = (struct bn_znode_group_part){in->parts[i].generation, in->parts[i].number};
    if (!in->part_count) {
        z.members = members_of(a, in);
        z.member_count = in->member_count;
    }
    bn_znode_group_encode(out, &z);
}

static void encode_part(struct bn_str *out, struct bn_arena *a, const struct bn_fact_group *in) {
    bool consumer = bn_slice_eq_str(in->protocol_type, "consumer");
    bn_znode_group_members_encode(out, &(struct bn_znode_group_members){consumer, members_of(a, in), in->member_count});
}

static void encode_change(struct bn_str *out, const struct bn_fact_config *in) {
    struct bn_znode_path entity;
    const char *path = bn_znode_path_config(&entity, in->type, bn_slice_str(in->name));
    BN_ASSERT(path && strncmp(path, BN_ZNODE_CONFIG "/", sizeof BN_ZNODE_CONFIG) == 0);
    bn_znode_config_change_encode(out, &(struct bn_znode_config_change){path + sizeof BN_ZNODE_CONFIG});
}

/* Appends the data; false = null data. */
static bool encode(struct bn_str *out, struct bn_arena *a, const struct bn_output_op *in) {
    switch (in->kind) {
    case BN_OUTPUT_OP_CREATE_CONFIG:
    case BN_OUTPUT_OP_SET_CONFIG:
        encode_config(out, a, &in->u.config);
        return true;
    case BN_OUTPUT_OP_TELL_CONFIG:
        encode_change(out, &in->u.config);
        return true;
    case BN_OUTPUT_OP_CREATE_TOPIC:
    case BN_OUTPUT_OP_SET_TOPIC:
        encode_assignment(out, a, &in->u.assignment);
        return true;
    case BN_OUTPUT_OP_CREATE_PARTITIONS:
    case BN_OUTPUT_OP_SET_PARTITIONS:
        bn_znode_topic_partitions_encode(out, &(struct bn_znode_topic_partitions){true, in->u.assignment.id});
        return true;
    case BN_OUTPUT_OP_CREATE_STATE:
    case BN_OUTPUT_OP_SET_STATE:
        encode_state(out, &in->u.state);
        return true;
    case BN_OUTPUT_OP_SET_PRODUCER_IDS:
        bn_znode_producer_ids_encode(out, &(struct bn_znode_producer_ids){in->u.producer_ids.broker,
                                                                          in->u.producer_ids.first,
                                                                          in->u.producer_ids.last});
        return true;
    case BN_OUTPUT_OP_CREATE_ADMITTED:
    case BN_OUTPUT_OP_SET_ADMITTED:
        bn_znode_admitted_encode(out, &(struct bn_znode_admitted){in->u.incarnation});
        return true;
    case BN_OUTPUT_OP_CREATE_GROUP:
    case BN_OUTPUT_OP_SET_GROUP:
        encode_group(out, a, &in->u.group);
        return true;
    case BN_OUTPUT_OP_CREATE_GROUP_PART:
        encode_part(out, a, &in->u.group);
        return true;
    case BN_OUTPUT_OP_SET_SEQID:
        return true; /* empty, not null, as Kafka does */
    default:
        return false;
    }
}

static const char *path_of(struct bn_znode_path *p, const struct bn_output_op *in) {
    struct bn_slice topic = bn_slice_str(in->topic);
    switch (in->kind) {
    case BN_OUTPUT_OP_CREATE_CONFIG:
    case BN_OUTPUT_OP_SET_CONFIG:
        return bn_znode_path_config(p, in->u.config.type, bn_slice_str(in->u.config.name));
    case BN_OUTPUT_OP_TELL_CONFIG:
        return BN_ZNODE_CONFIG_CHANGES "/" BN_ZNODE_CONFIG_CHANGE_PREFIX;
    case BN_OUTPUT_OP_DELETE_CONFIG:
        return bn_znode_path_config(p, "topics", topic);
    case BN_OUTPUT_OP_CREATE_TOPIC:
    case BN_OUTPUT_OP_SET_TOPIC:
    case BN_OUTPUT_OP_DELETE_TOPIC:
        return bn_znode_path_topic(p, topic);
    case BN_OUTPUT_OP_CREATE_PARTITIONS:
    case BN_OUTPUT_OP_SET_PARTITIONS:
    case BN_OUTPUT_OP_DELETE_PARTITIONS:
        return bn_znode_path_topic_partitions(p, topic);
    case BN_OUTPUT_OP_CREATE_PARTITION:
    case BN_OUTPUT_OP_DELETE_PARTITION:
        return bn_znode_path_partition(p, topic, in->partition);
    case BN_OUTPUT_OP_CREATE_STATE:
    case BN_OUTPUT_OP_SET_STATE:
    case BN_OUTPUT_OP_DELETE_STATE:
        return bn_znode_path_state(p, topic, in->partition);
    case BN_OUTPUT_OP_CREATE_MARKER:
    case BN_OUTPUT_OP_DELETE_MARKER:
        return bn_znode_path_delete(p, topic);
    case BN_OUTPUT_OP_SET_PRODUCER_IDS:
        return BN_ZNODE_PRODUCER_IDS;
    case BN_OUTPUT_OP_SET_SEQID:
        return BN_ZNODE_SEQID;
    case BN_OUTPUT_OP_CREATE_ADMITTED:
    case BN_OUTPUT_OP_SET_ADMITTED:
        snprintf(p->text, sizeof p->text, "%s/%" PRId32, BN_ZNODE_ADMITTED, in->broker);
        return p->text;
    case BN_OUTPUT_OP_CHECK_INCARNATION:
        return bn_znode_path_incarnation(p, in->broker);
    case BN_OUTPUT_OP_DELETE_BROKER:
        return bn_znode_path_broker(p, in->broker);
    case BN_OUTPUT_OP_MAKE_GROUP:
    case BN_OUTPUT_OP_CREATE_GROUP:
    case BN_OUTPUT_OP_SET_GROUP:
    case BN_OUTPUT_OP_CLEAR_GROUP:
    case BN_OUTPUT_OP_DELETE_GROUP:
        return bn_znode_path_group(p, bn_slice_str(in->u.group.name));
    case BN_OUTPUT_OP_CREATE_GROUP_PART:
    case BN_OUTPUT_OP_DELETE_GROUP_PART:
        return bn_znode_path_group_part(p, bn_slice_str(in->u.group.name), in->u.group.parts[0].generation,
                                        in->u.group.parts[0].number);
    case BN_OUTPUT_OP_DELETE_ELECT:
        return BN_ZNODE_ELECT;
    }
    BN_UNREACHABLE();
}

static int kind_of(enum bn_output_op_kind kind) {
    static const int kinds[] = {[BN_OUTPUT_CREATE] = BN_ZK_OP_CREATE,
                                [BN_OUTPUT_SET] = BN_ZK_OP_SET,
                                [BN_OUTPUT_DELETE] = BN_ZK_OP_DELETE,
                                [BN_OUTPUT_CHECK] = BN_ZK_OP_CHECK};
    return kinds[bn_output_verb(kind)];
}

static int32_t version_of(const struct bn_output_op *in) {
    switch (in->kind) {
    case BN_OUTPUT_OP_CHECK_INCARNATION:
        return (int32_t)in->u.incarnation; /* it is a data version */
    case BN_OUTPUT_OP_DELETE_BROKER:
    case BN_OUTPUT_OP_DELETE_ELECT:
    case BN_OUTPUT_OP_SET_SEQID:
        return -1;
    default:
        return in->version;
    }
}

void bn_effect_op(const struct bn_output_op *in, struct bn_arena *a, struct bn_zk_op *out) {
    struct bn_znode_path path;
    const char *at = path_of(&path, in);
    BN_ASSERT(at); /* the brain has checked its names */
    struct bn_str data;
    bn_str_init(&data);
    bool has_data = encode(&data, a, in);
    *out = (struct bn_zk_op){
        .kind = kind_of(in->kind), .path = bn_arena_copy(a, bn_slice_str(at)), .version = version_of(in)};
    if (in->kind == BN_OUTPUT_OP_TELL_CONFIG) out->flags = BN_ZK_SEQUENTIAL;
    out->data = has_data ? bn_slice_of(bn_arena_copy(a, bn_str_slice(&data)), data.len) : BN_SLICE_NULL;
    bn_str_fini(&data);
    BN_ASSERT(out->path && (!has_data || out->data.ptr));
}
