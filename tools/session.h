/* session.h: a command's conversation with the cluster: one request after the other, to any broker that answers, in the
 * newest version both sides know. Errors are told on stderr as "program: host:port: what". */
#ifndef BN_SESSION_H
#define BN_SESSION_H

#include "common/base/arena.h"
#include "common/base/err.h"

struct bn_session;

/* bootstrap: "host:port,…". program is borrowed for life. Connects at the first call. NULL after telling stderr what is
 * wrong with the addresses. */
struct bn_session *bn_session_open(const char *program, const char *bootstrap);
void bn_session_close(struct bn_session *s);
/* For what a command puts together; never reset before close. Answers live as long. */
struct bn_arena *bn_session_arena(struct bn_session *s);
/* The version in which a call of this API would go out; -1 after telling stderr that there is none. */
int bn_session_version(struct bn_session *s, int api_key);
/* Is there such a version? Tells nothing. */
bool bn_session_offers(struct bn_session *s, int api_key);
/* Sends the request struct of an API (filled for its newest version: what an older one can't say must be at its
 * default) and waits. Gives the response struct, or NULL after telling stderr. */
void *bn_session_call(struct bn_session *s, int api_key, void *request);
/* The same of that broker: its address is looked up when not known yet. */
void *bn_session_call_broker(struct bn_session *s, int32_t broker, int api_key, void *request);
/* The same, told to e instead of stderr; broker BN_SESSION_ANY is any. */
enum { BN_SESSION_ANY = -1 };
void *bn_session_try(struct bn_session *s, int32_t broker, int api_key, void *request, struct bn_err *e);
/* Metadata of all topics, or NULL after telling stderr. Creates none. */
struct kmsg_metadata_response;
struct kmsg_metadata_response *bn_session_metadata(struct bn_session *s);
/* "host:port" of the broker that was asked last. */
const char *bn_session_peer(const struct bn_session *s);

#endif
