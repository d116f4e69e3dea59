/* lwl, lwr, swl, swr at every offset; byte and halfword accesses; both byte orders. */
#include "tests/guest/bare.h"

static uint8_t bytes[8] __attribute__((aligned(8))) = { 0x11, 0x22, 0x33, 0x44,
                                                        0x55, 0x66, 0x77, 0x88 };
static uint8_t store[8] __attribute__((aligned(8)));

#ifdef __MIPSEB__
enum { BIG = 1 };
#else
enum { BIG = 0 };
#endif

static const uint32_t want_lwl[2][4] = {
    { 0x11bbccddu, 0x2211ccddu, 0x332211ddu, 0x44332211u },
    { 0x11223344u, 0x223344ddu, 0x3344ccddu, 0x44bbccddu },
};
static const uint32_t want_lwr[2][4] = {
    { 0x44332211u, 0xaa443322u, 0xaabb4433u, 0xaabbcc44u },
    { 0xaabbcc11u, 0xaabb1122u, 0xaa112233u, 0x11223344u },
};
/* Memory as bytes, written as one number from the lowest address down. */
static const uint32_t want_swl[2][4] = {
    { 0xaa000000u, 0xbbaa0000u, 0xccbbaa00u, 0xddccbbaau },
    { 0xaabbccddu, 0x00aabbccu, 0x0000aabbu, 0x000000aau },
};
static const uint32_t want_swr[2][4] = {
    { 0xddccbbaau, 0x00ddccbbu, 0x0000ddccu, 0x000000ddu },
    { 0xdd000000u, 0xccdd0000u, 0xbbccdd00u, 0xaabbccddu },
};

static uint32_t stored(void)
{
    return (uint32_t)store[0] << 24 | (uint32_t)store[1] << 16 | (uint32_t)store[2] << 8 | store[3];
}

static void clear_store(void)
{
    for (int i = 0; i < 8; i++)
        ((volatile uint8_t *)store)[i] = 0;
}

static void check_partial(void)
{
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t r = 0xaabbccddu;

        __asm__ volatile("lwl %0, 0(%1)" : "+r"(r) : "r"(bytes + i) : "memory");
        CHECK_EQ(r, want_lwl[BIG][i]);
        r = 0xaabbccddu;
        __asm__ volatile("lwr %0, 0(%1)" : "+r"(r) : "r"(bytes + i) : "memory");
        CHECK_EQ(r, want_lwr[BIG][i]);
        clear_store();
        __asm__ volatile("swl %0, 0(%1)" : : "r"(0xaabbccddu), "r"(store + i) : "memory");
        CHECK_EQ(stored(), want_swl[BIG][i]);
        clear_store();
        __asm__ volatile("swr %0, 0(%1)" : : "r"(0xaabbccddu), "r"(store + i) : "memory");
        CHECK_EQ(stored(), want_swr[BIG][i]);
    }
}

static void check_pairs(void)
{
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t r, want = 0;

        __asm__ volatile("ulw %0, 0(%1)" : "=&r"(r) : "r"(bytes + i) : "memory");
        for (uint32_t n = 0; n < 4; n++)
            want |= (uint32_t)bytes[i + n] << (BIG ? 24 - 8 * n : 8 * n);
        CHECK_EQ(r, want);
    }
}

static void check_narrow(void)
{
    uint32_t r;

    __asm__ volatile("lb %0, 7(%1)" : "=r"(r) : "r"(bytes));
    CHECK_EQ(r, 0xffffff88u);
    __asm__ volatile("lbu %0, 7(%1)" : "=r"(r) : "r"(bytes));
    CHECK_EQ(r, 0x88);
    __asm__ volatile("lh %0, 6(%1)" : "=r"(r) : "r"(bytes));
    CHECK_EQ(r, BIG ? 0x7788 : 0xffff8877u);
    __asm__ volatile("lhu %0, 6(%1)" : "=r"(r) : "r"(bytes));
    CHECK_EQ(r, BIG ? 0x7788 : 0x8877);
    clear_store();
    __asm__ volatile("sh %0, 2(%1)\n sb %0, 1(%1)" : : "r"(0x12345678), "r"(store) : "memory");
    CHECK_EQ(stored(), BIG ? 0x00785678 : 0x00787856);
}

void guest_main(void)
{
    check_partial();
    check_pairs();
    check_narrow();
}
