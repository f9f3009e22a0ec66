/* forward.h: what any shard may ask of the active controller. The functions fit struct bn_api_deps; `agent` is a struct
 * bn_agent. A question travels to the agent's shard by mailbox, and its answer back to the shard that asked. */
#ifndef BN_FORWARD_H
#define BN_FORWARD_H

#include "broker/cluster/agent.h"

/* Sends a client's admin request, undecoded (body is copied). reply comes once, on `shard`: error 0 and the response
 * body in the request's version (borrowed for the call), or REQUEST_TIMED_OUT (7) when no controller answered in
 * timeout_ms: then it may or may not have been done. */
void bn_forward_admin(void *agent, struct bn_shard *shard, int api_key, int version, struct bn_slice body,
                      struct bn_slice client_id, bool auto_create, uint32_t timeout_ms,
                      void (*reply)(void *reply_arg, int16_t error, struct bn_slice body), void *reply_arg);

/* A producer id that no other producer of this cluster has or had. reply comes once, on `shard`: 0, or
 * COORDINATOR_LOAD_IN_PROGRESS (14) when no block of ids could be had in a second. Ids come from blocks of the
 * controller's; the next block is fetched before the last id of one is given out. */
void bn_forward_producer_id(void *agent, struct bn_shard *shard,
                            void (*reply)(void *reply_arg, int16_t error, int64_t id), void *reply_arg);

/* Tells the controller that the directories of a deleted topic's partition are gone (any shard; fits
 * struct bn_roster_deps). Said again until it is heard; partition -1 = nothing of this topic is (or was) here. */
void bn_forward_deleted(void *agent, const struct bn_uuid *topic_id, const char *topic, int32_t partition);

/* A leader's ISR proposals (on any shard; request is copied). reply comes once, on `shard`, with NULL when no answer
 * came: nothing is known then, the proposal stands until a newer partition epoch is seen or a refusal comes. The
 * request's broker id and epoch are filled in here. */
void bn_forward_alter_partition(void *agent, struct bn_shard *shard, const Bn__AlterPartitionRequest *request,
                                void (*reply)(void *reply_arg, const Bn__AlterPartitionReply *answer), void *reply_arg);

/* Rebalance state of groups, written to their znodes, and read (safety §5; they fit struct bn_coordinator_deps).
 * request is copied; its broker id and epoch are filled in here. They are sent in the order of their coming. reply
 * comes once, on `shard`, with NULL when no answer came: then it may or may not have been done, and the same may be
 * said again. While there is no controller they wait. */
void bn_forward_group_write(void *agent, struct bn_shard *shard, const Bn__GroupWriteRequest *request,
                            void (*reply)(void *reply_arg, const Bn__GroupWriteReply *answer), void *reply_arg);
void bn_forward_group_read(void *agent, struct bn_shard *shard, const Bn__GroupReadRequest *request,
                           void (*reply)(void *reply_arg, const Bn__GroupReadReply *answer), void *reply_arg);

/* This broker is about to stop: the controller is to move its leaderships. reply comes once, on `shard`: error 0 when
 * all that can be moved has been and this broker has been told so, with how many partitions of more than one replica it
 * leads on and how many of these may still move; STALE_BROKER_EPOCH (77); or REQUEST_TIMED_OUT (7) when no controller
 * answered in timeout_ms. May be asked again. */
void bn_forward_controlled_shutdown(void *agent, struct bn_shard *shard, uint32_t timeout_ms,
                                    void (*reply)(void *reply_arg, int16_t error, int32_t remaining, int32_t may_move),
                                    void *reply_arg);

#endif
