/*
 * GT-64120.
 *
 * The register file is little-endian in memory whatever the CPU is, which is
 * what io_ops values are. Configuration data is the exception: with MByteSwap
 * off (bit 0 of 0xc00), data of other devices than the bridge itself passes byte-swapped,
 * so that a big-endian CPU sees it as a number.
 *
 * Three windows of the CPU's space lead to PCI: I/O and memory 0 and 1. Memory
 * addresses go through the remap registers; the I/O window begins at port 0,
 * as system software expects before it has touched the remap register. A
 * configuration access that nobody answers reads as ones; the master abort is
 * not reported in the cause register.
 *
 * Source: Galileo GT-64120 data sheet, chapters 3, 7 and 18.
 */
#include "core/dev/gt64120.h"

#include <string.h>

#include "core/base/bytes.h"

enum {
    CPU_CONFIG = 0x000,
    IO_REMAP = 0x0f0,
    M0_REMAP = 0x0f8,
    M1_REMAP = 0x100,
    PCI1IO_LOW = 0x090,
    PCI1IO_HIGH = 0x098,
    PCI1M0_LOW = 0x0a0,
    PCI1M0_HIGH = 0x0a8,
    PCI1M1_LOW = 0x0b0,
    PCI1M1_HIGH = 0x0b8,
    PCI1IO_REMAP = 0x108,
    PCI1M0_REMAP = 0x110,
    PCI1M1_REMAP = 0x118,
    SDRAM_FIRST = 0x400,
    SDRAM_LAST = 0x47c,
    TIMER_FIRST = 0x850,
    TIMER_LAST = 0x864,
    PCI0_COMMAND = 0xc00,
    INT_CAUSE = 0xc18,
    INT_MASK = 0xc1c,
    PCI0_ACK = 0xc34,
    PCI1_COMMAND = 0xc80,
    PCI0_CONFIG_ADDRESS = 0xcf8,
    PCI0_CONFIG_DATA = 0xcfc,
    COMMAND_BYTE_SWAP_OFF = 1 << 0,
    COMMAND_BITS = 0x0401fc0f,
    NOT_SELF = 0x00fff800, /* bus and device number of a configuration address */
    UNIT_BITS = 21,        /* windows are multiples of 2 MiB */
};

static const struct {
    uint16_t low, high, remap;
    const char *name;
} windows[3] = {
    {GT64120_PCI0IO_LOW, GT64120_PCI0IO_HIGH, IO_REMAP, "pci-io-window"},
    {GT64120_PCI0M0_LOW, GT64120_PCI0M0_HIGH, M0_REMAP, "pci-mem0-window"},
    {GT64120_PCI0M1_LOW, GT64120_PCI0M1_HIGH, M1_REMAP, "pci-mem1-window"},
};

static uint64_t window_read(struct device *dev, uint64_t off, unsigned size)
{
    struct gt64120_window *w = container_of(dev, struct gt64120_window, dev);
    return bus_read(w->target, w->offset + off, size);
}

static void window_write(struct device *dev, uint64_t off, unsigned size, uint64_t value)
{
    struct gt64120_window *w = container_of(dev, struct gt64120_window, dev);
    bus_write(w->target, w->offset + off, size, value);
}

static const struct io_ops window_ops = {.read = window_read, .write = window_write};

static uint64_t gt_read(struct device *dev, uint64_t off, unsigned size);
static void gt_write(struct device *dev, uint64_t off, unsigned size, uint64_t value);
static const struct io_ops gt_ops = {.read = gt_read, .write = gt_write};

static uint32_t *reg(struct gt64120 *gt, unsigned off)
{
    return &gt->regs[off / 4];
}

static void map_window(struct gt64120 *gt, unsigned i)
{
    struct gt64120_window *w = &gt->window[i];
    uint32_t low = *reg(gt, windows[i].low), high = *reg(gt, windows[i].high);
    bus_unmap(gt->phys, w->handle);
    w->handle = -1;
    if ((low & 0x7f) > high)
        return;
    w->offset = i == 0 ? 0 : (uint64_t)(*reg(gt, windows[i].remap) & 0x7ff) << UNIT_BITS;
    w->handle = bus_map_over(gt->phys, (uint64_t)low << UNIT_BITS,
                             (uint64_t)(high + 1 - (low & 0x7f)) << UNIT_BITS, &window_ops,
                             &w->dev, windows[i].name, 1 + i);
}

