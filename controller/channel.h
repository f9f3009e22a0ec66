/* channel.h: one ordered metadata stream for each broker, over the connection that it dialled. */
#ifndef BN_CHANNEL_H
#define BN_CHANNEL_H

#include "controller/controller_int.h"

enum { BN_CHANNEL_QUEUE_MAX = 32 << 20 }; /* bytes queued for one broker; above, its stream ends and begins anew */

struct bn_channel *bn_channel_new(struct bn_controller *c);
void bn_channel_free(struct bn_channel *ch); /* every connection has ended */

/* A connection came in, and one ended (the RPC's callback). */
void bn_channel_accept(struct bn_channel *ch, int fd);
size_t bn_channel_count(const struct bn_channel *ch); /* connections */

/* Controller.Hello: begins the stream; answered by bn_channel_reply_hello. */
void bn_channel_hello(Bn__Controller_Service *s, const Bn__HelloRequest *in, Bn__HelloReply_Closure closure,
                      void *data);
void bn_channel_reply_hello(struct bn_channel *ch, uint64_t token, int error, const char *message);
/* To the stream d->token only; from then on it gets deltas. */
void bn_channel_image(struct bn_channel *ch, const struct bn_output_delta *d);
void bn_channel_delta(struct bn_channel *ch, const struct bn_output_delta *d);
void bn_channel_close(struct bn_channel *ch, uint64_t token, const char *why);
void bn_channel_close_all(struct bn_channel *ch, const char *why); /* every connection, streams or not */
/* The reign has begun: tells the brain of the hellos that came while its state was being read. */
void bn_channel_reign(struct bn_channel *ch);
bool bn_channel_has(const struct bn_channel *ch, int32_t broker, int64_t incarnation); /* its stream is up */

#endif
