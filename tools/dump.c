/* dump.c: `barnabas dump-log` and kafka-dump-log.sh (9-tools 9.11): which files, which way. Reads files only; what is
 * found wrong is told on stderr, and ends `barnabas dump-log` with 1 (Kafka's tool ends with 0).
 */
#include "tools/dump.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "tools/admin.h"
#include "tools/command.h"

static const struct bn_option table[] = {
    {"files", BN_OPTION_VALUE, "the files, separated by commas: .log .index .timeindex .snapshot .txnindex (required)"},
    {"print-data-log", BN_OPTION_FLAG, "also keys and values; implies --deep-iteration"},
    {"deep-iteration", BN_OPTION_FLAG, "also the records in the batches"},
    {"verify-index-only", BN_OPTION_FLAG, "hold indices against their log without printing them"},
    {"index-sanity-check", BN_OPTION_FLAG, "only check that indices are sound"},
    {"max-bytes", BN_OPTION_VALUE, "look at so much of a log"},
    {"skip-record-metadata", BN_OPTION_FLAG, "only keys and values of records"},
    {"key-decoder-class", BN_OPTION_VALUE, "String (default), Long or IntegerDecoder"},
    {"value-decoder-class", BN_OPTION_VALUE, "String (default), Long or IntegerDecoder"},
    {"max-message-size", BN_OPTION_VALUE, NULL},
    {"offsets-decoder", BN_OPTION_FLAG, "records of __consumer_offsets, in words"},
    {"transaction-log-decoder", BN_OPTION_FLAG, NULL},
    {"cluster-metadata-decoder", BN_OPTION_FLAG, NULL},
    {"remote-log-metadata-decoder", BN_OPTION_FLAG, NULL},
    {"format", BN_OPTION_VALUE, "text (default) or json: a line per batch, entry or state"},
    {"help", BN_OPTION_FLAG, "this text"},
    {"version", BN_OPTION_FLAG, "the version"},
    {NULL, BN_OPTION_FLAG, NULL},
};

bool bn_dump_open(const struct bn_dump *d, const char *path, struct bn_dump_file *f) {
    struct stat stat;
    *f = (struct bn_dump_file){.path = path, .fd = open(path, O_RDONLY | O_CLOEXEC)};
    if (f->fd < 0 || fstat(f->fd, &stat) < 0 || !S_ISREG(stat.st_mode)) {
        fflush(stdout);
        fprintf(stderr, "%s: %s: %s\n", d->program, path, f->fd < 0 ? strerror(errno) : "is no file");
        if (f->fd >= 0) close(f->fd);
        return false;
    }
    f->size = stat.st_size;
    bn_str_init(&f->bytes);
    return true;
}

void bn_dump_close(struct bn_dump_file *f) {
    close(f->fd);
    bn_str_fini(&f->bytes);
}

/* Reads bytes at the position into f->bytes, as many as asked for and there. */
static bool fill(struct bn_dump_file *f, size_t len) {
    bn_str_clear(&f->bytes);
    char *room = bn_str_reserve(&f->bytes, len);
    while (f->bytes.len < len) {
        ssize_t got = pread(f->fd, room + f->bytes.len, len - f->bytes.len, f->position + (int64_t)f->bytes.len);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        f->bytes.len += (size_t)got;
    }
    return true;
}

int bn_dump_next(struct bn_dump_file *f, struct bn_batch *out) {
    if (f->position < 0 || f->size - f->position < BN_BATCH_HEADER || !fill(f, BN_BATCH_OVERHEAD)) return 0;
    int64_t len = (int64_t)(int32_t)bn_get_u32((const uint8_t *)f->bytes.ptr + 8) + BN_BATCH_OVERHEAD;
    if (len < BN_BATCH_HEADER || len > f->size - f->position || !fill(f, (size_t)len)) return 0;
    if (bn_batch_peek(bn_str_slice(&f->bytes), out) != BN_OK) return 0;
    f->position += len;
    return 1;
}

int64_t bn_dump_base_offset(const char *path) {
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    int64_t base;
    return bn_slice_to_i64(bn_slice_of(name, strcspn(name, ".")), &base) ? base : -1;
}

static const struct {
    const char *suffix;
    bool (*dump)(struct bn_dump *d, const char *path);
} kinds[] = {
    {".log", bn_dump_log},
    {".index", bn_dump_offset_index},
    {".timeindex", bn_dump_time_index},
    {".snapshot", bn_dump_producers},
    {".txnindex", bn_dump_aborted},
};

