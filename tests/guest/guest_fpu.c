/*
 * The FPU: arithmetic in both formats, conversions and their roundings, comparisons and branches
 * on them, flags and enabled exceptions of FCSR, NaNs of the old (pre-2008) encoding, loads and
 * stores. Registers are used in pairs (Status.FR = 0), as 32-bit kernels do.
 */
#include "tests/guest/bare.h"

enum { INEXACT = 1, UNDERFLOW = 2, OVERFLOW = 4, DIVIDE = 8, INVALID = 16 };

#define FCSR_WRITE(value) \
    __asm__ volatile(".set push\n .set hardfloat\n ctc1 %0, $31\n .set pop" : : "r"(value))

static uint32_t fcsr_read(void)
{
    uint32_t r;

    __asm__ volatile(".set push\n .set hardfloat\n cfc1 %0, $31\n .set pop" : "=r"(r));
    return r;
}

/* One operation on single-precision operands; checks the result's bits and the FCSR's flags. */
#define S(text, a, b, want, flags) \
    do { \
        uint32_t r_; \
        FCSR_WRITE(0); \
        __asm__ volatile(".set push\n .set hardfloat\n mtc1 %1, $f2\n mtc1 %2, $f4\n" text "\n" \
                         " mfc1 %0, $f0\n .set pop" : "=r"(r_) : "r"(a), "r"(b)); \
        CHECK_EQ(r_, want); \
        CHECK_EQ(fcsr_read() >> 2 & 31, flags); \
    } while (0)

/* The same in double precision: operands and result as high and low words. */
#define D(text, ah, al, bh, bl, wh, wl, flags) \
    do { \
        uint32_t h_, l_; \
        FCSR_WRITE(0); \
        __asm__ volatile(".set push\n .set hardfloat\n .set mips32r2\n" \
                         " mtc1 %3, $f2\n mtc1 %2, $f3\n mtc1 %5, $f4\n mtc1 %4, $f5\n" text "\n" \
                         " mfc1 %0, $f1\n mfc1 %1, $f0\n .set pop" \
                         : "=r"(h_), "=r"(l_) : "r"(ah), "r"(al), "r"(bh), "r"(bl)); \
        CHECK_EQ(h_, wh); \
        CHECK_EQ(l_, wl); \
        CHECK_EQ(fcsr_read() >> 2 & 31, flags); \
    } while (0)

static void check_single(void)
{
    S("add.s $f0, $f2, $f4", 0x3f800000u, 0x40000000u, 0x40400000u, 0);            /* 1 + 2 */
    S("sub.s $f0, $f2, $f4", 0x3f800000u, 0x3f800000u, 0, 0);                      /* 1 - 1 */
    S("mul.s $f0, $f2, $f4", 0x40400000u, 0xc0a00000u, 0xc1700000u, 0);            /* 3 * -5 */
    S("div.s $f0, $f2, $f4", 0x3f800000u, 0x40400000u, 0x3eaaaaabu, INEXACT);      /* 1 / 3 */
    S("div.s $f0, $f2, $f4", 0x3f800000u, 0x80000000u, 0xff800000u, DIVIDE);       /* 1 / -0 */
    S("mul.s $f0, $f2, $f4", 0x7f000000u, 0x7f000000u, 0x7f800000u, OVERFLOW | INEXACT);
    S("mul.s $f0, $f2, $f4", 0x00800000u, 0x3f000000u, 0x00400000u, 0);            /* denormal */
    S("mul.s $f0, $f2, $f4", 0x00800001u, 0x3f000000u, 0x00400000u, UNDERFLOW | INEXACT);
    S("sqrt.s $f0, $f2", 0x40800000u, 0, 0x40000000u, 0);
    S("sqrt.s $f0, $f2", 0x40000000u, 0, 0x3fb504f3u, INEXACT);
    S("abs.s $f0, $f2", 0xbf800000u, 0, 0x3f800000u, 0);
    S("neg.s $f0, $f2", 0x3f800000u, 0, 0xbf800000u, 0);
    S("mov.s $f0, $f2", 0x7f800001u, 0, 0x7f800001u, 0);
    /* Invalid operations give the default NaN, whose encoding is the old one. */
    S("sub.s $f0, $f2, $f4", 0x7f800000u, 0x7f800000u, 0x7fbfffffu, INVALID);
    S("div.s $f0, $f2, $f4", 0, 0, 0x7fbfffffu, INVALID);
    S("sqrt.s $f0, $f2", 0xbf800000u, 0, 0x7fbfffffu, INVALID);
}

