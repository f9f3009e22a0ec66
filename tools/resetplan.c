/* resetplan.c: reads and writes plans of resets. A field may stand in quotes, doubled ones inside meaning one.
 */
#include "tools/resetplan.h"

#include <stdio.h>

enum { FIELDS_MAX = 4 };

/* One field from *at on: up to a comma or the line's end. False when quotes are left open. */
static bool take_field(struct bn_arena *arena, struct bn_slice line, size_t *at, struct bn_slice *out) {
    char *text = bn_arena_alloc(arena, line.len + 1);
    size_t len = 0;
    bool quoted = *at < line.len && line.ptr[*at] == '"', closed = !quoted;
    if (!text) return false;
    for (*at += quoted; *at < line.len; (*at)++) {
        char c = (char)line.ptr[*at];
        if (!closed && c == '"') {
            if (*at + 1 >= line.len || line.ptr[*at + 1] != '"') {
                closed = true;
                continue;
            }
            ++*at;
        } else if (closed && c == ',') {
            break;
        }
        text[len++] = c;
    }
    *out = bn_slice_of(text, len);
    return closed;
}

static bool read_line(struct bn_slice line, struct bn_slice only, struct bn_arena *arena,
                      struct bn_resetplan_row *out) {
    struct bn_slice fields[FIELDS_MAX];
    int count = 0;
    int64_t partition;
    for (size_t at = 0; count < FIELDS_MAX; at++) {
        if (!take_field(arena, line, &at, &fields[count++])) return false;
        if (at >= line.len) break;
        if (count == FIELDS_MAX) return false;
    }
    int skip = count == FIELDS_MAX;
    if (count != FIELDS_MAX && (count != FIELDS_MAX - 1 || bn_slice_is_null(only))) return false;
    out->group = skip ? fields[0] : only;
    out->place.topic = fields[skip];
    if (!bn_slice_to_i64(fields[skip + 1], &partition) || partition < 0 || partition > INT32_MAX) return false;
    out->place.partition = (int32_t)partition;
    return out->place.topic.len > 0 && bn_slice_to_i64(fields[skip + 2], &out->place.offset);
}

bool bn_resetplan_read(struct bn_slice text, struct bn_slice only, struct bn_arena *arena, const char *program,
                       struct bn_resetplan *out) {
    size_t lines = 1, number = 1;
    for (size_t i = 0; i < text.len; i++) lines += text.ptr[i] == '\n';
    *out = (struct bn_resetplan){bn_arena_array(arena, lines, sizeof *out->rows), 0};
    for (size_t at = 0; out->rows && at < text.len; number++) {
        const uint8_t *end = memchr(text.ptr + at, '\n', text.len - at);
        size_t len = end ? (size_t)(end - text.ptr) - at : text.len - at;
        struct bn_slice line = bn_slice_of(text.ptr + at, len);
        at += len + 1;
        if (line.len > 0 && line.ptr[line.len - 1] == '\r') line.len--;
        if (line.len == 0) continue;
        if (read_line(line, only, arena, &out->rows[out->count])) {
            out->count++;
            continue;
        }
        fprintf(stderr, "%s: line %zu of the plan is no %stopic,partition,offset\n", program, number,
                bn_slice_is_null(only) ? "group," : "");
        return false;
    }
    return out->rows != NULL;
}

static void print_field(struct bn_slice s) {
    if (!memchr(s.ptr ? s.ptr : (const uint8_t *)"", ',', s.len) &&
        !memchr(s.ptr ? s.ptr : (const uint8_t *)"", '"', s.len)) {
        printf("%.*s,", BN_SLICE_FMT(s));
        return;
    }
    putchar('"');
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '"') putchar('"');
        putchar(s.ptr[i]);
    }
    fputs("\",", stdout);
}

void bn_resetplan_print(struct bn_slice group, const struct bn_groupask_place *place) {
    if (!bn_slice_is_null(group)) print_field(group);
    print_field(place->topic);
    printf("%d,%" PRId64 "\n", place->partition, place->offset);
}
