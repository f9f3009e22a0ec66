/* coordinator_load_test.c: goal: whoever takes over knows what was committed and who is in a group, and answers nothing
 * before. */
#include "proto/kafka/batch.h"
#include "proto/kafka/errors.h"
#include "tests/unit/broker/group/office.h"
#include "tests/unit/unit.h"

Suite *coordinator_load_suite(void);

struct found {
    int64_t offset;
    int32_t generation, size;
};

static bool find(struct office *o, void *arg) {
    struct found *f = arg;
    const struct bn_offsets *offsets = NULL;
    const struct bn_group *group = NULL;
    ck_assert_int_eq(bn_coordinator_offsets(o->coordinator, 0, BN_SLICE_LIT("g"), &offsets), KE_NONE);
    ck_assert_int_eq(bn_coordinator_group(o->coordinator, 0, BN_SLICE_LIT("g"), &group), KE_NONE);
    const struct bn_offsets_entry *e = offsets ? bn_offsets_get(offsets, BN_SLICE_LIT("t"), 0) : NULL;
    f->offset = e ? e->committed.offset : -1;
    f->generation = group ? bn_group_generation(group) : -1;
    f->size = group ? bn_group_size(group) : -1;
    return true;
}

START_TEST(test_takes_over) {
    struct office o;
    struct office_commitment c;
    struct office_join j;
    struct office_sync s;
    struct found f;
    office_open(&o);
    office_lead(&o, 4);
    office_await_loaded(&o);
    for (int64_t offset = 1; offset <= 20; offset++) office_offset(&o, &c, "g", offset);
    office_join(&o, &j, "g", "");
    office_turn(&o);
    office_sync(&o, &s, "g", &j);
    office_turn(&o);
    ck_assert_int_eq(s.answers, 1);
    office_lead(&o, -1);
    office_lead(&o, 6);
    office_await_loaded(&o);
    office_until(&o, find, &f);
    ck_assert_int_eq(f.offset, 20);
    ck_assert_int_eq(f.generation, j.generation);
    ck_assert_int_eq(f.size, 1);
    office_close(&o);
}
END_TEST

static bool is_loading(struct office *o, void *arg) {
    const struct bn_group *g;
    return bn_coordinator_group(o->coordinator, 0, BN_SLICE_LIT("g"), &g) == KE_COORDINATOR_LOAD_IN_PROGRESS;
}

/* Until the watermark has passed what stood in the log at the election nothing is answered: a second failover could
 * otherwise move an offset back. */
START_TEST(test_waits_for_the_watermark) {
    struct office o;
    struct office_commitment c;
    struct found f;
    office_open(&o);
    office_lead(&o, 4);
    office_await_loaded(&o);
    office_offset(&o, &c, "g", 1);
    o.roster.partition.hold = true;
    office_offset(&o, &c, "g", 2);
    office_lead(&o, -1);
    o.roster.partition.epoch_start = o.roster.partition.end;
    office_lead(&o, 6);
    for (int i = 0; i < 20; i++) office_turn(&o);
    office_until(&o, is_loading, NULL);
    office_commit(&o);
    office_await_loaded(&o);
    office_until(&o, find, &f);
    ck_assert_int_eq(f.offset, 2);
    office_close(&o);
}
END_TEST

/* A record of the group as a Kafka of before wrote it; no members: an empty group's. generation -1: its tombstone. */
static void record_group(struct office *o, const char *name, int32_t generation, int members) {
    struct bn_grecord_group g = {.protocol_type = BN_SLICE_LIT("consumer"),
                                 .protocol = members ? BN_SLICE_LIT("range") : BN_SLICE_NULL,
                                 .leader = members ? BN_SLICE_LIT("kafka-1") : BN_SLICE_NULL,
                                 .generation = generation,
                                 .state_since_ms = 77,
                                 .member_count = members};
    struct bn_partition *p = &o->roster.partition;
    struct bn_batch_builder b;
    struct bn_str key, value, batch;
    bn_str_init(&key);
    bn_str_init(&value);
    bn_str_init(&batch);
    bn_grecord_write_group_key(&key, bn_slice_str(name));
    bn_grecord_write_group(&value, &g);
    for (int i = 0; i < members; i++) {
        char id[] = "kafka-1";
        id[6] = (char)('1' + i);
        struct bn_grecord_member m = {.id = bn_slice_str(id),
                                      .client_id = BN_SLICE_LIT("c"),
                                      .client_host = BN_SLICE_LIT("/h"),
                                      .rebalance_ms = 60000,
                                      .session_ms = 10000,
                                      .assignment = BN_SLICE_LIT("half of it")};
        bn_grecord_write_member(&value, &m);
    }
    bn_batch_builder_init(&b);
    bn_batch_builder_add(&b, 0, 5, bn_str_slice(&key), generation < 0 ? BN_SLICE_NULL : bn_str_slice(&value), 0,
                         BN_SLICE_NULL);
    ck_assert_int_eq(bn_batch_builder_finish(&b, 0, 0, &batch), BN_OK);
    bn_batch_assign((uint8_t *)batch.ptr, p->end, 0);
    bn_str_add_slice(&p->bytes, bn_str_slice(&batch));
    p->high_watermark = ++p->end;
    bn_batch_builder_fini(&b);
    bn_str_fini(&key);
    bn_str_fini(&value);
    bn_str_fini(&batch);
}

