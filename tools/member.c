/* member.c: a console tool's membership of a group. Offsets are stored one by one as records are printed, so that what
 * is committed at the end is what was seen.
 */
#include "tools/member.h"

#include <stdio.h>

#include "common/base/alloc.h"
#include "common/sys/env.h"
#include "tools/client_conf.h"
#include "tools/session.h"

enum { API_JOIN_GROUP = 11, RANDOM_IDS = 100000 };

bool bn_member_offered(const struct bn_options *o, const char *bootstrap) {
    struct bn_session *s = bn_session_open(o->program, bootstrap);
    bool offered = s && bn_session_offers(s, API_JOIN_GROUP);
    if (s) bn_session_close(s);
    return offered;
}

/* ---- which group ---- */

struct named {
    const char *program;
    char *group;
    bool ok;
};

static void name(struct named *n, const char *group) {
    if (!n->group) {
        n->group = bn_alloc_strdup(group);
    } else if (strcmp(n->group, group) != 0 && n->ok) {
        fprintf(stderr,
                "The group ids provided in different places (directly using '--group', via '--consumer-property', or "
                "via '--consumer.config') do not match. Detected group ids: '%s', '%s'\n",
                n->group, group);
        n->ok = false;
    }
}

bool bn_member_named(const struct bn_options *o, const char *pairs, const char *file, char **out) {
    struct named n = {o->program, NULL, true};
    const char *text = bn_options_get(o, "group"), *path = bn_options_get(o, file);
    if (text) name(&n, text);
    for (int at = 0; (text = bn_options_next(o, pairs, &at)) != NULL;) {
        if (strncmp(text, "group.id=", 9) == 0) name(&n, text + 9);
    }
    if (path) {
        struct bn_props props;
        n.ok = bn_client_conf_read(&props, o->program, path) && n.ok;
        const char *group = n.ok ? bn_props_get(&props, "group.id") : NULL;
        if (group) name(&n, group);
        bn_props_fini(&props);
    }
    *out = n.group;
    return n.ok;
}

/* ---- rebalances ---- */

static void rebalanced(rd_kafka_t *handle, rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t *partitions,
                       void *opaque) {
    struct bn_member *m = opaque;
    bool assign = err == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
    if (strcmp(rd_kafka_rebalance_protocol(handle), "COOPERATIVE") == 0) {
        rd_kafka_error_t *e = assign ? rd_kafka_incremental_assign(handle, partitions)
                                     : rd_kafka_incremental_unassign(handle, partitions);
        if (e) rd_kafka_error_destroy(e);
    } else {
        (void)rd_kafka_assign(handle, assign ? partitions : NULL);
    }
    if (!assign) return;
    m->assigned = true;
    if (m->on_assigned) m->on_assigned(m->arg, partitions);
}

bool bn_member_configure(struct bn_member *m, rd_kafka_conf_t *conf, const char *group, const char *prefix,
                         bool commit_given) {
    char own[128], commit[8] = "";
    size_t len = sizeof commit;
    uint32_t number;
    bn_env_real()->random(&number, sizeof number);
    (void)snprintf(own, sizeof own, "%s%" PRIu32, prefix, number % RANDOM_IDS);
    bool ok = bn_client_conf_set(conf, m->program, "group.id", group ? group : own) &&
              bn_client_conf_set(conf, m->program, "enable.auto.offset.store", "false");
    if (!group && !commit_given) ok = ok && bn_client_conf_set(conf, m->program, "enable.auto.commit", "false");
    m->auto_commit = rd_kafka_conf_get(conf, "enable.auto.commit", commit, &len) == RD_KAFKA_CONF_OK &&
                     strcmp(commit, "true") == 0;
    rd_kafka_conf_set_opaque(conf, m);
    rd_kafka_conf_set_rebalance_cb(conf, rebalanced);
    return ok;
}

/* ---- in and out ---- */

bool bn_member_join(struct bn_member *m, rd_kafka_t *handle, const char *topic, const char *include) {
    char *pattern = topic ? bn_alloc_strdup(topic) : bn_alloc_printf("^(%s)$", include);
    for (char *p = pattern; !topic && *p; p++) *p = *p == ',' ? '|' : *p;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    (void)rd_kafka_topic_partition_list_add(list, pattern, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t err = rd_kafka_poll_set_consumer(handle);
    if (!err) err = rd_kafka_subscribe(handle, list);
    if (err) fprintf(stderr, "%s: %s\n", m->program, rd_kafka_err2str(err));
    rd_kafka_topic_partition_list_destroy(list);
    bn_alloc_free(pattern);
    return !err;
}

void bn_member_store(struct bn_member *m, rd_kafka_t *handle, const rd_kafka_message_t *message, int64_t next_offset) {
    if (!m->auto_commit) return;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, rd_kafka_topic_name(message->rkt), message->partition)->offset =
        next_offset;
    (void)rd_kafka_offsets_store(handle, list); /* one that was taken away meanwhile is another member's to commit */
    rd_kafka_topic_partition_list_destroy(list);
}

void bn_member_leave(struct bn_member *m, rd_kafka_t *handle) {
    rd_kafka_resp_err_t err = rd_kafka_consumer_close(handle);
    if (err) fprintf(stderr, "%s: leaving the group: %s\n", m->program, rd_kafka_err2str(err));
}

bool bn_member_passes(rd_kafka_resp_err_t err) {
    return err == RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE || err == RD_KAFKA_RESP_ERR_NOT_COORDINATOR ||
           err == RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS;
}
