#include "gdb/agent_printf.h"

#include <stdio.h>
#include <string.h>

#define WIDTH_MAX 64

struct printer {
    const struct agent_env *env;
    const uint8_t *p, *end;
    const uint64_t *args;
    size_t nargs, next, room;
};

static void put(struct printer *pr, char c)
{
    if (pr->room == 0)
        return;
    pr->room--;
    if (pr->env->text != NULL)
        buf_putc(pr->env->text, (uint8_t)c);
}

static void put_text(struct printer *pr, const char *text)
{
    while (*text != 0)
        put(pr, *text++);
}

static void put_escape(struct printer *pr)
{
    static const char from[] = "abefnrtv", to[] = "\a\b\033\f\n\r\t\v";
    if (pr->p == pr->end || *pr->p == 0) {
        put(pr, '\\');
        return;
    }
    uint8_t c = *pr->p++;
    const char *known = strchr(from, c);
    if (known != NULL) {
        put(pr, to[known - from]);
    } else if (c >= '0' && c <= '7') {
        unsigned v = c - '0';
        for (int i = 0; i < 2 && pr->p < pr->end && *pr->p >= '0' && *pr->p <= '7'; i++)
            v = v * 8 + (*pr->p++ - '0');
        put(pr, (char)v);
    } else {
        put(pr, (char)c);
    }
}

/* What the guest says: a terminal must not obey it. Lines and columns are the user's. */
static void put_guest(struct printer *pr, uint8_t c)
{
    char escape[8];
    if ((c >= ' ' && c < 0x7f) || c == '\n' || c == '\t') {
        put(pr, (char)c);
        return;
    }
    snprintf(escape, sizeof escape, "\\x%02x", c);
    put_text(pr, escape);
}

static bool put_string(struct printer *pr, uint64_t va)
{
    uint8_t c;
    while (pr->room > 0) {
        if (!pr->env->mem(pr->env->ctx, va++, &c, 1))
            return false;
        if (c == 0)
            break;
        put_guest(pr, c);
    }
    return true;
}

/* One conversion after its `%`: flags, width and precision are kept, the length
 * tells how much of the 64-bit argument counts. */
struct conversion {
    char spec[32]; /* for snprintf, ends in "ll" and the letter */
    unsigned bits;
    char letter;
};

static bool parse_number(struct printer *pr, char *spec, size_t *n)
{
    unsigned v = 0;
    while (pr->p < pr->end && *pr->p >= '0' && *pr->p <= '9' && v <= WIDTH_MAX)
        v = v * 10 + (*pr->p++ - '0');
    if (v > WIDTH_MAX)
        return false;
    if (v > 0)
        *n += (size_t)snprintf(spec + *n, 4, "%u", v);
    return true;
}

static bool parse_conversion(struct printer *pr, struct conversion *c)
{
    size_t n = 0;
    c->spec[n++] = '%';
    while (pr->p < pr->end && *pr->p != 0 && strchr("-+ #0", *pr->p) != NULL && n < 8)
        c->spec[n++] = (char)*pr->p++;
    if (!parse_number(pr, c->spec, &n))
        return false;
    if (pr->p < pr->end && *pr->p == '.') {
        c->spec[n++] = (char)*pr->p++;
        if (!parse_number(pr, c->spec, &n))
            return false;
    }
    c->bits = 32;
    while (pr->p < pr->end && *pr->p != 0 && strchr("hlqjzt", *pr->p) != NULL)
        c->bits = *pr->p++ == 'h' ? c->bits / 2 : 64;
    if (pr->p == pr->end || c->bits < 8)
        return false;
    c->letter = (char)*pr->p++;
    snprintf(c->spec + n, sizeof c->spec - n, "ll%c", c->letter == 'p' ? 'x' : c->letter);
    return true;
}

static bool put_conversion(struct printer *pr)
{
    struct conversion c;
    const uint8_t *from = pr->p;
    if (!parse_conversion(pr, &c) || strchr("diuxXocsp%", c.letter) == NULL || c.letter == 0) {
        put(pr, '%');
        pr->p = from;
        return true;
    }
    if (c.letter == '%') {
        put(pr, '%');
        return true;
    }
    if (pr->next == pr->nargs)
        return false;
    uint64_t v = pr->args[pr->next++];
    if (c.letter == 's')
        return put_string(pr, v);
    if (c.letter == 'c') {
        put_guest(pr, (uint8_t)v);
        return true;
    }
    if (c.letter == 'p')
        put_text(pr, "0x");
    else if (c.bits < 64)
        v = c.letter == 'd' || c.letter == 'i'
                ? (uint64_t)((int64_t)(v << (64 - c.bits)) >> (64 - c.bits))
                : v & (((uint64_t)1 << c.bits) - 1);
    char text[2 * WIDTH_MAX + 32];
    snprintf(text, sizeof text, c.spec, (unsigned long long)v);
    put_text(pr, text);
    return true;
}

bool agent_printf(const struct agent_env *env, const uint8_t *format, size_t n,
                  const uint64_t *args, size_t nargs)
{
    struct printer pr = {
        .env = env,
        .p = format,
        .end = format + n,
        .args = args,
        .nargs = nargs,
        .room = AGENT_TEXT,
    };
    if (env->text != NULL)
        pr.room = env->text->len < AGENT_TEXT ? AGENT_TEXT - env->text->len : 0;
    while (pr.p < pr.end && *pr.p != 0) {
        uint8_t c = *pr.p++;
        if (c == '\\')
            put_escape(&pr);
        else if (c != '%')
            put(&pr, (char)c);
        else if (!put_conversion(&pr))
            return false;
    }
    return true;
}
