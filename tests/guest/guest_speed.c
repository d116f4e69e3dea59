/*
 * A long deterministic run for measurements: about 100 million instructions of a linear
 * congruential generator that reads and writes 4 MiB of memory in a scattered order, with
 * calls and branches that depend on the data. Ends with the sum of what it left.
 */
#include "tests/guest/bare.h"

enum { WORDS = 1 << 20, ROUNDS = 5000000 };

static uint32_t memory[WORDS];

static uint32_t __attribute__((noinline)) mix(uint32_t a, uint32_t b)
{
    if ((a ^ b) & 0x10)
        return a + (b << 3);
    return (a ^ b) - 7;
}

void guest_main(void)
{
    uint32_t state = 1, sum = 0;

    for (uint32_t i = 0; i < ROUNDS; i++) {
        state = state * 1103515245u + 12345u;
        uint32_t *word = &memory[state >> 12];
        *word = mix(*word, state);
    }
    for (uint32_t i = 0; i < WORDS; i++)
        sum = sum * 31 + memory[i];
    put_text("sum ");
    put_hex(sum);
    put_char('\n');
    CHECK_EQ(sum, 0xf6785e3cu);
}
