/* endpoint.c: parses listener lists. Text comes from the operator's file, so every refusal says what is wrong
 * with which item. */
#include "common/conf/endpoint.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/base/check.h"
#include "common/conf/conf_value.h"

static const char *const protocol_names[] = {"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"};

const char *bn_endpoint_protocol_name(enum bn_endpoint_protocol protocol) {
    BN_ASSERT(protocol >= BN_ENDPOINT_PLAINTEXT && protocol <= BN_ENDPOINT_SASL_SSL);
    return protocol_names[protocol];
}

static bool eq_no_case(struct bn_slice a, const char *b) {
    return a.len == strlen(b) && strncasecmp((const char *)a.ptr, b, a.len) == 0;
}

/* The protocol of a listener's name by the map "NAME:PROTOCOL,...". */
static int find_protocol(const char *map, const char *name, enum bn_endpoint_protocol *out, struct bn_err *e) {
    struct bn_slice rest = bn_slice_str(map), item;
    while (bn_conf_value_next_item(&rest, &item)) {
        const uint8_t *colon = item.len ? memchr(item.ptr, ':', item.len) : NULL;
        if (!colon) return bn_err_set(e, BN_BAD, "%.*s is not NAME:PROTOCOL", BN_SLICE_FMT(item));
        size_t at = (size_t)(colon - item.ptr);
        if (!eq_no_case(bn_conf_value_trim(bn_slice_of(item.ptr, at)), name)) continue;
        struct bn_slice protocol = bn_conf_value_trim(bn_slice_of(colon + 1, item.len - at - 1));
        for (size_t i = 0; i < BN_ARRAY_LEN(protocol_names); i++) {
            if (!eq_no_case(protocol, protocol_names[i])) continue;
            *out = (enum bn_endpoint_protocol)i;
            return 0;
        }
        return bn_err_set(e, BN_BAD, "%.*s is no security protocol", BN_SLICE_FMT(protocol));
    }
    return bn_err_set(e, BN_BAD, "no security protocol defined for listener %s", name);
}

static int parse_item(struct bn_slice item, struct bn_endpoint *out, struct bn_err *e) {
    const uint8_t *sep = item.len ? memmem(item.ptr, item.len, "://", 3) : NULL;
    size_t name_len = sep ? (size_t)(sep - item.ptr) : 0;
    const uint8_t *colon = sep ? memrchr(sep + 3, ':', item.len - name_len - 3) : NULL;
    if (!colon || name_len == 0 || name_len >= sizeof out->name) {
        return bn_err_set(e, BN_BAD, "%.*s is not NAME://host:port", BN_SLICE_FMT(item));
    }
    struct bn_slice host = bn_slice_of(sep + 3, (size_t)(colon - sep) - 3);
    struct bn_slice port = bn_slice_of(colon + 1, item.len - (size_t)(colon + 1 - item.ptr));
    int64_t number;
    if (!bn_slice_to_i64(port, &number) || number < 0 || number > 65535) {
        return bn_err_set(e, BN_BAD, "%.*s: %.*s is no port", BN_SLICE_FMT(item), BN_SLICE_FMT(port));
    }
    bool bracketed = host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
    if (bracketed) host = bn_slice_of(host.ptr + 1, host.len - 2);
    if (host.len >= sizeof out->host || (!bracketed && host.len && memchr(host.ptr, ':', host.len))) {
        return bn_err_set(e, BN_BAD, "%.*s: %.*s is no host", BN_SLICE_FMT(item), BN_SLICE_FMT(host));
    }
    *out = (struct bn_endpoint){.port = (int)number};
    for (size_t i = 0; i < name_len; i++) out->name[i] = (char)toupper(item.ptr[i]);
    if (host.len) memcpy(out->host, host.ptr, host.len);
    return 0;
}

static bool is_v6(const struct bn_endpoint *p) { return strchr(p->host, ':') != NULL; }

static bool is_v4(const struct bn_endpoint *p) {
    return p->host[0] && strspn(p->host, "0123456789.") == strlen(p->host);
}

static int check_pair(const struct bn_endpoint *a, const struct bn_endpoint *b, bool advertised, struct bn_err *e) {
    if (strcmp(a->name, b->name) == 0) return bn_err_set(e, BN_BAD, "two listeners are called %s", a->name);
    if (advertised || a->port != b->port || a->port == 0) return 0;
    if ((is_v4(a) && is_v6(b)) || (is_v6(a) && is_v4(b))) return 0;
    return bn_err_set(e, BN_BAD, "%s and %s have the same port %d", a->name, b->name, a->port);
}

int bn_endpoint_parse(const char *list, const char *protocols, bool advertised, struct bn_endpoint *out,
                      struct bn_err *e) {
    struct bn_slice rest = bn_slice_str(list), item;
    int count = 0;
    while (bn_conf_value_next_item(&rest, &item)) {
        if (count == BN_ENDPOINT_MAX) return bn_err_set(e, BN_BAD, "more than %d listeners", BN_ENDPOINT_MAX);
        int rc = parse_item(item, &out[count], e);
        if (rc == 0) rc = find_protocol(protocols, out[count].name, &out[count].protocol, e);
        for (int i = 0; i < count && rc == 0; i++) rc = check_pair(&out[i], &out[count], advertised, e);
        if (rc) return rc;
        if (advertised && (strcmp(out[count].host, "0.0.0.0") == 0 || strcmp(out[count].host, "::") == 0)) {
            return bn_err_set(e, BN_BAD, "%s cannot be advertised: nobody can connect to it", out[count].host);
        }
        count++;
    }
    return count;
}

const struct bn_endpoint *bn_endpoint_find(const struct bn_endpoint *list, int count, const char *name) {
    for (int i = 0; i < count; i++) {
        if (strcasecmp(list[i].name, name) == 0) return &list[i];
    }
    return NULL;
}
