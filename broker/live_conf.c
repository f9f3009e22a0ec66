/* live_conf.c: overlays what is set at run time on the file's configuration. Owns the copy and the connection limits
 * that are parsed out of it. Precedence is the sources' (common/conf): this broker's, then all brokers', then the
 * file's. */
#include "broker/live_conf.h"

#include <stdio.h>

#include "common/base/alloc.h"
#include "common/base/check.h"
#include "common/base/str.h"
#include "common/base/trace.h"

static const char *const DEFAULT = "<default>";

enum { TOLD_MAX = 20 }; /* lines about keys without effect */

static const struct bn_image_config *entity(const struct bn_image *image, int32_t broker_id) {
    char id[16];
    if (!image) return NULL;
    (void)snprintf(id, sizeof id, "%" PRId32, broker_id);
    return bn_image_config(image, "brokers", broker_id < 0 ? bn_slice_str(DEFAULT) : bn_slice_str(id));
}

static void release(struct bn_shared *s) {
    struct bn_live_conf *l = BN_CONTAINER_OF(s, struct bn_live_conf, shared);
    bn_settings_free_exceptions(l->exceptions, l->exception_count);
    bn_conf_free(l->conf);
    bn_alloc_free(l);
}

static void overlay(struct bn_conf *conf, const struct bn_image_config *set, enum bn_conf_source source) {
    for (int i = 0; set && i < set->count; i++) {
        int key = bn_conf_find(bn_slice_str(set->keys[i]));
        if (key < 0 || bn_conf_row((enum bn_conf_key)key)->mode == BN_CONF_STATIC) continue;
        struct bn_err ignored = BN_ERR_NONE;
        if (bn_conf_set(conf, source, (enum bn_conf_key)key, set->values[i], &ignored)) continue;
        if (bn_conf_check_dynamic(conf, &ignored) == BN_OK) continue;
        int rc = bn_conf_set(conf, source, (enum bn_conf_key)key, NULL,
                             &ignored); /* what contradicts counts for nothing */
        BN_ASSERT(rc == 0);
    }
}

struct bn_live_conf *bn_live_conf_new(const struct bn_settings *s, const struct bn_image *image, int32_t broker_id) {
    struct bn_live_conf *l = bn_alloc_zero(1, sizeof *l);
    bn_shared_init(&l->shared, release);
    l->conf = bn_conf_copy(s->conf);
    /* Limits before what they allow: a limit of 0 is valid with its exceptions only. */
    for (int round = 0; round < 2; round++) {
        overlay(l->conf, entity(image, -1), BN_CONF_FROM_CLUSTER);
        overlay(l->conf, entity(image, broker_id), BN_CONF_FROM_BROKER);
    }
    struct bn_err e = BN_ERR_NONE;
    int rc = bn_settings_read_exceptions(l->conf, &l->exceptions, &l->exception_count, &e);
    if (rc) BN_WARN("broker", "%s", e.text);
    return l;
}

bool bn_live_conf_differs(const struct bn_image *old, const struct bn_image *now, int32_t broker_id) {
    return entity(old, -1) != entity(now, -1) || entity(old, broker_id) != entity(now, broker_id);
}

static void tell(const struct bn_image_config *set) {
    struct bn_str line;
    int told = 0;
    bn_str_init(&line);
    for (int i = 0; i < set->count; i++) {
        int key = bn_conf_find(bn_slice_str(set->keys[i]));
        const struct bn_conf_row *row = key >= 0 ? bn_conf_row((enum bn_conf_key)key) : NULL;
        const char *effect = row ? row->effect : bn_conf_other_effect(set->keys[i]);
        bool hidden = row ? row->type == BN_CONF_PASSWORD : true;
        bn_str_addf(&line, "%s%s -> %s", i ? ", " : "", set->keys[i], hidden ? "[hidden]" : set->values[i]);
        if ((row && !effect) || told++ >= TOLD_MAX) continue;
        if (effect)
            BN_WARN("broker", "%s has no effect: %s", set->keys[i], effect);
        else
            BN_WARN("broker", "unknown key %s has no effect", set->keys[i]);
    }
    BN_INFO("broker", "Processing override for entityPath: brokers/%s with config: Map(%s)", set->name,
            line.ptr ? line.ptr : "");
    bn_str_fini(&line);
}

void bn_live_conf_tell(const struct bn_image *image, int32_t broker_id) {
    const struct bn_image_config *all = entity(image, -1), *one = entity(image, broker_id);
    if (all) tell(all);
    if (one) tell(one);
}
