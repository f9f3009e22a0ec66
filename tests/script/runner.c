/* runner.c: the language of the controller's transcripts (script.h). Usage: runner controller_*.txt
 *
 *   settings [unclean] [nodelete] [rebalance] [epoch=N] [seed=N]      before activate
 *   register 1 [rack]      unregister 1      brokers      a broker's znode; "brokers" tells the brain
 *   activate   failover                                   a first brain; another one in its place, one epoch later
 *   hello TOKEN BROKER [INCARNATION]   down TOKEN   refused BROKER INCARNATION
 *   create TOKEN TIMEOUT NAME N RF [validate] [assign=0:1,2;1:2,1] [k=v ...]      delete TOKEN TIMEOUT NAME...
 *   expand TOKEN TIMEOUT NAME TOTAL [assign=1,2;2,1]
 *   alter TOKEN BROKER TOPIC PARTITION LEADER_EPOCH PARTITION_EPOCH ISR           deleted TOKEN BROKER TOPIC
 * [PARTITION...] pids TOKEN BROKER      brokerid TOKEN RESERVED        tick MS edit NAME 0:1,2 1:2,1 [keep]    a person
 * or Kafka 2.8 writes the znode (keep: with its topic id)      topic NAME: tell it state NAME PARTITION LEADER EPOCH
 * ISR                 somebody else writes a state rmtree NAME      gone NAME      marker NAME (puts and tells) config
 * NAME k=v... ok [all]   lost [applied]   usurp                     how the oldest request to ZooKeeper ends; a newer
 * epoch appears auto on|off                                           every request to ZooKeeper succeeds at once zk
 * the paths that exist, with versions
 *   shutdown TOKEN BROKER [EPOCH]      elect TOKEN TIMEOUT preferred|unclean|all TOPIC:PARTITION...
 *   gwrite TOKEN BROKER PARTITION LEADER_EPOCH ITEM...  of brain_group.h      gread TOKEN BROKER PARTITION LEADER_EPOCH
 * [AFTER] put PATH   rm PATH     a znode (without data) that somebody makes, or removes with all below it
 *   electnode TOPIC:PARTITION...       the znode of Kafka 2.x's tool appears      brokerconfig NAME k=v... */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/err.h"
#include "tests/script/brain_group.h"
#include "tests/script/brain_pending.h"
#include "tests/script/brain_print.h"
#include "tests/script/brain_world.h"
#include "tests/script/script.h"

struct runner {
    struct brain_world world;
    struct bn_model_settings settings;
    struct bn_model *model;
    int32_t epoch;
    int64_t now_ms;
    bool automatic;
    struct brain_pending pending;
    struct bn_output_list out;
    struct bn_str *text;
    char **words;
    int word_count;
};

static void *keep(struct runner *r, const void *from, int32_t count, size_t size) {
    void *to = bn_arena_array(&r->world.arena, (size_t)count + 1, size);
    if (count) memcpy(to, from, (size_t)count * size);
    return to;
}

static const char *keep_text(struct runner *r, const char *s) {
    return s ? bn_arena_copy(&r->world.arena, bn_slice_str(s)) : NULL;
}

static void feed(struct runner *r, struct bn_event *e);

/* The oldest request ends: applied or not, its answer lost or not. */
static void finish(struct runner *r, bool apply, bool lose) {
    struct bn_event e;
    if (brain_pending_finish(&r->pending, &r->world, apply, lose, &e)) feed(r, &e);
}

static void feed(struct runner *r, struct bn_event *e) {
    if (!r->model) return;
    e->now_ms = r->now_ms;
    bn_output_clear(&r->out);
    bn_step_run(r->model, e, &r->out);
    for (int32_t i = 0; i < r->out.count; i++) {
        const struct bn_output *o = &r->out.items[i];
        brain_print_output(r->text, o);
        brain_pending_add(&r->pending, &r->world, o);
    }
    while (r->automatic && r->pending.count) finish(r, true, false);
}

/* --- words --- */

