/* chain.h: an output chain. A part is memory or a range of a file; producers build chains, and only
 * common/sys/sock knows writev and sendfile. Not thread-safe; may be moved between threads whole. */
#ifndef BN_CHAIN_H
#define BN_CHAIN_H

#include "common/base/base.h"
#include "common/base/buf.h"
#include "common/base/slice.h"

enum bn_part_kind {
    BN_PART_MEM,  /* in a block the chain owns */
    BN_PART_BUF,  /* in a shared buf */
    BN_PART_FILE, /* length bytes of a shared file at offset */
};

struct bn_part {
    enum bn_part_kind kind;
    const uint8_t *ptr;       /* MEM, BUF */
    int64_t offset;           /* FILE */
    size_t len;               /* bytes left to send; never 0 */
    struct bn_shared *holder; /* reference dropped when the part is consumed */
    int fd;                   /* FILE */
};

struct bn_chain {
    struct bn_part *parts; /* parts[first .. first+count) are live */
    uint32_t first, count, capacity;
    size_t size_bytes;      /* sum of len over live parts */
    struct bn_buf *tail;    /* the block that small writes go to; room from tail->len */
};

void bn_chain_init(struct bn_chain *c); /* empty; allocates nothing */
void bn_chain_fini(struct bn_chain *c); /* drops every part */
/* len contiguous bytes at the end for the caller to fill now; they stay in place until sent. */
uint8_t *bn_chain_reserve(struct bn_chain *c, size_t len);
void bn_chain_append(struct bn_chain *c, const void *ptr, size_t len); /* copies */
/* shares: the chain takes its own reference. ptr must lie in b. len may be 0 (nothing happens). */
void bn_chain_append_buf(struct bn_chain *c, struct bn_buf *b, const uint8_t *ptr, size_t len);
void bn_chain_append_file(struct bn_chain *c, struct bn_fd *f, int64_t offset, size_t len);
/* Moves all of src to the end of dst; src is left empty. */
void bn_chain_splice(struct bn_chain *dst, struct bn_chain *src);
/* Drops the first len bytes (len <= size_bytes): they have been sent. */
void bn_chain_consume(struct bn_chain *c, size_t len);
/* Copies the first len (<= p->len) bytes of a part to memory. Returns 0 or BN_IO (also when the file ends before). */
int bn_chain_copy_part(const struct bn_part *p, size_t len, uint8_t *out) BN_MUST_CHECK;
/* Copies all to memory (file parts with pread): for tests, tools and small RPC bodies. Returns 0 or BN_IO. */
int bn_chain_copy_out(const struct bn_chain *c, uint8_t *out) BN_MUST_CHECK;

#endif
