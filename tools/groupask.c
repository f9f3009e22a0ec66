/* groupask.c: questions about groups, each to the group's coordinator. A coordinator that moves or loads is no failure:
 * it is looked for and asked again until the time is up.
 */
#include "tools/groupask.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/bytes.h"
#include "common/sys/clock.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/kmsg.h"

enum {
    API_OFFSET_COMMIT = 8,
    API_OFFSET_FETCH = 9,
    API_FIND_COORDINATOR = 10,
    API_DESCRIBE_GROUPS = 15,
    API_LIST_GROUPS = 16,
    API_DELETE_GROUPS = 42,
    API_OFFSET_DELETE = 47,
    PAUSE_MS = 100,
    MANY_KEYS_VERSION = 4,   /* of FindCoordinator */
    MANY_GROUPS_VERSION = 8, /* of OffsetFetch */
    UNASKED = -1000,
};

static uint64_t now_ms(void) { return bn_clock_mono_ms(bn_clock_real()); }

struct bn_groupask bn_groupask_of(struct bn_session *s, const char *program, uint64_t timeout_ms) {
    return (struct bn_groupask){s, program, now_ms() + timeout_ms};
}

static bool passes(int code) {
    return code == KE_COORDINATOR_LOAD_IN_PROGRESS || code == KE_COORDINATOR_NOT_AVAILABLE ||
           code == KE_NOT_COORDINATOR;
}

/* Waits a moment before asking again; false when the time is up. */
static bool again(const struct bn_groupask *a) {
    if (now_ms() >= a->until_ms) return false;
    (void)poll(NULL, 0, PAUSE_MS);
    return true;
}

static int refuse(const struct bn_groupask *a, const char *what) {
    fprintf(stderr, "%s: %s\n", a->program, what);
    return UNASKED;
}

/* ---- the coordinator ---- */

static int find_once(struct bn_groupask *a, struct bn_slice group, int32_t *node, const char **address) {
    struct kmsg_find_coordinator_request q = kmsg_find_coordinator_request_default;
    int version = bn_session_version(a->session, API_FIND_COORDINATOR);
    if (version < 0) return UNASKED;
    if (version >= MANY_KEYS_VERSION) {
        q.coordinator_keys.v = &group;
        q.coordinator_keys.n = 1;
    } else {
        q.key = group;
    }
    struct kmsg_find_coordinator_response *r = bn_session_call(a->session, API_FIND_COORDINATOR, &q);
    if (!r) return UNASKED;
    const struct kmsg_find_coordinator_response_coordinator *c = r->coordinators.n > 0 ? &r->coordinators.v[0] : NULL;
    struct bn_slice host = c ? c->host : r->host;
    *node = c ? c->node_id : r->node_id;
    *address = bn_arena_printf(bn_session_arena(a->session), "%.*s:%d", BN_SLICE_FMT(host), c ? c->port : r->port);
    if (!*address) return refuse(a, "the answers are too large");
    return c ? c->error_code : r->error_code;
}

/* The code of an answer, whatever it was to. */
static int code_of(int api, const void *response) {
    const struct kmsg_describe_groups_response *described = response;
    const struct kmsg_offset_fetch_response *fetched = response;
    const struct kmsg_offset_commit_response *committed = response;
    const struct kmsg_delete_groups_response *deleted = response;
    const struct kmsg_offset_delete_response *forgotten = response;
    int code = KE_NONE;
    switch (api) {
    case API_DESCRIBE_GROUPS:
        return described->groups.n > 0 ? described->groups.v[0].error_code : KE_UNKNOWN_SERVER_ERROR;
    case API_OFFSET_FETCH:
        return fetched->groups.n > 0 ? fetched->groups.v[0].error_code : fetched->error_code;
    case API_DELETE_GROUPS:
        return deleted->results.n > 0 ? deleted->results.v[0].error_code : KE_UNKNOWN_SERVER_ERROR;
    case API_OFFSET_DELETE:
        return forgotten->error_code;
    default: /* API_OFFSET_COMMIT */
        for (int32_t i = 0; i < committed->topics.n && code == KE_NONE; i++) {
            for (int32_t k = 0; k < committed->topics.v[i].partitions.n && code == KE_NONE; k++)
                code = committed->topics.v[i].partitions.v[k].error_code;
        }
        return code;
    }
}

