/* Goal: no bytes of a peer's can make decode.c read beyond them, take memory out of proportion, or accept what Kafka
 * does not allow; and the error names the field. Method: a table of hostile messages with the answer and a piece of its
 * text; every prefix of a good message; noise. Inputs lie in blocks of their exact size, so that the ASan build sees a
 * byte too far. */
#include "proto/kafka/kapi.h"
#include "proto/kafka/kmsg.h"
#include "tests/unit/proto/kafka/golden.h"
#include "tests/unit/proto/kafka/kit.h"
#include "tests/unit/proto/kafka/suites.h"

enum { BUDGET = 1 << 20 };

static const struct hostile {
    const char *what;
    const struct bn_codec_desc *desc;
    int version;
    const char *hex;
    int rc;
    const char *text;
} hostiles[] = {
    {"nothing at all", &kmsg_produce_request_desc, 2, "", BN_BAD,
     "ProduceRequest v2: acks: needs 2 bytes of 0 left at byte 0"},
    {"records longer than the frame", &kmsg_produce_request_desc, 2,
     "ffff 00007530 00000001 000174 00000001 00000003 00000384 0102", BN_BAD,
     "ProduceRequest v2: topic_data[0].partition_data[0].records: length 900 exceeds 2 left at byte 25"},
    {"compact records longer than the frame", &kmsg_produce_request_desc, 9,
     "00 ffff 00007530 02 0274 02 00000003 8580808008 01", BN_BAD, "records: length 2147483652 exceeds 1 left"},
    {"string longer than the frame", &kmsg_metadata_request_desc, 4, "00000001 7fff 61", BN_BAD,
     "topics[0].name: length 32767 exceeds 1 left"},
    {"negative string length", &kmsg_metadata_request_desc, 4, "00000001 fffe 6100", BN_BAD,
     "name: length -2 is negative"},
    {"null string where there is none", &kmsg_metadata_request_desc, 4, "00000001 ffff 00", BN_BAD,
     "topics[0].name: null is not allowed"},
    {"compact null string where there is none", &kmsg_metadata_request_desc, 9, "02 00 00 000000 00", BN_BAD,
     "topics[0].name: null is not allowed"},
    {"null array where there is none", &kmsg_metadata_request_desc, 0, "ffffffff", BN_BAD,
     "topics: null is not allowed"},
    {"negative count", &kmsg_metadata_request_desc, 4, "fffffffe 00", BN_BAD, "topics: length -2 is negative"},
    {"count without elements", &kmsg_metadata_request_desc, 4, "7fffffff 00", BN_BAD,
     "topics: count 2147483647 of 2 bytes"},
    {"one element too many", &kmsg_metadata_request_desc, 0, "00000002 0000 00", BN_BAD, "topics: count 2 of 2 bytes"},
    {"compact count without elements", &kmsg_metadata_request_desc, 9, "ffffffff0f 00 00 00", BN_BAD,
     "count 4294967294"},
    {"count of numbers", &kmsg_offset_fetch_request_desc, 0, "0000 00000001 0000 3fffffff 00000000", BN_BAD,
     "topics[0].partition_indexes: count 1073741823 of 4 bytes"},
    {"compact count of numbers", &kmsg_offset_fetch_request_desc, 6, "01 02 02 61 05 00000000 00 00 00", BN_BAD,
     "topics[0].partition_indexes: count 4 of 4 bytes"},
    {"null inside an array of strings", &kmsg_delete_topics_request_desc, 1, "00000001 ffff 00000000", BN_BAD,
     "topic_names[0]: null is not allowed"},
    {"varint of six bytes", &kmsg_metadata_request_desc, 9, "808080808001 0000", BN_BAD, "topics: a varint"},
    {"varint over 32 bits", &kmsg_metadata_request_desc, 9, "ffffffff1f 000000", BN_BAD, "topics: a varint"},
    {"varint cut short", &kmsg_metadata_request_desc, 9, "80", BN_BAD, "topics: a varint"},
    {"tags that repeat", &kmsg_fetch_request_desc, 12,
     "ffffffff 000001f4 00000001 00100000 01 0000004d 00000002 01 01 01 02 00 03 036331 00 01 00", BN_BAD,
     "tag 0 follows tag 0"},
    {"tags that go back", &kmsg_metadata_request_desc, 9, "01 00 00 00 02 05 00 04 00", BN_BAD, "tag 4 follows tag 5"},
    {"tag longer than the frame", &kmsg_metadata_request_desc, 9, "01 00 00 00 01 05 09 00", BN_BAD,
     "tag 5: length 9 exceeds 1 left"},
    {"known tag with bytes to spare", &kmsg_fetch_request_desc, 12,
     "ffffffff 000001f4 00000001 00100000 01 0000004d 00000002 01 01 01 01 00 04 036331 00", BN_BAD,
     "cluster_id: 1 bytes left over in tag 0"},
    {"known tag too small", &kmsg_fetch_request_desc, 12,
     "ffffffff 000001f4 00000001 00100000 01 0000004d 00000002 01 01 01 01 00 02 036331", BN_BAD,
     "cluster_id: length 2 exceeds 1 left"},
    {"tag count without tags", &kmsg_metadata_request_desc, 9, "01 00 00 00 ffffffff0f", BN_BAD, "a varint"},
    {"string over Kafka's limit", &kmsg_metadata_request_desc, 9, NULL, BN_BAD, "length 32768 of a string"},
    {"more than the arena's budget", &kmsg_metadata_request_desc, 0, NULL, BN_FULL, "topics: count 100000"},
};

