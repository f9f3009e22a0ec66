/* groups.c: what consumer groups cost the brokers; one program that plays all members through our own codec, against
 * any broker that speaks Kafka's protocol. bench/groups.sh starts the clusters and runs it.
 *
 *     groups many --bootstrap HOST:PORT --watch NAME=PID,... --topic NAME --count GROUPS --seconds S
 *         groups of one member each; what they cost when formed, and while they send heartbeats every 3 s and commits
 *         every 5 s, as Java's client does by default
 *     groups one --bootstrap HOST:PORT --watch NAME=PID,... --topic NAME --count MEMBERS
 *         one group of so many members, a connection each: joins; one more comes; one goes
 *
 * Processes to watch that share a name are added up. "brokers" among the names is what figures are divided by. */
#include "bench/groups.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "proto/client/bootstrap.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/kapi.h"
#include "proto/kafka/kmsg.h"

enum { CONNECTING_MAX = 200, KEYS_MAX = 1000, CALL_MS = 60000, WAIT_S = 300 };

/* ---- the way to the coordinators ---- */

static const char *host_name(struct groups_run *r, struct bn_slice host) {
    char text[64];
    snprintf(text, sizeof text, "%.*s", BN_SLICE_FMT(host));
    for (int i = 0; i < r->host_count; i++)
        if (strcmp(r->hosts[i], text) == 0) return r->hosts[i];
    if (r->host_count == 64) groups_die("coordinators", "too many");
    snprintf(r->hosts[r->host_count], sizeof text, "%s", text);
    return r->hosts[r->host_count++];
}

/* False when one of them has no coordinator yet. Answers come in the order of the keys. */
static bool aim_some(struct groups_run *r, struct bn_bootstrap *b, struct member *m, int count) {
    struct bn_slice *keys = bn_alloc_zero((size_t)count, sizeof *keys);
    struct kmsg_find_coordinator_request q = kmsg_find_coordinator_request_default;
    const struct kmsg_find_coordinator_response *a;
    struct bn_err e = BN_ERR_NONE;
    void *response = NULL;
    for (int i = 0; i < count; i++) keys[i] = bn_slice_str(m[i].group);
    q.coordinator_keys.v = keys;
    q.coordinator_keys.n = count;
    if (bn_bootstrap_call_any(b, KAPI_FIND_COORDINATOR, &q, CALL_MS, &response, &e))
        groups_die("FindCoordinator", e.text);
    a = response;
    if (a->coordinators.n != count) groups_die("FindCoordinator", "other keys were answered");
    bool all = true;
    for (int i = 0; i < count; i++) {
        const struct kmsg_find_coordinator_response_coordinator *at = &a->coordinators.v[i];
        all &= at->error_code == KE_NONE;
        member_init(&m[i], &r->crowd, host_name(r, at->host), at->port);
    }
    bn_alloc_free(keys);
    bn_bootstrap_forget(b);
    return all;
}

void groups_aim(struct groups_run *r) {
    struct bn_err e = BN_ERR_NONE;
    struct bn_bootstrap *b = bn_bootstrap_new(r->bootstrap, "bench", &e);
    if (!b) groups_die(r->bootstrap, e.text);
    double until = groups_now() + WAIT_S;
    for (int i = 0; i < r->count;) {
        int n = r->count - i < KEYS_MAX ? r->count - i : KEYS_MAX;
        if (aim_some(r, b, &r->members[i], n))
            i += n;
        else
            groups_pass(r, 0.1);
        if (groups_now() > until) groups_die("FindCoordinator", "there is no coordinator");
    }
    bn_bootstrap_free(b);
}

void groups_connect(struct groups_run *r) {
    for (int i = 0; i < r->count; i++) {
        if (r->members[i].client) continue;
        member_connect(&r->members[i]);
        groups_await(r, &r->crowd.ready, i + 1 - CONNECTING_MAX, WAIT_S, "connections");
    }
    groups_await(r, &r->crowd.ready, r->count, WAIT_S, "connections");
}

void groups_await(struct groups_run *r, const int *value, int least, double seconds, const char *what) {
    double until = groups_now() + seconds;
    while (*value < least) {
        bn_loop_turn(r->loop, 100);
        if (groups_now() > until) groups_die(what, "did not come in time");
    }
}

void groups_pass(struct groups_run *r, double seconds) {
    for (double left, until = groups_now() + seconds; (left = until - groups_now()) > 0;)
        bn_loop_turn(r->loop, (uint64_t)(left * 1000) + 1);
}

/* ---- many ---- */

/* `seconds` of what the members do; per heartbeat or commit where there were any. */
static void window(struct groups_run *r, const char *what, double seconds) {
    struct watch_row before[WATCH_MAX], after[WATCH_MAX];
    struct crowd *c = &r->crowd;
    int rows = watch_look(&r->watch, before);
    double began = groups_now();
    c->heartbeats = c->commits = 0;
    c->heartbeat_took.n = c->commit_took.n = 0;
    c->sampling = true;
    groups_pass(r, seconds);
    c->sampling = false;
    double took = groups_now() - began;
    watch_look(&r->watch, after);
    printf("%s: %.1f s, %ld heartbeats, %ld commits; errors so far %ld\n", what, took, c->heartbeats, c->commits,
           c->troubles);
    watch_tell(&r->watch, before, after, took);
    for (int i = 0; i < rows && c->heartbeats; i++) {
        if (strcmp(before[i].name, "brokers") != 0) continue;
        double us = (after[i].cpu_s - before[i].cpu_s) * 1e6;
        printf("    all brokers: %.2f us of CPU a request, %.2f us a heartbeat if all were theirs\n",
               us / (double)(c->heartbeats + c->commits), us / (double)c->heartbeats);
    }
    if (c->heartbeats)
        printf("    heartbeats answered in p50 %.3f ms, p99 %.3f ms\n",
               1e3 * groups_quantile(c->heartbeat_took.v, c->heartbeat_took.n, 0.5),
               1e3 * groups_quantile(c->heartbeat_took.v, c->heartbeat_took.n, 0.99));
    if (c->commits)
        printf("    commits answered in p50 %.3f ms, p99 %.3f ms\n",
               1e3 * groups_quantile(c->commit_took.v, c->commit_took.n, 0.5),
               1e3 * groups_quantile(c->commit_took.v, c->commit_took.n, 0.99));
    fflush(stdout);
}

