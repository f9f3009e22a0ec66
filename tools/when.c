/* when.c: reads times and durations. Days are counted here, since mktime knows only the zone it runs in.
 */
#include "tools/when.h"

#include <string.h>

enum { DIGITS_MAX = 15, SECOND_MS = 1000, MINUTE_MS = 60000, HOUR_MS = 3600000, DAY_MS = 86400000 };

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Exactly so many digits, and a number between the bounds. */
static bool take_number(const char **at, int digits, int64_t least, int64_t most, int64_t *out) {
    *out = 0;
    for (int i = 0; i < digits; i++, (*at)++) {
        if (!is_digit(**at)) return false;
        *out = *out * 10 + (**at - '0');
    }
    return *out >= least && *out <= most;
}

static bool take_char(const char **at, char c) {
    if (**at != c) return false;
    (*at)++;
    return true;
}

/* What is behind a point, in milliseconds: at least one digit; those behind the third are cut off. */
static bool take_fraction(const char **at, int64_t *out_ms) {
    int64_t unit = 100;
    *out_ms = 0;
    if (!is_digit(**at)) return false;
    for (; is_digit(**at); (*at)++, unit /= 10) *out_ms += (**at - '0') * unit;
    return true;
}

/* Days from 1970-01-01 to a day of the Gregorian calendar; the year is not negative. */
static int64_t days_to(int64_t year, int64_t month, int64_t day) {
    int64_t y = month <= 2 ? year - 1 : year, shifted = month <= 2 ? month + 9 : month - 3; /* years begin in March */
    int64_t leap = y >= 0 ? y / 4 - y / 100 + y / 400 : -1;
    return y * 365 + leap + (shifted * 153 + 2) / 5 + day - 1 - 719468;
}

static bool is_day(int64_t year, int64_t month, int64_t day) {
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= lengths[month - 1] + (month == 2 && leap);
}

/* What is to be added to reach UTC. */
static bool take_zone(const char **at, int64_t *out_ms) {
    int64_t hours = 0, minutes = 0;
    *out_ms = 0;
    if (!**at || take_char(at, 'Z')) return true;
    int sign = take_char(at, '-') ? 1 : take_char(at, '+') ? -1 : 0;
    if (!sign || !take_number(at, 2, 0, 23, &hours)) return false;
    bool colon = take_char(at, ':');
    if ((colon || **at) && !take_number(at, 2, 0, 59, &minutes)) return false;
    *out_ms = sign * (hours * HOUR_MS + minutes * MINUTE_MS);
    return true;
}

bool bn_when_datetime(const char *text, int64_t *out_ms) {
    int64_t year, month, day, hour, minute, second = 0, fraction_ms = 0, zone_ms;
    const char *at = text;
    bool ok = take_number(&at, 4, 0, 9999, &year) && take_char(&at, '-') && take_number(&at, 2, 1, 12, &month) &&
              take_char(&at, '-') && take_number(&at, 2, 1, 31, &day) && is_day(year, month, day) &&
              take_char(&at, 'T') && take_number(&at, 2, 0, 23, &hour) && take_char(&at, ':') &&
              take_number(&at, 2, 0, 59, &minute);
    if (ok && take_char(&at, ':')) {
        ok = take_number(&at, 2, 0, 59, &second);
        if (ok && take_char(&at, '.')) ok = take_fraction(&at, &fraction_ms);
    }
    if (!ok || !take_zone(&at, &zone_ms) || *at) return false;
    *out_ms = days_to(year, month, day) * DAY_MS + hour * HOUR_MS + minute * MINUTE_MS + second * SECOND_MS +
              fraction_ms + zone_ms;
    return true;
}

static char upper(char c) { return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c; }

/* A signed number with its unit letter, one of `units` and behind the last one taken: "5H", "-2.5S". */
static bool take_part(const char **at, const char **units, const int64_t *values, const char *all, int64_t *sum_ms) {
    int sign = take_char(at, '-') ? -1 : 1;
    int64_t number = 0, fraction_ms = 0;
    if (sign > 0) (void)take_char(at, '+');
    const char *start = *at;
    for (; is_digit(**at) && *at - start < DIGITS_MAX; (*at)++) number = number * 10 + (**at - '0');
    if (*at == start) return false;
    bool fraction = take_char(at, '.');
    if (fraction && !take_fraction(at, &fraction_ms)) return false;
    const char *unit = **at ? strchr(*units, upper(**at)) : NULL;
    if (!unit || (fraction && *unit != 'S')) return false;
    int64_t ms;
    if (__builtin_mul_overflow(number, values[unit - all], &ms)) return false;
    *units = unit + 1;
    (*at)++;
    return !__builtin_add_overflow(*sum_ms, sign * (ms + fraction_ms), sum_ms);
}

bool bn_when_duration(const char *text, int64_t *out_ms) {
    static const char days[] = "D", times[] = "HMS";
    static const int64_t day_values[] = {DAY_MS}, time_values[] = {HOUR_MS, MINUTE_MS, SECOND_MS};
    const char *at = text, *day_units = days, *time_units = times;
    int64_t sum_ms = 0;
    int sign = take_char(&at, '-') ? -1 : 1;
    if (sign > 0) (void)take_char(&at, '+');
    if (upper(*at++) != 'P' || !*at) return false;
    if (upper(*at) != 'T' && !take_part(&at, &day_units, day_values, days, &sum_ms)) return false;
    if (*at) {
        if (upper(*at++) != 'T' || !*at) return false;
        while (*at) {
            if (!take_part(&at, &time_units, time_values, times, &sum_ms)) return false;
        }
    }
    *out_ms = sign * sum_ms;
    return true;
}
