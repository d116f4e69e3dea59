/*
 * Configuration port of the FDC37M81x super I/O at 0x3f0/0x3f1. The devices
 * behind it sit at their usual places whatever is written here.
 *
 * Source: SMSC FDC37M81x data sheet, "Configuration".
 */
#ifndef CORE_DEV_SUPERIO_H
#define CORE_DEV_SUPERIO_H

#include "core/bus.h"
#include "core/dev/dev.h"

struct superio {
    struct device dev;
    uint8_t open;      /* in configuration state */
    uint8_t index;
    uint8_t global[0x30];
    uint8_t logical[16 * 0xd0]; /* registers 0x30..0xff of each logical device */
};

void superio_init(struct superio *sio, struct platform *p, const char *id, struct bus *io);

#endif
