/* places.c: reads lists of partitions. Anything may stand in the file.
 */
#include "tools/places.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/base/alloc.h"
#include "tools/admin.h"

void bn_places_add(struct bn_places *p, const char *topic, int32_t partition, int64_t offset) {
    p->list = bn_alloc_resize(p->list, (p->count + 1) * sizeof *p->list);
    p->list[p->count++] = (struct bn_places_one){bn_alloc_strdup(topic), partition, -1, offset, 0};
}

void bn_places_fini(struct bn_places *p) {
    for (size_t i = 0; i < p->count; i++) bn_alloc_free(p->list[i].topic);
    bn_alloc_free(p->list);
}

static bool refuse(const char *text) {
    fprintf(stderr, "%s\n", text);
    return false;
}

/* Kafka's tools tell all duplicates at once; the first is enough to mend a file. */
static bool all_differ(const struct bn_places *p, bool offsets) {
    for (size_t i = 0; i < p->count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (p->list[i].partition != p->list[k].partition || strcmp(p->list[i].topic, p->list[k].topic) != 0)
                continue;
            fprintf(stderr, "%s contains duplicate%s partitions: %s-%d\n",
                    offsets ? "Offset json file" : "Replica election data", offsets ? " topic" : "", p->list[i].topic,
                    p->list[i].partition);
            return false;
        }
    }
    return true;
}

static bool take(struct bn_places *p, const json_t *item, bool offsets) {
    const json_t *topic = json_object_get(item, "topic"), *partition = json_object_get(item, "partition");
    const json_t *offset = json_object_get(item, "offset");
    const char *missing = !json_is_string(topic)                ? "topic"
                          : !json_is_integer(partition)         ? "partition"
                          : offsets && !json_is_integer(offset) ? "offset"
                                                                : NULL;
    if (missing) return fprintf(stderr, "No such field exists: `%s`\n", missing), false;
    int64_t id = json_integer_value(partition);
    if (id < 0 || id > INT32_MAX) return refuse("A partition must be a number from 0 on");
    bn_places_add(p, json_string_value(topic), (int32_t)id, json_integer_value(offset));
    return true;
}

static bool read_root(struct bn_places *p, const json_t *root, bool offsets, const char *empty) {
    const json_t *version = json_object_get(root, "version"), *list = json_object_get(root, "partitions");
    if (!json_is_object(root)) return refuse("The input string is not a valid JSON");
    if (offsets && version && json_integer_value(version) != 1) {
        fprintf(stderr, "Not supported version field value %lld\n", (long long)json_integer_value(version));
        return false;
    }
    if (!json_is_array(list)) return refuse(empty);
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!take(p, json_array_get(list, i), offsets)) return false;
    }
    return all_differ(p, offsets);
}

bool bn_places_read(struct bn_places *p, const char *program, const char *path, bool offsets, const char *empty) {
    char *text = bn_admin_read_file(program, path);
    if (!text) return false;
    json_t *root = json_loads(text, 0, NULL);
    bool ok = read_root(p, root, offsets, empty);
    json_decref(root);
    bn_alloc_free(text);
    return ok;
}
