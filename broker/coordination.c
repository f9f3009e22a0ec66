/* coordination.c: a shard's group coordinator, composed: its settings from the configuration, its partitions from the
 * shard's roster, its rebalance state by way of the agent to the controller. */
#include "broker/broker_int.h"
#include "broker/cluster/forward.h"

static void write_groups(void *arg, struct bn_shard *shard, const Bn__GroupWriteRequest *request,
                         void (*reply)(void *reply_arg, const Bn__GroupWriteReply *answer), void *reply_arg) {
    struct bn_broker *b = arg;
    bn_forward_group_write(b->agent, shard, request, reply, reply_arg);
}

static void read_groups(void *arg, struct bn_shard *shard, const Bn__GroupReadRequest *request,
                        void (*reply)(void *reply_arg, const Bn__GroupReadReply *answer), void *reply_arg) {
    struct bn_broker *b = arg;
    bn_forward_group_read(b->agent, shard, request, reply, reply_arg);
}

void bn_coordination_compose(struct bn_broker *b, struct bn_broker_place *p) {
    const struct bn_conf *conf = b->settings->conf;
    int index = p->shard->index;
    p->coordination = (struct bn_coordinator_deps){
        .env = b->config.env,
        .shard = p->shard,
        .pool = b->pool,
        .group =
            {
                .session_min_ms = bn_conf_int(conf, BN_CONF_GROUP_MIN_SESSION_TIMEOUT_MS),
                .session_max_ms = bn_conf_int(conf, BN_CONF_GROUP_MAX_SESSION_TIMEOUT_MS),
                .max_size = bn_conf_int(conf, BN_CONF_GROUP_MAX_SIZE),
                .initial_delay_ms = bn_conf_int(conf, BN_CONF_GROUP_INITIAL_REBALANCE_DELAY_MS),
            },
        .metadata_max = bn_conf_int(conf, BN_CONF_OFFSET_METADATA_MAX_BYTES),
        .commit_timeout_ms = bn_conf_int(conf, BN_CONF_OFFSETS_COMMIT_TIMEOUT_MS),
        .retention_ms = (int64_t)bn_conf_int(conf, BN_CONF_OFFSETS_RETENTION_MINUTES) * 60000,
        .retention_check_ms = bn_conf_i64(conf, BN_CONF_OFFSETS_RETENTION_CHECK_INTERVAL_MS),
        .load_bytes = (size_t)bn_conf_int(conf, BN_CONF_OFFSETS_LOAD_BUFFER_SIZE),
        .write = write_groups,
        .read = read_groups,
        .arg = b,
    };
    b->coordinators[index] = bn_coordinator_new(&p->coordination, b->rosters[index]);
}
