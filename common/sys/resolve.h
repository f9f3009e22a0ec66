/* resolve.h: a host's name to its addresses. Blocks: on the pool, wherever a loop must not wait for a name server. */
#ifndef BN_RESOLVE_H
#define BN_RESOLVE_H

#include "common/sys/sock.h"

enum { BN_RESOLVE_MAX = 8 };

struct bn_resolved {
    int count;
    char address[BN_RESOLVE_MAX][BN_SOCK_NAME_MAX]; /* numeric, in the order in which to try them */
};

/* Whether host is an address already, so that connecting to it asks nobody. */
bool bn_resolve_is_number(const char *host);
/* Blocking. At most BN_RESOLVE_MAX addresses, at least one. BN_IO with the reason. */
int bn_resolve_host(const char *host, struct bn_resolved *out, struct bn_err *e) BN_MUST_CHECK;

#endif
