/* resolve.c: names of hosts to addresses, as text. Keeps nothing: whoever asks remembers, and asks again when an
 * address no longer answers. */
#include "common/sys/resolve.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>

bool bn_resolve_is_number(const char *host) {
    struct in_addr v4;
    struct in6_addr v6;
    return inet_pton(AF_INET, host, &v4) == 1 || inet_pton(AF_INET6, host, &v6) == 1;
}

int bn_resolve_host(const char *host, struct bn_resolved *out, struct bn_err *e) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    out->count = 0;
    int rc = getaddrinfo(host, NULL, &hints, &found);
    if (rc) return bn_err_set(e, BN_IO, "resolve %s: %s", host, rc == EAI_SYSTEM ? "system error" : gai_strerror(rc));
    for (struct addrinfo *a = found; a && out->count < BN_RESOLVE_MAX; a = a->ai_next) {
        /* A link-local address keeps its scope this way. */
        if (getnameinfo(a->ai_addr, a->ai_addrlen, out->address[out->count], BN_SOCK_NAME_MAX, NULL, 0,
                        NI_NUMERICHOST) == 0)
            out->count++;
    }
    freeaddrinfo(found);
    return out->count > 0 ? 0 : bn_err_set(e, BN_IO, "resolve %s: no address", host);
}