static const char *word(const struct runner *r, int at) { return at < r->word_count ? r->words[at] : ""; }
static int number(const struct runner *r, int at) { return (int)strtol(word(r, at), NULL, 10); }
static bool has(const struct runner *r, const char *what) {
    for (int i = 1; i < r->word_count; i++)
        if (strcmp(r->words[i], what) == 0) return true;
    return false;
}

static const char *option(const struct runner *r, const char *name) { /* the value of name=value */
    size_t len = strlen(name);
    for (int i = 1; i < r->word_count; i++)
        if (strncmp(r->words[i], name, len) == 0 && r->words[i][len] == '=') return r->words[i] + len + 1;
    return NULL;
}

static int64_t broker_epoch(struct runner *r, int32_t id) {
    struct bn_fact_broker *list;
    int32_t n = brain_world_brokers(&r->world, &list);
    for (int32_t i = 0; i < n; i++)
        if (list[i].id == id) return list[i].epoch;
    return -1;
}

static int32_t pairs_from(struct runner *r, int first, struct bn_fact_pair **out) {
    struct bn_fact_pair *pairs = keep(r, NULL, 0, sizeof *pairs * 16);
    int32_t count = 0;
    for (int i = first; i < r->word_count && count < 16; i++) {
        char *equals = strchr(r->words[i], '=');
        if (!equals || strncmp(r->words[i], "assign=", 7) == 0) continue;
        pairs[count++] = (struct bn_fact_pair){
            bn_arena_copy(&r->world.arena, bn_slice_of(r->words[i], (size_t)(equals - r->words[i]))),
            keep_text(r, equals + 1)};
    }
    *out = pairs;
    return count;
}

/* --- commands --- */

static void cmd_settings(struct runner *r) {
    r->settings.unclean_election = has(r, "unclean");
    r->settings.delete_topic_enable = !has(r, "nodelete");
    r->settings.auto_rebalance = has(r, "rebalance");
    r->settings.rebalance_interval_ms = 300000;
    r->settings.imbalance_percentage = 10;
    if (option(r, "epoch")) r->epoch = (int32_t)strtol(option(r, "epoch"), NULL, 10);
    if (option(r, "seed")) r->settings.random_seed = strtoull(option(r, "seed"), NULL, 10);
}

static void cmd_activate(struct runner *r) {
    struct bn_event e = {.kind = BN_EVENT_ACTIVATED};
    e.u.activated = (struct bn_event_activated){.controller_id = 1, .controller_epoch = r->epoch};
    brain_world_load(&r->world, &e.u.activated);
    r->model = bn_model_new(&r->settings);
    feed(r, &e);
    e = (struct bn_event){.kind = BN_EVENT_GROUPS};
    brain_group_list(&r->world, &e.u.groups);
    feed(r, &e);
}

static void cmd_failover(struct runner *r) {
    bn_model_free(r->model);
    brain_pending_drop(&r->pending);
    r->world.newer_epoch = false;
    r->epoch++;
    cmd_activate(r);
}

static void cmd_register(struct runner *r) {
    brain_world_register(&r->world, number(r, 1), r->word_count > 2 ? word(r, 2) : NULL);
}

static void cmd_unregister(struct runner *r) { brain_world_unregister(&r->world, number(r, 1)); }

static void cmd_brokers(struct runner *r) {
    struct bn_event e = {.kind = BN_EVENT_BROKERS};
    struct bn_fact_broker *list;
    e.u.brokers.broker_count = brain_world_brokers(&r->world, &list);
    e.u.brokers.brokers = list;
    feed(r, &e);
}

static void cmd_hello(struct runner *r) {
    struct bn_event e = {.kind = BN_EVENT_HELLO};
    struct bn_fact_broker *list;
    int32_t id = number(r, 2), n = brain_world_brokers(&r->world, &list);
    e.u.hello = (struct bn_event_hello){(uint64_t)number(r, 1), id, -1, -1};
    for (int32_t i = 0; i < n; i++)
        if (list[i].id == id)
            e.u.hello = (struct bn_event_hello){(uint64_t)number(r, 1), id, list[i].epoch, list[i].incarnation};
    if (r->word_count > 3) e.u.hello.incarnation = number(r, 3);
    feed(r, &e);
}

