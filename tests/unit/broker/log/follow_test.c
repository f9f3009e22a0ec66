/* follow_test.c: a follower's log is the leader's, byte for byte and file for file; what does not fit changes nothing.
 */
#include "broker/log/follow.h"

#include "broker/log/log_int.h"
#include "tests/unit/broker/log/world.h"
#include "tests/unit/unit.h"

struct pair {
    struct world leader, follower;
    uint64_t seed;
    int32_t sequence[3];
};

static uint32_t draw(struct pair *p, uint32_t below) {
    p->seed = p->seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(p->seed >> 33) % below;
}

static void pair_init(struct pair *p, uint64_t seed) {
    *p = (struct pair){.seed = seed};
    world_init(&p->leader);
    world_init(&p->follower);
    struct world *both[2] = {&p->leader, &p->follower};
    for (int i = 0; i < 2; i++) {
        both[i]->open.config.segment_bytes = 2000;
        both[i]->open.config.index_interval_bytes = 200;
        both[i]->open.config.segment_ms = 5000;
        world_open(both[i], false, 0);
    }
}

static void pair_fini(struct pair *p) {
    world_fini(&p->leader);
    world_fini(&p->follower);
}

static void produce(struct pair *p, int32_t epoch) {
    uint32_t who = draw(p, 4);
    struct batch_spec s = {
        .count = 1 + (int)draw(p, 5),
        .value_bytes = (int)draw(p, 200),
        .timestamp = p->leader.now_ms + (int64_t)draw(p, 3000),
        .codec = draw(p, 2) ? BN_CODEC_LZ4 : 0,
    };
    if (who < 3) {
        s.producer_id = 100 + who;
        s.sequence = p->sequence[who];
        p->sequence[who] += s.count;
    }
    struct bn_log_append a = world_append_epoch(&p->leader, &s, epoch);
    ck_assert_msg(a.error == KE_NONE, "%d %s", a.error, a.message);
    p->leader.now_ms += 200;
}

static int append_at(struct world *w, struct bn_slice bytes, int64_t offset, struct bn_log_replica *r) {
    *r = (struct bn_log_replica){.bytes = bytes.ptr, .len = bytes.len, .fetch_offset = offset, .now_ms = w->now_ms};
    return bn_log_append_replica(w->log, r);
}

/* One fetch of up to max_bytes at the follower's end. */
static int fetch(struct pair *p, size_t max_bytes) {
    struct bn_str bytes;
    struct bn_log_replica r;
    int64_t end = bn_log_end_offset(p->follower.log);
    bn_str_init(&bytes);
    ck_assert_int_eq(world_read(&p->leader, end, bn_log_end_offset(p->leader.log), max_bytes, true, &bytes), 0);
    int rc = append_at(&p->follower, bn_str_slice(&bytes), end, &r);
    if (rc == 0) ck_assert_uint_eq(r.taken, bytes.len);
    bn_str_fini(&bytes);
    return rc;
}

/* The same names and bytes of .log files. */
static void check_same_files(struct pair *p) {
    struct bn_log *a = p->leader.log, *b = p->follower.log;
    ck_assert_uint_eq(a->segment_count, b->segment_count);
    for (uint32_t i = 0; i < a->segment_count; i++) {
        size_t n, m;
        ck_assert_int_eq(a->segments[i]->base_offset, b->segments[i]->base_offset);
        char *path = bn_index_path(&a->place, a->segments[i]->base_offset, ".log");
        char *x = world_read_file(&p->leader, path, &n), *y = world_read_file(&p->follower, path, &m);
        ck_assert_uint_eq(n, m);
        ck_assert(memcmp(x, y, n) == 0);
        bn_alloc_free(x);
        bn_alloc_free(y);
        bn_alloc_free(path);
    }
}

/* Goal: whatever is fetched at once, the follower's segments are the leader's, rolled at the same offsets by size and
 * by the records' time, in one write each unless a roll falls between. */
