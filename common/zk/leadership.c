/* leadership.c: one candidate. It looks (reads /controller_epoch, then /controller with a watch), acts on what it saw,
 * and looks again whenever the watch fires, the connection returns or an election ended. Invariants:
 *   - the epoch is read before /controller, so that a takeover decided on an old pair fails at the epoch's version;
 *   - `round` numbers the looks: answers to an earlier one are dropped;
 *   - a takeover that was asked for is tried again, with the epoch read anew, until it has succeeded or /controller is
 *     another one: the epoch that was read with it may be older than that election;
 *   - at most one multi is in flight (`electing`), and its answer is never dropped;
 *   - on_elected and on_lost alternate. */
#include "common/zk/leadership.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/trace.h"
#include "common/zk/znode_path.h"

#define RESIGN_TRIES 5

enum role { IDLE, CANDIDATE, FOLLOWING, LEADING };

struct bn_leadership {
    struct bn_leadership_config config;
    struct bn_arena arena; /* of the last /controller read */
    enum role role;
    uint32_t round;
    bool failed; /* something unexpected: wait for a poke */

    /* The watch on /controller: one at a time. */
    bool arming, armed, fired_early;

    /* Seen by the look of this round. */
    int epoch_status;
    int32_t epoch, epoch_version;

    /* The election in flight, or (unsettled) the one whose answer was lost. */
    bool electing, unsettled;
    int32_t tried_epoch, tried_version; /* written, and the version it was set at */
    int64_t tried_session;

    int32_t my_epoch, my_epoch_version;   /* LEADING */
    int64_t other_czxid, other_mzxid;     /* FOLLOWING: last told */
    int64_t condemned_czxid; /* FOLLOWING: known to be dead: taken over from until that has succeeded; 0 = none */
    int32_t other_epoch, other_epoch_version; /* read with it */

    bool resigning;
    int resign_tries;
    bn_zk_void_cb resign_cb;
    void *resign_arg;
};

/* What an answer belongs to. */
struct look {
    struct bn_leadership *l;
    uint32_t round;
    bool arms; /* it carries the watch */
};

static void look(struct bn_leadership *l);

static struct look *ticket(struct bn_leadership *l, bool arms) {
    struct look *k = bn_alloc(sizeof *k);
    *k = (struct look){l, l->round, arms};
    return k;
}

/* True when the answer is to be used. */
static bool redeem(struct look *k, struct bn_leadership **l) {
    bool current = k->round == k->l->round;
    *l = k->l;
    bn_alloc_free(k);
    return current;
}

static void fail(struct bn_leadership *l, const char *what, int status) {
    BN_WARN("leadership", "cannot %s: %s", what, bn_err_text(status));
    l->failed = true;
}

static void lose(struct bn_leadership *l) {
    if (l->role != LEADING) return;
    BN_INFO("leadership", "no longer active, epoch %d", (int)l->my_epoch);
    l->role = CANDIDATE;
    if (l->config.on_lost) l->config.on_lost(l->config.arg);
}

static void win(struct bn_leadership *l) {
    l->unsettled = false;
    l->role = LEADING;
    l->my_epoch = l->tried_epoch;
    l->my_epoch_version = l->tried_version + 1;
    l->other_czxid = l->other_mzxid = 0;
    BN_INFO("leadership", "successfully elected as the controller. Epoch incremented to %d and epoch zk version is now "
                          "%d", (int)l->my_epoch, (int)l->my_epoch_version);
    if (l->config.on_elected) l->config.on_elected(l->config.arg, l->my_epoch, l->my_epoch_version);
}

/* ---- Resigning ---- */

static void resign_send(struct bn_leadership *l, int32_t version);

static void resigned(void *arg, int status, const struct bn_zk_op_result *results, int count) {
    struct bn_leadership *l = arg;
    (void)results, (void)count;
    if (status == BN_LOST && ++l->resign_tries < RESIGN_TRIES) {
        resign_send(l, l->my_epoch_version);
        return;
    }
    /* Not there, or gone with the session, is what was wanted. */
    if (status == BN_NOTFOUND || status == BN_CLOSED) status = BN_OK;
    bn_zk_void_cb cb = l->resign_cb;
    l->resigning = false;
    if (cb) cb(l->resign_arg, status);
}

static void resign_send(struct bn_leadership *l, int32_t version) {
    struct bn_zk_op ops[] = {
        {.kind = BN_ZK_OP_CHECK, .path = BN_ZNODE_CONTROLLER_EPOCH, .version = version},
        {.kind = BN_ZK_OP_DELETE, .path = BN_ZNODE_CONTROLLER, .version = -1},
    };
    l->my_epoch_version = version;
    l->config.zk->ops->multi(l->config.zk, ops, 2, resigned, l);
}

