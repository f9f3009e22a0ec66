/* calls_group_test.c: groups from a broker's agent to ZooKeeper and back, through a whole controller: what was written
 * is read again, byte by byte, also by the next controller, also in parts; and page by page. */
#include "controller/calls_group.h"

#include "broker/cluster/forward.h"
#include "common/base/alloc.h"
#include "common/base/javahash.h"
#include "tests/unit/controller/world_topic.h"

static struct world w;
static struct answer {
    bool came, answered;
    int error;
    int groups, members;
    bool more;
    uint8_t *packed; /* the GroupReadReply */
    size_t len;
} got;

static void setup(void) {
    world_with_broker(&w);
    ck_assert_int_eq(world_make_topic(&w, 0, "__consumer_offsets", 2), 0);
    WORLD_UNTIL(&w, world_topic(&w, 0, "__consumer_offsets"));
    got = (struct answer){0};
}
static void teardown(void) {
    bn_alloc_free(got.packed);
    world_close(&w);
}

static void on_written(void *arg, const Bn__GroupWriteReply *m) {
    (void)arg;
    got.came = true;
    got.answered = m != NULL;
    got.error = m ? m->error : -2;
}

static void on_read(void *arg, const Bn__GroupReadReply *m) {
    (void)arg;
    bn_alloc_free(got.packed);
    got = (struct answer){.came = true, .answered = m != NULL, .error = m ? m->error : -2};
    if (!m) return;
    got.groups = (int)m->n_groups;
    got.more = m->more;
    for (size_t i = 0; i < m->n_groups; i++) got.members += (int)m->groups[i]->n_members;
    got.len = bn__group_read_reply__get_packed_size(m);
    got.packed = bn_alloc(got.len + 1);
    bn__group_read_reply__pack(m, got.packed);
}

static int write_now(const Bn__GroupWriteRequest *m) {
    got.came = false;
    bn_forward_group_write(w.brokers[0].agent, w.shard, m, on_written, NULL);
    WORLD_UNTIL(&w, got.came);
    return got.error;
}

static int read_now(int32_t partition, int32_t epoch, const char *after) {
    Bn__GroupReadRequest m = BN__GROUP_READ_REQUEST__INIT;
    m.offsets_partition = partition;
    m.leader_epoch = epoch;
    m.after = (ProtobufCBinaryData){strlen(after), (uint8_t *)(uintptr_t)after};
    got.came = false;
    bn_forward_group_read(w.brokers[0].agent, w.shard, &m, on_read, NULL);
    WORLD_UNTIL(&w, got.came);
    return got.error;
}

static ProtobufCBinaryData data_of(const char *text) {
    return (ProtobufCBinaryData){strlen(text), (uint8_t *)(uintptr_t)text};
}

static void fill(Bn__GroupState *g, const char *name, Bn__GroupMember *members, Bn__GroupMember **list, int count,
                 ProtobufCBinaryData bytes) {
    bn__group_state__init(g);
    g->group_id = data_of(name);
    g->generation = 5;
    g->reserved = 16;
    g->protocol_type = data_of("consumer");
    g->protocol = data_of("range\xff");
    g->leader = data_of("m");
    g->state_since_ms = 1700000000000;
    for (int i = 0; i < count; i++) {
        bn__group_member__init(&members[i]);
        members[i].member_id = data_of("m");
        members[i].is_static = i % 2;
        members[i].instance_id = data_of(i % 4 == 1 ? "" : "i");
        if (!members[i].is_static) members[i].instance_id.len = 0;
        members[i].client_host = data_of("/127.0.0.1");
        members[i].session_timeout_ms = i;
        members[i].metadata = members[i].assignment = bytes;
        list[i] = &members[i];
    }
    g->members = list;
    g->n_members = (size_t)count;
}

enum { MEMBERS = 40 };
static Bn__GroupMember members[MEMBERS], *list[MEMBERS];

static void one(Bn__GroupWriteRequest *m, Bn__GroupState *g, Bn__GroupState **groups, const char *name) {
    bn__group_write_request__init(m);
    groups[0] = g;
    m->groups = groups;
    m->n_groups = 1;
    m->offsets_partition = bn_javahash_partition(bn_javahash(bn_slice_str(name)), 2);
}

