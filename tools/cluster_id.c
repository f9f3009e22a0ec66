/* cluster_id.c: `barnabas cluster` and kafka-cluster.sh cluster-id: which cluster this is, and who is in it.
 */
#include <stdio.h>
#include <string.h>

#include "common/base/alloc.h"
#include "proto/kafka/kmsg.h"
#include "tools/admin.h"
#include "tools/command.h"
#include "tools/jsonout.h"

static const struct bn_option table[] = {
    BN_ADMIN_OPTIONS,
    {"config", BN_OPTION_VALUE, NULL},
    {NULL, BN_OPTION_FLAG, NULL},
};

static int print_id(struct bn_session *s, bool json) {
    struct kmsg_metadata_response *all = bn_session_metadata(s);
    if (!all) return BN_COMMAND_FAILED;
    if (!json) {
        if (all->cluster_id.ptr)
            printf("Cluster ID: %.*s\n", BN_SLICE_FMT(all->cluster_id));
        else
            puts("No cluster ID found. The Kafka version is probably too old.");
        return BN_COMMAND_OK;
    }
    struct bn_jsonout j;
    bn_jsonout_init(&j);
    bn_jsonout_text(&j, "clusterId", all->cluster_id);
    bn_jsonout_end(&j);
    bn_jsonout_print(&j);
    return BN_COMMAND_OK;
}

static void print_text(const struct kmsg_metadata_response *all) {
    printf("cluster %.*s\n", BN_SLICE_FMT(all->cluster_id));
    for (int32_t i = 0; i < all->brokers.n; i++) {
        const struct kmsg_metadata_response_broker *b = &all->brokers.v[i];
        printf("broker %d at %.*s:%d%s%.*s\n", b->node_id, BN_SLICE_FMT(b->host), b->port,
               b->rack.ptr ? " in rack " : "", BN_SLICE_FMT(b->rack));
    }
}

static int describe(struct bn_session *s, bool json) {
    struct kmsg_metadata_response *all = bn_session_metadata(s);
    if (!all) return BN_COMMAND_FAILED;
    if (!json) return print_text(all), BN_COMMAND_OK;
    struct bn_jsonout j;
    bn_jsonout_init(&j);
    bn_jsonout_text(&j, "clusterId", all->cluster_id);
    bn_jsonout_array(&j, "brokers");
    for (int32_t i = 0; i < all->brokers.n; i++) {
        bn_jsonout_object(&j, NULL);
        bn_jsonout_number(&j, "id", all->brokers.v[i].node_id);
        bn_jsonout_text(&j, "host", all->brokers.v[i].host);
        bn_jsonout_number(&j, "port", all->brokers.v[i].port);
        bn_jsonout_text(&j, "rack", all->brokers.v[i].rack);
        bn_jsonout_end(&j);
    }
    bn_jsonout_print(&j);
    return BN_COMMAND_OK;
}

int bn_cluster_id_command(int argc, char **argv) {
    struct bn_options o;
    bool kafka = strncmp(argv[0], "kafka-", 6) == 0, json = false;
    int misuse = kafka ? BN_COMMAND_FAILED : BN_COMMAND_USAGE;
    if (bn_options_parse(&o, kafka ? argv[0] : "barnabas cluster", table, argc, argv) < 0) return misuse;
    const char *verb = o.rest_count ? o.rest[0] : "";
    int rc = bn_admin_help(
        &o, argc, "kafka-cluster cluster-id --bootstrap-server host:port, or barnabas cluster describe", misuse);
    bool id = strcmp(verb, "cluster-id") == 0;
    if (rc < 0 && strcmp(verb, "unregister") == 0) {
        puts("The target cluster does not support the broker unregistration API.");
        rc = kafka ? BN_COMMAND_OK : BN_COMMAND_FAILED;
    } else if (rc < 0 && !id && strcmp(verb, "describe") != 0) {
        fprintf(stderr, "%s: '%s' is no command: there are cluster-id and describe\n", o.program, verb);
        rc = misuse;
    }
    if (rc < 0 && !bn_admin_json(&o, &json)) rc = misuse;
    if (rc < 0) {
        struct bn_session *s = bn_admin_open(&o);
        rc = s ? id ? print_id(s, json) : describe(s, json) : BN_COMMAND_FAILED;
        if (s) bn_session_close(s);
    }
    bn_options_fini(&o);
    return rc;
}
