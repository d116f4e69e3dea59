/*
 * The board survey: a kernel that prints every register of the processor and the board as its first
 * instruction found them, and the memory that the firmware filled. A line is "GROUP INDEX VALUE",
 * in hexadecimal but for the group; survey.py compares those of two machines.
 *
 * Everything is read first and printed after, so that printing changes nothing; what a read changes
 * (the receive buffer, flags of the clock) is read last in its chip, or not at all.
 */
#include "tests/board/survey.h"

#include <stdint.h>

#define LINES 6000
#define GT    0xbbe00000u
#define IO    0xb8000000u

struct line {
    const char *group;
    uint32_t index, value;
};

extern uint32_t start_gpr[34];
extern uint32_t low_memory[LOW_BYTES / 4];
uint32_t read_cp0(uint32_t n);
void survey(uint32_t status, uint32_t cause, uint32_t epc);

static struct line lines[LINES];
static unsigned count;

static void put(const char *group, uint32_t index, uint32_t value)
{
    if (count < LINES)
        lines[count++] = (struct line){group, index, value};
}

static uint32_t word(uint32_t at)
{
    return *(volatile uint32_t *)at;
}

static void set_word(uint32_t at, uint32_t value)
{
    *(volatile uint32_t *)at = value;
}

static uint32_t port(uint32_t at)
{
    return *(volatile uint8_t *)(IO + at);
}

static void set_port(uint32_t at, uint32_t value)
{
    *(volatile uint8_t *)(IO + at) = (uint8_t)value;
}

/* A register of a little-endian chip. */
static uint32_t le(uint32_t value)
{
#ifdef __MIPSEB__
    return __builtin_bswap32(value);
#else
    return value;
#endif
}

static void processor(uint32_t status, uint32_t cause, uint32_t epc)
{
    for (unsigned i = 0; i < 34; i++)
        put("gpr", i, start_gpr[i]);
    for (unsigned i = 0; i < 256; i++)
        put("cp0", i,
            i == 12 * 8   ? status
            : i == 13 * 8 ? cause
            : i == 14 * 8 ? epc
                          : read_cp0(i));
    uint32_t fir, fcsr;
    __asm__ volatile(".set push\n .set hardfloat\n cfc1 %0, $0\n cfc1 %1, $31\n .set pop"
                     : "=r"(fir), "=r"(fcsr));
    put("fpu", 0, fir);
    put("fpu", 31, fcsr);
}

/* Where a string of a table of pointers stands is the firmware's affair; its text is not. */
static void strings(const char *group, uint32_t table, uint32_t most)
{
    for (unsigned i = 0; i < most && word(table + 4 * i) != 0; i++) {
        const char *text = (const char *)(uintptr_t)word(table + 4 * i);
        for (unsigned n = 0; n < 200 && text[n] != 0; n++)
            put(group, i << 8 | n, (uint8_t)text[n]);
    }
}

static void memory(void)
{
    for (unsigned i = 0; i < 0x2000 / 4; i++)
        if (low_memory[i] != 0)
            put("ram", 4 * i, low_memory[i]);
    strings("argv", start_gpr[5], start_gpr[4]);
    strings("envp", start_gpr[6], 32);
    put("rom", 0x10, word(0xbfc00010u));
    static const uint32_t places[] = {0x10000, 0x100000, 0x200000, 0x3e0000, 0x3ffffc};
    for (unsigned i = 0; i < sizeof places / sizeof places[0]; i++) {
        put("flash", places[i], word(0xbe000000u + places[i]));
        put("rom", places[i], word(0xbfc00000u + places[i]));
    }
}

static uint32_t config_read(uint32_t address)
{
    set_word(GT + 0xcf8, le(1u << 31 | address));
    return word(GT + 0xcfc);
}

static void bridge(void)
{
    for (unsigned at = 0; at < 0x1000; at += 4)
        if (at != 0xc30 && at != 0xc34 && at != 0xcfc && at != 0xcf4) /* acknowledge, data */
            put("gt", at, le(word(GT + at)));
    for (unsigned slot = 0; slot < 32; slot++)
        for (unsigned fn = 0; fn < 8; fn++) {
            uint32_t at = slot << 11 | fn << 8;
            uint32_t id = config_read(at);
            if (id == 0xffffffffu || id == 0)
                continue;
            for (unsigned reg = 0; reg < 256; reg += 4)
                put("pci", at | reg, config_read(at | reg));
        }
}

/* Numbers are those that the vcpu sees of the south bridge: its word 0 tells whether the bridge
 * swaps. */
static uint32_t south(uint32_t value)
{
    return (config_read(10 << 11) & 0xffff) == 0x8086 ? value : __builtin_bswap32(value);
}

