/* ends.h: the offsets of partitions at a time (ListOffsets), every leader being asked once about all that it leads. */
#ifndef BN_ENDS_H
#define BN_ENDS_H

#include "common/base/slice.h"
#include "tools/session.h"

enum { BN_ENDS_LATEST = -1, BN_ENDS_EARLIEST = -2 }; /* as a time */

struct bn_ends_place {
    struct bn_slice topic;
    int32_t partition, leader; /* leader -1: there is none */
    int16_t error;             /* Kafka's code */
    int64_t offset, timestamp; /* -1: none */
};

struct kmsg_metadata_response;
/* The place with the leader and the error that metadata tell of it. */
struct bn_ends_place bn_ends_place(const struct kmsg_metadata_response *all, struct bn_slice topic, int32_t partition);
/* Sorts the places by name and number and leaves one of each: how many those are. */
size_t bn_ends_unique(struct bn_ends_place *places, size_t count);
/* Asks for what was at that time, sorting the places, of which there must be one each. False when a leader could not be
 * asked (told); the others' answers are there all the same. */
bool bn_ends_ask(struct bn_session *s, struct bn_ends_place *places, size_t count, int64_t time);
/* One of such places, or NULL. */
const struct bn_ends_place *bn_ends_find(const struct bn_ends_place *places, size_t count, struct bn_slice topic,
                                         int32_t partition);

#endif
