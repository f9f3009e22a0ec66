/* config_rules.h: which overrides may be stored: the rows of common/conf, asked for the brain, which knows no keys. */
#ifndef BN_CONFIG_RULES_H
#define BN_CONFIG_RULES_H

#include "common/base/arena.h"
#include "controller/brain/event.h"

/* struct bn_model_settings: change_config. Codes and texts are those of Kafka 3.9's ZkAdminManager, AdminZkClient and
 * DynamicBrokerConfig. */
int16_t bn_config_rules_change(const struct bn_event_alter_config *change, const struct bn_fact_config *now,
                               struct bn_arena *arena, struct bn_fact_config *out, const char **message);
/* One trace line for what a person or a tool has put into a config znode and what is left out here because it is not
 * valid. */
void bn_config_rules_warn(const struct bn_fact_config *c);

#endif
