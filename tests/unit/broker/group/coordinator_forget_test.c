/* coordinator_forget_test.c: goal: what is old, deleted or of a deleted topic goes from memory, by a tombstone from the
 * log, and with the group from ZooKeeper; and nothing else goes. */
#include "broker/group/coordinator_int.h"
#include "proto/kafka/batch.h"
#include "proto/kafka/errors.h"
#include "tests/unit/broker/group/office.h"
#include "tests/unit/unit.h"

Suite *coordinator_forget_suite(void);

struct tombs {
    int offsets, groups; /* tombstones in the log */
};

static struct tombs count_tombs(const struct office *o) {
    struct tombs out = {0};
    struct bn_slice left = bn_str_slice(&o->roster.partition.bytes);
    struct bn_batch b;
    while (bn_batch_peek(left, &b) == BN_OK) {
        struct bn_batch_iter it;
        struct bn_record r;
        struct bn_grecord_key key;
        ck_assert_int_eq(bn_batch_iter_init(&it, &b, 1 << 20), BN_OK);
        while (bn_batch_iter_next(&it, &r) > 0) {
            ck_assert_int_eq(bn_grecord_read_key(r.key, &key), BN_OK);
            if (!bn_slice_is_null(r.value)) continue;
            *(key.kind == BN_GRECORD_GROUP ? &out.groups : &out.offsets) += 1;
        }
        bn_batch_iter_fini(&it);
        left = bn_slice_of(left.ptr + b.bytes.len, left.len - b.bytes.len);
    }
    return out;
}

struct state { /* of group g */
    bool there;
    size_t offsets;
};

static bool do_look(struct office *o, void *arg) {
    struct state *s = arg;
    const struct bn_offsets *offsets;
    const struct bn_group *group;
    ck_assert_int_eq(bn_coordinator_offsets(o->coordinator, 0, BN_SLICE_LIT("g"), &offsets), KE_NONE);
    ck_assert_int_eq(bn_coordinator_group(o->coordinator, 0, BN_SLICE_LIT("g"), &group), KE_NONE);
    *s = (struct state){group != NULL, offsets ? bn_offsets_count(offsets) : 0};
    return true;
}

static void check(struct office *o, bool there, size_t offsets, int tombs, int group_tombs, int removals) {
    struct state s;
    office_turn(o); /* what is written to the controller leaves */
    office_until(o, do_look, &s);
    struct tombs t = count_tombs(o);
    ck_assert_int_eq(s.there, there);
    ck_assert_uint_eq(s.offsets, offsets);
    ck_assert_int_eq(t.offsets, tombs);
    ck_assert_int_eq(t.groups, group_tombs);
    ck_assert_int_eq(o->removals, removals);
}

static bool do_expire(struct office *o, void *arg) {
    bn_coordinator_expire(bn_coordinator_seat(o->coordinator, 0));
    return true;
}

static void expire(struct office *o, int64_t retention_ms) {
    o->deps.retention_ms = retention_ms;
    office_until(o, do_expire, NULL);
}

static void begin(struct office *o) {
    office_open(o);
    office_lead(o, 4);
    office_await_loaded(o);
}

static void form(struct office *o, struct office_join *j) {
    struct office_sync s;
    office_join(o, j, "g", "");
    office_turn(o);
    office_sync(o, &s, "g", j);
    office_turn(o);
    ck_assert_int_eq(s.sync.error, KE_NONE);
}

static bool do_leave(struct office *o, void *arg) {
    struct office_join *j = arg;
    struct bn_coordinator_leaver who = {.member_id = bn_slice_str(j->member_id)};
    ck_assert_int_eq(bn_coordinator_leave(o->coordinator, 0, BN_SLICE_LIT("g"), &who, 1), KE_NONE);
    ck_assert_int_eq(who.error, KE_NONE);
    return true;
}

/* A simple consumer's offset grows old from its commit on, and the group goes with its last one; it has no record. */
START_TEST(test_simple_consumers) {
    struct office o;
    struct office_commitment c;
    begin(&o);
    office_offset(&o, &c, "g", 5);
    expire(&o, 3600000);
    check(&o, true, 1, 0, 0, 0);
    expire(&o, 0);
    check(&o, false, 0, 1, 0, 0);
    expire(&o, 0);
    check(&o, false, 0, 1, 0, 0);
    office_close(&o);
}
END_TEST

/* Of a group with members only what none of them reads grows old (KIP-211); once empty, all of it, and the group with
 * its record and its znode. */
