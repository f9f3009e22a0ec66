/* taps_compact.c: where the simulation listens in on cleanings: the log before and after new segments are put in the
 * place of old ones. While a log is read and copied others go on: the shard appends, cuts and drops segments. */
#include "tests/sim/taps_compact.h"

#include "tests/sim/observer.h"

int __wrap_bn_compact_pass_index(struct bn_compact_pass *p, struct bn_err *e) {
    struct sim_proc *proc = sim_here->current;
    proc->cleaning = true;
    int rc = __real_bn_compact_pass_index(p, e);
    proc->cleaning = false;
    return rc;
}

int __wrap_bn_compact_pass_write(struct bn_compact_pass *p, struct bn_err *e) {
    struct sim_proc *proc = sim_here->current;
    sim_faults_cleaning(sim_here, proc);
    proc->cleaning = true;
    int rc = __real_bn_compact_pass_write(p, e);
    proc->cleaning = false;
    return rc;
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
