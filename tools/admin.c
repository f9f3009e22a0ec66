/* admin.c: what administrative commands share.
 */
#include "tools/admin.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/str.h"
#include "common/conf/props.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/kmsg.h"
#include "tools/command.h"
#include "tools/near.h"

enum { FILE_MAX = 16 << 20 };

int bn_admin_help(const struct bn_options *o, int argc, const char *usage, int misuse) {
    if (bn_options_has(o, "version")) {
        puts(PACKAGE_VERSION);
        return BN_COMMAND_OK;
    }
    bool asked = bn_options_has(o, "help");
    if (!asked && argc > 1) return -1;
    bn_options_help(o->table, usage);
    return asked ? BN_COMMAND_OK : misuse;
}

bool bn_admin_json(const struct bn_options *o, bool *json) {
    const char *format = bn_options_get(o, "format");
    *json = format && strcmp(format, "json") == 0;
    if (!format || *json || strcmp(format, "text") == 0) return true;
    fprintf(stderr, "%s: --format %s: write text or json\n", o->program, format);
    return false;
}

char *bn_admin_read_file(const char *program, const char *path) {
    FILE *file = fopen(path, "re");
    struct bn_str text;
    bn_str_init(&text);
    size_t got = 1;
    while (file && got > 0 && text.len < FILE_MAX) {
        got = fread(bn_str_reserve(&text, 65536), 1, 65536, file);
        text.len += got;
        text.ptr[text.len] = '\0';
    }
    bool ok = file && !ferror(file) && text.len < FILE_MAX;
    if (!ok) fprintf(stderr, "%s: %s: %s\n", program, path, text.len < FILE_MAX ? strerror(errno) : "over 16 MiB");
    if (file) fclose(file);
    if (ok) return bn_str_take(&text);
    bn_str_fini(&text);
    return NULL;
}

/* A file of client properties: it must be readable, and not ask for what this release does not speak. */
static bool check_properties(const struct bn_options *o, const char *path) {
    char *text = bn_admin_read_file(o->program, path);
    if (!text) return false;
    struct bn_props props;
    struct bn_err e = BN_ERR_NONE;
    bool ok = bn_props_parse(bn_slice_str(text), &props, &e) == BN_OK;
    if (!ok) fprintf(stderr, "%s: %s: %s\n", o->program, path, e.text);
    const char *protocol = ok ? bn_props_get(&props, "security.protocol") : NULL;
    if (protocol && strcmp(protocol, "PLAINTEXT") != 0) {
        fprintf(stderr, "%s: %s: security.protocol=%s: this release speaks PLAINTEXT only\n", o->program, path,
                protocol);
        ok = false;
    }
    bn_props_fini(&props);
    bn_alloc_free(text);
    return ok;
}

struct bn_session *bn_admin_open(const struct bn_options *o) {
    static const char *const files[] = {"command-config", "admin.config"};
    for (size_t i = 0; i < BN_ARRAY_LEN(files); i++) {
        const char *path = bn_options_get(o, files[i]);
        if (path && !check_properties(o, path)) return NULL;
    }
    char *bootstrap = bn_resolve_bootstrap(o);
    struct bn_session *s = bootstrap ? bn_session_open(o->program, bootstrap) : NULL;
    bn_alloc_free(bootstrap);
    return s;
}

/* Exceptions that are not called as their code is. */
static const struct {
    int code;
    const char *name;
} renamed[] = {
    {KE_INVALID_CONFIG, "InvalidConfiguration"},
    {KE_CORRUPT_MESSAGE, "CorruptRecord"},
    {KE_REQUEST_TIMED_OUT, "Timeout"},
    {KE_MESSAGE_TOO_LARGE, "RecordTooLarge"},
    {KE_RECORD_LIST_TOO_LARGE, "RecordBatchTooLarge"},
    {KE_INVALID_TOPIC_EXCEPTION, "InvalidTopic"},
    {KE_TOPIC_ALREADY_EXISTS, "TopicExists"},
    {KE_UNKNOWN_SERVER_ERROR, "UnknownServer"},
    {KE_NON_EMPTY_GROUP, "GroupNotEmpty"},
    {KE_UNSUPPORTED_FOR_MESSAGE_FORMAT, "UnsupportedForMessageFormat"},
};

const char *bn_admin_exception(int code, char out[BN_ADMIN_EXCEPTION_MAX]) {
    char camel[64];
    size_t len = 0;
    bool up = true;
    for (const char *p = bn_errors_name(code); *p && len + 1 < sizeof camel; p++) {
        if (*p == '_')
            up = true;
        else
            camel[len++] = up ? *p : (char)tolower((unsigned char)*p), up = false;
    }
    camel[len] = '\0';
    const char *name = camel;
    for (size_t i = 0; i < BN_ARRAY_LEN(renamed); i++) {
        if (renamed[i].code == code) name = renamed[i].name;
    }
    (void)snprintf(out, BN_ADMIN_EXCEPTION_MAX, "org.apache.kafka.common.errors.%sException", name);
    return out;
}

struct bn_slice bn_admin_message(struct bn_slice message, int code) {
    return message.len > 0 ? message : bn_slice_str(bn_errors_text(code));
}

void bn_admin_suggest_topic(struct bn_session *s, struct bn_slice topic) {
    struct kmsg_metadata_response *all = bn_session_metadata(s);
    struct bn_near near;
    bn_near_init(&near, topic);
    for (int32_t i = 0; all && i < all->topics.n; i++) bn_near_try(&near, all->topics.v[i].name);
    if (near.best.ptr) fprintf(stderr, "(did you mean \"%.*s\"?)\n", BN_SLICE_FMT(near.best));
}
