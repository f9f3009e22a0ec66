/* api_versions.c: `barnabas api-versions` and kafka-broker-api-versions.sh (9-tools 9.13): what every broker speaks.
 */
#include <stdio.h>
#include <string.h>

#include "common/base/alloc.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/kmsg.h"
#include "tools/admin.h"
#include "tools/command.h"
#include "tools/jsonout.h"

enum { API_VERSIONS = 18 };

static const struct bn_option table[] = {
    BN_ADMIN_OPTIONS,
    {NULL, BN_OPTION_FLAG, NULL},
};

/* The APIs of Kafka 3.9's clients in the order of their keys, with the newest version of each (-1: none that a broker
 * coordinated by ZooKeeper serves). */
static const struct {
    int16_t key;
    const char *name;
    int16_t newest;
} apis[] = {
    {0, "Produce", 11},
    {1, "Fetch", 17},
    {2, "ListOffsets", 9},
    {3, "Metadata", 12},
    {4, "LeaderAndIsr", 7},
    {5, "StopReplica", 4},
    {6, "UpdateMetadata", 8},
    {7, "ControlledShutdown", 3},
    {8, "OffsetCommit", 9},
    {9, "OffsetFetch", 9},
    {10, "FindCoordinator", 6},
    {11, "JoinGroup", 9},
    {12, "Heartbeat", 4},
    {13, "LeaveGroup", 5},
    {14, "SyncGroup", 5},
    {15, "DescribeGroups", 5},
    {16, "ListGroups", 5},
    {17, "SaslHandshake", 1},
    {18, "ApiVersions", 4},
    {19, "CreateTopics", 7},
    {20, "DeleteTopics", 6},
    {21, "DeleteRecords", 2},
    {22, "InitProducerId", 5},
    {23, "OffsetForLeaderEpoch", 4},
    {24, "AddPartitionsToTxn", 5},
    {25, "AddOffsetsToTxn", 4},
    {26, "EndTxn", 4},
    {27, "WriteTxnMarkers", 1},
    {28, "TxnOffsetCommit", 4},
    {29, "DescribeAcls", 3},
    {30, "CreateAcls", 3},
    {31, "DeleteAcls", 3},
    {32, "DescribeConfigs", 4},
    {33, "AlterConfigs", 2},
    {34, "AlterReplicaLogDirs", 2},
    {35, "DescribeLogDirs", 4},
    {36, "SaslAuthenticate", 2},
    {37, "CreatePartitions", 3},
    {38, "CreateDelegationToken", 3},
    {39, "RenewDelegationToken", 2},
    {40, "ExpireDelegationToken", 2},
    {41, "DescribeDelegationToken", 3},
    {42, "DeleteGroups", 2},
    {43, "ElectLeaders", 2},
    {44, "IncrementalAlterConfigs", 1},
    {45, "AlterPartitionReassignments", 0},
    {46, "ListPartitionReassignments", 0},
    {47, "OffsetDelete", 0},
    {48, "DescribeClientQuotas", 1},
    {49, "AlterClientQuotas", 1},
    {50, "DescribeUserScramCredentials", 0},
    {51, "AlterUserScramCredentials", 0},
    {55, "DescribeQuorum", -1},
    {56, "AlterPartition", 3},
    {57, "UpdateFeatures", 1},
    {58, "Envelope", 0},
    {60, "DescribeCluster", 1},
    {61, "DescribeProducers", 0},
    {64, "UnregisterBroker", -1},
    {65, "DescribeTransactions", 0},
    {66, "ListTransactions", 1},
    {67, "AllocateProducerIds", 0},
    {68, "ConsumerGroupHeartbeat", 0},
    {69, "ConsumerGroupDescribe", 0},
    {71, "GetTelemetrySubscriptions", -1},
    {72, "PushTelemetry", -1},
    {74, "ListClientMetricsResources", -1},
    {75, "DescribeTopicPartitions", -1},
    {76, "ShareGroupHeartbeat", -1},
    {77, "ShareGroupDescribe", -1},
    {78, "ShareFetch", -1},
    {79, "ShareAcknowledge", -1},
    {80, "AddRaftVoter", -1},
    {81, "RemoveRaftVoter", -1},
    {83, "InitializeShareGroupState", -1},
    {84, "ReadShareGroupState", -1},
    {85, "WriteShareGroupState", -1},
    {86, "DeleteShareGroupState", -1},
    {87, "ReadShareGroupStateSummary", -1},
};

static const struct kmsg_api_versions_response_api_key *find(const struct kmsg_api_versions_response *r, int16_t key) {
    for (int32_t i = 0; i < r->api_keys.n; i++) {
        if (r->api_keys.v[i].api_key == key) return &r->api_keys.v[i];
    }
    return NULL;
}

static bool is_known(int16_t key) {
    for (size_t i = 0; i < BN_ARRAY_LEN(apis); i++) {
        if (apis[i].key == key) return true;
    }
    return false;
}

