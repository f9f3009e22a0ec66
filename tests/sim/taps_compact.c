/* taps_compact.c: where the simulation listens in on cleanings: the log before and after new segments are put in the
 * place of old ones. */
#include "tests/sim/taps_compact.h"

#include "tests/sim/observer.h"

int __wrap_bn_compact_pass_write(struct bn_compact_pass *p, struct bn_err *e) {
    sim_faults_cleaning(sim_here, sim_here->current);
    return __real_bn_compact_pass_write(p, e);
}

int __wrap_bn_compact_pass_swap(const struct bn_compact_pass *p, struct bn_err *e) {
    struct sim_world *w = sim_here;
    struct sim_proc *proc = w->current;
    struct sim_replica *r = sim_logs_of_dir(proc, p->place.dir);
    struct sim_log before, after;
    if (!r || proc->doomed) return __real_bn_compact_pass_swap(p, e);
    sim_logs_read(w, proc->index, r->topic, r->index, &before);
    sim_faults_cleaning(w, proc);
    int rc = __real_bn_compact_pass_swap(p, e);
    if (rc == 0 && !proc->doomed) {
        sim_logs_read(w, proc->index, r->topic, r->index, &after);
        sim_invariant_cleaned(w, r, &before, &after);
        sim_invariant_prefix_agree(w, r->topic, r->index);
        sim_logs_free(&after);
    }
    sim_logs_free(&before);
    return rc;
}
