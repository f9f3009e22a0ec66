/* fake.h: a broker for tests of the client: a thread that listens on loopback, decodes each request with our codec and
 * answers it well, or badly in one chosen way. It serves one connection after the other. */
#ifndef FAKE_H
#define FAKE_H

#include "common/base/base.h"

enum fake_manner {
    FAKE_GOOD,
    FAKE_OLD,          /* knows ApiVersions v0 and Metadata 0-1 only */
    FAKE_SILENT,       /* accepts and never answers */
    FAKE_MUTE,         /* answers nothing but ApiVersions */
    FAKE_CLOSES,       /* hangs up at the first other request */
    FAKE_CONFUSED,     /* answers with another correlation id */
    FAKE_SWOLLEN,      /* announces 2 GiB less one */
    FAKE_STUNTED,      /* announces 3 bytes */
    FAKE_BABBLING,     /* a body of garbage */
    FAKE_TALKATIVE,    /* answers twice */
    FAKE_TRICKLING,    /* one byte at a time */
    FAKE_HASTY,        /* hangs up after half an answer */
    FAKE_UNAUTHORISED, /* ApiVersions answers CLUSTER_AUTHORIZATION_FAILED */
    FAKE_LOADING,      /* the first two FindCoordinator: COORDINATOR_NOT_AVAILABLE */
};

struct fake;

/* Records of a Fetch answer are this many bytes, each the offset modulo 251. */
struct fake *fake_start(enum fake_manner manner, int32_t node_id, size_t fetch_bytes);
void fake_stop(struct fake *f);
int fake_port(const struct fake *f);
/* Metadata also names this broker. */
void fake_add_node(struct fake *f, int32_t node_id, int port);
int fake_requests(const struct fake *f); /* seen so far, ApiVersions not counted */

#endif
