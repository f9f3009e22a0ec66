/* world.h: a shard with a set of connections, and clients on loopback that talk to it, for the tests of broker/net.
 *
 * The handler obeys the first byte of a frame: 'e' echo; 'p' park (answer later); 'r' answer all parked ones, the last
 * first, then itself; 'n' no answer; 'c' close; 'b' and four bytes: answer that many bytes. */
#ifndef WORLD_H
#define WORLD_H

#include "broker/net/conns.h"

enum { WORLD_PARKED_MAX = 256 };

struct world {
    struct bn_shard *shard;
    struct bn_conns *set;
    int listen_fd, port;
    _Atomic uint32_t frames, closed, gone;
    _Atomic size_t frame_bytes;
    struct {
        struct bn_conn *conn;
        uint32_t ticket;
        struct bn_buf *holder;
    } parked[WORLD_PARKED_MAX];
    int parked_count;
};

/* Fills in what config leaves open (shard, callbacks, 1 MiB largest request) and starts the shard. */
void world_start(struct world *w, struct bn_conns_config config);
void world_stop(struct world *w);
/* Runs fn(w, arg) on the shard and waits for it. */
void world_on_shard(struct world *w, void (*fn)(struct world *w, void *arg), void *arg);
/* On the shard: answers all parked requests, the last first. */
void world_release(struct world *w, void *arg);
/* Waits until *counter has reached n; fails the test after 10 s. */
void world_wait(const _Atomic uint32_t *counter, uint32_t n);
int world_connect(struct world *w); /* a blocking client socket; the connection is in the set */
int world_dial(int port);           /* a blocking client socket */
size_t world_used_bytes(struct world *w); /* the pool's, asked on the shard */

void world_send(int fd, const void *ptr, size_t len);
void world_send_frame(int fd, const char *text);
/* Receives one answer frame and compares; text NULL = any. Gives its length. */
size_t world_expect(int fd, const char *text);
void world_expect_close(int fd);

#endif
