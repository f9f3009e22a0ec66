/* client_conf.h: a librdkafka configuration made of what Java users write: --producer-property, --consumer.config FILE,
 * Java's names. */
#ifndef BN_CLIENT_CONF_H
#define BN_CLIENT_CONF_H

#include <librdkafka/rdkafka.h>

#include "common/base/base.h"
#include "common/conf/props.h"
#include "tools/options.h"

/* Sets one property by its Java or librdkafka name. Java properties that have no counterpart (serializers, JVM matters)
 * are left out silently. False after telling stderr, with the program's name, what is wrong. */
bool bn_client_conf_set(rd_kafka_conf_t *conf, const char *program, const char *name, const char *value);
/* "name=value". */
bool bn_client_conf_set_pair(rd_kafka_conf_t *conf, const char *program, const char *pair);
/* A file in Java's properties format; bn_props_fini it in any case. False after telling stderr. */
bool bn_client_conf_read(struct bn_props *out, const char *program, const char *path);
/* Every property of such a file. */
bool bn_client_conf_load(rd_kafka_conf_t *conf, const char *program, const char *path);
/* Did the command line set this property itself: in --<pairs> name=value, or in the file of --<file>? */
bool bn_client_conf_given(const char *name, const struct bn_options *o, const char *pairs, const char *file);
/* Makes a producer idempotent as Java's is since 3.0: unless somebody said so himself, or set acks or retries to what
 * rules it out. */
bool bn_client_conf_idempotent(rd_kafka_conf_t *conf, const struct bn_options *o, const char *pairs, const char *file);

#endif
