/* dump_log.c: the batches and records of a segment, a line each.
 */
#include <stdio.h>

#include "common/base/alloc.h"
#include "tools/dump.h"
#include "tools/grouplines.h"
#include "tools/jsonout.h"

enum { EXPANDED_MAX = 1 << 30 };

static const char *const codecs[] = {"none", "gzip", "snappy", "lz4", "zstd"};

static const char *codec_name(const struct bn_batch *b) {
    size_t codec = (size_t)bn_batch_codec(b);
    return codec < BN_ARRAY_LEN(codecs) ? codecs[codec] : "unknown";
}

static const char *yes(bool b) { return b ? "true" : "false"; }

static const char *time_name(const struct bn_batch *b) {
    return b->attributes & BN_BATCH_APPEND_TIME ? "LogAppendTime" : "CreateTime";
}

static void print_batch(const struct bn_batch *b, int64_t position, bool valid) {
    char horizon[48] = "OptionalLong.empty";
    if (b->attributes & BN_BATCH_DELETE_HORIZON)
        (void)snprintf(horizon, sizeof horizon, "OptionalLong[%" PRId64 "]", b->base_timestamp);
    printf("baseOffset: %" PRId64 " lastOffset: %" PRId64
           " count: %d baseSequence: %d lastSequence: %d producerId: %" PRId64
           " producerEpoch: %d partitionLeaderEpoch: %d isTransactional: %s isControl: %s deleteHorizonMs: %s ",
           b->base_offset, bn_batch_last_offset(b), b->record_count, b->base_sequence, bn_batch_last_sequence(b),
           b->producer_id, b->producer_epoch, b->leader_epoch, yes(b->attributes & BN_BATCH_TRANSACTIONAL),
           yes(b->attributes & BN_BATCH_CONTROL), horizon);
    printf("position: %" PRId64 " %s: %" PRId64 " size: %zu magic: %d compresscodec: %s crc: %" PRIu32 " isvalid: %s\n",
           position, time_name(b), b->max_timestamp, b->bytes.len, b->magic, codec_name(b), b->crc, yes(valid));
}

static void json_batch(struct bn_jsonout *j, const struct bn_batch *b, int64_t position, bool valid) {
    bn_jsonout_number(j, "baseOffset", b->base_offset);
    bn_jsonout_number(j, "lastOffset", bn_batch_last_offset(b));
    bn_jsonout_number(j, "count", b->record_count);
    bn_jsonout_number(j, "baseSequence", b->base_sequence);
    bn_jsonout_number(j, "producerId", b->producer_id);
    bn_jsonout_number(j, "producerEpoch", b->producer_epoch);
    bn_jsonout_number(j, "partitionLeaderEpoch", b->leader_epoch);
    bn_jsonout_bool(j, "isTransactional", b->attributes & BN_BATCH_TRANSACTIONAL);
    bn_jsonout_bool(j, "isControl", b->attributes & BN_BATCH_CONTROL);
    bn_jsonout_number(j, "position", position);
    bn_jsonout_number(j, b->attributes & BN_BATCH_APPEND_TIME ? "logAppendTime" : "createTime", b->max_timestamp);
    bn_jsonout_number(j, "size", (int64_t)b->bytes.len);
    bn_jsonout_text(j, "codec", bn_slice_str(codec_name(b)));
    bn_jsonout_number(j, "crc", b->crc);
    bn_jsonout_bool(j, "isValid", valid);
}

static int64_t sequence_of(const struct bn_batch *b, const struct bn_record *r) {
    if (b->base_sequence < 0) return -1;
    return ((int64_t)b->base_sequence + (r->offset - b->base_offset)) & INT32_MAX;
}

static int64_t length_of(struct bn_slice s) { return s.ptr ? (int64_t)s.len : -1; }

static void print_bytes(enum bn_dump_decoder decoder, struct bn_slice s) {
    if (decoder == BN_DUMP_LONG && s.len == 8)
        printf("%" PRId64, (int64_t)bn_get_u64(s.ptr));
    else if (decoder == BN_DUMP_INTEGER && s.len == 4)
        printf("%d", (int32_t)bn_get_u32(s.ptr));
    else
        fwrite(s.ptr, 1, s.len, stdout);
}

/* What a control record says: key = version and type, value = version and the coordinator's epoch. */
static void print_marker(const struct bn_record *r) {
    if (r->key.len < 4) return;
    int16_t type = (int16_t)bn_get_u16(r->key.ptr + 2);
    if (type != 0 && type != 1)
        printf(" controlType: UNKNOWN(%d)", type);
    else
        printf(" endTxnMarker: %s coordinatorEpoch: %d", type ? "COMMIT" : "ABORT",
               r->value.len >= 6 ? (int32_t)bn_get_u32(r->value.ptr + 2) : -1);
}

/* A record of __consumer_offsets: a null value is shown, too, as what it does. */
static void print_offset(const struct bn_dump *d, const struct bn_record *r) {
    struct bn_str line;
    bn_str_init(&line);
    bn_str_add(&line, d->skip_metadata ? "| key: " : " key: ");
    bn_grouplines_dump_key(r->key, &line);
    bn_str_add(&line, " payload: ");
    bn_grouplines_dump_value(r->key, r->value, &line);
    fputs(line.ptr, stdout);
    bn_str_fini(&line);
}

