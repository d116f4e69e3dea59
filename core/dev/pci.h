/*
 * PCI: one bus of up to 32 devices with 8 functions, configuration type 1
 * accesses from the host bridge, base address registers that map ranges into
 * the bridge's I/O and memory spaces, and INTA-D pins.
 *
 * Source: PCI Local Bus Specification 2.2, chapter 6.
 */
#ifndef CORE_DEV_PCI_H
#define CORE_DEV_PCI_H

#include "core/bus.h"
#include "core/dev/dev.h"

#define PCI_BARS 6

/* Priority on the bus of range n (BARs 0-5; 6 and 7 for others) of a function. */
#define PCI_PRIORITY(devfn, n) (1 + (unsigned)(devfn) * 8 + (n))

struct pci_bus;
struct pci_dev;

struct pci_bar {
    uint32_t size; /* power of two; 0 for none */
    bool io;
    const struct io_ops *ops; /* called with &pci_dev.dev */
    int handle;               /* derived: where it is mapped now, -1 for nowhere */
};

struct pci_class {
    uint16_t vendor, device, subvendor, subdevice;
    uint8_t revision, prog_if, subclass, base_class;
    uint8_t int_pin; /* 0 none, 1 INTA .. 4 INTD */
    bool multifunction;
};

/* A function. The owner embeds it first in its struct and lists
 * PCI_STATE_FIELDS(type, member) in its state table. */
struct pci_dev {
    struct device dev;
    struct pci_bus *bus;
    uint8_t devfn;
    uint8_t config[256];   /* little-endian; state */
    uint8_t writable[256]; /* mask of bits that a guest may write; constant */
    uint8_t clear_on_1[256]; /* mask of bits cleared by writing 1; constant */
    uint8_t int_level;     /* state */
    struct pci_bar bar[PCI_BARS];
    /* After a configuration write was stored; may be NULL. */
    void (*config_written)(struct pci_dev *pci, unsigned reg, unsigned size);
};

#define PCI_STATE_FIELDS(type, member)                                                             \
    STATE_ARRAY(type, member.config, uint8_t), STATE(type, member.int_level)

/* `mem` and `io` are the spaces into which BARs are mapped, at the PCI
 * address; `intx` are the four inputs that INTA-D of slot `s` reach as
 * intx[(s + pin - 1) & 3] (the owner of the board may pass a map). */
struct pci_bus *pci_bus_create(struct bus *mem, struct bus *io, const struct irq intx[4],
                               unsigned (*map)(unsigned slot, unsigned pin));
void pci_bus_destroy(struct pci_bus *bus);
/* Fill the standard header and put the function on the bus. */
void pci_dev_init(struct pci_dev *pci, struct pci_bus *bus, unsigned slot, unsigned function,
                  const struct pci_class *cls);
/* To be called from the owner's reset and loaded functions. */
void pci_dev_reset(struct pci_dev *pci);
void pci_dev_loaded(struct pci_dev *pci);
void pci_set_irq(struct pci_dev *pci, bool level);
/* Is bus mastering on? Without it a function must not dma. */
bool pci_can_dma(const struct pci_dev *pci);

/* Configuration access by the host bridge: `address` as in CONFIG_ADDRESS
 * (bit 31 enable). Without a function there: all ones. */
uint64_t pci_config_read(struct pci_bus *bus, uint32_t address, unsigned size);
void pci_config_write(struct pci_bus *bus, uint32_t address, unsigned size, uint64_t value);

/* State of the bus itself (levels shared by several functions). */
void pci_bus_loaded(struct pci_bus *bus);

#endif
