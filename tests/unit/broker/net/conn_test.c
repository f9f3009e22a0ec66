/* conn_test.c: goal: frames come in whole whatever the pieces, answers leave in order, and a hostile peer is told
 * off. */
#include "broker/net/conn.h"

#include <sys/socket.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/bytes.h"
#include "tests/unit/broker/net/world.h"
#include "tests/unit/unit.h"

Suite *conn_suite(void);

START_TEST(test_echo_and_pipeline) {
    struct world w;
    world_start(&w, (struct bn_conns_config){0});
    int fd = world_connect(&w);
    world_send_frame(fd, "echo this");
    world_expect(fd, "echo this");
    for (int i = 0; i < 500; i++) world_send_frame(fd, i % 3 ? "echo" : "none"); /* more than may be in flight */
    for (int i = 0; i < 500; i++) {
        if (i % 3) world_expect(fd, "echo");
    }
    close(fd);
    world_wait(&w.gone, 1);
    ck_assert_uint_eq(w.frames, 501);
    world_stop(&w);
}
END_TEST

/* One byte at a time, and cuts at every place of two frames. */
START_TEST(test_pieces) {
    static const uint8_t bytes[] = {0, 0, 0, 3, 'e', 'a', 'b', 0, 0, 0, 2, 'e', 'c'};
    struct world w;
    world_start(&w, (struct bn_conns_config){0});
    int fd = world_connect(&w);
    for (size_t cut = 1; cut < sizeof bytes; cut++) {
        world_send(fd, bytes, cut);
        (void)world_used_bytes(&w); /* lets the shard turn */
        world_send(fd, bytes + cut, sizeof bytes - cut);
        world_expect(fd, "eab");
        world_expect(fd, "ec");
    }
    for (size_t i = 0; i < sizeof bytes; i++) {
        world_send(fd, bytes + i, 1);
        (void)world_used_bytes(&w);
    }
    world_expect(fd, "eab");
    world_expect(fd, "ec");
    close(fd);
    world_stop(&w);
}
END_TEST

/* Sizes around every threshold come through unharmed, alone and pipelined behind a small one. */
START_TEST(test_sizes) {
    static const uint32_t sizes[] = {1, 4095, 4096, 16384, 16385, 65531, 65532, 65533, 70000, 200000, 1 << 20};
    struct world w;
    world_start(&w, (struct bn_conns_config){0});
    int fd = world_connect(&w);
    uint8_t *out = bn_alloc((1 << 20) + 4), *in = bn_alloc((1 << 20) + 4);
    for (size_t i = 0; i < BN_ARRAY_LEN(sizes); i++) {
        bn_put_u32(out, sizes[i]);
        for (uint32_t k = 0; k < sizes[i]; k++) out[4 + k] = k ? (uint8_t)(k * 7 + k / 251) : 'e';
        world_send_frame(fd, "e");
        world_send(fd, out, sizes[i] + 4);
        world_expect(fd, "e");
        size_t have = 0;
        while (have < sizes[i] + 4) {
            ssize_t n = recv(fd, in + have, sizes[i] + 4 - have, 0);
            ck_assert_int_gt(n, 0);
            have += (size_t)n;
        }
        ck_assert_msg(memcmp(in, out, have) == 0, "size %u came back changed", sizes[i]);
    }
    bn_alloc_free(in);
    bn_alloc_free(out);
    close(fd);
    world_stop(&w);
}
END_TEST

START_TEST(test_answers_in_order) {
    struct world w;
    world_start(&w, (struct bn_conns_config){0});
    int fd = world_connect(&w);
    world_send_frame(fd, "p1");
    world_send_frame(fd, "echo"); /* ready at once, but not its turn */
    world_send_frame(fd, "p2");
    world_send_frame(fd, "release");
    world_expect(fd, "parked");
    world_expect(fd, "echo");
    world_expect(fd, "parked");
    world_expect(fd, "release");
    close(fd);
    world_stop(&w);
}
END_TEST

/* At most in_flight_max requests of one connection are at work; the rest waits, and goes on when answers leave. */
START_TEST(test_in_flight) {
    struct world w;
    world_start(&w, (struct bn_conns_config){.in_flight_max = 4});
    int a = world_connect(&w), b = world_connect(&w);
    for (int i = 0; i < 10; i++) world_send_frame(a, "park");
    world_wait(&w.frames, 4);
    world_send_frame(b, "echo");
    world_expect(b, "echo");
    ck_assert_uint_eq(w.frames, 5);
    for (int i = 0; i < 3; i++) {
        world_send_frame(b, "release");
        world_expect(b, "release");
        world_wait(&w.frames, i == 0 ? 10 : i == 1 ? 13 : 14);
    }
    for (int i = 0; i < 10; i++) world_expect(a, "parked");
    close(a);
    close(b);
    world_stop(&w);
}
END_TEST

