/* fake_tree.c: owns the nodes. A write runs op by op against the tree and notes how to undo each; when an op fails,
 * all are undone in reverse, so that a failed multi leaves no trace (but the zxid). Deleted nodes stay in memory until
 * the write is committed. ZooKeeper's rules kept: the number of a sequential child counts the creations below its
 * parent; an ephemeral has no children; all ops of a multi share one zxid. */
#include "common/zk/fake_tree.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/str.h"

struct node {
    char *path;
    struct node *parent;
    struct bn_list children, sibling, ephemeral;
    uint8_t *data;
    size_t len;
    bool null;
    int32_t created_below; /* children ever created */
    struct bn_zk_stat stat; /* cversion and child_count are kept up to date */
};

struct undo {
    enum { UNDO_CREATE, UNDO_SET, UNDO_DELETE } kind;
    struct node *node;
    uint8_t *data; /* SET: what stood there */
    size_t len;
    bool null;
    struct bn_zk_stat stat;
};

struct write {
    struct bn_fake_tree *tree;
    int64_t session;
    struct undo *undos;
    int undo_count;
};

static struct node *find(const struct bn_fake_tree *t, const char *path) {
    return bn_map_get(&t->nodes, bn_slice_str(path));
}

static const char *name_of(const struct node *n) { return strrchr(n->path, '/') + 1; }

static int64_t now_ms(const struct bn_fake_tree *t) { return t->clock ? bn_clock_wall_ms(t->clock) : t->zxid; }

static void count_children(struct node *n, int add) {
    n->stat.child_count += add;
    n->stat.cversion = 2 * n->created_below - n->stat.child_count;
}

static struct node *node_new(const char *path) {
    struct node *n = bn_alloc_zero(1, sizeof *n);
    n->path = bn_alloc_strdup(path);
    bn_list_init(&n->children);
    bn_list_init(&n->sibling);
    bn_list_init(&n->ephemeral);
    n->null = true;
    return n;
}

static void node_free(struct node *n) {
    bn_list_remove(&n->sibling);
    bn_list_remove(&n->ephemeral);
    bn_alloc_free(n->path);
    bn_alloc_free(n->data);
    bn_alloc_free(n);
}

static void set_data(struct node *n, const uint8_t *data, size_t len, bool null) {
    n->data = bn_alloc(len + 1);
    if (len) memcpy(n->data, data, len);
    n->len = len;
    n->null = null;
}

static void link_node(struct bn_fake_tree *t, struct node *n) {
    bn_map_put(&t->nodes, bn_slice_str(n->path), n);
    if (n->parent) {
        bn_list_push_back(&n->parent->children, &n->sibling);
        count_children(n->parent, 1);
    }
    if (n->stat.ephemeral_owner) bn_list_push_back(&t->ephemerals, &n->ephemeral);
}

static void unlink_node(struct bn_fake_tree *t, struct node *n) {
    bn_map_remove(&t->nodes, bn_slice_str(n->path));
    bn_list_remove(&n->sibling);
    bn_list_remove(&n->ephemeral);
    count_children(n->parent, -1);
}

void bn_fake_tree_init(struct bn_fake_tree *t) {
    bn_map_init(&t->nodes);
    bn_list_init(&t->ephemerals);
    link_node(t, node_new("/"));
}

void bn_fake_tree_fini(struct bn_fake_tree *t) {
    size_t at = 0;
    struct bn_map_entry *entry;
    struct bn_list all;
    bn_list_init(&all);
    while ((entry = bn_map_next(&t->nodes, &at)) != NULL) {
        struct node *n = entry->value;
        bn_list_remove(&n->sibling);
        bn_list_push_back(&all, &n->sibling);
    }
    bn_map_fini(&t->nodes); /* its keys live in the nodes */
    BN_LIST_FOR(it, &all) node_free(BN_CONTAINER_OF(it, struct node, sibling));
}

/* ---- Writes ---- */

static struct node *parent_of(const struct bn_fake_tree *t, const char *path) {
    const char *slash = strrchr(path, '/');
    char *text = slash == path ? bn_alloc_strdup("/") : bn_alloc_strndup(path, (size_t)(slash - path));
    struct node *n = find(t, text);
    bn_alloc_free(text);
    return n;
}

