/* check_test.c: a failed assertion runs the hook, says where, and aborts; a true one does nothing. */
#include "common/base/check.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static int pipe_fd[2];

static void hook(void) {
    ssize_t n = write(pipe_fd[1], "hook\n", 5);
    (void)n;
}

static void fail_in_child(bool clear) {
    bn_check_on_abort(hook);
    if (clear) bn_check_on_abort(NULL);
    dup2(pipe_fd[1], STDERR_FILENO);
    BN_ASSERT(1 + 1 == 3);
}

START_TEST(test_a_failure) {
    char text[4096] = "";
    int status;
    ck_assert_int_eq(pipe(pipe_fd), 0);
    pid_t pid = fork();
    if (pid == 0) {
        fail_in_child(_i == 1);
        _exit(0);
    }
    close(pipe_fd[1]);
    size_t len = 0;
    for (ssize_t n; (n = read(pipe_fd[0], text + len, sizeof text - 1 - len)) > 0;) len += (size_t)n;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    ck_assert_ptr_nonnull(strstr(text, "check_test.c:"));
    ck_assert_ptr_nonnull(strstr(text, "assertion failed: 1 + 1 == 3"));
    if (_i == 0) ck_assert_int_eq(strncmp(text, "hook\n", 5), 0); /* first thing */
    else ck_assert_ptr_null(strstr(text, "hook\n"));
    close(pipe_fd[0]);
}
END_TEST

START_TEST(test_true_does_nothing) {
    int evaluated = 0;
    BN_ASSERT(++evaluated == 1);
    ck_assert_int_eq(evaluated, 1);
}
END_TEST

Suite *check_suite(void);
Suite *check_suite(void) {
    Suite *s = suite_create("check");
    TCase *t = tcase_create("check");
    tcase_add_loop_test(t, test_a_failure, 0, 2);
    tcase_add_test(t, test_true_does_nothing);
    suite_add_tcase(s, t);
    return s;
}
