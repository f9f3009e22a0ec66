/* bootstrap.c: a cluster as a command sees it, blocking.
 *
 * A link is a connection to one address, made when it is first needed and again when it has ended. An address comes
 * from the bootstrap list, from Metadata or from FindCoordinator; the last two also say which broker lives there. A
 * call runs the loop until its callback was called: the client's own timers see to it that this comes to pass. */
#include "proto/client/bootstrap.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/list.h"
#include "common/sys/clock.h"
#include "proto/client/client.h"
#include "proto/kafka/codec.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/kapi.h"
#include "proto/kafka/kmsg.h"

enum { DEFAULT_PORT = 9092, ANSWERS_BUDGET = 1 << 30, RETRY_MS = 100, TURN_MS = 1000, MULTI_KEY_VERSION = 4 };

struct address {
    char *host;
    int port;
};

struct node { /* a broker that we have heard of */
    int32_t id;
    struct address at;
};

struct link {
    struct bn_list in_links;
    struct address at;
    struct bn_client *client; /* NULL when it couldn't even start */
    bool ready, closed;
    struct bn_err why; /* closed */
};

struct kept { /* a frame that responses borrow */
    struct bn_list in_kept;
    struct bn_buf *frame;
};

struct bn_bootstrap {
    struct bn_loop *loop;
    char *client_id, *peer;
    struct address *servers;
    size_t server_count, server_last; /* server_last: the one that answered */
    struct node *nodes;
    size_t node_count;
    struct bn_list links, kept;
    struct bn_arena arena; /* of the responses */
};

static uint64_t now_ms(void) { return bn_clock_mono_ms(bn_clock_real()); }

/* What is left until the deadline; at least 1, since 0 means no limit. */
static uint64_t left_ms(uint64_t deadline_ms) {
    uint64_t now = now_ms();
    return deadline_ms > now ? deadline_ms - now : 1;
}

/* ---- addresses ---- */

