/*
 * PIIX4 function 0: ISA bridge.
 *
 * A PIRQ input drives the interrupt input that its route register names. Only
 * inputs that a PIRQ holds are ever touched, the others belong to ISA chips.
 *
 * Source: Intel 82371AB data sheet, chapter 4.1.
 */
#include "core/dev/piix4.h"

#include <string.h>

enum {
    PIRQ_ROUTE = 0x60,
    ROUTE_OFF = 0x80,
    ALLOWED = 0xdef8, /* interrupt inputs that a PIRQ may reach */
    RCR_FULL = 1 << 1,
    RCR_RESET = 1 << 2,
};

static void update(struct piix4_isa *isa)
{
    uint16_t driven = 0;
    for (unsigned i = 0; i < 4; i++) {
        uint8_t route = isa->pci.config[PIRQ_ROUTE + i];
        if (isa->pirq_level[i] && (route & ROUTE_OFF) == 0)
            driven |= (uint16_t)(1u << (route & 15) & ALLOWED);
    }
    uint16_t changed = driven ^ isa->driven;
    isa->driven = driven;
    for (unsigned n = 0; n < 16; n++) {
        if (changed >> n & 1)
            irq_set(&isa->irq[n], (driven >> n & 1) != 0);
    }
}

static void pirq(void *ctx, unsigned n, bool level)
{
    struct piix4_isa *isa = ctx;
    isa->pirq_level[n] = level;
    update(isa);
}

struct irq piix4_pirq(struct piix4_isa *isa, unsigned n)
{
    return (struct irq){.set = pirq, .ctx = isa, .n = n & 3};
}

static void config_written(struct pci_dev *pci, unsigned reg, unsigned size)
{
    if (reg < PIRQ_ROUTE + 4 && reg + size > PIRQ_ROUTE)
        update(container_of(pci, struct piix4_isa, pci));
}

static uint64_t rcr_read(struct device *dev, uint64_t off, unsigned size)
{
    (void)off;
    (void)size;
    return container_of(dev, struct piix4_isa, pci.dev)->rcr;
}

static void rcr_write(struct device *dev, uint64_t off, unsigned size, uint64_t value)
{
    (void)off;
    (void)size;
    container_of(dev, struct piix4_isa, pci.dev)->rcr = value & RCR_FULL;
    if (value & RCR_RESET)
        dev->platform->power(dev->platform, POWER_RESET);
}

static const struct io_ops rcr_ops = {.read = rcr_read, .write = rcr_write};

static uint64_t apm_read(struct device *dev, uint64_t off, unsigned size)
{
    const struct piix4_isa *isa = container_of(dev, struct piix4_isa, pci.dev);
    return size == 1 ? isa->apm[off & 1] : (uint64_t)isa->apm[1] << 8 | isa->apm[0];
}

static void apm_write(struct device *dev, uint64_t off, unsigned size, uint64_t value)
{
    struct piix4_isa *isa = container_of(dev, struct piix4_isa, pci.dev);
    for (unsigned i = 0; i < size; i++)
        isa->apm[(off + i) & 1] = (uint8_t)(value >> 8 * i);
}

static const struct io_ops apm_ops = {.read = apm_read, .write = apm_write};

static void reset(struct device *dev)
{
    static const struct {
        uint8_t reg, value;
    } defaults[] = {
        {0x04, 0x07}, {0x4c, 0x4d}, {0x4e, 0x03}, {0x60, 0x80}, {0x61, 0x80}, {0x62, 0x80},
        {0x63, 0x80}, {0x69, 0x02}, {0x70, 0x80}, {0x76, 0x0c}, {0x77, 0x0c}, {0x78, 0x02},
        {0xa0, 0x08}, {0xa8, 0x0f},
    };
    struct piix4_isa *isa = container_of(dev, struct piix4_isa, pci.dev);
    pci_dev_reset(&isa->pci);
    memset(isa->pci.config + 0x40, 0, 0xc0);
    for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
        isa->pci.config[defaults[i].reg] = defaults[i].value;
    isa->rcr = 0;
    memset(isa->apm, 0, sizeof isa->apm);
    update(isa);
}

static void loaded(struct device *dev)
{
    pci_dev_loaded(&container_of(dev, struct piix4_isa, pci.dev)->pci);
}

static const struct state_field fields[] = {
    PCI_STATE_FIELDS(struct piix4_isa, pci),
    STATE_ARRAY(struct piix4_isa, pirq_level, uint8_t),
    STATE(struct piix4_isa, driven),
    STATE(struct piix4_isa, rcr),
    STATE_ARRAY(struct piix4_isa, apm, uint8_t),
    STATE_END,
};

static const struct dev_ops ops = {
    .name = "piix4-isa",
    .fields = fields,
    .reset = reset,
    .loaded = loaded,
};

void piix4_isa_init(struct piix4_isa *isa, struct platform *p, struct pci_bus *pci, unsigned slot,
                    struct bus *io, const struct irq irq[16])
{
    static const struct pci_class cls = {
        .vendor = 0x8086,
        .device = 0x7110,
        .base_class = 0x06,
        .subclass = 0x01,
        .multifunction = true,
    };
    *isa = (struct piix4_isa){0};
    memcpy(isa->irq, irq, sizeof isa->irq);
    dev_init(&isa->pci.dev, &ops, "piix4-isa", p);
    pci_dev_init(&isa->pci, pci, slot, 0, &cls);
    memset(isa->pci.writable + 0x40, 0xff, 0xc0);
    isa->pci.config_written = config_written;
    bus_map(io, 0xb2, 2, &apm_ops, &isa->pci.dev, "apm");
    bus_map(io, 0xcf9, 1, &rcr_ops, &isa->pci.dev, "reset-control");
    reset(&isa->pci.dev);
}
