/*
 * PIIX4 function 3: power management and SMBus host.
 *
 * Both register blocks are byte-granular, so any access size works. The power
 * management timer is floor(ns * 3579545 / 10^9); its overflow bit is brought up
 * to date when somebody looks, and by a timer only while its interrupt is
 * enabled. SMBus transfers end at once; the bus has one EEPROM, at 0x50.
 *
 * Source: Intel 82371AB data sheet, chapter 7.
 */
#include "core/dev/piix4.h"

#include <string.h>

#include "core/base/bytes.h"

#define PM_TIMER_HZ  3579545
#define NS_PER_S     1000000000u
#define OVERFLOW_BIT 23 /* its toggling sets TMROF */
#define BLOCK_SIZE   64

enum {
    CFG_PM_BASE = 0x40,
    CFG_DEVICE_F = 0x5f, /* top bytes of the resource registers for the Super I/O chip: */
    CFG_DEVICE_G = 0x63, /* which of its devices are decoded */
    CFG_DEVICE_H = 0x67,
    CFG_PM_MISC = 0x80,
    CFG_SMB_BASE = 0x90,
    CFG_SMB_HOST = 0xd2,
    PM1_STATUS = 0x00,
    PM1_ENABLE = 0x02,
    PM1_CONTROL = 0x04,
    PM_TIMER = 0x08,
    GP_STATUS = 0x0c,
    PM1_TIMER = 1 << 0,
    PM1_STATUS_BITS = 0x8531,
    PM1_ENABLE_BITS = 0x0521,
    CONTROL_SCI = 1 << 0,
    CONTROL_SLEEP = 1 << 13,
    CONTROL_TYPE_SHIFT = 10, /* type 0 is soft off */
    SMB_STATUS = 0,
    SMB_SLAVE_STATUS = 1,
    SMB_CONTROL = 2,
    SMB_COMMAND = 3,
    SMB_ADDRESS = 4,
    SMB_DATA0 = 5,
    SMB_DATA1 = 6,
    SMB_BLOCK = 7,
    SMB_START = 1 << 6,
    SMB_DONE = 1 << 1,
    SMB_ERROR = 1 << 2,
    SPD_ADDRESS = 0x50,
};

static uint64_t ticks_at(uint64_t ns)
{
    return (uint64_t)((unsigned __int128)ns * PM_TIMER_HZ / NS_PER_S);
}

static uint64_t next_overflow(uint64_t now)
{
    uint64_t ticks = ((ticks_at(now) >> OVERFLOW_BIT) + 1) << OVERFLOW_BIT;
    return (uint64_t)(((unsigned __int128)ticks * NS_PER_S + PM_TIMER_HZ - 1) / PM_TIMER_HZ);
}

static bool sci_level(const struct piix4_pm *pm)
{
    return (pm->pm1_control & CONTROL_SCI) != 0 &&
           (pm->pm1_status & pm->pm1_enable & PM1_ENABLE_BITS) != 0;
}

static void update(struct piix4_pm *pm)
{
    uint64_t now = dev_now(&pm->pci.dev);
    if (ticks_at(now) >> OVERFLOW_BIT != ticks_at(pm->counted_ns) >> OVERFLOW_BIT)
        pm->pm1_status |= PM1_TIMER;
    pm->counted_ns = now;
    bool armed = (pm->pm1_enable & PM1_TIMER) != 0 && (pm->pm1_status & PM1_TIMER) == 0;
    dev_timer_set(&pm->timer, armed ? next_overflow(now) : TIMER_OFF);
    irq_set(&pm->sci, sci_level(pm));
}

static void fire(struct device *dev)
{
    update(container_of(dev, struct piix4_pm, pci.dev));
}

static uint8_t pm_byte(const struct piix4_pm *pm, unsigned off)
{
    unsigned shift = 8 * (off & 1);
    switch (off & ~1u) {
    case PM1_STATUS:
        return (uint8_t)(pm->pm1_status >> shift);
    case PM1_ENABLE:
        return (uint8_t)(pm->pm1_enable >> shift);
    case PM1_CONTROL:
        return (uint8_t)(pm->pm1_control >> shift);
    case PM_TIMER:
    case PM_TIMER + 2: {
        uint32_t timer = ticks_at(pm->counted_ns) & 0xffffff;
        return (uint8_t)(timer >> (8 * (off & 3)));
    }
    default:
        return pm->storage[off];
    }
}

