/* groups_watch.c: reads /proc. The CPU clock of a process is exact to the nanosecond, unlike its ticks in stat. */
#include "bench/groups_watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void groups_die(const char *what, const char *why) {
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static double seconds_of(const struct timespec *t) { return (double)t->tv_sec + (double)t->tv_nsec * 1e-9; }

double groups_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return seconds_of(&t);
}

static int rising(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double groups_quantile(double *values, long count, double p) {
    if (count == 0) return 0;
    qsort(values, (size_t)count, sizeof *values, rising);
    long at = (long)(p * (double)count);
    return values[at < count ? at : count - 1];
}

void watch_init(struct watch *w, const char *text) {
    w->count = 0;
    while (*text) {
        const char *equals = strchr(text, '=');
        char *end;
        if (!equals || w->count == WATCH_MAX || (size_t)(equals - text) >= sizeof w->of[0].name)
            groups_die(text, "is no NAME=PID, or one too many");
        snprintf(w->of[w->count].name, sizeof w->of[0].name, "%.*s", (int)(equals - text), text);
        w->of[w->count++].pid = strtol(equals + 1, &end, 10);
        text = *end == ',' ? end + 1 : end;
        if (end == equals + 1 || (*end && *end != ',')) groups_die(equals, "is no process");
    }
}

static double cpu_of(long pid) {
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid((pid_t)pid, &clock) || clock_gettime(clock, &t)) groups_die("watch", "a process is gone");
    return seconds_of(&t);
}

static void add_memory(long pid, struct watch_row *row) {
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%ld/status", pid);
    FILE *f = fopen(path, "re");
    if (!f) groups_die(path, "cannot be read");
    while (fgets(line, sizeof line, f)) {
        if (strncmp(line, "VmRSS:", 6) == 0) row->memory_kib += strtod(line + 6, NULL);
        if (strncmp(line, "RssAnon:", 8) == 0) row->anon_kib += strtod(line + 8, NULL);
    }
    fclose(f);
}

int watch_look(const struct watch *w, struct watch_row rows[WATCH_MAX]) {
    int count = 0;
    for (int i = 0; i < w->count; i++) {
        int at = 0;
        while (at < count && strcmp(rows[at].name, w->of[i].name) != 0) at++;
        if (at == count) {
            rows[count] = (struct watch_row){.processes = 0};
            memcpy(rows[count++].name, w->of[i].name, sizeof rows[at].name);
        }
        rows[at].processes++;
        rows[at].cpu_s += cpu_of(w->of[i].pid);
        add_memory(w->of[i].pid, &rows[at]);
    }
    return count;
}

void watch_tell(const struct watch *w, const struct watch_row *before, const struct watch_row *after, double seconds) {
    struct watch_row rows[WATCH_MAX]; /* only to know how many */
    int count = watch_look(w, rows);
    for (int i = 0; i < count; i++)
        printf(
            "    %-10s x%d  CPU %.3f s = %.2f %% of a core, resident %+.0f KiB to %.0f KiB (not of files: %+.0f KiB)\n",
            after[i].name, after[i].processes, after[i].cpu_s - before[i].cpu_s,
            100 * (after[i].cpu_s - before[i].cpu_s) / seconds, after[i].memory_kib - before[i].memory_kib,
            after[i].memory_kib, after[i].anon_kib - before[i].anon_kib);
}