static void same_as(const Bn__GroupState *g) {
    Bn__GroupReadReply want = BN__GROUP_READ_REPLY__INIT;
    Bn__GroupState *groups[] = {(Bn__GroupState *)(uintptr_t)g};
    want.groups = groups;
    want.n_groups = 1;
    size_t len = bn__group_read_reply__get_packed_size(&want);
    uint8_t *packed = bn_alloc(len + 1);
    bn__group_read_reply__pack(&want, packed);
    ck_assert_uint_eq(got.len, len);
    ck_assert_mem_eq(got.packed, packed, len);
    bn_alloc_free(packed);
}

static int has(const char *path) { return bn_fake_peek(w.server, path, NULL, NULL) == BN_OK; }

/* Small and large, and after a failover; then its `reserved` alone; then it goes. */
START_TEST(what_was_written_is_read) {
    static const size_t sizes[] = {0, 7, 3000, 44000};
    size_t size = sizes[_i];
    uint8_t *bytes = bn_alloc(size + 1);
    for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)(i * 13);
    Bn__GroupState g, *groups[1];
    Bn__GroupWriteRequest m;
    const char *name = "my/group \xc3\xbc";
    fill(&g, name, members, list, MEMBERS, (ProtobufCBinaryData){size, bytes});
    one(&m, &g, groups, name);
    int32_t partition = m.offsets_partition;
    ck_assert_int_eq(write_now(&m), 0);
    ck_assert_int_eq(write_now(&m), 0); /* again: other parts */
    ck_assert_int_eq(has("/consumers/my%2Fgroup%20%C3%BC"), 1);
    ck_assert_int_eq(has("/consumers/my%2Fgroup%20%C3%BC/members-5-0"), 0);
    ck_assert_int_eq(read_now(partition, 0, ""), 0);
    same_as(&g);
    world_start_controller(&w, 1);
    world_stop_controller(&w, 0);
    WORLD_UNTIL(&w, bn_controller_is_active(w.controllers[1].controller) && world_is_serving(&w, 0));
    while (read_now(partition, 0, "") != 0) world_turn(&w);
    same_as(&g);
    Bn__GroupState reserve = BN__GROUP_STATE__INIT, *others[] = {&reserve};
    reserve.group_id = g.group_id;
    reserve.reserve_only = true;
    reserve.reserved = 48;
    m.groups = others;
    ck_assert_int_eq(write_now(&m), 0);
    g.reserved = 48;
    ck_assert_int_eq(read_now(partition, 0, ""), 0);
    same_as(&g);
    m.n_groups = 0;
    m.removed = &g.group_id;
    m.n_removed = 1;
    ck_assert_int_eq(write_now(&m), 0);
    ck_assert_int_eq(has("/consumers/my%2Fgroup%20%C3%BC"), 0);
    ck_assert_int_eq(read_now(partition, 0, ""), 0);
    ck_assert_int_eq(got.groups, 0);
    bn_alloc_free(bytes);
}
END_TEST

START_TEST(page_by_page) {
    enum { COUNT = 450, EACH = 150 };
    static Bn__GroupState rows[EACH], *groups[EACH];
    static char names[COUNT][16];
    int written = 0, pages = 0, read = 0;
    for (int n = 0, made = 0; made < COUNT; n++) { /* of one partition */
        snprintf(names[made], sizeof names[made], "g%05d", n);
        made += bn_javahash_partition(bn_javahash(bn_slice_str(names[made])), 2) == 1;
    }
    while (written < COUNT) {
        Bn__GroupWriteRequest m = BN__GROUP_WRITE_REQUEST__INIT;
        for (int i = 0; i < EACH; i++) {
            fill(&rows[i], names[written + i], NULL, NULL, 0, data_of(""));
            groups[i] = &rows[i];
        }
        m.offsets_partition = 1;
        m.groups = groups;
        m.n_groups = EACH;
        ck_assert_int_eq(write_now(&m), 0);
        written += EACH;
    }
    char after[16] = "";
    do {
        ck_assert_int_eq(read_now(1, 0, after), 0);
        ck_assert_int_le(got.groups, 200);
        read += got.groups;
        snprintf(after, sizeof after, "%s", names[read - 1]);
        pages++;
    } while (got.more);
    ck_assert_int_eq(read, COUNT);
    ck_assert_int_eq(pages, 3);
    ck_assert_int_eq(read_now(0, 0, ""), 0);
    ck_assert_int_eq(got.groups, 0);
}
END_TEST

