/* zk_call.c: calls on their way. Owns every copy of what a caller lent, the queue that keeps the order of answers, the
 * chroot (a prefix that we add and take off ourselves) and the rules for paths. Knows nothing of sessions or sockets:
 * zk.c and fake.c move the calls of the queue to done. */
#include "common/zk/zk_call.h"

#include <string.h>

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/trace.h"

static struct bn_zk_core *core_of(struct bn_zk *zk) { return BN_CONTAINER_OF(zk, struct bn_zk_core, zk); }

/* ZooKeeper's own rule, checked here because a bad path inside a multi would fail in less clear ways. */
static bool path_ok(const char *path) {
    if (path[0] != '/') return false;
    if (path[1] == '\0') return true;
    const char *part = path + 1;
    for (const char *p = part;; p++) {
        if (*p != '/' && *p != '\0') {
            if ((unsigned char)*p < 0x20 || *p == 0x7f) return false;
            continue;
        }
        size_t len = (size_t)(p - part);
        if (len == 0 || (len == 1 && part[0] == '.') || (len == 2 && part[0] == '.' && part[1] == '.')) return false;
        if (*p == '\0') return true;
        part = p + 1;
    }
}

static char *full_path(const char *chroot, const char *path) {
    return strcmp(path, "/") == 0 && *chroot ? bn_alloc_strdup(chroot) : bn_alloc_printf("%s%s", chroot, path);
}

const char *bn_zk_call_strip(const struct bn_zk_core *core, const char *path) {
    size_t n = strlen(core->chroot);
    if (n == 0 || strncmp(path, core->chroot, n) != 0) return path;
    return path[n] ? path + n : "/";
}

int bn_zk_call_core_init(struct bn_zk_core *core, const struct bn_zk_config *config, char **hosts, struct bn_err *e) {
    const char *connect = config->connect ? config->connect : "";
    const char *slash = strchr(connect, '/');
    size_t hosts_len = slash ? (size_t)(slash - connect) : strlen(connect);
    if (hosts_len == 0) return bn_err_set(e, BN_BAD, "zookeeper.connect: no host:port");
    if (strspn(connect, " \t") || memchr(connect, ' ', hosts_len))
        return bn_err_set(e, BN_BAD, "zookeeper.connect: a space in \"%s\"", connect);
    char *chroot = slash ? bn_alloc_strdup(slash) : bn_alloc_strdup("");
    size_t n = strlen(chroot);
    if (n && chroot[n - 1] == '/') chroot[n - 1] = '\0'; /* "h:1/" and "h:1/kafka/" as people write them */
    if (*chroot && !path_ok(chroot)) {
        bn_err_set(e, BN_BAD, "zookeeper.connect: \"%s\" cannot be a chroot", chroot);
        bn_alloc_free(chroot);
        return BN_BAD;
    }
    core->chroot = chroot;
    bn_list_init(&core->calls);
    bn_list_init(&core->refused);
    core->state = BN_ZK_CONNECTING;
    core->state_cb = config->state_cb;
    core->state_arg = config->state_arg;
    *hosts = bn_alloc_strndup(connect, hosts_len);
    return BN_OK;
}

void bn_zk_call_core_fini(struct bn_zk_core *core) {
    BN_ASSERT(bn_list_empty(&core->calls) && bn_list_empty(&core->refused));
    bn_alloc_free(core->chroot);
}

struct bn_zk_call *bn_zk_call_new(enum bn_zk_call_kind kind, const char *chroot, const char *path) {
    struct bn_zk_call *c = bn_alloc_zero(1, sizeof *c);
    bn_list_init(&c->link);
    c->kind = kind;
    c->version = -1;
    c->data_null = c->out_null = true;
    if (path) c->path = full_path(chroot, path);
    c->bytes = path ? strlen(c->path) + 64 : 64;
    return c;
}

void bn_zk_call_free(struct bn_zk_call *c) {
    for (int i = 0; i < c->op_count; i++) {
        bn_alloc_free((char *)(uintptr_t)c->ops[i].path);
        bn_alloc_free((uint8_t *)(uintptr_t)c->ops[i].data.ptr);
    }
    for (int i = 0; i < c->name_count; i++) bn_alloc_free(c->names[i]);
    bn_alloc_free(c->ops);
    bn_alloc_free(c->names);
    bn_alloc_free(c->path);
    bn_alloc_free(c->data);
    bn_alloc_free(c->out);
    bn_alloc_free(c->created);
    bn_alloc_free(c->results);
    bn_alloc_free(c->multi);
    bn_alloc_free(c);
}

static uint8_t *copy_bytes(struct bn_slice s) {
    if (bn_slice_is_null(s)) return NULL;
    uint8_t *p = bn_alloc(s.len + 1); /* never NULL, also for empty data */
    if (s.len) memcpy(p, s.ptr, s.len);
    p[s.len] = 0;
    return p;
}

static void set_data(struct bn_zk_call *c, struct bn_slice data) {
    c->data_null = bn_slice_is_null(data);
    c->data = copy_bytes(data);
    c->data_len = data.len;
    c->bytes += data.len;
}

