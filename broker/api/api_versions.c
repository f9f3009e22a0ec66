/* api_versions.c: ApiVersions 0-4: the rows of api.def, which is exactly what is served. There are no features to
 * tell: those that Kafka 3.9 has belong to its own metadata log. A version from the future is answered by api.c. */
#include <ctype.h>

#include "broker/api/api.h"

/* [a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])? as Kafka has it: what may stand in a metric's name. */
static bool good_name(struct bn_slice s) {
    if (s.len == 0 || !isalnum(s.ptr[0]) || !isalnum(s.ptr[s.len - 1])) return false;
    for (size_t i = 0; i < s.len; i++) {
        if (!isalnum(s.ptr[i]) && s.ptr[i] != '-' && s.ptr[i] != '.') return false;
    }
    return true;
}

void bn_api_api_versions(struct bn_request *r) {
    const struct kmsg_api_versions_request *q = r->message;
    struct kmsg_api_versions_response response = kmsg_api_versions_response_default;
    if (r->header.api_version >= 3 && !(good_name(q->client_software_name) && good_name(q->client_software_version))) {
        response.error_code = KE_INVALID_REQUEST;
        bn_request_reply(r, &response);
        return;
    }
    int count = 0;
    const struct bn_api_row *rows = bn_api_rows(&count);
    response.api_keys.v = bn_arena_array(&r->arena, (size_t)count, sizeof *response.api_keys.v);
    if (!response.api_keys.v) {
        bn_request_close(r, "no memory is left for the answer");
        return;
    }
    response.api_keys.n = count;
    for (int i = 0; i < count; i++) {
        response.api_keys.v[i] = (struct kmsg_api_versions_response_api_key){
            .api_key = rows[i].key, .min_version = rows[i].min_version, .max_version = rows[i].max_version};
    }
    bn_request_reply(r, &response);
}