static void check_double(void)
{
    D("add.d $f0, $f2, $f4", 0x3ff00000u, 0, 0x40000000u, 0, 0x40080000u, 0, 0);
    D("sub.d $f0, $f2, $f4", 0x3ff00000u, 0, 0x3fe00000u, 0, 0x3fe00000u, 0, 0);
    D("mul.d $f0, $f2, $f4", 0x40080000u, 0, 0xc0140000u, 0, 0xc02e0000u, 0, 0);
    D("div.d $f0, $f2, $f4", 0x3ff00000u, 0, 0x40080000u, 0, 0x3fd55555u, 0x55555555u, INEXACT);
    D("sqrt.d $f0, $f2", 0x40000000u, 0, 0, 0, 0x3ff6a09eu, 0x667f3bcdu, INEXACT);
    D("neg.d $f0, $f2", 0x3ff00000u, 5, 0, 0, 0xbff00000u, 5, 0);
    D("madd.d $f0, $f2, $f4, $f4", 0x3ff00000u, 0, 0x40000000u, 0, 0x40140000u, 0, 0);
    D("cvt.d.s $f0, $f2", 0, 0x40490fdbu, 0, 0, 0x400921fbu, 0x60000000u, 0);
    D("cvt.d.w $f0, $f2", 0, 0xfffffff6u, 0, 0, 0xc0240000u, 0, 0);
    D("div.d $f0, $f2, $f4", 0x3ff00000u, 0, 0, 0, 0x7ff00000u, 0, DIVIDE);
}

/* Conversions to words, in the four rounding modes. */
static void check_rounding(void)
{
    static const uint32_t values[] = { 0x40200000u, 0x40600000u, 0xc0200000u, 0xbf333333u };
    static const uint32_t want[4][4] = {
        { 2, 4, (uint32_t)-2, (uint32_t)-1 },   /* nearest even of 2.5, 3.5, -2.5, -0.7 */
        { 2, 3, (uint32_t)-2, 0 },              /* toward zero */
        { 3, 4, (uint32_t)-2, 0 },              /* up */
        { 2, 3, (uint32_t)-3, (uint32_t)-1 },   /* down */
    };

    for (uint32_t mode = 0; mode < 4; mode++) {
        for (uint32_t i = 0; i < 4; i++) {
            uint32_t r;

            FCSR_WRITE(mode);
            __asm__ volatile(".set push\n .set hardfloat\n mtc1 %1, $f2\n cvt.w.s $f0, $f2\n"
                             " mfc1 %0, $f0\n .set pop" : "=r"(r) : "r"(values[i]));
            CHECK_EQ(r, want[mode][i]);
        }
    }
    FCSR_WRITE(0);
    S("trunc.w.s $f0, $f2", 0xc0200000u, 0, (uint32_t)-2, INEXACT);
    S("floor.w.s $f0, $f2", 0xc0200000u, 0, (uint32_t)-3, INEXACT);
    S("ceil.w.s $f0, $f2", 0x40200000u, 0, 3, INEXACT);
    S("round.w.s $f0, $f2", 0x40600000u, 0, 4, INEXACT);
    /* Out of range, and NaN. */
    S("trunc.w.s $f0, $f2", 0x4f000000u, 0, 0x7fffffffu, INVALID);
    S("trunc.w.s $f0, $f2", 0x7fbfffffu, 0, 0x7fffffffu, INVALID);
    S("cvt.s.w $f0, $f2", 0x01000001u, 0, 0x4b800000u, INEXACT);
}

