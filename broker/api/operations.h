/* operations.h: the authorized operations that Metadata and DescribeCluster tell when asked (KIP-430), as a bit per
 * ACL operation. Without an authorizer everything that exists for the resource is allowed. */
#ifndef BN_OPERATIONS_H
#define BN_OPERATIONS_H

#include "common/base/base.h"

enum {
    BN_OPERATION_READ = 3,
    BN_OPERATION_WRITE = 4,
    BN_OPERATION_CREATE = 5,
    BN_OPERATION_DELETE = 6,
    BN_OPERATION_ALTER = 7,
    BN_OPERATION_DESCRIBE = 8,
    BN_OPERATION_CLUSTER_ACTION = 9,
    BN_OPERATION_DESCRIBE_CONFIGS = 10,
    BN_OPERATION_ALTER_CONFIGS = 11,
    BN_OPERATION_IDEMPOTENT_WRITE = 12,
};
enum {
    BN_OPERATIONS_TOPIC = 1 << BN_OPERATION_READ | 1 << BN_OPERATION_WRITE | 1 << BN_OPERATION_CREATE |
                          1 << BN_OPERATION_DELETE | 1 << BN_OPERATION_ALTER | 1 << BN_OPERATION_DESCRIBE |
                          1 << BN_OPERATION_DESCRIBE_CONFIGS | 1 << BN_OPERATION_ALTER_CONFIGS,
    BN_OPERATIONS_GROUP = 1 << BN_OPERATION_READ | 1 << BN_OPERATION_DELETE | 1 << BN_OPERATION_DESCRIBE,
    BN_OPERATIONS_CLUSTER = 1 << BN_OPERATION_CREATE | 1 << BN_OPERATION_ALTER | 1 << BN_OPERATION_DESCRIBE |
                            1 << BN_OPERATION_CLUSTER_ACTION | 1 << BN_OPERATION_DESCRIBE_CONFIGS |
                            1 << BN_OPERATION_ALTER_CONFIGS | 1 << BN_OPERATION_IDEMPOTENT_WRITE,
};

#endif
