/* step.h: the brain's only door. */
#ifndef BN_STEP_H
#define BN_STEP_H

#include "controller/brain/event.h"
#include "controller/brain/model.h"
#include "controller/brain/output.h"

/* Handles one event and appends what is to be done to out (which the shell cleared before). The same model, settings
 * and events give the same outputs, always. The event is borrowed for the call. Nothing fails: a peer's bad request is
 * a reply, a world that cannot be followed any more is RESIGN. An event that cannot happen (a MULTI_DONE nobody waits
 * for) is our bug and aborts. */
void bn_step_run(struct bn_model *m, const struct bn_event *event, struct bn_output_list *out);

#endif