static bool parse_address(struct bn_slice text, struct address *out) {
    struct bn_slice host = text;
    int64_t port = DEFAULT_PORT;
    const uint8_t *colon = text.len ? memrchr(text.ptr, ':', text.len) : NULL;
    const uint8_t *bracket = text.len ? memrchr(text.ptr, ']', text.len) : NULL;
    if (colon && (!bracket || colon > bracket)) {
        host.len = (size_t)(colon - text.ptr);
        if (!bn_slice_to_i64(bn_slice_of(colon + 1, text.len - host.len - 1), &port)) return false;
    }
    if (host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
        host = bn_slice_of(host.ptr + 1, host.len - 2);
    if (host.len == 0 || port < 1 || port > 65535) return false;
    *out = (struct address){bn_alloc_strndup(host.ptr, host.len), (int)port};
    return true;
}

static bool parse_servers(struct bn_bootstrap *b, const char *servers, struct bn_err *e) {
    for (const char *at = servers; *at;) {
        size_t len = strcspn(at, ","), skip = strspn(at, " ");
        struct bn_slice text = bn_slice_of(at + bn_min_size(skip, len), len - bn_min_size(skip, len));
        while (text.len && text.ptr[text.len - 1] == ' ') text.len--;
        at += len + (at[len] == ',');
        if (text.len == 0) continue;
        b->servers = bn_alloc_resize(b->servers, (b->server_count + 1) * sizeof *b->servers);
        if (!parse_address(text, &b->servers[b->server_count])) {
            bn_err_set(e, BN_BAD, "'%.*s' is no host:port", BN_SLICE_FMT(text));
            return false;
        }
        b->server_count++;
    }
    if (b->server_count == 0) bn_err_set(e, BN_BAD, "no bootstrap server given");
    return b->server_count > 0;
}

static void learn_node(struct bn_bootstrap *b, int32_t id, struct bn_slice host, int32_t port) {
    size_t i = 0;
    while (i < b->node_count && b->nodes[i].id != id) i++;
    if (i == b->node_count) {
        b->nodes = bn_alloc_resize(b->nodes, (b->node_count + 1) * sizeof *b->nodes);
        b->nodes[b->node_count++] = (struct node){.id = id};
    }
    bn_alloc_free(b->nodes[i].at.host);
    b->nodes[i].at = (struct address){bn_alloc_strndup(host.ptr, host.len), port};
}

static const struct address *find_node(const struct bn_bootstrap *b, int32_t id) {
    for (size_t i = 0; i < b->node_count; i++)
        if (b->nodes[i].id == id) return &b->nodes[i].at;
    return NULL;
}

/* ---- links ---- */

static void link_ready(void *arg) { ((struct link *)arg)->ready = true; }

static void link_closed(void *arg, const struct bn_err *e) {
    struct link *l = arg;
    l->closed = true;
    l->why = *e;
}

static void free_link(struct link *l) {
    bn_list_remove(&l->in_links);
    bn_client_free(l->client);
    bn_alloc_free(l->at.host);
    bn_alloc_free(l);
}

static struct link *find_link(struct bn_bootstrap *b, const struct address *at) {
    BN_LIST_FOR (it, &b->links) {
        struct link *l = BN_CONTAINER_OF(it, struct link, in_links);
        if (l->at.port == at->port && strcmp(l->at.host, at->host) == 0) return l;
    }
    return NULL;
}

/* A link that is ready, or NULL with the reason. */
static struct link *get_link(struct bn_bootstrap *b, const struct address *at, uint64_t timeout_ms, struct bn_err *e) {
    struct link *l = find_link(b, at);
    if (l) bn_loop_turn(b->loop, 0); /* to hear that the broker has closed it meanwhile */
    if (l && !l->closed) return l;
    if (l) free_link(l);
    l = bn_alloc_zero(1, sizeof *l);
    l->at = (struct address){bn_alloc_strdup(at->host), at->port};
    bn_list_init(&l->in_links);
    bn_list_push_back(&b->links, &l->in_links);
    struct bn_client_conf conf = {.host = l->at.host,
                                  .port = l->at.port,
                                  .client_id = b->client_id,
                                  .connect_timeout_ms = timeout_ms,
                                  .on_ready = link_ready,
                                  .on_closed = link_closed,
                                  .arg = l};
    l->client = bn_client_connect(b->loop, &conf, &l->why);
    if (!l->client) l->closed = true;
    while (!l->ready && !l->closed) bn_loop_turn(b->loop, TURN_MS);
    if (!l->closed) {
        bn_alloc_free(b->peer);
        b->peer = bn_alloc_strdup(bn_client_peer(l->client));
        return l;
    }
    bn_err_set(e, BN_CLOSED, "%s", l->why.text);
    free_link(l);
    return NULL;
}

/* One of the servers, the one that answered last before the others. */
static struct link *get_any_link(struct bn_bootstrap *b, uint64_t deadline_ms, struct bn_err *e) {
    struct bn_err all = BN_ERR_NONE;
    for (size_t i = 0; i < b->server_count; i++) {
        size_t which = (b->server_last + i) % b->server_count;
        struct bn_err one;
        uint64_t share_ms = left_ms(deadline_ms) / (b->server_count - i);
        struct link *l = get_link(b, &b->servers[which], share_ms ? share_ms : 1, &one);
        if (l) {
            b->server_last = which;
            return l;
        }
        struct bn_err before = all;
        bn_err_set(&all, BN_CLOSED, "%s%s%s", before.code ? before.text : "", before.code ? "; " : "", one.text);
    }
    bn_err_set(e, BN_CLOSED, "%s", all.text);
    return NULL;
}

static struct link *link_to(struct bn_bootstrap *b, int32_t broker, uint64_t deadline_ms, struct bn_err *e) {
    if (broker == BN_BOOTSTRAP_ANY) return get_any_link(b, deadline_ms, e);
    const struct address *at = find_node(b, broker);
    if (!at) {
        struct kmsg_metadata_response *r;
        if (bn_bootstrap_metadata(b, NULL, 0, left_ms(deadline_ms), &r, e)) return NULL;
        at = find_node(b, broker);
    }
    if (at) return get_link(b, at, left_ms(deadline_ms), e);
    bn_err_set(e, BN_NOTFOUND, "%s: Metadata: no broker %d in the cluster", b->peer, broker);
    return NULL;
}

/* ---- calls ---- */

struct waiter {
    struct bn_bootstrap *b;
    bool done;
    int status;
    void *response;
    struct bn_err *e;
};

static void answered(void *arg, const struct bn_client_answer *a) {
    struct waiter *w = arg;
    w->done = true;
    w->status = a->status;
    w->response = a->response;
    if (a->status) {
        bn_err_set(w->e, a->status, "%s", a->why);
        return;
    }
    struct kept *k = bn_alloc(sizeof *k);
    k->frame = a->frame;
    bn_buf_ref(k->frame);
    bn_list_init(&k->in_kept);
    bn_list_push_back(&w->b->kept, &k->in_kept);
}

static int no_version(struct bn_bootstrap *b, int api_key, struct bn_err *e) {
    return bn_err_set(e, BN_NOTFOUND, "%s: %s: not served in a version known here", b->peer,
                      bn_client_api_name(api_key));
}

static int call(struct bn_bootstrap *b, struct link *l, struct bn_client_call *what, void **response,
                struct bn_err *e) {
    struct waiter w = {.b = b, .e = e};
    *response = NULL;
    bn_alloc_free(b->peer);
    b->peer = bn_alloc_strdup(bn_client_peer(l->client));
    what->arena = &b->arena;
    what->cb = answered;
    what->arg = &w;
    int rc = bn_client_call(l->client, what);
    if (rc == BN_NOTFOUND) return no_version(b, what->api_key, e);
    BN_ASSERT(rc == 0); /* it is ready, and one call at a time can't be too many */
    while (!w.done) bn_loop_turn(b->loop, TURN_MS);
    *response = w.response;
    return w.status;
}

int bn_bootstrap_call_broker(struct bn_bootstrap *b, int32_t broker, int api_key, void *request, uint64_t timeout_ms,
                             void **response, struct bn_err *e) {
    uint64_t deadline_ms = now_ms() + timeout_ms;
    struct bn_err own = BN_ERR_NONE;
    if (!e) e = &own;
    *response = NULL;
    struct link *l = link_to(b, broker, deadline_ms, e);
    if (!l) return e->code;
    struct bn_client_call what = {
        .api_key = api_key, .version = BN_CLIENT_NEWEST, .request = request, .timeout_ms = left_ms(deadline_ms)};
    return call(b, l, &what, response, e);
}

int bn_bootstrap_call_any(struct bn_bootstrap *b, int api_key, void *request, uint64_t timeout_ms, void **response,
                          struct bn_err *e) {
    return bn_bootstrap_call_broker(b, BN_BOOTSTRAP_ANY, api_key, request, timeout_ms, response, e);
}

int bn_bootstrap_version(struct bn_bootstrap *b, int32_t broker, int api_key, uint64_t timeout_ms, struct bn_err *e) {
    struct bn_err own = BN_ERR_NONE;
    if (!e) e = &own;
    struct link *l = link_to(b, broker, now_ms() + timeout_ms, e);
    if (!l) return e->code;
    int version = bn_client_version(l->client, api_key);
    return version >= 0 ? version : no_version(b, api_key, e);
}

/* ---- questions ---- */

/* Metadata v0 has no null list: there an empty one means all. */
int bn_bootstrap_metadata(struct bn_bootstrap *b, const struct bn_slice *topics, int32_t n, uint64_t timeout_ms,
                          struct kmsg_metadata_response **response, struct bn_err *e) {
    uint64_t deadline_ms = now_ms() + timeout_ms;
    struct kmsg_metadata_request q = kmsg_metadata_request_default;
    struct kmsg_metadata_request_topic *list = bn_alloc_zero((size_t)bn_max_i64(n, 1), sizeof *list);
    int version = bn_bootstrap_version(b, BN_BOOTSTRAP_ANY, KAPI_METADATA, timeout_ms, e);
    for (int32_t i = 0; i < n; i++) {
        list[i] = kmsg_metadata_request_topic_default;
        list[i].name = topics[i];
    }
    q.topics.v = n < 0 ? NULL : list;
    q.topics.n = n >= 0 ? n : version == 0 ? 0 : -1;
    q.allow_auto_topic_creation = version < 4; /* earlier ones know nothing else */
    void *answer = NULL;
    int rc = version < 0 ? version : bn_bootstrap_call_any(b, KAPI_METADATA, &q, left_ms(deadline_ms), &answer, e);
    bn_alloc_free(list);
    *response = answer;
    if (rc) return rc;
    for (int32_t i = 0; i < (*response)->brokers.n; i++) {
        const struct kmsg_metadata_response_broker *broker = &(*response)->brokers.v[i];
        learn_node(b, broker->node_id, broker->host, broker->port);
    }
    return 0;
}

static int question_failed(struct bn_bootstrap *b, struct bn_err *e, int api_key, struct bn_slice about, int code) {
    return bn_err_set(e, bn_errors_retriable(code) && code != KE_UNKNOWN_TOPIC_OR_PARTITION ? BN_AGAIN : BN_NOTFOUND,
                      "%s: %s: %.*s: %s", b->peer, bn_client_api_name(api_key), BN_SLICE_FMT(about),
                      bn_errors_name(code));
}

int bn_bootstrap_leader(struct bn_bootstrap *b, struct bn_slice topic, int32_t partition, uint64_t timeout_ms,
                        int32_t *broker, struct bn_err *e) {
    struct kmsg_metadata_response *r;
    int rc = bn_bootstrap_metadata(b, &topic, 1, timeout_ms, &r, e);
    if (rc) return rc;
    int code = KE_UNKNOWN_TOPIC_OR_PARTITION;
    for (int32_t i = 0; i < r->topics.n; i++) {
        const struct kmsg_metadata_response_topic *t = &r->topics.v[i];
        if (!bn_slice_eq(t->name, topic)) continue;
        if (t->error_code) code = t->error_code;
        for (int32_t j = 0; j < t->partitions.n; j++) {
            const struct kmsg_metadata_response_partition *p = &t->partitions.v[j];
            if (p->partition_index != partition) continue;
            *broker = p->leader_id;
            if (p->leader_id >= 0) return 0;
            code = p->error_code ? p->error_code : KE_LEADER_NOT_AVAILABLE;
        }
    }
    return question_failed(b, e, KAPI_METADATA, topic, code);
}

/* One FindCoordinator. Gives Kafka's code in *code when the status is 0. */
static int ask_coordinator(struct bn_bootstrap *b, int kind, struct bn_slice key, uint64_t deadline_ms, int *code,
                           int32_t *broker, struct bn_err *e) {
    int version = bn_bootstrap_version(b, BN_BOOTSTRAP_ANY, KAPI_FIND_COORDINATOR, left_ms(deadline_ms), e);
    if (version < 0) return version;
    struct kmsg_find_coordinator_request q = kmsg_find_coordinator_request_default;
    q.key_type = (int8_t)kind;
    if (version >= MULTI_KEY_VERSION) {
        q.coordinator_keys.v = &key;
        q.coordinator_keys.n = 1;
    } else {
        q.key = key;
    }
    void *answer;
    int rc = bn_bootstrap_call_any(b, KAPI_FIND_COORDINATOR, &q, left_ms(deadline_ms), &answer, e);
    if (rc) return rc;
    const struct kmsg_find_coordinator_response *r = answer;
    struct kmsg_find_coordinator_response_coordinator one = {
        .node_id = r->node_id, .host = r->host, .port = r->port, .error_code = r->error_code};
    if (version >= MULTI_KEY_VERSION && r->coordinators.n != 1)
        return bn_err_set(e, BN_BAD, "%s: FindCoordinator v%d: %d answers to one key", b->peer, version,
                          r->coordinators.n);
    if (version >= MULTI_KEY_VERSION) one = r->coordinators.v[0];
    *code = one.error_code;
    *broker = one.node_id;
    if (one.error_code == 0) learn_node(b, one.node_id, one.host, one.port);
    return 0;
}

int bn_bootstrap_coordinator(struct bn_bootstrap *b, int kind, struct bn_slice key, uint64_t timeout_ms,
                             int32_t *broker, struct bn_err *e) {
    uint64_t deadline_ms = now_ms() + timeout_ms;
    for (;;) {
        int code = 0;
        int rc = ask_coordinator(b, kind, key, deadline_ms, &code, broker, e);
        if (rc || code == 0) return rc;
        bool again = code == KE_COORDINATOR_NOT_AVAILABLE && now_ms() + RETRY_MS < deadline_ms;
        if (!again) return question_failed(b, e, KAPI_FIND_COORDINATOR, key, code);
        for (uint64_t until = now_ms() + RETRY_MS; now_ms() < until;) bn_loop_turn(b->loop, left_ms(until));
    }
}

/* ---- life ---- */

struct bn_bootstrap *bn_bootstrap_new(const char *servers, const char *client_id, struct bn_err *e) {
    struct bn_bootstrap *b = bn_alloc_zero(1, sizeof *b);
    b->loop = bn_loop_new();
    b->client_id = bn_alloc_strdup(client_id);
    b->peer = bn_alloc_strdup("");
    bn_list_init(&b->links);
    bn_list_init(&b->kept);
    bn_arena_init(&b->arena, ANSWERS_BUDGET);
    if (parse_servers(b, servers, e)) return b;
    bn_bootstrap_free(b);
    return NULL;
}

void bn_bootstrap_forget(struct bn_bootstrap *b) {
    for (struct bn_list *it; (it = bn_list_pop_front(&b->kept));) {
        struct kept *k = BN_CONTAINER_OF(it, struct kept, in_kept);
        bn_buf_unref(k->frame);
        bn_alloc_free(k);
    }
    bn_arena_reset(&b->arena);
}

void bn_bootstrap_free(struct bn_bootstrap *b) {
    if (!b) return;
    while (!bn_list_empty(&b->links)) free_link(BN_CONTAINER_OF(b->links.next, struct link, in_links));
    bn_loop_free(b->loop);
    bn_bootstrap_forget(b);
    bn_arena_fini(&b->arena);
    for (size_t i = 0; i < b->server_count; i++) bn_alloc_free(b->servers[i].host);
    for (size_t i = 0; i < b->node_count; i++) bn_alloc_free(b->nodes[i].at.host);
    bn_alloc_free(b->servers);
    bn_alloc_free(b->nodes);
    bn_alloc_free(b->client_id);
    bn_alloc_free(b->peer);
    bn_alloc_free(b);
}

const char *bn_bootstrap_peer(const struct bn_bootstrap *b) { return b->peer; }
