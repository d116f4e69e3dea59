/*
 * FPGA of the Malta board. Registers are 32 bits wide at multiples of 8, in
 * the byte order of the CPU. No I2C device is modelled: the data pin reads as
 * pulled up.
 *
 * Source: MIPS Malta User's Manual, chapter "Malta FPGA".
 */
#include "core/dev/malta_fpga.h"

#include <string.h>

#define FPGA_SIZE 0x100000

enum {
    STATUS = 0x208,
    LED_BAR = 0x408,
    ASCII_WORD = 0x410,
    ASCII_FIRST = 0x418,
    ASCII_LAST = 0x450,
    SOFT_RESET = 0x500,
    BREAK = 0x508,
    HALT = MALTA_FPGA_HALT,
    GP_OUT = 0xa00,
    GP_IN = 0xa08,
    I2C_IN = 0xb00,
    I2C_ENABLE = 0xb08,
    I2C_OUT = 0xb10,
    I2C_SELECT = 0xb18,
    STATUS_BIG_ENDIAN = 1 << 1,
    STATUS_BASE = 1 << 4,
    RESET_MAGIC = 0x42,
    BREAK_DEFAULT = 0x0a,
};

static uint64_t fpga_read(struct device *dev, uint64_t off, unsigned size)
{
    const struct malta_fpga *fpga = container_of(dev, struct malta_fpga, dev);
    (void)size;
    switch (off) {
    case STATUS:
        return STATUS_BASE | (dev->platform->big_endian ? STATUS_BIG_ENDIAN : 0);
    case LED_BAR:
        return fpga->leds;
    case BREAK:
        return fpga->brk;
    case GP_OUT:
        return fpga->gpout;
    case GP_IN:
    case I2C_IN:
        return 3;
    case I2C_ENABLE:
        return fpga->i2coe;
    case I2C_OUT:
        return fpga->i2cout;
    case I2C_SELECT:
        return fpga->i2csel;
    default: /* switches and jumpers are all off */
        return 0;
    }
}

static void show_word(struct malta_fpga *fpga, uint32_t value)
{
    for (unsigned i = 0; i < 8; i++)
        fpga->display[i] = (uint8_t)"0123456789ABCDEF"[value >> (28 - 4 * i) & 15];
}

static void fpga_write(struct device *dev, uint64_t off, unsigned size, uint64_t value)
{
    struct malta_fpga *fpga = container_of(dev, struct malta_fpga, dev);
    (void)size;
    switch (off) {
    case LED_BAR:
        fpga->leds = (uint8_t)value;
        break;
    case ASCII_WORD:
        show_word(fpga, (uint32_t)value);
        break;
    case SOFT_RESET:
        if (value == RESET_MAGIC)
            dev->platform->power(dev->platform, POWER_RESET);
        break;
    case HALT:
        if (value == MALTA_FPGA_HALT_MAGIC)
            dev->platform->power(dev->platform, POWER_HALT);
        break;
    case BREAK:
        fpga->brk = (uint8_t)value;
        break;
    case GP_OUT:
        fpga->gpout = (uint8_t)value;
        break;
    case I2C_ENABLE:
        fpga->i2coe = value & 3;
        break;
    case I2C_OUT:
        fpga->i2cout = value & 3;
        break;
    case I2C_SELECT:
        fpga->i2csel = value & 1;
        break;
    default:
        if (off >= ASCII_FIRST && off <= ASCII_LAST && off % 8 == 0)
            fpga->display[(off - ASCII_FIRST) / 8] = (uint8_t)value;
        break;
    }
}

static const struct io_ops fpga_ops = {.read = fpga_read, .write = fpga_write, .native = true};

static void reset(struct device *dev)
{
    struct malta_fpga *fpga = container_of(dev, struct malta_fpga, dev);
    fpga->leds = 0;
    fpga->brk = BREAK_DEFAULT;
    fpga->gpout = 0;
    fpga->i2coe = 0;
    fpga->i2cout = 3;
    fpga->i2csel = 1;
    memset(fpga->display, ' ', sizeof fpga->display);
}

static const struct state_field fields[] = {
    STATE(struct malta_fpga, leds),
    STATE(struct malta_fpga, brk),
    STATE(struct malta_fpga, gpout),
    STATE(struct malta_fpga, i2coe),
    STATE(struct malta_fpga, i2cout),
    STATE(struct malta_fpga, i2csel),
    STATE_ARRAY(struct malta_fpga, display, uint8_t),
    STATE_END,
};

static const struct dev_ops ops = {.name = "malta-fpga", .fields = fields, .reset = reset};

void malta_fpga_init(struct malta_fpga *fpga, struct platform *p, const char *id, struct bus *mem,
                     uint64_t base)
{
    *fpga = (struct malta_fpga){0};
    dev_init(&fpga->dev, &ops, id, p);
    bus_map(mem, base, FPGA_SIZE, &fpga_ops, &fpga->dev, "malta-fpga");
    reset(&fpga->dev);
}
