/* zk_sync.c: ZooKeeper one call at a time.
 */
#include "tools/zk_sync.h"

#include "common/base/alloc.h"

struct bn_zk_sync {
    struct bn_loop *loop;
    struct bn_mailbox *mailbox;
    struct bn_zk *zk;
    char *hosts;  /* connect without the chroot */
    char *chroot; /* "" or "/kafka" */
    uint64_t timeout_ms;
    bool done;
    int status;
    struct bn_str *data;
    struct bn_zk_stat stat;
    char **names;
    int count;
};

static void on_state(void *arg, enum bn_zk_state state) {}

/* Turns the loop until the answer came or time is up. */
static int await(struct bn_zk_sync *z) {
    uint64_t deadline_ms = bn_loop_now_ms(z->loop) + z->timeout_ms;
    while (!z->done && bn_loop_now_ms(z->loop) < deadline_ms)
        bn_loop_turn(z->loop, deadline_ms - bn_loop_now_ms(z->loop));
    return z->done ? z->status : BN_AGAIN;
}

static int explain(int status, const char *path, struct bn_err *e) {
    if (status == BN_NOTFOUND) return bn_err_set(e, status, "Node does not exist: %s", path);
    if (status == BN_AGAIN) return bn_err_set(e, status, "no answer from ZooKeeper in time");
    return status == BN_OK ? BN_OK : bn_err_set(e, status, "%s: %s", path, bn_err_text(status));
}

static void on_exists(void *arg, int status, const struct bn_zk_stat *stat) {
    struct bn_zk_sync *z = arg;
    z->status = status;
    z->done = true;
}

struct bn_zk_sync *bn_zk_sync_open(const char *connect, uint64_t timeout_ms, struct bn_err *e) {
    struct bn_zk_sync *z = bn_alloc_zero(1, sizeof *z);
    const char *slash = strchr(connect, '/');
    z->hosts = slash ? bn_alloc_strndup(connect, (size_t)(slash - connect)) : bn_alloc_strdup(connect);
    z->chroot = bn_alloc_strdup(slash && slash[1] ? slash : "");
    z->timeout_ms = timeout_ms;
    z->loop = bn_loop_new();
    z->mailbox = bn_mailbox_new(z->loop);
    struct bn_zk_config config = {z->hosts, 10000, on_state, z};
    int rc = bn_zk_open(&config, z->loop, z->mailbox, &z->zk, e);
    if (rc == BN_OK) {
        z->zk->ops->exists(z->zk, "/", NULL, NULL, on_exists, z);
        rc = await(z);
        if (rc != BN_OK) bn_err_set(e, rc, "no ZooKeeper answers at %s within %" PRIu64 " ms", z->hosts, timeout_ms);
    }
    if (rc == BN_OK) return z;
    bn_zk_sync_close(z);
    return NULL;
}

static void on_closed(void *arg, int status) {
    struct bn_zk_sync *z = arg;
    z->done = true;
}

void bn_zk_sync_close(struct bn_zk_sync *z) {
    if (z->zk) {
        z->done = false;
        z->timeout_ms = 5000;
        z->zk->ops->close(z->zk, on_closed, z);
        await(z);
    }
    bn_mailbox_free(z->mailbox);
    bn_loop_free(z->loop);
    bn_alloc_free(z->hosts);
    bn_alloc_free(z->chroot);
    bn_alloc_free(z);
}

/* Below the chroot; "/" of a chroot is the chroot itself. */
static char *absolute(const struct bn_zk_sync *z, const char *path) {
    if (!z->chroot[0]) return bn_alloc_strdup(path);
    return strcmp(path, "/") == 0 ? bn_alloc_strdup(z->chroot) : bn_alloc_printf("%s%s", z->chroot, path);
}

static void on_data(void *arg, int status, struct bn_slice data, const struct bn_zk_stat *stat) {
    struct bn_zk_sync *z = arg;
    z->status = status;
    z->done = true;
    if (status != BN_OK) return;
    z->stat = *stat;
    if (data.ptr) bn_str_add_slice(z->data, data);
}

int bn_zk_sync_get(struct bn_zk_sync *z, const char *path, struct bn_str *out, struct bn_zk_stat *stat,
                   struct bn_err *e) {
    char *full = absolute(z, path);
    z->done = false;
    z->data = out;
    z->zk->ops->get(z->zk, full, NULL, NULL, on_data, z);
    int rc = explain(await(z), path, e);
    if (rc == BN_OK && stat) *stat = z->stat;
    bn_alloc_free(full);
    return rc;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void on_children(void *arg, int status, char **names, int count) {
    struct bn_zk_sync *z = arg;
    z->status = status;
    z->done = true;
    if (status != BN_OK) return;
    z->names = bn_alloc_zero((size_t)count + 1, sizeof *z->names);
    for (int i = 0; i < count; i++) z->names[i] = bn_alloc_strdup(names[i]);
    qsort(z->names, (size_t)count, sizeof *z->names, by_name);
    z->count = count;
}

int bn_zk_sync_children(struct bn_zk_sync *z, const char *path, char ***names, int *count, struct bn_err *e) {
    char *full = absolute(z, path);
    z->done = false;
    z->zk->ops->children(z->zk, full, NULL, NULL, on_children, z);
    int rc = explain(await(z), path, e);
    if (rc == BN_OK) *names = z->names, *count = z->count;
    bn_alloc_free(full);
    return rc;
}
