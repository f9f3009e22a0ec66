/* zk_attempt.h: how long libzookeeper may take over one attempt to connect. Its own patience is two thirds of the
 * session timeout (12 s of 18), for a host that drops packets as for a server that took the connection while it was
 * starting and then never answers it, as ZooKeeper does now and then. Only zk_conn.c includes this. */
#ifndef BN_ZK_ATTEMPT_H
#define BN_ZK_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>

enum bn_zk_phase {
    BN_ZK_PHASE_IDLE,       /* no socket: the library pauses before it tries again */
    BN_ZK_PHASE_CONNECTING, /* TCP's part */
    BN_ZK_PHASE_GREETING,   /* the session was asked for, and not answered yet */
    BN_ZK_PHASE_UP,
};

/* The longest pause, and how long TCP and then the server may take. The latter doubles with each attempt that was given
 * up, until a connection is up: a server may be slow rather than stuck. */
enum { BN_ZK_ATTEMPT_PAUSE_MS = 250, BN_ZK_ATTEMPT_CONNECT_MS = 1000, BN_ZK_ATTEMPT_GREET_MS = 500 };

struct bn_zk_attempt { /* all zeros at first */
    uint64_t socket;   /* the attempt's own name; 0 = none */
    bool greeting;
    uint64_t began_ms; /* of its phase */
    int given_up;      /* greetings since the last connection that was up */
};

/* What stands at now_ms (monotonic); socket is another number for each socket, never 0. True: give this attempt up.
 * *wait_ms is how long the library would sleep; it becomes less when a look is due before. */
bool bn_zk_attempt_look(struct bn_zk_attempt *a, enum bn_zk_phase phase, uint64_t socket, uint64_t now_ms,
                        int *wait_ms);

#endif
