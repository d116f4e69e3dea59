/*
 * The commands of an ATA disk: what each does when it is written. None ends
 * here; see ata.c.
 */
#include "core/dev/ata.h"

#include <string.h>

#include "core/base/bytes.h"

#define DEVICE_LBA  0x40
#define LBA28_MAX   0x0fffffffu
#define LBA48_MAX   (((uint64_t)1 << 48) - 1)
#define CYLINDERS   16383 /* most that IDENTIFY may claim */
#define HEADS       16
#define SPT         63
#define CACHE_ON    0x02
#define CACHE_OFF   0x82
#define SET_MODE    0x03
#define MODE_MWDMA  0x20
#define MODE_UDMA   0x40
#define MODES_MWDMA 3 /* modes 0 to 2 */
#define MODES_UDMA  3 /* PIIX4: modes 0 to 2 */

enum transfer {
    IS_EXT = 1,   /* 48-bit addresses, 16-bit count */
    IS_WRITE = 2,
    IS_MULTI = 4, /* blocks of the MULTIPLE setting */
    IS_DMA = 8,
    IS_VERIFY = 16, /* no data */
};

static void fail(struct ata_channel *ch, uint8_t error)
{
    ch->error = error;
    ata_later(ch, ATA_NODATA);
}

/* First sector and number of sectors from the task file. False: no such address. */
static bool get_range(const struct ata_channel *ch, const struct ata_drive *d, unsigned flags,
                      uint64_t *sector, uint32_t *count)
{
    if ((flags & IS_EXT) != 0) {
        *count = (uint32_t)ch->count[1] << 8 | ch->count[0];
        if (*count == 0)
            *count = 0x10000;
        *sector = (uint64_t)ch->lba_high[1] << 40 | (uint64_t)ch->lba_mid[1] << 32 |
                  (uint64_t)ch->lba_low[1] << 24 | (uint64_t)ch->lba_high[0] << 16 |
                  (uint64_t)ch->lba_mid[0] << 8 | ch->lba_low[0];
    } else {
        unsigned head = ch->device & 15;
        *count = ch->count[0] != 0 ? ch->count[0] : 256;
        if ((ch->device & DEVICE_LBA) != 0) {
            *sector = (uint64_t)head << 24 | (uint64_t)ch->lba_high[0] << 16 |
                      (uint64_t)ch->lba_mid[0] << 8 | ch->lba_low[0];
        } else {
            unsigned cylinder = (unsigned)ch->lba_high[0] << 8 | ch->lba_mid[0];
            if (ch->lba_low[0] == 0 || ch->lba_low[0] > d->spt || head >= d->heads)
                return false;
            *sector = ((uint64_t)cylinder * d->heads + head) * d->spt + ch->lba_low[0] - 1;
        }
    }
    uint64_t total = disk_sectors(d->disk);
    return *sector < total && *count <= total - *sector;
}

static void start_transfer(struct ata_channel *ch, unsigned flags)
{
    struct ata_drive *d = ata_selected(ch);
    uint64_t sector;
    uint32_t count;
    if (((flags & IS_MULTI) != 0 && d->multiple == 0) ||
        ((flags & IS_WRITE) != 0 && disk_read_only(d->disk))) {
        fail(ch, ATA_ABRT);
        return;
    }
    if (!get_range(ch, d, flags, &sector, &count)) {
        fail(ch, ATA_IDNF);
        return;
    }
    if ((flags & IS_VERIFY) != 0) {
        ata_later(ch, ATA_NODATA);
        return;
    }
    uint32_t block = (flags & IS_MULTI) != 0 ? (uint32_t)min_u64(d->multiple, ATA_MULTIPLE_MAX) : 1;
    ch->sector = sector;
    ch->left = count;
    ch->block_sectors = (uint8_t)block;
    if ((flags & IS_DMA) != 0) {
        ch->phase = (flags & IS_WRITE) != 0 ? ATA_DMA_WRITE : ATA_DMA_READ;
        ata_dma_stop(ch); /* waits for the adapter */
    } else if ((flags & IS_WRITE) != 0) {
        ch->phase = ATA_PIO_WRITE;
        ata_offer_buffer(ch, (uint32_t)min_u64(block, count), false);
    } else {
        ata_later(ch, ATA_PIO_READ);
    }
}

