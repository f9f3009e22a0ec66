/* endpoint.h: listeners and advertised.listeners: "NAME://host:port,...". */
#ifndef BN_ENDPOINT_H
#define BN_ENDPOINT_H

#include "common/base/base.h"
#include "common/base/err.h"
#include "common/base/slice.h"

/* Numbered as Kafka's SecurityProtocol. */
enum bn_endpoint_protocol {
    BN_ENDPOINT_PLAINTEXT = 0,
    BN_ENDPOINT_SSL = 1,
    BN_ENDPOINT_SASL_PLAINTEXT = 2,
    BN_ENDPOINT_SASL_SSL = 3,
};

struct bn_endpoint {
    char name[128]; /* upper case */
    char host[256]; /* "" = every address; IPv6 without brackets */
    int port;
    enum bn_endpoint_protocol protocol;
};

enum { BN_ENDPOINT_MAX = 16 };

/* Parses a list into out and returns how many (at most BN_ENDPOINT_MAX), or BN_BAD. protocols is
 * listener.security.protocol.map. Refuses a name twice, a port twice (except 0, and one IPv4 beside one IPv6
 * address), an unmapped name, and with `advertised` the address 0.0.0.0. */
int bn_endpoint_parse(const char *list, const char *protocols, bool advertised, struct bn_endpoint *out,
                      struct bn_err *e) BN_MUST_CHECK;
/* The endpoint of this name (any case), or NULL. */
const struct bn_endpoint *bn_endpoint_find(const struct bn_endpoint *list, int count, const char *name);
const char *bn_endpoint_protocol_name(enum bn_endpoint_protocol protocol);

#endif
