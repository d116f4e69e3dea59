/*
 * The CPU suite: programs that run inside the guest, each with a fixed amount of work.
 *
 * A benchmark returns a checksum of what it computed, which depends on nothing but its code: every
 * machine that runs it must print the same. How much work each one does is chosen so that
 * qemu-system-mipsel needs about two seconds for it.
 */
#ifndef TESTS_BENCH_SUITE_SUITE_H
#define TESTS_BENCH_SUITE_SUITE_H

#include <stdint.h>

/* suite_integer.c: registers and the first-level cache. */
uint32_t suite_integer(void);
uint32_t suite_sort(void);

/* suite_memory.c: 16 MiB at a time, far more than the TLB and the caches map. */
uint32_t suite_chase(void);
uint32_t suite_stream(void);

/* suite_float_double.c, suite_float_single.c: the same programs in both precisions. */
uint32_t suite_double(void);
uint32_t suite_single(void);

/* suite_branch.c: jumps that are hard to foresee, calls, returns. */
uint32_t suite_switch(void);
uint32_t suite_calls(void);

/* suite_system.c: the kernel. */
uint32_t suite_syscall(void);
uint32_t suite_fault(void);
uint32_t suite_fork(void);

/*
 * suite_jit.c: code that is written and run: through a buffer that is used again and again; in a few
 * places of one page; by changing single instructions; and in a page that also holds its data.
 */
uint32_t suite_jit_append(void);
uint32_t suite_jit_slots(void);
uint32_t suite_jit_patch(void);
uint32_t suite_jit_data(void);

/* Ends the program: a system call failed, or memory is short. */
_Noreturn void suite_fail(const char *what);

/* malloc that does not return without memory. */
void *suite_alloc(uint32_t size);

/* The next number of a sequence that `state` holds; it must not be 0. */
static inline uint32_t suite_random(uint32_t *state)
{
    uint32_t x = *state;

    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    *state = x;
    return x;
}

/* Takes `value` into the checksum `sum`. */
static inline uint32_t suite_mix(uint32_t sum, uint32_t value)
{
    sum = (sum ^ value) * 0x9E3779B1u;
    return sum ^ sum >> 15;
}

#endif
