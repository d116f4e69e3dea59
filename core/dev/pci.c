/*
 * PCI configuration space, base address registers and interrupt pins.
 *
 * Config bytes are stored as the guest reads them, but for two bits that are
 * computed: the interrupt status. The mapping of BARs and the levels of the
 * four shared lines follow from the config bytes and int_level alone, so that
 * a loaded state gives the same bus as the run that led to it.
 */
#include "core/dev/pci.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/bytes.h"
#include "core/base/err.h"

#define PCI_FUNCTIONS 256

enum {
    REG_COMMAND = 0x04,
    REG_STATUS = 0x06,
    REG_BAR = 0x10,
    REG_INT_LINE = 0x3c,
    REG_INT_PIN = 0x3d,
    COMMAND_IO = 1 << 0,
    COMMAND_MEM = 1 << 1,
    COMMAND_MASTER = 1 << 2,
    COMMAND_INT_OFF = 1 << 10,
    COMMAND_WRITABLE = 0x0547, /* I/O, memory, master, parity, SERR, INTx disable */
    STATUS_INT = 1 << 3,
    STATUS_CLEAR = 0xf900, /* error bits, cleared by writing 1 */
};

struct pci_bus {
    struct bus *mem, *io;
    struct irq intx[4];
    unsigned (*map)(unsigned slot, unsigned pin);
    struct pci_dev *function[PCI_FUNCTIONS];
};

static unsigned default_map(unsigned slot, unsigned pin)
{
    return (slot + pin - 1) & 3;
}

struct pci_bus *pci_bus_create(struct bus *mem, struct bus *io, const struct irq intx[4],
                               unsigned (*map)(unsigned slot, unsigned pin))
{
    struct pci_bus *bus = xcalloc(1, sizeof *bus);
    bus->mem = mem;
    bus->io = io;
    memcpy(bus->intx, intx, sizeof bus->intx);
    bus->map = map != NULL ? map : default_map;
    return bus;
}

void pci_bus_destroy(struct pci_bus *bus)
{
    free(bus);
}

void pci_dev_init(struct pci_dev *pci, struct pci_bus *bus, unsigned slot, unsigned function,
                  const struct pci_class *cls)
{
    CHECK(slot < 32 && function < 8, "PCI address %u.%u", slot, function);
    pci->bus = bus;
    pci->devfn = (uint8_t)(slot << 3 | function);
    CHECK(bus->function[pci->devfn] == NULL, "PCI address %u.%u is taken", slot, function);
    bus->function[pci->devfn] = pci;
    uint8_t *c = pci->config;
    st_le16(c, cls->vendor);
    st_le16(c + 2, cls->device);
    c[8] = cls->revision;
    c[9] = cls->prog_if;
    c[10] = cls->subclass;
    c[11] = cls->base_class;
    c[14] = cls->multifunction ? 0x80 : 0;
    st_le16(c + 0x2c, cls->subvendor);
    st_le16(c + 0x2e, cls->subdevice);
    c[REG_INT_PIN] = cls->int_pin;
    st_le16(pci->writable + REG_COMMAND, COMMAND_WRITABLE);
    st_le16(pci->clear_on_1 + REG_STATUS, STATUS_CLEAR);
    pci->writable[0x0c] = 0xff; /* cache line size */
    pci->writable[0x0d] = 0xff; /* latency timer */
    pci->writable[REG_INT_LINE] = 0xff;
    for (unsigned i = 0; i < PCI_BARS; i++)
        pci->bar[i].handle = -1;
}

static uint16_t command(const struct pci_dev *pci)
{
    return ld_le16(pci->config + REG_COMMAND);
}

bool pci_can_dma(const struct pci_dev *pci)
{
    return (command(pci) & COMMAND_MASTER) != 0;
}

static bool drives(const struct pci_dev *pci)
{
    return pci->int_level != 0 && (command(pci) & COMMAND_INT_OFF) == 0;
}

static unsigned line_of(const struct pci_dev *pci)
{
    return pci->bus->map(pci->devfn >> 3, pci->config[REG_INT_PIN]) & 3;
}

static void update_line(struct pci_bus *bus, unsigned line)
{
    bool level = false;
    for (unsigned i = 0; i < PCI_FUNCTIONS; i++) {
        const struct pci_dev *pci = bus->function[i];
        if (pci != NULL && pci->config[REG_INT_PIN] != 0 && drives(pci) && line_of(pci) == line)
            level = true;
    }
    irq_set(&bus->intx[line], level);
}

void pci_set_irq(struct pci_dev *pci, bool level)
{
    if (pci->config[REG_INT_PIN] == 0 || pci->int_level == level)
        return;
    pci->int_level = level;
    update_line(pci->bus, line_of(pci));
}

void pci_bus_loaded(struct pci_bus *bus)
{
    for (unsigned line = 0; line < 4; line++)
        update_line(bus, line);
}

