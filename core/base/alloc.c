#include "core/base/alloc.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/text.h"

#define GRACE 5 /* seconds that are enough to end */

static void *_Atomic reserve;
static atomic_bool is_short;
static atomic_flag ending = ATOMIC_FLAG_INIT;
static pthread_t ender;
static void (*first)(void *ctx);
static void *first_ctx;

void host_failed_first(void (*rescue)(void *ctx), void *ctx)
{
    first = rescue;
    first_ctx = ctx;
}

/* While the program ends so: in what it does then, or on a second thread. */
static _Noreturn void end_again(void)
{
    if (!pthread_equal(ender, pthread_self()))
        sleep(GRACE);
    _exit(1);
}

void host_failed(const char *fmt, ...)
{
    char what[400], line[sizeof what];
    va_list ap;
    if (atomic_flag_test_and_set(&ending))
        end_again(); /* the first line tells why */
    ender = pthread_self();
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    text_fit(line, sizeof line, what);
    fprintf(stderr, "%s: %s\n", program_invocation_short_name, line);
    if (first != NULL)
        first(first_ctx);
    exit(1); /* the terminal is to be restored */
}

void out_of_memory(size_t wanted)
{
    if (wanted == 0)
        host_failed("out of memory");
    host_failed("out of memory (%zu bytes wanted)", wanted);
}

void memory_reserve(size_t bytes)
{
    free(atomic_exchange(&reserve, malloc(bytes)));
}

bool memory_is_short(void)
{
    return atomic_load_explicit(&is_short, memory_order_relaxed);
}

/* Something was given back, so that it makes sense to try again. */
static bool reserve_released(void)
{
    void *p = atomic_exchange(&reserve, NULL);
    if (p == NULL)
        return false;
    atomic_store(&is_short, true);
    free(p);
    return true;
}

void *xmalloc(size_t n)
{
    void *p = malloc(n);
    while (p == NULL && n != 0) {
        if (!reserve_released())
            out_of_memory(n);
        p = malloc(n);
    }
    return p;
}

void *xcalloc(size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes))
        out_of_memory(SIZE_MAX);
    void *p = calloc(n, size);
    while (p == NULL && bytes != 0) {
        if (!reserve_released())
            out_of_memory(bytes);
        p = calloc(n, size);
    }
    return p;
}

void *xrealloc(void *old, size_t n)
{
    void *p = realloc(old, n);
    while (p == NULL && n != 0) {
        if (!reserve_released())
            out_of_memory(n);
        p = realloc(old, n);
    }
    return p;
}

char *xstrdup(const char *s)
{
    size_t n = strlen(s) + 1;
    return memcpy(xmalloc(n), s, n);
}

char *xasprintf(const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    if (n < 0)
        out_of_memory(strlen(fmt));
    char *s = xmalloc((size_t)n + 1);
    vsnprintf(s, (size_t)n + 1, fmt, again);
    va_end(again);
    va_end(ap);
    return s;
}
