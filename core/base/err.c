#include "core/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int err_set(struct err *e, int code, const char *fmt, ...)
{
    if (e != NULL && e->code == 0) {
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(e->msg, sizeof e->msg, fmt, ap);
        va_end(ap);
        /* A file's name may hold anything, and what is printed is one line. */
        for (char *c = e->msg; *c != 0; c++)
            if ((unsigned char)*c < ' ' || *c == 0x7f)
                *c = '?';
        e->code = code;
    }
    return code;
}

static _Thread_local check_position_fn *position_fn;
static _Thread_local void *position_ctx;

void check_set_position(check_position_fn *fn, void *ctx)
{
    position_fn = fn;
    position_ctx = ctx;
}

static _Thread_local jmp_buf *contained;

void check_contain(jmp_buf *to)
{
    contained = to;
}

void check_failed(const char *file, int line, const char *cond, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "disco: internal error at %s:%d: %s: ", file, line, cond);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    if (contained != NULL) {
        jmp_buf *to = contained;
        contained = NULL;
        longjmp(*to, 1);
    }
    if (position_fn != NULL) {
        check_position_fn *fn = position_fn;
        position_fn = NULL;
        fn(position_ctx);
    }
    abort();
}

static void *checked(void *p, size_t n)
{
    if (p == NULL && n != 0) {
        fprintf(stderr, "disco: out of memory (%zu bytes wanted)\n", n);
        abort();
    }
    return p;
}

void *xmalloc(size_t n)
{
    return checked(malloc(n), n);
}

void *xcalloc(size_t n, size_t size)
{
    size_t bytes;
    return checked(calloc(n, size), __builtin_mul_overflow(n, size, &bytes) ? SIZE_MAX : bytes);
}

void *xrealloc(void *p, size_t n)
{
    return checked(realloc(p, n), n);
}

char *xstrdup(const char *s)
{
    return checked(strdup(s), strlen(s) + 1);
}

char *xasprintf(const char *fmt, ...)
{
    char *s = NULL;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&s, fmt, ap);
    va_end(ap);
    return checked(n < 0 ? NULL : s, strlen(fmt));
}
