/* brain_print.h: the brain's outputs as lines of text, for transcripts. */
#ifndef BRAIN_PRINT_H
#define BRAIN_PRINT_H

#include "common/base/str.h"
#include "controller/brain/output.h"

void brain_print_output(struct bn_str *s, const struct bn_output *o);
void brain_print_state(struct bn_str *s, const struct bn_fact_state *state);
void brain_print_ids(struct bn_str *s, struct bn_fact_ids ids);

#endif
