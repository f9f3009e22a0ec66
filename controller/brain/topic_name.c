/* topic_name.c: Kafka's rules for topic names (its class Topic). Owns nothing. */
#include "controller/brain/topic_name.h"

#include <stdio.h>

#include "common/base/slice.h"

bool bn_topic_name_check(const char *name, char *text, size_t size) {
    size_t len = strlen(name);
    size_t good = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    text[0] = '\0';
    if (len == 0)
        snprintf(text, size, "the empty string is not allowed");
    else if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        snprintf(text, size, "'%s' is not allowed", name);
    else if (len > BN_TOPIC_NAME_MAX)
        snprintf(text, size, "the length of '%s' is longer than the max allowed length %d", name, BN_TOPIC_NAME_MAX);
    else if (good != len)
        snprintf(text, size, "'%s' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'",
                 name);
    else
        return true;
    return false;
}

bool bn_topic_name_may_collide(const char *name) { return strpbrk(name, "._") != NULL; }

bool bn_topic_name_collides(const char *a, const char *b) {
    for (; *a && *b; a++, b++) {
        char x = *a == '.' ? '_' : *a, y = *b == '.' ? '_' : *b;
        if (x != y) return false;
    }
    return *a == *b;
}