/* Bits of a BAR that are constant: type, and address bits below the size. */
static uint32_t bar_value(const struct pci_bar *bar, uint32_t stored)
{
    if (bar->size == 0)
        return 0;
    return (stored & ~(bar->size - 1)) | (bar->io ? 1 : 0);
}

/* Where the BAR decodes now; false for nowhere. Address 0 is how system
 * software parks a BAR that it has not placed. */
static bool bar_place(const struct pci_dev *pci, unsigned i, uint64_t *base)
{
    const struct pci_bar *bar = &pci->bar[i];
    if (bar->size == 0 || (command(pci) & (bar->io ? COMMAND_IO : COMMAND_MEM)) == 0)
        return false;
    *base = ld_le32(pci->config + REG_BAR + 4 * i) & ~(bar->size - 1);
    return *base != 0;
}

static void map_bars(struct pci_dev *pci)
{
    for (unsigned i = 0; i < PCI_BARS; i++) {
        struct pci_bar *bar = &pci->bar[i];
        struct bus *bus = bar->io ? pci->bus->io : pci->bus->mem;
        bus_unmap(bus, bar->handle);
        uint64_t base;
        bar->handle = -1;
        if (bar_place(pci, i, &base))
            bar->handle = bus_map_over(bus, base, bar->size, bar->ops, &pci->dev, pci->dev.id,
                                       PCI_PRIORITY(pci->devfn, i));
    }
}

void pci_dev_reset(struct pci_dev *pci)
{
    st_le16(pci->config + REG_COMMAND, 0);
    st_le16(pci->config + REG_STATUS, 0x0280); /* fast back-to-back, medium DEVSEL */
    pci->config[0x0c] = 0;
    pci->config[0x0d] = 0;
    pci->config[REG_INT_LINE] = 0;
    for (unsigned i = 0; i < PCI_BARS; i++)
        st_le32(pci->config + REG_BAR + 4 * i, bar_value(&pci->bar[i], 0));
    pci->int_level = 0;
    map_bars(pci);
    if (pci->config[REG_INT_PIN] != 0)
        update_line(pci->bus, line_of(pci));
}

void pci_dev_loaded(struct pci_dev *pci)
{
    map_bars(pci);
}

static struct pci_dev *decode(struct pci_bus *bus, uint32_t address, unsigned size)
{
    unsigned reg = address & 0xff;
    if ((address & 1u << 31) == 0 || (address & 0x00ff0000) != 0 || reg + size > 256)
        return NULL;
    return bus->function[address >> 8 & 0xff];
}

uint64_t pci_config_read(struct pci_bus *bus, uint32_t address, unsigned size)
{
    const struct pci_dev *pci = decode(bus, address, size);
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++) {
        unsigned reg = (address & 0xff) + i;
        uint8_t byte = 0xff;
        if (pci != NULL) {
            byte = pci->config[reg];
            if (reg == REG_STATUS && pci->int_level != 0)
                byte |= STATUS_INT;
        }
        value |= (uint64_t)byte << (8 * i);
    }
    return value;
}

static bool touches(unsigned reg, unsigned size, unsigned first, unsigned last)
{
    return reg <= last && reg + size > first;
}

void pci_config_write(struct pci_bus *bus, uint32_t address, unsigned size, uint64_t value)
{
    struct pci_dev *pci = decode(bus, address, size);
    if (pci == NULL)
        return;
    unsigned reg = address & 0xff;
    for (unsigned i = 0; i < size; i++) {
        uint8_t *byte = &pci->config[reg + i], in = (uint8_t)(value >> (8 * i));
        uint8_t mask = pci->writable[reg + i];
        if (touches(reg + i, 1, REG_BAR, REG_BAR + 4 * PCI_BARS - 1) &&
            pci->bar[(reg + i - REG_BAR) / 4].size != 0)
            mask = 0xff;
        *byte = (uint8_t)((*byte & ~mask) | (in & mask));
        *byte = (uint8_t)(*byte & ~(in & pci->clear_on_1[reg + i]));
    }
    for (unsigned i = 0; i < PCI_BARS; i++) {
        uint8_t *bar = pci->config + REG_BAR + 4 * i;
        if (pci->bar[i].size != 0)
            st_le32(bar, bar_value(&pci->bar[i], ld_le32(bar)));
    }
    if (touches(reg, size, REG_COMMAND, REG_COMMAND + 1) ||
        touches(reg, size, REG_BAR, REG_BAR + 4 * PCI_BARS - 1))
        map_bars(pci);
    if (touches(reg, size, REG_COMMAND, REG_COMMAND + 1) && pci->config[REG_INT_PIN] != 0)
        update_line(bus, line_of(pci));
    if (pci->config_written != NULL)
        pci->config_written(pci, reg, size);
}
