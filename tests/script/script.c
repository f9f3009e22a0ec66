/* script.c: plays transcripts and compares them. Knows no language. */
#include "tests/script/script.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"

const char *script_word(const struct script_line *l, int at) { return at < l->count ? l->words[at] : ""; }

const char *script_option(const struct script_line *l, const char *name) {
    size_t len = strlen(name);
    for (int i = 1; i < l->count; i++)
        if (strncmp(l->words[i], name, len) == 0 && l->words[i][len] == '=') return l->words[i] + len + 1;
    return NULL;
}

static char *read_file(const char *path) {
    FILE *f = fopen(path, "r");
    if (!f) return NULL;
    struct bn_str s;
    char part[4096];
    size_t n;
    bn_str_init(&s);
    while ((n = fread(part, 1, sizeof part, f)) > 0) bn_str_add_slice(&s, bn_slice_of(part, n));
    fclose(f);
    return bn_str_take(&s);
}

static bool play_line(const struct script_language *language, void *state, char *text, struct bn_str *out) {
    char *words[SCRIPT_WORDS], *copy = bn_alloc_strdup(text), *save = NULL;
    struct script_line line = {.words = words};
    bool comment = text[0] == '#', fine = true;
    for (char *w = strtok_r(copy, " ", &save); !comment && w && line.count < SCRIPT_WORDS;
         w = strtok_r(NULL, " ", &save))
        words[line.count++] = w;
    if (line.count && language->before) fine = language->before(state, &line);
    bn_str_addf(out, "%s\n", text);
    if (line.count && fine) fine = language->play(state, &line);
    if (!fine) fprintf(stderr, "not understood: %s\n", text);
    bn_alloc_free(copy);
    return fine;
}

/* The transcript of the script's commands; false if one is not understood. */
static bool play(const struct script_language *language, const char *script, struct bn_str *out) {
    void *state = language->begin(out);
    bool fine = true;
    char *copy = bn_alloc_strdup(script), *next = copy;
    for (char *line; fine && next && *next;) {
        line = next;
        next = strchr(line, '\n');
        if (next) *next++ = '\0';
        if (line[0] != ' ') fine = play_line(language, state, line, out);
    }
    bn_alloc_free(copy);
    language->end(state);
    return fine;
}

static void show_difference(const char *path, const char *want, const char *got) {
    int line = 1;
    while (*want && *want == *got) {
        line += *want == '\n';
        want++, got++;
    }
    while (line > 1 && got[-1] != '\n') want--, got--;
    fprintf(stderr, "%s:%d\n  expected: %.*s\n  got:      %.*s\n", path, line, (int)strcspn(want, "\n"), want,
            (int)strcspn(got, "\n"), got);
}

static bool run_script(const struct script_language *language, const char *path) {
    char *script = read_file(path);
    if (!script) {
        fprintf(stderr, "cannot read %s\n", path);
        return false;
    }
    struct bn_str got;
    bn_str_init(&got);
    bool fine = play(language, script, &got), same = got.ptr && strcmp(script, got.ptr) == 0;
    if (fine && !same && getenv("BN_UPDATE")) {
        FILE *f = fopen(path, "w");
        fine = f && fwrite(got.ptr, 1, got.len, f) == got.len;
        if (f) fine = fclose(f) == 0 && fine;
    } else if (fine && !same) {
        show_difference(path, script, got.ptr ? got.ptr : "");
        fine = false;
    }
    printf("%s %s\n", fine ? "PASS" : "FAIL", path);
    bn_str_fini(&got);
    bn_alloc_free(script);
    return fine;
}

bool script_run(const struct script_language *language, int count, char **paths) {
    bool fine = true;
    for (int i = 0; i < count; i++) fine = run_script(language, paths[i]) && fine;
    return fine;
}
