/* admin_int.h: what admin.c and admin_config.c share. */
#ifndef BN_ADMIN_INT_H
#define BN_ADMIN_INT_H

#include "controller/admin.h"

/* Room for count + 1 items in the request's arena; a negative count is 0. NULL: the arena is full. */
void *bn_admin_take(struct bn_admin *a, int32_t count, size_t size);
/* A C string in the arena ('?' for each NUL). NULL for null, and when the arena is full. */
const char *bn_admin_copy(struct bn_admin *a, struct bn_slice s);

/* An error's text, if there is room for texts. */
static inline struct bn_slice bn_admin_text(const struct bn_admin *a, const char *message) {
    return a->telling < BN_ADMIN_CODES ? bn_slice_str(message) : BN_SLICE_NULL;
}

/* admin_config.c */
bool bn_admin_config_is(const struct bn_admin *a); /* the request changes configs */
bool bn_admin_config_take(struct bn_admin *a, const Bn__AdminRequest *in);
void bn_admin_config_encode(struct bn_admin *a, const struct bn_output_reply *r, struct bn_chain *out);

#endif
