/* Small things that every folder uses. Depends on libc only. */
#ifndef CORE_BASE_BASE_H
#define CORE_BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_LEN(a)      (sizeof(a) / sizeof((a)[0]))
#define LIKELY(x)         __builtin_expect(!!(x), 1)
#define UNLIKELY(x)       __builtin_expect(!!(x), 0)
#define COLD              __attribute__((cold, noinline))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* The cache line at `p`, which need not exist, will be written soon. */
static inline void prefetch_write(const void *p)
{
#ifdef __x86_64__
    __asm__ volatile("prefetchw (%0)" : : "r"(p)); /* a processor without it takes it for a nop */
#else
    __builtin_prefetch(p, 1);
#endif
}

/* The page size of the monitor: machine, physical and smallest guest page. */
#define PAGE_BITS 12
#define PAGE_SIZE ((uint64_t)1 << PAGE_BITS)
#define PAGE_MASK (PAGE_SIZE - 1)

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

#endif
