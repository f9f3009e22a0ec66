/* config_alter.c: changes of overrides that clients ask for. Owns the requests that wait.
 *
 * An entity's overrides are read anew before each change, since people and tools of older versions write them too, then
 * written at the version that was read, together with the notice that Kafka's brokers (and its operators) look for
 * below /config/changes: so no change of anybody's is lost, and everybody sees it. A write that was overtaken, or whose
 * answer was lost, starts again from the reading; every operation may be done twice. Per entity one change is under
 * way, in the order of the requests, and not more than BUSY_MAX in all. What the outcome must look like is the judge's
 * business (settings.change_config). */
#include "controller/brain/config_alter.h"

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "controller/brain/config.h"

enum { BUSY_MAX = 64, ATTEMPTS_MAX = 8 }; /* attempts: of a write that somebody else always overtakes */

enum phase { DECIDED, WAITING, READING, WRITING };

struct bn_config_alter_item {
    struct bn_config_alter *request;
    struct bn_list waits; /* while WAITING: in model.config_waits */
    char *key;            /* "topics/orders" */
    char *type, *name, *told_name;
    struct bn_event_config_op *ops; /* owned, with their strings */
    int32_t op_count;
    bool replace;
    enum phase phase;
    int attempts, error;
    char *message;
    struct bn_model_config *wanted; /* while WRITING: what will be set */
};

struct bn_config_alter {
    struct bn_list node; /* in model.config_alters */
    uint64_t token;
    bool validate_only;
    int32_t count, open; /* items; those that are not DECIDED */
    struct bn_config_alter_item *items;
};

static char *keep(const char *text) { return text ? bn_alloc_strdup(text) : NULL; }

static void enter(struct bn_model *m, struct bn_config_alter_item *item, enum phase phase) {
    if (bn_map_get(&m->config_busy, bn_slice_str(item->key)) == item)
        bn_map_remove(&m->config_busy, bn_slice_str(item->key));
    bn_list_remove(&item->waits);
    item->phase = phase;
    if (phase == WAITING) bn_list_push_back(&m->config_waits, &item->waits);
    if (phase == READING || phase == WRITING) bn_map_put(&m->config_busy, bn_slice_str(item->key), item);
}

static void decide(struct bn_model *m, struct bn_config_alter_item *item, int error, const char *message) {
    enter(m, item, DECIDED);
    item->request->open--;
    item->error = error;
    item->message = keep(message);
    if (item->wanted) bn_config_free(item->wanted);
    item->wanted = NULL;
}

static void take(struct bn_model *m, struct bn_config_alter_item *item, const struct bn_event_alter_config *in) {
    bn_list_init(&item->waits);
    item->key = bn_alloc_printf("%s/%s", in->type, in->name);
    item->type = bn_alloc_strdup(in->type);
    item->name = bn_alloc_strdup(in->name);
    item->told_name = bn_alloc_strdup(in->told_name);
    item->replace = in->replace;
    enter(m, item, WAITING);
    item->ops = bn_alloc_zero((size_t)in->op_count + 1, sizeof *item->ops);
    for (int32_t i = 0; i < in->op_count && !in->error; i++) {
        item->ops[item->op_count] = in->ops[i];
        item->ops[item->op_count].name = bn_alloc_strdup(in->ops[i].name);
        item->ops[item->op_count++].value = keep(in->ops[i].value);
    }
    if (in->error) decide(m, item, in->error, in->message);
}

void bn_config_alter_request(struct bn_model *m, const struct bn_event_alter_configs *e) {
    struct bn_config_alter *r = bn_alloc_zero(1, sizeof *r);
    r->token = e->token;
    r->validate_only = e->validate_only;
    r->count = r->open = e->entity_count;
    r->items = bn_alloc_zero((size_t)e->entity_count + 1, sizeof *r->items);
    for (int32_t i = 0; i < e->entity_count; i++) {
        r->items[i].request = r;
        take(m, &r->items[i], &e->entities[i]);
    }
    bn_list_push_back(&m->config_alters, &r->node);
}

static void request_free(struct bn_config_alter *r) {
    bn_list_remove(&r->node);
    for (int32_t i = 0; i < r->count; i++) {
        struct bn_config_alter_item *item = &r->items[i];
        bn_list_remove(&item->waits);
        for (int32_t n = 0; n < item->op_count; n++) {
            bn_alloc_free((void *)(uintptr_t)item->ops[n].name);
            bn_alloc_free((void *)(uintptr_t)item->ops[n].value);
        }
        if (item->wanted) bn_config_free(item->wanted);
        bn_alloc_free(item->ops);
        bn_alloc_free(item->key);
        bn_alloc_free(item->type);
        bn_alloc_free(item->name);
        bn_alloc_free(item->told_name);
        bn_alloc_free(item->message);
    }
    bn_alloc_free(r->items);
    bn_alloc_free(r);
}

/* --- turns --- */

/* A topic that is being deleted is not there any more: its overrides must not be made anew behind the deletion. */
static bool is_there(struct bn_model *m, const struct bn_config_alter_item *item) {
    if (strcmp(item->type, "topics") != 0) return true;
    const struct bn_model_topic *t = bn_model_topic(m, item->name);
    return t && t->kind == BN_MODEL_LIVE;
}

static void refuse_absent(struct bn_model *m, struct bn_config_alter_item *item) {
    decide(m, item, BN_KERR_UNKNOWN_TOPIC_OR_PARTITION,
           bn_model_textf(m, "The topic '%s' does not exist.", item->name));
}

static void begin(struct bn_model *m, struct bn_config_alter_item *item) {
    if (!is_there(m, item)) {
        refuse_absent(m, item);
        return;
    }
    struct bn_flight *f = bn_flight_new(m, BN_FLIGHT_CONFIG, NULL);
    f->altered = item;
    enter(m, item, READING);
    bn_flight_read(m, f);
}

