/*
 * The registers of an ATA channel, its interrupt, and the end of commands.
 *
 * DETERMINISM: a command never ends when it is written. It makes the channel
 * busy (ata_later) and everything that it does to the disk, to memory and to
 * the interrupt pin happens in one piece when the timer fires, at least an epoch
 * later. In between there is nothing but registers, a buffer, a phase and a
 * deadline, so a state saved at any moment continues identically.
 *
 * PIO data goes through `buf`, one block (a sector, or several for the MULTIPLE
 * commands) at a time; the timer fills or empties it between the blocks. For
 * DMA the adapter moves the data (see piix4_ide.c) when the timer fires.
 *
 * A channel without drives, and the absent one of two, read as zeroes: drivers
 * see neither a busy nor a ready drive there and go on at once.
 */
#include "core/dev/ata.h"

#include <string.h>

#define LATENCY_NS  100000 /* one epoch */
#define SECTOR_NS   500
#define CONTROL_IEN 0x02 /* inverted: set disables the interrupt */
#define CONTROL_RST 0x04
#define CONTROL_HOB 0x80
#define DEVICE_MBO  0xa0 /* obsolete bits, read as ones */

static bool has_drives(const struct ata_channel *ch)
{
    return ch->drive[0].disk != NULL || ch->drive[1].disk != NULL;
}

bool ata_irq_level(const struct ata_channel *ch)
{
    return ch->intrq != 0 && (ch->control & CONTROL_IEN) == 0;
}

static void set_intrq(struct ata_channel *ch, bool level)
{
    bool before = ata_irq_level(ch);
    ch->intrq = level;
    if (ata_irq_level(ch) != before)
        irq_set(&ch->irq, !before);
}

static void stop_timer(struct ata_channel *ch)
{
    if (ch->timer.deadline != TIMER_OFF)
        dev_timer_set(&ch->timer, TIMER_OFF);
}

void ata_later(struct ata_channel *ch, enum ata_phase phase)
{
    uint64_t sectors = phase == ATA_DMA_READ || phase == ATA_DMA_WRITE ? ch->left : 0;
    ch->phase = (uint8_t)phase;
    ch->status = ATA_BSY;
    ch->pos = ch->len = 0;
    dev_timer_set(&ch->timer, dev_now(ch->dev) + LATENCY_NS + sectors * SECTOR_NS);
}

void ata_offer_buffer(struct ata_channel *ch, uint32_t sectors, bool interrupt)
{
    ch->block_sectors = (uint8_t)sectors;
    ch->pos = 0;
    ch->len = sectors * SECTOR_SIZE;
    ch->status = ATA_DRDY | ATA_DSC | ATA_DRQ;
    if (interrupt)
        set_intrq(ch, true);
}

/* The command is over, with the error register as it stands. */
static void finish(struct ata_channel *ch)
{
    ch->phase = ATA_IDLE;
    ch->pos = ch->len = 0;
    ch->left = 0;
    ch->status = ATA_DRDY | ATA_DSC | (ch->error != 0 ? ATA_ERR : 0);
    set_intrq(ch, true);
}

static void fail(struct ata_channel *ch, uint8_t error)
{
    ch->error = error;
    finish(ch);
}

/* What reset and diagnostic leave in the registers: the signature of a disk. */
static void set_signature(struct ata_channel *ch)
{
    memset(ch->feature, 0, sizeof ch->feature);
    memset(ch->lba_mid, 0, sizeof ch->lba_mid);
    memset(ch->lba_high, 0, sizeof ch->lba_high);
    ch->count[0] = ch->lba_low[0] = 1;
    ch->count[1] = ch->lba_low[1] = 0;
    ch->device = 0;
    ch->error = ATA_DIAGNOSED;
}

static void reset_transfer(struct ata_channel *ch)
{
    stop_timer(ch);
    set_intrq(ch, false);
    ch->phase = ATA_IDLE;
    ch->pos = ch->len = 0;
    ch->left = 0;
    ch->block_sectors = 0;
    ch->sector = 0;
}

