/* topic_name.c: Kafka's Topic.validate, and its two internal topics. */
#include "broker/api/topic_name.h"

#include <stdio.h>

enum { NAME_MAX_BYTES = 249 };

bool bn_topic_name_good(struct bn_slice s) {
    if (s.len == 0 || s.len > NAME_MAX_BYTES || bn_slice_eq_str(s, ".") || bn_slice_eq_str(s, "..")) return false;
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.ptr[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                    c == '_' || c == '-';
        if (!good) return false;
    }
    return true;
}

void bn_topic_name_explain(struct bn_slice s, char *text, size_t size) {
    struct bn_slice shown = bn_slice_of(s.ptr, bn_min_size(s.len, 2 * NAME_MAX_BYTES));
    if (s.len == 0) {
        (void)snprintf(text, size, "Topic name is invalid: the empty string is not allowed");
    } else if (bn_slice_eq_str(s, ".") || bn_slice_eq_str(s, "..")) {
        (void)snprintf(text, size, "Topic name is invalid: '%.*s' is not allowed", BN_SLICE_FMT(shown));
    } else if (s.len > NAME_MAX_BYTES) {
        (void)snprintf(text, size,
                       "Topic name is invalid: the length of '%.*s' is longer than the max allowed length %d",
                       BN_SLICE_FMT(shown), NAME_MAX_BYTES);
    } else {
        (void)snprintf(text, size,
                       "Topic name is invalid: '%.*s' contains one or more characters other than ASCII alphanumerics, "
                       "'.', '_' and '-'",
                       BN_SLICE_FMT(shown));
    }
}

bool bn_topic_name_internal(struct bn_slice name) {
    return bn_slice_eq_str(name, "__consumer_offsets") || bn_slice_eq_str(name, "__transaction_state");
}