static void print_api(const struct kmsg_api_versions_response_api_key *a, const char *name, int16_t key, int newest) {
    printf("\t%s(%d): ", name, key);
    if (!a) {
        fputs("UNSUPPORTED", stdout);
        return;
    }
    printf(a->min_version == a->max_version ? "%d" : "%d to %d", a->min_version, a->max_version);
    int usable = a->max_version < newest ? a->max_version : newest;
    if (newest < 0) return;
    if (usable >= a->min_version)
        printf(" [usable: %d]", usable);
    else
        fputs(" [unusable: node too new]", stdout);
}

static void print_broker(const struct kmsg_metadata_response_broker *b, const struct kmsg_api_versions_response *r) {
    printf("%.*s:%d (id: %d rack: %.*s) -> (\n", BN_SLICE_FMT(b->host), b->port, b->node_id,
           b->rack.ptr ? (int)b->rack.len : 4, b->rack.ptr ? (const char *)b->rack.ptr : "null");
    for (size_t i = 0; i < BN_ARRAY_LEN(apis); i++) {
        if (i) puts(",");
        print_api(find(r, apis[i].key), apis[i].name, apis[i].key, apis[i].newest);
    }
    for (int32_t i = 0; i < r->api_keys.n; i++) {
        const struct kmsg_api_versions_response_api_key *a = &r->api_keys.v[i];
        if (is_known(a->api_key)) continue;
        puts(",");
        print_api(a, "UNKNOWN", a->api_key, -1);
    }
    puts("\n)");
}

static void json_broker(struct bn_jsonout *j, const struct kmsg_metadata_response_broker *b,
                        const struct kmsg_api_versions_response *r) {
    bn_jsonout_object(j, NULL);
    bn_jsonout_number(j, "id", b->node_id);
    bn_jsonout_text(j, "host", b->host);
    bn_jsonout_number(j, "port", b->port);
    bn_jsonout_text(j, "rack", b->rack);
    bn_jsonout_array(j, "apis");
    for (int32_t i = 0; i < r->api_keys.n; i++) {
        const struct kmsg_api_versions_response_api_key *a = &r->api_keys.v[i];
        const char *name = NULL;
        for (size_t k = 0; k < BN_ARRAY_LEN(apis); k++) name = apis[k].key == a->api_key ? apis[k].name : name;
        bn_jsonout_object(j, NULL);
        bn_jsonout_number(j, "key", a->api_key);
        bn_jsonout_text(j, "name", bn_slice_str(name));
        bn_jsonout_number(j, "min", a->min_version);
        bn_jsonout_number(j, "max", a->max_version);
        bn_jsonout_end(j);
    }
    bn_jsonout_end(j);
    bn_jsonout_end(j);
}

static int print_all(struct bn_session *s, bool json) {
    struct kmsg_metadata_response *all = bn_session_metadata(s);
    if (!all) return BN_COMMAND_FAILED;
    struct bn_jsonout j;
    bn_jsonout_init(&j);
    bn_jsonout_array(&j, "brokers");
    int rc = BN_COMMAND_OK;
    for (int32_t i = 0; i < all->brokers.n; i++) {
        const struct kmsg_metadata_response_broker *b = &all->brokers.v[i];
        struct kmsg_api_versions_request q = kmsg_api_versions_request_default;
        struct bn_err e = BN_ERR_NONE;
        q.client_software_name = BN_SLICE_LIT("barnabas");
        q.client_software_version = BN_SLICE_LIT(PACKAGE_VERSION);
        struct kmsg_api_versions_response *r = bn_session_try(s, b->node_id, API_VERSIONS, &q, &e);
        if (!r || r->error_code != KE_NONE) {
            fprintf(stderr, "%.*s:%d (id: %d) -> ERROR: %s\n", BN_SLICE_FMT(b->host), b->port, b->node_id,
                    r ? bn_errors_text(r->error_code) : e.text);
            rc = BN_COMMAND_FAILED;
        } else if (json) {
            json_broker(&j, b, r);
        } else {
            print_broker(b, r);
        }
    }
    if (json)
        bn_jsonout_print(&j);
    else
        bn_str_fini(&j.text);
    return rc;
}

int bn_api_versions_command(int argc, char **argv) {
    struct bn_options o;
    bool kafka = strncmp(argv[0], "kafka-", 6) == 0, json = false;
    int misuse = kafka ? BN_COMMAND_FAILED : BN_COMMAND_USAGE;
    if (bn_options_parse(&o, kafka ? argv[0] : "barnabas api-versions", table, argc, argv) < 0) return misuse;
    int rc = bn_admin_help(&o, argc, "barnabas api-versions --bootstrap-server host:port", misuse);
    if (rc < 0 && !bn_admin_json(&o, &json)) rc = misuse;
    if (rc < 0) {
        struct bn_session *s = bn_admin_open(&o);
        rc = s ? print_all(s, json) : BN_COMMAND_FAILED;
        if (s) bn_session_close(s);
    }
    bn_options_fini(&o);
    return rc;
}