/* One comparison; the result is condition bit 0. */
static uint32_t compare_lt(uint32_t a, uint32_t b)
{
    uint32_t r;

    __asm__ volatile(".set push\n .set hardfloat\n .set noreorder\n mtc1 %1, $f2\n mtc1 %2, $f4\n"
                     " c.lt.s $f2, $f4\n li %0, 1\n bc1t 1f\n nop\n li %0, 0\n 1: nop\n .set pop"
                     : "=&r"(r) : "r"(a), "r"(b));
    return r;
}

static void check_compare(void)
{
    uint32_t r;

    FCSR_WRITE(0);
    CHECK_EQ(compare_lt(0x3f800000u, 0x40000000u), 1);
    CHECK_EQ(compare_lt(0x40000000u, 0x3f800000u), 0);
    CHECK_EQ(compare_lt(0xbf800000u, 0x3f800000u), 1);
    CHECK_EQ(compare_lt(0x80000000u, 0), 0);
    CHECK_EQ(fcsr_read() >> 2 & 31, 0);
    /* Unordered: false, and invalid because "less" signals for every NaN. */
    CHECK_EQ(compare_lt(0x7fbfffffu, 0x3f800000u), 0);
    CHECK_EQ(fcsr_read() >> 2 & 31, INVALID);
    FCSR_WRITE(0);
    /* c.un with another condition bit, and moves on it. */
    __asm__ volatile(".set push\n .set hardfloat\n mtc1 %1, $f2\n mtc1 $0, $f4\n"
                     " c.un.s $fcc3, $f2, $f4\n li %0, 5\n movf %0, $0, $fcc3\n .set pop"
                     : "=&r"(r) : "r"(0x7fbfffffu));
    CHECK_EQ(r, 5);
    CHECK_EQ(fcsr_read() >> 27 & 1, 1);
}

static void check_exceptions(void)
{
    /* Enabled division by zero: the exception, with its cause bit and no flag. */
    FCSR_WRITE(DIVIDE << 7);
    __asm__ volatile(".set push\n .set hardfloat\n mtc1 %0, $f2\n mtc1 $0, $f4\n .set pop"
                     : : "r"(0x3f800000u));
    EXPECT_TRAP(EXC_FPE, "div.s $f0, $f2, $f4", 0, 0);
    CHECK_EQ(fcsr_read() >> 12 & 63, DIVIDE);
    CHECK_EQ(fcsr_read() >> 2 & 31, 0);
    EXPECT_TRAP_BD(EXC_FPE, "div.s $f0, $f2, $f4", 0, 0);
    /* Writing a cause bit whose enable is set raises it too. */
    EXPECT_TRAP(EXC_FPE, "ctc1 %[a], $31", (DIVIDE << 12) | (DIVIDE << 7), 0);
    FCSR_WRITE(0);
}

static void check_memory(void)
{
    static uint32_t pair[4] __attribute__((aligned(8))) = { 0x01020304u, 0x05060708u, 0, 0 };

    __asm__ volatile(".set push\n .set hardfloat\n ldc1 $f6, 0(%0)\n sdc1 $f6, 8(%0)\n .set pop"
                     : : "r"(pair) : "memory");
    CHECK_EQ(((volatile uint32_t *)pair)[2], 0x01020304u);
    CHECK_EQ(((volatile uint32_t *)pair)[3], 0x05060708u);
    __asm__ volatile(".set push\n .set hardfloat\n lwc1 $f8, 4(%0)\n swc1 $f8, 8(%0)\n .set pop"
                     : : "r"(pair) : "memory");
    CHECK_EQ(((volatile uint32_t *)pair)[2], 0x05060708u);
    EXPECT_TRAP(EXC_ADEL, "ldc1 $f6, 4(%[a])", (uint32_t)pair, 0);
}

void guest_main(void)
{
    check_single();
    check_double();
    check_rounding();
    check_compare();
    check_exceptions();
    check_memory();
}
