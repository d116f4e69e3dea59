/*
 * PIIX4 south bridge: function 0 (ISA bridge with the routing of PCI
 * interrupts and the reset register 0xcf9), function 3 (power management and
 * SMBus). Function 1 (IDE), function 2 (USB) and the ISA chips are devices of
 * their own.
 *
 * Source: Intel 82371AB (PIIX4) data sheet, chapters 4 and 7.
 */
#ifndef CORE_DEV_PIIX4_H
#define CORE_DEV_PIIX4_H

#include "core/bus.h"
#include "core/dev/dev.h"
#include "core/dev/pci.h"

struct piix4_isa {
    struct pci_dev pci;
    uint8_t pirq_level[4];
    uint16_t driven;      /* interrupt inputs held high by a PIRQ */
    uint8_t rcr;          /* reset control, port 0xcf9 */
    uint8_t apm[2];       /* APMC and APMS, ports 0xb2 and 0xb3: storage, as there is no SMI */
    struct irq irq[16];   /* wiring */
};

/* 16 wires to the interrupt controller are taken from `irq` (i8259_input 16..31). The bus `io` gets
 * the ports 0xcf9, 0xb2 and 0xb3. */
void piix4_isa_init(struct piix4_isa *isa, struct platform *p, struct pci_bus *pci, unsigned slot,
                    struct bus *io, const struct irq irq[16]);
/* Input PIRQ A..D (0..3) for pci_bus_create(); may be taken before piix4_isa_init. */
struct irq piix4_pirq(struct piix4_isa *isa, unsigned n);

#define PIIX4_SPD_BYTES 128

struct piix4_pm {
    struct pci_dev pci;
    uint16_t pm1_status, pm1_enable, pm1_control;
    uint8_t storage[64];  /* rest of the power management block */
    uint64_t counted_ns;  /* timer overflows are in pm1_status up to here */
    uint8_t smb_status, smb_control, smb_command, smb_address;
    uint8_t smb_data[2];
    uint8_t smb_slave[8]; /* slave registers 8-15, storage */
    uint8_t smb_block[32], smb_index;
    uint8_t spd_next;     /* address counter of the EEPROM */
    struct dev_timer timer; /* overflow of the power management timer */
    struct bus *io;       /* wiring */
    struct irq sci;
    uint8_t spd[PIIX4_SPD_BYTES]; /* memory module's EEPROM at SMBus address 0x50; constant */
    int pm_handle, smb_handle; /* derived */
};

/* `memory_mib` goes into the SPD EEPROM. */
void piix4_pm_init(struct piix4_pm *pm, struct platform *p, struct pci_bus *pci, unsigned slot,
                   struct bus *io, struct irq sci, uint32_t memory_mib);

#endif
