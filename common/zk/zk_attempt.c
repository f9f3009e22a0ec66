/* zk_attempt.c: deadlines of attempts to connect. A phase begins when a look first finds it, and each socket has its
 * own. Owns no clock and no socket: zk_conn.c looks, and closes. */
#include "common/zk/zk_attempt.h"

#define DOUBLINGS_MAX 6 /* 32 s: by then the library's own patience is shorter */

bool bn_zk_attempt_look(struct bn_zk_attempt *a, enum bn_zk_phase phase, uint64_t socket, uint64_t now_ms,
                        int *wait_ms) {
    if (phase == BN_ZK_PHASE_IDLE || phase == BN_ZK_PHASE_UP) {
        a->socket = 0;
        if (phase == BN_ZK_PHASE_UP)
            a->given_up = 0;
        else if (*wait_ms > BN_ZK_ATTEMPT_PAUSE_MS)
            *wait_ms = BN_ZK_ATTEMPT_PAUSE_MS;
        return false;
    }
    bool greeting = phase == BN_ZK_PHASE_GREETING;
    if (socket != a->socket || greeting != a->greeting) {
        a->socket = socket;
        a->greeting = greeting;
        a->began_ms = now_ms;
    }
    uint64_t limit = greeting ? (uint64_t)BN_ZK_ATTEMPT_GREET_MS << a->given_up : BN_ZK_ATTEMPT_CONNECT_MS;
    uint64_t passed = now_ms - a->began_ms;
    if (passed >= limit) {
        a->socket = 0;
        if (greeting && a->given_up < DOUBLINGS_MAX) a->given_up++;
        return true;
    }
    if ((uint64_t)*wait_ms > limit - passed) *wait_ms = (int)(limit - passed);
    return false;
}
