/*
 * Errors, four kinds kept apart:
 *
 *  - What a guest does wrong is not an error; it becomes a guest exception or
 *    an event, and never ends the program.
 *  - Host failures and bad files: the function returns 0 or a negative
 *    ERR_* code and fills a caller-supplied `struct err` with one line for the
 *    user (what, where, and what to do). Whoever returns an error does not
 *    print it; only the main programs print.
 *  - Broken invariants: CHECK() prints the position of the run and aborts. It
 *    is on in release builds. What the host refuses is never one.
 *  - Out of memory: core/base/alloc.h.
 *
 * ERR and TRY are the only macros that contain `return`; that is their job.
 */
#ifndef CORE_BASE_ERR_H
#define CORE_BASE_ERR_H

#include <setjmp.h>

#include "core/base/alloc.h"
#include "core/base/base.h"

enum err_code {
    ERR_USAGE = -1,     /* the command line or a configuration is wrong */
    ERR_IO = -2,        /* the host failed a system call */
    ERR_FORMAT = -3,    /* a file is not what it should be, or damaged */
    ERR_TRUNCATED = -4, /* a file ends too early */
    ERR_VERSION = -5,   /* a file of another format version */
    ERR_DIVERGED = -6,  /* a replay differs from its recording */
    ERR_LIMIT = -7,     /* a limit of disco was reached */
    ERR_INTERRUPTED = -8, /* the user asked to stop */
};

struct err {
    int code;      /* enum err_code, 0 while no error is set */
    char msg[512]; /* one line, as core/base/text.h shows it */
};

/* Fill `e` unless it already holds an error (the first cause wins). `e` may be
 * NULL. Returns `code`. */
int err_set(struct err *e, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

#define ERR(e, code, ...) return err_set((e), (code), __VA_ARGS__)
#define TRY(call)                                                                                  \
    do {                                                                                           \
        int try_result_ = (call);                                                                  \
        if (try_result_ < 0)                                                                       \
            return try_result_;                                                                    \
    } while (0)

/* Called by a failing CHECK to print where the run is. One per thread. */
typedef void check_position_fn(void *ctx);
void check_set_position(check_position_fn *fn, void *ctx);
/* While `to` is set, a failing CHECK of this thread prints its line and comes back there, as
 * longjmp(*to, 1) does, instead of aborting: for work whose loss harms nobody else. What it was
 * at is half done. Code that holds a lock must not CHECK. NULL: abort again. */
void check_contain(jmp_buf *to);
_Noreturn void check_failed(const char *file, int line, const char *cond, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

#define CHECK(cond, ...)                                                                           \
    do {                                                                                           \
        if (UNLIKELY(!(cond)))                                                                     \
            check_failed(__FILE__, __LINE__, #cond, __VA_ARGS__);                                  \
    } while (0)

#endif
