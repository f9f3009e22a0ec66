/* groups_delete.c: deletes groups, and what groups have committed.
 */
#include <stdio.h>

#include "common/base/alloc.h"
#include "proto/kafka/errors.h"
#include "proto/kafka/kmsg.h"
#include "tools/admin.h"
#include "tools/groups.h"
#include "tools/jsonout.h"

/* ---- groups ---- */

static void delete_json(const struct bn_slice *ids, const int *codes, size_t count) {
    struct bn_jsonout j;
    bn_jsonout_init(&j);
    bn_jsonout_array(&j, "groups");
    for (size_t i = 0; i < count; i++) {
        bn_jsonout_object(&j, NULL);
        bn_jsonout_text(&j, "group", ids[i]);
        bn_jsonout_bool(&j, "deleted", codes[i] == KE_NONE);
        bn_jsonout_text(&j, "error", codes[i] == KE_NONE ? BN_SLICE_NULL : bn_slice_str(bn_errors_name(codes[i])));
        bn_jsonout_end(&j);
    }
    bn_jsonout_print(&j);
}

static void print_deleted(const struct bn_slice *ids, const int *codes, size_t count, const char *between) {
    bool first = true;
    for (size_t i = 0; i < count; i++) {
        if (codes[i] != KE_NONE) continue;
        printf("%s%.*s", first ? "" : between, BN_SLICE_FMT(ids[i]));
        first = false;
    }
}

static void delete_text(struct bn_groups *g, const struct bn_slice *ids, const int *codes, size_t count) {
    char exception[BN_ADMIN_EXCEPTION_MAX];
    size_t failed = 0;
    for (size_t i = 0; i < count; i++) failed += codes[i] != KE_NONE;
    if (failed == 0) {
        fputs("Deletion of requested consumer groups ('", stdout);
        print_deleted(ids, codes, count, ", ");
        puts("') was successful.");
        return;
    }
    bn_groups_error(g, "Deletion of some consumer groups failed:");
    for (size_t i = 0; i < count; i++) {
        if (codes[i] == KE_NONE) continue;
        fprintf(g->kafka ? stdout : stderr, "* Group '%.*s' could not be deleted due to: %s: %s\n",
                BN_SLICE_FMT(ids[i]), bn_admin_exception(codes[i], exception), bn_errors_text(codes[i]));
    }
    if (failed == count) return;
    fputs("\nThese consumer groups were deleted successfully: '", stdout);
    print_deleted(ids, codes, count, "'");
    puts("', '");
}

bool bn_groups_delete(struct bn_groups *g) {
    struct bn_slice *ids;
    size_t count;
    if (!bn_groups_meant(g, &ids, &count)) return true;
    int *codes = bn_alloc_zero(count + 1, sizeof *codes);
    for (size_t i = 0; i < count; i++) {
        codes[i] = bn_groupask_delete(&g->ask, ids[i]);
        g->failed |= codes[i] != KE_NONE;
    }
    if (g->json)
        delete_json(ids, codes, count);
    else
        delete_text(g, ids, codes, count);
    bn_alloc_free(codes);
    return true;
}

/* ---- offsets ---- */

static void tell_whole(struct bn_groups *g, int code) {
    const char *group = g->names[0];
    switch (code) {
    case KE_NONE:
        fputs("Request succeed for deleting offsets with topic ", stdout);
        const char *topic;
        bool first = true;
        for (int at = 0; (topic = bn_options_next(g->options, "topic", &at)) != NULL; first = false)
            printf("%s%s", first ? "" : ", ", topic);
        printf(" group %s\n", group);
        break;
    case KE_INVALID_GROUP_ID:
        bn_groups_error(g, "'%s' is not valid.", group);
        break;
    case KE_GROUP_ID_NOT_FOUND:
        bn_groups_error(g, "'%s' does not exist.", group);
        break;
    case KE_GROUP_AUTHORIZATION_FAILED:
        bn_groups_error(g, "Access to '%s' is not authorized.", group);
        break;
    case KE_NON_EMPTY_GROUP:
        bn_groups_error(g, "Deleting offsets of a consumer group '%s' is forbidden if the group is not empty.", group);
        break;
    case KE_GROUP_SUBSCRIBED_TO_TOPIC:
    case KE_TOPIC_AUTHORIZATION_FAILED:
    case KE_UNKNOWN_TOPIC_OR_PARTITION:
        bn_groups_error(g, "Encounter some partition level error, see the follow-up details:");
        break;
    default:
        bn_groups_error(g, "Encounter some unknown error: %s", bn_errors_name(code));
    }
}

