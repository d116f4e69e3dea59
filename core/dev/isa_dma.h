/*
 * Pair of 8237 DMA controllers (ports 0x00-0x0f, 0xc0-0xdf and the page
 * registers 0x80-0x8f) as plain storage: nothing on this board asks them for
 * a transfer.
 *
 * Source: PIIX4 data sheet 4.2.
 */
#ifndef CORE_DEV_ISA_DMA_H
#define CORE_DEV_ISA_DMA_H

#include "core/bus.h"
#include "core/dev/dev.h"

struct isa_dma {
    struct device dev;
    uint16_t channel[16]; /* base address and count of each channel, as last written */
    uint8_t mode[8];
    uint8_t page[16];
    uint8_t command[2], mask[2], request[2];
    uint8_t flip[2];      /* next access is to the high byte */
};

void isa_dma_init(struct isa_dma *dma, struct platform *p, const char *id, struct bus *io);

#endif
