/* suites.c: the suites of broker/api. */
#include "tests/unit/unit.h"

Suite *alter_configs_suite(void);
Suite *api_suite(void);
Suite *api_versions_suite(void);
Suite *create_partitions_suite(void);
Suite *create_topics_suite(void);
Suite *delete_topics_suite(void);
Suite *elect_leaders_suite(void);
Suite *describe_cluster_suite(void);
Suite *list_partition_reassignments_suite(void);
Suite *delete_records_suite(void);
Suite *describe_log_dirs_suite(void);
Suite *describe_producers_suite(void);
Suite *describe_topic_partitions_suite(void);
Suite *fetch_suite(void);
Suite *fetch_answer_suite(void);
Suite *fetch_session_random_suite(void);
Suite *fetch_session_shards_suite(void);
Suite *fetch_session_suite(void);
Suite *session_cache_suite(void);
Suite *session_lane_suite(void);
Suite *describe_configs_suite(void);
Suite *find_coordinator_suite(void);
Suite *incremental_alter_configs_suite(void);
Suite *init_producer_id_suite(void);
Suite *list_offsets_suite(void);
Suite *metadata_suite(void);
Suite *offset_for_leader_epoch_suite(void);
Suite *produce_suite(void);
Suite *relay_suite(void);
Suite *request_suite(void);
Suite *scatter_suite(void);
Suite *topic_name_suite(void);

Suite *join_group_suite(void);
Suite *sync_group_suite(void);
Suite *heartbeat_suite(void);
Suite *leave_group_suite(void);
Suite *offset_commit_suite(void);
Suite *offset_fetch_suite(void);
Suite *offset_delete_suite(void);
Suite *describe_groups_suite(void);
Suite *list_groups_suite(void);
Suite *delete_groups_suite(void);
Suite *groups_suite(void);
Suite *creation_suite(void);

const unit_suite_fn unit_suites[] = {
    api_suite,
    request_suite,
    relay_suite,
    topic_name_suite,
    api_versions_suite,
    metadata_suite,
    find_coordinator_suite,
    describe_cluster_suite,
    list_partition_reassignments_suite,
    describe_configs_suite,
    delete_records_suite,
    describe_log_dirs_suite,
    describe_producers_suite,
    describe_topic_partitions_suite,
    create_topics_suite,
    delete_topics_suite,
    elect_leaders_suite,
    create_partitions_suite,
    init_producer_id_suite,
    scatter_suite,
    produce_suite,
    fetch_suite,
    fetch_answer_suite,
    session_lane_suite,
    session_cache_suite,
    fetch_session_suite,
    fetch_session_shards_suite,
    fetch_session_random_suite,
    list_offsets_suite,
    offset_for_leader_epoch_suite,
    alter_configs_suite,
    incremental_alter_configs_suite,
    join_group_suite,
    sync_group_suite,
    heartbeat_suite,
    leave_group_suite,
    offset_commit_suite,
    offset_fetch_suite,
    offset_delete_suite,
    describe_groups_suite,
    list_groups_suite,
    delete_groups_suite,
    groups_suite,
    creation_suite,
    NULL,
};