START_TEST(test_copies) {
    struct pair p;
    pair_init(&p, (uint64_t)_i + 1);
    for (int round = 0; round < 20; round++) {
        for (uint32_t i = draw(&p, 12); i > 0; i--) produce(&p, round / 4);
        p.follower.now_ms += 5;
        while (bn_log_end_offset(p.follower.log) < bn_log_end_offset(p.leader.log)) {
            uint32_t rolled = p.follower.log->segment_count;
            int before = bn_memdisk_calls(p.follower.mem, BN_MEMDISK_PWRITEV);
            ck_assert_int_eq(fetch(&p, 1 + draw(&p, 6000)), 0);
            rolled = p.follower.log->segment_count - rolled;
            int writes = bn_memdisk_calls(p.follower.mem, BN_MEMDISK_PWRITEV) - before;
            /* A roll writes a snapshot and two indexes. */
            ck_assert_int_le(writes, 1 + (int)rolled * 4);
        }
    }
    check_same_files(&p);
    world_check_fold(&p.follower);
    world_close(&p.follower);
    world_open(&p.follower, true, 0);
    world_check_fold(&p.follower);
    ck_assert_int_eq(bn_log_end_offset(p.follower.log), bn_log_end_offset(p.leader.log));
    pair_fini(&p);
}
END_TEST

/* Goal: an epoch that the follower once began, leading, without a batch does not keep it from taking in batches of
 * older epochs from who was elected in its stead; where those epochs begin stays known. */
START_TEST(test_epoch_without_a_batch) {
    struct pair p;
    pair_init(&p, 1);
    produce(&p, 2);
    produce(&p, 4);
    while (bn_log_end_offset(p.follower.log) < bn_log_end_offset(p.leader.log)) ck_assert_int_eq(fetch(&p, 1), 0);
    int64_t end = bn_log_end_offset(p.follower.log);
    produce(&p, 4);
    bn_log_assign_epoch(p.follower.log, 7, end);
    ck_assert_int_eq(fetch(&p, 6000), 0);
    ck_assert_int_eq(bn_log_latest_epoch(p.follower.log), 4);
    for (int64_t at = 0; at < bn_log_end_offset(p.leader.log); at++)
        ck_assert_int_eq(bn_log_epoch_of(p.follower.log, at), bn_log_epoch_of(p.leader.log, at));
    pair_fini(&p);
}
END_TEST

static void check_unchanged(struct pair *p, struct bn_slice bytes, int64_t offset, int expected) {
    struct bn_log_replica r;
    int64_t end = bn_log_end_offset(p->follower.log), size = bn_log_size_bytes(p->follower.log);
    ck_assert_int_eq(append_at(&p->follower, bytes, offset, &r), expected);
    ck_assert_uint_eq(r.taken, 0);
    ck_assert(bn_log_end_offset(p->follower.log) == end && bn_log_size_bytes(p->follower.log) == size);
    ck_assert(!bn_log_failed(p->follower.log));
}

/* Goal: wrong offsets, flipped bits, epochs that go back and missing bytes are told apart and change nothing. */
START_TEST(test_refusals) {
    struct pair p;
    struct bn_str two;
    struct bn_log_replica r;
    pair_init(&p, 7);
    p.leader.open.config.segment_bytes = 1 << 20;
    for (int i = 0; i < 4; i++) produce(&p, 5);
    ck_assert_int_eq(fetch(&p, 1), 0);
    int64_t end = bn_log_end_offset(p.follower.log);
    bn_str_init(&two);
    ck_assert_int_eq(world_read(&p.leader, end, INT64_MAX, SIZE_MAX, true, &two), 0);
    struct bn_slice all = bn_str_slice(&two);
    struct bn_batch first;
    ck_assert_int_eq(bn_batch_peek(all, &first), 0);
    uint8_t *bytes = (uint8_t *)two.ptr;

    check_unchanged(&p, all, end - 1, BN_STALE);
    check_unchanged(&p, all, end + 1, BN_STALE);
    check_unchanged(&p, bn_slice_of(bytes, first.bytes.len - 1), end, BN_BAD);
    check_unchanged(&p, bn_slice_of(bytes, 5), end, BN_BAD);
    check_unchanged(&p, bn_str_slice(&p.leader.sent), end, BN_STALE); /* begins at 0 */
    for (size_t i = BN_BATCH_CRC_FROM - 4; i < first.bytes.len; i++) {
        bytes[i] ^= 0x10;
        int rc = append_at(&p.follower, all, end, &r);
        ck_assert_int_eq(rc, BN_BAD);
        bytes[i] ^= 0x10;
    }
    bn_batch_assign(bytes, end, 4);
    check_unchanged(&p, all, end, BN_BAD);
    bn_batch_assign(bytes, end, -1);
    check_unchanged(&p, all, end, BN_BAD);
    bn_batch_assign(bytes, end, 6); /* and the next one says 5 */
    check_unchanged(&p, all, end, BN_BAD);
    bn_batch_assign(bytes, end, 5);
    bn_batch_assign(bytes + first.bytes.len, end, 5);
    check_unchanged(&p, all, end, BN_BAD);
    bn_batch_assign(bytes + first.bytes.len, bn_batch_next_offset(&first), 5);

    ck_assert_int_eq(append_at(&p.follower, bn_slice_of(bytes, first.bytes.len + 70), end, &r), 0);
    ck_assert_uint_eq(r.taken, first.bytes.len);
    ck_assert_int_eq(append_at(&p.follower, bn_slice_of(bytes, 0), bn_batch_next_offset(&first), &r), 0);
    ck_assert_int_eq(fetch(&p, SIZE_MAX), 0);
    world_check_fold(&p.follower);
    bn_str_fini(&two);
    pair_fini(&p);
}
END_TEST

