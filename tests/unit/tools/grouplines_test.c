/* grouplines_test.c: records of __consumer_offsets as Kafka prints them, in every version brokers have written, and
 * damaged ones. */
#include "tools/grouplines.h"

#include "broker/group/grecord.h"
#include "tests/unit/unit.h"

Suite *grouplines_suite(void);

static struct bn_str key, value, out;

static void setup(void) {
    bn_str_init(&key);
    bn_str_init(&value);
    bn_str_init(&out);
}

static void teardown(void) {
    bn_str_fini(&key);
    bn_str_fini(&value);
    bn_str_fini(&out);
}

static const char *formatted(enum bn_grouplines_style style, bool groups, struct bn_slice v) {
    bn_str_clear(&out);
    return bn_grouplines_format(style, groups, bn_str_slice(&key), v, &out) ? out.ptr : "";
}

static const char *dumped(struct bn_slice v) {
    bn_str_clear(&out);
    bn_grouplines_dump_value(bn_str_slice(&key), v, &out);
    return out.ptr;
}

START_TEST(offsets) {
    struct bn_grecord_offset o = {42, 7, BN_SLICE_LIT("me"), 1000, -1};
    bn_grecord_write_offset_key(&key, BN_SLICE_LIT("g"), BN_SLICE_LIT("t"), 3);
    bn_grecord_write_offset(&value, &o);
    ck_assert_str_eq(
        formatted(BN_GROUPLINES_TEXT, false, bn_str_slice(&value)),
        "[g,t,3]::OffsetAndMetadata(offset=42, leaderEpoch=Optional[7], metadata=me, commitTimestamp=1000, "
        "expireTimestamp=None)");
    ck_assert_str_eq(formatted(BN_GROUPLINES_JSON, false, bn_str_slice(&value)),
                     "{\"key\":{\"version\":1,\"data\":{\"group\":\"g\",\"topic\":\"t\",\"partition\":3}},\"value\":{"
                     "\"version\":3,\"data\":{\"offset\":42,\"leaderEpoch\":7,\"metadata\":\"me\",\"commitTimestamp\":"
                     "1000}}}");
    ck_assert_str_eq(dumped(bn_str_slice(&value)), "{\"version\":\"3\",\"data\":{\"offset\":42,\"leaderEpoch\":7,"
                                                   "\"metadata\":\"me\",\"commitTimestamp\":1000}}");
    ck_assert_str_eq(formatted(BN_GROUPLINES_TEXT, false, BN_SLICE_NULL), "[g,t,3]::NULL");
    ck_assert_str_eq(dumped(BN_SLICE_NULL), "<DELETE>");
    ck_assert_str_eq(formatted(BN_GROUPLINES_TEXT, true, bn_str_slice(&value)), "");
    bn_str_clear(&out);
    bn_grouplines_dump_key(bn_str_slice(&key), &out);
    ck_assert_str_eq(out.ptr, "{\"type\":\"1\",\"data\":{\"group\":\"g\",\"topic\":\"t\",\"partition\":3}}");
}
END_TEST

START_TEST(an_expiry_of_its_own) {
    struct bn_grecord_offset o = {1, -1, BN_SLICE_LIT(""), 5, 9};
    bn_grecord_write_offset_key(&key, BN_SLICE_LIT("g"), BN_SLICE_LIT("t"), 0);
    bn_grecord_write_offset(&value, &o);
    ck_assert_str_eq(formatted(BN_GROUPLINES_TEXT, false, bn_str_slice(&value)),
                     "[g,t,0]::OffsetAndMetadata(offset=1, leaderEpoch=Optional.empty, metadata=, commitTimestamp=5, "
                     "expireTimestamp=Some(9))");
    ck_assert_str_eq(dumped(bn_str_slice(&value)), "{\"version\":\"1\",\"data\":{\"offset\":1,\"metadata\":\"\","
                                                   "\"commitTimestamp\":5,\"expireTimestamp\":9}}");
}
END_TEST

/* Version 1: topic "one", no user data, owning nothing; and partition 2 of "one". */
static const uint8_t subscription[] = {0, 1, 0, 0, 0, 1, 0, 3, 'o', 'n', 'e', 0, 0, 0, 0, 0, 0, 0, 0};
static const uint8_t assignment[] = {0, 1, 0, 0, 0, 1, 0, 3, 'o', 'n', 'e', 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0};

