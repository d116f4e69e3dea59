/*
 * The FPGA of the Malta board at 0x1f000000: switches, LEDs, ASCII display,
 * soft reset, I2C and general-purpose pins. The UART at offset 0x900 is a
 * chip of its own that the board maps over this range.
 *
 * One register is not the board's: the boot ROM writes MALTA_FPGA_HALT_MAGIC
 * to MALTA_FPGA_HALT when it has no way to go on, and the machine halts for good.
 *
 * Source: MIPS Malta User's Manual, chapter "Malta FPGA".
 */
#ifndef CORE_DEV_MALTA_FPGA_H
#define CORE_DEV_MALTA_FPGA_H

#include "core/bus.h"
#include "core/dev/dev.h"

#define MALTA_FPGA_HALT       0x510u
#define MALTA_FPGA_HALT_MAGIC 0x48414c54u

struct malta_fpga {
    struct device dev;
    uint8_t leds, brk, gpout, i2coe, i2cout, i2csel;
    uint8_t display[8]; /* ASCII */
};

/* Map 1 MiB at `base` of `mem`. */
void malta_fpga_init(struct malta_fpga *fpga, struct platform *p, const char *id, struct bus *mem,
                     uint64_t base);

#endif
