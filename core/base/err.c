#include "core/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/text.h"

int err_set(struct err *e, int code, const char *fmt, ...)
{
    if (e != NULL && e->code == 0) {
        char line[sizeof e->msg];
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(line, sizeof line, fmt, ap);
        va_end(ap);
        text_fit(e->msg, sizeof e->msg, line); /* a file's name may hold anything */
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
