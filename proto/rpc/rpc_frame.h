/* rpc_frame.h: the head of a frame: BE32 length of all that follows | u8 kind | u8 service | BE16 method | BE64 call id
 * | BE32 deadline ms | payload. Pure. */
#ifndef BN_RPC_FRAME_H
#define BN_RPC_FRAME_H

#include "common/base/base.h"
#include "common/base/slice.h"

enum { BN_RPC_FRAME_HEAD = 20 };

enum bn_rpc_frame_kind {
    BN_RPC_FRAME_REQUEST,
    BN_RPC_FRAME_RESPONSE,
    BN_RPC_FRAME_ERROR, /* payload: a sentence */
};

struct bn_rpc_frame {
    enum bn_rpc_frame_kind kind;
    uint8_t service;
    uint16_t method;
    uint64_t call_id;
    uint32_t deadline_ms; /* how long the caller waits; 0 = as long as the connection lives */
    struct bn_slice payload;
};

/* Writes the head of a frame with payload.len bytes of payload (payload.ptr is not read). */
void bn_rpc_frame_head(uint8_t out[BN_RPC_FRAME_HEAD], const struct bn_rpc_frame *f);
/* Reads the frame at the start of in; the payload borrows in. Gives the frame's size in bytes; 0 when more bytes are
 * needed, with their number in *need when the head is there (else *need is the head's size); BN_BAD when this is no
 * frame, or one with more than payload_max bytes of payload. */
int64_t bn_rpc_frame_parse(struct bn_slice in, size_t payload_max, struct bn_rpc_frame *out,
                           size_t *need) BN_MUST_CHECK;

#endif
