/* coordination_test.c: goal: a group forms on a whole broker with its controller, and commits, whatever the shards. */
#include <time.h>
#include <unistd.h>

#include "tests/unit/broker/whole.h"
#include "tests/unit/unit.h"

Suite *coordination_suite(void);

static const char *const confs[] = {
    "barnabas.shards=1\noffsets.topic.replication.factor=1\noffsets.topic.num.partitions=4\n"
    "group.initial.rebalance.delay.ms=0\n",
    "barnabas.shards=3\noffsets.topic.replication.factor=1\noffsets.topic.num.partitions=4\n"
    "group.initial.rebalance.delay.ms=0\n"};

static char member[128];
static int32_t generation;

/* There is nothing to wait for but the answer itself: a client asks again, too. */
static void a_moment(void) { nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL); }

static void find_coordinator(struct whole *w, int fd) {
    struct kmsg_find_coordinator_request q = kmsg_find_coordinator_request_default;
    struct kmsg_find_coordinator_response r;
    q.key = BN_SLICE_LIT("readers");
    for (int i = 0; i < 4000; i++) {
        whole_send(w, fd, KAPI_FIND_COORDINATOR, 2, &q);
        whole_receive(w, fd, KAPI_FIND_COORDINATOR, 2, &r);
        if (r.error_code == KE_NONE) return;
        ck_assert_int_eq(r.error_code, KE_COORDINATOR_NOT_AVAILABLE);
        a_moment();
    }
    ck_abort_msg("there is no coordinator");
}

static void join(struct whole *w, int fd) {
    struct kmsg_join_group_request_protocol protocol = {BN_SLICE_LIT("range"), BN_SLICE_LIT("topics")};
    struct kmsg_join_group_request q = kmsg_join_group_request_default;
    struct kmsg_join_group_response r = {0};
    q.group_id = BN_SLICE_LIT("readers");
    q.member_id = BN_SLICE_LIT("");
    q.session_timeout_ms = 30000;
    q.rebalance_timeout_ms = 60000;
    q.protocol_type = BN_SLICE_LIT("consumer");
    q.protocols.v = &protocol;
    q.protocols.n = 1;
    for (int i = 0; i < 4000; i++) {
        whole_send(w, fd, KAPI_JOIN_GROUP, 3, &q);
        whole_receive(w, fd, KAPI_JOIN_GROUP, 3, &r);
        if (r.error_code != KE_COORDINATOR_LOAD_IN_PROGRESS && r.error_code != KE_NOT_COORDINATOR) break;
        a_moment();
    }
    ck_assert_int_eq(r.error_code, KE_NONE);
    ck_assert_int_eq(r.members.n, 1);
    generation = r.generation_id;
    snprintf(member, sizeof member, "%.*s", BN_SLICE_FMT(r.member_id));
}

static void sync_group(struct whole *w, int fd, const char *assignment) {
    struct kmsg_sync_group_request_assignment a = {bn_slice_str(member), bn_slice_str(assignment)};
    struct kmsg_sync_group_request q = kmsg_sync_group_request_default;
    struct kmsg_sync_group_response r;
    q.group_id = BN_SLICE_LIT("readers");
    q.member_id = bn_slice_str(member);
    q.generation_id = generation;
    q.assignments.v = &a;
    q.assignments.n = assignment ? 1 : 0;
    for (int i = 0; i < 4000; i++) {
        whole_send(w, fd, KAPI_SYNC_GROUP, 3, &q);
        whole_receive(w, fd, KAPI_SYNC_GROUP, 3, &r);
        if (r.error_code != KE_REBALANCE_IN_PROGRESS && r.error_code != KE_NOT_COORDINATOR) break;
        a_moment();
    }
    ck_assert_int_eq(r.error_code, KE_NONE);
    ck_assert(bn_slice_eq_str(r.assignment, "all of it"));
}

static void commit(struct whole *w, int fd, int64_t offset) {
    struct kmsg_offset_commit_request q = kmsg_offset_commit_request_default;
    struct kmsg_offset_commit_request_topic t = kmsg_offset_commit_request_topic_default;
    struct kmsg_offset_commit_request_partition p = kmsg_offset_commit_request_partition_default;
    struct kmsg_offset_commit_response r;
    q.group_id = BN_SLICE_LIT("readers");
    q.member_id = bn_slice_str(member);
    q.generation_id_or_member_epoch = generation;
    q.topics.v = &t;
    q.topics.n = 1;
    t.name = BN_SLICE_LIT("news");
    t.partitions.v = &p;
    t.partitions.n = 1;
    p.committed_offset = offset;
    whole_send(w, fd, KAPI_OFFSET_COMMIT, 7, &q);
    whole_receive(w, fd, KAPI_OFFSET_COMMIT, 7, &r);
    ck_assert_int_eq(r.topics.v[0].partitions.v[0].error_code, KE_NONE);
}

static int64_t committed(struct whole *w, int fd) {
    int32_t partition = 0;
    struct kmsg_offset_fetch_request q = kmsg_offset_fetch_request_default;
    struct kmsg_offset_fetch_request_topic t = {BN_SLICE_LIT("news"), {&partition, 1}};
    struct kmsg_offset_fetch_response r = {0};
    q.group_id = BN_SLICE_LIT("readers");
    q.topics.v = &t;
    q.topics.n = 1;
    for (int i = 0; i < 4000; i++) {
        whole_send(w, fd, KAPI_OFFSET_FETCH, 5, &q);
        whole_receive(w, fd, KAPI_OFFSET_FETCH, 5, &r);
        if (r.error_code != KE_COORDINATOR_LOAD_IN_PROGRESS && r.error_code != KE_NOT_COORDINATOR) break;
        a_moment();
    }
    ck_assert_int_eq(r.error_code, KE_NONE);
    return r.topics.v[0].partitions.v[0].committed_offset;
}

static void live(struct whole *w) {
    int fd = whole_dial(w);
    (void)whole_make_topic(w, fd, "news", 1);
    find_coordinator(w, fd);
    join(w, fd);
    sync_group(w, fd, "all of it");
    commit(w, fd, 17);
    commit(w, fd, 42);
    ck_assert_int_eq(committed(w, fd), 42);
    close(fd);
}

START_TEST(test_a_group) {
    struct whole w;
    whole_init(&w);
    whole_run(&w, confs[_i], live);
    ck_assert_int_eq(w.exit_code, 0);
    whole_fini(&w);
}
END_TEST

Suite *coordination_suite(void) {
    Suite *s = suite_create("coordination");
    TCase *t = tcase_create("coordination");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, test_a_group, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
