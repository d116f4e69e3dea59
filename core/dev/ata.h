/*
 * An ATA channel: one task file, up to two disk drives, one buffer. The host
 * adapter around it gives it the time, the bus-master DMA and the wire of the
 * interrupt.
 *
 * Each command ends when the channel's timer fires, never at once: see ata.c.
 *
 * Source: ATA/ATAPI-6 (T13/1410D), chapters 7 to 9.
 */
#ifndef CORE_DEV_ATA_H
#define CORE_DEV_ATA_H

#include "core/dev/dev.h"
#include "core/disk.h"

#define ATA_MULTIPLE_MAX 16 /* sectors per block of READ/WRITE MULTIPLE */

/* Register offsets in the command block. */
enum ata_reg {
    ATA_DATA = 0,
    ATA_ERROR = 1, /* read; FEATURES when written */
    ATA_COUNT = 2,
    ATA_LBA_LOW = 3,
    ATA_LBA_MID = 4,
    ATA_LBA_HIGH = 5,
    ATA_DEVICE = 6,
    ATA_STATUS = 7, /* read; COMMAND when written */
};

enum ata_status {
    ATA_ERR = 0x01,
    ATA_DRQ = 0x08,
    ATA_DSC = 0x10,
    ATA_DRDY = 0x40,
    ATA_BSY = 0x80,
};

enum ata_error {
    ATA_DIAGNOSED = 0x01, /* after a reset: device 0 passed, device 1 passed or absent */
    ATA_ABRT = 0x04,
    ATA_IDNF = 0x10,
};

/* What happens when the timer fires. */
enum ata_phase {
    ATA_IDLE, /* nothing; the timer is off */
    ATA_NODATA,    /* a command without data ends */
    ATA_PIO_READ,  /* the next block comes from the disk into the buffer */
    ATA_PIO_WRITE, /* the full buffer goes to the disk */
    ATA_IDENTIFY,  /* the identification is put into the buffer */
    ATA_DMA_READ,  /* the whole transfer is done; waits for ata_dma_start() */
    ATA_DMA_WRITE,
    ATA_RESET,    /* a software reset ends */
    ATA_DIAGNOSE, /* EXECUTE DEVICE DIAGNOSTIC ends */
};

struct ata_drive {
    struct disk *disk; /* not owned; NULL: no drive */
    uint8_t multiple;  /* sectors per block; 0: MULTIPLE commands are off */
    uint8_t heads;     /* of the current CHS translation */
    uint8_t spt;
    uint8_t dma_mode; /* as SET FEATURES gave it: 0x20 | n, 0x40 | n */
    uint8_t write_cache;
};

struct ata_channel {
    struct ata_drive drive[2];
    /* Task file. [1] holds the previous content ("high order byte"). */
    uint8_t feature[2], count[2], lba_low[2], lba_mid[2], lba_high[2];
    uint8_t device, status, error, control;
    uint8_t command; /* the last one accepted */
    uint8_t phase;   /* enum ata_phase */
    uint8_t intrq;
    uint8_t block_sectors; /* sectors of the block now in the buffer */
    uint64_t sector;       /* next of the transfer */
    uint32_t left;         /* sectors still to transfer, this block included */
    uint32_t pos, len;     /* in buf; DRQ while pos < len */
    uint8_t buf[ATA_MULTIPLE_MAX * SECTOR_SIZE];
    struct dev_timer timer;

    struct device *dev; /* the adapter */
    struct irq irq;
};

#define ATA_DRIVE_STATE_FIELDS(type, member)                                                       \
    STATE(type, member.multiple), STATE(type, member.heads), STATE(type, member.spt),              \
        STATE(type, member.dma_mode), STATE(type, member.write_cache)

#define ATA_STATE_FIELDS(type, member)                                                             \
    ATA_DRIVE_STATE_FIELDS(type, member.drive[0]), ATA_DRIVE_STATE_FIELDS(type, member.drive[1]),  \
        STATE_ARRAY(type, member.feature, uint8_t), STATE_ARRAY(type, member.count, uint8_t),      \
        STATE_ARRAY(type, member.lba_low, uint8_t), STATE_ARRAY(type, member.lba_mid, uint8_t),    \
        STATE_ARRAY(type, member.lba_high, uint8_t), STATE(type, member.device),                   \
        STATE(type, member.status), STATE(type, member.error), STATE(type, member.control),        \
        STATE(type, member.command), STATE(type, member.phase), STATE(type, member.intrq),         \
        STATE(type, member.block_sectors), STATE(type, member.sector), STATE(type, member.left),   \
        STATE(type, member.pos), STATE(type, member.len), STATE_ARRAY(type, member.buf, uint8_t),  \
        STATE(type, member.timer.deadline)

/* `fire` is the adapter's timer function for this channel: it calls ata_fire(),
 * except that a DMA phase is done by the adapter itself (ata_dma_done()). */
void ata_init(struct ata_channel *ch, struct device *dev, struct disk *master, struct disk *slave,
              const struct irq *irq, void (*fire)(struct device *dev));
void ata_reset(struct ata_channel *ch); /* power-on or hardware reset */
/* The level of the interrupt pin; `irq` is called when it changes. */
bool ata_irq_level(const struct ata_channel *ch);

/* Command block (enum ata_reg) and the control block's one register. */
uint64_t ata_read(struct ata_channel *ch, unsigned reg, unsigned size);
void ata_write(struct ata_channel *ch, unsigned reg, unsigned size, uint64_t value);
uint8_t ata_alt_status(const struct ata_channel *ch);
void ata_control(struct ata_channel *ch, uint8_t value);

/* The timer of the channel fired in a phase that is not DMA. */
void ata_fire(struct ata_channel *ch);

/* Is a DMA command waiting for the adapter? */
static inline bool ata_dma_wanted(const struct ata_channel *ch)
{
    return ch->phase == ATA_DMA_READ || ch->phase == ATA_DMA_WRITE;
}

/* The adapter's engine was started: arm the timer for the transfer. */
void ata_dma_start(struct ata_channel *ch);
/* The engine was stopped, or ran out of memory to fill: the command waits for the
 * next start, which does the transfer from its beginning. */
void ata_dma_stop(struct ata_channel *ch);
/* The adapter moved all sectors (true), or memory failed it. */
void ata_dma_done(struct ata_channel *ch, bool ok);

/* The selected drive; its disk may be NULL. */
static inline struct ata_drive *ata_selected(struct ata_channel *ch)
{
    return &ch->drive[ch->device >> 4 & 1];
}

/* Between ata.c and ata_command.c. */
void ata_command(struct ata_channel *ch, uint8_t command); /* the selected drive has a disk */
void ata_identify(struct ata_channel *ch);                 /* into buf */
/* Busy until the timer fires with this phase. */
void ata_later(struct ata_channel *ch, enum ata_phase phase);
/* Ready for the driver to read or write `sectors` in the buffer. */
void ata_offer_buffer(struct ata_channel *ch, uint32_t sectors, bool interrupt);

#endif