static void map_all(struct gt64120 *gt)
{
    for (unsigned i = 0; i < 3; i++)
        map_window(gt, i);
    bus_unmap(gt->phys, gt->isd_handle);
    gt->isd_handle = bus_map_over(gt->phys, (uint64_t)*reg(gt, GT64120_ISD) << UNIT_BITS,
                                  GT64120_SIZE, &gt_ops, &gt->pci.dev, "gt64120", 4);
}

static uint32_t config_swap(const struct gt64120 *gt, uint32_t value)
{
    bool swaps = (gt->regs[PCI0_COMMAND / 4] & COMMAND_BYTE_SWAP_OFF) == 0 &&
                 (gt->config_address & NOT_SELF) != 0;
    return swaps ? __builtin_bswap32(value) : value;
}

/* A part of a word: the byte lanes of the access, after the swap. */
static unsigned config_lane(const struct gt64120 *gt, unsigned lane, unsigned size)
{
    return config_swap(gt, 1) == 1 ? lane : 4 - size - lane;
}

static uint64_t config_read(struct gt64120 *gt, unsigned lane)
{
    uint32_t word = (uint32_t)pci_config_read(gt->pci.bus, gt->config_address, 4);
    return config_swap(gt, word) >> (8 * lane);
}

static void config_write(struct gt64120 *gt, unsigned lane, unsigned size, uint32_t value)
{
    uint32_t swapped = config_swap(gt, value << (8 * lane));
    unsigned target = config_lane(gt, lane, size);
    pci_config_write(gt->pci.bus, gt->config_address + target, size, swapped >> (8 * target));
}

static uint64_t gt_read(struct device *dev, uint64_t off, unsigned size)
{
    struct gt64120 *gt = container_of(dev, struct gt64120, pci.dev);
    unsigned lane = off & 3;
    if (size + lane > 4)
        return 0;
    switch (off & ~UINT64_C(3)) {
    case PCI0_CONFIG_ADDRESS:
        return gt->config_address >> (8 * lane);
    case PCI0_CONFIG_DATA:
        return config_read(gt, lane);
    case PCI0_ACK:
        return lane != 0 || gt->ack == NULL ? 0 : gt->ack(gt->ack_ctx);
    default:
        return gt->regs[off / 4] >> (8 * lane);
    }
}

static void update_irq(struct gt64120 *gt)
{
    uint32_t *cause = reg(gt, INT_CAUSE);
    *cause = (*cause & ~1u) | (*cause >> 1 != 0);
    irq_set(&gt->out, (*cause & *reg(gt, INT_MASK) & ~1u) != 0);
}

static void write_command(struct gt64120 *gt, unsigned off, uint32_t value)
{
    *reg(gt, off) = value & COMMAND_BITS;
}

static void write_decode(struct gt64120 *gt, unsigned off, uint32_t value)
{
    switch (off) {
    case GT64120_PCI0IO_LOW:
    case GT64120_PCI0M0_LOW:
    case GT64120_PCI0M1_LOW:
    case PCI1IO_LOW:
    case PCI1M0_LOW:
    case PCI1M1_LOW: {
        /* A write of the low decode also sets the window's remap register. */
        unsigned remap = off == GT64120_PCI0IO_LOW   ? IO_REMAP
                         : off == GT64120_PCI0M0_LOW ? M0_REMAP
                         : off == GT64120_PCI0M1_LOW ? M1_REMAP
                         : off == PCI1IO_LOW         ? PCI1IO_REMAP
                         : off == PCI1M0_LOW         ? PCI1M0_REMAP
                                                     : PCI1M1_REMAP;
        *reg(gt, off) = value & 0x7fff;
        *reg(gt, remap) = value & 0x7ff;
        break;
    }
    case GT64120_ISD:
        *reg(gt, off) = value & 0x7fff;
        break;
    case IO_REMAP:
    case M0_REMAP:
    case M1_REMAP:
    case PCI1IO_REMAP:
    case PCI1M0_REMAP:
    case PCI1M1_REMAP:
        *reg(gt, off) = value & 0x7ff;
        break;
    default:
        *reg(gt, off) = value & 0x7f;
        break;
    }
    map_all(gt);
}

