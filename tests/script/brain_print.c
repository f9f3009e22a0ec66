/* brain_print.c: outputs as text, two spaces deep. */
#include "tests/script/brain_print.h"

#include "tests/script/brain_group.h"

static const char *const OPS[] = {
    [BN_OUTPUT_OP_CREATE_CONFIG] = "create-config",
    [BN_OUTPUT_OP_SET_CONFIG] = "set-config",
    [BN_OUTPUT_OP_TELL_CONFIG] = "tell-config",
    [BN_OUTPUT_OP_DELETE_CONFIG] = "delete-config",
    [BN_OUTPUT_OP_CREATE_TOPIC] = "create-topic",
    [BN_OUTPUT_OP_SET_TOPIC] = "set-topic",
    [BN_OUTPUT_OP_DELETE_TOPIC] = "delete-topic",
    [BN_OUTPUT_OP_CREATE_PARTITIONS] = "create-partitions",
    [BN_OUTPUT_OP_SET_PARTITIONS] = "set-partitions",
    [BN_OUTPUT_OP_DELETE_PARTITIONS] = "delete-partitions",
    [BN_OUTPUT_OP_CREATE_PARTITION] = "create-partition",
    [BN_OUTPUT_OP_DELETE_PARTITION] = "delete-partition",
    [BN_OUTPUT_OP_CREATE_STATE] = "create-state",
    [BN_OUTPUT_OP_SET_STATE] = "set-state",
    [BN_OUTPUT_OP_DELETE_STATE] = "delete-state",
    [BN_OUTPUT_OP_CREATE_MARKER] = "create-marker",
    [BN_OUTPUT_OP_DELETE_MARKER] = "delete-marker",
    [BN_OUTPUT_OP_SET_PRODUCER_IDS] = "set-producer-ids",
    [BN_OUTPUT_OP_SET_SEQID] = "set-seqid",
    [BN_OUTPUT_OP_CREATE_ADMITTED] = "create-admitted",
    [BN_OUTPUT_OP_SET_ADMITTED] = "set-admitted",
    [BN_OUTPUT_OP_CHECK_INCARNATION] = "check-incarnation",
    [BN_OUTPUT_OP_DELETE_BROKER] = "delete-broker",
    [BN_OUTPUT_OP_MAKE_GROUP] = "make-group",
    [BN_OUTPUT_OP_CREATE_GROUP] = "create-group",
    [BN_OUTPUT_OP_SET_GROUP] = "set-group",
    [BN_OUTPUT_OP_CLEAR_GROUP] = "clear-group",
    [BN_OUTPUT_OP_DELETE_GROUP] = "delete-group",
    [BN_OUTPUT_OP_CREATE_GROUP_PART] = "create-group-part",
    [BN_OUTPUT_OP_DELETE_GROUP_PART] = "delete-group-part",
    [BN_OUTPUT_OP_DELETE_ELECT] = "delete-elect",
};

static const char *const REPLIES[] = {
    "hello",         "create-topics", "delete-topics", "create-partitions", "alter-partition",
    "ack",           "producer-ids",  "broker-id",     "alter-configs",     "controlled-shutdown",
    "elect-leaders", "group-write",   "group-read"};

void brain_print_ids(struct bn_str *s, struct bn_fact_ids ids) {
    for (int32_t i = 0; i < ids.count; i++) bn_str_addf(s, "%s%d", i ? "," : "", ids.ids[i]);
}

void brain_print_state(struct bn_str *s, const struct bn_fact_state *state) {
    bn_str_addf(s, "leader=%d epoch=%d controller=%d isr=", state->leader, state->leader_epoch,
                state->controller_epoch);
    brain_print_ids(s, state->isr);
    if (state->recovering) bn_str_add(s, " recovering");
}

static void print_id(struct bn_str *s, const struct bn_uuid *id) {
    char text[BN_UUID_TEXT_LEN + 1];
    bn_uuid_format(id, text);
    bn_str_add(s, text);
}

