/* znodedoc.c: copies the page given as argument to standard output with the table between its two markers made anew
 * from the rows of znode.def. Run by `make docs-znodes`, and by a test that fails when the page is stale. */
#include <stdio.h>
#include <string.h>

#include "common/zk/znode.h"

static void print_rows(void) {
    static const struct {
        const char *kind, *text;
    } kinds[] = {{"P", "persistent"}, {"E", "ephemeral"}, {"PS", "sequential"}};
    printf("| Path | Kind | Data | Written by | Watched by | What it is |\n|---|---|---|---|---|---|\n");
    for (const struct bn_znode_row *r = bn_znode_rows; r->name; r++) {
        const char *kind = r->kind;
        for (size_t i = 0; i < BN_ARRAY_LEN(kinds); i++)
            if (strcmp(kind, kinds[i].kind) == 0) kind = kinds[i].text;
        printf("| `%s` | %s | %s | %s | %s | %s |\n", r->path, kind, *r->format ? r->format : "–", r->writers,
               r->watchers, r->text);
    }
}

int main(int argc, char **argv) {
    FILE *f = argc == 2 ? fopen(argv[1], "re") : NULL;
    if (!f) {
        fputs("usage: znodedoc docs/ZNODES.md\n", stderr);
        return 2;
    }
    char line[4096];
    bool inside = false;
    int markers = 0;
    while (fgets(line, sizeof line, f)) {
        bool begins = strcmp(line, "<!-- rows -->\n") == 0, ends = strcmp(line, "<!-- end of rows -->\n") == 0;
        markers += begins || ends;
        if (ends) inside = false;
        if (!inside) fputs(line, stdout);
        if (begins) {
            print_rows();
            inside = true;
        }
    }
    fclose(f);
    return markers == 2 ? 0 : 1;
}