/* Two inputs too long to be written down. */
static struct bn_slice long_input(const struct hostile *h) {
    bool is_string = h->version == 9;
    size_t n = is_string ? 32768 : 200000, head = 4;
    uint8_t *p = bn_alloc_zero(1, n + head + 8);
    if (is_string) {
        p[0] = 2;
        head = 1 + bn_put_uvarint(p + 1, 32769);
    } else {
        bn_put_u32(p, 100000);
    }
    return bn_slice_of(p, head + n + (is_string ? 5 : 0));
}

START_TEST(hostile_bytes) {
    const struct hostile *h = &hostiles[_i];
    struct bn_slice bytes = h->hex ? kit_hex(h->hex) : long_input(h);
    struct bn_arena arena;
    struct bn_err e = BN_ERR_NONE;
    bn_arena_init(&arena, BUDGET);
    void *out = bn_alloc_zero(1, bn_codec_struct_size(h->desc));
    int rc = bn_codec_decode(h->desc, h->version, bytes, &arena, out, &e);
    ck_assert_msg(rc == h->rc, "%s: %d %s", h->what, rc, e.text);
    ck_assert_msg(strstr(e.text, h->text) != NULL, "%s: `%s` lacks `%s`", h->what, e.text, h->text);
    ck_assert_int_eq(bn_codec_decode(h->desc, h->version, bytes, &arena, out, NULL), h->rc);
    bn_alloc_free(out);
    bn_arena_fini(&arena);
    kit_free(bytes);
}
END_TEST

/* Unknown tags are skipped: in an element, and at the end. */
START_TEST(unknown_tags_are_skipped) {
    struct bn_slice bytes = kit_hex("02 026f 01 07 02 abcd 01 00 00 02 03 00 09 01 ff");
    struct kmsg_metadata_request out;
    struct bn_arena arena;
    struct bn_err e = BN_ERR_NONE;
    bn_arena_init(&arena, BUDGET);
    int rc = bn_codec_decode(&kmsg_metadata_request_desc, 9, bytes, &arena, &out, &e);
    ck_assert_msg(rc == 0, "%s", e.text);
    ck_assert_int_eq(out.topics.n, 1);
    ck_assert(bn_slice_eq_str(out.topics.v[0].name, "o"));
    ck_assert(out.allow_auto_topic_creation);
    kit_free(bytes);
    bn_arena_fini(&arena);
}
END_TEST

static int decode(const struct bn_codec_desc *d, int version, struct bn_slice in) {
    struct bn_arena arena;
    struct bn_err e = BN_ERR_NONE;
    bn_arena_init(&arena, BUDGET);
    void *out = bn_alloc_zero(1, bn_codec_struct_size(d));
    int rc = bn_codec_decode(d, version, in, &arena, out, &e);
    bn_alloc_free(out);
    bn_arena_fini(&arena);
    return rc;
}

START_TEST(every_prefix_is_refused) {
    const struct golden *g = &goldens[_i];
    struct bn_slice whole = kit_hex(g->hex);
    for (size_t n = 0; n < whole.len; n++) {
        uint8_t *part = bn_alloc(n ? n : 1);
        memcpy(part, whole.ptr, n);
        ck_assert_int_eq(decode(g->desc, g->version, bn_slice_of(part, n)), BN_BAD);
        bn_alloc_free(part);
    }
    kit_free(whole);
}
END_TEST

/* Memory stays in proportion to the frame: twenty times and a constant, whatever the bytes. */
START_TEST(memory_is_in_proportion) {
    struct kit_dice dice = {3};
    uint8_t *frame = bn_alloc(600);
    for (int key = 0; key < KAPI_KEYS; key++) {
        const struct bn_codec_desc *d = bn_codec_request(key);
        for (int round = 0; d && round < 2000; round++) {
            int version = bn_codec_min_version(d) + (int)(kit_roll(&dice) % (uint32_t)(bn_codec_max_version(d) + 1));
            for (size_t i = 0; i < 600; i++) frame[i] = (uint8_t)(kit_roll(&dice) % 4 ? 0 : kit_roll(&dice));
            struct bn_arena arena;
            bn_arena_init(&arena, 16 << 20);
            void *out = bn_alloc_zero(1, bn_codec_struct_size(d));
            int rc = bn_codec_decode(d, version, bn_slice_of(frame, 600), &arena, out, NULL);
            ck_assert_int_ne(rc, BN_FULL);
            ck_assert_uint_le(arena.used_bytes, 600 * 24 + 4096);
            bn_alloc_free(out);
            bn_arena_fini(&arena);
        }
    }
    bn_alloc_free(frame);
}
END_TEST

Suite *decode_suite(void) {
    Suite *s = suite_create("decode");
    TCase *t = tcase_create("decode");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, hostile_bytes, 0, (int)BN_ARRAY_LEN(hostiles));
    tcase_add_test(t, unknown_tags_are_skipped);
    tcase_add_loop_test(t, every_prefix_is_refused, 0, (int)BN_ARRAY_LEN(goldens));
    tcase_add_test(t, memory_is_in_proportion);
    suite_add_tcase(s, t);
    return s;
}
