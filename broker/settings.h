/* settings.h: what the broker itself reads of server.properties, in the types it uses. */
#ifndef BN_SETTINGS_H
#define BN_SETTINGS_H

#include "broker/image/image.h"
#include "broker/log/log.h"
#include "broker/net/listener.h"
#include "common/conf/conf.h"
#include "common/conf/endpoint.h"

struct bn_settings {
    const struct bn_conf *conf; /* borrowed */
    /* an advertised port 0: as listened on */
    struct bn_endpoint listeners[BN_ENDPOINT_MAX], advertised[BN_ENDPOINT_MAX];
    int listener_count, advertised_count;
    char inter_broker[128]; /* name of the listener that brokers use among themselves */
    char **log_dirs;
    int log_dir_count;
    struct bn_listener_exception *exceptions; /* max.connections.per.ip.overrides */
    int exception_count;
    int shard_count, io_threads, cleaner_threads;
    uint64_t checkpoint_ms;
};

/* conf was checked (conf.h). cores: of this machine. BN_BAD names the key, what is wrong and the remedy; fini in any
 * case. May look up this machine's own name: blocking. */
int bn_settings_init(struct bn_settings *s, const struct bn_conf *conf, int cores, struct bn_err *e) BN_MUST_CHECK;
void bn_settings_fini(struct bn_settings *s);
/* Parses max.connections.per.ip.overrides: "10.0.0.1:100,::1:5". *out is the caller's to free, also after BN_BAD. */
int bn_settings_read_exceptions(const struct bn_conf *conf, struct bn_listener_exception **out, int *count,
                                struct bn_err *e) BN_MUST_CHECK;
void bn_settings_free_exceptions(struct bn_listener_exception *exceptions, int count);
/* A topic's configuration: its overrides in the image over the broker's own, conf. Any thread. */
void bn_settings_topic(const struct bn_conf *conf, const struct bn_image *image, const char *topic,
                       struct bn_log_config *out, int32_t *min_insync);

#endif
