/* suites.c: the suites of common/zk. */
#include "tests/unit/unit.h"

Suite *fake_suite(void);
Suite *fake_tree_suite(void);
Suite *leadership_suite(void);
Suite *zk_attempt_suite(void);
Suite *zk_call_suite(void);
Suite *zk_conn_suite(void);
Suite *zk_util_suite(void);
Suite *znode_suite(void);
Suite *znode_config_suite(void);
Suite *znode_group_suite(void);
Suite *znode_json_suite(void);
Suite *znode_path_suite(void);
Suite *znode_topic_suite(void);
Suite *zk_suite(void);

/* LeakSanitizer asks for this by its name: what libzookeeper_mt allocated for the completions that it loses in its own
 * close (see test_close_in_flight) is nobody's to free. What this house allocated for them still counts. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) { return "leak:libzookeeper_mt.so\n"; }

const unit_suite_fn unit_suites[] = {
    fake_suite,        fake_tree_suite,  leadership_suite,  zk_attempt_suite,   zk_call_suite,
    zk_conn_suite,     zk_util_suite,    znode_suite,       znode_config_suite, znode_json_suite,
    znode_group_suite, znode_path_suite, znode_topic_suite, zk_suite,           NULL,
};