static void write_word(struct gt64120 *gt, unsigned off, uint32_t value)
{
    switch (off) {
    case CPU_CONFIG:
        *reg(gt, off) = value;
        break;
    case GT64120_PCI0IO_LOW:
    case GT64120_PCI0IO_HIGH:
    case GT64120_PCI0M0_LOW:
    case GT64120_PCI0M0_HIGH:
    case GT64120_PCI0M1_LOW:
    case GT64120_PCI0M1_HIGH:
    case PCI1IO_LOW:
    case PCI1IO_HIGH:
    case PCI1M0_LOW:
    case PCI1M0_HIGH:
    case PCI1M1_LOW:
    case PCI1M1_HIGH:
    case GT64120_ISD:
    case IO_REMAP:
    case M0_REMAP:
    case M1_REMAP:
    case PCI1IO_REMAP:
    case PCI1M0_REMAP:
    case PCI1M1_REMAP:
        write_decode(gt, off, value);
        break;
    case PCI0_COMMAND:
    case PCI1_COMMAND:
        write_command(gt, off, value);
        break;
    case INT_CAUSE:
        *reg(gt, off) &= value; /* writing 0 clears */
        update_irq(gt);
        break;
    case INT_MASK:
        *reg(gt, off) = value & 0x3c3ffffe;
        update_irq(gt);
        break;
    case PCI0_CONFIG_ADDRESS:
        gt->config_address = value & 0x80fffffc;
        break;
    default:
        if ((off >= SDRAM_FIRST && off <= SDRAM_LAST) ||
            (off >= TIMER_FIRST && off <= TIMER_LAST))
            *reg(gt, off) = value;
        break;
    }
}

static void gt_write(struct device *dev, uint64_t off, unsigned size, uint64_t value)
{
    struct gt64120 *gt = container_of(dev, struct gt64120, pci.dev);
    unsigned lane = off & 3, word = (unsigned)off & ~3u;
    if (size + lane > 4)
        return;
    if (word == PCI0_CONFIG_DATA) {
        config_write(gt, lane, size, (uint32_t)value);
        return;
    }
    uint32_t mask = (uint32_t)(UINT64_C(0xffffffff) >> (32 - 8 * size)) << (8 * lane);
    uint32_t old = word == PCI0_CONFIG_ADDRESS ? gt->config_address : *reg(gt, word);
    write_word(gt, word, (old & ~mask) | ((uint32_t)value << (8 * lane) & mask));
}

void gt64120_poke(struct gt64120 *gt, uint32_t off, uint32_t value)
{
    gt_write(&gt->pci.dev, off & (GT64120_SIZE - 4), 4, value);
}

void gt64120_set_ack(struct gt64120 *gt, uint8_t (*ack)(void *ctx), void *ctx)
{
    gt->ack = ack;
    gt->ack_ctx = ctx;
}

static const struct {
    uint16_t reg;
    uint32_t value;
} defaults[] = {
    {0x000, 0x00001000}, {0x010, 0x00000007}, {0x018, 0x00000008}, {0x020, 0x0000000f},
    {0x028, 0x000000e0}, {0x030, 0x00000070}, {0x038, 0x000000f8}, {0x040, 0x0000007f},
    {0x048, 0x00000080}, {0x050, 0x0000000f}, {0x058, 0x00000090}, {0x060, 0x0000001f},
    {0x068, 0x000000a0}, {0x080, 0x00000790}, {0x088, 0x0000001f}, {0x090, 0x00000100},
    {0x098, 0x0000000f}, {0x0a0, 0x00000110}, {0x0a8, 0x0000001f}, {0x0b0, 0x00000120},
    {0x0b8, 0x0000002f}, {0x0d8, 0x00000008}, {0x0e0, 0x000000e0}, {0x0e8, 0x000000f8},
    {0x0f0, 0x00000080}, {0x0f8, 0x00000090}, {0x100, 0x00000790}, {0x108, 0x00000100},
    {0x110, 0x00000110}, {0x118, 0x00000120}, {0x120, 0x00000003}, {0x128, 0xffffffff},
    {0x130, 0xffffffff}, {0x138, 0x000000ff}, {0x404, 0x00000007},
    {0x408, 0x00000008}, {0x40c, 0x0000000f}, {0x410, 0x00000010}, {0x414, 0x00000017},
    {0x418, 0x00000018}, {0x41c, 0x0000001f}, {0x420, 0x000000c0}, {0x424, 0x000000c7},
    {0x428, 0x000000c8}, {0x42c, 0x000000cf}, {0x430, 0x000000d0}, {0x434, 0x000000df},
    {0x438, 0x000000f0}, {0x43c, 0x000000fb}, {0x440, 0x000000fc}, {0x444, 0x000000ff},
    {0x448, 0x00000200}, {0x44c, 0x00000005}, {0x450, 0x00000005}, {0x454, 0x00000005},
    {0x458, 0x00000005}, {0x45c, 0x386fffff}, {0x460, 0x386fffff}, {0x464, 0x386fffff},
    {0x468, 0x386fffff}, {0x46c, 0x146fffff}, {0x470, 0xffffffff}, {0x478, 0x00000007},
    {0x47c, 0x00000002}, {0x850, 0xffffffff}, {0x854, 0x00ffffff}, {0x858, 0x00ffffff},
    {0x85c, 0x00ffffff}, {0xc04, 0x0000070f}, {0xc08, 0x00fff000}, {0xc0c, 0x00fff000},
    {0xc10, 0x01fff000}, {0xc14, 0x00fff000}, {0xc3c, 0x0000000f}, {0xc40, 0x00000040},
    {0xc4c, 0x01000000}, {0xc50, 0x1c000000}, {0xc54, 0x1f000000}, {0xc5c, 0x01000000},
    {0xc64, 0x1f000000}, {0xc84, 0x0000070f}, {0xc88, 0x00fff000}, {0xc8c, 0x00fff000},
    {0xc90, 0x01fff000}, {0xc94, 0x00fff000}, {0xcbc, 0x0000000f}, {0xcc0, 0x00000040},
    {0xccc, 0x01000000}, {0xcd0, 0x1c000000}, {0xcd4, 0x1f000000}, {0xcdc, 0x01000000},
    {0xce4, 0x1f000000},
};

