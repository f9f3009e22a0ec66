/* golden.h: messages as Kafka 3.9's own Java classes write them, from values of our choosing, and what bn_codec_dump
 * must say of them. They catch what a round trip cannot: a mistake made in both directions. */
#ifndef KAFKA_GOLDEN_H
#define KAFKA_GOLDEN_H

#include "proto/kafka/kmsg.h"

static const struct golden {
    const struct bn_codec_desc *desc;
    int version;
    const char *hex, *dump;
} goldens[] = {
    {&kmsg_api_versions_request_desc, 0,
     "",
     "ApiVersionsRequest v0 {}"},
    {&kmsg_api_versions_request_desc, 3,
     "04636c6904312e3200",
     "ApiVersionsRequest v3 {client_software_name=\"cli\" client_software_version=\"1.2\"}"},
    {&kmsg_api_versions_response_desc, 0,
     "000000000002000000000009001200000003",
     "ApiVersionsResponse v0 {error_code=0 api_keys=[{api_key=0 min_version=0 max_version=9}, {api_key=18 "
     "min_version=0 max_version=3}]}"},
    {&kmsg_api_versions_response_desc, 3,
     "00000300000000000900001200000003000000000500",
     "ApiVersionsResponse v3 {error_code=0 api_keys=[{api_key=0 min_version=0 max_version=9}, {api_key=18 "
     "min_version=0 max_version=3}] throttle_time_ms=5 supported_features=[] finalized_features_epoch=-1 "
     "finalized_features=[] zk_migration_ready=false}"},
    {&kmsg_api_versions_response_desc, 3,
     "000003000000000009000012000000030000000005030008020266000100020001080000000000000007030101",
     "ApiVersionsResponse v3 {error_code=0 api_keys=[{api_key=0 min_version=0 max_version=9}, {api_key=18 "
     "min_version=0 max_version=3}] throttle_time_ms=5 supported_features=[{name=\"f\" min_version=1 "
     "max_version=2}] finalized_features_epoch=7 finalized_features=[] zk_migration_ready=true}"},
    {&kmsg_metadata_request_desc, 4,
     "0000000100066f726465727300",
     "MetadataRequest v4 {topics=[{name=\"orders\"}] allow_auto_topic_creation=false}"},
    {&kmsg_metadata_request_desc, 9,
     "02076f72646572730000000000",
     "MetadataRequest v9 {topics=[{name=\"orders\"}] allow_auto_topic_creation=false "
     "include_cluster_authorized_operations=false include_topic_authorized_operations=false}"},
    {&kmsg_metadata_request_desc, 12,
     "00010000",
     "MetadataRequest v12 {topics=null allow_auto_topic_creation=true "
     "include_topic_authorized_operations=false}"},
    {&kmsg_metadata_request_desc, 12,
     "020102030405060708090a0b0c0d0e0f100000010000",
     "MetadataRequest v12 {topics=[{topic_id=AQIDBAUGBwgJCgsMDQ4PEA name=null}] "
     "allow_auto_topic_creation=true include_topic_authorized_operations=false}"},
    {&kmsg_metadata_response_desc, 1,
     "00000001000000010002683100002384000172000000010000000100000001740000000001000000000000000000010000000200"
     "000001000000020000000100000001",
     "MetadataResponse v1 {brokers=[{node_id=1 host=\"h1\" port=9092 rack=\"r\"}] controller_id=1 "
     "topics=[{error_code=0 name=\"t\" is_internal=false partitions=[{error_code=0 partition_index=0 "
     "leader_id=1 replica_nodes=[1, 2] isr_nodes=[1]}]}]}"},
    {&kmsg_metadata_response_desc, 12,
     "000000000200000001036831000023840272000363310000000102000002740102030405060708090a0b0c0d0e0f100002000000"
     "00000000000001000000030300000001000000020200000001020000000200800000000000",
     "MetadataResponse v12 {throttle_time_ms=0 brokers=[{node_id=1 host=\"h1\" port=9092 rack=\"r\"}] "
     "cluster_id=\"c1\" controller_id=1 topics=[{error_code=0 name=\"t\" topic_id=AQIDBAUGBwgJCgsMDQ4PEA "
     "is_internal=false partitions=[{error_code=0 partition_index=0 leader_id=1 leader_epoch=3 "
     "replica_nodes=[1, 2] isr_nodes=[1] offline_replicas=[2]}] topic_authorized_operations=-2147483648}]}"},
    {&kmsg_produce_request_desc, 2,
     "ffff00007530000000010001740000000100000003000000050102030405",
     "ProduceRequest v2 {acks=-1 timeout_ms=30000 topic_data=[{name=\"t\" partition_data=[{index=3 records=<5 "
     "bytes>}]}]}"},
    {&kmsg_produce_request_desc, 9,
     "0278ffff000075300202740200000003060102030405000000",
     "ProduceRequest v9 {transactional_id=\"x\" acks=-1 timeout_ms=30000 topic_data=[{name=\"t\" "
     "partition_data=[{index=3 records=<5 bytes>}]}]}"},
    {&kmsg_produce_response_desc, 10,
     "02027402000000030006ffffffffffffffffffffffffffffffff000000000000000001036e6f0100090000000200000009000000"
     "00000101000e0200000002036832000023850000",
     "ProduceResponse v10 {responses=[{name=\"t\" partition_responses=[{index=3 error_code=6 base_offset=-1 "
     "log_append_time_ms=-1 log_start_offset=0 record_errors=[] error_message=\"no\" "
     "current_leader={leader_id=2 leader_epoch=9}}]}] throttle_time_ms=1 node_endpoints=[{node_id=2 "
     "host=\"h2\" port=9093 rack=null}]}"},
    {&kmsg_fetch_request_desc, 4,
     "ffffffff000001f4000000010010000001000000010001740000000100000001000000000000002a00010000",
     "FetchRequest v4 {replica_id=-1 max_wait_ms=500 min_bytes=1 max_bytes=1048576 isolation_level=1 "
     "topics=[{topic=\"t\" partitions=[{partition=1 fetch_offset=42 partition_max_bytes=65536}]}]}"},
    {&kmsg_fetch_request_desc, 12,
     "ffffffff000001f40000000100100000010000004d00000002020274020000000100000005000000000000002a00000004000000"
     "000000000a0001000000000103617a00",
     "FetchRequest v12 {replica_id=-1 max_wait_ms=500 min_bytes=1 max_bytes=1048576 isolation_level=1 "
     "session_id=77 session_epoch=2 topics=[{topic=\"t\" partitions=[{partition=1 current_leader_epoch=5 "
     "fetch_offset=42 last_fetched_epoch=4 log_start_offset=10 partition_max_bytes=65536}]}] "
     "forgotten_topics_data=[] rack_id=\"az\" cluster_id=null}"},
    {&kmsg_fetch_request_desc, 13,
     "ffffffff000001f40000000100100000010000004d00000002020102030405060708090a0b0c0d0e0f1002000000010000000500"
     "0000000000002a00000004000000000000000a000100000000020000000000000001000000000000000203000000070000000800"
     "03617a010003036331",
     "FetchRequest v13 {replica_id=-1 max_wait_ms=500 min_bytes=1 max_bytes=1048576 isolation_level=1 "
     "session_id=77 session_epoch=2 topics=[{topic_id=AQIDBAUGBwgJCgsMDQ4PEA partitions=[{partition=1 "
     "current_leader_epoch=5 fetch_offset=42 last_fetched_epoch=4 log_start_offset=10 "
     "partition_max_bytes=65536}]}] forgotten_topics_data=[{topic_id=AAAAAAAAAAEAAAAAAAAAAg partitions=[7, "
     "8]}] rack_id=\"az\" cluster_id=\"c1\"}"},
    {&kmsg_fetch_request_desc, 15,
     "000001f40000000100100000010000004d00000002020102030405060708090a0b0c0d0e0f100200000001000000050000000000"
     "00002a00000004000000000000000a00010000000002000000000000000100000000000000020300000007000000080003617a02"
     "0003036331010d00000003000000000000006300",
     "FetchRequest v15 {max_wait_ms=500 min_bytes=1 max_bytes=1048576 isolation_level=1 session_id=77 "
     "session_epoch=2 topics=[{topic_id=AQIDBAUGBwgJCgsMDQ4PEA partitions=[{partition=1 "
     "current_leader_epoch=5 fetch_offset=42 last_fetched_epoch=4 log_start_offset=10 "
     "partition_max_bytes=65536}]}] forgotten_topics_data=[{topic_id=AAAAAAAAAAEAAAAAAAAAAg partitions=[7, "
     "8]}] rack_id=\"az\" cluster_id=\"c1\" replica_state={replica_id=3 replica_epoch=99}}"},
    {&kmsg_fetch_response_desc, 12,
     "0000000000000000004d0202740200000001000000000000000000320000000000000030000000000000000a00ffffffff040908"
     "0701000d000000040000000000000028000000",
     "FetchResponse v12 {throttle_time_ms=0 error_code=0 session_id=77 responses=[{topic=\"t\" "
     "partitions=[{partition_index=1 error_code=0 high_watermark=50 last_stable_offset=48 log_start_offset=10 "
     "aborted_transactions=null preferred_read_replica=-1 records=<3 bytes> diverging_epoch={epoch=4 "
     "end_offset=40} current_leader={leader_id=-1 leader_epoch=-1} snapshot_id={end_offset=-1 epoch=-1}}]}]}"},
    {&kmsg_fetch_response_desc, 4,
     "000000000000000100017400000001000000010000000000000000003200000000000000300000000100000000000003e8000000"
     "000000002c00000003090807",
     "FetchResponse v4 {throttle_time_ms=0 responses=[{topic=\"t\" partitions=[{partition_index=1 "
     "error_code=0 high_watermark=50 last_stable_offset=48 aborted_transactions=[{producer_id=1000 "
     "first_offset=44}] records=<3 bytes>}]}]}"},
};

#endif
