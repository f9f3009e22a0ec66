/* groups_watch.h: the processes that a run of bench/groups looks at: CPU and memory, from /proc. */
#ifndef BN_BENCH_GROUPS_WATCH_H
#define BN_BENCH_GROUPS_WATCH_H

#include <stdbool.h>

enum { WATCH_MAX = 16 };

/* What the processes of one name have used so far, together. */
struct watch_row {
    char name[24];
    double cpu_s;                /* user and kernel */
    double memory_kib, anon_kib; /* resident; of that, not of files */
    int processes;
};
struct watch {
    struct {
        char name[24];
        long pid;
    } of[WATCH_MAX];
    int count;
};

/* "broker=123,broker=124,controller=125". Ends the program when it can't be read. */
void watch_init(struct watch *w, const char *text);
/* Fills rows, one a name, in the order in which the names came; returns how many. */
int watch_look(const struct watch *w, struct watch_row rows[WATCH_MAX]);
/* One line a name: what was used between two looks that took `seconds`. */
void watch_tell(const struct watch *w, const struct watch_row *before, const struct watch_row *after, double seconds);

void groups_die(const char *what, const char *why) __attribute__((noreturn));
double groups_now(void); /* seconds, monotonic */
/* Sorts in place. The share p (0..1) of the values is at most so large; 0 of none. */
double groups_quantile(double *values, long count, double p);

#endif