static void set_byte(uint16_t *word, unsigned off, uint8_t value)
{
    unsigned shift = 8 * (off & 1);
    *word = (uint16_t)((*word & ~(0xff << shift)) | value << shift);
}

static void write_control(struct piix4_pm *pm, unsigned off, uint8_t value)
{
    set_byte(&pm->pm1_control, off, value);
    bool sleeps = (pm->pm1_control & CONTROL_SLEEP) != 0;
    pm->pm1_control &= (uint16_t)~CONTROL_SLEEP; /* reads as 0 */
    if (sleeps && (pm->pm1_control >> CONTROL_TYPE_SHIFT & 7) == 0)
        pm->pci.dev.platform->power(pm->pci.dev.platform, POWER_OFF);
}

static void pm_write_byte(struct piix4_pm *pm, unsigned off, uint8_t value)
{
    switch (off & ~1u) {
    case PM1_STATUS:
        pm->pm1_status &= (uint16_t)~(value << (8 * (off & 1)) & PM1_STATUS_BITS);
        break;
    case PM1_ENABLE:
        set_byte(&pm->pm1_enable, off, value);
        pm->pm1_enable &= PM1_ENABLE_BITS;
        break;
    case PM1_CONTROL:
        write_control(pm, off, value);
        break;
    case PM_TIMER:
    case PM_TIMER + 2:
    case GP_STATUS: /* no event ever sets a bit */
        break;
    default:
        pm->storage[off] = value;
        break;
    }
}

static uint64_t pm_read(struct device *dev, uint64_t off, unsigned size)
{
    struct piix4_pm *pm = container_of(dev, struct piix4_pm, pci.dev);
    uint64_t value = 0;
    update(pm);
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)pm_byte(pm, (unsigned)off + i) << (8 * i);
    return value;
}

static void pm_write(struct device *dev, uint64_t off, unsigned size, uint64_t value)
{
    struct piix4_pm *pm = container_of(dev, struct piix4_pm, pci.dev);
    update(pm);
    for (unsigned i = 0; i < size; i++)
        pm_write_byte(pm, (unsigned)off + i, (uint8_t)(value >> (8 * i)));
    update(pm);
}

static uint8_t spd_read(struct piix4_pm *pm)
{
    return pm->spd[pm->spd_next++ % PIIX4_SPD_BYTES];
}

/* Run the transfer that the host registers describe. The EEPROM is write-protected. */
static void smb_transfer(struct piix4_pm *pm)
{
    bool reads = pm->smb_address & 1;
    unsigned protocol = pm->smb_control >> 2 & 7;
    if (pm->smb_address >> 1 != SPD_ADDRESS || protocol == 4 || protocol > 5) {
        pm->smb_status |= SMB_ERROR;
        return;
    }
    pm->smb_status |= SMB_DONE;
    if (protocol >= 2 || (protocol == 1 && !reads))
        pm->spd_next = pm->smb_command;
    if (!reads || protocol == 0)
        return;
    if (protocol == 5) {
        pm->smb_data[0] = sizeof pm->smb_block;
        for (unsigned i = 0; i < sizeof pm->smb_block; i++)
            pm->smb_block[i] = spd_read(pm);
        pm->smb_index = 0;
        return;
    }
    pm->smb_data[0] = spd_read(pm);
    if (protocol == 3)
        pm->smb_data[1] = spd_read(pm);
}

static uint8_t smb_byte(struct piix4_pm *pm, unsigned off)
{
    switch (off) {
    case SMB_STATUS:
        return pm->smb_status;
    case SMB_SLAVE_STATUS:
        return 0;
    case SMB_CONTROL:
        pm->smb_index = 0;
        return pm->smb_control;
    case SMB_COMMAND:
        return pm->smb_command;
    case SMB_ADDRESS:
        return pm->smb_address;
    case SMB_DATA0:
    case SMB_DATA1:
        return pm->smb_data[off - SMB_DATA0];
    case SMB_BLOCK:
        return pm->smb_block[pm->smb_index++ % sizeof pm->smb_block];
    default:
        return off < 16 ? pm->smb_slave[off & 7] : 0;
    }
}