void bn_leadership_resign(struct bn_leadership *l, bn_zk_void_cb cb, void *arg) {
    if (l->resigning) { /* as when a stop comes upon a resignation */
        l->resign_cb = cb;
        l->resign_arg = arg;
        return;
    }
    enum role was = l->role;
    l->role = IDLE;
    l->round++;
    if (was != LEADING && !l->electing && !l->unsettled) {
        if (cb) cb(arg, BN_OK);
        return;
    }
    l->resigning = true;
    l->resign_tries = 0;
    l->resign_cb = cb;
    l->resign_arg = arg;
    if (l->electing) return; /* its answer goes on from here */
    resign_send(l, was == LEADING ? l->my_epoch_version : l->tried_version + 1);
    l->unsettled = false;
}

/* ---- Electing ---- */

static void elected(void *arg, int status, const struct bn_zk_op_result *results, int count) {
    struct bn_leadership *l = arg;
    (void)results, (void)count;
    l->electing = false;
    if (l->role == IDLE) { /* resigned meanwhile */
        if (l->resigning) resign_send(l, l->tried_version + 1);
        return;
    }
    switch (status) {
    case BN_OK: win(l); break;
    case BN_LOST: l->unsettled = true; break;
    case BN_EXISTS:   /* another one was first */
    case BN_STALE:    /* another one was first, and may be gone again */
    case BN_NOTFOUND: /* the one to take over from is gone */ break;
    case BN_CLOSED: return; /* the next session looks */
    default: fail(l, "be elected", status); return;
    }
    if (l->role != IDLE) look(l);
}

static void elect(struct bn_leadership *l, bool take_over) {
    struct bn_str data, epoch;
    bn_str_init(&data);
    bn_str_init(&epoch);
    l->tried_epoch = l->epoch + 1;
    l->tried_version = l->epoch_version;
    l->tried_session = l->config.zk->ops->session_id(l->config.zk);
    l->config.describe(l->config.arg, &data);
    bn_znode_controller_epoch_encode(&epoch, &(struct bn_znode_controller_epoch){l->tried_epoch});
    struct bn_zk_op create = {.kind = BN_ZK_OP_CREATE,
                              .path = BN_ZNODE_CONTROLLER,
                              .data = bn_str_slice(&data),
                              .flags = BN_ZK_EPHEMERAL};
    struct bn_zk_op set = {.kind = BN_ZK_OP_SET,
                           .path = BN_ZNODE_CONTROLLER_EPOCH,
                           .data = bn_str_slice(&epoch),
                           .version = l->tried_version};
    struct bn_zk_op remove = {.kind = BN_ZK_OP_DELETE, .path = BN_ZNODE_CONTROLLER, .version = -1};
    struct bn_zk_op plain[] = {create, set}, over[] = {set, remove, create};
    l->electing = true;
    l->round++; /* a look that is under way is overtaken by this */
    l->config.zk->ops->multi(l->config.zk, take_over ? over : plain, take_over ? 3 : 2, elected, l);
    bn_str_fini(&data);
    bn_str_fini(&epoch);
}

/* ---- Looking ---- */

static void epoch_made(void *arg, int status, const char *path) {
    struct bn_leadership *l;
    (void)path;
    if (!redeem(arg, &l) || status == BN_CLOSED) return;
    if (status == BN_OK || status == BN_EXISTS || status == BN_LOST) look(l);
    else fail(l, "create " BN_ZNODE_CONTROLLER_EPOCH, status);
}

static void tell_other(struct bn_leadership *l, const struct bn_znode_controller *c, const struct bn_zk_stat *stat) {
    lose(l);
    if (l->role == IDLE) return;
    bool news = l->role != FOLLOWING || l->other_czxid != stat->czxid || l->other_mzxid != stat->mzxid;
    l->role = FOLLOWING;
    l->unsettled = false;
    l->other_czxid = stat->czxid;
    l->other_mzxid = stat->mzxid;
    l->other_epoch = l->epoch;
    l->other_epoch_version = l->epoch_version;
    struct bn_leadership_other other = {*c, stat->czxid, stat->ephemeral_owner};
    if (stat->czxid == l->condemned_czxid) {
        elect(l, true); /* the last try was lost, or used an epoch that was read before this election */
        return;
    }
    l->condemned_czxid = 0;
    if (news && l->config.on_other) l->config.on_other(l->config.arg, &other);
}

static void saw_controller(struct bn_leadership *l, struct bn_slice data, const struct bn_zk_stat *stat) {
    struct bn_znode_controller c;
    struct bn_err e = BN_ERR_NONE;
    if (stat->ephemeral_owner == l->config.zk->ops->session_id(l->config.zk)) {
        if (l->role == LEADING && l->epoch_version == l->my_epoch_version) return;
        bool won = l->unsettled && stat->ephemeral_owner == l->tried_session && l->epoch == l->tried_epoch &&
                   l->epoch_version == l->tried_version + 1;
        lose(l);
        if (l->role == IDLE) return;
        if (won) win(l);
        else elect(l, true); /* of this session, but not of an election we know: replace it */
        return;
    }
    bn_arena_reset(&l->arena);
    if (bn_znode_controller_decode(data, &l->arena, &c, &e) == BN_OK) {
        tell_other(l, &c, stat);
        return;
    }
    BN_WARN("leadership", "%s: %s", BN_ZNODE_CONTROLLER, e.text);
    lose(l);
    l->failed = true;
}