START_TEST(test_groups) {
    static const struct {
        struct bn_slice subscription;
        bool read;
    } cases[] = {{BN_SLICE_LIT("\0\1\0\0\0\1\0\1t\xff\xff\xff\xff"), true},
                 {BN_SLICE_LIT("\0\1\0\0\0\1\0\1u\xff\xff\xff\xff"), false},
                 {BN_SLICE_LIT("?"), true}}; /* who knows */
    for (size_t i = 0; i < BN_ARRAY_LEN(cases); i++) {
        struct office o;
        struct office_commitment c;
        struct office_join j;
        begin(&o);
        o.subscription = cases[i].subscription;
        office_offset(&o, &c, "g", 5);
        form(&o, &j);
        expire(&o, 3600000);
        check(&o, true, 1, 0, 0, 0);
        expire(&o, 0);
        check(&o, true, cases[i].read, !cases[i].read, 0, 0);
        office_until(&o, do_leave, &j);
        office_turn(&o);
        expire(&o, 0);
        check(&o, false, 0, 1, 1, 1);
        office_close(&o);
    }
}
END_TEST

/* While a commit is under way nothing of its group is dropped: it may be the newer one, and would stand before the
 * tombstone. */
START_TEST(test_commit_under_way) {
    struct office o;
    struct office_commitment c, late;
    begin(&o);
    office_offset(&o, &c, "g", 5);
    o.roster.partition.hold = true;
    office_offset(&o, &late, "g", 6);
    expire(&o, 0);
    check(&o, true, 1, 0, 0, 0);
    office_commit(&o);
    expire(&o, 0);
    check(&o, false, 0, 1, 0, 0);
    office_close(&o);
}
END_TEST

/* The offsets of a topic go with it, at once; so does a group that had nothing else. Not those of one that was made
 * anew before this broker heard anything. */
START_TEST(test_topics) {
    struct office o;
    struct office_commitment c;
    struct office_join j;
    begin(&o);
    office_offset(&o, &c, "g", 5);
    office_topic_gone(&o, "other", false);
    check(&o, true, 1, 0, 0, 0);
    office_topic_gone(&o, "t", true); /* the image still has it */
    check(&o, true, 1, 0, 0, 0);
    form(&o, &j);
    office_topic_gone(&o, "t", false);
    check(&o, true, 0, 1, 0, 0);
    office_until(&o, do_leave, &j);
    office_turn(&o);
    office_topic_gone(&o, "t", false); /* nothing of the group went: it is only empty for a moment */
    check(&o, true, 0, 1, 0, 0);
    office_offset(&o, &c, "g", 6);
    office_topic_gone(&o, "t", false);
    check(&o, false, 0, 2, 1, 1);
    office_close(&o);
}
END_TEST

static void deleted(struct bn_coordinator_commit *m) {
    BN_CONTAINER_OF(m, struct office_commitment, commit)->answers++;
}

static bool do_delete(struct office *o, void *arg) {
    struct office_commitment *c = arg;
    c->commit = (struct bn_coordinator_commit){.items = &c->item, .done = deleted};
    bn_coordinator_delete(o->coordinator, 0, BN_SLICE_LIT("g"), &c->commit);
    return true;
}

static bool do_remove(struct office *o, void *arg) {
    struct office_commitment *c = arg;
    c->item = (struct bn_coordinator_commit_item){.topic = BN_SLICE_LIT("t")};
    c->commit = (struct bn_coordinator_commit){.items = &c->item, .count = 1, .removes = true, .done = deleted};
    bn_coordinator_delete(o->coordinator, 0, BN_SLICE_LIT("g"), &c->commit);
    return true;
}

/* What goes while its commit is under way does not come back with it: the tombstone stands behind it in the log. */
START_TEST(test_gone_before_it_counts) {
    bool (*const ends[])(struct office *, void *) = {do_delete, NULL, do_remove};
    for (size_t i = 0; i < BN_ARRAY_LEN(ends); i++) {
        for (int had = 0; had <= 1; had++) {
            struct office o;
            struct office_commitment c, first, gone = {.answers = 0};
            begin(&o);
            if (had) office_offset(&o, &first, "g", 5);
            o.roster.partition.hold = true;
            office_offset(&o, &c, "g", 6);
            if (ends[i])
                office_until(&o, ends[i], &gone);
            else
                office_topic_gone(&o, "t", false);
            office_commit(&o);
            office_turn(&o);
            ck_assert_int_eq(c.answers, 1);
            ck_assert_int_eq(c.item.error, KE_NONE);
            ck_assert_int_eq(gone.item.error, KE_NONE);
            check(&o, false, 0, had && i < 2 ? 2 : 1, 0, 0);
            office_close(&o);
        }
    }
}
END_TEST