static void set_features(struct ata_channel *ch)
{
    struct ata_drive *d = ata_selected(ch);
    uint8_t mode = ch->count[0];
    switch (ch->feature[0]) {
    case CACHE_ON:
        d->write_cache = 1;
        break;
    case CACHE_OFF:
        d->write_cache = 0;
        break;
    case SET_MODE:
        if ((mode >= MODE_MWDMA && mode < MODE_MWDMA + MODES_MWDMA) ||
            (mode >= MODE_UDMA && mode < MODE_UDMA + MODES_UDMA)) {
            d->dma_mode = mode;
        } else if (mode > 1 && (mode < 8 || mode > 12)) { /* PIO default, or 0 to 4 */
            fail(ch, ATA_ABRT);
            return;
        }
        break;
    case 0x55: /* read look-ahead off, on; keep or revert settings at software reset */
    case 0xaa:
    case 0x66:
    case 0xcc:
        break;
    default:
        fail(ch, ATA_ABRT);
        return;
    }
    ata_later(ch, ATA_NODATA);
}

static void set_multiple(struct ata_channel *ch)
{
    uint8_t n = ch->count[0];
    if (n > ATA_MULTIPLE_MAX || (n & (n - 1)) != 0) {
        fail(ch, ATA_ABRT);
        return;
    }
    ata_selected(ch)->multiple = n;
    ata_later(ch, ATA_NODATA);
}

static void set_translation(struct ata_channel *ch)
{
    struct ata_drive *d = ata_selected(ch);
    if (ch->count[0] == 0) {
        fail(ch, ATA_ABRT);
        return;
    }
    d->spt = ch->count[0];
    d->heads = (uint8_t)((ch->device & 15) + 1);
    ata_later(ch, ATA_NODATA);
}

void ata_command(struct ata_channel *ch, uint8_t command)
{
    switch (command) {
    case 0x20: /* READ SECTORS, with and without retries */
    case 0x21:
        start_transfer(ch, 0);
        return;
    case 0x24:
        start_transfer(ch, IS_EXT);
        return;
    case 0x25:
        start_transfer(ch, IS_DMA | IS_EXT);
        return;
    case 0x29:
        start_transfer(ch, IS_MULTI | IS_EXT);
        return;
    case 0x30: /* WRITE SECTORS */
    case 0x31:
        start_transfer(ch, IS_WRITE);
        return;
    case 0x34:
        start_transfer(ch, IS_WRITE | IS_EXT);
        return;
    case 0x35:
        start_transfer(ch, IS_WRITE | IS_DMA | IS_EXT);
        return;
    case 0x39:
        start_transfer(ch, IS_WRITE | IS_MULTI | IS_EXT);
        return;
    case 0x40: /* READ VERIFY SECTORS */
    case 0x41:
        start_transfer(ch, IS_VERIFY);
        return;
    case 0x42:
        start_transfer(ch, IS_VERIFY | IS_EXT);
        return;
    case 0x90: /* EXECUTE DEVICE DIAGNOSTIC */
        ata_later(ch, ATA_DIAGNOSE);
        return;
    case 0x91: /* INITIALIZE DEVICE PARAMETERS */
        set_translation(ch);
        return;
    case 0xc4: /* READ MULTIPLE, WRITE MULTIPLE */
        start_transfer(ch, IS_MULTI);
        return;
    case 0xc5:
        start_transfer(ch, IS_WRITE | IS_MULTI);
        return;
    case 0xc6:
        set_multiple(ch);
        return;
    case 0xc8: /* READ DMA, WRITE DMA */
    case 0xc9:
        start_transfer(ch, IS_DMA);
        return;
    case 0xca:
    case 0xcb:
        start_transfer(ch, IS_WRITE | IS_DMA);
        return;
    case 0x98: /* CHECK POWER MODE: active */
    case 0xe5:
        ch->count[0] = 0xff;
        ata_later(ch, ATA_NODATA);
        return;
    case 0xec:
        ata_later(ch, ATA_IDENTIFY);
        return;
    case 0xef:
        set_features(ch);
        return;
    case 0x94: /* STANDBY and IDLE, IMMEDIATE and not, SLEEP: the old codes and the new */
    case 0x95:
    case 0x96:
    case 0x97:
    case 0x99:
    case 0xe0:
    case 0xe1:
    case 0xe2:
    case 0xe3:
    case 0xe6:
    case 0xe7: /* FLUSH CACHE: writes are on the disk when they end */
    case 0xea:
        ata_later(ch, ATA_NODATA);
        return;
    default:
        break;
    }
    if ((command & 0xf0) == 0x10 || (command & 0xf0) == 0x70) /* RECALIBRATE, SEEK */
        ata_later(ch, ATA_NODATA);
    else
        fail(ch, ATA_ABRT);
}

