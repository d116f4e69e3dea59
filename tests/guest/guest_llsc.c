/* ll and sc: success, and what makes sc fail (MIPS32 volume II: an eret in between does). */
#include "tests/guest/bare.h"

static uint32_t word;

/* ll, then MIDDLE, then sc of 7; the result is sc's. */
#define LL_SC(middle) \
    __extension__({ \
        uint32_t r_; \
        __asm__ volatile(".set push\n .set noreorder\n ll $8, 0(%1)\n li %0, 7\n" middle \
                         "\n sc %0, 0(%1)\n .set pop" \
                         : "=&r"(r_) : "r"(&word) : "$8", "$9", "$24", "memory"); \
        r_; \
    })

void guest_main(void)
{
    uint32_t sum = 0;

    word = 3;
    CHECK_EQ(LL_SC("nop"), 1);
    CHECK_EQ(word, 7);

    word = 3;
    CHECK_EQ(LL_SC("la $24, 1f\n mtc0 $24, $14\n mfc0 $9, $12\n ori $9, $9, 2\n mtc0 $9, $12\n"
                   " ehb\n eret\n 1: nop"), 0);
    CHECK_EQ(word, 3);

    /* An exception between them ends in an eret too. */
    CHECK_EQ(LL_SC("la $24, 1f\n sw $24, trap_resume\n syscall\n 1: nop"), 0);
    CHECK_EQ(word, 3);
    CHECK_EQ(trap_count, 1);

    /* A second sc without its own ll fails. */
    CHECK_EQ(LL_SC("sc $9, 0(%1)\n li %0, 7"), 0);

    for (uint32_t i = 0; i < 1000; i++) {
        uint32_t old, done;

        do {
            __asm__ volatile(".set push\n .set noreorder\n ll %0, 0(%2)\n addu %1, %0, %3\n"
                             " sc %1, 0(%2)\n .set pop"
                             : "=&r"(old), "=&r"(done) : "r"(&word), "r"(i) : "memory");
        } while (!done);
        sum += i;
    }
    CHECK_EQ(LL_SC("nop"), 1);
    CHECK_EQ(sum, 499500);
}