static void smb_write_byte(struct piix4_pm *pm, unsigned off, uint8_t value)
{
    switch (off) {
    case SMB_STATUS:
        pm->smb_status &= (uint8_t)~value;
        pm->smb_index = 0;
        break;
    case SMB_SLAVE_STATUS:
        break;
    case SMB_CONTROL:
        pm->smb_control = value & 0x1f;
        if (value & SMB_START)
            smb_transfer(pm);
        break;
    case SMB_COMMAND:
        pm->smb_command = value;
        break;
    case SMB_ADDRESS:
        pm->smb_address = value;
        break;
    case SMB_DATA0:
    case SMB_DATA1:
        pm->smb_data[off - SMB_DATA0] = value;
        break;
    case SMB_BLOCK:
        pm->smb_block[pm->smb_index++ % sizeof pm->smb_block] = value;
        break;
    default:
        if (off < 16)
            pm->smb_slave[off & 7] = value;
        break;
    }
}

static uint64_t smb_read(struct device *dev, uint64_t off, unsigned size)
{
    struct piix4_pm *pm = container_of(dev, struct piix4_pm, pci.dev);
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)smb_byte(pm, (unsigned)off + i) << (8 * i);
    return value;
}

static void smb_write(struct device *dev, uint64_t off, unsigned size, uint64_t value)
{
    struct piix4_pm *pm = container_of(dev, struct piix4_pm, pci.dev);
    for (unsigned i = 0; i < size; i++)
        smb_write_byte(pm, (unsigned)off + i, (uint8_t)(value >> (8 * i)));
}

static const struct io_ops pm_ops = {.read = pm_read, .write = pm_write};
static const struct io_ops smb_ops = {.read = smb_read, .write = smb_write};

/* Place both register blocks as the configuration space says. */
static void map_blocks(struct piix4_pm *pm)
{
    struct pci_dev *pci = &pm->pci;
    uint32_t pm_base = ld_le32(pci->config + CFG_PM_BASE) & 0xffc0;
    uint32_t smb_base = ld_le32(pci->config + CFG_SMB_BASE) & 0xffc0;
    bus_unmap(pm->io, pm->pm_handle);
    bus_unmap(pm->io, pm->smb_handle);
    pm->pm_handle = -1;
    pm->smb_handle = -1;
    if ((pci->config[CFG_PM_MISC] & 1) != 0 && pm_base != 0)
        pm->pm_handle = bus_map_over(pm->io, pm_base, BLOCK_SIZE, &pm_ops, &pci->dev, "piix4-pm",
                                     PCI_PRIORITY(pci->devfn, 6));
    if ((pci->config[CFG_SMB_HOST] & 1) != 0 && smb_base != 0)
        pm->smb_handle = bus_map_over(pm->io, smb_base, BLOCK_SIZE, &smb_ops, &pci->dev,
                                      "piix4-smbus", PCI_PRIORITY(pci->devfn, 7));
}

static void config_written(struct pci_dev *pci, unsigned reg, unsigned size)
{
    struct piix4_pm *pm = container_of(pci, struct piix4_pm, pci);
    (void)size;
    if (reg < 0x40)
        return;
    pci->config[CFG_PM_BASE] = (pci->config[CFG_PM_BASE] & 0xc0) | 1; /* bit 0: an I/O base */
    pci->config[CFG_SMB_BASE] = (pci->config[CFG_SMB_BASE] & 0xc0) | 1;
    map_blocks(pm);
}