static void submit(struct bn_zk_core *core, struct bn_zk_call *c, bool path_is_good) {
    if (core->count >= BN_ZK_CALL_QUEUE_MAX) {
        uint32_t swallowed;
        static struct bn_trace_site site;
        if (bn_trace_allow(&site, 1, &swallowed)) BN_ERROR("zk", "%zu calls are waiting; refusing more", core->count);
        bn_zk_call_fail(c, BN_FULL);
        bn_list_push_back(&core->refused, &c->link);
    } else {
        if (core->closed) {
            bn_zk_call_fail(c, BN_CLOSED);
        } else if (!path_is_good) {
            BN_ERROR("zk", "not a path: \"%.200s\"", c->path ? c->path : "(in a multi)");
            bn_zk_call_fail(c, BN_IO);
        } else if (c->bytes > BN_ZK_CALL_BYTES_MAX) {
            /* ZooKeeper would drop the connection, and with it everything that is in flight. */
            BN_ERROR("zk", "a call of %zu bytes is too large for ZooKeeper: %.200s", c->bytes,
                     c->path ? c->path : "multi");
            bn_zk_call_fail(c, BN_IO);
        }
        core->count++;
        bn_list_push_back(&core->calls, &c->link);
    }
    core->kick(core);
}

static struct bn_zk_call *begin(struct bn_zk *zk, enum bn_zk_call_kind kind, const char *path, void *arg) {
    struct bn_zk_call *c = bn_zk_call_new(kind, core_of(zk)->chroot, path);
    c->arg = arg;
    return c;
}

void bn_zk_call_get(struct bn_zk *zk, const char *path, bn_zk_watch_cb watch, void *watch_arg, bn_zk_get_cb cb,
                    void *arg) {
    struct bn_zk_call *c = begin(zk, BN_ZK_CALL_GET, path, arg);
    c->watch = watch;
    c->watch_arg = watch_arg;
    c->cb.get = cb;
    submit(core_of(zk), c, path_ok(path));
}

void bn_zk_call_exists(struct bn_zk *zk, const char *path, bn_zk_watch_cb watch, void *watch_arg, bn_zk_stat_cb cb,
                       void *arg) {
    struct bn_zk_call *c = begin(zk, BN_ZK_CALL_EXISTS, path, arg);
    c->watch = watch;
    c->watch_arg = watch_arg;
    c->cb.stat = cb;
    submit(core_of(zk), c, path_ok(path));
}

void bn_zk_call_children(struct bn_zk *zk, const char *path, bn_zk_watch_cb watch, void *watch_arg,
                         bn_zk_children_cb cb, void *arg) {
    struct bn_zk_call *c = begin(zk, BN_ZK_CALL_CHILDREN, path, arg);
    c->watch = watch;
    c->watch_arg = watch_arg;
    c->cb.children = cb;
    submit(core_of(zk), c, path_ok(path));
}

/* A sequential node's name may end in '/': ZooKeeper appends the number. We do without that. */
void bn_zk_call_create(struct bn_zk *zk, const char *path, struct bn_slice data, int flags, bn_zk_create_cb cb,
                       void *arg) {
    struct bn_zk_call *c = begin(zk, BN_ZK_CALL_CREATE, path, arg);
    set_data(c, data);
    c->flags = flags;
    c->cb.create = cb;
    submit(core_of(zk), c, path_ok(path));
}

void bn_zk_call_set(struct bn_zk *zk, const char *path, struct bn_slice data, int32_t version, bn_zk_stat_cb cb,
                    void *arg) {
    struct bn_zk_call *c = begin(zk, BN_ZK_CALL_SET, path, arg);
    set_data(c, data);
    c->version = version;
    c->cb.stat = cb;
    submit(core_of(zk), c, path_ok(path));
}

void bn_zk_call_remove(struct bn_zk *zk, const char *path, int32_t version, bn_zk_void_cb cb, void *arg) {
    struct bn_zk_call *c = begin(zk, BN_ZK_CALL_REMOVE, path, arg);
    c->version = version;
    c->cb.done = cb;
    submit(core_of(zk), c, path_ok(path) && path[1]);
}

void bn_zk_call_multi(struct bn_zk *zk, const struct bn_zk_op *ops, int count, bn_zk_multi_cb cb, void *arg) {
    BN_ASSERT(count > 0);
    struct bn_zk_call *c = begin(zk, BN_ZK_CALL_MULTI, NULL, arg);
    bool good = true;
    c->ops = bn_alloc_zero((size_t)count, sizeof *c->ops);
    c->results = bn_alloc_zero((size_t)count, sizeof *c->results);
    c->op_count = count;
    c->cb.multi = cb;
    for (int i = 0; i < count; i++) {
        good = good && path_ok(ops[i].path);
        c->ops[i] = ops[i];
        c->ops[i].path = full_path(core_of(zk)->chroot, ops[i].path);
        c->ops[i].data = bn_slice_of(copy_bytes(ops[i].data), ops[i].data.len);
        c->bytes += strlen(c->ops[i].path) + ops[i].data.len + 64;
    }
    submit(core_of(zk), c, good);
}

