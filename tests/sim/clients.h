/* clients.h: those who use the cluster: one who makes, deletes and grows topics, and producers. */
#ifndef SIM_CLIENTS_H
#define SIM_CLIENTS_H

#include "tests/sim/world.h"

struct sim_clients *sim_clients_new(void);
void sim_clients_free(struct sim_clients *c);
void sim_clients_admin(struct sim_world *w);   /* asks some broker for something */
void sim_clients_produce(struct sim_world *w); /* hands a batch to some broker */
void sim_clients_lag(struct sim_world *w);     /* lets some leader find that its followers lag */
int sim_clients_waiting(const struct sim_clients *c); /* admin requests that are not answered */

#endif
