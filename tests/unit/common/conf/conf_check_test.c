/* conf_check_test.c: each relation between keys, broken alone, gives exactly one error with the line of the key;
 * several broken at once give all of them. */
#include <string.h>

#include "common/conf/conf.h"
#include "tests/unit/unit.h"

static const struct {
    const char *text, *error; /* a part of the one line; NULL = good */
} cases[] = {
    {"", NULL},
    {"broker.id=-2", "t:2: broker.id must be set"},
    {"broker.id.generation.enable=false", "broker.id must be set"},
    {"broker.id=1001", "at most reserved.broker.max.id (1000)"},
    {"broker.id=1001\nreserved.broker.max.id=2000", NULL},
    {"broker.id=1001\nbroker.id.generation.enable=false", NULL},
    {"listeners=", "t:2: listeners: there are none"},
    {"listeners=PLAINTEXT://:9092,PLAINTEXT://:9093", "two listeners are called PLAINTEXT"},
    {"listeners=FOO://:9092", "t:2: listeners: no security protocol defined for listener FOO"},
    {"listeners=SSL://:9092", "the brokers' own listener PLAINTEXT is not among them"},
    {"listeners=A://:1\nlistener.security.protocol.map=A:PLAINTEXT\ninter.broker.listener.name=A", NULL},
    {"inter.broker.listener.name=PLAINTEXT\nsecurity.inter.broker.protocol=PLAINTEXT", "t:2: only one of"},
    {"advertised.listeners=PLAINTEXT://0.0.0.0:9092", "cannot be advertised"},
    {"advertised.listeners=SSL://h:9092", "SSL is not among listeners"},
    {"log.dirs=", "t:2: log.dirs must name"},
    {"log.retention.ms=0", "t:2: log.retention.ms must be unlimited (-1) or"},
    {"log.retention.hours=-1", NULL},
    {"replica.fetch.wait.max.ms=31000\nreplica.lag.time.max.ms=40000", "must be at most replica.socket.timeout.ms"},
    {"replica.lag.time.max.ms=400", "must be at most replica.lag.time.max.ms (400)"},
    {"group.min.session.timeout.ms=1800001", "must be at most group.max.session.timeout.ms"},
    {"queued.max.request.bytes=5", "t:2: queued.max.request.bytes must be at least"},
    {"offsets.commit.required.acks=4", "must lie between"},
    {"replica.selector.class=org.apache.kafka.common.replica.RackAwareReplicaSelector", NULL},
    {"replica.selector.class=org.apache.kafka.common.replica.LeaderSelector", NULL},
    {"replica.selector.class=", NULL},
    {"replica.selector.class=com.example.Nearest", "t:2: replica.selector.class: com.example.Nearest is a Java class"},
    {"max.connections.per.ip=0", "may be 0 only with"},
    {"log.roll.ms=0", "t:2: log.roll.ms must be greater than or equal to 1"},
    {"log.roll.ms=1\nlog.roll.jitter.ms=0\nmax.connections=1", NULL},
    {"log.roll.jitter.ms=-1", "t:2: log.roll.jitter.ms must be greater than or equal to 0"},
    {"max.connections=0", "t:2: max.connections must be greater than or equal to 1"},
    {"max.connection.creation.rate=0", "t:2: max.connection.creation.rate must be greater than or equal to 1"},
    {"log.cleaner.threads=0", "t:2: log.cleaner.threads must be greater than or equal to 1"},
    {"max.connections.per.ip=0\nmax.connections.per.ip.overrides=127.0.0.1:5", NULL},
};

START_TEST(test_relations) {
    struct bn_conf *c = bn_conf_new();
    struct bn_conf_report r;
    struct bn_str text;
    bn_conf_report_init(&r);
    bn_str_init(&text);
    bn_str_addf(&text, "zookeeper.connect=z\n%s", cases[_i].text);
    bn_conf_read(c, "t", bn_str_slice(&text), &r);
    bn_conf_check(c, &r);
    ck_assert_msg(r.error_count == (cases[_i].error ? 1 : 0), "%s: %s", cases[_i].text, r.errors.ptr);
    if (cases[_i].error) ck_assert_ptr_nonnull(strstr(r.errors.ptr, cases[_i].error));
    bn_str_fini(&text);
    bn_conf_report_fini(&r);
    bn_conf_free(c);
}
END_TEST

START_TEST(test_all_are_told) {
    struct bn_conf *c = bn_conf_new();
    struct bn_conf_report r;
    bn_conf_report_init(&r);
    bn_conf_read(c, "t", BN_SLICE_LIT("broker.id=-7\nlisteners=x\nlog.dirs=\n"), &r);
    bn_conf_check(c, &r);
    ck_assert_int_eq(r.error_count, 4); /* and zookeeper.connect */
    bn_conf_report_fini(&r);
    bn_conf_free(c);
}
END_TEST

Suite *conf_check_suite(void);
Suite *conf_check_suite(void) {
    Suite *s = suite_create("conf_check");
    TCase *t = tcase_create("conf_check");
    tcase_add_loop_test(t, test_relations, 0, BN_ARRAY_LEN(cases));
    tcase_add_test(t, test_all_are_told);
    suite_add_tcase(s, t);
    return s;
}
