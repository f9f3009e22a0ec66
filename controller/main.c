/* main.c: barnabas-controller FILE [--override key=value]...: reads the configuration, runs the controller on the main
 * thread, and stops in order at SIGTERM or SIGINT: it resigns, closes its ZooKeeper session, and the life port last.
 * Exit codes: 0 stopped as asked; 1 it could not run; 2 usage; 78 (EX_CONFIG) a bad configuration. */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/trace.h"
#include "common/conf/conf.h"
#include "common/sys/env.h"
#include "common/sys/life.h"
#include "common/sys/shard.h"
#include "controller/controller.h"

enum { EXIT_USAGE = 2, EXIT_CONFIG = 78, OVERRIDES_MAX = 1000 };

struct program {
    struct bn_shard *shard;
    struct bn_controller *controller;
    struct bn_signal *signals[3];
    struct bn_life *life;
    bool stopping;
};

static const char usage[] = "usage: barnabas-controller FILE [--override key=value]...\n"
                            "Runs a Barnabas controller in the foreground. FILE is Kafka's server.properties.\n";

static void stopped(void *arg, struct bn_life *life) {
    struct program *p = arg;
    p->life = life;
    for (size_t i = 0; i < BN_ARRAY_LEN(p->signals); i++) bn_signal_free(p->signals[i]);
    bn_loop_stop(p->shard->loop);
}

static void on_signal(void *arg, int signum) {
    struct program *p = arg;
    if (signum == SIGHUP) {
        bn_trace_reopen();
        return;
    }
    if (p->stopping) return;
    p->stopping = true;
    BN_INFO("controller", "Terminating process due to signal SIG%s", signum == SIGTERM ? "TERM" : "INT");
    bn_controller_stop(p->controller, stopped, p);
}

/* The file and the overrides, or the exit code after one line for each error. */
static int load(int argc, char **argv, struct bn_conf **out) {
    const char *overrides[OVERRIDES_MAX];
    size_t count = 0;
    bool ok = argc >= 2 && argv[1][0] != '-';
    for (int i = 2; ok && i < argc; i++) {
        ok = strcmp(argv[i], "--override") == 0 && i + 1 < argc && count < OVERRIDES_MAX;
        if (ok) overrides[count++] = argv[++i];
    }
    if (!ok) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    struct bn_conf_report report;
    bn_conf_report_init(&report);
    *out = bn_conf_load(bn_disk_real(), argv[1], overrides, count, &report);
    if (*out && !bn_conf_str(*out, BN_CONF_ZOOKEEPER_CONNECT)) {
        bn_conf_report_error(*out, &report, BN_CONF_ZOOKEEPER_CONNECT, "zookeeper.connect is required");
    }
    if (report.error_count) fprintf(stderr, "barnabas-controller: %s", report.errors.ptr);
    int rc = report.error_count ? EXIT_CONFIG : 0;
    bn_conf_report_fini(&report);
    return rc;
}

static void open_trace(void) {
    const char *dir = getenv("LOG_DIR");
    if (!dir || !*dir) dir = "logs";
    char path[PATH_MAX];
    int rc = mkdir(dir, 0777);
    (void)rc; /* there already; or opening the file will tell */
    snprintf(path, sizeof path, "%s/controller.log", dir);
    rc = bn_trace_open(path, true);
    if (rc != BN_OK) BN_WARN("controller", "%s can't be written: tracing goes to standard error only", path);
}

/* At most a thousand years, so that sums of times do not overflow. */
static int64_t seconds_as_ms(int64_t s) { return bn_min_i64(s, INT64_C(31536000000)) * 1000; }

static int run(struct program *p, const struct bn_conf *conf) {
    int id = bn_conf_controller_id(conf);
    char machine[BN_LIFE_MACHINE_MAX];
    bn_life_machine(machine);
    struct bn_controller_config config = {
        .machine = machine,
        .env = bn_env_real(),
        .shard = p->shard,
        .zk_connect = bn_conf_str(conf, BN_CONF_ZOOKEEPER_CONNECT),
        .zk_session_timeout_ms = bn_conf_int(conf, BN_CONF_ZOOKEEPER_SESSION_TIMEOUT_MS),
        .id = id < 0 ? 0 : id, /* an id that is still to be drawn is a broker's matter */
        .host = bn_conf_str(conf, BN_CONF_CONTROLLER_HOST),
        .port = bn_conf_int(conf, BN_CONF_CONTROLLER_PORT),
        .fencing_port = bn_conf_is_set(conf, BN_CONF_CONTROLLER_ID) ? bn_conf_int(conf, BN_CONF_FENCING_PORT) : 0,
        .unclean_election = bn_conf_bool(conf, BN_CONF_UNCLEAN_LEADER_ELECTION_ENABLE),
        .delete_topic_enable = bn_conf_bool(conf, BN_CONF_DELETE_TOPIC_ENABLE),
        .auto_rebalance = bn_conf_bool(conf, BN_CONF_AUTO_LEADER_REBALANCE_ENABLE),
        .rebalance_interval_ms = seconds_as_ms(bn_conf_i64(conf, BN_CONF_LEADER_IMBALANCE_CHECK_INTERVAL_SECONDS)),
        .imbalance_percentage = bn_conf_int(conf, BN_CONF_LEADER_IMBALANCE_PER_BROKER_PERCENTAGE),
        .conf = conf,
    };
    struct bn_err e = BN_ERR_NONE;
    if (bn_controller_start(&config, &p->controller, &e) != BN_OK) {
        fprintf(stderr, "barnabas-controller: %s\n", e.text);
        return e.code == BN_BAD ? EXIT_CONFIG : 1;
    }
    static const int signums[] = {SIGTERM, SIGINT, SIGHUP};
    for (size_t i = 0; i < BN_ARRAY_LEN(signums); i++) {
        p->signals[i] = bn_signal_new(p->shard->loop, signums[i], on_signal, p);
    }
    bn_shard_run_here(p->shard);
    return 0;
}

int main(int argc, char **argv) {
    struct bn_conf *conf = NULL;
    int rc = load(argc, argv, &conf);
    if (rc == 0) {
        signal(SIGPIPE, SIG_IGN);
        open_trace();
        struct program p = {.shard = bn_shard_new(0)};
        rc = run(&p, conf);
        if (p.life) BN_INFO("controller", "shut down completed");
        bn_shard_free(p.shard);
        if (p.life) bn_life_close(p.life);
    }
    bn_conf_free(conf);
    return rc;
}
