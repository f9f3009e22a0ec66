/* script.h: a controller that does what the test says: a listener on loopback that serves the service Controller with
 * programmed answers and writes down what it was asked. It stands in /controller of a world's ZooKeeper. */
#ifndef SCRIPT_H
#define SCRIPT_H

#include "proto/rpc/rpc.h"
#include "tests/unit/broker/cluster/cluster_world.h"

enum script_method {
    SCRIPT_HELLO,
    SCRIPT_ALTER,
    SCRIPT_ADMIN,
    SCRIPT_IDS,
    SCRIPT_DELETED,
    SCRIPT_ID,
    SCRIPT_GROUP_WRITE,
    SCRIPT_GROUP_READ,
    SCRIPT_METHODS,
};

enum { SCRIPT_PEERS = 512, SCRIPT_HELD = 64, SCRIPT_ID_BLOCK = 10 };

struct script {
    Bn__Controller_Service service; /* first */
    ProtobufCService *services[1];
    struct world *w;
    struct bn_zk *zk;
    int fd, port;
    struct bn_io *io;
    /* Connections, in the order of their coming. */
    struct script_peer {
        struct script *script;
        struct bn_rpc_peer *rpc; /* NULL: ended */
        char why[256];
        uint64_t came_ms;
    } peers[SCRIPT_PEERS];
    int peer_count;
    bool hang_up; /* on whoever connects */
    /* How each method is answered; calls counts them. */
    struct script_rule {
        enum {
            SCRIPT_ANSWER,
            SCRIPT_REFUSE, /* with error */
            SCRIPT_FAIL,   /* no message */
            SCRIPT_HOLD,   /* until script_release */
            SCRIPT_DROP,   /* the connection ends instead */
        } mode;
        int error;
        int times; /* this often, then it is answered; 0 = always */
        int calls;
    } rules[SCRIPT_METHODS];
    struct script_held {
        ProtobufCClosure closure;
        void *data;
        enum script_method method;
    } held[SCRIPT_HELD];
    int held_count;
    /* What was said last. */
    int64_t hello_epoch, hello_incarnation;
    char hello_life_host[64];
    int hello_life_port;
    int64_t next_id;
    int32_t reserved_max;
    char deleted_topic[64];
    int32_t deleted_partition;
    size_t defaults_seen;
    char group[64]; /* the first one of a GroupWrite, the last name before of a GroupRead */
    int32_t offsets_partition, leader_epoch;
    /* The stream. */
    int32_t epoch;
    int applied, refused; /* answers to script_send */
    int64_t applied_sequence;
};

/* Makes the directories and listens; not yet in /controller. */
void script_open(struct script *s, struct world *w);
/* A world with it as its controller, and broker 0 connected. */
void script_begin(struct script *s, struct world *w);
void script_close(struct script *s); /* before world_close */
void script_make_cluster_id(struct script *s);
void script_appear(struct script *s); /* creates /controller */
void script_vanish(struct script *s); /* removes it */
void script_release(struct script *s);
struct bn_rpc_peer *script_peer(const struct script *s); /* the newest connection that is up, or NULL */
void script_hang_up(struct script *s);                   /* ends every connection */
void script_mute(struct script *s);                      /* nobody listens there any more, no connection is left */
void script_listen(struct script *s);                    /* again, at the same port */
/* A delta of this stream; the rest is as script_delta left it. */
void script_delta(const struct script *s, Bn__ImageDelta *d, int64_t sequence, bool reset, bool more);
void script_send(struct script *s, const Bn__ImageDelta *d);
/* A whole image in one piece, for the incarnation that said hello last. */
void script_send_image(struct script *s, int64_t sequence);
/* Writes of this client, awaited. Give the status. */
int script_create(struct script *s, const char *path, const char *data, int flags);
int script_remove(struct script *s, const char *path);

#endif
