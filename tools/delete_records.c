/* delete_records.c: `barnabas delete-records` and kafka-delete-records.sh (9-tools 9.10): moves the beginning of
 * partitions (KIP-107). Every partition's leader is asked by itself, so that one failure hides no other's success.
 */
#include <stdio.h>
#include <string.h>

#include "common/base/alloc.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/kmsg.h"
#include "tools/admin.h"
#include "tools/command.h"
#include "tools/jsonout.h"
#include "tools/places.h"

enum { API_DELETE_RECORDS = 21, TIMEOUT_MS = 30000 };

static const struct bn_option table[] = {
    BN_ADMIN_OPTIONS,
    {"offset-json-file", BN_OPTION_VALUE,
     "{\"partitions\":[{\"topic\":\"t\",\"partition\":0,\"offset\":5}],\"version\":1}; -1: all there is"},
    {NULL, BN_OPTION_FLAG, NULL},
};

static void find_leaders(struct bn_places *p, const struct kmsg_metadata_response *all) {
    for (size_t i = 0; i < p->count; i++) {
        struct bn_places_one *one = &p->list[i];
        one->error = KE_UNKNOWN_TOPIC_OR_PARTITION;
        for (int32_t t = 0; t < all->topics.n; t++) {
            if (!bn_slice_eq_str(all->topics.v[t].name, one->topic)) continue;
            for (int32_t k = 0; k < all->topics.v[t].partitions.n; k++) {
                const struct kmsg_metadata_response_partition *m = &all->topics.v[t].partitions.v[k];
                if (m->partition_index != one->partition) continue;
                one->leader = m->leader_id;
                one->error = m->leader_id < 0 ? (int16_t)KE_LEADER_NOT_AVAILABLE : (int16_t)KE_NONE;
            }
        }
    }
}

/* True when the leader was asked; one->error and one->offset (the new beginning) say what came of it. */
static bool delete_one(struct bn_session *s, struct bn_places_one *one) {
    struct kmsg_delete_records_request_partition partition = kmsg_delete_records_request_partition_default;
    struct kmsg_delete_records_request_topic topic = kmsg_delete_records_request_topic_default;
    struct kmsg_delete_records_request q = kmsg_delete_records_request_default;
    partition.partition_index = one->partition;
    partition.offset = one->offset;
    topic.name = bn_slice_str(one->topic);
    topic.partitions.v = &partition;
    topic.partitions.n = 1;
    q.topics.v = &topic;
    q.topics.n = 1;
    q.timeout_ms = TIMEOUT_MS;
    struct kmsg_delete_records_response *r = bn_session_call_broker(s, one->leader, API_DELETE_RECORDS, &q);
    if (!r || r->topics.n != 1 || r->topics.v[0].partitions.n != 1) return false;
    one->error = r->topics.v[0].partitions.v[0].error_code;
    one->offset = r->topics.v[0].partitions.v[0].low_watermark;
    return true;
}

static void print_one(const struct bn_places_one *one) {
    char exception[BN_ADMIN_EXCEPTION_MAX];
    if (one->error == KE_NONE)
        printf("partition: %s-%d\tlow_watermark: %" PRId64 "\n", one->topic, one->partition, one->offset);
    else
        printf("partition: %s-%d\terror: %s: %s\n", one->topic, one->partition,
               bn_admin_exception(one->error, exception), bn_errors_text(one->error));
}

static void json_one(struct bn_jsonout *j, const struct bn_places_one *one) {
    bn_jsonout_object(j, NULL);
    bn_jsonout_text(j, "topic", bn_slice_str(one->topic));
    bn_jsonout_number(j, "partition", one->partition);
    if (one->error == KE_NONE)
        bn_jsonout_number(j, "lowWatermark", one->offset);
    else
        bn_jsonout_text(j, "error", bn_slice_str(bn_errors_name(one->error)));
    bn_jsonout_end(j);
}

static int delete_all(struct bn_session *s, struct bn_places *p, bool json, bool kafka) {
    struct kmsg_metadata_response *all = bn_session_metadata(s);
    if (!all) return BN_COMMAND_FAILED;
    struct bn_jsonout j;
    bool ok = true;
    find_leaders(p, all);
    if (!json) puts("Executing records delete operation"), fflush(stdout);
    for (size_t i = 0; i < p->count; i++) {
        if (p->list[i].error == KE_NONE && !delete_one(s, &p->list[i])) return BN_COMMAND_FAILED;
        ok = ok && p->list[i].error == KE_NONE;
    }
    if (json) bn_jsonout_init(&j), bn_jsonout_array(&j, "partitions");
    if (!json) puts("Records delete operation completed:");
    for (size_t i = 0; i < p->count; i++) {
        if (json)
            json_one(&j, &p->list[i]);
        else
            print_one(&p->list[i]);
    }
    if (json) bn_jsonout_print(&j);
    return ok || kafka ? BN_COMMAND_OK : BN_COMMAND_FAILED;
}

/* Kafka's face names a file; ours takes `TOPIC PARTITION OFFSET` too. */
static bool read_places(const struct bn_options *o, struct bn_places *p) {
    const char *path = bn_options_get(o, "offset-json-file");
    int64_t partition, offset;
    if (path) return bn_places_read(p, o->program, path, true, "Missing partitions field");
    if (o->rest_count == 3 && bn_slice_to_i64(bn_slice_str(o->rest[1]), &partition) && partition >= 0 &&
        partition <= INT32_MAX && bn_slice_to_i64(bn_slice_str(o->rest[2]), &offset)) {
        bn_places_add(p, o->rest[0], (int32_t)partition, offset);
        return true;
    }
    fprintf(stderr, "Missing required argument \"[offset-json-file]\"\n");
    return false;
}

int bn_delete_records_command(int argc, char **argv) {
    struct bn_options o;
    bool kafka = strncmp(argv[0], "kafka-", 6) == 0, json = false;
    int misuse = kafka ? BN_COMMAND_FAILED : BN_COMMAND_USAGE;
    if (bn_options_parse(&o, kafka ? argv[0] : "barnabas delete-records", table, argc, argv) < 0) return misuse;
    int rc = bn_admin_help(&o, argc,
                           "barnabas delete-records TOPIC PARTITION OFFSET | --offset-json-file FILE "
                           "--bootstrap-server host:port",
                           misuse);
    struct bn_places places = {NULL, 0};
    if (rc < 0 && (!bn_admin_json(&o, &json) || !read_places(&o, &places))) rc = misuse;
    if (rc < 0) {
        struct bn_session *s = bn_admin_open(&o);
        rc = s ? delete_all(s, &places, json, kafka) : BN_COMMAND_FAILED;
        if (s) bn_session_close(s);
    }
    bn_places_fini(&places);
    bn_options_fini(&o);
    return rc;
}
