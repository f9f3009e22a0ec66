/* unit.c: main() of every room's unit tests: runs the suites that the room lists, prints Check's closing
 * line, and answers with the number of failures. */
#include "tests/unit/unit.h"

#include <ftw.h>
#include <limits.h>
#include <unistd.h>

int main(int argc, char **argv) {
    SRunner *runner = NULL;
    for (const unit_suite_fn *fn = unit_suites; *fn; fn++) {
        if (!runner) runner = srunner_create((*fn)());
        else srunner_add_suite(runner, (*fn)());
    }
    srunner_run(runner, argc > 1 ? argv[1] : NULL, NULL, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

char *unit_tmp_dir(void) {
    const char *root = getenv("TMPDIR");
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/barnabas-unit-XXXXXX", root ? root : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(path));
    return strdup(path);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at) {
    (void)st, (void)type, (void)at;
    return remove(path);
}

void unit_tmp_remove(char *path) {
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(path);
}