void ata_init(struct ata_channel *ch, struct device *dev, struct disk *master, struct disk *slave,
              const struct irq *irq, void (*fire)(struct device *dev))
{
    memset(ch, 0, sizeof *ch);
    ch->drive[0].disk = master;
    ch->drive[1].disk = slave;
    ch->dev = dev;
    ch->irq = *irq;
    dev_timer_init(&ch->timer, dev, fire);
    ata_reset(ch);
}

void ata_reset(struct ata_channel *ch)
{
    reset_transfer(ch);
    set_signature(ch);
    ch->status = ATA_DRDY | ATA_DSC;
    ch->control = 0;
    ch->command = 0;
    memset(ch->buf, 0, sizeof ch->buf);
    for (unsigned i = 0; i < ARRAY_LEN(ch->drive); i++) {
        struct ata_drive *d = &ch->drive[i];
        d->multiple = 0;
        d->heads = 16;
        d->spt = 63;
        d->dma_mode = 0;
        d->write_cache = 1;
    }
}

/* The next bytes of the buffer, `size` of them, and true; or false without DRQ. */
static bool buffer_bytes(struct ata_channel *ch, unsigned size, uint8_t **p)
{
    if ((ch->status & ATA_DRQ) == 0 || ch->len > sizeof ch->buf || ch->pos >= ch->len ||
        size > ch->len - ch->pos)
        return false;
    *p = ch->buf + ch->pos;
    ch->pos += size;
    return true;
}

static uint64_t data_read(struct ata_channel *ch, unsigned size)
{
    uint8_t *p;
    if ((ch->phase != ATA_PIO_READ && ch->phase != ATA_IDENTIFY) || !buffer_bytes(ch, size, &p))
        return 0;
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)p[i] << 8 * i;
    if (ch->pos < ch->len)
        return value;
    if (ch->phase == ATA_PIO_READ && ch->left > ch->block_sectors) {
        ch->left -= ch->block_sectors;
        ata_later(ch, ATA_PIO_READ);
    } else {
        /* The last block of a read ends the command without an interrupt. */
        ch->phase = ATA_IDLE;
        ch->left = 0;
        ch->status = ATA_DRDY | ATA_DSC;
    }
    return value;
}

static void data_write(struct ata_channel *ch, unsigned size, uint64_t value)
{
    uint8_t *p;
    if (ch->phase != ATA_PIO_WRITE || !buffer_bytes(ch, size, &p))
        return;
    for (unsigned i = 0; i < size; i++)
        p[i] = (uint8_t)(value >> 8 * i);
    if (ch->pos == ch->len)
        ata_later(ch, ATA_PIO_WRITE);
}

uint64_t ata_read(struct ata_channel *ch, unsigned reg, unsigned size)
{
    unsigned hob = (ch->control & CONTROL_HOB) != 0;
    if (ata_selected(ch)->disk == NULL)
        return 0;
    switch (reg) {
    case ATA_DATA:
        return data_read(ch, size);
    case ATA_ERROR:
        return ch->error;
    case ATA_COUNT:
        return ch->count[hob];
    case ATA_LBA_LOW:
        return ch->lba_low[hob];
    case ATA_LBA_MID:
        return ch->lba_mid[hob];
    case ATA_LBA_HIGH:
        return ch->lba_high[hob];
    case ATA_DEVICE:
        return ch->device | DEVICE_MBO;
    case ATA_STATUS:
        set_intrq(ch, false);
        return ch->status;
    default:
        return 0;
    }
}

static void push(uint8_t reg[2], uint64_t value)
{
    reg[1] = reg[0];
    reg[0] = (uint8_t)value;
}

void ata_write(struct ata_channel *ch, unsigned reg, unsigned size, uint64_t value)
{
    if (reg == ATA_DATA) {
        data_write(ch, size, value);
        return;
    }
    ch->control &= (uint8_t)~CONTROL_HOB;
    if ((ch->status & (ATA_BSY | ATA_DRQ)) != 0 || !has_drives(ch))
        return;
    switch (reg) {
    case ATA_ERROR:
        push(ch->feature, value);
        break;
    case ATA_COUNT:
        push(ch->count, value);
        break;
    case ATA_LBA_LOW:
        push(ch->lba_low, value);
        break;
    case ATA_LBA_MID:
        push(ch->lba_mid, value);
        break;
    case ATA_LBA_HIGH:
        push(ch->lba_high, value);
        break;
    case ATA_DEVICE:
        ch->device = (uint8_t)value & (uint8_t)~DEVICE_MBO;
        break;
    case ATA_STATUS:
        if (ata_selected(ch)->disk == NULL)
            break;
        set_intrq(ch, false);
        ch->error = 0;
        ch->command = (uint8_t)value;
        ata_command(ch, ch->command);
        break;
    default:
        break;
    }
}