/* Strings in IDENTIFY: the first character of each pair is the high byte. */
static void put_string(uint8_t *words, size_t n, const char *s)
{
    size_t len = strnlen(s, n);
    for (size_t i = 0; i < n; i++)
        words[i ^ 1] = i < len ? (uint8_t)s[i] : ' ';
}

static void put_word(uint8_t *buf, unsigned word, unsigned value)
{
    st_le16(buf + 2 * (size_t)word, (uint16_t)value);
}

/* ATA/ATAPI-6, table 27. */
void ata_identify(struct ata_channel *ch)
{
    struct ata_drive *d = ata_selected(ch);
    uint8_t *p = ch->buf;
    memset(p, 0, SECTOR_SIZE);
    if (d->disk == NULL)
        return;
    uint64_t total = min_u64(disk_sectors(d->disk), LBA48_MAX);
    uint32_t chs = (uint32_t)d->heads * d->spt;
    uint32_t cylinders = chs == 0 ? 0 : (uint32_t)min_u64(total / chs, 0xffff);
    unsigned mode = d->dma_mode & 7;
    put_word(p, 0, 0x0040); /* not removable */
    put_word(p, 1, (unsigned)min_u64(total / (HEADS * SPT), CYLINDERS));
    put_word(p, 3, HEADS);
    put_word(p, 6, SPT);
    put_string(p + 20, 20, disk_serial(d->disk));
    put_string(p + 46, 8, "1.0");
    put_string(p + 54, 40, "DISCO HARD DISK");
    put_word(p, 47, 0x8000 | ATA_MULTIPLE_MAX);
    put_word(p, 49, 0x0b00); /* IORDY, LBA, DMA */
    put_word(p, 50, 0x4000);
    put_word(p, 51, 0x0200);
    put_word(p, 53, 7); /* words 54-58, 64-70 and 88 are valid */
    put_word(p, 54, cylinders);
    put_word(p, 55, d->heads);
    put_word(p, 56, d->spt);
    st_le32(p + 57 * 2, cylinders * chs);
    put_word(p, 59, d->multiple != 0 ? 0x0100u | d->multiple : 0);
    st_le32(p + 60 * 2, (uint32_t)min_u64(total, LBA28_MAX));
    put_word(p, 63, 7 | (d->dma_mode >> 5 == 1 ? 0x100u << mode : 0));
    put_word(p, 64, 3); /* PIO 3 and 4 */
    for (unsigned word = 65; word <= 68; word++)
        put_word(p, word, 120); /* ns per cycle */
    put_word(p, 80, 0x0070);    /* ATA-4 to ATA-6 */
    put_word(p, 82, 0x0060);    /* look-ahead, write cache */
    put_word(p, 83, 0x7400);    /* FLUSH CACHE (EXT), 48 bit */
    put_word(p, 84, 0x4000);
    put_word(p, 85, d->write_cache != 0 ? 0x0060 : 0x0040);
    put_word(p, 86, 0x3400);
    put_word(p, 87, 0x4000);
    put_word(p, 88, 7 | (d->dma_mode >> 6 == 1 ? 0x100u << mode : 0));
    put_word(p, 93, 0x6001);
    st_le64(p + 100 * 2, total);
}
