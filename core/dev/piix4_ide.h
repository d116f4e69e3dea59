/*
 * The IDE function of the PIIX4 south bridge: two channels at the legacy
 * ports, and bus-master DMA in BAR 4.
 *
 * Source: Intel 82371AB (PIIX4) datasheet, chapters 6 and 9; Programming
 * Interface for Bus Master IDE Controller 1.0.
 */
#ifndef CORE_DEV_PIIX4_IDE_H
#define CORE_DEV_PIIX4_IDE_H

#include "core/dev/ata.h"
#include "core/dev/pci.h"

/* The bus-master registers of one channel. */
struct piix4_bmdma {
    uint8_t command, status;
    uint32_t prd; /* physical address of the descriptor table */
};

struct piix4_ide {
    struct pci_dev pci; /* first */
    struct ata_channel channel[2];
    struct piix4_bmdma bm[2];
    struct irq irq[2]; /* ISA lines 14 and 15 */
};

/* `io` is the space of the legacy ports (0x1f0, 0x3f6, 0x170, 0x376); irq[0]
 * and irq[1] are ISA lines 14 and 15. disks[] in the order hda to hdd, NULL
 * where there is none; not owned. */
void piix4_ide_init(struct piix4_ide *ide, struct platform *p, const char *id, struct pci_bus *bus,
                    unsigned slot, unsigned function, struct bus *io, const struct irq irq[2],
                    struct disk *const disks[4]);

#endif