static void watch_fired(void *arg, enum bn_zk_watch_kind kind, const char *path) {
    struct bn_leadership *l = arg;
    (void)kind, (void)path;
    l->armed = false;
    l->fired_early = l->arming;
    if (l->role != IDLE && !l->electing && !l->arming) look(l);
}

static void on_controller(void *arg, int status, struct bn_slice data, const struct bn_zk_stat *stat) {
    struct bn_leadership *l;
    bool arms = ((struct look *)arg)->arms, current = redeem(arg, &l);
    if (arms) {
        l->armed = status == BN_OK && !l->fired_early;
        l->arming = l->fired_early = false;
    }
    if (!current || l->role == IDLE || l->electing || status == BN_CLOSED) return;
    if (status == BN_OK && !l->armed) { /* it exists, but an earlier look carried the watch when it did not */
        look(l);
        return;
    }
    if (l->epoch_status == BN_NOTFOUND && status == BN_NOTFOUND) {
        l->config.zk->ops->create(l->config.zk, BN_ZNODE_CONTROLLER_EPOCH, BN_SLICE_LIT("0"), BN_ZK_PERSISTENT,
                                  epoch_made, ticket(l, false));
        return;
    }
    if (l->epoch_status != BN_OK) {
        lose(l);
        fail(l, "read " BN_ZNODE_CONTROLLER_EPOCH, l->epoch_status);
    } else if (status == BN_OK) {
        saw_controller(l, data, stat);
    } else if (status == BN_NOTFOUND) {
        lose(l);
        l->unsettled = false;
        if (l->role != IDLE) elect(l, false);
    } else {
        fail(l, "read " BN_ZNODE_CONTROLLER, status);
    }
}

static void on_epoch(void *arg, int status, struct bn_slice data, const struct bn_zk_stat *stat) {
    struct bn_leadership *l;
    if (!redeem(arg, &l)) return;
    l->epoch_status = status;
    if (status != BN_OK) return;
    struct bn_znode_controller_epoch epoch;
    struct bn_err e = BN_ERR_NONE;
    l->epoch_status = bn_znode_controller_epoch_decode(data, NULL, &epoch, &e);
    if (l->epoch_status != BN_OK) BN_WARN("leadership", "%s", e.text);
    l->epoch = epoch.epoch;
    l->epoch_version = stat->version;
}

static void look(struct bn_leadership *l) {
    struct bn_zk *zk = l->config.zk;
    l->round++;
    l->failed = false;
    if (l->unsettled) zk->ops->sync(zk, BN_ZNODE_CONTROLLER_EPOCH, NULL, NULL);
    bool arm = !l->armed && !l->arming;
    l->arming = l->arming || arm;
    zk->ops->get(zk, BN_ZNODE_CONTROLLER_EPOCH, NULL, NULL, on_epoch, ticket(l, false));
    zk->ops->get(zk, BN_ZNODE_CONTROLLER, arm ? watch_fired : NULL, l, on_controller, ticket(l, arm));
}

/* ---- The doors ---- */

struct bn_leadership *bn_leadership_new(const struct bn_leadership_config *config) {
    struct bn_leadership *l = bn_alloc_zero(1, sizeof *l);
    l->config = *config;
    bn_arena_init(&l->arena, 4u * BN_ZNODE_DATA_MAX);
    return l;
}

void bn_leadership_free(struct bn_leadership *l) {
    bn_arena_fini(&l->arena);
    bn_alloc_free(l);
}

void bn_leadership_start(struct bn_leadership *l) {
    BN_ASSERT(!l->resigning);
    if (l->role != IDLE) return;
    l->role = CANDIDATE;
    l->other_czxid = l->other_mzxid = 0;
    if (!l->electing) look(l);
}

void bn_leadership_zk_state(struct bn_leadership *l, enum bn_zk_state state) {
    if (state == BN_ZK_EXPIRED) {
        l->round++;
        l->arming = l->armed = l->fired_early = l->unsettled = false;
        lose(l);
        if (l->role == FOLLOWING) l->role = CANDIDATE;
    } else if (state == BN_ZK_CONNECTED && l->role != IDLE && !l->electing) {
        look(l);
    }
}

void bn_leadership_poke(struct bn_leadership *l) {
    if (l->failed && l->role != IDLE && !l->electing) look(l);
}

void bn_leadership_take_over(struct bn_leadership *l, int64_t czxid) {
    if (l->role != FOLLOWING || l->electing || l->other_czxid != czxid) return;
    l->condemned_czxid = czxid;
    l->epoch = l->other_epoch;
    l->epoch_version = l->other_epoch_version;
    elect(l, true);
}

bool bn_leadership_active(const struct bn_leadership *l) { return l->role == LEADING; }
int32_t bn_leadership_epoch(const struct bn_leadership *l) { return l->role == LEADING ? l->my_epoch : 0; }
int32_t bn_leadership_epoch_version(const struct bn_leadership *l) {
    return l->role == LEADING ? l->my_epoch_version : 0;
}
