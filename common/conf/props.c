/* props.c: java.util.Properties.load, rule by rule. Lines end with \n, \r or \r\n. A logical line goes on over
 * an odd number of backslashes at its end, and leading blanks of its continuation are dropped; a comment has
 * no continuation. The key ends at the first unescaped blank, '=' or ':'; blanks around one separator are
 * dropped, those at the end of the value are kept. A backslash before any other character just goes. */
#include "common/conf/props.h"

#include <string.h>

#include "common/base/alloc.h"
#include "common/base/str.h"

struct reader {
    struct bn_slice text;
    size_t at;
    int line;      /* of text[at] */
    int line_from; /* where the logical line began */
};

static bool is_blank(uint8_t c) { return c == ' ' || c == '\t' || c == '\f'; }
static bool is_end(uint8_t c) { return c == '\n' || c == '\r'; }

static void skip_blanks(struct reader *r) {
    while (r->at < r->text.len && is_blank(r->text.ptr[r->at])) r->at++;
}

/* Over one line end, if we stand before one. */
static void skip_end(struct reader *r) {
    if (r->at == r->text.len || !is_end(r->text.ptr[r->at])) return;
    bool cr = r->text.ptr[r->at++] == '\r';
    if (cr && r->at < r->text.len && r->text.ptr[r->at] == '\n') r->at++;
    r->line++;
}

/* Collects the next logical line, escapes still in it; false at the end of the text. */
static bool next_line(struct reader *r, struct bn_str *out) {
    bn_str_clear(out);
    for (;;) {
        skip_blanks(r);
        if (r->at == r->text.len) return false;
        uint8_t c = r->text.ptr[r->at];
        if (c == '#' || c == '!') {
            while (r->at < r->text.len && !is_end(r->text.ptr[r->at])) r->at++;
        } else if (!is_end(c)) {
            break;
        }
        skip_end(r);
    }
    r->line_from = r->line;
    for (;;) {
        size_t from = r->at, backslashes = 0;
        for (; r->at < r->text.len && !is_end(r->text.ptr[r->at]); r->at++) {
            backslashes = r->text.ptr[r->at] == '\\' ? backslashes + 1 : 0;
        }
        bool goes_on = backslashes % 2 == 1;
        bn_str_add_slice(out, bn_slice_of(r->text.ptr + from, r->at - from - (goes_on ? 1 : 0)));
        skip_end(r);
        if (!goes_on) return true;
        skip_blanks(r);
    }
}

static void add_utf8(struct bn_str *out, uint32_t c) {
    char b[4];
    size_t n = 0;
    if (c < 0x80) {
        b[n++] = (char)c;
    } else if (c < 0x800) {
        b[n++] = (char)(0xc0 | c >> 6);
        b[n++] = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        b[n++] = (char)(0xe0 | c >> 12);
        b[n++] = (char)(0x80 | (c >> 6 & 0x3f));
        b[n++] = (char)(0x80 | (c & 0x3f));
    } else {
        b[n++] = (char)(0xf0 | c >> 18);
        b[n++] = (char)(0x80 | (c >> 12 & 0x3f));
        b[n++] = (char)(0x80 | (c >> 6 & 0x3f));
        b[n++] = (char)(0x80 | (c & 0x3f));
    }
    bn_str_add_slice(out, bn_slice_of(b, n));
}

/* The four digits at p; false if they are not there. */
static bool read_hex4(const char *p, size_t left, uint32_t *out) {
    if (left < 4) return false;
    *out = 0;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        uint32_t v;
        if (c >= '0' && c <= '9') v = (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f') v = (uint32_t)(c - 'a') + 10;
        else if (c >= 'A' && c <= 'F') v = (uint32_t)(c - 'A') + 10;
        else return false;
        *out = *out << 4 | v;
    }
    return true;
}

/* The character of a \u escape whose digits begin at text[*at]; two surrogates make one character, a lone one
 * becomes U+FFFD. */