static void print_offsets(const struct bn_groupask_place *places, const int16_t *errors, size_t count) {
    char exception[BN_ADMIN_EXCEPTION_MAX];
    printf("\n%-30s %-15s %-15s\n", "TOPIC", "PARTITION", "STATUS");
    for (size_t i = 0; i < count; i++) {
        printf("%-30.*s ", BN_SLICE_FMT(places[i].topic));
        if (places[i].partition < 0)
            printf("%-15s ", "Not Provided");
        else
            printf("%-15d ", places[i].partition);
        if (errors[i] == KE_NONE)
            printf("%-15s\n", "Successful");
        else
            printf("Error: :%s: %s\n", bn_admin_exception(errors[i], exception), bn_errors_text(errors[i]));
    }
}

static void offsets_json(const struct bn_groups *g, const struct bn_groupask_place *places, const int16_t *errors,
                         size_t count) {
    struct bn_jsonout j;
    bn_jsonout_init(&j);
    bn_jsonout_text(&j, "group", bn_slice_str(g->names[0]));
    bn_jsonout_array(&j, "offsets");
    for (size_t i = 0; i < count; i++) {
        bn_jsonout_object(&j, NULL);
        bn_jsonout_text(&j, "topic", places[i].topic);
        bn_jsonout_number(&j, "partition", places[i].partition);
        bn_jsonout_bool(&j, "deleted", errors[i] == KE_NONE);
        bn_jsonout_text(&j, "error", errors[i] == KE_NONE ? BN_SLICE_NULL : bn_slice_str(bn_errors_name(errors[i])));
        bn_jsonout_end(&j);
    }
    bn_jsonout_print(&j);
}

bool bn_groups_delete_offsets(struct bn_groups *g) {
    const struct kmsg_metadata_response *all = bn_session_metadata(g->ask.session);
    struct bn_arena *arena = bn_session_arena(g->ask.session);
    struct bn_groupask_place *places;
    size_t count, known = 0;
    if (!all) return g->failed = true;
    if (!bn_groups_topics(g, all, &places, &count)) return false;
    int16_t *errors = bn_arena_array(arena, count + 1, sizeof *errors), *codes = bn_arena_array(arena, count + 1, 2);
    struct bn_groupask_place *asked = bn_arena_array(arena, count + 1, sizeof *asked);
    if (!errors || !codes || !asked) return g->failed = true;
    for (size_t i = 0; i < count; i++) {
        if (places[i].partition >= 0) asked[known++] = places[i];
    }
    int code = bn_groupask_forget(&g->ask, bn_slice_str(g->names[0]), asked, known, codes);
    if (code < KE_UNKNOWN_SERVER_ERROR) return g->failed = true;
    for (size_t i = 0, k = 0; i < count; i++)
        errors[i] = places[i].partition < 0 ? (int16_t)KE_UNKNOWN_TOPIC_OR_PARTITION : codes[k++];
    for (size_t i = 0; i < known && code == KE_NONE; i++) code = codes[i];
    for (size_t i = 0; i < count; i++) g->failed |= errors[i] != KE_NONE;
    if (!g->json) tell_whole(g, code);
    if (g->json)
        offsets_json(g, places, errors, count);
    else
        print_offsets(places, errors, count);
    return true;
}