static void reset(struct device *dev)
{
    struct piix4_pm *pm = container_of(dev, struct piix4_pm, pci.dev);
    pci_dev_reset(&pm->pci);
    memset(pm->pci.config + 0x40, 0, 0xc0);
    pm->pci.config[CFG_PM_BASE] = 1;
    /* As the board's firmware leaves it: both serial ports decoded, SMBus host at port 0x1100. */
    pm->pci.config[CFG_DEVICE_F] = 0x10;
    pm->pci.config[CFG_DEVICE_G] = 0x60;
    pm->pci.config[CFG_DEVICE_H] = 0x98;
    st_le32(pm->pci.config + CFG_SMB_BASE, 0x1101);
    pm->pci.config[CFG_SMB_HOST] = 0x09;
    pm->pm1_status = 0;
    pm->pm1_enable = 0;
    pm->pm1_control = 0;
    memset(pm->storage, 0, sizeof pm->storage);
    pm->counted_ns = dev_now(dev);
    pm->smb_status = 0;
    pm->smb_control = 0;
    pm->smb_command = 0;
    pm->smb_address = 0;
    memset(pm->smb_data, 0, sizeof pm->smb_data);
    memset(pm->smb_slave, 0, sizeof pm->smb_slave);
    memset(pm->smb_block, 0, sizeof pm->smb_block);
    pm->smb_index = 0;
    pm->spd_next = 0;
    map_blocks(pm);
    update(pm);
}

static void loaded(struct device *dev)
{
    struct piix4_pm *pm = container_of(dev, struct piix4_pm, pci.dev);
    pci_dev_loaded(&pm->pci);
    map_blocks(pm);
    dev_timer_set(&pm->timer, pm->timer.deadline);
    irq_set(&pm->sci, sci_level(pm));
}

static const struct state_field fields[] = {
    PCI_STATE_FIELDS(struct piix4_pm, pci),
    STATE(struct piix4_pm, pm1_status),
    STATE(struct piix4_pm, pm1_enable),
    STATE(struct piix4_pm, pm1_control),
    STATE_ARRAY(struct piix4_pm, storage, uint8_t),
    STATE(struct piix4_pm, counted_ns),
    STATE(struct piix4_pm, smb_status),
    STATE(struct piix4_pm, smb_control),
    STATE(struct piix4_pm, smb_command),
    STATE(struct piix4_pm, smb_address),
    STATE_ARRAY(struct piix4_pm, smb_data, uint8_t),
    STATE_ARRAY(struct piix4_pm, smb_slave, uint8_t),
    STATE_ARRAY(struct piix4_pm, smb_block, uint8_t),
    STATE(struct piix4_pm, smb_index),
    STATE(struct piix4_pm, spd_next),
    STATE(struct piix4_pm, timer.deadline),
    STATE_END,
};

static const struct dev_ops ops = {
    .name = "piix4-pm",
    .fields = fields,
    .reset = reset,
    .loaded = loaded,
};

/* JEDEC serial presence detect of an SDRAM module with one or two equal rows. */
static void fill_spd(struct piix4_pm *pm, uint32_t memory_mib)
{
    static const uint8_t head[] = {128, 8, 4, 12, 9, 1, 64, 0, 1, 0xa0, 0x60, 0, 0x82, 8, 0, 1};
    uint32_t row = 4;
    unsigned rows = memory_mib >= 8 ? 2 : 1;
    while (row * 2 * rows <= memory_mib && row < 512)
        row *= 2;
    memcpy(pm->spd, head, sizeof head);
    pm->spd[5] = (uint8_t)rows;
    pm->spd[31] = (uint8_t)(row / 4 > 128 ? 128 : row / 4);
    uint8_t sum = 0;
    for (unsigned i = 0; i < 63; i++)
        sum = (uint8_t)(sum + pm->spd[i]);
    pm->spd[63] = sum;
}

void piix4_pm_init(struct piix4_pm *pm, struct platform *p, struct pci_bus *pci, unsigned slot,
                   struct bus *io, struct irq sci, uint32_t memory_mib)
{
    static const struct pci_class cls = {
        .vendor = 0x8086,
        .device = 0x7113,
        .revision = 3,
        .base_class = 0x06,
        .subclass = 0x80,
        .int_pin = 1,
    };
    *pm = (struct piix4_pm){.io = io, .sci = sci, .pm_handle = -1, .smb_handle = -1};
    fill_spd(pm, memory_mib);
    dev_init(&pm->pci.dev, &ops, "piix4-pm", p);
    dev_timer_init(&pm->timer, &pm->pci.dev, fire);
    pci_dev_init(&pm->pci, pci, slot, 3, &cls);
    memset(pm->pci.writable + 0x40, 0xff, 0xc0);
    pm->pci.config_written = config_written;
    reset(&pm->pci.dev);
}