/* A reader that does not read: the connection is read no further once enough waits to be sent. */
START_TEST(test_output_bound) {
    enum { ANSWER = 1 << 20, COUNT = 40 };
    struct world w;
    world_start(&w, (struct bn_conns_config){.output_max_bytes = 2 << 20, .flush_bytes = 65536});
    int fd = world_connect(&w), other = world_connect(&w);
    uint8_t ask[9] = {0, 0, 0, 5, 'b'};
    bn_put_u32(ask + 5, ANSWER);
    for (int i = 0; i < COUNT; i++) world_send(fd, ask, sizeof ask);
    world_send_frame(other, "echo");
    world_expect(other, "echo");
    ck_assert_uint_lt(w.frames, COUNT);
    for (int i = 0; i < COUNT; i++) ck_assert_uint_eq(world_expect(fd, NULL), ANSWER);
    close(fd);
    close(other);
    world_stop(&w);
}
END_TEST

START_TEST(test_hostile) {
    static const struct {
        const char *what;
        uint8_t bytes[16];
        size_t len;
    } cases[] = {
        {"size 0", {0, 0, 0, 0}, 4},
        {"size -1", {255, 255, 255, 255}, 4},
        {"too large", {0, 16, 0, 1}, 4},
        {"largest", {127, 255, 255, 255}, 4},
        {"HTTP", "GET / HTTP/1.1\r", 15},
        {"TLS 1.0 hello", {0x16, 3, 1, 2, 0}, 5},
        {"TLS alert", {0x15, 3, 3, 0, 2}, 5},
        {"a good one, then a bad one", {0, 0, 0, 1, 'n', 255, 0, 0, 0}, 9},
        {"the handler closes, more behind", {0, 0, 0, 1, 'c', 0, 0, 0, 1, 'e'}, 10},
    };
    struct world w;
    world_start(&w, (struct bn_conns_config){0});
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        int fd = world_connect(&w);
        world_send(fd, cases[i].bytes, cases[i].len);
        world_expect_close(fd);
        close(fd);
        world_wait(&w.gone, (uint32_t)i + 1);
    }
    int fd = world_connect(&w); /* and the shard lives on */
    world_send_frame(fd, "echo");
    world_expect(fd, "echo");
    close(fd);
    world_stop(&w);
}
END_TEST

/* An announced size costs nothing until bytes have arrived; an idle connection holds nothing at all. */
START_TEST(test_memory_follows_arrival) {
    static const uint8_t claim[4] = {0x06, 0x40, 0, 0}; /* 100 MiB */
    struct world w;
    world_start(&w, (struct bn_conns_config){.request_max_bytes = 100 << 20});
    int fds[20];
    for (int i = 0; i < 20; i++) {
        fds[i] = world_connect(&w);
        world_send_frame(fds[i], "echo");
        world_expect(fds[i], "echo");
    }
    ck_assert_uint_le(world_used_bytes(&w), 65536); /* the scratch block */
    for (int i = 0; i < 20; i++) world_send(fds[i], claim, sizeof claim);
    int probe = world_connect(&w);
    world_send_frame(probe, "echo");
    world_expect(probe, "echo");
    ck_assert_uint_le(world_used_bytes(&w), 65536 * 2 + 20 * 4096);
    for (int i = 0; i < 20; i++) close(fds[i]);
    world_wait(&w.gone, 20);
    ck_assert_uint_le(world_used_bytes(&w), 65536 * 2);
    close(probe);
    world_stop(&w);
}
END_TEST

static void take_names(struct world *w, void *arg) {
    ck_assert_int_eq(w->parked_count, 1);
    const struct bn_conn *c = w->parked[0].conn;
    ck_assert_str_eq(bn_conn_host(c), "127.0.0.1");
    ck_assert_str_eq(bn_conn_listener(c), "PLAINTEXT");
    ck_assert_int_eq(strncmp(bn_conn_peer(c), "127.0.0.1:", 10), 0);
    char local[BN_SOCK_NAME_MAX];
    bn_conn_local_host(c, local);
    ck_assert_str_eq(local, "127.0.0.1");
}

START_TEST(test_names) {
    struct world w;
    world_start(&w, (struct bn_conns_config){0});
    int fd = world_connect(&w);
    world_send_frame(fd, "park");
    world_wait(&w.frames, 1);
    world_on_shard(&w, take_names, NULL);
    world_stop(&w); /* with a request at work: closed() takes it back */
    ck_assert_uint_eq(w.closed, 1);
    ck_assert_uint_eq(w.gone, 1);
    close(fd);
}
END_TEST

Suite *conn_suite(void) {
    Suite *s = suite_create("conn");
    TCase *t = tcase_create("conn");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_echo_and_pipeline);
    tcase_add_test(t, test_pieces);
    tcase_add_test(t, test_sizes);
    tcase_add_test(t, test_answers_in_order);
    tcase_add_test(t, test_in_flight);
    tcase_add_test(t, test_output_bound);
    tcase_add_test(t, test_hostile);
    tcase_add_test(t, test_memory_follows_arrival);
    tcase_add_test(t, test_names);
    suite_add_tcase(s, t);
    return s;
}
