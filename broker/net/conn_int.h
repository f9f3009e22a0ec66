/* conn_int.h: what conn.c and conns.c share; nobody else includes it. */
#ifndef BN_CONN_INT_H
#define BN_CONN_INT_H

#include "broker/net/conn.h"
#include "broker/net/conns.h"
#include "broker/net/reply.h"
#include "common/base/list.h"
#include "common/sys/sock.h"

enum {
    BN_CONN_SCRATCH_BYTES = 65536, /* one receive; what an idle connection does not hold */
    /* a frame up to this size gets a block of its own, so that it never pins a scratch block */
    BN_CONN_COPY_BYTES = 16384,
    BN_CONN_GROWTH = 32,           /* after n bytes of a frame have arrived, its block may have room for 32 n */
    BN_CONN_SMALL_BYTES = 4096,    /* the block of a peer that stops in the middle of a small frame */
    BN_CONN_TURN_BYTES = 1 << 20,  /* received on one connection per turn */
};

struct bn_conns {
    struct bn_conns_config config;
    struct bn_framepool *pool;
    struct bn_buf *spare;         /* the scratch block between two receives; NULL while somebody holds it */
    struct bn_list all;           /* by last activity, the oldest first */
    struct bn_list starving;      /* connections that wait for memory, first come first served */
    struct bn_conn *overdraft;    /* the one that may exceed the budget, so that somebody always finishes */
    bool overdraft_spent;         /* it has handed up its frame, and the memory is not back yet */
    struct bn_task wake;          /* lets starving ones try again */
    struct bn_timer sweep;        /* idle and stalled connections, trimming */
    uint32_t count, sweeps;
    bool closed;
};

struct bn_conn {
    struct bn_list link, starving_link;
    struct bn_conns *set;
    struct bn_conn_origin origin;
    struct bn_io *io;
    struct bn_task work; /* parse what was left, flush; frees a closed connection */
    struct bn_buf *in;   /* holds unparsed bytes [at, in->len); NULL when there are none */
    size_t at;
    struct bn_reply_ring replies;
    struct bn_chain out;
    uint64_t active_ms;
    int fd;
    bool spoken;     /* a whole frame has come: this is Kafka's protocol */
    bool starved;    /* in set->starving */
    bool want_write; /* the socket took no more */
    bool closed;     /* only waits to be freed */
    void *user;
    char peer[BN_SOCK_NAME_MAX], host[BN_SOCK_NAME_MAX];
};

/* conn.c */
void bn_conn_start(struct bn_conns *set, int fd, const struct bn_conn_origin *origin);
void bn_conn_drop(struct bn_conn *c); /* ends it without a line */
void bn_conn_fed(struct bn_conn *c);  /* memory may be had again */
/* conns.c */
/* May c take `more` bytes? If not, it waits and is read again after bn_conn_fed. */
bool bn_conns_allow(struct bn_conn *c, size_t more);
void bn_conns_left(struct bn_conn *c);    /* c is closed: forget it */
void bn_conns_settled(struct bn_conn *c); /* c holds no half frame any more */

#endif