START_TEST(bytes_end_a_page) {
    static uint8_t bytes[20000];
    Bn__GroupState g, *groups[1];
    Bn__GroupWriteRequest m;
    int pages = 0, read = 0;
    for (char name[] = "a"; name[0] <= 'i'; name[0] = (char)(name[0] + 2)) {
        fill(&g, name, members, list, 12, (ProtobufCBinaryData){sizeof bytes, bytes});
        one(&m, &g, groups, name);
        ck_assert_int_eq(m.offsets_partition, 1);
        ck_assert_int_eq(write_now(&m), 0);
    }
    char after[2] = "";
    do {
        ck_assert_int_eq(read_now(1, 0, after), 0);
        ck_assert_int_gt(got.groups, 0);
        ck_assert_int_eq(got.members, 12 * got.groups);
        ck_assert_uint_le(got.len, BN_GROUP_READ_BYTES_MAX);
        read += got.groups;
        after[0] = (char)('a' + 2 * (read - 1));
        pages++;
    } while (got.more);
    ck_assert_int_eq(read, 5);
    ck_assert_int_eq(pages, 3);
}
END_TEST

/* Nothing of a person's hand stops anything. */
START_TEST(a_spoiled_znode_begins_high) {
    Bn__GroupState g, *groups[1];
    Bn__GroupWriteRequest m;
    fill(&g, "a", members, list, 1, data_of("x"));
    one(&m, &g, groups, "a");
    ck_assert_int_eq(write_now(&m), 0);
    ck_assert_int_eq(world_set(&w, "/consumers/a", "{\"version\":1,\"generation\":\"five\"}"), 0);
    ck_assert_int_eq(world_put(&w, "/consumers/c", "", 0), 0);
    ck_assert_int_eq(read_now(1, 0, ""), 0);
    ck_assert_int_eq(got.groups, 1);
    ck_assert_int_eq(got.members, 0);
    Bn__GroupReadReply *r = bn__group_read_reply__unpack(NULL, got.len, got.packed);
    ck_assert_int_gt(r->groups[0]->generation, 1000000);
    ck_assert_int_eq(r->groups[0]->reserved, r->groups[0]->generation);
    bn__group_read_reply__free_unpacked(r, NULL);
    ck_assert_int_eq(write_now(&m), 0);
    ck_assert_int_eq(read_now(1, 0, ""), 0);
    same_as(&g);
}
END_TEST

START_TEST(nonsense_is_refused) {
    Bn__GroupState g, *groups[1];
    Bn__GroupWriteRequest m;
    for (int i = 0; i < 8; i++) {
        fill(&g, "a", members, list, 1, data_of("x"));
        if (i == 0) g.group_id = data_of("");
        if (i == 1) g.group_id = (ProtobufCBinaryData){3, (uint8_t *)(uintptr_t) "a\0b"};
        if (i == 2) g.generation = -1;
        if (i == 3) g.reserved = 4;
        if (i == 4) members[0].member_id.len = 0;
        if (i == 5) members[0].session_timeout_ms = -1;
        if (i == 6) g.state_since_ms = -1;
        one(&m, &g, groups, "a");
        if (i == 7) m.removed = &(ProtobufCBinaryData){0, NULL}, m.n_removed = 1;
        ck_assert_int_eq(write_now(&m), 42);
    }
    one(&m, &g, groups, "a");
    m.leader_epoch = -1;
    ck_assert_int_eq(write_now(&m), 16);
    m.leader_epoch = 1;
    ck_assert_int_eq(write_now(&m), 41);
    ck_assert_int_eq(read_now(7, 0, ""), 16);
    m.n_groups = 0;
    m.leader_epoch = 0;
    ck_assert_int_eq(write_now(&m), 0);
}
END_TEST

Suite *calls_group_suite(void);
Suite *calls_group_suite(void) {
    Suite *s = suite_create("calls_group");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, what_was_written_is_read, 0, 4);
    tcase_add_test(t, page_by_page);
    tcase_add_test(t, bytes_end_a_page);
    tcase_add_test(t, a_spoiled_znode_begins_high);
    tcase_add_test(t, nonsense_is_refused);
    suite_add_tcase(s, t);
    return s;
}