void bn_zk_call_sync(struct bn_zk *zk, const char *path, bn_zk_void_cb cb, void *arg) {
    struct bn_zk_call *c = begin(zk, BN_ZK_CALL_SYNC, path, arg);
    c->cb.done = cb;
    submit(core_of(zk), c, path_ok(path));
}

enum bn_zk_state bn_zk_call_state(struct bn_zk *zk) { return core_of(zk)->state; }
int64_t bn_zk_call_session_id(struct bn_zk *zk) { return core_of(zk)->session_id; }

bool bn_zk_call_is_read(const struct bn_zk_call *c) {
    return c->kind == BN_ZK_CALL_GET || c->kind == BN_ZK_CALL_EXISTS || c->kind == BN_ZK_CALL_CHILDREN ||
           c->kind == BN_ZK_CALL_SYNC;
}

void bn_zk_call_fail(struct bn_zk_call *c, int status) {
    c->done = true;
    c->status = status;
    for (int i = 0; i < c->op_count; i++) c->results[i].status = status;
}

void bn_zk_call_settle_multi(struct bn_zk_call *c) {
    int failed = BN_OK;
    for (int i = 0; i < c->op_count && failed == BN_OK; i++)
        if (c->results[i].status != BN_OK && c->results[i].status != BN_IO) failed = c->results[i].status;
    for (int i = 0; i < c->op_count && failed == BN_OK; i++) failed = c->results[i].status;
    if (failed != BN_OK)
        for (int i = 0; i < c->op_count; i++)
            if (c->results[i].status == BN_OK) c->results[i].status = BN_IO;
    c->status = failed;
}

static void call_back(struct bn_zk_core *core, struct bn_zk_call *c) {
    bool ok = c->status == BN_OK;
    const struct bn_zk_stat *stat = ok && c->has_stat ? &c->stat : NULL;
    switch (c->kind) {
    case BN_ZK_CALL_GET:
        if (c->cb.get)
            c->cb.get(c->arg, c->status, ok && !c->out_null ? bn_slice_of(c->out, c->out_len) : BN_SLICE_NULL, stat);
        break;
    case BN_ZK_CALL_EXISTS:
    case BN_ZK_CALL_SET:
        if (c->cb.stat) c->cb.stat(c->arg, c->status, stat);
        break;
    case BN_ZK_CALL_CHILDREN:
        if (c->cb.children) c->cb.children(c->arg, c->status, ok ? c->names : NULL, ok ? c->name_count : 0);
        break;
    case BN_ZK_CALL_CREATE:
        if (c->cb.create) c->cb.create(c->arg, c->status, ok ? bn_zk_call_strip(core, c->created) : NULL);
        break;
    case BN_ZK_CALL_MULTI:
        for (int i = 0; i < c->op_count; i++) {
            char *path = c->results[i].path;
            const char *rest = bn_zk_call_strip(core, path);
            memmove(path, rest, strlen(rest) + 1);
        }
        if (c->cb.multi) c->cb.multi(c->arg, c->status, c->results, c->op_count);
        break;
    case BN_ZK_CALL_REMOVE:
    case BN_ZK_CALL_SYNC:
        if (c->cb.done) c->cb.done(c->arg, c->status);
        break;
    }
}

static void finish(struct bn_zk_core *core, struct bn_zk_call *c) {
    call_back(core, c);
    if (c->in_flight) c->orphan = true;
    else bn_zk_call_free(c);
}

void bn_zk_call_deliver(struct bn_zk_core *core) {
    struct bn_list *n;
    while ((n = bn_list_pop_front(&core->refused)) != NULL) finish(core, BN_CONTAINER_OF(n, struct bn_zk_call, link));
    while (!bn_list_empty(&core->calls)) {
        struct bn_zk_call *c = BN_CONTAINER_OF(core->calls.next, struct bn_zk_call, link);
        if (!c->done) return;
        bn_list_remove(&c->link);
        core->count--;
        finish(core, c);
    }
}

void bn_zk_call_close_all(struct bn_zk_core *core) {
    struct bn_list mine;
    bn_list_init(&mine);
    struct bn_list *n;
    while ((n = bn_list_pop_front(&core->calls)) != NULL) bn_list_push_back(&mine, n);
    while ((n = bn_list_pop_front(&mine)) != NULL) {
        struct bn_zk_call *c = BN_CONTAINER_OF(n, struct bn_zk_call, link);
        core->count--;
        if (!c->done) bn_zk_call_fail(c, BN_CLOSED);
        finish(core, c);
    }
}

void bn_zk_call_tell(struct bn_zk_core *core, enum bn_zk_state state, int64_t session_id) {
    core->session_id = session_id;
    if (core->state == state) return;
    core->state = state;
    if (core->state_cb) core->state_cb(core->state_arg, state);
}
