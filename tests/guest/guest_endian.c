/* The byte order of memory, as loads and stores of all widths and the configuration tell it. */
#include "tests/guest/bare.h"

#ifdef __MIPSEB__
enum { BIG = 1 };
#else
enum { BIG = 0 };
#endif

void guest_main(void)
{
    static union {
        uint32_t w;
        uint16_t h[2];
        uint8_t b[4];
    } volatile u;

    u.w = 0x11223344;
    CHECK_EQ(u.b[0], BIG ? 0x11 : 0x44);
    CHECK_EQ(u.b[3], BIG ? 0x44 : 0x11);
    CHECK_EQ(u.h[0], BIG ? 0x1122 : 0x3344);
    u.h[1] = 0xaabb;
    CHECK_EQ(u.w, BIG ? 0x1122aabbu : 0xaabb3344u);
    u.b[2] = 0x5c;
    CHECK_EQ(u.w, BIG ? 0x11225cbbu : 0xaa5c3344u);
    /* Config.BE. */
    CHECK_EQ(MFC0(16, 0) >> 15 & 1, BIG);
    /* The uncached window shows the same bytes. */
    CHECK_EQ(*(volatile uint8_t *)((uint32_t)&u | 0x20000000u), u.b[0]);
}