static int do_create(struct write *w, const struct bn_zk_op *op, char **created) {
    struct bn_fake_tree *t = w->tree;
    struct node *parent = parent_of(t, op->path);
    if (!parent) return BN_NOTFOUND;
    char *path = op->flags & BN_ZK_SEQUENTIAL ? bn_alloc_printf("%s%010d", op->path, parent->created_below)
                                              : bn_alloc_strdup(op->path);
    int status = find(t, path) ? BN_EXISTS : parent->stat.ephemeral_owner ? BN_IO : BN_OK;
    if (status != BN_OK) {
        bn_alloc_free(path);
        return status;
    }
    struct node *n = node_new(path);
    *created = path;
    n->parent = parent;
    set_data(n, op->data.ptr, op->data.len, bn_slice_is_null(op->data));
    n->stat.czxid = n->stat.mzxid = t->zxid;
    n->stat.ctime_ms = n->stat.mtime_ms = now_ms(t);
    if (op->flags & BN_ZK_EPHEMERAL) n->stat.ephemeral_owner = w->session;
    parent->created_below++;
    link_node(t, n);
    w->undos[w->undo_count++] = (struct undo){.kind = UNDO_CREATE, .node = n};
    return BN_OK;
}

static int do_set(struct write *w, const struct bn_zk_op *op, struct bn_zk_stat *stat) {
    struct node *n = find(w->tree, op->path);
    if (!n) return BN_NOTFOUND;
    if (op->version != -1 && op->version != n->stat.version) return BN_STALE;
    w->undos[w->undo_count++] =
        (struct undo){.kind = UNDO_SET, .node = n, .data = n->data, .len = n->len, .null = n->null, .stat = n->stat};
    set_data(n, op->data.ptr, op->data.len, bn_slice_is_null(op->data));
    n->stat.version++;
    n->stat.mzxid = w->tree->zxid;
    n->stat.mtime_ms = now_ms(w->tree);
    *stat = n->stat;
    return BN_OK;
}

static int do_delete(struct write *w, const struct bn_zk_op *op) {
    struct node *n = find(w->tree, op->path);
    if (!n) return BN_NOTFOUND;
    if (op->version != -1 && op->version != n->stat.version) return BN_STALE;
    if (!bn_list_empty(&n->children)) return BN_NOTEMPTY;
    unlink_node(w->tree, n);
    w->undos[w->undo_count++] = (struct undo){.kind = UNDO_DELETE, .node = n};
    return BN_OK;
}

static int do_op(struct write *w, const struct bn_zk_op *op, struct bn_zk_stat *stat, char **created) {
    switch (op->kind) {
    case BN_ZK_OP_CREATE: return do_create(w, op, created);
    case BN_ZK_OP_SET: return do_set(w, op, stat);
    case BN_ZK_OP_DELETE: return do_delete(w, op);
    case BN_ZK_OP_CHECK: break;
    }
    const struct node *n = find(w->tree, op->path);
    if (!n) return BN_NOTFOUND;
    return op->version != -1 && op->version != n->stat.version ? BN_STALE : BN_OK;
}

static void undo(struct write *w) {
    while (w->undo_count) {
        struct undo *u = &w->undos[--w->undo_count];
        struct node *n = u->node;
        if (u->kind == UNDO_CREATE) {
            n->parent->created_below--;
            unlink_node(w->tree, n);
            node_free(n);
        } else if (u->kind == UNDO_DELETE) {
            link_node(w->tree, n);
        } else {
            bn_alloc_free(n->data);
            n->data = u->data;
            n->len = u->len;
            n->null = u->null;
            n->stat.version = u->stat.version;
            n->stat.mzxid = u->stat.mzxid;
            n->stat.mtime_ms = u->stat.mtime_ms;
        }
    }
}

static void commit(struct write *w) {
    struct bn_fake_tree *t = w->tree;
    for (int i = 0; i < w->undo_count; i++) {
        struct undo *u = &w->undos[i];
        bool whole = u->kind != UNDO_SET;
        if (t->changed) {
            enum bn_zk_watch_kind kinds[] = {BN_ZK_CREATED, BN_ZK_CHANGED, BN_ZK_DELETED};
            t->changed(t->arg, kinds[u->kind], u->node->path);
            if (whole) t->changed(t->arg, BN_ZK_CHILDREN, u->node->parent->path);
        }
        if (u->kind == UNDO_SET) bn_alloc_free(u->data);
    }
    for (int i = 0; i < w->undo_count; i++) /* a node may be created and deleted in one write */
        if (w->undos[i].kind == UNDO_DELETE) node_free(w->undos[i].node);
}