static void config_write(uint32_t address, uint32_t value)
{
    uint32_t swapped = south(value);
    set_word(GT + 0xcf8, le(1u << 31 | address));
    set_word(GT + 0xcfc, swapped);
}

static void power_management(void)
{
    config_write(10 << 11 | 3 << 8 | 0x40, 0x1001);
    config_write(10 << 11 | 3 << 8 | 0x80, 1);
    config_write(10 << 11 | 3 << 8 | 0x04, 1);
    for (unsigned i = 0; i < 0x40; i++)
        if (i < 8 || i > 11) /* the timer */
            put("pm", i, port(0x1000 + i));
}

static void interrupts(void)
{
    for (unsigned i = 0; i < 2; i++) {
        uint32_t at = i == 0 ? 0x20 : 0xa0;
        put("pic", at + 1, port(at + 1));
        put("pic", at, port(at));
        set_port(at, 0x0b);
        put("pic-isr", at, port(at));
        set_port(at, 0x0a);
        put("pic-irr", at, port(at));
        put("elcr", 0x4d0 + i, port(0x4d0 + i));
    }
}

static void timers(void)
{
    put("port", 0x61, port(0x61));
    for (unsigned i = 0; i < 3; i++) {
        set_port(0x43, 0xe0 | 2u << i); /* latch the status alone */
        put("pit", i, port(0x40 + i));
    }
}

static void clock(void)
{
    for (unsigned i = 0; i < 128; i++) {
        set_port(0x70, i);
        put("rtc", i, port(0x71));
    }
}

static void legacy(void)
{
    static const uint16_t ports[] = {
        0x64,  0x80,  0x92,  0xb2,  0xb3,  0x278, 0x279, 0x27a, 0x378, 0x379, 0x37a, 0x3bc,
        0x3f0, 0x3f1, 0x3f2, 0x3f3, 0x3f4, 0x3f6, 0x3f7, 0x376, 0x1f1, 0x1f2, 0x1f3, 0x1f4,
        0x1f5, 0x1f6, 0x1f7, 0x171, 0x172, 0x173, 0x174, 0x175, 0x176, 0x177, 0x201, 0x220,
        0x388, 0xcf8, 0xcf9, 0xcfc, 0x3e8, 0x2e8, 0x3b4, 0x3d4, 0x4d2,
    };
    for (unsigned i = 0; i < sizeof ports / sizeof ports[0]; i++)
        put("port", ports[i], port(ports[i]));
    for (unsigned i = 0; i < 16; i++) {
        put("dma", i, port(i));
        put("dma", 0x80 + i, port(0x80 + i));
        put("dma", 0xc0 + 2 * i, port(0xc0 + 2 * i));
    }
}

static void uart(const char *group, uint32_t base, unsigned stride, unsigned lane)
{
    static const uint8_t order[] = {1, 2, 3, 4, 7, 5, 6, 0};
#define REG(n) *(volatile uint8_t *)(base + (n) * stride + lane)
    for (unsigned i = 0; i < sizeof order; i++)
        put(group, order[i], REG(order[i]));
    uint8_t lcr = REG(3);
    REG(3) = 0x80;
    put(group, 8, REG(0));
    put(group, 9, REG(1));
    REG(3) = lcr;
#undef REG
}

static void fpga(void)
{
    for (unsigned at = 0; at < 0x2000; at += 8)
        if (at < 0x900 || at >= 0x940) /* the serial port */
            put("fpga", at, word(0xbf000000u + at));
}

static void put_char(char c)
{
    while ((port(0x3fd) & 0x20) == 0)
        continue;
    set_port(0x3f8, (uint8_t)c);
}

static void put_hex(uint32_t value)
{
    int shift = 28;
    while (shift > 0 && value >> shift == 0)
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        put_char("0123456789abcdef"[value >> shift & 15]);
}

static void print(void)
{
    for (unsigned i = 0; i < count; i++) {
        for (const char *c = lines[i].group; *c != 0; c++)
            put_char(*c);
        put_char(' ');
        put_hex(lines[i].index);
        put_char(' ');
        put_hex(lines[i].value);
        put_char('\n');
    }
}

void survey(uint32_t status, uint32_t cause, uint32_t epc)
{
    processor(status, cause, epc);
    memory();
    uart("uart0", IO + 0x3f8, 1, 0);
    uart("uart1", IO + 0x2f8, 1, 0);
    fpga();
    interrupts();
    timers();
    clock();
    bridge();
    legacy();
#ifdef __MIPSEB__
    uart("uart2", 0xbf000900u, 8, 3);
#else
    uart("uart2", 0xbf000900u, 8, 0);
#endif
    power_management();
    print();
    for (const char *end = "END\n"; *end != 0; end++)
        put_char(*end);
    set_word(0xbf000500u, 0x42);
    for (;;)
        continue;
}
