/* brain_world.h: a tiny ZooKeeper made of the brain's own facts, for transcripts and for the random test. It performs
 * typed multis atomically, answers reads, and can play a person who edits znodes. */
#ifndef BRAIN_WORLD_H
#define BRAIN_WORLD_H

#include "common/base/map.h"
#include "controller/brain/step.h"

struct brain_world_node {
    char *path;
    int32_t version;
    int64_t czxid;
    struct bn_output_op data; /* as written, everything copied into the world's arena */
};

struct brain_world {
    struct bn_arena arena;
    struct bn_map nodes;
    int64_t zxid;
    bool newer_epoch; /* another controller has set /controller_epoch */
};

void brain_world_init(struct brain_world *w);
void brain_world_fini(struct brain_world *w);
/* Performs all ops or none; fills status, failed_op and seqid_version of done. */
void brain_world_multi(struct brain_world *w, const struct bn_output_multi *multi, struct bn_event_multi_done *done);
void brain_world_purge(struct brain_world *w, const char *topic);
struct brain_world_node *brain_world_find(const struct brain_world *w, const char *path);
struct brain_world_node *brain_world_put(struct brain_world *w, const char *path); /* made, or one version up */
bool brain_world_remove(struct brain_world *w, const char *path);
void brain_world_remove_tree(struct brain_world *w, const char *path);
char *brain_world_path(struct brain_world *w, const struct bn_output_op *op); /* in its arena */
/* A topic as the shell would read it; false when its znode is absent. Everything lives in the world's arena. */
bool brain_world_topic(struct brain_world *w, const char *name, struct bn_fact_topic *out);
struct bn_event_read_result *brain_world_read(struct brain_world *w, const struct bn_output_read *read);
/* Registers a broker: a new czxid, the next incarnation. */
void brain_world_register(struct brain_world *w, int32_t id, const char *rack);
void brain_world_unregister(struct brain_world *w, int32_t id);
int32_t brain_world_brokers(struct brain_world *w, struct bn_fact_broker **out);
/* All that a new controller loads. */
void brain_world_load(struct brain_world *w, struct bn_event_activated *out);
/* A person's assignment: "0:1,2 1:2,1"; id may be NULL. Keeps version and czxid as ZooKeeper would. */
void brain_world_edit_topic(struct brain_world *w, const char *name, const char *assignment, const struct bn_uuid *id);
struct bn_fact_ids brain_world_ids(struct brain_world *w, const char *text); /* "1,2,3" */

#endif
