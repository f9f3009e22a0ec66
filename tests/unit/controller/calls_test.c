/* calls_test.c: every call is answered: by a standby with 41, with refusals when it makes no sense, and when the reign
 * ends before the brain has answered. */
#include "controller/calls.h"
#include "tests/unit/controller/scripted.h"

static struct world w;
static void setup(void) { world_with_broker(&w); }
static void teardown(void) { world_close(&w); }

static void take(struct scripted *s, int error) {
    s->replies++;
    s->last_error = error;
}
static void on_alter(const Bn__AlterPartitionReply *m, void *arg) { take(arg, m ? m->error : -2); }
static void on_admin(const Bn__AdminReply *m, void *arg) { take(arg, m ? m->error : -2); }
static void on_ids(const Bn__ProducerIdsReply *m, void *arg) { take(arg, m ? m->error : -2); }
static void on_ack(const Bn__Ack *m, void *arg) { take(arg, m ? m->error : -2); }
static void on_id(const Bn__BrokerIdReply *m, void *arg) { take(arg, m ? m->error : -2); }

static void call(struct scripted *s, int which) {
    Bn__AlterPartitionRequest alter = BN__ALTER_PARTITION_REQUEST__INIT;
    Bn__AdminRequest admin = BN__ADMIN_REQUEST__INIT;
    Bn__ProducerIdsRequest ids = BN__PRODUCER_IDS_REQUEST__INIT;
    Bn__ReplicasDeletedRequest deleted = BN__REPLICAS_DELETED_REQUEST__INIT;
    Bn__BrokerIdRequest id = BN__BROKER_ID_REQUEST__INIT;
    switch (which) {
    case 0:
        bn__controller__alter_partition(scripted_client(s), &alter, on_alter, s);
        break;
    case 1:
        bn__controller__admin(scripted_client(s), &admin, on_admin, s);
        break;
    case 2:
        bn__controller__producer_ids(scripted_client(s), &ids, on_ids, s);
        break;
    case 3:
        bn__controller__replicas_deleted(scripted_client(s), &deleted, on_ack, s);
        break;
    default:
        bn__controller__broker_id(scripted_client(s), &id, on_id, s);
        break;
    }
}

START_TEST(a_standby_answers_41) {
    struct scripted s;
    world_start_controller(&w, 1);
    for (int i = 0; i < 30; i++) world_turn(&w);
    scripted_dial(&w, 1, &s);
    for (int which = 0; which < 5; which++) {
        call(&s, which);
        WORLD_UNTIL(&w, s.replies == which + 1);
        ck_assert_int_eq(s.last_error, 41);
    }
    scripted_close(&w, &s);
}
END_TEST

START_TEST(strangers_are_refused) {
    static const int expected[] = {77, 35, 77, 42, 0}; /* an id may be had by anybody */
    struct scripted s;
    scripted_dial(&w, 0, &s);
    for (int which = 0; which < 5; which++) {
        call(&s, which);
        WORLD_UNTIL(&w, s.replies == which + 1);
        ck_assert_msg(s.last_error == expected[which], "call %d: %d", which, s.last_error);
    }
    scripted_close(&w, &s);
}
END_TEST

START_TEST(the_end_of_a_reign_answers_all) {
    struct scripted s;
    scripted_dial(&w, 0, &s);
    bn_fake_disconnect(w.controllers[0].zk, false);
    for (int i = 0; i < 5; i++) call(&s, 4);
    for (int i = 0; i < 10; i++) world_turn(&w);
    ck_assert_int_eq(s.replies, 0);
    bn_fake_expire(w.controllers[0].zk);
    bn_fake_reconnect(w.controllers[0].zk);
    WORLD_UNTIL(&w, s.replies == 5);
    ck_assert(s.last_error == 41 || s.last_error == -2);
    scripted_close(&w, &s);
}
END_TEST

START_TEST(malformed_proposals_are_refused) {
    static const struct { size_t id_len, isr, epochs; } rows[] = {{15, 1, 0}, {16, 2, 1}, {0, 0, 0}, {16, 1025, 0}};
    struct scripted s;
    static int32_t isr[2000];
    static int64_t epochs[2000];
    uint8_t id[16] = {0};
    scripted_dial(&w, 0, &s);
    for (size_t i = 0; i < BN_ARRAY_LEN(rows); i++) {
        Bn__AlterPartitionRequest m = BN__ALTER_PARTITION_REQUEST__INIT;
        Bn__AlterPartitionItem item = BN__ALTER_PARTITION_ITEM__INIT, *items[] = {&item};
        item.topic_id = (ProtobufCBinaryData){rows[i].id_len, id};
        item.isr = isr;
        item.n_isr = rows[i].isr;
        item.isr_broker_epochs = epochs;
        item.n_isr_broker_epochs = rows[i].epochs;
        m.broker_id = 1;
        m.broker_epoch = w.brokers[0].epoch;
        m.items = items;
        m.n_items = 1;
        bn__controller__alter_partition(scripted_client(&s), &m, on_alter, &s);
        WORLD_UNTIL(&w, s.replies == (int)i + 1);
        ck_assert_int_eq(s.last_error, 42);
    }
    scripted_close(&w, &s);
}
END_TEST

Suite *calls_suite(void);
Suite *calls_suite(void) {
    Suite *s = suite_create("calls");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_standby_answers_41);
    tcase_add_test(t, strangers_are_refused);
    tcase_add_test(t, the_end_of_a_reign_answers_all);
    tcase_add_test(t, malformed_proposals_are_refused);
    suite_add_tcase(s, t);
    return s;
}
