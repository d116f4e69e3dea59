/*
 * What the tests that execute emitted code share. Code is written in one mapping
 * and runs in another, as the translator has it. Only for x86-64.
 */
#ifndef TESTS_UNIT_EMIT_RUN_RIG_H
#define TESTS_UNIT_EMIT_RUN_RIG_H

#include <check.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mips/jit/emit.h"
#include "tests/rng.h"

#define CODE_SIZE 0x10000
#define MEM       mem_at(RDX, 0) /* of `memory` */

static uint8_t *writable, *executable;
static struct emit e;
static struct rng rng;
static uint64_t memory[8];

/* The registers of the first three arguments are RDI, RSI and RDX (`memory`). */
typedef uint64_t (*emitted_function)(uint64_t a, uint64_t b, void *memory);

static inline void setup(void)
{
    int fd = memfd_create("emit", 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, CODE_SIZE), 0);
    writable = mmap(NULL, CODE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    /* Far from this program and its libraries. */
    executable = mmap((void *)0x100000000000, CODE_SIZE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    ck_assert(writable != MAP_FAILED && executable != MAP_FAILED);
    close(fd);
    e = (struct emit){writable, executable - writable};
    rng.state = rng_env("DISCO_TEST_SEED", 1);
}

static inline void teardown(void)
{
    munmap(writable, CODE_SIZE);
    munmap(executable, CODE_SIZE);
}

/* Ends the function that was emitted since the last call, runs it and drops it. */
static inline uint64_t run(uint64_t a, uint64_t b)
{
    emitted_function f;
    const void *code = executable;
    memcpy(&f, &code, sizeof f);
    emit_ret(&e);
    ck_assert_int_lt(e.p - writable, CODE_SIZE);
    e.p = writable;
    return f(a, b, memory);
}

static inline uint64_t cut(unsigned width, uint64_t value)
{
    return value << (64 - 8 * width) >> (64 - 8 * width);
}

static inline int64_t sign(unsigned width, uint64_t value)
{
    return (int64_t)(value << (64 - 8 * width)) >> (64 - 8 * width);
}

/* Often at the edges of the widths. */
static inline uint64_t value(void)
{
    static const uint64_t edges[] = {0,         1,          0x7f,      0x80,       0xff,
                                     0x7fff,    0x8000,     INT32_MAX, 0x80000000, UINT32_MAX,
                                     INT64_MAX, 1ull << 63, UINT64_MAX};
    uint64_t v = rng_next(&rng);
    return v & 1 ? edges[v % ARRAY_LEN(edges)] : v >> (v >> 1 & 31);
}

#endif
