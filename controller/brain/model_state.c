/* model_state.c: owned copies of partition states. Decides nothing. */
#include "controller/brain/model_inside.h"

struct bn_fact_state bn_model_state_fact(const struct bn_model_state *s) {
    return (struct bn_fact_state){.version = s->version,
                                  .leader = s->leader,
                                  .leader_epoch = s->leader_epoch,
                                  .controller_epoch = s->controller_epoch,
                                  .isr = bn_ids_fact(&s->isr),
                                  .recovering = s->recovering,
                                  .elr = bn_ids_fact(&s->elr)};
}

void bn_model_state_set(struct bn_model_state *s, const struct bn_fact_state *fact) {
    s->version = fact->version;
    s->leader = fact->leader;
    s->leader_epoch = fact->leader_epoch;
    s->controller_epoch = fact->controller_epoch;
    s->recovering = fact->recovering;
    bn_ids_set(&s->isr, fact->isr);
    bn_ids_set(&s->elr, fact->elr);
}

void bn_model_state_free(struct bn_model_state *s) {
    bn_ids_free(&s->isr);
    bn_ids_free(&s->elr);
}

bool bn_model_state_eq(const struct bn_model_state *s, const struct bn_fact_state *fact) {
    return s->version == fact->version && s->leader == fact->leader && s->leader_epoch == fact->leader_epoch &&
           s->controller_epoch == fact->controller_epoch && s->recovering == fact->recovering &&
           bn_ids_eq(bn_ids_fact(&s->isr), fact->isr) && bn_ids_eq(bn_ids_fact(&s->elr), fact->elr);
}
