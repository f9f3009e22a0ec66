/* zk_world.c: see the header. Data is printed as text, null data as "(null)". */
#include "tests/unit/common/zk/zk_world.h"

#include <stdio.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "tests/unit/common/zk/zk_server.h"
#include "tests/unit/unit.h"

#define SESSION_MS 1000
#define LIMIT_MS 20000

static struct zk_server server; /* the runner's one */

void zk_world_server_start(void) { zk_server_start(&server, 200); }
void zk_world_server_stop(void) { zk_server_stop(&server); }

void zk_world_open(struct zk_world *w, bool real) {
    memset(w, 0, sizeof *w);
    w->real = real;
    w->loop = bn_loop_new();
    w->mailbox = bn_mailbox_new(w->loop);
    if (!real) w->fake = bn_fake_new(w->loop, NULL);
    bn_str_init(&w->lines);
}

static void turn(struct zk_world *w, uint64_t since) {
    bn_loop_turn(w->loop, 20);
    ck_assert_msg(bn_loop_now_ms(w->loop) - since < LIMIT_MS, "nothing happened; so far:\n%s", w->lines.ptr);
}

void zk_world_wait(struct zk_world *w, const int *value, int least) {
    for (uint64_t since = bn_loop_now_ms(w->loop); *value < least;) turn(w, since);
}

void zk_world_settle(struct zk_world *w) {
    for (uint64_t since = bn_loop_now_ms(w->loop); w->outstanding > 0;) turn(w, since);
}

void zk_world_expect(struct zk_world *w, const char *lines) {
    ck_assert_str_eq(w->lines.ptr, lines);
    bn_str_clear(&w->lines);
}

static void on_state(void *arg, enum bn_zk_state state) {
    struct zk_client *c = arg;
    c->states[state]++;
    bool connected = state == BN_ZK_CONNECTED;
    ck_assert_int_eq(c->zk->ops->state(c->zk), state);
    ck_assert_int_eq(connected ? c->zk->ops->session_id(c->zk) != 0 : 1, 1);
    if (c->on_state) c->on_state(c, state);
    if (state == BN_ZK_EXPIRED) bn_str_addf(&c->world->lines, "%c expired\n", c->name);
}

struct zk_client *zk_world_client(struct zk_world *w) {
    static int worlds;
    struct zk_client *c = &w->clients[w->client_count];
    c->world = w;
    c->name = (char)('a' + w->client_count);
    int port = 1;
    if (w->real) {
        c->proxy = zk_proxy_new(w->loop, server.port);
        port = zk_proxy_port(c->proxy);
    }
    if (w->client_count++ == 0) worlds++;
    char connect[128];
    snprintf(connect, sizeof connect, "127.0.0.1:%d/w%d-%d/deep", port, (int)getpid(), worlds);
    struct bn_zk_config config = {.connect = connect,
                                  .session_timeout_ms = w->session_ms ? w->session_ms : SESSION_MS,
                                  .state_cb = on_state,
                                  .state_arg = c};
    struct bn_err e = BN_ERR_NONE;
    int r = w->real ? bn_zk_open(&config, w->loop, w->mailbox, &c->zk, &e) : bn_fake_open(w->fake, &config, &c->zk, &e);
    ck_assert_msg(r == BN_OK, "%s", e.text);
    return c;
}

static void closed(void *arg, int status) {
    struct zk_client *c = arg;
    ck_assert_int_eq(status, BN_OK);
    c->zk = NULL;
    c->world->outstanding--;
}

void zk_world_client_close(struct zk_client *c) {
    if (!c->zk) return;
    c->world->outstanding++;
    c->zk->ops->close(c->zk, closed, c);
    zk_world_settle(c->world);
}

void zk_world_close(struct zk_world *w) {
    for (int i = 0; i < w->client_count; i++) {
        zk_world_client_close(&w->clients[i]);
        if (w->clients[i].proxy) zk_proxy_free(w->clients[i].proxy);
    }
    if (w->fake) bn_fake_free(w->fake);
    bn_mailbox_free(w->mailbox);
    bn_loop_free(w->loop);
    bn_str_fini(&w->lines);
}

void zk_world_cut(struct zk_client *c) {
    int before = c->states[BN_ZK_CONNECTING];
    if (c->proxy)
        zk_proxy_set(c->proxy, ZK_PROXY_CUT);
    else
        bn_fake_disconnect(c->zk, false);
    zk_world_wait(c->world, &c->states[BN_ZK_CONNECTING], before + 1);
}

void zk_world_heal(struct zk_client *c) {
    int before = c->states[BN_ZK_CONNECTED];
    if (c->proxy)
        zk_proxy_set(c->proxy, ZK_PROXY_OPEN);
    else
        bn_fake_reconnect(c->zk);
    zk_world_wait(c->world, &c->states[BN_ZK_CONNECTED], before + 1);
}

void zk_world_deafen(struct zk_client *c) { zk_proxy_set(c->proxy, ZK_PROXY_DEAF); }

void zk_world_lose(struct zk_client *c, bool request) {
    if (c->proxy)
        zk_proxy_set(c->proxy, request ? ZK_PROXY_LOSE_REQUEST : ZK_PROXY_LOSE_ANSWER);
    else if (request)
        bn_fake_lose_next_request(c->zk);
    else
        bn_fake_lose_next_answer(c->zk);
}

