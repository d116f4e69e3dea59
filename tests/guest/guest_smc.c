/*
 * Self-modifying code: stores into code that has run, made visible as the architecture asks for
 * (synci or cache, sync, a hazard barrier). Also code copied to several places, and a loop that
 * rewrites an instruction of the very loop that it is in.
 */
#include "tests/guest/bare.h"

enum { LI_V0 = 0x24020000, JR_RA = 0x03e00008, NOP = 0 };

static uint32_t code[256] __attribute__((aligned(64)));

static void make_visible(uint32_t *at)
{
    __asm__ volatile("synci 0(%0)\n sync" : : "r"(at) : "memory");
}

static uint32_t call(uint32_t *at)
{
    uint32_t r;

    __asm__ volatile(".set push\n .set noreorder\n jalr.hb $31, %1\n nop\n move %0, $2\n .set pop"
                     : "=r"(r) : "r"(at) : "$2", "$31", "memory");
    return r;
}

static void write_function(uint32_t *at, uint32_t result)
{
    ((volatile uint32_t *)at)[0] = LI_V0 | result;
    ((volatile uint32_t *)at)[1] = JR_RA;
    ((volatile uint32_t *)at)[2] = NOP;
    make_visible(at);
}

/* The loop's third instruction adds 1 at first, and is rewritten to add 3 after 5 rounds. */
static uint32_t rewrite_own_loop(void)
{
    uint32_t sum;

    __asm__ volatile(".set push\n .set noreorder\n"
                     " move %0, $0\n li $8, 10\n la $9, 2f\n la $10, 3f\n lw $10, 0($10)\n"
                     " 1: addiu $8, $8, -1\n"
                     " 2: addiu %0, %0, 1\n"
                     " li $11, 5\n"
                     " bne $8, $11, 4f\n nop\n"
                     " sw $10, 0($9)\n synci 0($9)\n sync\n la $11, 4f\n jr.hb $11\n nop\n"
                     " 3: addiu %0, %0, 3\n"
                     " 4: bnez $8, 1b\n nop\n .set pop"
                     : "=&r"(sum) : : "$8", "$9", "$10", "$11", "memory");
    return sum;
}

void guest_main(void)
{
    for (uint32_t i = 0; i < 100; i++) {
        write_function(code, i);
        CHECK_EQ(call(code), i);
        CHECK_EQ(call(code), i);
    }
    /* Only the changed function changes. */
    for (uint32_t i = 0; i < 64; i++)
        write_function(code + 4 * i, i);
    for (uint32_t i = 0; i < 64; i++)
        CHECK_EQ(call(code + 4 * i), i);
    write_function(code + 4 * 17, 1000);
    for (uint32_t i = 0; i < 64; i++)
        CHECK_EQ(call(code + 4 * i), i == 17 ? 1000 : i);

    /* The same bytes through the other cacheability window. */
    write_function(code, 21);
    CHECK_EQ(call(code), 21);
    CHECK_EQ(call((uint32_t *)((uint32_t)code | 0x20000000u)), 21);
    ((volatile uint32_t *)((uint32_t)code | 0x20000000u))[0] = LI_V0 | 22;
    /* Index and hit operations of the cache instruction, as kernels use them. */
    __asm__ volatile("cache 0x15, 0(%0)\n cache 0x10, 0(%0)\n sync" : : "r"(code) : "memory");
    CHECK_EQ(call((uint32_t *)((uint32_t)code | 0x20000000u)), 22);

    CHECK_EQ(rewrite_own_loop(), 5 + 5 * 3);
}