static void print_op(struct bn_str *s, const struct bn_output_op *op) {
    bn_str_addf(s, "    %s", OPS[op->kind]);
    if (op->topic) bn_str_addf(s, " %s", op->topic);
    if (op->partition >= 0) bn_str_addf(s, "-%d", op->partition);
    if (op->broker >= 0) bn_str_addf(s, " broker %d", op->broker);
    if (op->version >= 0) bn_str_addf(s, " at %d", op->version);
    switch (op->kind) {
    case BN_OUTPUT_OP_CREATE_CONFIG:
    case BN_OUTPUT_OP_SET_CONFIG:
    case BN_OUTPUT_OP_TELL_CONFIG:
        if (!op->topic) bn_str_addf(s, " %s/%s", op->u.config.type, op->u.config.name);
        if (op->kind == BN_OUTPUT_OP_TELL_CONFIG) break;
        for (int32_t i = 0; i < op->u.config.entry_count; i++)
            bn_str_addf(s, " %s=%s", op->u.config.entries[i].name, op->u.config.entries[i].value);
        break;
    case BN_OUTPUT_OP_CREATE_TOPIC:
    case BN_OUTPUT_OP_SET_TOPIC:
    case BN_OUTPUT_OP_CREATE_PARTITIONS:
    case BN_OUTPUT_OP_SET_PARTITIONS:
        bn_str_add(s, " id=");
        print_id(s, &op->u.assignment.id);
        for (int32_t i = 0; i < op->u.assignment.partition_count; i++) {
            bn_str_addf(s, " %d:", op->u.assignment.partitions[i].index);
            brain_print_ids(s, op->u.assignment.partitions[i].replicas);
        }
        break;
    case BN_OUTPUT_OP_CREATE_STATE:
    case BN_OUTPUT_OP_SET_STATE:
        bn_str_add(s, " ");
        brain_print_state(s, &op->u.state);
        break;
    case BN_OUTPUT_OP_MAKE_GROUP:
    case BN_OUTPUT_OP_CREATE_GROUP:
    case BN_OUTPUT_OP_SET_GROUP:
    case BN_OUTPUT_OP_CLEAR_GROUP:
    case BN_OUTPUT_OP_DELETE_GROUP:
    case BN_OUTPUT_OP_CREATE_GROUP_PART:
    case BN_OUTPUT_OP_DELETE_GROUP_PART:
        bn_str_addf(s, " %s", op->u.group.name);
        if (op->kind == BN_OUTPUT_OP_DELETE_GROUP_PART)
            bn_str_addf(s, " %d-%d", op->u.group.parts[0].generation, op->u.group.parts[0].number);
        else if (op->kind == BN_OUTPUT_OP_CREATE_GROUP || op->kind == BN_OUTPUT_OP_SET_GROUP ||
                 op->kind == BN_OUTPUT_OP_CREATE_GROUP_PART)
            brain_group_print(s, &op->u.group);
        break;
    case BN_OUTPUT_OP_SET_PRODUCER_IDS:
        bn_str_addf(s, " broker %d %d..%d", op->u.producer_ids.broker, (int)op->u.producer_ids.first,
                    (int)op->u.producer_ids.last);
        break;
    case BN_OUTPUT_OP_CREATE_ADMITTED:
    case BN_OUTPUT_OP_SET_ADMITTED:
    case BN_OUTPUT_OP_CHECK_INCARNATION:
        bn_str_addf(s, " incarnation %d", (int)op->u.incarnation);
        break;
    default:
        break;
    }
    bn_str_add(s, "\n");
}

static void print_delta(struct bn_str *s, const struct bn_output *o) {
    const struct bn_output_delta *d = &o->u.delta;
    if (d->reset)
        bn_str_addf(s, "  IMAGE to %d (stream %d, incarnation %d) at %d/%d\n", d->broker, (int)d->token,
                    (int)d->for_incarnation, d->controller_epoch, (int)d->sequence);
    else
        bn_str_addf(s, "  DELTA %d/%d\n", d->controller_epoch, (int)d->sequence);
    for (int32_t i = 0; i < d->broker_count; i++) {
        bn_str_addf(s, "    broker %d epoch %d incarnation %d", d->brokers[i].id, (int)d->brokers[i].epoch,
                    (int)d->brokers[i].incarnation);
        if (d->brokers[i].rack) bn_str_addf(s, " rack %s", d->brokers[i].rack);
        bn_str_add(s, "\n");
    }
    for (int32_t i = 0; i < d->removed_broker_count; i++)
        bn_str_addf(s, "    removed broker %d\n", d->removed_brokers[i]);
    for (int32_t i = 0; i < d->config_count; i++) {
        bn_str_addf(s, "    config %s/%s", d->configs[i].type, d->configs[i].name);
        for (int32_t at = 0; at < d->configs[i].entry_count; at++)
            bn_str_addf(s, " %s=%s", d->configs[i].entries[at].name, d->configs[i].entries[at].value);
        bn_str_add(s, "\n");
    }
    for (int32_t i = 0; i < d->topic_count; i++) {
        for (int32_t at = 0; at < d->topics[i].partition_count; at++) {
            const struct bn_output_partition *p = &d->topics[i].partitions[at];
            bn_str_addf(s, "    %s-%d replicas=", d->topics[i].name, p->fact.index);
            brain_print_ids(s, p->fact.replicas);
            bn_str_add(s, " ");
            brain_print_state(s, &p->fact.state);
            bn_str_addf(s, " version=%d%s\n", p->fact.state.version, p->is_new ? " new" : "");
        }
    }
    for (int32_t i = 0; i < d->removed_topic_count; i++) {
        bn_str_addf(s, "    removed topic %s ", d->removed_topics[i].name);
        print_id(s, &d->removed_topics[i].id);
        bn_str_add(s, "\n");
    }
}

