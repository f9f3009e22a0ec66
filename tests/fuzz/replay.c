/* replay.c: see replay.h. */
#include "tests/fuzz/replay.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/slice.h"

static volatile uint64_t current; /* the input's number, for a signal handler */

static void say_which(int signal_number) {
    char text[64];
    int n = snprintf(text, sizeof text, "input %" PRIu64 " failed\n", current);
    if (write(STDERR_FILENO, text, (size_t)n) != n) _exit(2);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

void replay_one(const uint8_t *bytes, size_t len) {
    (void)LLVMFuzzerTestOneInput(bytes, len);
    current++;
}

static int run_file(const char *path) {
    FILE *f = fopen(path, "rbe");
    if (!f) {
        perror(path);
        return 1;
    }
    uint8_t *bytes = bn_alloc(REPLAY_INPUT_MAX);
    size_t n = fread(bytes, 1, REPLAY_INPUT_MAX, f);
    fclose(f);
    replay_one(bytes, n);
    bn_alloc_free(bytes);
    return 0;
}

int replay_main(const struct replay *what, int argc, char **argv) {
    int64_t n = what->inputs, seed = 1;
    signal(SIGABRT, say_which);
    if (argc > 1 && !bn_slice_to_i64(bn_slice_str(argv[1]), &n)) {
        int failed = 0;
        for (int i = 1; i < argc; i++) failed |= run_file(argv[i]);
        return failed;
    }
    if (n < 0 || (argc > 2 && !bn_slice_to_i64(bn_slice_str(argv[2]), &seed))) {
        fprintf(stderr, "usage: %s [N [SEED]] | FILE...\n", what->name);
        return 2;
    }
    what->run((uint64_t)n, (uint64_t)seed);
    return 0;
}