static void cmd_down(struct runner *r) {
    struct bn_event e = {.kind = BN_EVENT_STREAM_DOWN, .u.stream.token = (uint64_t)number(r, 1)};
    feed(r, &e);
}

static void cmd_refused(struct runner *r) {
    struct bn_event e = {.kind = BN_EVENT_REFUSED, .u.refused = {number(r, 1), number(r, 2)}};
    feed(r, &e);
}

static void cmd_create(struct runner *r) {
    struct bn_event e = {.kind = BN_EVENT_CREATE_TOPICS};
    struct bn_fact_pair *pairs;
    struct bn_event_create_topic t = {
        .name = word(r, 3), .num_partitions = number(r, 4), .replication_factor = (int16_t)number(r, 5)};
    if (strcmp(t.name, "''") == 0) t.name = "";
    t.config_count = pairs_from(r, 6, &pairs);
    t.configs = pairs;
    if (option(r, "bad.config")) {
        t.config_error = BN_KERR_INVALID_CONFIG;
        t.config_message = "Unknown topic config name: bad.config";
    }
    struct bn_event_assignment assignments[16];
    for (const char *at = option(r, "assign"); at && *at; at = strchr(at, ';') ? strchr(at, ';') + 1 : NULL) {
        char *one = bn_arena_copy(&r->world.arena, bn_slice_of(at, strcspn(at, ";")));
        assignments[t.assignment_count++] = (struct bn_event_assignment){
            (int32_t)strtol(one, NULL, 10), brain_world_ids(&r->world, strchr(one, ':') + 1)};
    }
    t.assignments = assignments;
    struct bn_event_create_topic twice[2] = {t, t};
    e.u.create_topics = (struct bn_event_create_topics){.token = (uint64_t)number(r, 1),
                                                        .timeout_ms = number(r, 2),
                                                        .validate_only = has(r, "validate"),
                                                        .num_partitions = 2,
                                                        .default_replication_factor = 1,
                                                        .topics = twice,
                                                        .topic_count = has(r, "twice") ? 2 : 1};
    feed(r, &e);
}

static void cmd_delete(struct runner *r) {
    struct bn_event e = {.kind = BN_EVENT_DELETE_TOPICS};
    struct bn_event_delete_topic topics[16];
    int32_t count = 0;
    for (int i = 3; i < r->word_count && count < 16; i++) {
        if (strcmp(r->words[i], "disabled") == 0) continue;
        struct bn_event_delete_topic t = {.name = r->words[i]};
        if (strncmp(t.name, "id=", 3) == 0 && bn_uuid_parse(bn_slice_str(t.name + 3), &t.id)) t.name = NULL;
        topics[count++] = t;
    }
    e.u.delete_topics = (struct bn_event_delete_topics){.token = (uint64_t)number(r, 1),
                                                        .timeout_ms = number(r, 2),
                                                        .api_version = 6,
                                                        .delete_topic_enable = !has(r, "disabled"),
                                                        .topics = topics,
                                                        .topic_count = count};
    feed(r, &e);
}

static void cmd_expand(struct runner *r) {
    struct bn_event e = {.kind = BN_EVENT_CREATE_PARTITIONS};
    struct bn_event_add_partitions t = {.name = word(r, 3), .count = number(r, 4)};
    struct bn_fact_ids assignments[16];
    for (const char *at = option(r, "assign"); at && *at; at = strchr(at, ';') ? strchr(at, ';') + 1 : NULL)
        assignments[t.assignment_count++] = brain_world_ids(
            &r->world, bn_arena_copy(&r->world.arena, bn_slice_of(at, strcspn(at, ";"))));
    t.has_assignments = option(r, "assign") != NULL;
    t.assignments = assignments;
    e.u.create_partitions = (struct bn_event_create_partitions){.token = (uint64_t)number(r, 1),
                                                                .timeout_ms = number(r, 2),
                                                                .validate_only = has(r, "validate"),
                                                                .topics = &t,
                                                                .topic_count = 1};
    feed(r, &e);
}

