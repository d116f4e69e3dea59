#include "core/base/text.h"

#include <stdio.h>
#include <string.h>

#include "core/base/err.h"

#define SHOWN_MAX 4 /* bytes that stand for one */

/* Controls of ISO 6429 (C1), line ends, and what turns the direction of what follows. */
static bool is_obeyed(uint32_t c)
{
    return c < 0xa0 || (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

/* Bytes of the valid character at `s`, beyond ASCII, that a terminal only prints; 0: it is none. */
static size_t printable_beyond_ascii(const uint8_t *s)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc0 ? 2 : 0;
    if (n == 0)
        return 0;
    uint32_t c = s[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) /* the 0 at the end, too */
            return 0;
        c = c << 6 | (s[i] & 0x3fu);
    }
    bool valid = c >= least[n] && c <= 0x10ffff && c >> 11 != 0x1b;
    return valid && !is_obeyed(c) ? n : 0;
}

/* What stands for the first character of `s`, which is not empty; moves *s behind it. */
static size_t show(const char **s, char out[SHOWN_MAX + 1])
{
    const uint8_t *p = (const uint8_t *)*s;
    size_t n = printable_beyond_ascii(p);
    if (n == 0 && *p >= 0x20 && *p < 0x7f)
        n = 1;
    if (n != 0) {
        memcpy(out, p, n);
        *s += n;
        return n;
    }
    *s += 1;
    const char *known = *p == '\n' ? "\\n" : *p == '\r' ? "\\r" : *p == '\t' ? "\\t" : NULL;
    return (size_t)(known != NULL ? sprintf(out, "%s", known) : sprintf(out, "\\x%02x", *p));
}

void text_fit(char *out, size_t size, const char *text)
{
    char piece[SHOWN_MAX + 1];
    size_t len = 0;
    while (*text != 0) {
        size_t n = show(&text, piece);
        if (len + n >= size)
            break;
        memcpy(out + len, piece, n);
        len += n;
    }
    out[len] = 0;
}

char *text_shown(const char *text)
{
    size_t size = SHOWN_MAX * strlen(text) + 1;
    char *out = xmalloc(size);
    text_fit(out, size, text);
    return out;
}
