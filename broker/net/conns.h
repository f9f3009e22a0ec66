/* conns.h: the connections of one shard: their limits, their memory, and who has to wait or go. */
#ifndef BN_CONNS_H
#define BN_CONNS_H

#include "broker/net/conn.h"
#include "broker/net/framepool.h"

struct bn_conns;

struct bn_conns_config {
    struct bn_shard *shard;
    size_t request_max_bytes; /* socket.request.max.bytes */
    size_t budget_bytes;      /* of frames received and not yet answered; 0 = 256 MiB */
    size_t output_max_bytes;  /* of answers queued on one connection before it is read no further; 0 = 16 MiB */
    size_t flush_bytes;       /* sent on one connection per turn; 0 = 1 MiB */
    uint32_t in_flight_max;   /* requests of one connection at work; 0 = 64 */
    uint64_t sweep_ms;        /* how often the two below are looked at; 0 = 1 s */
    uint64_t idle_ms;         /* connections.max.idle.ms; 0 = never */
    uint64_t stall_ms;        /* patience with half a frame while others wait for its memory; 0 = 10 s */
    /* A request frame, without its length. It lies in holder; whoever keeps the bytes takes a reference. The ticket
     * is answered exactly once, now or later, by bn_conn_answer, unless closed() comes before. */
    void (*frame)(void *arg, struct bn_conn *c, uint32_t ticket, struct bn_buf *holder, struct bn_slice frame);
    /* The connection has ended: c is not to be used after this call. */
    void (*closed)(void *arg, struct bn_conn *c);
    void *arg;
};

struct bn_conns *bn_conns_new(const struct bn_conns_config *config);
/* Takes an accepted, non-blocking fd. On the shard. */
void bn_conns_add(struct bn_conns *set, int fd, const struct bn_conn_origin *origin);
/* Ends every connection, silently; those that come after are refused. On the shard. */
void bn_conns_close_all(struct bn_conns *set);
/* After bn_conns_close_all, when the loop no longer runs or has turned since. */
void bn_conns_free(struct bn_conns *set);
uint32_t bn_conns_count(const struct bn_conns *set);
struct bn_framepool *bn_conns_pool(struct bn_conns *set);

#endif
