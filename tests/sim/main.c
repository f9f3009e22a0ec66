/* main.c: the simulation's command line. See README.md. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/trace.h"
#include "tests/sim/plant.h"
#include "tests/sim/world.h"

enum { CHECK_SEEDS = 80, PLANT_SEEDS = 5000, FOUND = 10, CRASHED = 11, JOBS_MAX = 16, HANG_S = 30 };

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- seeds, each in a process of its own ---- */

struct running {
    pid_t pid;
    int pipe;
    uint64_t seed;
};

struct told { /* by the process of a seed */
    struct sim_summary summary;
    char invariant[32]; /* broken; "" = none */
};

static int tell_fd = -1;

static void tell_found(const struct sim_world *w, const char *invariant) {
    struct told t = {0};
    (void)w;
    snprintf(t.invariant, sizeof t.invariant, "%s", invariant);
    if (write(tell_fd, &t, sizeof t) != (ssize_t)sizeof t) _exit(1);
    if (sim_planted) _exit(FOUND);
}

static void aborted(int signum) {
    struct sim_world *w = sim_here;
    signal(signum, SIG_DFL);
    if (!w) _exit(CRASHED);
    if (sim_planted) tell_found(w, "an assertion");
    sim_print_events(w);
    printf("an assertion failed at step %" PRIu64 ", seed %" PRIu64 "\nreplay: tests/sim/sim --seed %" PRIu64
           " --trace\n",
           w->step, w->seed, w->seed);
    fflush(stdout);
    raise(signum);
}

static struct running start(uint64_t seed) {
    int ends[2];
    struct running r = {.seed = seed};
    if (pipe(ends) != 0) exit(1);
    fflush(stdout);
    r.pid = fork();
    if (r.pid == 0) {
        struct told t = {0};
        close(ends[0]);
        tell_fd = ends[1];
        sim_on_violation = tell_found;
        alarm(HANG_S);
        sim_world_run(seed, false, &t.summary);
        _exit(write(tell_fd, &t, sizeof t) == (ssize_t)sizeof t ? 0 : 1);
    }
    close(ends[1]);
    r.pipe = ends[0];
    return r;
}

/* 0, or what the process ended with. */
static int finish(const struct running *r, struct told *out) {
    int status = 0;
    bool told = read(r->pipe, out, sizeof *out) == (ssize_t)sizeof *out;
    if (!told) memset(out, 0, sizeof *out);
    close(r->pipe);
    waitpid(r->pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && told) return 0;
    return WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : CRASHED;
}

/* The same seed twice must be the same run: else nothing can be replayed. */
static bool is_deterministic(void) {
    struct told a, b;
    struct running first = start(1), second = start(1);
    if (finish(&first, &a) | finish(&second, &b)) return false;
    return memcmp(&a.summary, &b.summary, sizeof a.summary) == 0;
}

/* Runs every `step`th seed from `first` on until one fails: gives its exit code, *at its number; 0 = all are clean. */
static int run_many(uint64_t first, uint64_t step, uint64_t count, int jobs, struct told *sum, uint64_t *at) {
    struct running lanes[JOBS_MAX];
    uint64_t started = 0, ended = 0;
    int rc = 0;
    memset(sum, 0, sizeof *sum);
    while (ended < (rc ? started : count)) {
        while (!rc && started < count && started - ended < (uint64_t)jobs) {
            lanes[started % JOBS_MAX] = start(first + started * step);
            started++;
        }
        struct told t;
        const struct running *r = &lanes[ended++ % JOBS_MAX];
        int one = finish(r, &t);
        if (one && !rc) {
            rc = one;
            *at = r->seed;
            memcpy(sum->invariant, t.invariant, sizeof t.invariant);
        }
        sum->summary.steps += t.summary.steps;
        sum->summary.now_ms += t.summary.now_ms;
        sum->summary.acks += t.summary.acks;
        sum->summary.reads += t.summary.reads;
    }
    return rc;
}

