/* config_alter.h: IncrementalAlterConfigs and AlterConfigs: changes of overrides that clients ask for. */
#ifndef BN_CONFIG_ALTER_H
#define BN_CONFIG_ALTER_H

#include "controller/brain/flight.h"

void bn_config_alter_request(struct bn_model *m, const struct bn_event_alter_configs *e);
void bn_config_alter_turns(struct bn_model *m);  /* near the end of a step: begins what waits for its turn */
void bn_config_alter_settle(struct bn_model *m); /* at the end of a step: answers */
void bn_config_alter_name(struct bn_model *m, const struct bn_flight *f, struct bn_output_read_item *item);
void bn_config_alter_read(struct bn_model *m, struct bn_flight *f, const struct bn_event_read_result *result);
void bn_config_alter_done(struct bn_model *m, struct bn_flight *f, const struct bn_event_multi_done *e);
void bn_config_alter_drop_all(struct bn_model *m);

#endif
