/* dump.h: what the parts of dump-log share. */
#ifndef BN_DUMP_H
#define BN_DUMP_H

#include "proto/kafka/batch.h"
#include "tools/options.h"

enum bn_dump_decoder { BN_DUMP_STRING, BN_DUMP_LONG, BN_DUMP_INTEGER, BN_DUMP_OFFSETS };

struct bn_dump {
    const char *program;
    bool json, print_data, deep, verify_only, sanity_only, skip_metadata;
    int64_t max_bytes; /* of a .log to look at */
    enum bn_dump_decoder key_decoder, value_decoder;
    int64_t problems; /* found in the files; told on stderr */
};

/* A log file, batch by batch. Hostile bytes are expected. */
struct bn_dump_file {
    const char *path;
    int64_t size, position; /* position: of the next batch */
    int fd;
    struct bn_str bytes; /* of the batch that was read last */
};
/* False after telling stderr. */
bool bn_dump_open(const struct bn_dump *d, const char *path, struct bn_dump_file *f);
/* Reads the batch at f->position and moves behind it. 1; 0 when no whole batch is there. */
int bn_dump_next(struct bn_dump_file *f, struct bn_batch *out);
void bn_dump_close(struct bn_dump_file *f);

/* Each prints one file; false when it can't be read (told). */
bool bn_dump_log(struct bn_dump *d, const char *path);
bool bn_dump_offset_index(struct bn_dump *d, const char *path);
bool bn_dump_time_index(struct bn_dump *d, const char *path);
bool bn_dump_producers(struct bn_dump *d, const char *path);
bool bn_dump_aborted(struct bn_dump *d, const char *path);

/* The number that a segment's file name begins with; -1 when it is none. */
int64_t bn_dump_base_offset(const char *path);

#endif
