/*
 * The bus-master part of the PIIX4's IDE function: it walks the table of
 * physical region descriptors (PRDs) that the driver left in memory, when the
 * channel's timer fires.
 *
 * A PRD is 8 bytes: physical address (even), byte count (even, 0 for 64 KiB),
 * and bit 31 of the second word in the last one. Tables are at most 64 KiB
 * long, which also bounds the walk. How a transfer ends (Bus Master IDE 1.0,
 * section 1.2.3):
 *
 *   disk done, last PRD used up      active 0, interrupt 1
 *   disk done, PRDs left             active 1, interrupt 1
 *   PRDs used up, disk not done      active 0, interrupt 0: the command hangs
 *   memory does not answer           active 0, error 1; the command is aborted
 *
 * The legacy ports answer always, whatever the IDE decode enable bits say: the
 * firmware that would set them does not run.
 */
#include "core/dev/piix4_ide.h"

#include "core/base/bytes.h"
#include "core/dev/disk_copy.h"

#define BM_BAR       4
#define BM_SIZE      16
#define BM_START     0x01
#define BM_TO_MEMORY 0x08
#define BM_ACTIVE    0x01
#define BM_ERROR     0x02
#define BM_INTERRUPT 0x04
#define BM_CAPABLE   0x60 /* of DMA, per drive: set by the driver */
#define PRDS_MAX     (0x10000 / 8)
#define PRD_LAST     0x80000000u
#define IDETIM       0x40 /* one 16-bit word per channel */
#define SIDETIM      0x44
#define UDMACTL      0x48
#define UDMATIM      0x4a
#define IDETIM_ON    0x8000 /* IDE decode enable */

static struct piix4_ide *ide_of(struct device *dev)
{
    return container_of(dev, struct piix4_ide, pci.dev);
}

/* The interrupt pin of channel n changed. */
static void drive_irq(void *ctx, unsigned n, bool level)
{
    struct piix4_ide *ide = ctx;
    if (level)
        ide->bm[n].status |= BM_INTERRUPT;
    irq_set(&ide->irq[n], level);
}

enum dma_result { DMA_DONE, DMA_DONE_EARLY, DMA_SHORT, DMA_FAILED };

static enum dma_result copy_prds(struct piix4_ide *ide, unsigned n)
{
    struct ata_channel *ch = &ide->channel[n];
    struct device *dev = &ide->pci.dev;
    bool reads = ch->phase == ATA_DMA_READ;
    struct disk *disk = ata_selected(ch)->disk;
    struct disk_copy copy;
    if (disk == NULL || !pci_can_dma(&ide->pci) ||
        reads != ((ide->bm[n].command & BM_TO_MEMORY) != 0))
        return DMA_FAILED;
    disk_copy_begin(&copy, disk, dev, reads ? DMA_TO_MEMORY : DMA_TO_DEVICE, ch->sector, ch->left);
    for (unsigned i = 0; i < PRDS_MAX; i++) {
        uint8_t prd[8];
        if (!dev_dma_control(dev, DMA_TO_DEVICE, (uint64_t)ide->bm[n].prd + 8 * i, prd, sizeof prd))
            return DMA_FAILED;
        uint32_t second = ld_le32(prd + 4);
        uint64_t bytes = second & 0xfffe;
        if (bytes == 0)
            bytes = 0x10000;
        uint64_t moved = bytes;
        if (!disk_copy_segment(&copy, ld_le32(prd) & ~(uint32_t)1, &moved))
            return DMA_FAILED;
        bool last = (second & PRD_LAST) != 0;
        if (copy.left == 0)
            return last && moved == bytes ? DMA_DONE : DMA_DONE_EARLY;
        if (last)
            break;
    }
    return DMA_SHORT;
}

static void fire(struct piix4_ide *ide, unsigned n)
{
    struct ata_channel *ch = &ide->channel[n];
    if (!ata_dma_wanted(ch)) {
        ata_fire(ch);
        return;
    }
    enum dma_result result = copy_prds(ide, n);
    if (result != DMA_DONE_EARLY)
        ide->bm[n].status &= (uint8_t)~BM_ACTIVE;
    if (result == DMA_FAILED)
        ide->bm[n].status |= BM_ERROR;
    if (result == DMA_SHORT)
        ata_dma_stop(ch);
    else
        ata_dma_done(ch, result != DMA_FAILED);
}

