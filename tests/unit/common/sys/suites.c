/* suites.c: the suites of common/sys. */
#include "tests/unit/unit.h"

Suite *clock_suite(void);
Suite *disk_suite(void);
Suite *env_suite(void);
Suite *life_suite(void);
Suite *loop_suite(void);
Suite *mailbox_suite(void);
Suite *memdisk_suite(void);
Suite *pool_suite(void);
Suite *resolve_suite(void);
Suite *shard_suite(void);
Suite *sock_suite(void);
Suite *thread_suite(void);

const unit_suite_fn unit_suites[] = {
    clock_suite,   disk_suite, env_suite,   life_suite, loop_suite,   mailbox_suite,
    memdisk_suite, pool_suite, resolve_suite, shard_suite, sock_suite, thread_suite, NULL,
};
