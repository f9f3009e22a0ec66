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

enum { CHECK_SEEDS = 200, PLANT_SEEDS = 1500, FOUND = 10, CRASHED = 11 };

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void aborted(int signum) {
    struct sim_world *w = sim_here;
    signal(signum, SIG_DFL);
    if (!w || sim_planted) _exit(CRASHED);
    sim_print_events(w);
    printf("an assertion failed at step %" PRIu64 ", seed %" PRIu64 "\nreplay: tests/sim/sim --seed %" PRIu64
           " --trace\n",
           w->step, w->seed, w->seed);
    fflush(stdout);
    raise(signum);
}

/* The same seed twice must be the same run: else nothing can be replayed. */
static bool is_deterministic(void) {
    struct sim_summary a, b;
    sim_world_run(1, false, &a);
    sim_world_run(1, false, &b);
    return a.steps == b.steps && a.now_ms == b.now_ms && a.digest == b.digest;
}

static int run_seeds(uint64_t first, uint64_t count) {
    uint64_t steps = 0, virtual_ms = 0;
    double begin = seconds();
    if (!is_deterministic()) {
        printf("the same seed gave two different runs\n");
        return 1;
    }
    for (uint64_t seed = first; seed < first + count; seed++) {
        struct sim_summary s;
        sim_world_run(seed, false, &s);
        steps += s.steps;
        virtual_ms += s.now_ms;
    }
    double took = seconds() - begin;
    printf("%" PRIu64 " seeds clean: %" PRIu64 " steps, %" PRIu64 " s of virtual time, in %.1f s (%.0f seeds/s)\n",
           count, steps, virtual_ms / 1000, took, (double)count / took);
    return 0;
}

/* ---- planted bugs ---- */

static int found_pipe;
struct find {
    uint64_t seed;
    char invariant[32];
};

static void found(const struct sim_world *w, const char *invariant) {
    struct find f = {.seed = w->seed};
    snprintf(f.invariant, sizeof f.invariant, "%s", invariant);
    if (write(found_pipe, &f, sizeof f) != (ssize_t)sizeof f) _exit(1);
    _exit(FOUND);
}

static void hunt(enum sim_plant plant) {
    sim_planted = plant;
    sim_on_violation = found;
    for (uint64_t seed = 1; seed <= PLANT_SEEDS; seed++) {
        struct sim_summary s;
        sim_world_run(seed, false, &s);
    }
    _exit(0);
}

static bool run_plant(enum sim_plant plant) {
    int ends[2], status = 0;
    struct find f = {0};
    if (pipe(ends) != 0) return false;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        found_pipe = ends[1];
        hunt(plant);
    }
    close(ends[1]);
    bool told = read(ends[0], &f, sizeof f) == (ssize_t)sizeof f;
    close(ends[0]);
    waitpid(pid, &status, 0);
    if (told)
        printf("%-16s found by %s after %" PRIu64 " seed%s (%s)\n", sim_plant_name(plant), f.invariant, f.seed,
               f.seed == 1 ? "" : "s", sim_plant_text(plant));
    else
        printf("%-16s NOT FOUND: %s (%s)\n", sim_plant_name(plant),
               WIFEXITED(status) && WEXITSTATUS(status) == 0 ? "all seeds were clean" : "the run crashed",
               sim_plant_text(plant));
    return told;
}

static int run_plants(void) {
    int missed = 0;
    for (enum sim_plant p = SIM_PLANT_NOTHING + 1; p < SIM_PLANT_COUNT; p++) missed += run_plant(p) ? 0 : 1;
    return missed ? 1 : 0;
}

static int usage(void) {
    printf("usage: sim [--seed N [--trace]] [--seeds COUNT [--from N]] [--plant NAME] [--plants]\n"
           "planted bugs:\n");
    for (enum sim_plant p = SIM_PLANT_NOTHING + 1; p < SIM_PLANT_COUNT; p++)
        printf("  %-16s %s\n", sim_plant_name(p), sim_plant_text(p));
    return 64;
}

int main(int argc, char **argv) {
    uint64_t seed = 0, count = 0, from = 1;
    bool trace = false, plants = false;
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;
        if (strcmp(argv[i], "--trace") == 0) trace = true;
        else if (strcmp(argv[i], "--plants") == 0) plants = true;
        else if (strcmp(argv[i], "--seed") == 0 && more) seed = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--seeds") == 0 && more) count = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--from") == 0 && more) from = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--plant") == 0 && more) sim_planted = sim_plant_find(argv[++i]);
        else return usage();
    }
    if (sim_planted == SIM_PLANT_COUNT) return usage();
    signal(SIGABRT, aborted);
    bn_trace_set_level(trace && getenv("SIM_LINES") ? BN_TRACE_INFO : BN_TRACE_FATAL);
    if (seed) {
        struct sim_summary s;
        sim_world_run(seed, trace, &s);
        printf("seed %" PRIu64 " clean: %" PRIu64 " steps, %" PRIu64 " ms\n", seed, s.steps, s.now_ms);
        return 0;
    }
    if (plants) return run_plants();
    if (count || sim_planted) return run_seeds(from, count ? count : PLANT_SEEDS);
    int rc = run_seeds(from, CHECK_SEEDS);
    return rc ? rc : run_plants();
}