static int run_seeds(uint64_t first, uint64_t count, int jobs) {
    double begin = seconds();
    struct told sum;
    uint64_t at = 0;
    if (!is_deterministic()) {
        printf("the same seed gave two different runs\n");
        return 1;
    }
    int rc = run_many(first, 1, count, jobs, &sum, &at);
    if (rc == CRASHED)
        printf("seed %" PRIu64 " crashed or hung; replay: tests/sim/sim --seed %" PRIu64 " --trace\n", at, at);
    if (rc) return rc;
    double took = seconds() - begin;
    const struct sim_summary *s = &sum.summary;
    printf("%" PRIu64 " seeds clean: %" PRIu64 " steps, %" PRIu64 " s of virtual time, %" PRIu64
           " batches kept, %" PRIu64 " read, in %.1f s (%.0f seeds/s)\n",
           count, s->steps, s->now_ms / 1000, s->acks, s->reads, took, (double)count / took);
    return 0;
}

/* ---- planted bugs ---- */

static bool run_plant(enum sim_plant plant, int jobs) {
    struct told sum;
    uint64_t at = 0;
    sim_planted = plant;
    uint64_t first, step;
    sim_plant_seeds(plant, &first, &step);
    int rc = run_many(first, step, PLANT_SEEDS, jobs, &sum, &at);
    uint64_t seeds = (at - first) / step + 1;
    sim_planted = SIM_PLANT_NOTHING;
    if (rc == FOUND)
        printf("%-18s found by %s after %" PRIu64 " seed%s (%s)\n", sim_plant_name(plant), sum.invariant, seeds,
               seeds == 1 ? "" : "s", sim_plant_text(plant));
    else
        printf("%-18s NOT FOUND: %s %" PRIu64 " (%s)\n", sim_plant_name(plant),
               rc ? "a crash at seed" : "clean seeds:", rc ? at : (uint64_t)PLANT_SEEDS, sim_plant_text(plant));
    return rc == FOUND;
}

static int run_plants(int jobs, enum sim_pace pace) {
    int missed = 0;
    for (enum sim_plant p = SIM_PLANT_NOTHING + 1; p < SIM_PLANT_COUNT; p++)
        if (sim_plant_pace(p) <= pace) missed += run_plant(p, jobs) ? 0 : 1;
    return missed ? 1 : 0;
}

static int usage(void) {
    printf("usage: sim [--seed N [--trace]] [--seeds COUNT [--from N]] [--plant NAME] [--plants] [--jobs N]\n"
           "planted bugs:\n");
    for (enum sim_plant p = SIM_PLANT_NOTHING + 1; p < SIM_PLANT_COUNT; p++)
        printf("  %-18s %s\n", sim_plant_name(p), sim_plant_text(p));
    return 64;
}

int main(int argc, char **argv) {
    uint64_t seed = 0, count = 0, from = 1;
    int jobs = 2;
    bool trace = false, plants = false;
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;
        if (strcmp(argv[i], "--trace") == 0)
            trace = true;
        else if (strcmp(argv[i], "--plants") == 0)
            plants = true;
        else if (strcmp(argv[i], "--seed") == 0 && more)
            seed = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--seeds") == 0 && more)
            count = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--from") == 0 && more)
            from = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--jobs") == 0 && more)
            jobs = (int)strtol(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--plant") == 0 && more)
            sim_planted = sim_plant_find(argv[++i]);
        else
            return usage();
    }
    if (sim_planted == SIM_PLANT_COUNT || jobs < 1 || jobs > JOBS_MAX) return usage();
    signal(SIGABRT, aborted);
    bn_trace_set_level(trace && getenv("SIM_LINES") ? BN_TRACE_INFO : BN_TRACE_FATAL);
    if (seed) {
        struct sim_summary s;
        sim_world_run(seed, trace, &s);
        printf("seed %" PRIu64 " clean: %" PRIu64 " steps, %" PRIu64 " ms, %" PRIu64 " batches kept, %" PRIu64
               " read\n",
               seed, s.steps, s.now_ms, s.acks, s.reads);
        fflush(stdout);
        _exit(0); /* what killed processes left behind is no leak */
    }
    if (plants) return run_plants(jobs, SIM_PACE_SLOW);
    if (sim_planted && !count) return run_plant(sim_planted, jobs) ? 0 : 1;
    if (count) return run_seeds(from, count, jobs);
    int rc = run_seeds(from, CHECK_SEEDS, jobs);
    return rc ? rc : run_plants(jobs, SIM_PACE_QUICK);
}