void bn_config_alter_turns(struct bn_model *m) {
    BN_LIST_FOR (it, &m->config_waits) {
        struct bn_config_alter_item *item = BN_CONTAINER_OF(it, struct bn_config_alter_item, waits);
        if (m->config_busy.count >= BUSY_MAX) return;
        if (!bn_map_get(&m->config_busy, bn_slice_str(item->key))) begin(m, item);
    }
}

void bn_config_alter_name(struct bn_model *m, const struct bn_flight *f, struct bn_output_read_item *item) {
    item->kind = BN_OUTPUT_READ_CONFIG;
    item->type = bn_model_text(m, f->altered->type);
    item->name = bn_model_text(m, f->altered->name);
}

/* --- reading, judging, writing --- */

static size_t bytes_of(const struct bn_fact_config *c) {
    size_t bytes = 128;
    for (int32_t i = 0; i < c->entry_count; i++) bytes += strlen(c->entries[i].name) + strlen(c->entries[i].value) + 8;
    return bytes;
}

static void write_it(struct bn_model *m, struct bn_config_alter_item *item, const struct bn_event_read_result *now,
                     const struct bn_fact_config *wanted) {
    enter(m, item, WRITING);
    item->attempts++;
    item->wanted = bn_config_new(wanted);
    struct bn_flight *f = bn_flight_new(m, BN_FLIGHT_CONFIG, NULL);
    f->altered = item;
    struct bn_output_op *op = bn_flight_op(m, f, now->found ? BN_OUTPUT_OP_SET_CONFIG : BN_OUTPUT_OP_CREATE_CONFIG,
                                           NULL, bytes_of(wanted));
    op->version = now->found ? now->version : -1;
    op->u.config = bn_config_fact(item->wanted);
    op = bn_flight_op(m, f, BN_OUTPUT_OP_TELL_CONFIG, NULL, 128);
    op->u.config = bn_config_fact(item->wanted);
    bn_flight_send(m, f);
}

void bn_config_alter_read(struct bn_model *m, struct bn_flight *f, const struct bn_event_read_result *result) {
    struct bn_config_alter_item *item = f->altered;
    if (!is_there(m, item)) {
        refuse_absent(m, item);
        return;
    }
    struct bn_event_alter_config change = {.type = item->type,
                                           .name = item->name,
                                           .told_name = item->told_name,
                                           .replace = item->replace,
                                           .ops = item->ops,
                                           .op_count = item->op_count};
    struct bn_fact_config now = {item->type, item->name, result->config.entries,
                                 result->found ? result->config.entry_count : 0};
    struct bn_fact_config wanted = now;
    const char *message = NULL;
    BN_ASSERT(m->settings.change_config);
    int error = m->settings.change_config(&change, &now, &m->out->arena, &wanted, &message);
    if (error || item->request->validate_only) {
        decide(m, item, error, message);
        return;
    }
    wanted.type = item->type;
    wanted.name = item->name;
    write_it(m, item, result, &wanted);
}

static void tell(struct bn_model *m, const struct bn_model_config *c) {
    char text[512] = "";
    size_t len = 0;
    bool topic = strcmp(c->type, "topics") == 0;
    for (int32_t i = 0; i < c->entry_count && len < sizeof text - 1; i++) /* a broker's value might be a secret */
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s%s%s", i ? "," : "", c->entries[i].name,
                                topic ? " -> " : "", topic ? c->entries[i].value : "");
    BN_MODEL_INFO(m, "Updating %s %s with new configuration : %s", topic ? "topic" : "broker", c->name, text);
}

void bn_config_alter_done(struct bn_model *m, struct bn_flight *f, const struct bn_event_multi_done *e) {
    struct bn_config_alter_item *item = f->altered;
    if (e->status == BN_OK) {
        struct bn_fact_config fact = bn_config_fact(item->wanted);
        tell(m, item->wanted);
        bn_config_event(m, &fact);
        decide(m, item, BN_KERR_NONE, NULL);
    } else if (item->attempts >= ATTEMPTS_MAX) {
        decide(m, item, BN_KERR_UNKNOWN_SERVER, NULL);
    } else {
        bn_config_free(item->wanted);
        item->wanted = NULL;
        enter(m, item, WAITING);
    }
}

/* --- answers --- */

static void answer(struct bn_model *m, const struct bn_config_alter *r) {
    struct bn_output_topic_result *results = bn_model_scratch(m, (size_t)r->count, sizeof *results);
    for (int32_t i = 0; i < r->count; i++)
        results[i] = (struct bn_output_topic_result){.name = bn_model_text(m, r->items[i].told_name),
                                                     .error = (int16_t)r->items[i].error,
                                                     .message = bn_model_text(m, r->items[i].message)};
    struct bn_output *o = bn_output_add(m->out, BN_OUTPUT_REPLY);
    o->u.reply.token = r->token;
    o->u.reply.kind = BN_OUTPUT_REPLY_ALTER_CONFIGS;
    o->u.reply.topics = results;
    o->u.reply.topic_count = r->count;
}

void bn_config_alter_settle(struct bn_model *m) {
    BN_LIST_FOR (it, &m->config_alters) {
        struct bn_config_alter *r = BN_CONTAINER_OF(it, struct bn_config_alter, node);
        if (r->open) continue;
        answer(m, r);
        request_free(r);
    }
}

void bn_config_alter_drop_all(struct bn_model *m) {
    BN_LIST_FOR (it, &m->config_alters) request_free(BN_CONTAINER_OF(it, struct bn_config_alter, node));
}