static void form(struct groups_run *r) {
    struct watch_row before[WATCH_MAX], after[WATCH_MAX];
    int rows = watch_look(&r->watch, before);
    double began = groups_now();
    for (int i = 0; i < r->count; i++) {
        member_join(&r->members[i]);
        if (i % 64 == 63) bn_loop_turn(r->loop, 0);
    }
    double asked = groups_now() - began;
    groups_await(r, &r->crowd.stable_ever, r->count, WAIT_S, "stable groups");
    double took = groups_now() - began;
    double *each = bn_alloc_zero((size_t)r->count, sizeof *each);
    for (int i = 0; i < r->count; i++) each[i] = r->members[i].joined_after;
    double half = groups_quantile(each, r->count, 0.5), most = groups_quantile(each, r->count, 0.99);
    printf("%d groups are stable %.2f s after the first JoinGroup, the last of which was sent after %.2f s; each took "
           "p50 %.2f s, p99 %.2f s, at most %.2f s\n",
           r->count, took, asked, half, most, each[r->count - 1]);
    bn_alloc_free(each);
    groups_pass(r, 1);
    watch_look(&r->watch, after);
    watch_tell(&r->watch, before, after, took);
    for (int i = 0; i < rows; i++)
        printf("    %s: %.0f bytes a group, %.1f us of CPU a group\n", after[i].name,
               (after[i].anon_kib - before[i].anon_kib) * 1024 / r->count,
               (after[i].cpu_s - before[i].cpu_s) * 1e6 / r->count);
    fflush(stdout);
}

static void many(struct groups_run *r) {
    struct watch_row before[WATCH_MAX], after[WATCH_MAX];
    struct crowd *c = &r->crowd;
    c->partitions = 1;
    c->spread = true;
    for (int i = 0; i < r->count; i++)
        snprintf(r->members[i].group, sizeof r->members[i].group, "bench-%d-%05d", (int)getpid(), i);
    groups_aim(r);
    watch_look(&r->watch, before);
    double began = groups_now();
    groups_connect(r);
    watch_look(&r->watch, after);
    printf("%d connections in %.2f s\n", r->count, groups_now() - began);
    watch_tell(&r->watch, before, after, groups_now() - began);
    window(r, "connected, silent", 5);
    form(r);
    window(r, "stable, silent", 5);
    watch_look(&r->watch, before);
    c->heartbeat_ms = 3000;
    c->commit_ms = 5000;
    for (int i = 0; i < r->count; i++) member_begin(&r->members[i]);
    groups_pass(r, 6);
    window(r, "heartbeats and commits", r->seconds);
    watch_look(&r->watch, after);
    printf("since they were stable and silent:\n");
    watch_tell(&r->watch, before, after, r->seconds + 6.0);
    c->commit_ms = 0;
    groups_pass(r, 6);
    window(r, "heartbeats alone", r->seconds);
}

int main(int argc, char **argv) {
    static const struct option options[] = {
        {"bootstrap", required_argument, NULL, 'b'}, {"watch", required_argument, NULL, 'w'},
        {"topic", required_argument, NULL, 't'},     {"count", required_argument, NULL, 'c'},
        {"seconds", required_argument, NULL, 's'},   {0}};
    struct groups_run r = {.count = 10000, .seconds = 20, .bootstrap = "127.0.0.1:9092", .topic = "bench"};
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (o == 'b')
            r.bootstrap = optarg;
        else if (o == 'w')
            watch_init(&r.watch, optarg);
        else if (o == 't')
            r.topic = optarg;
        else if (o == 'c')
            r.count = (int)strtol(optarg, NULL, 10);
        else if (o == 's')
            r.seconds = (int)strtol(optarg, NULL, 10);
        else
            return 2;
    }
    const char *mode = optind + 1 == argc ? argv[optind] : "";
    bool is_many = strcmp(mode, "many") == 0;
    if (r.count < 2 || (!is_many && strcmp(mode, "one") != 0)) groups_die("usage", "groups many|one [options]");
    r.loop = bn_loop_new();
    r.crowd = (struct crowd){.loop = r.loop, .topic = r.topic};
    r.members = bn_alloc_zero((size_t)r.count + 1, sizeof *r.members);
    if (is_many)
        many(&r);
    else
        groups_one(&r);
    for (int i = 0; i <= r.count; i++)
        if (r.members[i].client) member_free(&r.members[i]);
    bn_loop_free(r.loop);
    bn_alloc_free(r.members);
    bn_alloc_free(r.crowd.heartbeat_took.v);
    bn_alloc_free(r.crowd.commit_took.v);
    return 0;
}