static void apply_multi(struct bn_fake_tree *t, struct bn_zk_call *c, int64_t session) {
    struct write w = {.tree = t, .session = session};
    w.undos = bn_alloc_zero((size_t)c->op_count, sizeof *w.undos);
    t->zxid++;
    int failed = -1;
    for (int i = 0; i < c->op_count; i++) {
        struct bn_zk_op_result *r = &c->results[i];
        char *created = NULL;
        r->status = failed < 0 ? do_op(&w, &c->ops[i], &r->stat, &created) : BN_IO;
        if (created) snprintf(r->path, sizeof r->path, "%s", created);
        bn_alloc_free(created);
        if (r->status != BN_OK && failed < 0) failed = i;
    }
    if (failed < 0) commit(&w);
    else undo(&w);
    bn_alloc_free(w.undos);
    bn_zk_call_settle_multi(c);
}

static void apply_one(struct bn_fake_tree *t, struct bn_zk_call *c, int64_t session) {
    struct undo room;
    struct write w = {.tree = t, .session = session, .undos = &room};
    struct bn_zk_op op = {
        .kind = c->kind == BN_ZK_CALL_CREATE ? BN_ZK_OP_CREATE
                : c->kind == BN_ZK_CALL_SET  ? BN_ZK_OP_SET
                                             : BN_ZK_OP_DELETE,
        .path = c->path,
        .data = c->data_null ? BN_SLICE_NULL : bn_slice_of(c->data, c->data_len),
        .version = c->version,
        .flags = c->flags,
    };
    t->zxid++;
    c->status = do_op(&w, &op, &c->stat, &c->created);
    c->has_stat = c->kind == BN_ZK_CALL_SET;
    if (c->status == BN_OK) commit(&w);
}

void bn_fake_tree_end_session(struct bn_fake_tree *t, int64_t session) {
    t->zxid++;
    BN_LIST_FOR(it, &t->ephemerals) {
        struct node *n = BN_CONTAINER_OF(it, struct node, ephemeral);
        if (n->stat.ephemeral_owner != session) continue;
        struct undo room;
        struct write w = {.tree = t, .undos = &room};
        struct bn_zk_op op = {.kind = BN_ZK_OP_DELETE, .path = n->path, .version = -1};
        BN_ASSERT(do_delete(&w, &op) == BN_OK);
        commit(&w);
    }
}

/* ---- Reads ---- */

static int compare_names(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void read_children(const struct node *n, struct bn_zk_call *c) {
    c->names = bn_alloc_zero((size_t)n->stat.child_count + 1, sizeof *c->names);
    BN_LIST_FOR(it, &n->children)
        c->names[c->name_count++] = bn_alloc_strdup(name_of(BN_CONTAINER_OF(it, struct node, sibling)));
    qsort(c->names, (size_t)c->name_count, sizeof *c->names, compare_names);
}

static void apply_read(struct bn_fake_tree *t, struct bn_zk_call *c) {
    const struct node *n = find(t, c->path);
    c->status = n || c->kind == BN_ZK_CALL_SYNC ? BN_OK : BN_NOTFOUND;
    if (!n || c->kind == BN_ZK_CALL_SYNC) return;
    c->stat = n->stat;
    c->has_stat = true;
    if (c->kind == BN_ZK_CALL_CHILDREN) read_children(n, c);
    if (c->kind == BN_ZK_CALL_GET && !n->null) {
        c->out = (uint8_t *)bn_alloc_strndup(n->data, n->len);
        c->out_len = n->len;
        c->out_null = false;
    }
}

void bn_fake_tree_apply(struct bn_fake_tree *t, struct bn_zk_call *c, int64_t session) {
    if (bn_zk_call_is_read(c)) apply_read(t, c);
    else if (c->kind == BN_ZK_CALL_MULTI) apply_multi(t, c, session);
    else apply_one(t, c, session);
}

int bn_fake_tree_peek(struct bn_fake_tree *t, const char *path, struct bn_slice *data, struct bn_zk_stat *stat) {
    const struct node *n = find(t, path);
    if (!n) return BN_NOTFOUND;
    if (data) *data = n->null ? BN_SLICE_NULL : bn_slice_of(n->data, n->len);
    if (stat) *stat = n->stat;
    return BN_OK;
}
