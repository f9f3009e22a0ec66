/* main.c: barnabas-broker FILE [--override key=value]...: reads the configuration, runs one broker, and turns signals
 * into its stop. Exit codes: 0 after an orderly stop, 1 when it could not go on, 2 for a bad command line, 78 for a
 * bad configuration. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "broker/broker.h"
#include "common/base/alloc.h"
#include "common/base/trace.h"

enum { EXIT_RUN = 1, EXIT_USAGE = 2, EXIT_CONFIG = 78 };

static const char USAGE[] = "USAGE: barnabas-broker server.properties [--override property=value]*\n";

struct arguments {
    const char *file;
    const char **overrides;
    size_t override_count;
};

/* 0, or the exit code. */
static int read_arguments(int argc, char **argv, struct arguments *a) {
    a->overrides = bn_alloc_zero((size_t)argc, sizeof *a->overrides);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            (void)fputs(USAGE, stdout);
            return -1;
        }
        if (strcmp(argv[i], "--override") == 0 && i + 1 < argc && strchr(argv[i + 1], '=')) {
            a->overrides[a->override_count++] = argv[++i];
        } else if (argv[i][0] != '-' && !a->file) {
            a->file = argv[i];
        } else {
            (void)fprintf(stderr, "barnabas-broker: '%s' is not understood\n%s", argv[i], USAGE);
            return EXIT_USAGE;
        }
    }
    if (a->file) return 0;
    (void)fputs(USAGE, stderr);
    return EXIT_USAGE;
}

static struct bn_conf *load(const struct arguments *a) {
    struct bn_conf_report report;
    bn_conf_report_init(&report);
    struct bn_conf *conf =
        bn_conf_load(bn_env_real()->disk, a->file, a->overrides, a->override_count, &report);
    if (report.error_count > 0) (void)fputs(report.errors.ptr, stderr);
    if (conf && report.warning_count > 0) (void)fputs(report.warnings.ptr, stderr);
    bn_conf_report_fini(&report);
    return conf;
}

/* Lines go to ${LOG_DIR:-logs}/server.log and to standard output, as Kafka's do. */
static void open_trace(void) {
    const char *dir = getenv("LOG_DIR");
    if (!dir || !*dir) dir = "logs";
    struct bn_err e = BN_ERR_NONE;
    const struct bn_disk *disk = bn_env_real()->disk;
    char *path = bn_alloc_printf("%s/server.log", dir);
    (void)dup2(STDOUT_FILENO, STDERR_FILENO);
    if (disk->mkdir(disk, dir, &e) < 0 || bn_trace_open(path, true) != 0) {
        BN_WARN("main", "%s cannot be written (%s); lines go to standard output only", path, e.text);
    }
    bn_alloc_free(path);
}

static void on_stop(void *arg, int signum) {
    BN_INFO("main", "Received signal %s", signum == SIGINT ? "SIGINT" : "SIGTERM");
    bn_broker_stop(arg);
}

static void on_hangup(void *arg, int signum) {
    (void)arg;
    (void)signum;
    bn_trace_reopen();
}

static int serve(const struct bn_settings *settings) {
    struct bn_broker_config config = {.env = bn_env_real(), .settings = settings};
    struct bn_broker *b = NULL;
    struct bn_err e = BN_ERR_NONE;
    int rc = bn_broker_new(&config, &b, &e);
    if (rc) {
        BN_ERROR("main", "%s", e.text);
        return rc == BN_BAD ? EXIT_CONFIG : EXIT_RUN;
    }
    struct bn_signal *signals[] = {
        bn_signal_new(bn_broker_loop(b), SIGTERM, on_stop, b),
        bn_signal_new(bn_broker_loop(b), SIGINT, on_stop, b),
        bn_signal_new(bn_broker_loop(b), SIGHUP, on_hangup, b),
    };
    int code = bn_broker_run(b);
    for (size_t i = 0; i < BN_ARRAY_LEN(signals); i++) bn_signal_free(signals[i]);
    bn_broker_free(b);
    return code ? EXIT_RUN : 0;
}

int main(int argc, char **argv) {
    struct arguments arguments = {0};
    int code = read_arguments(argc, argv, &arguments);
    struct bn_conf *conf = NULL;
    if (code == 0) {
        conf = load(&arguments);
        if (!conf) code = EXIT_CONFIG;
    }
    if (code == 0) {
        (void)signal(SIGPIPE, SIG_IGN); /* sendfile has no MSG_NOSIGNAL */
        open_trace();
        struct bn_settings settings;
        struct bn_err e = BN_ERR_NONE;
        if (bn_settings_init(&settings, conf, (int)sysconf(_SC_NPROCESSORS_ONLN), &e)) {
            BN_ERROR("main", "%s", e.text);
            code = EXIT_CONFIG;
        } else {
            code = serve(&settings);
        }
        bn_settings_fini(&settings);
    }
    bn_conf_free(conf);
    bn_alloc_free(arguments.overrides);
    return code == -1 ? 0 : code;
}