static struct bn_uuid topic_id(struct runner *r, const char *name) {
    struct bn_fact_topic t;
    return brain_world_topic(&r->world, name, &t) ? t.id : BN_UUID_ZERO;
}

static void cmd_alter(struct runner *r) {
    struct bn_event e = {.kind = BN_EVENT_ALTER_PARTITION};
    struct bn_event_alter_item item = {
        topic_id(r, word(r, 3)), number(r, 4), number(r, 5), number(r, 6), brain_world_ids(&r->world, word(r, 7)), NULL,
        has(r, "recovering")};
    int64_t *epochs = keep(r, NULL, 0, sizeof *epochs * 64);
    for (int32_t i = 0; i < item.isr.count; i++) epochs[i] = has(r, "noepochs") ? -1 : broker_epoch(r, item.isr.ids[i]);
    item.isr_broker_epochs = epochs;
    e.u.alter_partition = (struct bn_event_alter_partition){(uint64_t)number(r, 1), number(r, 2),
                                                            broker_epoch(r, number(r, 2)), &item, 1};
    feed(r, &e);
}

static void cmd_deleted(struct runner *r) {
    struct bn_event e = {.kind = BN_EVENT_REPLICAS_DELETED};
    int32_t partitions[64];
    struct bn_event_replicas_deleted *d = &e.u.replicas_deleted;
    *d = (struct bn_event_replicas_deleted){.token = (uint64_t)number(r, 1),
                                            .broker = number(r, 2),
                                            .broker_epoch = broker_epoch(r, number(r, 2)),
                                            .topic_id = topic_id(r, word(r, 3)),
                                            .partitions = partitions};
    for (int i = 4; i < r->word_count; i++) partitions[d->partition_count++] = number(r, i);
    feed(r, &e);
}

static void cmd_pids(struct runner *r) {
    struct bn_event e = {.kind = BN_EVENT_PRODUCER_IDS,
                         .u.producer_ids = {(uint64_t)number(r, 1), number(r, 2), broker_epoch(r, number(r, 2))}};
    feed(r, &e);
}

static void cmd_brokerid(struct runner *r) {
    struct bn_event e = {.kind = BN_EVENT_BROKER_ID, .u.broker_id = {(uint64_t)number(r, 1), number(r, 2)}};
    feed(r, &e);
}

static void cmd_tick(struct runner *r) {
    struct bn_event e = {.kind = BN_EVENT_TICK};
    r->now_ms += number(r, 1);
    feed(r, &e);
}

static void cmd_edit(struct runner *r) {
    struct bn_str text;
    struct bn_uuid id = topic_id(r, word(r, 1));
    bn_str_init(&text);
    for (int i = 2; i < r->word_count; i++)
        if (strchr(r->words[i], ':')) bn_str_addf(&text, "%s%s", text.len ? " " : "", r->words[i]);
    brain_world_edit_topic(&r->world, word(r, 1), text.ptr, has(r, "keep") ? &id : NULL);
    bn_str_fini(&text);
}

static void cmd_topic(struct runner *r) {
    struct bn_event e = {.kind = BN_EVENT_TOPIC};
    if (brain_world_topic(&r->world, word(r, 1), &e.u.topic)) feed(r, &e);
}

static void cmd_state(struct runner *r) {
    char path[300];
    snprintf(path, sizeof path, "/brokers/topics/%s/partitions/%d/state", word(r, 1), number(r, 2));
    brain_world_put(&r->world, path)->data = (struct bn_output_op){
        .kind = BN_OUTPUT_OP_SET_STATE,
        .u.state = {.leader = number(r, 3),
                    .leader_epoch = number(r, 4),
                    .controller_epoch = 1,
                    .isr = brain_world_ids(&r->world, word(r, 5))}};
}

