/* recover.h: from a directory to a log. Private to broker/log. */
#ifndef BN_RECOVER_H
#define BN_RECOVER_H

#include "broker/log/log_int.h"

/* Fills a log that bn_log_open has made: files, segments, end, epochs, producers. */
int bn_recover_run(struct bn_log *l, const struct bn_log_open *o, struct bn_err *e) BN_MUST_CHECK;
/* "<20 digits><suffix>" -> the number; false for anything else. */
bool bn_recover_parse_name(const char *name, const char *suffix, int64_t *base_offset);

#endif
