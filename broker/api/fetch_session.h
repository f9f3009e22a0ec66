/* fetch_session.h: Fetch requests that belong to a session (KIP-227). */
#ifndef BN_FETCH_SESSION_H
#define BN_FETCH_SESSION_H

#include "broker/api/session_cache.h"

/* A full fetch that asks for a session. False: there is none to be had, and the request is still the caller's. */
bool bn_fetch_session_begin(struct bn_request *r);
/* An incremental fetch, answered in any case. */
void bn_fetch_session_continue(struct bn_request *r);
/* Ends the session that a full fetch names; the request is still the caller's. */
void bn_fetch_session_end(struct bn_request *r);
/* A lane has something new (session_lane.h); on the home shard. */
void bn_fetch_session_news(struct bn_session_cache *cache, int32_t session_id, int lane, bool wake);

#endif