/* A deleted group is gone for whoever takes over, too, though the controller could not be told at once; and one of its
 * name that comes meanwhile keeps its znode. */
START_TEST(test_deleted_group) {
    for (int comes_back = 0; comes_back <= 1; comes_back++) {
        struct office o;
        struct office_commitment c;
        struct office_join j;
        begin(&o);
        office_offset(&o, &c, "g", 5);
        form(&o, &j);
        office_until(&o, do_delete, &c);
        ck_assert_int_eq(c.item.error, KE_NON_EMPTY_GROUP);
        office_until(&o, do_leave, &j);
        office_turn(&o);
        o.write_error = KE_NOT_CONTROLLER;
        c.answers = 0;
        office_until(&o, do_delete, &c);
        ck_assert_int_eq(c.item.error, KE_NONE);
        ck_assert_int_eq(c.answers, 1);
        check(&o, false, 0, 1, 1, 1);
        if (comes_back) office_offset(&o, &c, "g", 6);
        o.write_error = KE_NONE;
        office_settle(&o);
        check(&o, comes_back, (size_t)comes_back, 1, 1, 2 - comes_back);
        if (comes_back) {
            expire(&o, 0);
            check(&o, false, 0, 2, 1, 2);
        }
        bn_str_clear(&o.roster.partition.bytes); /* whatever the log says */
        office_lead(&o, -1);
        office_lead(&o, 6);
        office_await_loaded(&o);
        check(&o, false, 0, 0, 0, 2);
        office_close(&o);
    }
}
END_TEST

struct offset_deletion {
    struct office_commitment c;
    struct bn_slice topic;
};

static bool do_delete_offset(struct office *o, void *arg) {
    struct offset_deletion *d = arg;
    d->c.item = (struct bn_coordinator_commit_item){.topic = d->topic};
    d->c.commit = (struct bn_coordinator_commit){.items = &d->c.item, .count = 1, .removes = true, .done = deleted};
    bn_coordinator_delete(o->coordinator, 0, BN_SLICE_LIT("g"), &d->c.commit);
    return true;
}

/* And in the same moment a stranger knocks, which sets the group's timer anew. */
static bool do_delete_offset_disturbed(struct office *o, void *arg) {
    struct bn_coordinator_leaver stranger = {.member_id = BN_SLICE_LIT("nobody"), .instance_id = BN_SLICE_NULL};
    do_delete_offset(o, arg);
    ck_assert_int_eq(bn_coordinator_leave(o->coordinator, 0, BN_SLICE_LIT("g"), &stranger, 1), KE_NONE);
    ck_assert_int_eq(stranger.error, KE_UNKNOWN_MEMBER_ID);
    return true;
}

/* Whose last offset is deleted goes with it, with record and znode if it ever had members; not while it has some, and
 * not while an offset is left. */
START_TEST(test_deleted_offsets) {
    for (int had_members = 0; had_members <= 1; had_members++) {
        struct office o;
        struct office_commitment c;
        struct office_join j;
        struct offset_deletion other = {.topic = BN_SLICE_LIT("u")}, all = {.topic = BN_SLICE_LIT("t")};
        begin(&o);
        o.subscription = BN_SLICE_LIT("\0\1\0\0\0\1\0\1u\xff\xff\xff\xff");
        office_offset(&o, &c, "g", 5);
        if (had_members) {
            form(&o, &j);
            office_until(&o, do_delete_offset, &all);
            check(&o, true, 0, 1, 0, 0);
            office_until(&o, do_leave, &j);
            office_turn(&o);
            office_offset(&o, &c, "g", 5);
        }
        office_until(&o, do_delete_offset, &other);
        check(&o, true, 1, 1 + had_members, 0, 0);
        office_until(&o, do_delete_offset_disturbed, &all);
        ck_assert_int_eq(all.c.item.error, KE_NONE);
        ck_assert_int_eq(all.c.answers, 1 + had_members);
        check(&o, false, 0, 2 + had_members, had_members, had_members);
        office_close(&o);
    }
}
END_TEST

Suite *coordinator_forget_suite(void) {
    Suite *s = suite_create("coordinator_forget");
    TCase *t = tcase_create("coordinator_forget");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_simple_consumers);
    tcase_add_test(t, test_groups);
    tcase_add_test(t, test_commit_under_way);
    tcase_add_test(t, test_topics);
    tcase_add_test(t, test_deleted_group);
    tcase_add_test(t, test_deleted_offsets);
    tcase_add_test(t, test_gone_before_it_counts);
    suite_add_tcase(s, t);
    return s;
}