static void print_reply(struct bn_str *s, const struct bn_output_reply *r) {
    bn_str_addf(s, "  REPLY %d %s error %d", (int)r->token, REPLIES[r->kind], r->error);
    if (r->kind == BN_OUTPUT_REPLY_PRODUCER_IDS && !r->error)
        bn_str_addf(s, " %d+%d", (int)r->first_producer_id, r->producer_id_count);
    if (r->kind == BN_OUTPUT_REPLY_BROKER_ID && !r->error) bn_str_addf(s, " id %d", r->broker_id);
    bn_str_add(s, "\n");
    for (int32_t i = 0; i < r->topic_count; i++) {
        const struct bn_output_topic_result *t = &r->topics[i];
        bn_str_addf(s, "    %s", t->name ? t->name : "(none)");
        if (r->kind == BN_OUTPUT_REPLY_ELECT_LEADERS) bn_str_addf(s, "-%d", t->partition);
        bn_str_addf(s, " error %d", t->error);
        if (r->kind == BN_OUTPUT_REPLY_CREATE_TOPICS && !t->error)
            bn_str_addf(s, " partitions %d replication %d", t->num_partitions, t->replication_factor);
        if (t->message) bn_str_addf(s, " \"%s\"", t->message);
        bn_str_add(s, "\n");
    }
    for (int32_t i = 0; i < r->group_count; i++) bn_str_addf(s, "    %s\n", r->groups[i]);
    for (int32_t i = 0; i < r->remaining_count; i++)
        bn_str_addf(s, "    still leads %s-%d\n", r->remaining[i].topic, r->remaining[i].partition);
    if (r->may_move) bn_str_addf(s, "    %d may move\n", r->may_move);
    for (int32_t i = 0; i < r->alter_count; i++) {
        bn_str_addf(s, "    partition %d error %d ", r->alters[i].partition, r->alters[i].error);
        if (r->alters[i].state) {
            brain_print_state(s, &r->alters[i].state->state);
            bn_str_addf(s, " version=%d", r->alters[i].state->state.version);
        }
        bn_str_add(s, "\n");
    }
}

void brain_print_output(struct bn_str *s, const struct bn_output *o) {
    static const char *const READS[] = {"topic", "state", "producer-ids", "config", "group"};
    switch (o->kind) {
    case BN_OUTPUT_MULTI:
        bn_str_addf(s, "  MULTI %d\n", (int)o->u.multi.id);
        for (int32_t i = 0; i < o->u.multi.op_count; i++) print_op(s, &o->u.multi.ops[i]);
        break;
    case BN_OUTPUT_PURGE:
        bn_str_addf(s, "  PURGE %d %s\n", (int)o->u.purge.id, o->u.purge.topic);
        break;
    case BN_OUTPUT_READ:
        bn_str_addf(s, "  READ %d", (int)o->u.read.id);
        for (int32_t i = 0; i < o->u.read.item_count; i++) {
            const struct bn_output_read_item *item = &o->u.read.items[i];
            bn_str_addf(s, " %s %s", READS[item->kind], item->topic ? item->topic : "");
            if (!item->type && item->name) bn_str_addf(s, "%s", item->name);
            if (item->type) bn_str_addf(s, "%s/%s", item->type, item->name);
            if (item->partition >= 0) bn_str_addf(s, "-%d", item->partition);
        }
        bn_str_add(s, "\n");
        break;
    case BN_OUTPUT_DELTA:
    case BN_OUTPUT_IMAGE:
        print_delta(s, o);
        break;
    case BN_OUTPUT_REPLY:
        print_reply(s, &o->u.reply);
        break;
    case BN_OUTPUT_PROBE:
        bn_str_addf(s, "  PROBE %d incarnation %d\n", o->u.probe.broker, (int)o->u.probe.incarnation);
        break;
    case BN_OUTPUT_CLOSE:
        bn_str_addf(s, "  CLOSE %d\n", (int)o->u.token);
        break;
    case BN_OUTPUT_TIMER:
        bn_str_addf(s, "  TIMER %d\n", (int)o->u.at_ms);
        break;
    case BN_OUTPUT_NOTE:
        bn_str_addf(s, "  NOTE %s\n", o->u.note.text);
        break;
    case BN_OUTPUT_RESIGN:
        bn_str_addf(s, "  RESIGN %s\n", o->u.note.text);
        break;
    }
}