static void fire0(struct device *dev)
{
    fire(ide_of(dev), 0);
}

static void fire1(struct device *dev)
{
    fire(ide_of(dev), 1);
}

static uint64_t bm_read(struct device *dev, uint64_t off, unsigned size)
{
    struct piix4_ide *ide = ide_of(dev);
    uint8_t bytes[BM_SIZE] = {0};
    for (unsigned n = 0; n < 2; n++) {
        bytes[8 * n] = ide->bm[n].command;
        bytes[8 * n + 2] = ide->bm[n].status;
        st_le32(bytes + 8 * n + 4, ide->bm[n].prd);
    }
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)bytes[(off + i) & (BM_SIZE - 1)] << 8 * i;
    return value;
}

static void bm_command(struct piix4_ide *ide, unsigned n, uint8_t value)
{
    struct piix4_bmdma *bm = &ide->bm[n];
    uint8_t old = bm->command;
    bm->command = value & (BM_START | BM_TO_MEMORY);
    if ((value & ~old & BM_START) != 0) {
        bm->status |= BM_ACTIVE;
        ata_dma_start(&ide->channel[n]);
    } else if ((old & ~value & BM_START) != 0) {
        bm->status &= (uint8_t)~BM_ACTIVE;
        ata_dma_stop(&ide->channel[n]);
    }
}

static void bm_write_byte(struct piix4_ide *ide, unsigned reg, uint8_t value)
{
    unsigned n = reg >> 3 & 1;
    struct piix4_bmdma *bm = &ide->bm[n];
    switch (reg & 7) {
    case 0:
        bm_command(ide, n, value);
        break;
    case 2:
        bm->status &= (uint8_t) ~(value & (BM_ERROR | BM_INTERRUPT));
        bm->status = (uint8_t)((bm->status & ~BM_CAPABLE) | (value & BM_CAPABLE));
        break;
    case 4:
        value &= (uint8_t)~3;
        /* fall through */
    case 5:
    case 6:
    case 7: {
        unsigned shift = 8 * (reg & 3);
        bm->prd = (bm->prd & ~((uint32_t)0xff << shift)) | (uint32_t)value << shift;
        break;
    }
    default:
        break;
    }
}

static void bm_write(struct device *dev, uint64_t off, unsigned size, uint64_t value)
{
    for (unsigned i = 0; i < size; i++)
        bm_write_byte(ide_of(dev), (unsigned)off + i, (uint8_t)(value >> 8 * i));
}

/* The data register is as wide as the access; the others are bytes. */
static uint64_t command_read(struct piix4_ide *ide, unsigned n, uint64_t off, unsigned size)
{
    if (off == ATA_DATA)
        return ata_read(&ide->channel[n], ATA_DATA, size);
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= ata_read(&ide->channel[n], (unsigned)off + i, 1) << 8 * i;
    return value;
}

static void command_write(struct piix4_ide *ide, unsigned n, uint64_t off, unsigned size,
                          uint64_t value)
{
    struct ata_channel *ch = &ide->channel[n];
    if (off == ATA_DATA) {
        ata_write(ch, ATA_DATA, size, value);
        return;
    }
    for (unsigned i = 0; i < size; i++)
        ata_write(ch, (unsigned)off + i, 1, value >> 8 * i & 0xff);
    if ((ide->bm[n].command & BM_START) != 0) /* the engine was started first */
        ata_dma_start(ch);
}

#define CHANNEL_IO(n)                                                                              \
    static uint64_t command_read##n(struct device *dev, uint64_t off, unsigned size)               \
    {                                                                                              \
        return command_read(ide_of(dev), n, off, size);                                            \
    }                                                                                              \
    static void command_write##n(struct device *dev, uint64_t off, unsigned size, uint64_t value)  \
    {                                                                                              \
        command_write(ide_of(dev), n, off, size, value);                                           \
    }                                                                                              \
    static uint64_t control_read##n(struct device *dev, uint64_t off, unsigned size)               \
    {                                                                                              \
        (void)off, (void)size;                                                                     \
        return ata_alt_status(&ide_of(dev)->channel[n]);                                           \
    }                                                                                              \
    static void control_write##n(struct device *dev, uint64_t off, unsigned size, uint64_t value)  \
    {                                                                                              \
        (void)off, (void)size;                                                                     \
        ata_control(&ide_of(dev)->channel[n], (uint8_t)value);                                     \
    }                                                                                              \
    static const struct io_ops command_ops##n = {.read = command_read##n,                          \
                                                 .write = command_write##n};                       \
    static const struct io_ops control_ops##n = {.read = control_read##n,                          \
                                                 .write = control_write##n};
