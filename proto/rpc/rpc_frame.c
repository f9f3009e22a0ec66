/* rpc_frame.c: reads and writes the head of a frame. Owns nothing. The declared length is compared with the limit
 * before anybody takes memory for it, and comparisons are made on the number as it came, never after adding to it. */
#include "proto/rpc/rpc_frame.h"

#include "common/base/bytes.h"
#include "common/base/check.h"
#include "common/base/err.h"

enum { LENGTH_SIZE = 4, BEHIND_LENGTH = BN_RPC_FRAME_HEAD - LENGTH_SIZE };

void bn_rpc_frame_head(uint8_t out[BN_RPC_FRAME_HEAD], const struct bn_rpc_frame *f) {
    BN_ASSERT(f->payload.len <= UINT32_MAX - BEHIND_LENGTH);
    bn_put_u32(out, (uint32_t)(f->payload.len + BEHIND_LENGTH));
    out[4] = (uint8_t)f->kind;
    out[5] = f->service;
    bn_put_u16(out + 6, f->method);
    bn_put_u64(out + 8, f->call_id);
    bn_put_u32(out + 16, f->deadline_ms);
}

int64_t bn_rpc_frame_parse(struct bn_slice in, size_t payload_max, struct bn_rpc_frame *out, size_t *need) {
    *need = BN_RPC_FRAME_HEAD;
    if (in.len < LENGTH_SIZE) return 0;
    uint32_t length = bn_get_u32(in.ptr);
    if (length < BEHIND_LENGTH || length - BEHIND_LENGTH > payload_max) return BN_BAD;
    if (in.len < BN_RPC_FRAME_HEAD) return 0;
    if (in.ptr[4] > BN_RPC_FRAME_ERROR) return BN_BAD;
    size_t payload_len = length - BEHIND_LENGTH;
    *need = BN_RPC_FRAME_HEAD + payload_len;
    if (in.len - BN_RPC_FRAME_HEAD < payload_len) return 0;
    *out = (struct bn_rpc_frame){
        .kind = (enum bn_rpc_frame_kind)in.ptr[4],
        .service = in.ptr[5],
        .method = bn_get_u16(in.ptr + 6),
        .call_id = bn_get_u64(in.ptr + 8),
        .deadline_ms = bn_get_u32(in.ptr + 16),
        .payload = bn_slice_of(in.ptr + BN_RPC_FRAME_HEAD, payload_len),
    };
    return (int64_t)*need;
}
