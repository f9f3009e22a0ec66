/* suites.c: the suites of common/sys. */
#include "tests/unit/unit.h"

Suite *disk_suite(void);
Suite *loop_suite(void);
Suite *memdisk_suite(void);
Suite *pool_suite(void);
Suite *sock_suite(void);

const unit_suite_fn unit_suites[] = {disk_suite, loop_suite, memdisk_suite, pool_suite, sock_suite, NULL};
