/* Multiplication and division, HI and LO (MIPS32 volume II). */
#include "tests/guest/bare.h"

/* Starts with HI and LO as given, runs TEXT on two registers, and checks HI and LO. */
#define HILO(text, hi, lo, a, b, want_hi, want_lo) \
    do { \
        uint32_t hi_, lo_; \
        __asm__ volatile("mthi %4\n mtlo %5\n" text "\n mfhi %0\n mflo %1" \
                         : "=&r"(hi_), "=&r"(lo_) \
                         : "r"(a), "r"(b), "r"(hi), "r"(lo) : "hi", "lo"); \
        CHECK_EQ(hi_, want_hi); \
        CHECK_EQ(lo_, want_lo); \
    } while (0)

void guest_main(void)
{
    uint32_t r;

    HILO("mult %2, %3", 9, 9, 0xffffffffu, 2, 0xffffffffu, 0xfffffffeu);
    HILO("mult %2, %3", 9, 9, 0x80000000u, 0x80000000u, 0x40000000u, 0);
    HILO("mult %2, %3", 9, 9, 0x7fffffffu, 0x80000000u, 0xc0000000u, 0x80000000u);
    HILO("multu %2, %3", 9, 9, 0xffffffffu, 0xffffffffu, 0xfffffffeu, 1);
    HILO("multu %2, %3", 9, 9, 0x12345678u, 0x9abcdef0u, 0x0b00ea4eu, 0x242d2080u);
    HILO("madd %2, %3", 0, 0xffffffffu, 1, 1, 1, 0);
    HILO("madd %2, %3", 0, 0, 0xffffffffu, 1, 0xffffffffu, 0xffffffffu);
    HILO("maddu %2, %3", 1, 2, 0xffffffffu, 0xffffffffu, 0xffffffffu, 3);
    HILO("msub %2, %3", 0, 0, 1, 1, 0xffffffffu, 0xffffffffu);
    HILO("msub %2, %3", 0, 5, 0xffffffffu, 1, 0, 6);
    HILO("msubu %2, %3", 0xffffffffu, 3, 0xffffffffu, 0xffffffffu, 1, 2);

    HILO("div $0, %2, %3", 9, 9, 7, 2, 1, 3);
    HILO("div $0, %2, %3", 9, 9, (uint32_t)-7, 2, (uint32_t)-1, (uint32_t)-3);
    HILO("div $0, %2, %3", 9, 9, 7, (uint32_t)-2, 1, (uint32_t)-3);
    HILO("divu $0, %2, %3", 9, 9, 0xfffffffeu, 0xffffffffu, 0xfffffffeu, 0);
    HILO("divu $0, %2, %3", 9, 9, 0xffffffffu, 10, 5, 0x19999999u);
    /* The one overflow of a division: it must not trap, on any host. */
    HILO("div $0, %2, %3", 9, 9, 0x80000000u, 0xffffffffu, 0, 0x80000000u);
    /* Division by zero gives no defined result, and no exception either. */
    __asm__ volatile("div $0, %0, $0\n divu $0, %0, $0" : : "r"(5) : "hi", "lo");

    __asm__ volatile("mul %0, %1, %2" : "=r"(r) : "r"(0x12345678u), "r"(0xffffffffu) : "hi", "lo");
    CHECK_EQ(r, 0xedcba988u);
}
