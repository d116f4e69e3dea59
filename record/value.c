#include "record/value.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/config.h"

#define NAME_LENGTH_MAX 32

/* Digits at the start of *text, decimal or (with 0x) hexadecimal; moves behind them. */
static bool take_number(const char **text, uint64_t *out)
{
    char *end;
    if (!isdigit((unsigned char)**text))
        return false;
    errno = 0;
    uint64_t v = strtoull(*text, &end, strncmp(*text, "0x", 2) == 0 ? 16 : 10);
    if (errno != 0)
        return false;
    *text = end;
    *out = v;
    return true;
}

struct unit {
    const char *name;
    uint64_t factor;
};

/* A number and one of the units; the result is at most `max`. */
static bool number_with_unit(const char *text, const struct unit *units, size_t n, uint64_t max,
                             uint64_t *out)
{
    uint64_t v;
    if (!take_number(&text, &v))
        return false;
    for (size_t i = 0; i < n; i++)
        if (strcmp(text, units[i].name) == 0 && v <= max / units[i].factor) {
            *out = v * units[i].factor;
            return true;
        }
    return false;
}

bool value_bytes(const char *text, uint64_t *out)
{
    static const struct unit units[] = {
        {"", 1u << 20},  {"K", 1u << 10}, {"k", 1u << 10}, {"M", 1u << 20},
        {"m", 1u << 20}, {"G", 1u << 30}, {"g", 1u << 30},
    };
    uint64_t v;
    if (!number_with_unit(text, units, ARRAY_LEN(units), (UINT64_C(1) << 40) - 1, &v) || v == 0)
        return false;
    *out = v;
    return true;
}

bool value_duration(const char *text, uint64_t *ns)
{
    static const struct unit units[] = {
        {"ns", 1},
        {"us", 1000},
        {"ms", 1000000},
        {"s", 1000000000},
    };
    return number_with_unit(text, units, ARRAY_LEN(units), 3600 * UINT64_C(1000000000), ns);
}

bool value_rate(const char *text, uint64_t *bits)
{
    static const struct unit units[] = {
        {"", 1}, {"k", 1000}, {"K", 1000}, {"M", 1000000}, {"G", 1000000000},
    };
    if (strcmp(text, "none") == 0) {
        *bits = 0;
        return true;
    }
    uint64_t v;
    if (!number_with_unit(text, units, ARRAY_LEN(units), UINT64_C(1000000000000000), &v) || v == 0)
        return false;
    *bits = v;
    return true;
}

bool value_percent(const char *text, uint32_t *millionths)
{
    uint64_t whole;
    uint32_t part = 0, digit = 1000;
    if (strncmp(text, "0x", 2) == 0 || !take_number(&text, &whole) || whole > 100)
        return false;
    if (*text == '.') {
        text++;
        if (!isdigit((unsigned char)*text))
            return false;
        for (; isdigit((unsigned char)*text); text++, digit /= 10) {
            if (digit == 0)
                return false;
            part += (uint32_t)(*text - '0') * digit;
        }
    }
    if (strcmp(text, "%") != 0 || whole * 10000 + part > 1000000)
        return false;
    *millionths = (uint32_t)whole * 10000 + part;
    return true;
}

bool value_mac(const char *text, uint8_t mac[6])
{
    uint8_t byte[6], any = 0;
    for (unsigned i = 0; i < 6; i++, text += 3) {
        if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]) ||
            text[2] != (i == 5 ? 0 : ':'))
            return false;
        byte[i] = (uint8_t)strtoul(text, NULL, 16);
        any |= byte[i];
    }
    if (any == 0 || byte[0] & 1)
        return false;
    memcpy(mac, byte, sizeof byte);
    return true;
}

bool value_share(const char *text, unsigned *ways)
{
    static const struct {
        const char *name;
        unsigned ways;
    } names[] = {
        {"disk", SHARE_DISK}, {"net", SHARE_NET}, {"content", SHARE_CONTENT},
        {"boot", SHARE_BOOT}, {"all", SHARE_ALL}, {"none", 0},
    };
    unsigned all = 0;
    for (;;) {
        size_t n = strcspn(text, ","), i = 0;
        while (i < ARRAY_LEN(names) &&
               (strlen(names[i].name) != n || memcmp(names[i].name, text, n) != 0))
            i++;
        if (i == ARRAY_LEN(names))
            return false;
        all |= names[i].ways;
        if (text[n] == 0)
            break;
        text += n + 1;
    }
    *ways = all;
    return true;
}

bool value_date(const char *text, uint64_t *seconds)
{
    struct tm tm = {0};
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (end == NULL) {
        tm = (struct tm){0};
        end = strptime(text, "%Y-%m-%d", &tm);
    }
    if (end == NULL || *end != 0 || tm.tm_year < 70 || tm.tm_year > 199)
        return false;
    *seconds = (uint64_t)timegm(&tm);
    return true;
}

bool value_is_name(const char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)text[i]) && strchr("-_.", text[i]) == NULL)
            return false;
    return n >= 1 && n <= NAME_LENGTH_MAX;
}