static void cmd_rmtree(struct runner *r) { brain_world_purge(&r->world, word(r, 1)); }

static void cmd_named(struct runner *r, enum bn_event_kind kind) {
    struct bn_event e = {.kind = kind, .u.name = word(r, 1)};
    char path[300];
    snprintf(path, sizeof path, "/admin/delete_topics/%s", word(r, 1));
    if (kind == BN_EVENT_DELETE_MARKER) brain_world_put(&r->world, path);
    feed(r, &e);
}
static void cmd_gone(struct runner *r) { cmd_named(r, BN_EVENT_TOPIC_GONE); }
static void cmd_marker(struct runner *r) { cmd_named(r, BN_EVENT_DELETE_MARKER); }

static void config(struct runner *r, const char *type) {
    struct bn_event e = {.kind = BN_EVENT_CONFIG};
    struct bn_fact_pair *pairs;
    int32_t count = pairs_from(r, 2, &pairs);
    e.u.config = (struct bn_fact_config){type, word(r, 1), pairs, count};
    feed(r, &e);
}
static void cmd_config(struct runner *r) { config(r, "topics"); }
static void cmd_brokerconfig(struct runner *r) { config(r, "brokers"); }

static void cmd_shutdown(struct runner *r) {
    struct bn_event e = {.kind = BN_EVENT_CONTROLLED_SHUTDOWN,
                         .u.controlled_shutdown = {(uint64_t)number(r, 1), number(r, 2),
                                                   r->word_count > 3 ? number(r, 3) : broker_epoch(r, number(r, 2))}};
    feed(r, &e);
}

static int32_t wishes(struct runner *r, int first, struct bn_event_elect *out, int32_t max) {
    int32_t count = 0;
    for (int i = first; i < r->word_count && count < max; i++) {
        char *colon = strchr(r->words[i], ':');
        if (!colon) continue;
        *colon = '\0';
        out[count++] = (struct bn_event_elect){r->words[i], (int32_t)strtol(colon + 1, NULL, 10)};
    }
    return count;
}

static void cmd_elect(struct runner *r) {
    struct bn_event e = {.kind = BN_EVENT_ELECT_LEADERS};
    struct bn_event_elect list[16];
    int32_t count = wishes(r, 4, list, 16);
    e.u.elect_leaders = (struct bn_event_elect_leaders){.token = (uint64_t)number(r, 1),
                                                        .timeout_ms = number(r, 2),
                                                        .unclean = has(r, "unclean"),
                                                        .all = has(r, "all"),
                                                        .partitions = list,
                                                        .partition_count = count};
    feed(r, &e);
}

static void cmd_electnode(struct runner *r) {
    struct bn_event e = {.kind = BN_EVENT_ELECT_NODE};
    struct bn_event_elect list[16];
    e.u.elect_leaders.partition_count = wishes(r, 1, list, 16);
    e.u.elect_leaders.partitions = list;
    brain_world_put(&r->world, "/admin/preferred_replica_election");
    feed(r, &e);
}

static void cmd_gwrite(struct runner *r) {
    struct bn_event e = {.kind = BN_EVENT_GROUP_WRITE};
    struct bn_event_group_write *q = &e.u.group_write;
    brain_group_write(&r->world, r->words + 5, r->word_count - 5, q);
    q->token = (uint64_t)number(r, 1);
    q->broker = number(r, 2);
    q->broker_epoch = broker_epoch(r, q->broker);
    q->partition = number(r, 3);
    q->leader_epoch = number(r, 4);
    feed(r, &e);
}

static void cmd_gread(struct runner *r) {
    struct bn_event e = {.kind = BN_EVENT_GROUP_READ};
    e.u.group_read = (struct bn_event_group_read){(uint64_t)number(r, 1), number(r, 2), broker_epoch(r, number(r, 2)),
                                                  number(r, 3),           number(r, 4), word(r, 5)};
    feed(r, &e);
}

