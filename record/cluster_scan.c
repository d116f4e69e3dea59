#include "record/cluster_scan.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Behind the comment, if one starts at `at`. */
static const char *skip_comment(const char *at)
{
    if (*at == '#' || strncmp(at, "//", 2) == 0)
        return at + strcspn(at, "\n");
    if (strncmp(at, "/*", 2) != 0)
        return at;
    const char *end = strstr(at + 2, "*/");
    return end == NULL ? at + strlen(at) : end + 2;
}

/* Behind the string that starts at `at`. */
static const char *skip_string(const char *at)
{
    for (at++; *at != 0 && *at != '"'; at++)
        if (*at == '\\' && at[1] != 0)
            at++;
    return *at == 0 ? at : at + 1;
}

static bool number_fits(const char *at, size_t n)
{
    const char *suffix = at + strspn(at, "0123456789abcdefABCDEFxX");
    bool wide = suffix < at + n && *suffix == 'L';
    errno = 0;
    unsigned long long v = strtoull(at, NULL, strncasecmp(at, "0x", 2) == 0 ? 16 : 10);
    return errno == 0 && v <= (wide ? LLONG_MAX : INT_MAX);
}

/* A word: letters, digits and what may stand between them. */
static size_t word_length(const char *at)
{
    size_t n = 0;
    while (isalnum((unsigned char)at[n]) || (at[n] != 0 && strchr("_.*+-@", at[n]) != NULL))
        n++;
    return n;
}

static int scan_word(const char *at, size_t n, const char *path, unsigned line, struct err *e)
{
    if (n == 8 && memcmp(at, "@include", n) == 0)
        ERR(e, ERR_USAGE, "%s:%u: @include is not supported; write one file", path, line);
    const char *digits = at + (*at == '-' || *at == '+');
    bool plain = memchr(at, '.', n) == NULL;
    if (isdigit((unsigned char)*digits) && plain && !number_fits(digits, n - (size_t)(digits - at)))
        ERR(e, ERR_USAGE,
            "%s:%u: %.*s: too large; above 2147483647 numbers end in L, up to "
            "9223372036854775807L",
            path, line, (int)min_u64(n, 40), at);
    return 0;
}

int cluster_scan(const char *text, const char *path, struct err *e)
{
    unsigned line = 1;
    for (const char *at = text; *at != 0;) {
        const char *end = *at == '"' ? skip_string(at) : skip_comment(at);
        if (end == at) {
            size_t n = word_length(at);
            TRY(scan_word(at, n, path, line, e));
            end = at + (n == 0 ? 1 : n);
        }
        for (; at < end; at++)
            line += *at == '\n';
    }
    return 0;
}