/* ---- Calls ---- */

struct note {
    struct zk_client *client;
    char what[200];
};

static struct note *note(struct zk_client *c, const char *verb, const char *path) {
    struct note *n = bn_alloc_zero(1, sizeof *n);
    n->client = c;
    snprintf(n->what, sizeof n->what, "%c %s %s", c->name, verb, path);
    c->world->outstanding++;
    return n;
}

static const char *word(int status) {
    static const struct {
        int status;
        const char *word;
    } words[] = {{BN_OK, "ok"},     {BN_NOTFOUND, "notfound"}, {BN_EXISTS, "exists"}, {BN_STALE, "stale"},
                 {BN_LOST, "lost"}, {BN_NOTEMPTY, "notempty"}, {BN_CLOSED, "closed"}, {BN_IO, "io"},
                 {BN_FULL, "full"}};
    for (size_t i = 0; i < BN_ARRAY_LEN(words); i++)
        if (words[i].status == status) return words[i].word;
    return "?";
}

static struct bn_str *begin(struct note *n, int status) {
    struct bn_str *out = &n->client->world->lines;
    bn_str_addf(out, "%s -> ", n->what);
    if (status != BN_OK) bn_str_add(out, word(status));
    return out;
}

static void end(struct note *n, struct bn_str *out) {
    bn_str_add(out, "\n");
    n->client->world->outstanding--;
    bn_alloc_free(n);
}

static void on_watch(void *arg, enum bn_zk_watch_kind kind, const char *path) {
    struct zk_client *c = arg;
    static const char *const kinds[] = {"created", "deleted", "changed", "children"};
    bn_str_addf(&c->world->lines, "%c %s %s\n", c->name, kinds[kind], path);
}

static void on_get(void *arg, int status, struct bn_slice data, const struct bn_zk_stat *stat) {
    struct bn_str *out = begin(arg, status);
    if (status == BN_OK && bn_slice_is_null(data)) bn_str_add(out, "(null)");
    if (status == BN_OK)
        bn_str_addf(out, "%.*s v%d%s", BN_SLICE_FMT(data), stat->version, stat->ephemeral_owner ? " ephemeral" : "");
    end(arg, out);
}

static void on_stat(void *arg, int status, const struct bn_zk_stat *stat) {
    struct bn_str *out = begin(arg, status);
    if (status == BN_OK) bn_str_addf(out, "v%d c%d n%d", stat->version, stat->cversion, stat->child_count);
    end(arg, out);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void on_children(void *arg, int status, char **names, int count) {
    struct bn_str *out = begin(arg, status);
    if (status == BN_OK) bn_str_addf(out, "%d:", count);
    if (count) qsort(names, (size_t)count, sizeof *names, by_name);
    for (int i = 0; i < count; i++) bn_str_addf(out, " %s", names[i]);
    end(arg, out);
}

static void on_create(void *arg, int status, const char *path) {
    struct bn_str *out = begin(arg, status);
    if (status == BN_OK) bn_str_add(out, path);
    end(arg, out);
}

static void on_void(void *arg, int status) {
    struct bn_str *out = begin(arg, status);
    if (status == BN_OK) bn_str_add(out, "ok");
    end(arg, out);
}

static void on_multi(void *arg, int status, const struct bn_zk_op_result *results, int count) {
    struct bn_str *out = begin(arg, status);
    if (status == BN_OK) bn_str_add(out, "ok");
    bn_str_add(out, ":");
    for (int i = 0; i < count; i++) {
        bn_str_addf(out, " %s", word(results[i].status));
        if (status != BN_OK) continue;
        if (results[i].path[0]) bn_str_addf(out, "(%s)", results[i].path);
        if (results[i].stat.mzxid) bn_str_addf(out, "(v%d)", results[i].stat.version);
    }
    end(arg, out);
}

void zk_world_create(struct zk_client *c, const char *path, const char *data, int flags) {
    c->zk->ops->create(c->zk, path, bn_slice_str(data), flags, on_create, note(c, "create", path));
}
void zk_world_get(struct zk_client *c, const char *path, bool watch) {
    c->zk->ops->get(c->zk, path, watch ? on_watch : NULL, c, on_get, note(c, "get", path));
}
void zk_world_exists(struct zk_client *c, const char *path, bool watch) {
    c->zk->ops->exists(c->zk, path, watch ? on_watch : NULL, c, on_stat, note(c, "exists", path));
}
void zk_world_children(struct zk_client *c, const char *path, bool watch) {
    c->zk->ops->children(c->zk, path, watch ? on_watch : NULL, c, on_children, note(c, "children", path));
}
void zk_world_set(struct zk_client *c, const char *path, const char *data, int32_t version) {
    c->zk->ops->set(c->zk, path, bn_slice_str(data), version, on_stat, note(c, "set", path));
}
void zk_world_remove(struct zk_client *c, const char *path, int32_t version) {
    c->zk->ops->remove(c->zk, path, version, on_void, note(c, "remove", path));
}
void zk_world_multi(struct zk_client *c, const struct bn_zk_op *ops, int count) {
    c->zk->ops->multi(c->zk, ops, count, on_multi, note(c, "multi", ""));
}
void zk_world_sync(struct zk_client *c, const char *path) {
    c->zk->ops->sync(c->zk, path, on_void, note(c, "sync", path));
}
