/* grecord.h: the records of __consumer_offsets in Kafka's formats (6-groups 6.7), so that Kafka's tools and Burrow read
 * them. Pure: bytes in, structs out, nothing owned: slices borrow the record. */
#ifndef BN_GRECORD_H
#define BN_GRECORD_H

#include "common/base/bytes.h"
#include "common/base/slice.h"
#include "common/base/str.h"

/* ---- keys ---- */

enum bn_grecord_kind {
    BN_GRECORD_OFFSET,
    BN_GRECORD_GROUP,
    BN_GRECORD_OTHER, /* of a newer protocol: kept, not understood */
};
struct bn_grecord_key {
    enum bn_grecord_kind kind;
    struct bn_slice group, topic; /* topic: OFFSET */
    int32_t partition;            /* OFFSET */
};
int bn_grecord_read_key(struct bn_slice in, struct bn_grecord_key *out) BN_MUST_CHECK; /* BN_BAD */
void bn_grecord_write_offset_key(struct bn_str *out, struct bn_slice group, struct bn_slice topic, int32_t partition);
void bn_grecord_write_group_key(struct bn_str *out, struct bn_slice group);

/* ---- values ---- */

struct bn_grecord_offset {
    int64_t offset;
    int32_t leader_epoch; /* -1 = not told */
    struct bn_slice metadata;
    int64_t commit_ms, expire_ms; /* wall clock; expire_ms -1 = by the broker's retention */
};
int bn_grecord_read_offset(struct bn_slice in, struct bn_grecord_offset *out) BN_MUST_CHECK; /* versions 0-3; BN_BAD */
/* Version 3, or 1 when it has an expiry of its own. */
void bn_grecord_write_offset(struct bn_str *out, const struct bn_grecord_offset *o);

struct bn_grecord_group {                            /* version 3; members follow by bn_grecord_write_member */
    struct bn_slice protocol_type, protocol, leader; /* the last two may be null */
    int32_t generation;
    int64_t state_since_ms; /* -1 = not told */
    int32_t member_count;
    /* Of one that was read. */
    int16_t version;
    struct bn_cursor members; /* the next one, for bn_grecord_next_member */
};
struct bn_grecord_member {
    struct bn_slice id, instance_id, client_id, client_host; /* instance_id may be null */
    int32_t rebalance_ms, session_ms;
    struct bn_slice subscription, assignment;
};
/* Versions 0-3. BN_BAD: not sound to its last member, or of a version to come. */
int bn_grecord_read_group(struct bn_slice in, struct bn_grecord_group *out) BN_MUST_CHECK;
bool bn_grecord_next_member(struct bn_grecord_group *g, struct bn_grecord_member *out); /* false: there is no more */
void bn_grecord_write_group(struct bn_str *out, const struct bn_grecord_group *g);
void bn_grecord_write_member(struct bn_str *out, const struct bn_grecord_member *m);

#endif
