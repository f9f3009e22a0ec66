/* bootstrap.h: a cluster, as a command sees it: addresses to start from, brokers found through them, one blocking call
 * at a time, each with a deadline. It runs an event loop of its own; nothing happens between calls. One thread.
 *
 * Every error names the peer, the API and its version ("db1:9092: Metadata v12: no answer in 5000 ms"). Error codes in
 * a response are its reader's business, except where a function below says that it looks at them. */
#ifndef BN_BOOTSTRAP_H
#define BN_BOOTSTRAP_H

#include "common/base/err.h"
#include "common/base/slice.h"

struct bn_bootstrap;
struct kmsg_metadata_response;

enum { BN_BOOTSTRAP_ANY = -1 };                                /* in place of a broker's id */
enum { BN_BOOTSTRAP_GROUP = 0, BN_BOOTSTRAP_TRANSACTION = 1 }; /* kinds of coordinators */

/* servers: "host:port,[::1]:port,host" (9092 where no port is). Connects to nothing yet. NULL with the reason. */
struct bn_bootstrap *bn_bootstrap_new(const char *servers, const char *client_id, struct bn_err *e);
void bn_bootstrap_free(struct bn_bootstrap *b); /* and every response; NULL is fine */
/* Responses live until here. */
void bn_bootstrap_forget(struct bn_bootstrap *b);

/* The newest version of an API that this program and the broker (or BN_BOOTSTRAP_ANY: the one that the next
 * bn_bootstrap_call_any asks) have; needed where a request is filled differently by version. Or a negative status:
 * BN_NOTFOUND when there is none. */
int bn_bootstrap_version(struct bn_bootstrap *b, int32_t broker, int api_key, uint64_t timeout_ms, struct bn_err *e);
/* Asks a broker that answers: the one that did last, else the servers in their order. Only connecting is tried again;
 * a request that was sent is not (BN_LOST), since it may have been carried out. timeout_ms bounds it all. 0 gives the
 * response struct of the API; else BN_CLOSED (no server answers), BN_LOST, BN_NOTFOUND (version), BN_BAD, BN_FULL. */
int bn_bootstrap_call_any(struct bn_bootstrap *b, int api_key, void *request, uint64_t timeout_ms, void **response,
                          struct bn_err *e) BN_MUST_CHECK;
/* Asks that broker; its address is looked up by Metadata when not known yet. BN_NOTFOUND when there is no such one. */
int bn_bootstrap_call_broker(struct bn_bootstrap *b, int32_t broker, int api_key, void *request, uint64_t timeout_ms,
                             void **response, struct bn_err *e) BN_MUST_CHECK;

/* Metadata of topics (n < 0: all of them; 0: only brokers), never creating one. Topics' errors are left to the reader.
 */
int bn_bootstrap_metadata(struct bn_bootstrap *b, const struct bn_slice *topics, int32_t n, uint64_t timeout_ms,
                          struct kmsg_metadata_response **response, struct bn_err *e) BN_MUST_CHECK;
/* The broker that leads a partition. The topic's or the partition's error gives BN_NOTFOUND (no such) or BN_AGAIN, with
 * Kafka's name of it. */
int bn_bootstrap_leader(struct bn_bootstrap *b, struct bn_slice topic, int32_t partition, uint64_t timeout_ms,
                        int32_t *broker, struct bn_err *e) BN_MUST_CHECK;
/* The broker that coordinates a group or a transactional id; waits for COORDINATOR_NOT_AVAILABLE to pass, as Kafka's
 * clients do, until the time is up (BN_AGAIN). */
int bn_bootstrap_coordinator(struct bn_bootstrap *b, int kind, struct bn_slice key, uint64_t timeout_ms,
                             int32_t *broker, struct bn_err *e) BN_MUST_CHECK;

/* "host:port" of the broker that was asked last; "" before. Until the next call. */
const char *bn_bootstrap_peer(const struct bn_bootstrap *b);

#endif
