/* group_node.c: from a znode's data to the brain's facts. Owns nothing. A znode that somebody spoiled does not stop
 * anything: its group begins again, above every generation that it may have used. */
#include "controller/group_node.h"

#include "common/base/trace.h"
#include "common/zk/znode.h"
#include "proto/kafka/codec.h"

/* What no coordinator writes, because no client could have said it or be told it. */
enum { GENERATION_MAX = INT32_MAX - 1000000 }; /* room for what is used after it */

/* A write raises `reserved` by less than LOST_STEP, and the data version by one. */
enum { LOST_BASE = 1000000, LOST_STEP = 32 };

static bool is_string(struct bn_slice s) { return s.len <= BN_CODEC_STRING_MAX; }

static bool can_be_told(const struct bn_znode_group_member *members, int32_t count) {
    bool ok = true;
    for (int32_t i = 0; i < count; i++) {
        const struct bn_znode_group_member *m = &members[i];
        ok = ok && is_string(m->member_id) && is_string(m->instance_id) && is_string(m->client_id) &&
             is_string(m->client_host);
    }
    return ok;
}

static const struct bn_fact_group_member *facts(const struct bn_znode_group_member *in, int32_t count,
                                                struct bn_arena *a) {
    struct bn_fact_group_member *out = bn_arena_array(a, (size_t)count + 1, sizeof *out);
    for (int32_t i = 0; out && i < count; i++)
        out[i] = (struct bn_fact_group_member){.member_id = in[i].member_id,
                                               .instance_id = in[i].instance_id,
                                               .client_id = in[i].client_id,
                                               .client_host = in[i].client_host,
                                               .session_timeout_ms = in[i].session_timeout_ms,
                                               .rebalance_timeout_ms = in[i].rebalance_timeout_ms,
                                               .metadata = in[i].metadata,
                                               .assignment = in[i].assignment};
    return out;
}

int bn_group_node_read(struct bn_slice data, const char *name, struct bn_arena *a, struct bn_fact_group *out) {
    struct bn_znode_group z;
    struct bn_err e = BN_ERR_NONE;
    if (data.len == 0) return BN_NOTFOUND;
    int rc = bn_znode_group_decode(data, a, &z, &e);
    if (rc == BN_OK && z.reserved > GENERATION_MAX) rc = bn_err_set(&e, BN_BAD, "reserved: too large");
    bool short_names = is_string(z.protocol_type) && is_string(z.protocol) && is_string(z.leader);
    if (rc == BN_OK && !(short_names && can_be_told(z.members, z.member_count)))
        rc = bn_err_set(&e, BN_BAD, "a name is longer than %d bytes", BN_CODEC_STRING_MAX);
    if (rc == BN_BAD) BN_ERROR("controller", "the state of group %.100s cannot be read: %s", name, e.text);
    if (rc != BN_OK) return rc;
    struct bn_fact_group_part *parts = bn_arena_array(a, (size_t)z.part_count + 1, sizeof *parts);
    const struct bn_fact_group_member *members = facts(z.members, z.member_count, a);
    if (!parts || !members) return BN_FULL;
    for (int32_t i = 0; i < z.part_count; i++)
        parts[i] = (struct bn_fact_group_part){z.parts[i].generation, z.parts[i].number};
    *out = (struct bn_fact_group){.name = name,
                                  .generation = z.generation,
                                  .reserved = z.reserved,
                                  .protocol_type = z.protocol_type,
                                  .protocol = z.protocol,
                                  .leader = z.leader,
                                  .timestamp_ms = z.timestamp_ms,
                                  .parts = parts,
                                  .part_count = z.part_count,
                                  .members = members,
                                  .member_count = z.member_count};
    return BN_OK;
}

int bn_group_node_read_part(struct bn_slice data, const char *name, struct bn_arena *a,
                            const struct bn_fact_group_member **members, int32_t *count) {
    struct bn_znode_group_members z;
    struct bn_err e = BN_ERR_NONE;
    int rc = bn_znode_group_members_decode(data, a, &z, &e);
    if (rc == BN_OK && !can_be_told(z.members, z.member_count))
        rc = bn_err_set(&e, BN_BAD, "a name is longer than %d bytes", BN_CODEC_STRING_MAX);
    if (rc == BN_BAD) BN_ERROR("controller", "members of group %.100s cannot be read: %s", name, e.text);
    if (rc != BN_OK) return rc;
    *members = facts(z.members, z.member_count, a);
    *count = z.member_count;
    return *members ? BN_OK : BN_FULL;
}

struct bn_fact_group bn_group_node_lost(const char *name, int32_t version) {
    int64_t above = LOST_BASE + ((int64_t)version + 1) * LOST_STEP;
    int32_t generation = above > INT32_MAX / 2 ? INT32_MAX / 2 : (int32_t)above;
    return (struct bn_fact_group){.name = name, .generation = generation, .reserved = generation};
}
