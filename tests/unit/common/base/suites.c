/* suites.c: the suites of common/base. */
#include "tests/unit/unit.h"

Suite *alloc_suite(void);
Suite *arena_suite(void);
Suite *buf_suite(void);
Suite *bytes_suite(void);
Suite *chain_suite(void);
Suite *check_suite(void);
Suite *crc32c_suite(void);
Suite *err_suite(void);
Suite *heap_suite(void);
Suite *javahash_suite(void);
Suite *list_suite(void);
Suite *map_suite(void);
Suite *murmur2_suite(void);
Suite *slice_suite(void);
Suite *str_suite(void);
Suite *trace_suite(void);
Suite *uuid_suite(void);

const unit_suite_fn unit_suites[] = {
    alloc_suite, arena_suite, buf_suite, bytes_suite,   chain_suite, check_suite, crc32c_suite, err_suite,  heap_suite,
    list_suite,  map_suite,   str_suite, murmur2_suite, slice_suite, trace_suite, uuid_suite, javahash_suite, NULL,
};
