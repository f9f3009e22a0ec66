/* script.h: what all transcripts have in common. A script holds commands, one a line; what the machine answers stands
 * below each, indented by two spaces; '#' is a comment. The indented lines are thrown away, the commands played, and
 * the whole text compared. BN_UPDATE=1 rewrites the scripts instead. */
#ifndef SCRIPT_H
#define SCRIPT_H

#include "common/base/str.h"

enum { SCRIPT_WORDS = 64 };

struct script_line {
    char **words; /* the command's; changed as the language likes */
    int count;
};

struct script_language {
    void *(*begin)(struct bn_str *text); /* text: where answers go. Gives the state of one script */
    /* What happened before this line is told before it stands in the text; NULL: nothing can. */
    bool (*before)(void *state, const struct script_line *line);
    bool (*play)(void *state, const struct script_line *line); /* false: not understood */
    void (*end)(void *state);
};

const char *script_word(const struct script_line *l, int at);             /* "" behind the last */
const char *script_option(const struct script_line *l, const char *name); /* the value of name=value, or NULL */
/* Plays all of them; tells on stdout and stderr. False when one failed. */
bool script_run(const struct script_language *language, int count, char **paths);

#endif