struct stood {
    const char *name;
    int32_t generation, size;
    enum bn_group_state state;
    bool there;
};

static bool look_up(struct office *o, void *arg) {
    struct stood *s = arg;
    const struct bn_group *g = NULL;
    ck_assert_int_eq(bn_coordinator_group(o->coordinator, 0, bn_slice_str(s->name), &g), KE_NONE);
    s->there = g != NULL;
    s->generation = g ? bn_group_generation(g) : -1;
    s->size = g ? bn_group_size(g) : -1;
    s->state = g ? bn_group_state(g) : BN_GROUP_DEAD;
    return true;
}

/* A data directory of Apache Kafka's: its groups stand in the log, and nobody else knows them. Members go on. */
START_TEST(test_takes_over_from_kafka) {
    struct office o;
    struct office_join j;
    struct office_sync s;
    struct stood f;
    office_open(&o);
    record_group(&o, "live", 6, 1);
    record_group(&o, "live", 7, 2);
    record_group(&o, "calm", 4, 0);
    record_group(&o, "gone", 3, 1);
    record_group(&o, "gone", -1, 0);
    office_lead(&o, 4);
    office_await_loaded(&o);
    f.name = "live";
    office_until(&o, look_up, &f);
    ck_assert(f.there && f.generation == 7 && f.size == 2 && f.state == BN_GROUP_STABLE);
    f.name = "calm";
    office_until(&o, look_up, &f);
    ck_assert(f.there && f.generation == 4 && f.size == 0 && f.state == BN_GROUP_EMPTY);
    f.name = "gone";
    office_until(&o, look_up, &f);
    ck_assert(!f.there);
    snprintf(j.member_id, sizeof j.member_id, "kafka-2");
    j.generation = 7;
    ck_assert_int_eq(office_heartbeat(&o, "live", &j, -1), KE_NONE);
    office_sync(&o, &s, "live", &j);
    ck_assert_str_eq(s.got, "half of it");
    ck_assert_int_eq(o.writes, 0); /* nothing has happened that is to be told */
    office_join(&o, &j, "calm", "");
    office_turn(&o);
    ck_assert_int_eq(j.join.error, KE_NONE);
    ck_assert_int_eq(j.generation, 5);
    office_close(&o);
}
END_TEST

static void deleted(struct bn_coordinator_commit *m) { ck_assert_int_eq(m->items->error, KE_NONE); }

static bool do_delete(struct office *o, void *arg) {
    struct bn_coordinator_commit_item item = {0};
    struct bn_coordinator_commit m = {.items = &item, .done = deleted};
    bn_coordinator_delete(o->coordinator, 0, BN_SLICE_LIT("g"), &m);
    return true;
}

/* A group that was deleted, or forgotten, is not there again for who takes over: it had nothing but offsets. One that
 * has a znode stays, and so does one that has committed since. */
