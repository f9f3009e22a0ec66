/* whole.h: one whole broker with its controller and a ZooKeeper in memory, all on the broker's main shard, for the
 * tests of broker/. The broker runs on the test's thread; the script, a function on a thread of its own, is its
 * client over loopback, and the broker stops when it returns. */
#ifndef WHOLE_H
#define WHOLE_H

#include "broker/broker_int.h"
#include "common/zk/fake.h"
#include "controller/controller.h"
#include "proto/kafka/kapi.h"

struct whole {
    char *dir; /* log.dirs is <dir>/data; kept over runs */
    struct bn_conf *conf;
    struct bn_settings settings;
    struct bn_broker *broker;
    struct bn_fake_zk *server;
    struct bn_zk *broker_zk, *controller_zk;
    struct bn_controller *controller;
    struct bn_life *controller_life;
    struct bn_task tell; /* zk_state, to an agent that did not live yet when it was news */
    enum bn_zk_state zk_state;
    bool without_controller; /* nobody answers: the broker waits */
    bool controller_stopped;
    void (*script)(struct whole *w);
    int port, exit_code;
    struct bn_arena arena; /* of decoded answers; the script's */
    uint64_t stop_took_ms;
};

void whole_init(struct whole *w);
void whole_fini(struct whole *w);
/* Runs the broker until the script returns (it begins when clients are let in; without a controller at once). more:
 * lines of server.properties. */
void whole_run(struct whole *w, const char *more, void (*script)(struct whole *w));
char *whole_read(const struct whole *w, const char *file); /* of log.dirs; NULL = absent; bn_alloc_free it */

/* For scripts: a connection, one request and its answer over it (of the API's codec; message and answer as for
 * bn_codec_*). */
int whole_dial(const struct whole *w);
void whole_send(struct whole *w, int fd, int api_key, int version, void *message);
void whole_receive(struct whole *w, int fd, int api_key, int version, void *answer);
/* Makes a topic of `partitions` partitions and waits until each has a leader. Gives its id. */
struct bn_uuid whole_make_topic(struct whole *w, int fd, const char *name, int32_t partitions);
/* Produces one record of this value with acks=all; gives its offset. Fails the test on an error. */
int64_t whole_produce(struct whole *w, int fd, const char *topic, int32_t partition, const char *value);
/* Bytes of records that a fetch from offset 0 gives, waiting up to 1 s for the first one. */
size_t whole_fetch(struct whole *w, int fd, const char *topic, int32_t partition);

#endif