struct answer {
    int32_t node;
    const char *address;
    const void *response;
};

/* Asks the group's coordinator: the answer's code, or UNASKED after telling. */
static int ask(struct bn_groupask *a, struct bn_slice group, int api, void *request, struct answer *out) {
    for (;;) {
        *out = (struct answer){.node = -1};
        int code = find_once(a, group, &out->node, &out->address);
        if (code == KE_NONE) {
            out->response = bn_session_call_broker(a->session, out->node, api, request);
            if (!out->response) return UNASKED;
            code = code_of(api, out->response);
        }
        if (!passes(code) || !again(a)) return code;
    }
}

/* ---- lists ---- */

static int by_id(const void *x, const void *y) {
    const struct bn_groupask_group *a = x, *b = y;
    return bn_slice_cmp(a->id, b->id);
}

static const struct kmsg_list_groups_response *list_of(struct bn_groupask *a, int32_t node) {
    for (;;) {
        struct kmsg_list_groups_request q = kmsg_list_groups_request_default;
        const struct kmsg_list_groups_response *r = bn_session_call_broker(a->session, node, API_LIST_GROUPS, &q);
        if (!r || r->error_code == KE_NONE) return r;
        if (passes(r->error_code) && again(a)) continue;
        fprintf(stderr, "%s: broker %d: %s (%s)\n", a->program, node, bn_errors_text(r->error_code),
                bn_errors_name(r->error_code));
        return NULL;
    }
}

/* Adds what one broker coordinates. False after telling. */
static bool add_groups(struct bn_groupask *a, int32_t node, struct bn_groupask_group **all, size_t *count) {
    const struct kmsg_list_groups_response *r = list_of(a, node);
    if (!r) return false;
    struct bn_groupask_group *more = bn_arena_array(bn_session_arena(a->session), *count + (size_t)r->groups.n + 1,
                                                    sizeof *more);
    if (!more) return refuse(a, "there are too many groups") == 0;
    if (*count > 0) memcpy(more, *all, *count * sizeof *more);
    for (int32_t i = 0; i < r->groups.n; i++) {
        const struct kmsg_list_groups_response_group *g = &r->groups.v[i];
        if (g->protocol_type.len > 0 && !bn_slice_eq_str(g->protocol_type, "consumer")) continue;
        more[(*count)++] = (struct bn_groupask_group){.id = g->group_id,
                                                      .state = g->group_state,
                                                      .protocol_type = g->protocol_type,
                                                      .type = g->group_type,
                                                      .node = node};
    }
    *all = more;
    return true;
}

int bn_groupask_list(struct bn_groupask *a, struct bn_groupask_group **out) {
    struct kmsg_metadata_response *all = bn_session_metadata(a->session);
    size_t count = 0, kept = 0;
    *out = NULL;
    if (!all) return UNASKED;
    for (int32_t i = 0; i < all->brokers.n; i++) {
        if (!add_groups(a, all->brokers.v[i].node_id, out, &count)) return UNASKED;
    }
    if (count > 1) qsort(*out, count, sizeof **out, by_id);
    for (size_t i = 0; i < count; i++) { /* one that moved meanwhile may have come twice */
        if (kept == 0 || !bn_slice_eq((*out)[kept - 1].id, (*out)[i].id)) (*out)[kept++] = (*out)[i];
    }
    return (int)kept;
}

/* ---- one group ---- */

int bn_groupask_by_place(const void *x, const void *y) {
    const struct bn_groupask_place *a = x, *b = y;
    return bn_slice_cmp_place(a->topic, a->partition, b->topic, b->partition);
}

static struct bn_slice take_text(struct bn_cursor *c) {
    int16_t len = bn_cursor_i16(c);
    if (len < 0) c->bad = true;
    return bn_cursor_slice(c, len < 0 ? 0 : (size_t)len);
}