CHANNEL_IO(0)
CHANNEL_IO(1)
#undef CHANNEL_IO

static const struct io_ops bm_ops = {.read = bm_read, .write = bm_write};

static void ide_reset(struct device *dev)
{
    struct piix4_ide *ide = ide_of(dev);
    pci_dev_reset(&ide->pci);
    for (unsigned n = 0; n < 2; n++) {
        ata_reset(&ide->channel[n]);
        ide->bm[n] = (struct piix4_bmdma){0};
        st_le16(ide->pci.config + IDETIM + 2 * n, IDETIM_ON);
    }
    ide->pci.config[SIDETIM] = 0;
    ide->pci.config[UDMACTL] = 0;
    st_le16(ide->pci.config + UDMATIM, 0);
}

static void ide_loaded(struct device *dev)
{
    struct piix4_ide *ide = ide_of(dev);
    pci_dev_loaded(&ide->pci);
    for (unsigned n = 0; n < 2; n++)
        irq_set(&ide->irq[n], ata_irq_level(&ide->channel[n]));
}

static const struct state_field ide_fields[] = {
    PCI_STATE_FIELDS(struct piix4_ide, pci),
    ATA_STATE_FIELDS(struct piix4_ide, channel[0]),
    ATA_STATE_FIELDS(struct piix4_ide, channel[1]),
    STATE(struct piix4_ide, bm[0].command),
    STATE(struct piix4_ide, bm[0].status),
    STATE(struct piix4_ide, bm[0].prd),
    STATE(struct piix4_ide, bm[1].command),
    STATE(struct piix4_ide, bm[1].status),
    STATE(struct piix4_ide, bm[1].prd),
    STATE_END,
};

static const struct dev_ops ide_dev_ops = {
    .name = "piix4-ide",
    .fields = ide_fields,
    .reset = ide_reset,
    .loaded = ide_loaded,
};

void piix4_ide_init(struct piix4_ide *ide, struct platform *p, const char *id, struct pci_bus *bus,
                    unsigned slot, unsigned function, struct bus *io, const struct irq irq[2],
                    struct disk *const disks[4])
{
    static const struct pci_class class = {
        .vendor = 0x8086,
        .device = 0x7111,
        .revision = 1,
        .prog_if = 0x80, /* legacy ports, bus master */
        .subclass = 0x01,
        .base_class = 0x01,
    };
    *ide = (struct piix4_ide){0};
    dev_init(&ide->pci.dev, &ide_dev_ops, id, p);
    ide->pci.bar[BM_BAR] = (struct pci_bar){.size = BM_SIZE, .io = true, .ops = &bm_ops};
    pci_dev_init(&ide->pci, bus, slot, function, &class);
    memset(ide->pci.writable + IDETIM, 0xff, 5); /* IDETIM and SIDETIM */
    ide->pci.writable[UDMACTL] = 0x0f;
    memset(ide->pci.writable + UDMATIM, 0x33, 2);
    for (unsigned n = 0; n < 2; n++) {
        struct irq line = {.set = drive_irq, .ctx = ide, .n = n};
        ide->irq[n] = irq[n];
        ata_init(&ide->channel[n], &ide->pci.dev, disks[2 * n], disks[2 * n + 1], &line,
                 n == 0 ? fire0 : fire1);
    }
    bus_map(io, 0x1f0, 8, &command_ops0, &ide->pci.dev, "ide0");
    bus_map(io, 0x3f6, 1, &control_ops0, &ide->pci.dev, "ide0-control");
    bus_map(io, 0x170, 8, &command_ops1, &ide->pci.dev, "ide1");
    bus_map(io, 0x376, 1, &control_ops1, &ide->pci.dev, "ide1-control");
    ide_reset(&ide->pci.dev);
}
