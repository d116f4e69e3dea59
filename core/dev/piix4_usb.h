/*
 * PIIX4 function 2: a UHCI host controller with two root ports and nothing
 * plugged into them. See piix4_usb.c for what that leaves out.
 *
 * Source: Intel 82371AB (PIIX4) data sheet, chapter 6 (USB); Universal Host
 * Controller Interface Design Guide 1.1.
 */
#ifndef CORE_DEV_PIIX4_USB_H
#define CORE_DEV_PIIX4_USB_H

#include "core/dev/dev.h"
#include "core/dev/pci.h"

#define PIIX4_USB_PORTS 2

struct piix4_usb {
    struct pci_dev pci; /* first */
    uint16_t command, enabled; /* USBCMD, USBINTR */
    uint16_t frame;        /* FRNUM at frame_ns, or as long as it stands still */
    uint64_t frame_ns;     /* virtual time at which the counter was started or written */
    uint32_t list;         /* FRBASEADD */
    uint8_t sof_modify;    /* SOFMOD */
    uint16_t port[PIIX4_USB_PORTS]; /* PORTSC: the bits that software wrote */
};

/* Registers are in BAR 4; interrupt pin D. */
void piix4_usb_init(struct piix4_usb *usb, struct platform *p, struct pci_bus *pci, unsigned slot);

#endif