static void cmd_put(struct runner *r) { brain_world_put(&r->world, word(r, 1))->data.kind = BN_OUTPUT_OP_MAKE_GROUP; }
static void cmd_rm(struct runner *r) { brain_world_remove_tree(&r->world, word(r, 1)); }

static void cmd_ok(struct runner *r) {
    do finish(r, true, false);
    while (has(r, "all") && r->pending.count);
}
static void cmd_lost(struct runner *r) { finish(r, has(r, "applied"), true); }
static void cmd_usurp(struct runner *r) { r->world.newer_epoch = true; }
static void cmd_auto(struct runner *r) { r->automatic = has(r, "on"); }

static int by_text(const void *a, const void *b) {
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

static void cmd_zk(struct runner *r) {
    const char **paths = keep(r, NULL, 0, sizeof *paths * (r->world.nodes.count + 1));
    size_t at = 0, count = 0;
    for (struct bn_map_entry *e; (e = bn_map_next(&r->world.nodes, &at));)
        paths[count++] = ((struct brain_world_node *)e->value)->path;
    qsort(paths, count, sizeof *paths, by_text);
    for (size_t i = 0; i < count; i++)
        bn_str_addf(r->text, "  %s (%d)\n", paths[i], brain_world_find(&r->world, paths[i])->version);
}

static const struct {
    const char *name;
    void (*run)(struct runner *r);
} COMMANDS[] = {
    {"settings", cmd_settings},
    {"activate", cmd_activate},
    {"failover", cmd_failover},
    {"register", cmd_register},
    {"unregister", cmd_unregister},
    {"brokers", cmd_brokers},
    {"hello", cmd_hello},
    {"down", cmd_down},
    {"refused", cmd_refused},
    {"create", cmd_create},
    {"delete", cmd_delete},
    {"expand", cmd_expand},
    {"alter", cmd_alter},
    {"deleted", cmd_deleted},
    {"pids", cmd_pids},
    {"brokerid", cmd_brokerid},
    {"tick", cmd_tick},
    {"edit", cmd_edit},
    {"topic", cmd_topic},
    {"state", cmd_state},
    {"rmtree", cmd_rmtree},
    {"gone", cmd_gone},
    {"marker", cmd_marker},
    {"config", cmd_config},
    {"brokerconfig", cmd_brokerconfig},
    {"shutdown", cmd_shutdown},
    {"elect", cmd_elect},
    {"electnode", cmd_electnode},
    {"gwrite", cmd_gwrite},
    {"gread", cmd_gread},
    {"put", cmd_put},
    {"rm", cmd_rm},
    {"ok", cmd_ok},
    {"lost", cmd_lost},
    {"usurp", cmd_usurp},
    {"auto", cmd_auto},
    {"zk", cmd_zk},
};

static bool run_line(void *state, const struct script_line *line) {
    struct runner *r = state;
    r->words = line->words;
    r->word_count = line->count;
    for (size_t i = 0; i < BN_ARRAY_LEN(COMMANDS); i++) {
        if (strcmp(COMMANDS[i].name, line->words[0]) != 0) continue;
        COMMANDS[i].run(r);
        return true;
    }
    return false;
}

static void *begin(struct bn_str *text) {
    struct runner *r = bn_alloc_zero(1, sizeof *r);
    r->epoch = 1;
    r->settings = (struct bn_model_settings){
        .random_seed = 1, .delete_topic_enable = true, .session_timeout_ms = 18000};
    r->text = text;
    brain_world_init(&r->world);
    bn_output_init(&r->out);
    return r;
}

static void end(void *state) {
    struct runner *r = state;
    bn_output_fini(&r->out);
    brain_pending_drop(&r->pending);
    bn_model_free(r->model);
    brain_world_fini(&r->world);
    bn_alloc_free(r);
}

static const struct script_language CONTROLLER = {.begin = begin, .play = run_line, .end = end};

int main(int argc, char **argv) { return script_run(&CONTROLLER, argc - 1, argv + 1) ? 0 : 1; }
