/* group_print.c: outputs and members of a group, a line each. */
#include "tests/script/group_print.h"

#include "proto/kafka/errors.h"

static void add(struct bn_str *text, const char *what, struct bn_slice s) {
    bn_str_addf(text, "%s%.*s", what, BN_SLICE_FMT(s));
}

static void print_joined(struct bn_str *text, const struct bn_group *g, const struct bn_group_out *o) {
    bn_str_addf(text, "  JOINED %d %s", (int)o->token, bn_errors_name(o->error));
    if (o->member_id.len) add(text, " as ", o->member_id);
    if (o->error == KE_NONE) {
        bn_str_addf(text, ", generation %d", o->generation);
        add(text, ", ", o->protocol_type);
        add(text, "/", o->protocol);
        add(text, ", leader ", o->leader);
    }
    for (int32_t i = 0; o->with_members && i < bn_group_size(g); i++) {
        struct bn_group_member_view m;
        bn_group_at(g, i, &m);
        add(text, i ? " " : ", members ", m.id);
        if (!bn_slice_is_null(m.instance_id)) add(text, "/", m.instance_id);
        if (m.metadata.len) add(text, ":", m.metadata);
    }
    bn_str_add(text, o->skip_assignment ? ", skip the assignment\n" : "\n");
}

void group_print_out(struct bn_str *text, const struct bn_group *g, const struct bn_group_out *o) {
    switch (o->kind) {
    case BN_GROUP_OUT_JOINED:
        print_joined(text, g, o);
        break;
    case BN_GROUP_OUT_SYNCED:
        bn_str_addf(text, "  SYNCED %d %s", (int)o->token, bn_errors_name(o->error));
        if (o->error == KE_NONE) {
            add(text, ", ", o->protocol_type);
            add(text, "/", o->protocol);
            add(text, ", assignment '", o->assignment);
            bn_str_add(text, "'");
        }
        bn_str_add(text, "\n");
        break;
    case BN_GROUP_OUT_STORE:
        bn_str_addf(text, "  STORE %d\n", (int)o->token);
        break;
    case BN_GROUP_OUT_RESERVE:
        bn_str_addf(text, "  RESERVE %d\n", o->generation);
        break;
    }
}

void group_print_members(struct bn_str *text, const struct bn_group *g) {
    for (int32_t i = 0; i < bn_group_size(g); i++) {
        struct bn_group_member_view m;
        bn_group_at(g, i, &m);
        add(text, "  ", m.id);
        if (!bn_slice_is_null(m.instance_id)) add(text, "/", m.instance_id);
        add(text, " '", m.metadata);
        add(text, "' has '", m.assignment);
        bn_str_addf(text, "', session %d, rebalance %d\n", m.session_ms, m.rebalance_ms);
    }
}
