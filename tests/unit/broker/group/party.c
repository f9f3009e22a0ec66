/* party.c: plays the shell of a group. */
#include "tests/unit/broker/group/party.h"

#include <check.h>
#include <stdio.h>

#include "proto/kafka/errors.h"

void party_begin(struct party *p, int32_t initial_delay_ms) {
    *p = (struct party){.settings = {6000, 1800000, 1000, initial_delay_ms}, .now_ms = 1000, .next_token = 1};
    p->group = bn_group_new(&p->settings, BN_SLICE_LIT("g"));
}

void party_end(struct party *p) {
    bn_group_stop(p->group, KE_NOT_COORDINATOR, &p->outs);
    party_take(p);
    for (uint64_t t = 1; t < p->next_token; t++)
        ck_assert_msg(p->answers[t].there, "token %d was never answered", (int)t);
    bn_group_free(p->group);
    bn_group_outs_fini(&p->outs);
}

static void copy(char *to, size_t size, struct bn_slice from) { snprintf(to, size, "%.*s", BN_SLICE_FMT(from)); }

static void keep_answer(struct party *p, const struct bn_group_out *o) {
    ck_assert_uint_gt(o->token, 0);
    ck_assert_uint_lt(o->token, p->next_token);
    struct party_answer *a = &p->answers[o->token];
    ck_assert_msg(!a->there, "token %d was answered twice", (int)o->token);
    *a = (struct party_answer){.there = true,
                               .with_members = o->with_members,
                               .skip_assignment = o->skip_assignment,
                               .kind = o->kind,
                               .error = o->error,
                               .generation = o->generation,
                               .size = bn_group_size(p->group)};
    copy(a->member_id, sizeof a->member_id, o->member_id);
    copy(a->leader, sizeof a->leader, o->leader);
    copy(a->protocol, sizeof a->protocol, o->protocol);
    copy(a->assignment, sizeof a->assignment, o->assignment);
}

void party_take(struct party *p) {
    for (int32_t i = 0; i < p->outs.n; i++) {
        const struct bn_group_out *o = &p->outs.v[i];
        if (o->kind == BN_GROUP_OUT_STORE) {
            p->stores++;
            p->store = o->token;
        } else if (o->kind == BN_GROUP_OUT_RESERVE) {
            p->reserves++;
            p->reserve = o->generation;
        } else {
            keep_answer(p, o);
        }
    }
    bn_group_outs_clear(&p->outs);
    while (!p->lazy && (p->store || p->reserve)) {
        if (p->reserve)
            party_reserved(p, KE_NONE);
        else
            party_stored(p, KE_NONE);
    }
}

void party_stored(struct party *p, int16_t error) {
    uint64_t token = p->store;
    p->store = 0;
    bn_group_stored(p->group, p->now_ms, token, error, &p->outs);
    party_take(p);
}

void party_reserved(struct party *p, int16_t error) {
    int32_t up_to = p->reserve;
    p->reserve = 0;
    bn_group_reserved(p->group, p->now_ms, up_to, error, &p->outs);
    party_take(p);
}

uint64_t party_join(struct party *p, struct party_join j) {
    struct bn_group_protocol protocols[3];
    char metadata[3][64], fresh[64];
    int32_t count = 0;
    for (; count < 3 && j.protocols[count]; count++) {
        snprintf(metadata[count], sizeof metadata[count], "m-%s%s", j.protocols[count], j.extra ? j.extra : "");
        protocols[count] = (struct bn_group_protocol){bn_slice_str(j.protocols[count]), bn_slice_str(metadata[count])};
    }
    uint64_t token = p->next_token++;
    ck_assert_uint_lt(token, PARTY_TOKENS);
    snprintf(fresh, sizeof fresh, "%s-%d", j.instance ? j.instance : "client", (int)token);
    struct bn_group_join join = {.token = token,
                                 .member_id = bn_slice_str(j.id ? j.id : ""),
                                 .instance_id = bn_slice_str(j.instance),
                                 .new_id = bn_slice_str(fresh),
                                 .client_id = BN_SLICE_LIT("client"),
                                 .client_host = BN_SLICE_LIT("/127.0.0.1"),
                                 .session_ms = 10000,
                                 .rebalance_ms = 60000,
                                 .protocol_type = BN_SLICE_LIT("consumer"),
                                 .protocols = protocols,
                                 .protocol_count = count,
                                 .id_required = j.version >= 4,
                                 .can_skip = j.version >= 9};
    bn_group_join(p->group, p->now_ms, &join, &p->outs);
    party_take(p);
    return token;
}

uint64_t party_come(struct party *p, char *id) {
    uint64_t first = party_join(p, (struct party_join){.protocols = {"range"}, .version = 9});
    ck_assert_int_eq(p->answers[first].error, KE_MEMBER_ID_REQUIRED);
    snprintf(id, 64, "%s", p->answers[first].member_id);
    return party_join(p, (struct party_join){.id = id, .protocols = {"range"}, .version = 9});
}

uint64_t party_sync(struct party *p, const char *id, int32_t generation, bool leads) {
    enum { MOST = 128 };
    struct bn_group_assignment list[MOST];
    char text[MOST][80];
    int32_t n = leads ? bn_group_size(p->group) : 0;
    ck_assert_int_le(n, MOST);
    for (int32_t i = 0; i < n; i++) {
        struct bn_group_member_view m;
        bn_group_at(p->group, i, &m);
        snprintf(text[i], sizeof text[i], "for %.*s", BN_SLICE_FMT(m.id));
        list[i] = (struct bn_group_assignment){m.id, bn_slice_str(text[i])};
    }
    struct bn_group_sync s = {.token = p->next_token++,
                              .generation = generation,
                              .member_id = bn_slice_str(id),
                              .instance_id = BN_SLICE_NULL,
                              .assignments = list,
                              .assignment_count = n};
    ck_assert_uint_lt(s.token, PARTY_TOKENS);
    bn_group_sync(p->group, p->now_ms, &s, &p->outs);
    party_take(p);
    return s.token;
}

int16_t party_heartbeat(struct party *p, const char *id, int32_t generation) {
    return bn_group_heartbeat(p->group, p->now_ms, generation, bn_slice_str(id), BN_SLICE_NULL);
}

int16_t party_leave(struct party *p, const char *id) {
    int16_t error = bn_group_leave(p->group, p->now_ms, bn_slice_str(id), BN_SLICE_NULL, &p->outs);
    party_take(p);
    return error;
}

void party_pass(struct party *p, int64_t ms) {
    int64_t end_ms = p->now_ms + ms;
    while (bn_group_due_ms(p->group) <= end_ms) {
        p->now_ms = bn_max_i64(p->now_ms, bn_group_due_ms(p->group));
        bn_group_tick(p->group, p->now_ms, &p->outs);
        party_take(p);
    }
    p->now_ms = end_ms;
}