static void write_group(void) {
    struct bn_grecord_group g = {.protocol_type = BN_SLICE_LIT("consumer"),
                                 .protocol = BN_SLICE_LIT("range"),
                                 .leader = BN_SLICE_LIT("m"),
                                 .generation = 5,
                                 .state_since_ms = 99,
                                 .member_count = 1};
    struct bn_grecord_member m = {
        BN_SLICE_LIT("m"),
        BN_SLICE_NULL,
        BN_SLICE_LIT("c"),
        BN_SLICE_LIT("/h"),
        300,
        45,
        bn_slice_of(subscription, sizeof subscription),
        bn_slice_of(assignment, sizeof assignment),
    };
    bn_grecord_write_group_key(&key, BN_SLICE_LIT("g"));
    bn_grecord_write_group(&value, &g);
    bn_grecord_write_member(&value, &m);
}

START_TEST(groups) {
    write_group();
    ck_assert_str_eq(formatted(BN_GROUPLINES_TEXT, true, bn_str_slice(&value)),
                     "g::GroupMetadata(groupId=g, generation=5, protocolType=Some(consumer), currentState=Stable, "
                     "members=HashMap(m -> MemberMetadata(memberId=m, groupInstanceId=None, clientId=c, clientHost=/h, "
                     "sessionTimeoutMs=45, rebalanceTimeoutMs=300, supportedProtocols=List(range))))");
    ck_assert_str_eq(
        formatted(BN_GROUPLINES_JSON, true, bn_str_slice(&value)),
        "{\"key\":{\"version\":2,\"data\":{\"group\":\"g\"}},\"value\":{\"version\":3,\"data\":{\"protocolType\":"
        "\"consumer\",\"generation\":5,\"protocol\":\"range\",\"leader\":\"m\",\"currentStateTimestamp\":99,"
        "\"members\":[{\"memberId\":\"m\",\"groupInstanceId\":null,\"clientId\":\"c\",\"clientHost\":\"/h\","
        "\"rebalanceTimeout\":300,\"sessionTimeout\":45,\"subscription\":\"AAEAAAABAANvbmUAAAAAAAAAAA==\","
        "\"assignment\":\"AAEAAAABAANvbmUAAAABAAAAAgAAAAA=\"}]}}}");
    const char *text = dumped(bn_str_slice(&value));
    ck_assert_ptr_nonnull(strstr(text,
                                 "\"subscription\":{\"topics\":[\"one\"],\"userData\":\"\",\"ownedPartitions\":[]},"
                                 "\"assignment\":{\"assignedPartitions\":[{\"topic\":\"one\",\"partitions\":[2]}],"
                                 "\"userData\":\"\"}"));
    ck_assert_str_eq(formatted(BN_GROUPLINES_TEXT, false, bn_str_slice(&value)), "");
}
END_TEST

/* Cut anywhere, a record is unreadable or another one, but nothing is read beyond its end. */
START_TEST(cut_short) {
    write_group();
    for (size_t len = 0; len < value.len; len++) {
        uint8_t *copy = malloc(len + 1);
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, value.ptr, len);
        struct bn_slice cut = bn_slice_of(copy, len);
        ck_assert_str_eq(formatted(BN_GROUPLINES_TEXT, true, cut), "g::unreadable");
        (void)formatted(BN_GROUPLINES_JSON, true, cut);
        (void)dumped(cut);
        free(copy);
    }
    for (size_t len = 0; len < key.len; len++) {
        bn_str_clear(&out);
        ck_assert(!bn_grouplines_format(BN_GROUPLINES_JSON, true, bn_slice_of(key.ptr, len), BN_SLICE_NULL, &out));
        bn_grouplines_dump_key(bn_slice_of(key.ptr, len), &out);
    }
}
END_TEST

Suite *grouplines_suite(void) {
    Suite *s = suite_create("tools/grouplines");
    TCase *t = tcase_create("records");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, offsets);
    tcase_add_test(t, an_expiry_of_its_own);
    tcase_add_test(t, groups);
    tcase_add_test(t, cut_short);
    suite_add_tcase(s, t);
    return s;
}