uint8_t ata_alt_status(const struct ata_channel *ch)
{
    return ch->drive[ch->device >> 4 & 1].disk != NULL ? ch->status : 0;
}

void ata_control(struct ata_channel *ch, uint8_t value)
{
    bool before = ata_irq_level(ch);
    uint8_t old = ch->control;
    ch->control = value & (CONTROL_IEN | CONTROL_RST | CONTROL_HOB);
    if (ata_irq_level(ch) != before)
        irq_set(&ch->irq, !before);
    if (!has_drives(ch))
        return;
    if ((value & CONTROL_RST) != 0) {
        reset_transfer(ch);
        ch->status = ATA_BSY;
    } else if ((old & CONTROL_RST) != 0) {
        ata_later(ch, ATA_RESET);
    }
}

/* The next block of a read is due. */
static void fire_pio_read(struct ata_channel *ch)
{
    struct ata_drive *d = ata_selected(ch);
    uint32_t most = ch->block_sectors;
    uint32_t n = (uint32_t)min_u64(min_u64(most, ATA_MULTIPLE_MAX), ch->left);
    if (d->disk == NULL || !disk_read(d->disk, ch->sector, n, ch->buf)) {
        fail(ch, ATA_IDNF);
        return;
    }
    ch->sector += n;
    ata_offer_buffer(ch, n, true);
}

/* A block of a write is complete. */
static void fire_pio_write(struct ata_channel *ch)
{
    struct ata_drive *d = ata_selected(ch);
    uint32_t n = (uint32_t)min_u64(min_u64(ch->block_sectors, ATA_MULTIPLE_MAX), ch->left);
    if (d->disk == NULL || !disk_write(d->disk, ch->sector, n, ch->buf)) {
        fail(ch, ATA_IDNF);
        return;
    }
    ch->sector += n;
    ch->left -= n;
    if (ch->left == 0)
        finish(ch);
    else
        ata_offer_buffer(ch, (uint32_t)min_u64(n, ch->left), true);
}

void ata_fire(struct ata_channel *ch)
{
    switch ((enum ata_phase)ch->phase) {
    case ATA_NODATA:
        finish(ch);
        break;
    case ATA_IDENTIFY:
        ata_identify(ch);
        ata_offer_buffer(ch, 1, true);
        break;
    case ATA_PIO_READ:
        fire_pio_read(ch);
        break;
    case ATA_PIO_WRITE:
        fire_pio_write(ch);
        break;
    case ATA_RESET:
        set_signature(ch);
        ch->phase = ATA_IDLE;
        ch->status = ATA_DRDY | ATA_DSC;
        break;
    case ATA_DIAGNOSE:
        set_signature(ch);
        ch->phase = ATA_IDLE;
        ch->status = ATA_DRDY | ATA_DSC;
        set_intrq(ch, true);
        break;
    case ATA_IDLE:
    case ATA_DMA_READ:
    case ATA_DMA_WRITE:
        break;
    }
}

void ata_dma_start(struct ata_channel *ch)
{
    if (ata_dma_wanted(ch) && ch->timer.deadline == TIMER_OFF)
        ata_later(ch, (enum ata_phase)ch->phase);
}

void ata_dma_stop(struct ata_channel *ch)
{
    if (!ata_dma_wanted(ch))
        return;
    stop_timer(ch);
    ch->status = ATA_DRDY | ATA_DSC | ATA_DRQ;
}

void ata_dma_done(struct ata_channel *ch, bool ok)
{
    if (ok)
        finish(ch);
    else
        fail(ch, ATA_ABRT);
}
