/* listener_test.c: goal: connections are dealt out to the shards, counted in all and per address, and a limit is a
 * limit. */
#include "broker/net/listener.h"

#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/broker/net/world.h"
#include "tests/unit/unit.h"

Suite *listener_suite(void);

struct net { /* two worlds: the first one's shard accepts */
    struct world worlds[2];
    struct bn_conns *sets[2];
    struct bn_shard *shards[2];
    struct bn_listeners *listeners;
};

static void start(struct world *w, void *arg) { bn_listener_start(arg); }
static void stop(struct world *w, void *arg) { bn_listener_stop(arg); }

static void net_start(struct net *n, struct bn_listener_config config) {
    for (int i = 0; i < 2; i++) {
        world_start(&n->worlds[i], (struct bn_conns_config){0});
        n->sets[i] = n->worlds[i].set;
        n->shards[i] = n->worlds[i].shard;
    }
    config.home = n->shards[0];
    config.sets = n->sets;
    config.shards = n->shards;
    config.set_count = 2;
    config.backlog = 50;
    n->listeners = bn_listener_new(&config);
    struct bn_err e = BN_ERR_NONE;
    ck_assert_int_eq(bn_listener_add(n->listeners, "PLAINTEXT", "127.0.0.1", 0, false, &e), 0);
    ck_assert_int_eq(bn_listener_add(n->listeners, "INTERNAL", "127.0.0.1", 0, true, &e), 0);
    world_on_shard(&n->worlds[0], start, n->listeners);
}

static void net_stop(struct net *n) {
    world_on_shard(&n->worlds[0], stop, n->listeners);
    world_stop(&n->worlds[1]);
    world_stop(&n->worlds[0]);
    bn_listener_free(n->listeners);
}

static int dial(struct net *n, const char *name) { return world_dial(bn_listener_port(n->listeners, name)); }

START_TEST(test_deals_out) {
    struct net n;
    net_start(&n, (struct bn_listener_config){.max_connections = 100, .max_connections_per_ip = 100});
    int fds[6];
    for (int i = 0; i < 6; i++) {
        fds[i] = dial(&n, i % 2 ? "PLAINTEXT" : "INTERNAL");
        world_send_frame(fds[i], "echo");
        world_expect(fds[i], "echo");
    }
    ck_assert_uint_eq(n.worlds[0].frames, 3);
    ck_assert_uint_eq(n.worlds[1].frames, 3);
    ck_assert_int_eq(bn_listener_port(n.listeners, "NONE"), -1);
    for (int i = 0; i < 6; i++) close(fds[i]);
    net_stop(&n);
}
END_TEST

struct limits {
    struct bn_listeners *listeners;
    uint32_t max, per_ip;
};

static void limit(struct world *w, void *arg) {
    const struct limits *l = arg;
    bn_listener_limit(l->listeners, l->max, l->per_ip, NULL, 0);
}

/* New limits hold for the next connection; those that are there stay. */
START_TEST(test_new_limits) {
    struct net n;
    net_start(&n, (struct bn_listener_config){.max_connections = 100, .max_connections_per_ip = 50});
    int a = dial(&n, "PLAINTEXT");
    world_send_frame(a, "echo");
    world_expect(a, "echo");
    world_on_shard(&n.worlds[0], limit, &(struct limits){n.listeners, 100, 1});
    int b = dial(&n, "PLAINTEXT");
    world_expect_close(b);
    close(b);
    world_send_frame(a, "echo");
    world_expect(a, "echo");
    world_on_shard(&n.worlds[0], limit, &(struct limits){n.listeners, 100, 50});
    b = dial(&n, "PLAINTEXT");
    world_send_frame(b, "echo");
    world_expect(b, "echo");
    close(a);
    close(b);
    net_stop(&n);
}
END_TEST

START_TEST(test_limit_per_address) {
    static const struct bn_listener_exception exceptions[] = {{"10.1.2.3", 100}, {"127.0.0.1", 2}};
    struct net n;
    net_start(
        &n, (struct bn_listener_config){
                .max_connections = 100, .max_connections_per_ip = 50, .exceptions = exceptions, .exception_count = 2});
    int a = dial(&n, "PLAINTEXT"), b = dial(&n, "PLAINTEXT");
    world_send_frame(a, "echo");
    world_expect(a, "echo");
    world_send_frame(b, "echo");
    world_expect(b, "echo");
    int c = dial(&n, "PLAINTEXT");
    world_expect_close(c);
    close(c);
    close(a);
    world_wait(&n.worlds[0].closed, 1);
    for (bool in = false; !in;) { /* the news of a's end travels to the home shard */
        c = dial(&n, "PLAINTEXT");
        uint8_t frame[5] = {0, 0, 0, 1, 'e'}, back[5];
        in = write(c, frame, 5) == 5 && read(c, back, 5) == 5;
        if (!in) close(c);
    }
    close(b);
    close(c);
    net_stop(&n);
}
END_TEST

/* Over max.connections clients wait in the backlog; the inter-broker listener is exempt. */
START_TEST(test_limit_in_all) {
    struct net n;
    net_start(&n, (struct bn_listener_config){.max_connections = 1, .max_connections_per_ip = 50});
    int a = dial(&n, "PLAINTEXT");
    world_send_frame(a, "echo");
    world_expect(a, "echo");
    int waits = dial(&n, "PLAINTEXT");
    world_send_frame(waits, "echo");
    int internal = dial(&n, "INTERNAL");
    world_send_frame(internal, "echo");
    world_expect(internal, "echo");
    ck_assert_uint_eq(n.worlds[0].frames + n.worlds[1].frames, 2);
    close(a);
    close(internal);
    world_expect(waits, "echo");
    close(waits);
    net_stop(&n);
}
END_TEST

START_TEST(test_port_in_use) {
    struct net n;
    net_start(&n, (struct bn_listener_config){.max_connections = 1, .max_connections_per_ip = 50});
    struct bn_err e = BN_ERR_NONE;
    int port = bn_listener_port(n.listeners, "PLAINTEXT");
    ck_assert_int_lt(bn_listener_add(n.listeners, "SECOND", "127.0.0.1", port, false, &e), 0);
    ck_assert_ptr_nonnull(strstr(e.text, "SECOND"));
    net_stop(&n);
}
END_TEST

Suite *listener_suite(void) {
    Suite *s = suite_create("listener");
    TCase *t = tcase_create("listener");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_deals_out);
    tcase_add_test(t, test_limit_per_address);
    tcase_add_test(t, test_new_limits);
    tcase_add_test(t, test_limit_in_all);
    tcase_add_test(t, test_port_in_use);
    suite_add_tcase(s, t);
    return s;
}