static bool read_unicode(struct bn_slice text, size_t *at, uint32_t *out) {
    const char *p = (const char *)text.ptr;
    uint32_t low;
    if (!read_hex4(p + *at, text.len - *at, out)) return false;
    *at += 4;
    if (*out < 0xd800 || *out > 0xdfff) return true;
    bool pair = *out < 0xdc00 && text.len - *at >= 6 && p[*at] == '\\' && p[*at + 1] == 'u' &&
                read_hex4(p + *at + 2, 4, &low) && low >= 0xdc00 && low <= 0xdfff;
    if (!pair) {
        *out = 0xfffd;
        return true;
    }
    *out = 0x10000 + ((*out - 0xd800) << 10 | (low - 0xdc00));
    *at += 6;
    return true;
}

/* Adds text to out with its escapes resolved; NULL, or what is wrong with it. */
static const char *unescape(struct bn_slice text, struct bn_str *out) {
    for (size_t at = 0; at < text.len;) {
        uint32_t c = text.ptr[at++];
        if (c == '\\' && at < text.len) {
            c = text.ptr[at++];
            switch (c) {
            case 'u':
                if (!read_unicode(text, &at, &c)) return "malformed \\uxxxx escape";
                break;
            case 't':
                c = '\t';
                break;
            case 'n':
                c = '\n';
                break;
            case 'r':
                c = '\r';
                break;
            case 'f':
                c = '\f';
                break;
            default:
                break;
            }
        }
        if (c == 0) return "a NUL character";
        add_utf8(out, c);
    }
    return NULL;
}

/* Splits a logical line into the raw key and value. */
static void split(struct bn_slice line, struct bn_slice *key, struct bn_slice *value) {
    size_t at = 0;
    while (at < line.len) {
        uint8_t c = line.ptr[at];
        if (c == '=' || c == ':' || is_blank(c)) break;
        at += c == '\\' ? 2 : 1;
    }
    at = bn_min_size(at, line.len);
    *key = bn_slice_of(line.ptr, at);
    while (at < line.len && is_blank(line.ptr[at])) at++;
    if (at < line.len && (line.ptr[at] == '=' || line.ptr[at] == ':')) at++;
    while (at < line.len && is_blank(line.ptr[at])) at++;
    *value = bn_slice_of(line.ptr + at, line.len - at);
}

static int add_line(struct bn_props *p, size_t *capacity, struct bn_slice line, int number, struct bn_err *e) {
    struct bn_slice raw_key, raw_value;
    struct bn_str key, value;
    split(line, &raw_key, &raw_value);
    bn_str_init(&key);
    bn_str_init(&value);
    const char *wrong = unescape(raw_key, &key);
    if (!wrong) wrong = unescape(raw_value, &value);
    if (wrong) {
        bn_str_fini(&key);
        bn_str_fini(&value);
        return bn_err_set(e, BN_BAD, "line %d: %s", number, wrong);
    }
    if (p->count == *capacity) {
        *capacity = *capacity ? *capacity * 2 : 16;
        p->list = bn_alloc_resize(p->list, *capacity * sizeof *p->list);
    }
    p->list[p->count++] = (struct bn_prop){bn_str_take(&key), bn_str_take(&value), number};
    return 0;
}

int bn_props_parse(struct bn_slice text, struct bn_props *out, struct bn_err *e) {
    struct reader r = {.text = text, .line = 1};
    struct bn_str line;
    size_t capacity = 0;
    int rc = 0;
    *out = (struct bn_props){0};
    bn_str_init(&line);
    while (rc == 0 && next_line(&r, &line)) rc = add_line(out, &capacity, bn_str_slice(&line), r.line_from, e);
    bn_str_fini(&line);
    return rc;
}

void bn_props_fini(struct bn_props *p) {
    for (size_t i = 0; i < p->count; i++) {
        bn_alloc_free(p->list[i].key);
        bn_alloc_free(p->list[i].value);
    }
    bn_alloc_free(p->list);
    *p = (struct bn_props){0};
}

const char *bn_props_get(const struct bn_props *p, const char *key) {
    for (size_t i = p->count; i > 0; i--) {
        if (strcmp(p->list[i - 1].key, key) == 0) return p->list[i - 1].value;
    }
    return NULL;
}
