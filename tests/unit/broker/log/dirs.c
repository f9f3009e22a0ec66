/* dirs.c: see dirs.h. */
#include "tests/unit/broker/log/dirs.h"

const char *const dirs_paths[2] = {"/data/a", "/data/b"};

struct bn_logdirs *dirs_open(struct world *w) {
    struct bn_logdirs *d = NULL;
    struct bn_err e = BN_ERR_NONE;
    int rc = bn_logdirs_open(&w->env, dirs_paths, 2, &d, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    return d;
}

struct bn_log *dirs_log(struct bn_logdirs *d, const char *topic, int32_t partition, struct bn_log_open *o) {
    struct bn_log *l;
    struct bn_err e;
    *o = (struct bn_log_open){0};
    bn_log_config_defaults(&o->config);
    ck_assert_int_eq(bn_logdirs_place(d, topic, partition, true, o, &e), 0);
    ck_assert_int_eq(bn_log_open(o, &l, &e), 0);
    return l;
}
