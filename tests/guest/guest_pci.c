/* The devices of PCI bus 0 as a boot loader leaves them, by configuration cycles of the GT. */
#include "tests/guest/bare.h"

#define GT ((volatile uint32_t *)0xbbe00000u)

enum { CONFIG_ADDRESS = 0xcf8 / 4, CONFIG_DATA = 0xcfc / 4 };

/* The GT's registers are little-endian for processors of either byte order. */
static uint32_t swap(uint32_t value)
{
#ifdef __MIPSEB__
    __asm__("wsbh %0, %0\n rotr %0, %0, 16" : "+r"(value));
#endif
    return value;
}

static uint32_t config_read(uint32_t device, uint32_t function, uint32_t at)
{
    GT[CONFIG_ADDRESS] = swap(0x80000000u | device << 11 | function << 8 | at);
    return swap(GT[CONFIG_DATA]);
}

static void config_write(uint32_t device, uint32_t function, uint32_t at, uint32_t value)
{
    GT[CONFIG_ADDRESS] = swap(0x80000000u | device << 11 | function << 8 | at);
    GT[CONFIG_DATA] = swap(value);
}

void guest_main(void)
{
    /* Bit 0 of the PCI command register: no byte swap of data on the way through. */
    GT[0xc00 / 4] = swap(swap(GT[0xc00 / 4]) | 0x00010001);

    CHECK_EQ(config_read(0, 0, 0), 0x462011ab);
    CHECK_EQ(config_read(10, 0, 0), 0x71108086);
    CHECK_EQ(config_read(10, 1, 0), 0x71118086);
    CHECK_EQ(config_read(10, 2, 0), 0x71128086);
    CHECK_EQ(config_read(10, 3, 0), 0x71138086);
    CHECK_EQ(config_read(10, 0, 8) >> 16, 0x0601);
    CHECK_EQ(config_read(10, 1, 8) >> 16, 0x0101);
    /* Interrupt routing of PIRQ A to D. */
    CHECK_EQ(config_read(10, 0, 0x60), 0x0b0b0a0a);
    /* Nobody there. */
    CHECK_EQ(config_read(1, 0, 0), 0xffffffffu);
    CHECK_EQ(config_read(31, 0, 0), 0xffffffffu);
    CHECK_EQ(config_read(10, 7, 0), 0xffffffffu);
    /* Sizing of the IDE function's bus-master registers: 16 ports. */
    config_write(10, 1, 0x20, 0xffffffffu);
    CHECK_EQ(config_read(10, 1, 0x20) & 0xffff, 0xfff1);
    config_write(10, 1, 0x20, 0x00001061);
    CHECK_EQ(config_read(10, 1, 0x20), 0x1061);
    /* Identification is read-only. */
    config_write(10, 1, 0, 0);
    CHECK_EQ(config_read(10, 1, 0), 0x71118086);
}