static bool dump_one(struct bn_dump *d, const char *path) {
    if (!d->json) printf("Dumping %s\n", path);
    fflush(stdout);
    size_t len = strlen(path);
    for (size_t i = 0; i < BN_ARRAY_LEN(kinds); i++) {
        size_t tail = strlen(kinds[i].suffix);
        if (len >= tail && strcmp(path + len - tail, kinds[i].suffix) == 0) return kinds[i].dump(d, path);
    }
    fflush(stdout);
    fprintf(stderr, "Ignoring unknown file %s\n", path);
    return true;
}

/* Kafka names decoders by class, in one of three packages. */
static bool read_decoder(const struct bn_options *o, const char *option, enum bn_dump_decoder *out) {
    const char *name = bn_options_get(o, option);
    const char *last = name ? strrchr(name, '.') : NULL;
    last = last ? last + 1 : name;
    if (name && strncmp(name, "kafka.serializer.", 17) == 0)
        printf("%s is deprecated. Please use org.apache.kafka.tools.api.%s instead\n", name, last);
    if (!name || strcmp(last, "StringDecoder") == 0 || strcmp(last, "DefaultDecoder") == 0)
        *out = BN_DUMP_STRING;
    else if (strcmp(last, "LongDecoder") == 0)
        *out = BN_DUMP_LONG;
    else if (strcmp(last, "IntegerDecoder") == 0)
        *out = BN_DUMP_INTEGER;
    else
        return fprintf(stderr, "%s: --%s %s: use StringDecoder, LongDecoder or IntegerDecoder\n", o->program, option,
                       name),
               false;
    return true;
}

static bool read_options(const struct bn_options *o, struct bn_dump *d) {
    static const char *const elsewhere[] = {"transaction-log-decoder", "cluster-metadata-decoder",
                                            "remote-log-metadata-decoder"};
    bool bad = false;
    for (size_t i = 0; i < BN_ARRAY_LEN(elsewhere); i++) {
        if (!bn_options_has(o, elsewhere[i])) continue;
        fprintf(stderr, "%s: --%s: this release writes no such records; use --print-data-log\n", o->program,
                elsewhere[i]);
        return false;
    }
    d->program = o->program;
    bool offsets = bn_options_has(o, "offsets-decoder");
    d->print_data = offsets || bn_options_has(o, "print-data-log") || bn_options_has(o, "key-decoder-class") ||
                    bn_options_has(o, "value-decoder-class");
    d->deep = d->print_data || bn_options_has(o, "deep-iteration");
    d->verify_only = bn_options_has(o, "verify-index-only");
    d->sanity_only = bn_options_has(o, "index-sanity-check");
    d->skip_metadata = bn_options_has(o, "skip-record-metadata");
    d->max_bytes = bn_options_number(o, "max-bytes", INT64_MAX, &bad);
    if (!bn_options_has(o, "files") && o->rest_count == 0) {
        fprintf(stderr, "Missing required argument \"[files]\"\n");
        return false;
    }
    if (bad || !bn_admin_json(o, &d->json) || !read_decoder(o, "key-decoder-class", &d->key_decoder) ||
        !read_decoder(o, "value-decoder-class", &d->value_decoder))
        return false;
    if (offsets) d->key_decoder = d->value_decoder = BN_DUMP_OFFSETS;
    return true;
}

static bool dump_list(struct bn_dump *d, const char *list) {
    bool ok = true;
    while (*list && ok) {
        size_t len = strcspn(list, ",");
        char *path = bn_alloc_strndup(list, len);
        ok = dump_one(d, path);
        bn_alloc_free(path);
        list += len + (list[len] == ',');
    }
    return ok;
}

int bn_dump_command(int argc, char **argv) {
    struct bn_options o;
    bool kafka = strcmp(argv[0], "dump-log") != 0;
    int misuse = kafka ? BN_COMMAND_FAILED : BN_COMMAND_USAGE;
    if (bn_options_parse(&o, kafka ? "kafka-dump-log" : "barnabas dump-log", table, argc, argv) < 0) return misuse;
    int rc = bn_admin_help(&o, argc, "barnabas dump-log FILE... [options]", misuse);
    struct bn_dump d = {.problems = 0};
    const char *files;
    if (rc < 0 && !read_options(&o, &d)) rc = misuse;
    if (rc < 0) {
        bool ok = true;
        for (int at = 0; ok && (files = bn_options_next(&o, "files", &at)) != NULL;) ok = dump_list(&d, files);
        for (int i = 0; ok && i < o.rest_count; i++) ok = dump_list(&d, o.rest[i]);
        rc = ok && (kafka || d.problems == 0) ? BN_COMMAND_OK : BN_COMMAND_FAILED;
    }
    bn_options_fini(&o);
    return rc;
}
