/* image_diff_test.c: what a broker is told between two images, as one line of text a step: "+" serve, "-" gone, "x"
 * deleted; what goes is told first. */
#include "broker/image/image.h"
#include "common/base/str.h"
#include "tests/unit/broker/image/delta.h"

struct line {
    struct bn_str gone, served;
};

static void add(void *arg, const struct bn_image_change *c) {
    struct line *l = arg;
    if (c->kind == BN_IMAGE_SERVE) {
        bn_str_addf(&l->served, "+%s-%d@%d ", c->topic->name, c->partition->index, c->partition->leader_epoch);
    } else {
        ck_assert_uint_eq(l->served.len, 0);
        bn_str_addf(&l->gone, "%c%s-%d ", c->kind == BN_IMAGE_GONE ? '-' : 'x', c->topic->name, c->partition->index);
    }
}

/* Applies and tells broker 1's part. */
static void step(struct bn_image **image, struct delta *b, const char *expected) {
    struct bn_image *next = NULL;
    struct bn_err e = BN_ERR_NONE;
    ck_assert_msg(bn_image_apply(*image, b->d, &next, &e) == 0, "%s", e.text);
    struct line l;
    bn_str_init(&l.gone);
    bn_str_init(&l.served);
    bn_image_diff(*image, next, b->d, 1, add, &l);
    bn_str_add(&l.gone, l.served.ptr);
    ck_assert_str_eq(l.gone.ptr, expected);
    bn_str_fini(&l.gone);
    bn_str_fini(&l.served);
    bn_image_unref(*image);
    *image = next;
    delta_fini(b);
}

START_TEST(transcript) {
    struct bn_image *i = NULL;
    struct delta b;
    delta_init(&b, 1, 0, true);
    Bn__Topic *t = delta_topic(&b, "t", 1);
    delta_partition(&b, t, 0, 0, "12");
    delta_partition(&b, t, 1, 0, "23"); /* not ours */
    delta_partition(&b, t, 2, 0, "21");
    step(&i, &b, "+t-0@0 +t-2@0 ");

    delta_init(&b, 1, 1, false);
    delta_broker(&b, 3, 1);
    step(&i, &b, ""); /* nothing of ours moved */

    delta_init(&b, 1, 2, false);
    t = delta_topic(&b, "t", 1);
    delta_partition(&b, t, 0, 1, "12");
    delta_partition(&b, t, 1, 1, "13"); /* comes to us */
    step(&i, &b, "+t-0@1 +t-1@1 ");

    delta_init(&b, 1, 3, false);
    delta_partition(&b, delta_topic(&b, "t", 1), 1, 2, "23"); /* reassigned away: no tombstone */
    step(&i, &b, "-t-1 ");

    delta_init(&b, 1, 4, false);
    delta_removed(&b, "t", 2); /* another topic's tombstone is no evidence */
    step(&i, &b, "");

    delta_init(&b, 1, 5, false);
    delta_removed(&b, "t", 1);
    delta_partition(&b, delta_topic(&b, "t", 5), 0, 0, "1"); /* made again at once */
    step(&i, &b, "xt-0 xt-2 +t-0@0 ");

    delta_init(&b, 2, 0, true); /* a new stream that does not know the topic: gone, not deleted */
    step(&i, &b, "-t-0 ");

    delta_init(&b, 2, 1, false);
    delta_partition(&b, delta_topic(&b, "u", 6), 0, 0, "1");
    step(&i, &b, "+u-0@0 ");

    delta_init(&b, 3, 0, true); /* a new stream with its deletion unfinished */
    delta_removed(&b, "u", 6);
    step(&i, &b, "xu-0 ");
    bn_image_unref(i);
}
END_TEST

Suite *image_diff_suite(void);
Suite *image_diff_suite(void) {
    Suite *s = suite_create("image_diff");
    TCase *t = tcase_create("all");
    tcase_add_test(t, transcript);
    suite_add_tcase(s, t);
    return s;
}
