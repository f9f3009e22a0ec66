/* zk.c: `barnabas zk ls|get|stat|tree|check PATH`: the znodes, without a JVM.
 */
#include "common/base/alloc.h"
#include "common/base/trace.h"
#include "tools/admin.h"
#include "tools/command.h"
#include "tools/jsonout.h"
#include "tools/zk_audit.h"
#include "tools/zk_sync.h"

static const struct bn_option table[] = {
    {"zookeeper", BN_OPTION_VALUE, "host:port,.../chroot (localhost:2181)"},
    {"timeout", BN_OPTION_VALUE, "seconds to wait for ZooKeeper (10)"},
    {"words", BN_OPTION_FLAG, "get, tree: say in words what stands there"},
    {"format", BN_OPTION_VALUE, "ls, check: text (default) or json"},
    {"help", BN_OPTION_FLAG, "this text"},
    {NULL, BN_OPTION_FLAG, NULL},
};

static const char usage[] = "barnabas zk ls|get|stat|tree|check [PATH] [--zookeeper host:port/chroot]";

static int list(struct bn_zk_sync *z, const char *path, bool json, struct bn_err *e) {
    char **names = NULL;
    int count = 0, rc = bn_zk_sync_children(z, path, &names, &count, e);
    struct bn_jsonout j;
    bn_jsonout_init(&j);
    bn_jsonout_array(&j, "children");
    for (int i = 0; i < count; i++) {
        if (json)
            bn_jsonout_text(&j, NULL, bn_slice_str(names[i]));
        else
            puts(names[i]);
        bn_alloc_free(names[i]);
    }
    bn_alloc_free(names);
    if (json && rc == BN_OK)
        bn_jsonout_print(&j);
    else
        bn_str_fini(&j.text);
    return rc;
}

static void print_words(const char *path, const struct bn_str *data, const struct bn_zk_stat *stat) {
    struct bn_str words;
    bn_str_init(&words);
    bn_zk_words(path, bn_str_slice(data), stat, &words);
    printf("%s: %s\n", path, words.ptr);
    bn_str_fini(&words);
}

static int get(struct bn_zk_sync *z, const char *path, bool stat_only, bool words, struct bn_err *e) {
    struct bn_str data;
    struct bn_zk_stat stat;
    bn_str_init(&data);
    int rc = bn_zk_sync_get(z, path, &data, &stat, e);
    if (rc == BN_OK && !stat_only && words) print_words(path, &data, &stat);
    if (rc == BN_OK && !stat_only && !words) printf("%s\n", data.len ? data.ptr : "null");
    if (rc == BN_OK && stat_only) {
        printf("cZxid = 0x%" PRIx64 "\nmZxid = 0x%" PRIx64
               "\ndataVersion = %d\ncversion = %d\nephemeralOwner = 0x%" PRIx64
               "\ndataLength = %zu\nnumChildren = %d\n",
               (uint64_t)stat.czxid, (uint64_t)stat.mzxid, stat.version, stat.cversion, (uint64_t)stat.ephemeral_owner,
               data.len, stat.child_count);
    }
    bn_str_fini(&data);
    return rc;
}

enum { TREE_DEPTH_MAX = 32 };

static int tree(struct bn_zk_sync *z, const char *path, int depth, bool words, struct bn_err *e) {
    struct bn_str data;
    struct bn_zk_stat stat;
    bn_str_init(&data);
    int rc = bn_zk_sync_get(z, path, &data, &stat, e);
    if (rc == BN_NOTFOUND && depth > 0)
        rc = BN_OK; /* gone since its parent was read */
    else if (rc == BN_OK && words)
        print_words(path, &data, &stat);
    else if (rc == BN_OK)
        printf("%s%s%s\n", path, data.len ? "  " : "", data.ptr);
    bn_str_fini(&data);
    char **names = NULL;
    int count = 0;
    if (rc == BN_OK && depth < TREE_DEPTH_MAX) rc = bn_zk_sync_children(z, path, &names, &count, e);
    if (rc == BN_NOTFOUND && depth > 0) rc = BN_OK;
    for (int i = 0; i < count; i++) {
        char *child = bn_alloc_printf("%s/%s", strcmp(path, "/") == 0 ? "" : path, names[i]);
        if (rc == BN_OK) rc = tree(z, child, depth + 1, words, e);
        bn_alloc_free(child);
        bn_alloc_free(names[i]);
    }
    bn_alloc_free(names);
    return rc;
}

/* The exit code; *e is told by the caller when it was set. */
static int perform(const struct bn_options *o, bool json, struct bn_zk_sync *z, struct bn_err *e) {
    const char *verb = o->rest[0], *path = o->rest_count > 1 ? o->rest[1] : "/";
    bool words = bn_options_has(o, "words");
    int rc;
    if (strcmp(verb, "check") == 0) {
        rc = bn_zk_check(z, json, e);
        return rc > 0 ? BN_COMMAND_UNHEALTHY : rc < 0 ? BN_COMMAND_FAILED : BN_COMMAND_OK;
    }
    if (strcmp(verb, "ls") == 0)
        rc = list(z, path, json, e);
    else if (strcmp(verb, "tree") == 0)
        rc = tree(z, path, 0, words, e);
    else
        rc = get(z, path, strcmp(verb, "stat") == 0, words, e);
    return rc == BN_OK ? BN_COMMAND_OK : BN_COMMAND_FAILED;
}

static bool is_verb(const char *word) {
    return strcmp(word, "ls") == 0 || strcmp(word, "get") == 0 || strcmp(word, "stat") == 0 ||
           strcmp(word, "tree") == 0 || strcmp(word, "check") == 0;
}

int bn_zk_command(int argc, char **argv) {
    struct bn_options o;
    struct bn_err e = BN_ERR_NONE;
    if (bn_options_parse(&o, "barnabas zk", table, argc, argv) < 0) return BN_COMMAND_USAGE;
    bool bad = false, json = false;
    int64_t seconds = bn_options_number(&o, "timeout", 10, &bad);
    if (bn_options_has(&o, "help") || bad || o.rest_count < 1 || o.rest_count > 2 || !is_verb(o.rest[0]) ||
        !bn_admin_json(&o, &json)) {
        bn_options_help(table, usage);
        bool asked = bn_options_has(&o, "help");
        bn_options_fini(&o);
        return asked ? BN_COMMAND_OK : BN_COMMAND_USAGE;
    }
    const char *where = bn_options_get(&o, "zookeeper");
    bn_trace_set_level(BN_TRACE_ERROR);
    struct bn_zk_sync *z = bn_zk_sync_open(where ? where : "localhost:2181", (uint64_t)seconds * 1000, &e);
    int rc = z ? perform(&o, json, z, &e) : BN_COMMAND_FAILED;
    if (z) bn_zk_sync_close(z);
    if (rc == BN_COMMAND_FAILED) fprintf(stderr, "barnabas zk: %s\n", e.text);
    bn_options_fini(&o);
    return rc;
}