static void print_record(const struct bn_dump *d, const struct bn_batch *b, const struct bn_record *r) {
    if (!d->skip_metadata) {
        printf("| offset: %" PRId64 " %s: %" PRId64 " keySize: %" PRId64 " valueSize: %" PRId64 " sequence: %" PRId64
               " headerKeys: [",
               r->offset, time_name(b), b->attributes & BN_BATCH_APPEND_TIME ? b->max_timestamp : r->timestamp,
               length_of(r->key), length_of(r->value), sequence_of(b, r));
        struct bn_slice headers = r->headers, key, value;
        for (int32_t i = 0; i < r->header_count && bn_batch_next_header(&headers, &key, &value) == BN_OK; i++)
            printf("%s%.*s", i ? "," : "", BN_SLICE_FMT(key));
        putchar(']');
    }
    if (b->attributes & BN_BATCH_CONTROL) {
        if (!d->skip_metadata) print_marker(r);
    } else if (d->print_data && d->key_decoder == BN_DUMP_OFFSETS) {
        print_offset(d, r);
    } else if (d->print_data) {
        if (r->key.ptr) fputs(d->skip_metadata ? "| key: " : " key: ", stdout), print_bytes(d->key_decoder, r->key);
        if (r->value.ptr) fputs(" payload: ", stdout), print_bytes(d->value_decoder, r->value);
    }
    putchar('\n');
}

static void json_offset(struct bn_jsonout *j, const struct bn_record *r) {
    struct bn_str text;
    bn_str_init(&text);
    bn_grouplines_dump_key(r->key, &text);
    bn_jsonout_text(j, "key", bn_str_slice(&text));
    bn_str_clear(&text);
    bn_grouplines_dump_value(r->key, r->value, &text);
    bn_jsonout_text(j, "value", r->value.ptr ? bn_str_slice(&text) : BN_SLICE_NULL);
    bn_str_fini(&text);
}

static void json_record(const struct bn_dump *d, struct bn_jsonout *j, const struct bn_batch *b,
                        const struct bn_record *r) {
    bn_jsonout_object(j, NULL);
    bn_jsonout_number(j, "offset", r->offset);
    bn_jsonout_number(j, "timestamp", b->attributes & BN_BATCH_APPEND_TIME ? b->max_timestamp : r->timestamp);
    bn_jsonout_number(j, "keySize", length_of(r->key));
    bn_jsonout_number(j, "valueSize", length_of(r->value));
    bn_jsonout_array(j, "headerKeys");
    struct bn_slice headers = r->headers, key, value;
    for (int32_t i = 0; i < r->header_count && bn_batch_next_header(&headers, &key, &value) == BN_OK; i++)
        bn_jsonout_text(j, NULL, key);
    bn_jsonout_end(j);
    if (d->print_data && d->key_decoder == BN_DUMP_OFFSETS)
        json_offset(j, r);
    else if (d->print_data)
        bn_jsonout_text(j, "key", r->key), bn_jsonout_text(j, "value", r->value);
    bn_jsonout_end(j);
}

struct walk {
    int64_t last_offset; /* -1 before the first record */
    struct bn_str gaps;  /* the lines about what is not consecutive */
};

/* The records of one batch; false when they can't be read. */
static bool dump_records(const struct bn_dump *d, const struct bn_batch *b, struct walk *w, struct bn_jsonout *j) {
    struct bn_batch_iter it;
    struct bn_record r;
    int rc = bn_batch_iter_init(&it, b, EXPANDED_MAX), more = rc == BN_OK;
    while (more && (rc = bn_batch_iter_next(&it, &r)) == 1) {
        if (w->last_offset >= 0 && r.offset != w->last_offset + 1)
            bn_str_addf(&w->gaps, "  %" PRId64 " is followed by %" PRId64 "\n", w->last_offset, r.offset);
        w->last_offset = r.offset;
        if (j)
            json_record(d, j, b, &r);
        else
            print_record(d, b, &r);
    }
    bn_batch_iter_fini(&it);
    return rc == 0;
}

static bool dump_batch(struct bn_dump *d, const struct bn_dump_file *f, const struct bn_batch *b, struct walk *w) {
    bool valid = bn_batch_crc_ok(b), ok = true;
    int64_t position = f->position - (int64_t)b->bytes.len;
    struct bn_jsonout j;
    if (!valid) d->problems++;
    if (d->json) {
        bn_jsonout_init(&j);
        bn_jsonout_text(&j, "file", bn_slice_str(f->path));
        json_batch(&j, b, position, valid);
        if (d->deep) bn_jsonout_array(&j, "records");
        if (d->deep) ok = dump_records(d, b, w, &j);
        bn_jsonout_print(&j);
    } else {
        print_batch(b, position, valid);
        if (d->deep) ok = dump_records(d, b, w, NULL);
    }
    if (ok) return true;
    fflush(stdout);
    fprintf(stderr, "%s: %s: Failed to decompress record stream of the batch at position %" PRId64 "\n", d->program,
            f->path, position);
    return false;
}

static const char *name_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool bn_dump_log(struct bn_dump *d, const char *path) {
    struct bn_dump_file f;
    struct bn_batch b;
    struct walk w = {.last_offset = -1};
    if (!d->json) printf("Log starting offset: %" PRId64 "\n", bn_dump_base_offset(path));
    if (!bn_dump_open(d, path, &f)) return false;
    bn_str_init(&w.gaps);
    int64_t size = f.size;
    if (d->max_bytes < f.size) f.size = d->max_bytes;
    bool ok = true;
    while (ok && bn_dump_next(&f, &b) == 1) ok = dump_batch(d, &f, &b, &w);
    if (ok && f.size == size && f.position < size) {
        int64_t bad = size - f.position;
        if (d->json) fflush(stdout);
        fprintf(d->json ? stderr : stdout, "Found %" PRId64 " invalid bytes at the end of %s\n", bad, name_of(path));
        d->problems++;
    }
    fflush(stdout);
    if (w.gaps.len > 0) {
        fprintf(stderr, "Non-consecutive offsets in %s\n%s", path, w.gaps.ptr);
        d->problems++;
    }
    bn_str_fini(&w.gaps);
    bn_dump_close(&f);
    return ok;
}