size_t bn_groupask_assignment(struct bn_arena *arena, struct bn_slice in, struct bn_groupask_place **out) {
    struct bn_cursor c = bn_cursor_of(in);
    size_t count = 0, room = in.len / 4; /* a partition takes four bytes */
    *out = room > 0 ? bn_arena_array(arena, room, sizeof **out) : NULL;
    if (!*out) return 0;
    (void)bn_cursor_i16(&c); /* all versions begin alike */
    int32_t topics = bn_cursor_i32(&c);
    for (int32_t i = 0; i < topics && !c.bad; i++) {
        struct bn_slice topic = take_text(&c);
        int32_t partitions = bn_cursor_i32(&c);
        for (int32_t k = 0; k < partitions && !c.bad; k++) {
            int32_t partition = bn_cursor_i32(&c);
            if (!c.bad) (*out)[count++] = (struct bn_groupask_place){topic, partition, -1};
        }
    }
    if (c.bad) return 0;
    if (count > 1) qsort(*out, count, sizeof **out, bn_groupask_by_place);
    return count;
}

static int by_member(const void *x, const void *y) {
    const struct bn_groupask_member *a = x, *b = y;
    return bn_slice_cmp(a->id, b->id);
}

int bn_groupask_describe(struct bn_groupask *a, struct bn_slice group, struct bn_groupask_group *out) {
    struct kmsg_describe_groups_request q = kmsg_describe_groups_request_default;
    struct bn_arena *arena = bn_session_arena(a->session);
    struct answer answer;
    q.groups.v = &group;
    q.groups.n = 1;
    int code = ask(a, group, API_DESCRIBE_GROUPS, &q, &answer);
    if (code != KE_NONE) return code;
    const struct kmsg_describe_groups_response *r = answer.response;
    const struct kmsg_describe_groups_response_group *g = &r->groups.v[0];
    *out = (struct bn_groupask_group){.id = g->group_id,
                                      .state = g->group_state,
                                      .protocol_type = g->protocol_type,
                                      .protocol = g->protocol_data,
                                      .node = answer.node,
                                      .address = answer.address};
    out->members = bn_arena_array(arena, (size_t)g->members.n + 1, sizeof *out->members);
    if (!out->members) return refuse(a, "the group is too large");
    for (; out->count < (size_t)g->members.n; out->count++) {
        const struct kmsg_describe_groups_response_member *m = &g->members.v[out->count];
        struct bn_groupask_member *to = &out->members[out->count];
        *to = (struct bn_groupask_member){m->member_id, m->group_instance_id, m->client_id, m->client_host, NULL, 0};
        to->count = bn_groupask_assignment(arena, m->member_assignment, &to->places);
    }
    if (out->count > 1) qsort(out->members, out->count, sizeof *out->members, by_member);
    return KE_NONE;
}

/* ---- offsets ---- */

static size_t count_offsets(const struct kmsg_offset_fetch_response *r) {
    size_t count = 0;
    for (int32_t i = 0; i < r->topics.n; i++) count += (size_t)r->topics.v[i].partitions.n;
    for (int32_t i = 0; r->groups.n > 0 && i < r->groups.v[0].topics.n; i++)
        count += (size_t)r->groups.v[0].topics.v[i].partitions.n;
    return count;
}

static void take_offsets(const struct kmsg_offset_fetch_response *r, struct bn_groupask_place *to, size_t *count) {
    for (int32_t i = 0; i < r->topics.n; i++) {
        for (int32_t k = 0; k < r->topics.v[i].partitions.n; k++) {
            const struct kmsg_offset_fetch_response_partition *p = &r->topics.v[i].partitions.v[k];
            if (p->committed_offset >= 0)
                to[(*count)++] = (struct bn_groupask_place){r->topics.v[i].name, p->partition_index,
                                                            p->committed_offset};
        }
    }
    for (int32_t i = 0; r->groups.n > 0 && i < r->groups.v[0].topics.n; i++) {
        const struct kmsg_offset_fetch_response_group_topic *t = &r->groups.v[0].topics.v[i];
        for (int32_t k = 0; k < t->partitions.n; k++) {
            if (t->partitions.v[k].committed_offset >= 0)
                to[(*count)++] = (struct bn_groupask_place){t->name, t->partitions.v[k].partition_index,
                                                            t->partitions.v[k].committed_offset};
        }
    }
}

