/* forward_once_test.c: questions that are said once: each is asked once and answered once, with NULL when its
 * connection ends; those of groups keep their order, also when they wait for a controller. */
#include "broker/cluster/forward.h"
#include "tests/unit/broker/cluster/script.h"

static struct world w;
static struct script s;
static void setup(void) { script_begin(&s, &w); }
static void teardown(void) {
    script_close(&s);
    world_close(&w);
}

static struct tally { int came, fine, refused, groups; } tally;

static void count(void *arg, bool answered, int error) {
    struct tally *t = arg;
    t->came++;
    t->fine += answered && error == 0;
    t->refused += answered && error != 0;
}
static void on_altered(void *arg, const Bn__AlterPartitionReply *m) { count(arg, m, m ? m->error : 0); }
static void on_written(void *arg, const Bn__GroupWriteReply *m) { count(arg, m, m ? m->error : 0); }
static void on_read(void *arg, const Bn__GroupReadReply *m) {
    struct tally *t = arg;
    count(arg, m, m ? m->error : 0);
    if (!m || m->error) return;
    ck_assert(m->more);
    t->groups += (int)m->n_groups;
    ck_assert_uint_eq(m->groups[0]->group_id.len, 3);
    ck_assert_mem_eq(m->groups[0]->group_id.data, "abc", 3);
}

static void write_group(const char *name) {
    Bn__GroupWriteRequest m = BN__GROUP_WRITE_REQUEST__INIT;
    Bn__GroupState g = BN__GROUP_STATE__INIT, *list[] = {&g};
    char copy[32]; /* the request is copied */
    snprintf(copy, sizeof copy, "%s", name);
    g.group_id = (ProtobufCBinaryData){strlen(copy), (uint8_t *)copy};
    m.offsets_partition = 7;
    m.leader_epoch = 3;
    m.groups = list;
    m.n_groups = 1;
    bn_forward_group_write(w.brokers[0].agent, w.shard, &m, on_written, &tally);
}

static void ask(enum script_method method) {
    if (method == SCRIPT_ALTER) {
        Bn__AlterPartitionRequest m = BN__ALTER_PARTITION_REQUEST__INIT;
        bn_forward_alter_partition(w.brokers[0].agent, w.shard, &m, on_altered, &tally);
    } else if (method == SCRIPT_GROUP_WRITE) {
        write_group("readers");
    } else {
        Bn__GroupReadRequest m = BN__GROUP_READ_REQUEST__INIT;
        m.offsets_partition = 7;
        m.leader_epoch = 3;
        m.after = (ProtobufCBinaryData){7, (uint8_t *)(uintptr_t) "readers"};
        bn_forward_group_read(w.brokers[0].agent, w.shard, &m, on_read, &tally);
    }
}

static const enum script_method methods[] = {SCRIPT_ALTER, SCRIPT_GROUP_WRITE, SCRIPT_GROUP_READ};
static const struct script_rule rules[] = {{.mode = SCRIPT_ANSWER},
                                           {.mode = SCRIPT_REFUSE, .error = 41},
                                           {.mode = SCRIPT_FAIL},
                                           {.mode = SCRIPT_DROP},
                                           {.mode = SCRIPT_HOLD}};

START_TEST(a_question_is_said_once) {
    enum script_method method = methods[_i / (int)BN_ARRAY_LEN(rules)];
    const struct script_rule *rule = &rules[_i % (int)BN_ARRAY_LEN(rules)];
    tally = (struct tally){0};
    s.rules[method] = *rule;
    ask(method);
    WORLD_UNTIL(&w, s.rules[method].calls == 1);
    if (rule->mode == SCRIPT_HOLD) script_hang_up(&s);
    WORLD_UNTIL(&w, tally.came == 1);
    ck_assert_int_eq(tally.fine, rule->mode == SCRIPT_ANSWER);
    ck_assert_int_eq(tally.refused, rule->mode == SCRIPT_REFUSE);
    ck_assert_int_eq(tally.groups, rule->mode == SCRIPT_ANSWER && method == SCRIPT_GROUP_READ);
    if (method != SCRIPT_ALTER) {
        ck_assert_str_eq(s.group, "readers");
        ck_assert_int_eq(s.offsets_partition, 7);
        ck_assert_int_eq(s.leader_epoch, 3);
    }
    WORLD_UNTIL(&w, bn_agent_connected(w.brokers[0].agent));
    world_pass(&w, 250);
    ck_assert_int_eq(s.rules[method].calls, 1);
    ck_assert_int_eq(tally.came, 1);
}
END_TEST

/* Without a controller they wait, and then come in the order in which they were asked: the last one said stands. */
START_TEST(groups_wait_for_a_controller_in_line) {
    tally = (struct tally){0};
    script_mute(&s);
    WORLD_UNTIL(&w, !bn_agent_connected(w.brokers[0].agent));
    for (int i = 0; i < 50; i++) {
        char name[32];
        snprintf(name, sizeof name, "g%d", i);
        write_group(name);
    }
    world_pass(&w, 50);
    ck_assert_int_eq(tally.came, 0);
    script_listen(&s);
    WORLD_UNTIL(&w, tally.came == 50);
    ck_assert_int_eq(tally.fine, 50);
    ck_assert_str_eq(s.group, "g49");
}
END_TEST

START_TEST(a_stop_answers_what_waits) {
    tally = (struct tally){0};
    script_vanish(&s);
    script_hang_up(&s);
    WORLD_UNTIL(&w, !bn_agent_connected(w.brokers[0].agent));
    for (size_t i = 0; i < BN_ARRAY_LEN(methods); i++) ask(methods[i]);
    world_pass(&w, 20);
    world_stop_broker(&w, 0);
    WORLD_UNTIL(&w, tally.came == (int)BN_ARRAY_LEN(methods));
    ck_assert_int_eq(tally.fine + tally.refused, 0);
}
END_TEST

Suite *forward_once_suite(void);
Suite *forward_once_suite(void) {
    Suite *suite = suite_create("forward_once");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, a_question_is_said_once, 0, (int)(BN_ARRAY_LEN(methods) * BN_ARRAY_LEN(rules)));
    tcase_add_test(t, groups_wait_for_a_controller_in_line);
    tcase_add_test(t, a_stop_answers_what_waits);
    suite_add_tcase(suite, t);
    return suite;
}
