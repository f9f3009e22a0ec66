/* header.h: request and response headers with their odd versions (5-protocol: v1, v2 from the flexible version on;
 * the client id keeps its 16-bit length; ApiVersions answers always carry response header v0). */
#ifndef BN_HEADER_H
#define BN_HEADER_H

#include "proto/kafka/codec.h"

struct bn_header {
    int16_t api_key, api_version;
    int32_t correlation_id;
    struct bn_slice client_id; /* borrows the frame; may be null */
};

/* Reads the header of a request frame (without the length). The rest of the frame is the body. The API or version may
 * be one we don't know: then client_id is read as far as header v1 allows and *body is what follows (an unknown
 * flexible version's tag section is not skipped; null when there is not even a client id). BN_BAD when shorter than
 * key, version, correlation id, or when the header of a version we know is malformed; *out then holds what was read. */
int bn_header_decode(struct bn_slice frame, struct bn_header *out, struct bn_slice *body,
                     struct bn_err *e) BN_MUST_CHECK;
/* Appends length, header and body of a request. */
void bn_header_encode_request(const struct bn_header *h, const struct bn_codec_desc *d, void *message,
                              struct bn_chain *out);
/* Appends length, response header and body; d is the response's desc. False: no frame can hold it (out is to be thrown
 * away). */
bool bn_header_encode_response(int32_t correlation_id, int version, const struct bn_codec_desc *d, void *message,
                               struct bn_chain *out);
/* Client side: reads the response header of a frame, gives the body. */
int bn_header_decode_response(struct bn_slice frame, int api_key, int version, int32_t *correlation_id,
                              struct bn_slice *body) BN_MUST_CHECK;

#endif
