/* topic_name.c: Kafka's Topic.validate, and its two internal topics. */
#include "broker/api/topic_name.h"

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

bool bn_topic_name_internal(struct bn_slice name) {
    return bn_slice_eq_str(name, "__consumer_offsets") || bn_slice_eq_str(name, "__transaction_state");
}
