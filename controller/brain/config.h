/* config.h: overrides of topics and brokers, as they stand in ZooKeeper. */
#ifndef BN_CONFIG_BRAIN_H
#define BN_CONFIG_BRAIN_H

#include "controller/brain/model_inside.h"

struct bn_model_config *bn_config_new(const struct bn_fact_config *fact);                             /* gives */
void bn_config_free(struct bn_model_config *c);                                                       /* takes */
struct bn_model_config *bn_config_find(const struct bn_model *m, const char *type, const char *name); /* NULL */
void bn_config_put(struct bn_model *m, struct bn_model_config *c); /* takes; tells it in the next delta */
void bn_config_sweep(struct bn_model *m);                          /* forgets what was told as having no overrides */
/* The entity is gone: told once as "no overrides", then forgotten. */
void bn_config_remove(struct bn_model *m, const char *type, const char *name);
struct bn_fact_config bn_config_fact(const struct bn_model_config *c); /* borrows */
/* A topic's boolean override; else what is set at run time for the broker of the controller's id, or for all; else what
 * holds without. */
bool bn_config_bool(const struct bn_model *m, const char *topic, const char *key, bool otherwise);
void bn_config_event(struct bn_model *m, const struct bn_fact_config *fact);
void bn_config_drop_all(struct bn_model *m);

#endif
