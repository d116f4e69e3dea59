/*
 * A guest to run beside others: for eight seconds it works a while, prints a line with the sum of
 * what it did, and waits for the next tick of its timer. What it prints depends on nothing but the
 * byte order for which it was built, whoever else runs: it adds up bytes as they lie in memory.
 */
#include "tests/guest/bare.h"

/* A tick is so many counts: half a second where Count runs at half of 100 MHz. */
enum { TICK = 25000000, TICKS = 16, WORDS = 1 << 16, ROUNDS = 1000000 };

/* The last sums. */
enum { LITTLE = 0x49d0f716, BIG = 0x1f0c4baa };

static uint32_t memory[WORDS];
static volatile uint32_t ticks;

static int on_interrupt(struct trap_frame *frame)
{
    if ((frame->cause >> 2 & 31) != EXC_INT)
        return 0;
    MTC0(11, 0, MFC0(9, 0) + TICK);
    ticks++;
    return 1;
}

static uint32_t work(uint32_t *state)
{
    const uint8_t *bytes = (const uint8_t *)memory;
    uint32_t sum = 0;

    for (uint32_t i = 0; i < ROUNDS; i++) {
        *state = *state * 1103515245u + 12345u;
        memory[*state >> 16] ^= *state;
    }
    for (uint32_t i = 0; i < sizeof(memory); i++)
        sum = sum * 31 + bytes[i];
    return sum;
}

void guest_main(void)
{
    uint32_t one = 1, state = 1, sum = 0;
    int little = *(const uint8_t *)&one == 1;

    trap_hook = on_interrupt;
    MTC0(11, 0, MFC0(9, 0) + TICK);
    MTC0(12, 0, MFC0(12, 0) | STATUS_IM7 | STATUS_IE);
    for (uint32_t i = 1; i <= TICKS; i++) {
        sum = work(&state);
        put_text(little ? "beside: little endian, round " : "beside: big endian, round ");
        put_hex(i);
        put_text(", sum ");
        put_hex(sum);
        put_char('\n');
        while (ticks < i)
            __asm__ volatile("wait" : : : "memory");
    }
    MTC0(12, 0, MFC0(12, 0) & ~(uint32_t)STATUS_IE);
    CHECK_EQ(sum, little ? LITTLE : BIG);
}
