/* zk_proxy.h: a network between a ZooKeeper client and its server that can fail on purpose. Lives on the test's loop.
 * */
#ifndef ZK_PROXY_H
#define ZK_PROXY_H

#include "common/sys/loop.h"

struct zk_proxy;

enum zk_proxy_mode {
    ZK_PROXY_OPEN,
    ZK_PROXY_CUT,          /* connections are closed at once */
    ZK_PROXY_LOSE_REQUEST, /* the next request of a client is swallowed, its connection closed; then OPEN */
    ZK_PROXY_LOSE_ANSWER,  /* likewise the next answer */
    ZK_PROXY_DEAF,         /* the next connection is taken and never answered; then OPEN */
};

struct zk_proxy *zk_proxy_new(struct bn_loop *loop, int server_port);
int zk_proxy_port(const struct zk_proxy *p);
void zk_proxy_set(struct zk_proxy *p, enum zk_proxy_mode mode);
void zk_proxy_free(struct zk_proxy *p);

#endif