/* Goal: a compacted leader's gaps are kept and told, even ones that no index could span. */
START_TEST(test_gaps) {
    struct pair p;
    struct bn_str s;
    struct bn_log_replica r;
    static const int64_t bases[] = {3, 10, 11, (INT64_C(1) << 32) + 5, INT64_C(1) << 40};
    pair_init(&p, 3);
    p.follower.open.config.compact = true;
    bn_log_reconfigure(p.follower.log, &p.follower.open.config);
    bn_str_init(&s);
    for (size_t i = 0; i < BN_ARRAY_LEN(bases); i++) {
        size_t at = s.len;
        world_batch(&(struct batch_spec){.count = 1, .value_bytes = 5, .timestamp = 9}, &s);
        bn_batch_assign((uint8_t *)s.ptr + at, bases[i], 2);
    }
    ck_assert_int_eq(append_at(&p.follower, bn_str_slice(&s), 0, &r), 0);
    ck_assert_int_eq(r.skipped, (INT64_C(1) << 40) - 4);
    ck_assert_int_eq(bn_log_end_offset(p.follower.log), (INT64_C(1) << 40) + 1);
    ck_assert_int_eq(bn_log_start_offset(p.follower.log), 0);
    for (int life = 0; life < 3; life++) {
        struct bn_str out;
        bn_str_init(&out);
        ck_assert_int_eq(world_read(&p.follower, 0, INT64_MAX, SIZE_MAX, true, &out), 0);
        ck_assert_uint_eq(out.len, s.len);
        ck_assert(memcmp(out.ptr, s.ptr, s.len) == 0);
        bn_str_fini(&out);
        world_check_fold(&p.follower);
        if (life == 0)
            world_close(&p.follower);
        else
            world_abandon(&p.follower);
        world_open(&p.follower, life == 0, 0);
    }
    bn_str_fini(&s);
    pair_fini(&p);
}
END_TEST

static void settled(void *arg, int status) { *(int *)arg = status; }

