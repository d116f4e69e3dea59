/*
 * The host's memory. Nobody who asks for it has to look whether it came: where
 * there is none the program ends with one line and status 1, or goes on from
 * what it kept back for that (memory_reserve) and is ended in order. A size
 * that comes from a guest or a file is limited before it gets here.
 */
#ifndef CORE_BASE_ALLOC_H
#define CORE_BASE_ALLOC_H

#include "core/base/base.h"

void *xmalloc(size_t n);
void *xcalloc(size_t n, size_t size); /* zeroed */
void *xrealloc(void *p, size_t n);
char *xstrdup(const char *s);
char *xasprintf(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* A library got none, of so many bytes (0: nobody knows): as if it had been one of the above. */
_Noreturn void out_of_memory(size_t wanted);

/* Keeps back so many bytes of address space, untouched. Once; less if the host has less. */
void memory_reserve(size_t bytes);
/* They were needed: the program should end soon. On any thread, cheap. */
bool memory_is_short(void);

/* For a failure of the host where no error can be returned: one line "PROGRAM: what" and exit
 * status 1, on any thread. What was written to files stays; a trace is then a cut one. */
_Noreturn void host_failed(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* Before that, `rescue` is called on the thread that failed, with whatever locks it holds, to save
 * what it can. One; NULL: none. */
void host_failed_first(void (*rescue)(void *ctx), void *ctx);

#endif
