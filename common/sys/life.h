/* life.h: the life port: a listening socket that only the death of the process closes. Whoever connects reads
 * the process's boot id (16 random bytes) and is closed. "Connection refused" there is proof of death
 * (docs/ARCHITECTURE.md, failure detection). Served by a thread of its own, so that a busy shard never
 * looks dead. */
#ifndef BN_LIFE_H
#define BN_LIFE_H

#include "common/base/base.h"
#include "common/base/err.h"
#include "common/base/uuid.h"

struct bn_life;

enum { BN_LIFE_MACHINE_MAX = 96 };

/* A text that is the same for two processes only when they run under one boot of one kernel and in one network
 * namespace: then a refused connection to the other's address comes from no firewall and no moved address. "" = not
 * known. */
void bn_life_machine(char out[BN_LIFE_MACHINE_MAX]);

/* host: the address to listen on; port 0 = the kernel's choice. Registers the abort hook of check.h. */
struct bn_life *bn_life_open(const char *host, int port, struct bn_err *e);
int bn_life_port(const struct bn_life *l);
const struct bn_uuid *bn_life_boot_id(const struct bn_life *l);
/* fd (the RPC socket) is shut down together with the life port when the process aborts; -1 = none. */
void bn_life_shut_too(int fd);
/* The last act of a process that stops in order. */
void bn_life_close(struct bn_life *l);

#endif
