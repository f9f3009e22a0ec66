/* unit.h: what a room's test runner is made of. Each <file>_test.c exports `Suite *<file>_suite(void)`; the
 * runner's list names them:
 *
 *     const unit_suite_fn unit_suites[] = {arena_suite, chain_suite, NULL};
 *
 * tests/unit/unit.c has main(): `runner [suite]` runs all or one; CK_FORK=no for a debugger. */
#ifndef UNIT_H
#define UNIT_H

#include <check.h>

typedef Suite *(*unit_suite_fn)(void);
extern const unit_suite_fn unit_suites[];

/* A fresh directory under $TMPDIR or /tmp, removed by unit_tmp_remove. Gives the path (free it). */
char *unit_tmp_dir(void);
void unit_tmp_remove(char *path); /* removes the tree, frees path */

#endif