int bn_groupask_offsets(struct bn_groupask *a, struct bn_slice group, struct bn_groupask_place **out, size_t *count) {
    struct kmsg_offset_fetch_request q = kmsg_offset_fetch_request_default;
    struct kmsg_offset_fetch_request_group one = kmsg_offset_fetch_request_group_default;
    struct answer answer;
    *count = 0;
    int version = bn_session_version(a->session, API_OFFSET_FETCH);
    if (version < 0) return UNASKED;
    if (version >= MANY_GROUPS_VERSION) {
        one.group_id = group;
        one.topics.n = -1;
        q.groups.v = &one;
        q.groups.n = 1;
    } else {
        q.group_id = group;
        q.topics.n = -1;
    }
    int code = ask(a, group, API_OFFSET_FETCH, &q, &answer);
    if (code != KE_NONE) return code;
    *out = bn_arena_array(bn_session_arena(a->session), count_offsets(answer.response) + 1, sizeof **out);
    if (!*out) return refuse(a, "the group has too many offsets");
    take_offsets(answer.response, *out, count);
    if (*count > 1) qsort(*out, *count, sizeof **out, bn_groupask_by_place);
    return KE_NONE;
}

int bn_groupask_commit(struct bn_groupask *a, struct bn_slice group, const struct bn_groupask_place *places,
                       size_t count) {
    struct kmsg_offset_commit_request q = kmsg_offset_commit_request_default;
    struct bn_arena *arena = bn_session_arena(a->session);
    struct kmsg_offset_commit_request_partition *rooms = bn_arena_array(arena, count + 1, sizeof *rooms);
    struct answer answer;
    q.topics.v = bn_arena_array(arena, count + 1, sizeof *q.topics.v);
    if (!rooms || !q.topics.v) return refuse(a, "there are too many offsets");
    q.group_id = group;
    for (size_t i = 0; i < count; i++) {
        struct kmsg_offset_commit_request_topic *t = q.topics.n ? &q.topics.v[q.topics.n - 1] : NULL;
        if (!t || !bn_slice_eq(t->name, places[i].topic)) {
            t = &q.topics.v[q.topics.n++];
            t->name = places[i].topic;
            t->partitions.v = &rooms[i];
        }
        rooms[i] = kmsg_offset_commit_request_partition_default;
        rooms[i].partition_index = places[i].partition;
        rooms[i].committed_offset = places[i].offset;
        rooms[i].committed_metadata = BN_SLICE_LIT("");
        t->partitions.n++;
    }
    return ask(a, group, API_OFFSET_COMMIT, &q, &answer);
}

int bn_groupask_delete(struct bn_groupask *a, struct bn_slice group) {
    struct kmsg_delete_groups_request q = kmsg_delete_groups_request_default;
    struct answer answer;
    q.groups_names.v = &group;
    q.groups_names.n = 1;
    return ask(a, group, API_DELETE_GROUPS, &q, &answer);
}

static int16_t error_of(const struct kmsg_offset_delete_response *r, const struct bn_groupask_place *place) {
    for (int32_t i = 0; i < r->topics.n; i++) {
        if (!bn_slice_eq(r->topics.v[i].name, place->topic)) continue;
        for (int32_t k = 0; k < r->topics.v[i].partitions.n; k++) {
            if (r->topics.v[i].partitions.v[k].partition_index == place->partition)
                return r->topics.v[i].partitions.v[k].error_code;
        }
    }
    return KE_NONE;
}

int bn_groupask_forget(struct bn_groupask *a, struct bn_slice group, const struct bn_groupask_place *places,
                       size_t count, int16_t *errors) {
    struct kmsg_offset_delete_request q = kmsg_offset_delete_request_default;
    struct bn_arena *arena = bn_session_arena(a->session);
    struct kmsg_offset_delete_request_partition *rooms = bn_arena_array(arena, count + 1, sizeof *rooms);
    struct answer answer;
    q.topics.v = bn_arena_array(arena, count + 1, sizeof *q.topics.v);
    if (!rooms || !q.topics.v) return refuse(a, "there are too many offsets");
    q.group_id = group;
    for (size_t i = 0; i < count; i++) {
        struct kmsg_offset_delete_request_topic *t = q.topics.n ? &q.topics.v[q.topics.n - 1] : NULL;
        if (!t || !bn_slice_eq(t->name, places[i].topic)) {
            t = &q.topics.v[q.topics.n++];
            t->name = places[i].topic;
            t->partitions.v = &rooms[i];
        }
        rooms[i].partition_index = places[i].partition;
        t->partitions.n++;
    }
    int code = ask(a, group, API_OFFSET_DELETE, &q, &answer);
    for (size_t i = 0; i < count; i++)
        errors[i] = code == KE_NONE ? error_of(answer.response, &places[i]) : (int16_t)code;
    return code;
}
