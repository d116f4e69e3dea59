/*
 * Galileo GT-64120 system controller: host bridge to PCI with its register
 * file, address windows, configuration accesses and interrupt acknowledge.
 * Memory controller registers are storage. The DMA engines do not run.
 *
 * Source: Galileo GT-64120 data sheet, revision 1.1.
 */
#ifndef CORE_DEV_GT64120_H
#define CORE_DEV_GT64120_H

#include "core/bus.h"
#include "core/dev/dev.h"
#include "core/dev/pci.h"

#define GT64120_SIZE  0x1000
#define GT64120_RESET_BASE 0x14000000
/* Register numbers (byte offsets) that the board's boot loader writes. */
#define GT64120_PCI0IO_LOW   0x048
#define GT64120_PCI0IO_HIGH  0x050
#define GT64120_PCI0M0_LOW   0x058
#define GT64120_PCI0M0_HIGH  0x060
#define GT64120_ISD          0x068
#define GT64120_PCI0M1_LOW   0x080
#define GT64120_PCI0M1_HIGH  0x088

struct gt64120 {
    struct pci_dev pci; /* its own header: slot 0 */
    uint32_t regs[GT64120_SIZE / 4];
    uint32_t config_address;
    struct bus *phys; /* wiring */
    uint8_t (*ack)(void *ctx);
    void *ack_ctx;
    struct irq out;
    int isd_handle;  /* derived */
    struct gt64120_window {
        struct device dev; /* not registered: carries the window to its io_ops */
        struct bus *target;
        uint64_t offset;   /* in `target` of the window's first byte; derived */
        int handle;        /* derived */
    } window[3]; /* I/O, memory 0, memory 1 */
};

/* `ack` answers reads of the interrupt acknowledge register; `out` is the CPU interrupt of
 * the chip itself (cause & mask). */
void gt64120_init(struct gt64120 *gt, struct platform *p, struct pci_bus *pci, struct bus *phys,
                  struct bus *pci_mem, struct bus *pci_io, struct irq out);
/* The south bridge's vector for interrupt acknowledge cycles. */
void gt64120_set_ack(struct gt64120 *gt, uint8_t (*ack)(void *ctx), void *ctx);
/* A register write as the boot loader does it, in device (little-endian) values. */
void gt64120_poke(struct gt64120 *gt, uint32_t reg, uint32_t value);

#endif
