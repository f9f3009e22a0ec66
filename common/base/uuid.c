/* uuid.c: Kafka's ids. Their text is base64 with '-' and '_' and without padding: 16 bytes are five groups of
 * three and one byte over, which makes 22 characters, the last of which carries two bits. */
#include "common/base/uuid.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

bool bn_uuid_from_random(const uint8_t random[16], struct bn_uuid *out) {
    memcpy(out->bytes, random, 16);
    out->bytes[6] = (uint8_t)((out->bytes[6] & 0x0f) | 0x40);
    out->bytes[8] = (uint8_t)((out->bytes[8] & 0x3f) | 0x80);
    /* With the version bits in place neither zero nor one (reserved by Kafka) can come out; a leading '-'
     * can, and would look like an option on a command line. */
    char text[BN_UUID_TEXT_LEN + 1];
    bn_uuid_format(out, text);
    return text[0] != '-';
}

void bn_uuid_format(const struct bn_uuid *u, char out[BN_UUID_TEXT_LEN + 1]) {
    size_t at = 0;
    for (size_t i = 0; i < 15; i += 3) {
        uint32_t v = (uint32_t)u->bytes[i] << 16 | (uint32_t)u->bytes[i + 1] << 8 | u->bytes[i + 2];
        out[at++] = alphabet[v >> 18];
        out[at++] = alphabet[(v >> 12) & 63];
        out[at++] = alphabet[(v >> 6) & 63];
        out[at++] = alphabet[v & 63];
    }
    out[at++] = alphabet[u->bytes[15] >> 2];
    out[at++] = alphabet[(u->bytes[15] & 3) << 4];
    out[at] = '\0';
}

static int value_of(uint8_t c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

bool bn_uuid_parse(struct bn_slice text, struct bn_uuid *out) {
    if (text.len != BN_UUID_TEXT_LEN) return false;
    uint32_t bits = 0;
    int have = 0;
    size_t at = 0;
    for (size_t i = 0; i < text.len; i++) {
        int v = value_of(text.ptr[i]);
        if (v < 0) return false;
        bits = (bits << 6 | (uint32_t)v) & 0xfff;
        have += 6;
        if (have < 8 || at == 16) continue;
        have -= 8;
        out->bytes[at++] = (uint8_t)(bits >> have);
    }
    return true;
}
