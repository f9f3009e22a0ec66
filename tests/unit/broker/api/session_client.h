/* session_client.h: makes Fetch requests of sessions, and finds partitions in their answers. */
#ifndef SESSION_CLIENT_H
#define SESSION_CLIENT_H

#include "tests/unit/broker/api/fake_partition.h"

enum { SESSION_CLIENT_FETCH = 1, SESSION_CLIENT_PARTS = 64 };

/* Fill in what differs, then session_client_ask. Topic "t" alone. */
struct session_client {
    struct fake_world *world;
    int shard, version; /* of the connection; of the request */
    int32_t id, epoch;
    int32_t replica; /* -1 consumer */
    int32_t wait_ms, min_bytes, max_bytes;
    struct {
        int32_t partition;
        int64_t offset;
    } listed[SESSION_CLIENT_PARTS];
    int listed_count;
    int32_t last_fetched_epoch;
    int32_t forgotten[SESSION_CLIENT_PARTS];
    int forgotten_count;
    const char *topic;
    uint8_t topic_byte;
    struct kmsg_fetch_response answer; /* the last taken */
};

/* Asks from partition 0 to count - 1 at offset 0, version 13, min_bytes 1, no wait; as (0, 0). */
void session_client_init(struct session_client *c, struct fake_world *w, int count);
void session_client_send(struct session_client *c);
/* Takes the next answer of its connection, when it has come: false, when it has not. */
bool session_client_take(struct session_client *c);
/* Sends and takes; then goes on: id and epoch as an honest client's of what was answered, nothing listed. */
void session_client_ask(struct session_client *c);
/* NULL: the answer does not have it. */
const struct kmsg_fetch_response_partition *session_client_find(const struct session_client *c, int32_t partition);
int session_client_count(const struct session_client *c);                         /* partitions in the answer */
size_t session_client_records(const struct session_client *c, int32_t partition); /* of it, in the answer */
/* The session itself, at its home; NULL: there is none. Only looked at while nothing is under way. */
struct bn_session_cache_entry *session_client_entry(struct fake_world *w, int32_t id);
void session_client_list(struct session_client *c, int32_t partition, int64_t offset);

#endif