static void reset(struct device *dev)
{
    static const uint32_t bars[PCI_BARS] = {0x00000008, 0x01000008, 0x1c000000,
                                            0x1f000000, 0x14000000, 0x14000001};
    struct gt64120 *gt = container_of(dev, struct gt64120, pci.dev);
    uint32_t command = dev->platform->big_endian ? 0 : 0x00010001; /* strapped byte order */
    pci_dev_reset(&gt->pci);
    for (unsigned i = 0; i < PCI_BARS; i++)
        st_le32(gt->pci.config + 0x10 + 4 * i, bars[i]);
    memset(gt->regs, 0, sizeof gt->regs);
    for (size_t i = 0; i < ARRAY_LEN(defaults); i++)
        *reg(gt, defaults[i].reg) = defaults[i].value;
    if (dev->platform->big_endian)
        *reg(gt, CPU_CONFIG) = 0;
    *reg(gt, PCI0_COMMAND) = command;
    *reg(gt, PCI1_COMMAND) = command;
    gt->config_address = 0;
    map_all(gt);
    update_irq(gt);
}

static void loaded(struct device *dev)
{
    struct gt64120 *gt = container_of(dev, struct gt64120, pci.dev);
    pci_dev_loaded(&gt->pci);
    map_all(gt);
    irq_set(&gt->out, (*reg(gt, INT_CAUSE) & *reg(gt, INT_MASK) & ~1u) != 0);
}

static const struct state_field fields[] = {
    PCI_STATE_FIELDS(struct gt64120, pci),
    STATE_ARRAY(struct gt64120, regs, uint32_t),
    STATE(struct gt64120, config_address),
    STATE_END,
};

static const struct dev_ops ops = {
    .name = "gt64120",
    .fields = fields,
    .reset = reset,
    .loaded = loaded,
};

void gt64120_init(struct gt64120 *gt, struct platform *p, struct pci_bus *pci, struct bus *phys,
                  struct bus *pci_mem, struct bus *pci_io, struct irq out)
{
    static const struct pci_class cls = {
        .vendor = 0x11ab,
        .device = 0x4620,
        .revision = 0x10,
        .base_class = 0x06,
        .int_pin = 1,
    };
    *gt = (struct gt64120){
        .phys = phys,
        .out = out,
        .isd_handle = -1,
    };
    for (unsigned i = 0; i < 3; i++) {
        gt->window[i] = (struct gt64120_window){
            .dev.platform = p,
            .target = i == 0 ? pci_io : pci_mem,
            .handle = -1,
        };
    }
    dev_init(&gt->pci.dev, &ops, "gt64120", p);
    pci_dev_init(&gt->pci, pci, 0, 0, &cls);
    reset(&gt->pci.dev);
}
