/* resolve.c: which brokers a command line means. People still type --zookeeper, which Kafka's own tools refuse
 * since 3.0: the brokers registered there are looked up and asked.
 */
#include "common/base/alloc.h"
#include "common/base/arena.h"
#include "common/base/trace.h"
#include "common/zk/znode.h"
#include "common/zk/znode_path.h"
#include "tools/command.h"
#include "tools/zk_sync.h"

enum { ZOOKEEPER_TIMEOUT_MS = 15000, BROKER_BUDGET = 1 << 20 };

/* Appends "host:port" of a registration's first endpoint. */
static int add_broker(struct bn_zk_sync *z, const char *id, struct bn_str *out, struct bn_err *e) {
    struct bn_str data;
    struct bn_arena arena;
    struct bn_znode_broker broker;
    bn_str_init(&data);
    bn_arena_init(&arena, BROKER_BUDGET);
    char *path = bn_alloc_printf("/brokers/ids/%s", id);
    int rc = bn_zk_sync_get(z, path, &data, NULL, e);
    if (rc == BN_OK) rc = bn_znode_broker_decode(bn_str_slice(&data), &arena, &broker, e);
    if (rc == BN_OK && broker.endpoint_count > 0) {
        bool v6 = strchr(broker.endpoints[0].host, ':') != NULL;
        bn_str_addf(out, "%s%s%s%s:%d", out->len ? "," : "", v6 ? "[" : "", broker.endpoints[0].host, v6 ? "]" : "",
                    broker.endpoints[0].port);
    }
    bn_alloc_free(path);
    bn_arena_fini(&arena);
    bn_str_fini(&data);
    return rc;
}

static char *from_zookeeper(const char *program, const char *connect) {
    struct bn_err e = BN_ERR_NONE;
    struct bn_str out;
    bn_str_init(&out);
    bn_trace_set_level(BN_TRACE_ERROR);
    struct bn_zk_sync *z = bn_zk_sync_open(connect, ZOOKEEPER_TIMEOUT_MS, &e);
    char **ids = NULL;
    int count = 0, rc = z ? bn_zk_sync_children(z, "/brokers/ids", &ids, &count, &e) : BN_IO;
    for (int i = 0; i < count; i++) {
        if (rc == BN_OK) rc = add_broker(z, ids[i], &out, &e);
        bn_alloc_free(ids[i]);
    }
    bn_alloc_free(ids);
    if (z) bn_zk_sync_close(z);
    if (rc == BN_OK && out.len > 0) return bn_str_take(&out);
    bn_str_fini(&out);
    fprintf(stderr, "%s: --zookeeper %s: %s\n", program, connect,
            rc == BN_OK ? "no broker is registered there (is the chroot, for instance /kafka, missing?)" : e.text);
    return NULL;
}

char *bn_resolve_bootstrap(const struct bn_options *o) {
    const char *direct = bn_options_get(o, "bootstrap-server");
    if (!direct) direct = bn_options_get(o, "broker-list");
    if (direct) return bn_alloc_strdup(direct);
    const char *zookeeper = bn_options_get(o, "zookeeper");
    if (zookeeper) return from_zookeeper(o->program, zookeeper);
    fprintf(stderr, "%s: Missing required argument \"[bootstrap-server]\"\n", o->program);
    return NULL;
}
