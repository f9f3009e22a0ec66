/* partdir.c: the names of partitions' directories. What does not parse is nobody's: it is never opened and never
 * removed. Kafka's "-future", a replica on its way to another directory, is not made here and left alone as well. */
#include "broker/log/partdir.h"

#include <stdio.h>

#include "common/base/slice.h"

static bool is_topic_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("._-", c);
}

bool bn_partdir_is(const char *name, const char *suffix) {
    size_t n = strlen(name), m = strlen(suffix);
    return n > m && strcmp(name + n - m, suffix) == 0;
}

bool bn_partdir_parse(const char *name, char topic[BN_PARTDIR_TOPIC], int32_t *partition) {
    const char *dash = strrchr(name, '-');
    if (!dash || dash == name || dash - name >= BN_PARTDIR_TOPIC) return false;
    size_t len = (size_t)(dash - name), digits = strlen(dash + 1);
    int64_t n;
    if (digits == 0 || digits > 10 || (dash[1] == '0' && digits > 1)) return false;
    if (!bn_slice_to_i64(bn_slice_str(dash + 1), &n) || n < 0 || n > INT32_MAX) return false;
    for (size_t i = 0; i < len; i++) {
        if (!is_topic_char(name[i])) return false;
    }
    memcpy(topic, name, len);
    topic[len] = '\0';
    *partition = (int32_t)n;
    return true;
}

void bn_partdir_renamed(char out[BN_PARTDIR_MAX + 1], const char *topic, int32_t partition, const uint8_t random[16],
                        const char *suffix) {
    char hex[33], tail[64];
    for (size_t i = 0; i < 16; i++) snprintf(hex + 2 * i, 3, "%02x", random[i]);
    int tail_len = snprintf(tail, sizeof tail, "-%" PRId32 ".%s%s", partition, hex, suffix);
    snprintf(out, BN_PARTDIR_MAX + 1, "%.*s%s", BN_PARTDIR_MAX - tail_len, topic, tail);
}