START_TEST(test_deleted_before) {
    static const struct { bool znode, again; } cases[] = {{false, false}, {true, false}, {false, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct office o;
        struct office_commitment c;
        struct stood f = {.name = "g"};
        Bn__GroupState told = BN__GROUP_STATE__INIT, *all[] = {&told};
        Bn__GroupWriteRequest q = BN__GROUP_WRITE_REQUEST__INIT;
        office_open(&o);
        office_lead(&o, 4);
        office_await_loaded(&o);
        office_offset(&o, &c, "g", 5);
        office_until(&o, do_delete, NULL);
        if (cases[i].again) office_offset(&o, &c, "g", 6);
        office_lead(&o, -1);
        told.group_id = (ProtobufCBinaryData){1, (uint8_t *)(uintptr_t) "g"};
        told.generation = told.reserved = 9;
        q.groups = all;
        q.n_groups = 1;
        if (cases[i].znode) office_keep(&o, &q);
        office_lead(&o, 6);
        office_await_loaded(&o);
        office_until(&o, look_up, &f);
        ck_assert_int_eq(f.there, cases[i].znode || cases[i].again);
        office_close(&o);
    }
}
END_TEST

/* What the controller keeps holds, whatever a record says; but when that is only which generations are taken, the
 * record does, and none of them is used again. */
START_TEST(test_records_beside_znodes) {
    for (int only_reserved = 0; only_reserved <= 1; only_reserved++) {
        struct office o;
        struct stood f = {.name = "g"};
        struct office_join j;
        Bn__GroupState told = BN__GROUP_STATE__INIT, *all[] = {&told};
        Bn__GroupWriteRequest q = BN__GROUP_WRITE_REQUEST__INIT;
        office_open(&o);
        told.group_id = (ProtobufCBinaryData){1, (uint8_t *)(uintptr_t) "g"};
        told.generation = only_reserved ? 0 : 9;
        told.reserved = 23;
        q.groups = all;
        q.n_groups = 1;
        office_keep(&o, &q);
        record_group(&o, "g", 7, 1);
        office_lead(&o, 4);
        office_await_loaded(&o);
        office_until(&o, look_up, &f);
        ck_assert_int_eq(f.generation, only_reserved ? 7 : 9);
        ck_assert_int_eq(f.size, only_reserved);
        if (!only_reserved) {
            office_join(&o, &j, "g", "");
            office_turn(&o);
            ck_assert_int_eq(j.generation, 24);
        }
        office_close(&o);
    }
}
END_TEST

struct count {
    int loaded, loading;
};

static bool count(struct office *o, void *arg) {
    struct count *n = arg;
    const struct bn_group *g;
    *n = (struct count){0};
    for (int32_t i = 0; i < o->roster.partitions; i++) {
        int16_t error = bn_coordinator_group(o->coordinator, i, BN_SLICE_LIT("g"), &g);
        n->loaded += error == KE_NONE;
        n->loading += error == KE_COORDINATOR_LOAD_IN_PROGRESS;
    }
    return true;
}

enum { MANY = 20, FEW = 4 };

static void lead_many(struct office *o) {
    office_open(o);
    o->roster.partitions = MANY;
    o->hold_reads = true;
    office_lead(o, 4);
    office_turn(o);
    ck_assert_int_eq(o->read_count, FEW);
}

/* The first few begin in any order. */
static void answer_few(struct office *o, int from, int16_t error) {
    for (int i = 0; i < FEW; i++) ck_assert_int_eq(office_answer_read(o, error) / FEW, from / FEW);
    office_turn(o);
}

static void answer_all(struct office *o) {
    for (int i = 0; i < MANY; i++) {
        office_turn(o);
        ck_assert_int_eq(o->read_count, MANY - i < FEW ? MANY - i : FEW);
        int32_t partition = office_answer_read(o, KE_NONE);
        ck_assert(partition == i || (partition < FEW && i < FEW));
    }
    office_turn(o);
    ck_assert_int_eq(o->read_count, 0);
}

/* Who takes over many partitions asks for a few at a time, in their order; those that wait for the watermark keep
 * nobody waiting. */
START_TEST(test_a_few_at_a_time) {
    struct office o;
    struct count n;
    lead_many(&o);
    o.roster.partition.epoch_start = _i;
    answer_all(&o);
    office_until(&o, count, &n);
    ck_assert_int_eq(n.loaded, _i ? 0 : MANY);
    ck_assert_int_eq(n.loading, _i ? MANY : 0);
    office_close(&o);
}
END_TEST

/* One that is to be asked for again stands aside. */
START_TEST(test_refused_ones_stand_aside) {
    struct office o;
    struct count n;
    lead_many(&o);
    answer_few(&o, 0, KE_NOT_CONTROLLER);
    answer_few(&o, FEW, KE_NONE);
    office_until(&o, count, &n);
    ck_assert_int_eq(n.loaded, FEW);
    ck_assert_int_eq(n.loading, MANY - FEW);
    ck_assert_int_eq(o.read_count, FEW);
    o.hold_reads = false;
    answer_few(&o, 2 * FEW, KE_NONE);
    office_close(&o);
}
END_TEST

/* What was asked for partitions that are led no more, or under another epoch, keeps nobody waiting. */
START_TEST(test_leads_anew_while_asking) {
    struct office o;
    struct count n;
    lead_many(&o);
    office_lead(&o, 6);
    office_turn(&o);
    ck_assert_int_eq(o.read_count, 2 * FEW);
    answer_few(&o, 0, KE_NONE);
    answer_all(&o);
    office_until(&o, count, &n);
    ck_assert_int_eq(n.loaded, MANY);
    office_close(&o);
}
END_TEST

Suite *coordinator_load_suite(void) {
    Suite *s = suite_create("coordinator_load");
    TCase *t = tcase_create("coordinator_load");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_takes_over);
    tcase_add_test(t, test_waits_for_the_watermark);
    tcase_add_test(t, test_takes_over_from_kafka);
    tcase_add_test(t, test_deleted_before);
    tcase_add_test(t, test_records_beside_znodes);
    tcase_add_loop_test(t, test_a_few_at_a_time, 0, 2);
    tcase_add_test(t, test_refused_ones_stand_aside);
    tcase_add_test(t, test_leads_anew_while_asking);
    suite_add_tcase(s, t);
    return s;
}