/* Goal: a log that starts empty inside a batch takes it whole; with old bytes below its start, too. */
START_TEST(test_inside_a_batch) {
    for (int old_bytes = 0; old_bytes < 2; old_bytes++) {
        struct pair p;
        int status = 1;
        pair_init(&p, 11);
        world_append_epoch(&p.leader, &(struct batch_spec){.count = 10, .producer_id = 5}, 3);
        world_append_epoch(&p.leader, &(struct batch_spec){.count = 4, .producer_id = 5, .sequence = 10}, 4);
        if (old_bytes) {
            world_put(&p.follower, 5); /* never the leader's */
            ck_assert_int_eq(bn_log_set_start_offset(p.follower.log, 5), 0);
            bn_log_flush(p.follower.log, NULL, NULL, NULL, NULL);
        } else {
            bn_log_truncate_fully(p.follower.log, 5, &(struct bn_log_cut){.done = settled, .arg = &status});
            ck_assert_int_eq(status, 0);
        }
        ck_assert(bn_log_start_offset(p.follower.log) == 5 && bn_log_end_offset(p.follower.log) == 5);
        struct bn_log_replica r;
        struct bn_batch below;
        ck_assert_int_eq(bn_batch_peek(bn_str_slice(&p.leader.sent), &below), 0);
        ck_assert_int_eq(append_at(&p.follower, below.bytes, 4, &r), BN_STALE);
        ck_assert_int_eq(fetch(&p, SIZE_MAX), 0);
        ck_assert(bn_log_start_offset(p.follower.log) == 5 && bn_log_end_offset(p.follower.log) == 14);
        ck_assert_int_eq(bn_log_epoch_of(p.follower.log, 5), 3);
        ck_assert_int_eq(bn_log_epoch_of(p.follower.log, 4), -1);
        world_check_fold(&p.follower);
        bn_str_add_slice(&p.follower.sent, bn_str_slice(&p.leader.sent));
        world_check_all(&p.follower);
        bn_log_flush(p.follower.log, NULL, NULL, NULL, NULL);
        world_abandon(&p.follower);
        bn_memdisk_crash(p.follower.mem, 0);
        p.follower.open.log_start_offset = 5;
        world_open(&p.follower, false, 14);
        world_check_all(&p.follower);
        world_check_fold(&p.follower);
        ck_assert_int_eq(bn_log_end_offset(p.follower.log), 14);
        pair_fini(&p);
    }
}
END_TEST

/* Goal: followers are given all up to the end, and consumers only up to what they may see. */
START_TEST(test_read_for_followers) {
    struct pair p;
    struct bn_str out;
    pair_init(&p, 4);
    for (int i = 0; i < 5; i++) produce(&p, 1);
    int64_t end = bn_log_end_offset(p.leader.log);
    bn_str_init(&out);
    ck_assert_int_eq(world_read(&p.leader, 0, end, SIZE_MAX, true, &out), 0);
    ck_assert_uint_eq(out.len, p.leader.sent.len);
    bn_str_clear(&out);
    ck_assert_int_eq(world_read(&p.leader, 0, end - 1, SIZE_MAX, true, &out), 0);
    ck_assert_uint_lt(out.len, p.leader.sent.len);
    bn_str_clear(&out);
    ck_assert_int_eq(world_read(&p.leader, end, end, SIZE_MAX, true, &out), 0);
    ck_assert_uint_eq(out.len, 0);
    ck_assert_int_eq(world_read(&p.leader, end + 1, end, SIZE_MAX, true, &out), BN_NOTFOUND);
    bn_str_fini(&out);
    pair_fini(&p);
}
END_TEST

START_TEST(test_failed_write) {
    struct pair p;
    pair_init(&p, 2);
    produce(&p, 1);
    produce(&p, 1);
    ck_assert_int_eq(fetch(&p, 1), 0);
    int64_t end = bn_log_end_offset(p.follower.log);
    bn_memdisk_fail(p.follower.mem, BN_MEMDISK_PWRITEV, 1, 1);
    ck_assert_int_eq(fetch(&p, SIZE_MAX), BN_IO);
    ck_assert(bn_log_failed(p.follower.log) && bn_log_end_offset(p.follower.log) == end);
    ck_assert_int_eq(fetch(&p, SIZE_MAX), BN_IO);
    pair_fini(&p);
}
END_TEST

Suite *follow_suite(void);
Suite *follow_suite(void) {
    Suite *s = suite_create("follow");
    TCase *t = tcase_create("follow");
    tcase_add_loop_test(t, test_copies, 0, 30);
    tcase_add_test(t, test_epoch_without_a_batch);
    tcase_add_test(t, test_refusals);
    tcase_add_test(t, test_gaps);
    tcase_add_test(t, test_inside_a_batch);
    tcase_add_test(t, test_read_for_followers);
    tcase_add_test(t, test_failed_write);
    suite_add_tcase(s, t);
    return s;
}
