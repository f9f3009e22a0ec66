/* zk_server.h: Debian's ZooKeeper for a test: started on a free port of loopback in a directory of its own, stopped by
 * its pid. */
#ifndef ZK_SERVER_H
#define ZK_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

struct zk_server {
    pid_t pid;
    int port;
    char *dir;
};

/* False, after a loud line on stderr, when java or ZooKeeper's jars are not installed. */
bool zk_server_available(void);
/* A server that does not come up fails the test. It dies with the process that started it. tick_ms: the shortest
 * session is two ticks. */
void zk_server_start(struct zk_server *s, int tick_ms);
void zk_server_stop(struct zk_server *s); /* removes its directory too */

#endif
